"""Whether each policy could see on a day: active, learning, degraded or blind, and what to do about it.

A policy says what it needs; a run says what it could read. Blindness is never silence: `nowguard run` and
`nowguard alerts list` name every blind policy instead of saying that there are no alerts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from types import MappingProxyType
from typing import Any, Literal

import pyarrow as pa

from pipelines.contracts import contract, sources

State = Literal["active", "learning", "degraded", "blind"]
_WORST_FIRST: tuple[State, ...] = ("blind", "degraded", "learning")


@dataclass(frozen=True)
class Needs:
    """What one policy must have. Tables are ServiceNow's names; columns are `table.column`."""

    policy_id: str
    tables: tuple[str, ...] = ()  # without one of them: blind
    helpful_tables: tuple[str, ...] = ()  # without one of them: degraded
    any_of: tuple[tuple[str, ...], ...] = ()  # of each group one must be readable; one missing: degraded
    columns: tuple[str, ...] = ()
    properties: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))  # name -> value it must have
    data: tuple[str, ...] = ()  # of geo, asn, ip_lists, identity
    learning_days: int = 0


@dataclass(frozen=True)
class Known:
    """What the run knows about one day.

    `table_states` are rows of `out__table_state`; empty: readability was never recorded, and tables are taken as read.
    `properties` hold what sys_properties said; None: unreadable. `ages` are days since external data was made.
    `silent`: tables that can be read and have shown no row for weeks. `unseen`: what posture says that a policy does not see.
    """

    table_states: Sequence[Mapping[str, Any]] = ()
    history_days: int = 0
    has_geo: bool = True
    has_asn: bool = True
    has_ip_lists: bool = True
    has_identity: bool = True
    properties: Mapping[str, str] | None = None
    ages: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    silent: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))  # table -> why that may be
    unseen: Mapping[str, Sequence[tuple[State, str]]] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Finding:
    state: State
    reason: str


_DATA: Mapping[str, tuple[str, str]] = {
    "geo": ("no location database", "set NOWGUARD_GEO_DB or run `nowguard geo refresh`"),
    "asn": ("no network (ASN) database", "set NOWGUARD_ASN_DB or run `nowguard geo refresh`"),
    "ip_lists": ("no IP lists", "set NOWGUARD_IP_LISTS to a folder of <category>.txt files"),
    "identity": ("no identity provider", "set NOWGUARD_ENTRA_TENANT_ID, _CLIENT_ID and _CLIENT_SECRET"),
}
_IDENTITY = {
    "entra_user": "users of the identity provider",
    "entra_deleted_user": "deleted users of the identity provider",
}
_STALE_DAYS: Mapping[str, int] = {"geo": 60, "asn": 60, "ip_lists": 7}
_WITHOUT_DATA: Mapping[str, State] = {"geo": "blind", "ip_lists": "blind", "asn": "degraded", "identity": "degraded"}


def coverage(
    policies: Iterable[Any],
    known: Known | Mapping[str, Any],
    *,
    instance: str,
    day: date,
    broken: Mapping[str, Finding] = MappingProxyType({}),
) -> pa.Table:
    """One row of `out__coverage` per policy (or `Needs`), in the order of their ids.

    `broken` says by policy id what the user's own file keeps it from doing, also of policies that exist in no other way.
    """
    facts = known if isinstance(known, Known) else Known(**known)
    rows = []
    judged = {needs.policy_id: needs for needs in map(needs_of, policies)}
    for policy_id in sorted({*judged, *broken}):
        needs = judged.get(policy_id, Needs(policy_id))
        state, reason = judge(needs, facts, day, broken.get(policy_id))
        rows.append(
            {"instance": instance, "event_date": day, "policy_id": needs.policy_id, "state": state, "reason": reason}
        )
    return pa.Table.from_pylist(rows, schema=contract("out__coverage").arrow_schema())


def judge(needs: Needs, known: Known, day: date, broken: Finding | None = None) -> tuple[State, str]:
    """The worst state that applies, and all reasons, worst first."""
    findings = [
        *([broken] if broken else []),
        *_tables(needs, known, day),
        *_columns(needs, known),
        *_properties(needs, known),
        *_silence(needs, known),
        *(Finding(state, reason) for state, reason in known.unseen.get(needs.policy_id, ())),
        *_data(needs, known),
        *_learning(needs, known),
    ]
    ordered = sorted(findings, key=lambda f: _WORST_FIRST.index(f.state))
    reasons = list(dict.fromkeys(f.reason for f in ordered))
    return (ordered[0].state if ordered else "active"), "; ".join(reasons)


def needs_of(policy: Any) -> Needs:
    """`policy.needs` in the shape of this module: the one place that knows how a policy says it."""
    if isinstance(policy, Needs):
        return policy
    said = policy.needs
    names = {name for name in Needs.__dataclass_fields__ if name != "policy_id"}
    values = {name: getattr(said, name) for name in names if hasattr(said, name)}
    return Needs(policy_id=policy.id, **values)


