"""Authentication: single sign-on and OAuth (34-41)."""

from __future__ import annotations

from functools import partial

from pipelines.posture.checks import Property
from pipelines.posture.controls._declare import setting
from pipelines.posture.core import Category, Release
from pipelines.posture.values import TRUE, Between, Blank, HoldsNone

_setting = partial(setting, Category.AUTHENTICATION)

_DEMO_KEYSTORES = ("c60ad24b732220103a5b0dd43cf6a7db", "3685fc22930212003c5537ae867ffb91")

CONTROLS = (
    _setting(
        "34",
        "saml_clock_skew_short",
        "A SAML assertion is accepted for less than a minute beyond its time",
        Property("glide.authenticate.sso.saml2.clockskew", Between(below=60, unit="seconds"), ships="180"),
        7.5,
        "sc-saml-notbefore-or-notonorafter-constraint",
        why="An assertion that was recorded can be replayed for as long as that.",
        impact="Logins fail where the clocks of the identity provider and the instance differ by more.",
        release=Release(until=6.0),
    ),
    _setting(
        "35",
        "saml_relay_state_with_id",
        "SAML requests carry the id of their relay state",
        Property("glide.authenticate.sso.saml2.enable_relay_state_with_id", TRUE, absent="false", ships="true"),
        3.8,
        "sc-enable-relay-state-in-saml-requests-to-prevent-replay-attacks",
        why="A request that somebody recorded can otherwise be sent once more.",
        impact="The relay state holds an id instead of an address; custom login pages that read it change.",
        release=Release(since=6.0),
    ),
    _setting(
        "36",
        "saml_demo_keystore_unused",
        "SAML does not use a demo key",
        Property(
            "glide.authenticate.sso.saml2.keystore",
            HoldsNone(_DEMO_KEYSTORES, "the keystores of the demo data"),
            absent="",
        ),
        3.9,
        "sc-do-not-use-demo-certificates-active-saml-configurations-plugin",
        why="The demo keys are the same on every instance and their passphrase is known.",
        impact="The identity provider needs the certificate of the new keystore.",
        steps=("Create a keystore of your own in sys_certificate.list.",),
    ),
    _setting(
        "37",
        "account_recovery_enabled",
        "Only named administrators bypass single sign-on",
        Property("glide.sso.acr.enabled", TRUE, absent="false"),
        6.5,
        "sc-account-recovery",
        why="Local passwords otherwise stay a way around the identity provider.",
        impact="People without a recovery account cannot log in locally.",
    ),
    _setting(
        "38",
        "oauth_password_grant_disabled",
        "OAuth tokens are not given for a user name and a password",
        Property("glide.oauth.inbound.ropc.grant_type.disabled", TRUE, absent="false", ships="false"),
        3.3,
        "sc-disable-resource-owner-password-credentials-ropc-in-oauth-2-token-grants",
        why="That grant shows the password to the application and asks for no second factor.",
        impact="Clients that exchange a password for a token fail; nowguard connect is one of them.",
        release=Release(since=7.0),
    ),
    _setting(
        "39",
        "oauth_implicit_grant_disallowed",
        "No OAuth client uses the implicit grant",
        Property("glide.oauth.clients.allowed.for.implicit.grant", Blank(), absent="", ships=""),
        3.9,
        "sc-prevent-oauth-clients-from-using-implicit-grant",
        why="It writes tokens into addresses, where histories and logs keep them.",
        impact="Clients of that kind need another grant.",
        release=Release(since=8.0),
    ),
    _setting(
        "40",
        "oauth_state_required",
        "OAuth requests carry a state",
        Property("glide.oauth.state.parameter.required", TRUE, absent="false"),
        4.2,
        "sc-enforce-oauth-state-parameter-validation",
        why="Without it a page can make somebody's browser finish a login that the attacker began.",
        impact="Clients that send no state are refused.",
    ),
    _setting(
        "41",
        "oauth_parameters_in_body_only",
        "OAuth secrets come in the body, not in the address",
        Property("glide.oauth.allow.parameters.in.post.body.only", TRUE, ships="true"),
        4.2,
        "sc-restrict-oauth-parameters-to-post-body",
        why="What stands in an address ends up in logs.",
        impact="Clients that send their secret in the address are refused.",
        release=Release(since=2.0),
    ),
)
