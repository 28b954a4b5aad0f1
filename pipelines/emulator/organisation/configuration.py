"""What administrators set: properties, plugins, log-in rules. Mostly as recommended, with drawn deviations."""

from __future__ import annotations

import numpy as np

from pipelines.emulator.organisation.clock import DAY, instant, moment
from pipelines.emulator.organisation.hardening import HARDENING
from pipelines.emulator.organisation.people import People
from pipelines.emulator.organisation.population import Population
from pipelines.emulator.organisation.streams import Streams
from pipelines.emulator.organisation.world import Change

Row = dict[str, str]

ROLE_CRITERION = "d427668b73003300fdbd04fbc4f6a7b6"
MFA_POLICY = "653209367f730210674d91fadc8665d3"
LOCKOUT_ACTIONS = (
    ("5e44f9bf0a0a0a0a019a6440b2137767", "SNC User Lockout Check", False),
    ("d92636b2975301008e00958e3b297567", "SNC User Lockout Check with Auto Unlock", True),
)
MASKED = "********"
#: Values that the platform does not transport.
SECRETS = (("glide.smtp.password", "password2"), ("sn_sso.client_secret", "password2"))
PLUGINS = (
    ("com.glide.role_management", "Contextual Security"),
    ("com.snc.system_security", "Security Jump Start"),
    ("com.snc.snc_access_control", "SNC Access Control"),
    ("com.snc.ipauthenticator", "IP Range Based Authentication"),
    ("com.glide.email_filter", "Email Filters"),
)


def stamped(at: int, by: str = "admin") -> Row:
    """The audit columns of a row that was written at `at` (epoch seconds) and never changed."""
    time = moment(at)
    return {
        "sys_created_on": time,
        "sys_created_by": by,
        "sys_updated_on": time,
        "sys_updated_by": by,
        "sys_mod_count": "0",
    }


def configuration_tables(
    population: Population, streams: Streams, people: People, start: int, known: frozenset[str]
) -> dict[str, list[Row]]:
    """Rows by table; `known` are properties that the organisation has already."""
    old = stamped(start - 500 * DAY)
    return {
        "sys_properties": [*_properties(population, streams, known, old), *_secrets(streams, old)],
        "v_plugin": [{"sys_id": streams.sys_id("plugin", id_), "id": id_, "name": name, "active": "active", "version": "1.0.0"} for id_, name in PLUGINS],
        "sys_plugins": [
            {"sys_id": streams.sys_id("plugin", id_), "source": id_, "name": name, "active": "true", "version": "1.0.0", **old} for id_, name in PLUGINS
        ],
        "multi_factor_criteria": [{"sys_id": ROLE_CRITERION, "name": "Role based multi-factor authentication", "active": "true", **old}],
        "sys_authentication_policy": [{"sys_id": MFA_POLICY, "name": "Enforce MFA for non-SSO logins", "active": "true", **old}],
        "sysevent_script_action": [
            {"sys_id": sys_id, "name": name, "event_name": "login.failed", "active": str(on).lower(), **old}
            for sys_id, name, on in LOCKOUT_ACTIONS
        ],
        "password_policy": [
            {"sys_id": streams.sys_id("policy", "default"), "name": "Default", "min_password_length": "8", "max_password_length": "100", **old}
        ],
        "pwd_cred_store": [
            {"sys_id": streams.sys_id("store", "local"), "name": "Local ServiceNow Instance", "enable_password_policy": "true",
             "password_policy": streams.sys_id("policy", "default"), **old}
        ],
        "blacklisted_password": [
            {"sys_id": streams.sys_id("refused", number), "password": f"refused-{number}", **old} for number in range(population.refused_passwords)
        ],
        "ip_access": [
            {"sys_id": streams.sys_id("range", first), "active": "true", "type": "allow", "direction": "inbound", "range_start": first,
             "range_end": last, **old}
            for first, last in (("198.51.100.0", "198.51.100.255"), ("203.0.113.0", "203.0.113.255"))
        ],
        "user_multifactor_auth": _enrolments(population, streams, people, old),
    }  # fmt: skip


def _properties(population: Population, streams: Streams, known: frozenset[str], old: Row) -> list[Row]:
    rng = streams.of("configuration", "properties")
    absent = rng.random(len(HARDENING)) < population.absent_property_share
    followed = rng.random(len(HARDENING)) < population.hardened_share
    return [
        {"sys_id": streams.sys_id("property", name), "name": name, "value": wanted if follows else other,
         "type": _type(wanted), "private": "false", **old}
        for (name, wanted, other), is_absent, follows in zip(HARDENING, absent, followed, strict=True)
        if not is_absent and name not in known
    ]  # fmt: skip


def _type(value: str) -> str:
    return "boolean" if value in {"true", "false"} else "integer" if value.isdigit() else "string"


def _secrets(streams: Streams, old: Row) -> list[Row]:
    return [
        {"sys_id": streams.sys_id("property", name), "name": name, "value": MASKED, "type": kind, "private": "true", **old}
        for name, kind in SECRETS
    ]  # fmt: skip


def loosened(streams: Streams, start: int, days: int) -> list[Change]:
    """In the last quarter somebody switches the lock-out of accounts off and opens the chat page to everybody."""
    at = start + (days - max(1, days // 4)) * DAY + 50_000
    stamp = {"sys_updated_on": moment(at), "sys_updated_by": "admin"}
    return [
        Change(instant(at), "sysevent_script_action", sys_id, {"active": "false", **stamp})
        for sys_id, _, on in LOCKOUT_ACTIONS
        if on
    ] + [
        Change(
            instant(at),
            "sys_public",
            streams.sys_id("public", "sn_va_web_client_app_embed"),
            {"active": "true", **stamp},
        )
    ]


def _enrolments(population: Population, streams: Streams, people: People, old: Row) -> list[Row]:
    """Second factors of those who log in with a password."""
    local = np.flatnonzero(~people.sso & people.employees)
    enrolled = local[streams.of("configuration", "factors").random(len(local)) < population.enrolled_share]
    return [
        {"sys_id": streams.sys_id("factor", people.sys_id[at]), "user": people.sys_id[at], "validated": "true", **old}
        for at in enrolled.tolist()
    ]  # fmt: skip