def _tables(needs: Needs, known: Known, day: date) -> Iterator[Finding]:
    if not known.table_states:
        return
    states = {row["table"]: row for row in known.table_states}
    for name in needs.tables:
        yield from _table(name, states.get(name), "blind", day)
    for name in needs.helpful_tables:
        yield from _table(name, states.get(name), "degraded", day)
    for group in needs.any_of:
        unreadable = [name for name in group if _is_unreadable(states.get(name))]
        for name in group:
            yield from _table(name, states.get(name), "blind" if len(unreadable) == len(group) else "degraded", day)


def _is_unreadable(row: Mapping[str, Any] | None) -> bool:
    return row is None or row["state"] != "ok"


def _table(name: str, row: Mapping[str, Any] | None, without: State, day: date) -> Iterator[Finding]:
    if row is None:
        yield Finding(without, f"{name} has not been read: run `nowguard run`")
        return
    if row["state"] != "ok":
        yield Finding(without, _unreadable(name, row))
        return
    if row.get("hidden_rows"):
        yield Finding(
            "degraded", f"{row['hidden_rows']:,} rows of {name} are hidden by ACLs: widen the account's read role"
        )
    until = row.get("complete_until")
    if isinstance(until, datetime) and _is_log(name) and until < datetime.combine(day, time.min) + timedelta(days=1):
        yield Finding("degraded", f"{name} is read up to {until:%Y-%m-%d %H:%M} only: run the day again")


def _is_log(name: str) -> bool:
    table = sources().get(name)
    return table is not None and table.source is not None and table.source.mode == "append"


def _unreadable(name: str, row: Mapping[str, Any]) -> str:
    what = {
        "denied": ("may not be read", "give the account's role a read ACL (docs/howto/connect.md)"),
        "missing": ("does not exist on this instance", "activate its plugin, or accept the gap"),
    }.get(row["state"], ("could not be read", "see `nowguard check`"))
    detail = f" ({row['reason']})" if row.get("reason") else ""
    return f"{name} {what[0]}{detail}: {what[1]}"


def _columns(needs: Needs, known: Known) -> Iterator[Finding]:
    missing = {f"{row['table']}.{column}" for row in known.table_states for column in row.get("missing_columns") or ()}
    for column in needs.columns:
        if column in missing:
            yield Finding("degraded", f"column {column} may not be read: give the account's role a field ACL")


def _properties(needs: Needs, known: Known) -> Iterator[Finding]:
    if not needs.properties:
        return
    if known.properties is None:
        names = ", ".join(sorted(needs.properties))
        yield Finding("degraded", f"cannot tell whether {names} is set: make sys_properties readable")
        return
    for name, value in sorted(needs.properties.items()):
        found = known.properties.get(name)
        if found != value:
            yield Finding("blind", f"property {name} is {found or 'absent'}: set it to {value}")


def _silence(needs: Needs, known: Known) -> Iterator[Finding]:
    """A log that can be read and says nothing for weeks is switched off more likely than quiet."""
    asked = {*needs.tables, *needs.helpful_tables, *(name for group in needs.any_of for name in group)}
    for name in sorted(asked & known.silent.keys()):
        yield Finding("degraded", f"{name} can be read and has been empty for weeks: {known.silent[name]}")


def _data(needs: Needs, known: Known) -> Iterator[Finding]:
    for name in needs.data:
        what, remedy = _DATA[name]
        if not getattr(known, f"has_{name}"):
            yield Finding(_WITHOUT_DATA[name], f"{what}: {remedy}")
        elif name == "identity":
            yield from _identity(known)
        elif name in _STALE_DAYS and known.ages.get(name, 0) > _STALE_DAYS[name]:
            yield Finding("degraded", f"{what.removeprefix('no ')} is {known.ages[name]} days old: refresh it")


def _identity(known: Known) -> Iterator[Finding]:
    """An identity provider that is configured and could not be read, wholly or in part."""
    states = {row["table"]: row for row in known.table_states}
    for table, what in _IDENTITY.items():
        row = states.get(table)
        if row is None and known.table_states:
            yield Finding("degraded", f"{what} have not been read: run `nowguard run`")
        elif row is not None and row["state"] != "ok":
            detail = f" ({row['reason']})" if row.get("reason") else ""
            yield Finding("degraded", f"{what} could not be read{detail}: see `nowguard check`")


def _learning(needs: Needs, known: Known) -> Iterator[Finding]:
    if known.history_days < needs.learning_days:
        yield Finding(
            "learning",
            f"{known.history_days} of {needs.learning_days} days of history: it learns what is usual until then",
        )
