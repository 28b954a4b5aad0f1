"""What the tests know of the settings, written down from the vendor's pages and not from the declarations.

`facts.csv`: one row per property that a recommendation reads. `rule` is read by `oracle`; `good` and `bad` are samples,
`absent` is the value in force without a row (`?`: not documented), `absent_state` the state of the recommendation where
none of its properties and rows is there. `ROWS_*`: the same for what is not a property.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.posture.world import Row

Rows = Mapping[str, tuple[Row, ...]]


@dataclass(frozen=True)
class Fact:
    ref: str
    id: str
    property: str
    rule: str
    good: str
    bad: str
    absent: str
    since: float
    absent_state: str


def _facts() -> dict[str, list[Fact]]:
    found: dict[str, list[Fact]] = {}
    with Path(__file__).with_name("facts.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            fact = Fact(**{**row, "since": float(row["since"])})  # type: ignore[arg-type]
            found.setdefault(fact.ref, []).append(fact)
    return found


#: Properties by the number of the recommendation.
FACTS = _facts()

#: One of the properties is enough.
ANY_OF = {"117", "134"}


def _plugin(name: str, active: str = "active") -> Rows:
    return {"v_plugin": ({"id": name, "active": active},)}


_CRITERION = "d427668b73003300fdbd04fbc4f6a7b6"
_LOCKOUT, _LOCKOUT_UNLOCK = "5e44f9bf0a0a0a0a019a6440b2137767", "d92636b2975301008e00958e3b297567"


def _criterion(active: str) -> Rows:
    return {"multi_factor_criteria": ({"sys_id": _CRITERION, "active": active},)}


def _policy(active: str) -> Rows:
    """The policy of Yokohama and later."""
    name = "Enforce MFA for non-SSO logins"
    return {
        "sys_authentication_policy": (
            {"sys_id": "653209367f730210674d91fadc8665d3", "name": name, "active": active},
            {"sys_id": "81", "name": "Session Validation Policy", "active": "true"},
        )
    }


def _store(enforced: str, low: str, high: str) -> Rows:
    return {
        "pwd_cred_store": ({"sys_id": "51", "enable_password_policy": enforced, "password_policy": "61"},),
        "password_policy": ({"sys_id": "61", "min_password_length": low, "max_password_length": high},),
    }


def _excluded(rows: int) -> Rows:
    return {"posture_count": ({"question": "blacklisted_password", "rows": rows},)}


PLUGINS = {
    "1": "com.glide.high_security",
    "2": "com.glide.role_management",
    "3": "com.snc.system_security",
    "4": "com.snc.snc_access_control",
    "5": "com.snc.ipauthenticator",
    "146": "com.glide.security.audit",
    "148": "com.glide.email_filter",
}

#: Rows beside the properties with which a recommendation is met.
ROWS_GOOD: Mapping[str, Rows] = {
    **{ref: _plugin(name) for ref, name in PLUGINS.items()},
    "5": {**_plugin(PLUGINS["5"]), "ip_access": ({"sys_id": "41", "active": "true"},)},
    "21": {**_criterion("true"), **_policy("true")},
    "22": _criterion("true"),
    "27": {"sysevent_script_action": ({"sys_id": _LOCKOUT_UNLOCK, "active": "true"},)},
    "31": _store("true", "15", "64"),
    "32": _excluded(5000),
    "105": {"sys_public": ({"sys_id": "71", "page": "sn_va_web_client_app_embed", "active": "false"},)},
}

#: Each of these in the place of the rows above is enough not to meet it.
ROWS_BAD: Mapping[str, tuple[Rows, ...]] = {
    **{ref: (_plugin(name, "inactive"),) for ref, name in PLUGINS.items()},
    "5": (
        _plugin(PLUGINS["5"]),
        {**_plugin(PLUGINS["5"]), "ip_access": ({"sys_id": "41", "active": "false"},)},
        {**_plugin(PLUGINS["5"], "inactive"), "ip_access": ({"sys_id": "41", "active": "true"},)},
    ),
    "21": (
        {**_criterion("false"), **_policy("true")},
        {**_criterion("true"), **_policy("false")},
        _criterion("true"),
        _policy("true"),
    ),
    "22": (_criterion("false"), {}),
    "27": ({"sysevent_script_action": ({"sys_id": _LOCKOUT, "active": "false"},)}, {}),
    "31": (
        _store("false", "15", "64"),
        _store("true", "14", "64"),
        _store("true", "15", "63"),
        _store("true", "", "64"),
        {"pwd_cred_store": ({"sys_id": "51", "enable_password_policy": "true", "password_policy": ""},)},
    ),
    "32": (_excluded(4999),),
    "105": ({"sys_public": ({"sys_id": "71", "page": "sn_va_web_client_app_embed", "active": "true"},)},),
}

#: The state without any row, for those that read no property.
ROWS_ABSENT_STATE = {
    **dict.fromkeys(("1", "2", "3", "4", "5"), "not_compliant"),  # a plugin that is not listed is not active
    "31": "compliant",  # no credential store: nothing to hold against it
    "105": "compliant",  # no record: not public
}

REFS = tuple(str(number) for number in range(1, 150))
