"""Authentication: password reset and the registration of external users (42-52)."""

from __future__ import annotations

from functools import partial

from pipelines.posture.checks import Property
from pipelines.posture.controls._declare import setting
from pipelines.posture.core import Category
from pipelines.posture.values import FALSE, TRUE, Domains, at_least, at_most, between, exactly

_setting = partial(setting, Category.AUTHENTICATION)

CONTROLS = (
    _setting(
        "42",
        "reset_token_short_lived",
        "A password reset link is valid for an hour",
        Property("glide.pwd_reset.onetime.token.validity", exactly(1, "hour"), absent="1", ships="1"),
        4.6,
        "sc-set-otp-lifetime-for-password-reset-to-12-hours-or-less",
        why="A link in a mailbox opens the account for as long as it lives.",
        impact="People who read the mail later ask for another one.",
    ),
    _setting(
        "43",
        "reset_attempts_limited",
        "Three failed password resets lock the reset",
        Property("password_reset.request.max_attempt", at_most(3), absent="3"),
        7.5,
        "sc-reset-password-request-max-attempts",
        why="The answers that a reset asks for can otherwise be guessed.",
        impact="People who fail three times wait.",
    ),
    _setting(
        "44",
        "reset_lockout_lasts_a_day",
        "A locked password reset stays locked for a day",
        Property("password_reset.request.max_attempt_window", at_least(1440, "minutes"), absent="1440"),
        None,
        "sc-reset-password-request-max-attempts-window",
        why="A short wait allows many attempts in a night.",
        impact="People who failed ask the service desk or wait a day.",
    ),
    _setting(
        "45",
        "reset_request_expires_soon",
        "A password reset has to be finished within ten minutes",
        Property("password_reset.request.expiry", at_most(10, "minutes"), absent="100"),
        4.2,
        "sc-reset-password-request-expiration",
        why="An open request can be taken over.",
        impact="People who take longer begin again.",
    ),
    _setting(
        "46",
        "reset_retry_window_lasts_a_day",
        "Failed password resets are counted over a day",
        Property("password_reset.request.retry_window", at_least(1440, "minutes"), absent="1440"),
        7.5,
        "sc-reset-password-request-retry-window",
        why="A count that starts again soon never reaches its limit.",
        impact="Attempts of the morning still count in the evening.",
    ),
    _setting(
        "47",
        "reset_sms_code_long",
        "Reset codes by SMS have six digits or more",
        Property("password_reset.sms.default_complexity", at_least(6, "digits"), absent="4"),
        None,
        "sc-reset-password-sms-complexity",
        why="Four digits are ten thousand guesses.",
        impact="People type two digits more.",
    ),
    _setting(
        "48",
        "reset_sms_code_short_lived",
        "Reset codes by SMS are valid for five minutes at most",
        Property("password_reset.sms.expiry", at_most(5, "minutes"), absent="5"),
        5.6,
        "sc-reset-password-sms-expiracy",
        why="The longer a code lives, the more guesses fit in.",
        impact="People whose message comes late ask for another code.",
    ),
    _setting(
        "49",
        "reset_captcha_required",
        "A password reset asks for a CAPTCHA",
        Property("password_reset.captcha.ignore", FALSE, absent="false"),
        5.6,
        "sc-enable-captcha-in-password-reset",
        why="Scripts can otherwise try accounts one after the other.",
        impact="People solve a CAPTCHA when they reset their password.",
    ),
    _setting(
        "50",
        "registration_domains_listed",
        "External users register from listed mail domains only",
        Property("sn_ext_usr_reg.allowed_email_domains", Domains()),
        7.5,
        "sc-external-user-registration-email-domain-allowlist",
        why="Otherwise anybody gives himself an account.",
        impact="Addresses of other domains cannot register.",
    ),
    _setting(
        "51",
        "registration_link_short_lived",
        "A registration link is valid for three days at most",
        Property("sn_ext_usr_reg.Reg_link_expiration_days", between(1, 3, "days"), absent="3"),
        6.6,  # the page has the number and the word in each other's place
        "sc-external-user-registration-link-expiration",
        why="An old link that is found opens an account for its finder.",
        impact="People who react later ask for another link.",
    ),
    _setting(
        "52",
        "registration_captcha_required",
        "Registration asks for a CAPTCHA",
        Property("sn_ext_usr_reg.captchaEnabled", TRUE, absent="true"),
        3.7,
        "sc-enable-captcha-external-user-registration",
        why="Scripts can otherwise register accounts by the thousand.",
        impact="People solve a CAPTCHA when they register.",
    ),
)
