"""One-line builders of the rows that prove a policy, and of the cases made of them.

    fires("at fifty-one", *downloads("ann", "08:00:00", 51))        exactly one alert
    quiet("one short", *downloads("ann", "08:00:00", 50))           nothing
    held("by usual network", "usual_network", *rows)                a behavior with that reason, and no alert

A time is `08:00`, `08:00:00`, or with `-1 ` before it for the day before. Columns take the ordinary value of a person's
successful activity at home (Utrecht, on a laptop); whatever a case is about is said in its line.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from types import MappingProxyType
from typing import Any

from pipelines.contracts import contract
from pipelines.contracts.core._activity_names import OCSF
from pipelines.policies.core import Case, Row, Sensitivity, Value

DAY = date(2026, 3, 4)
INSTANCE = "acme"

#: country, latitude, longitude of the places that cases travel between.
CITIES: Mapping[str, tuple[str, float, float]] = MappingProxyType(
    {
        "Utrecht": ("NL", 52.09, 5.12),
        "Antwerp": ("BE", 51.22, 4.40),
        "Groningen": ("NL", 53.22, 6.57),
        "Boston": ("US", 42.36, -71.06),
        "Denver": ("US", 39.74, -104.99),
        "Lagos": ("NG", 6.52, 3.38),
        "Lisbon": ("PT", 38.72, -9.14),
        "Madrid": ("ES", 40.42, -3.70),
        "Hanoi": ("VN", 21.03, 105.85),
        "Osaka": ("JP", 34.69, 135.50),
    }
)
HOSTILE = (
    "'; DROP TABLE core__activity; --",
    "<script>alert(1)</script>",
    '=HYPERLINK("http://x")',
    "\x1b[31mred\x07\r\n\u202egnp.exe",
    "{actor} {0} %s ${x} \\",
    "\u0130\u00df\ud55c\U0001f9e8 " + "x" * 300,
    "",
)


def at(when: str) -> datetime:
    """`08:00:30` on the day of the case, `-1 23:59:40` the day before."""
    offset, _, clock = when.rpartition(" ")
    return datetime.combine(DAY + timedelta(days=int(offset or 0)), time.fromisoformat(clock))


def activity(
    user: str, when: str, name: str, *, nth: int = 0, later: float = 0, city: str = "Utrecht", **values: Any
) -> Row:
    """One row of `core__activity`. `later` seconds are added to the time, `nth` tells rows of one second apart."""
    moment = at(when) + timedelta(seconds=later)
    uid = values.pop("activity_uid", f"sysevent:{name}-{user[:12]}-{moment:%d%H%M%S}-{nth}")
    country, latitude, longitude = CITIES[city]
    class_uid, activity_id = OCSF[name]
    row: dict[str, Any] = {
        "instance": INSTANCE,
        "event_date": moment.date(),
        "activity_uid": uid,
        "time": moment,
        "activity_name": name,
        "class_uid": class_uid,
        "activity_id": activity_id,
        "status": "success",
        "actor_user_uid": f"uid-{user}",
        "actor_user_name": user,
        "is_impersonated": False,
        "effective_user_name": user,
        "is_interactive": True,
        "is_own": False,
        "is_system": False,
        "src_ip": "203.0.113.10",
        "ip_source": "event",
        "country": country,
        "city": city,
        "latitude": latitude,
        "longitude": longitude,
        "asn": 64500,
        "as_org": "Home Line",
        "ip_categories": [],
        "device_key": "firefox/linux/pc",
        "agent_kind": "browser",
        "is_integration": False,
        "is_external": False,
        "is_privileged": False,
        "is_account_active": True,
        "profile_source": "observed",
        "source_table": "sysevent",
        "source_uid": uid.partition(":")[2],
    }
    return Row("core__activity", row | values)


def login(user: str, when: str, **values: Any) -> Row:
    return activity(user, when, "login", **values)


def failure(user: str, when: str, **values: Any) -> Row:
    given: dict[str, Any] = {"status": "failure", "is_interactive": None}
    return activity(user, when, "login_failed", **given | values)


def failures(user: str, when: str, count: int, every: float = 1, **values: Any) -> tuple[Row, ...]:
    """`count` failed logins, `every` seconds apart."""
    return tuple(failure(user, when, nth=n, later=int(n * every), **values) for n in range(count))


def download(user: str, when: str, *, file: str = "file", **values: Any) -> Row:
    given: dict[str, Any] = {
        "resource_type": "file",
        "resource_uid": file,
        "resource_name": f"{file}.pdf",
        "bytes": 1000,
    }
    return activity(user, when, "file_downloaded", **given | values)


def downloads(user: str, when: str, count: int, every: float = 1, *, files: int = 0, **values: Any) -> tuple[Row, ...]:
    """`count` downloads `every` seconds apart, of as many different files, or of `files` in turn."""
    return tuple(
        download(user, when, nth=n, later=int(n * every), file=f"file{n % (files or count)}", **values)
        for n in range(count)
    )


def known(user: str, kind: str, value: str, *, days: int = 10, users: int = 1, last: int = 1) -> Row:
    """A row of `state__seen` as of the day before: shown on `days` days, latest `last` days ago. User `*`: organisation."""
    return Row(
        "state__seen",
        {
            "instance": INSTANCE,
            "event_date": DAY - timedelta(days=1),
            "user_uid": user if user == "*" else f"uid-{user}",
            "kind": kind,
            "value": value,
            "first_seen": at(f"-{last + days} 08:00"),
            "last_seen": at(f"-{last} 17:00"),
            "day_count": days,
            "user_count": users,
        },
    )


def tenure(user: str, *, days: int = 30, logins: int = 30) -> Row:
    """A row of `state__user_tenure`: known for `days` days with so many logins."""
    return Row(
        "state__user_tenure",
        {
            "instance": INSTANCE,
            "event_date": DAY - timedelta(days=1),
            "user_uid": f"uid-{user}",
            "first_seen": at(f"-{days} 08:00"),
            "last_seen": at("-1 17:00"),
            "login_count": logins,
            "active_day_count": days,
            "last_login": at("-1 08:00"),
        },
    )


def last_place(user: str, when: str, **values: Any) -> Row:
    """A row of `state__user_place`: where somebody was last, the day before."""
    place = login(user, when, **values).values
    columns = contract("state__user_place").columns
    shared = {name: value for name, value in place.items() if name in columns}
    return Row(
        "state__user_place",
        shared | {"user_uid": f"uid-{user}", "user_name": user, "slot": "firm", "egress": "line"},
    )


def scored(user: str, risk: float, **values: Any) -> Row:
    """A row of `out__model_score` on the day of the case."""
    row: dict[str, Any] = {
        "instance": INSTANCE,
        "event_date": DAY,
        "model_id": "user_day",
        "model_revision": "f00d",
        "user_uid": f"uid-{user}",
        "user_name": user,
        "peer_group": "organisation",
        "decided_by": "rolling",
        "depth": 10 - risk / 10,
        "risk_score": risk,
        "percentile": 99.0,
        "second_opinion": 99.0,
        "surprise": 3.0,
        "surprise_7d": 3.0,
        "strange_days_7d": 1,
        "is_in_budget": risk >= 50,
    }
    return Row("out__model_score", row | values)


def account(user: str, **values: Any) -> Row:
    """A row of `core__user`: an active account as it was seen tonight, unless said otherwise."""
    row = {"instance": INSTANCE, "event_date": DAY, "user_uid": f"uid-{user}", "user_name": user, "is_active": True}
    return Row("core__user", {**row, "profile_source": "observed", **values})


def identity(user: str, **values: Any) -> Row:
    """A row of `core__identity`: matched and enabled at the identity provider, unless said otherwise."""
    row: dict[str, Any] = {
        "instance": INSTANCE,
        "event_date": DAY,
        "user_uid": f"uid-{user}",
        "user_name": user,
        "match_state": "matched",
        "matched_by": "mail is sign-in name",
        "directory_id": f"entra-{user}",
        "principal_name": f"{user}@corp.example",
        "is_enabled": True,
        "is_deleted": False,
        "seen_at": at("1 01:00"),
        "profile_source": "observed",
    }
    return Row("core__identity", row | values)


def ended(user: str, **values: Any) -> Row:
    """A row of `state__departure` as of the day before: `off_since`, `disabled_since`, `deleted_at` and so on."""
    row = {"instance": INSTANCE, "event_date": DAY - timedelta(days=1), "user_uid": f"uid-{user}"}
    return Row(
        "state__departure",
        row | {k: at(v) if isinstance(v, str) and k.endswith(("since", "_at")) else v for k, v in values.items()},
    )


def regular(user: str) -> tuple[Row, ...]:
    """Somebody known for a month, at home on the usual line and laptop."""
    return (
        tenure(user),
        known(user, "country", "NL"),
        known(user, "city", "NL/Utrecht"),
        known(user, "asn", "64500"),
        known(user, "ip", "203.0.113.10"),
        known(user, "device", "firefox/linux/pc"),
    )


def fires(name: str, *rows: Row, alerts: int = 1, behaviors: int = 0, **options: Any) -> Case:
    """So many alerts; `having` names columns or facts that each of them shows."""
    return _case(name, rows, alerts=alerts, behaviors=behaviors, **options)


def quiet(name: str, *rows: Row, **options: Any) -> Case:
    """Neither alert nor behavior."""
    return _case(name, rows, **options)


def held(name: str, by: str, *rows: Row, behaviors: int = 1, alerts: int = 0, **options: Any) -> Case:
    """Seen and not raised, because of the suppression `by`."""
    return _case(name, rows, alerts=alerts, behaviors=behaviors, suppressed_by=by, **options)


def _case(
    name: str,
    rows: tuple[Row, ...],
    *,
    alerts: int = 0,
    behaviors: int = 0,
    suppressed_by: str = "",
    having: Mapping[str, Any] | None = None,
    params: Mapping[str, Value] | None = None,
    sensitivity: Sensitivity = "medium",
) -> Case:
    for row in rows:
        if foreign := row.values.keys() - set(contract(row.table).columns):
            raise ValueError(f"case {name!r} gives {row.table} the unknown columns {sorted(foreign)}")
    return Case(name, rows, DAY, alerts, behaviors, suppressed_by, having or {}, params or {}, sensitivity)
