"""Authentication: second factors, lock-out, passwords and the directory (22-33)."""

from __future__ import annotations

from functools import partial

from pipelines.posture.checks import Counted, Every, Property, SomeRows
from pipelines.posture.controls._declare import setting
from pipelines.posture.controls._tables import active, role_criterion
from pipelines.posture.core import Category, Release, Severity
from pipelines.posture.values import FALSE, TRUE, at_least, at_most, between, exactly

_setting = partial(setting, Category.AUTHENTICATION)

# The two script actions that lock an account after failed logins, as they ship.
_LOCKOUT_ACTIONS = ("5e44f9bf0a0a0a0a019a6440b2137767", "d92636b2975301008e00958e3b297567")

CONTROLS = (
    _setting(
        "22",
        "mfa_role_criterion_active",
        "Multi-factor authentication covers the administrative roles",
        Every((Property("glide.authenticate.multifactor", TRUE, absent="false"), role_criterion())),
        5.7,
        "sc-role-based-multi-factor-authentication",
        why="Administrators are who a stolen password is worth most with.",
        impact="Holders of admin, security_admin and user_admin set up a second factor at their next login.",
    ),
    _setting(
        "23",
        "mfa_setup_bypass_disallowed",
        "Setting up a second factor cannot be put off",
        Property("glide.authenticate.multifactor.setup.bypass.count", exactly(0), absent="0", ships="0"),
        3.9,
        "sc-reduce-allowed-bypasses-for-multifactor-setup",
        why="Until the factor is set up the password alone opens the account.",
        impact="People set up their factor at the first login that asks for it.",
        release=Release(since=6.0),
    ),
    _setting(
        "24",
        "mfa_one_time_code_short_lived",
        "A code that is sent by mail is valid for ten minutes at most",
        Property("glide.multifactor.onetime.code.validity", between(1, 10, "minutes"), ships="10"),
        3.9,
        "sc-short-one-time-out-of-band-verifier-lifetime",
        why="The longer a code lives, the longer it can be fished for or read over a shoulder.",
        impact="Who waits longer than that for the mail asks for another code.",
        release=Release(until=7.0),
    ),
    _setting(
        "25",
        "mfa_email_otp_disabled",
        "Mail is not offered as a second factor",
        Property("glide.authenticate.multifactor.email.otp.enabled", FALSE, ships="true"),
        3.1,
        "sc-enable-email-otp-for-multi-factor-authentication",
        why="Whoever has the mailbox often has the password as well.",
        impact="People who use mail as their second factor need an app or a key.",
    ),
    _setting(
        "26",
        "voice_agent_mfa_required",
        "The AI voice agent asks for a second factor",
        Property("glide.voice.authenticate.mfa_mandatory", TRUE, absent="true", ships="true"),
        3.3,
        "sc-require-multi-factor-authentication-for-ai-voice-agent",
        why="A voice session with one factor is as weak as that factor.",
        impact="Callers have set up more than one factor before they use the voice agent.",
        release=Release(since=8.0),
    ),
    _setting(
        "27",
        "failed_logins_lock_out",
        "Five failed logins lock an account",
        Every(
            (
                SomeRows(
                    "active lock-out script actions",
                    lambda t: (
                        (a := t["sysevent_script_action"])
                        .filter(a.sys_id.isin(_LOCKOUT_ACTIONS), active(a.active))
                        .select(uid=a.sys_id)
                    ),
                    {"sysevent_script_action": ("sys_id", "active")},
                    repair=("In sysevent_script_action.list activate SNC User Lockout Check or its auto unlock twin.",),
                ),
                Property("glide.user.max_unlock_attempts", at_most(5), absent="5"),
            )
        ),
        7.3,
        "sc-managing-failed-login-attempts",
        why="Nothing else ends the guessing of passwords.",
        impact="People who mistype five times are locked out.",
    ),
    # The page also names the auto unlock script action. Where only its twin runs, an account stays locked until somebody
    # unlocks it, which is stricter: 27 asks for either.
    _setting(
        "28",
        "lockout_lasts_long_enough",
        "A locked account stays locked for fifteen minutes",
        Property("glide.user.unlock_timeout_in_mins", at_least(15, "minutes"), absent="15"),
        6.8,
        "sc-managing-unlock-timeout-after-failed-logins",
        why="An account that unlocks at once can be guessed at without end.",
        impact="People who locked themselves out wait, or ask the service desk.",
    ),
    _setting(
        "29",
        "blank_passwords_rejected",
        "A blank password is no password",
        Property("glide.login.no_blank_password", TRUE),
        Severity(word="High"),
        "sc-disable-password-less-authentication",
        why="An account whose password was left empty is open to everybody who knows its name.",
        impact="Accounts without a password cannot log in locally.",
        release=Release(until=7.0),
    ),
    _setting(
        "30",
        "password_policy_enabled",
        "New passwords are held against the password policy",
        Property("glide.enable.password_policy", TRUE, absent="false"),
        7.4,
        "sc-enable-password-reset-policy-checks",
        why="Without it any password passes, however short.",
        impact="People choose a password that the policy accepts.",
        irreversible=True,
    ),
    _setting(
        "32",
        "common_passwords_rejected",
        "Common passwords are rejected",
        Every(
            (
                Property("glide.enable.blacklist_password", TRUE, ships="true"),
                Counted(
                    "blacklisted_password",
                    "excluded passwords",
                    at_least=5000,
                    repair=("Load a list of at least 5,000 common passwords into blacklisted_password.",),
                ),
            )
        ),
        5.9,
        "sc-enable-blacklisted-passwords-validation-check",
        why="Lists of leaked passwords are the first thing that is tried.",
        impact="People who choose a listed password choose again.",
    ),
    _setting(
        "33",
        "ldap_uses_tls",
        "The directory is asked over TLS",
        Property("glide.ldap.use.ssl", TRUE, ships="true"),
        8.1,
        "sc-enable-ssl-in-ldap-authentication",
        why="Otherwise directory passwords cross the network in clear text.",
        impact="The directory server needs a certificate that the instance trusts.",
        release=Release(until=6.0),
    ),
)
