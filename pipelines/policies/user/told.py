"""What a Sigma rule (`x_policy`) or the head of an SQL file says of its policy beyond the query, checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, get_args

from pipelines.contracts.core._activity_names import OCSF
from pipelines.errors import UsageError
from pipelines.policies.cases import activity, fires, quiet
from pipelines.policies.core import Case, Evidence, Kind, Policy, Severity, Tables
from pipelines.policies.user.changes import scoping_of
from pipelines.policies.user.locked import READABLE

KEYS = (
    "id", "title", "severity", "attack", "summary", "blind_to", "triage", "reads", "lookback", "needs", "scope", "enabled", "cases",
)  # fmt: skip
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_LONGEST = timedelta(days=7)


def policy_from(told: Mapping[str, Any], *, id_: str, query: str, path: str) -> Policy:
    """The policy that `told` and `query` make; raises `UsageError` for what is missing or unknown."""
    if foreign := sorted(told.keys() - set(KEYS)):
        raise UsageError(f"unknown key {foreign[0]}", remedy=f"choose one of {', '.join(KEYS)}")
    if not told.get("title"):
        raise UsageError("there is no title", remedy='say what an alert is called: title = "{actor} exported at night"')
    severity = told.get("severity", "medium")
    if severity not in get_args(Severity):
        raise UsageError(f"severity is {severity!r}", remedy=f"choose one of {', '.join(get_args(Severity))}")
    return Policy(
        id=id_,
        kind=Kind.ACTIVITY,
        severity=severity,
        attack=tuple(map(str, told.get("attack", ()))),
        title=str(told["title"]),
        summary=str(told.get("summary") or told["title"]),
        blind_to=str(told.get("blind_to") or "Whatever its author did not think of."),
        triage=tuple(map(str, told.get("triage", ()))) or ("Ask the author of this policy what to do.",),
        reads=_reads(told.get("reads", ("core__activity",))),
        needs=Evidence(tables=tuple(map(str, told.get("needs", ("sysevent", "syslog_transaction"))))),
        detect=_not_an_expression,
        cases=tuple(_case(case) for case in told.get("cases", ())),
        lookback=duration(str(told.get("lookback", "0s"))),
        scoping=scoping_of(told.get("scope", {})),
        enabled=bool(told.get("enabled", True)),
        query=query,
        path=path,
    )


def _not_an_expression(tables: Tables, params: Any) -> Any:
    raise UsageError("this policy is a query", remedy="evaluate it with a locked connection")


def _reads(names: Sequence[str]) -> tuple[str, ...]:
    if foreign := sorted(set(names) - set(READABLE)):
        raise UsageError(f"{foreign[0]} cannot be read", remedy=f"choose from {', '.join(READABLE)}")
    return tuple(dict.fromkeys(["core__activity", *names]))


def duration(text: str) -> timedelta:
    """`90s`, `10m`, `2h` or `1d`; seven days at most, as all state that goes further back is a feature's."""
    number, unit = text[:-1], text[-1:]
    if not number.isdigit() or unit not in _UNITS:
        raise UsageError(f"{text!r} is no duration", remedy="write 90s, 10m, 2h or 1d")
    found = timedelta(seconds=int(number) * _UNITS[unit])
    if found > _LONGEST:
        raise UsageError(f"{text} is too long", remedy="look back seven days at most; write a Python policy for more")
    return found


def _case(told: Any) -> Case:
    """`{name, alerts, rows: [{user, time, activity, count, every, ...columns}]}`; times are of one day, `-1 23:00` before."""
    try:
        rows = [
            activity(
                str(row["user"]), str(row["time"]), str(row["activity"]), nth=n, later=int(n * float(row.get("every", 1))),
                **{k: v for k, v in row.items() if k not in ("user", "time", "activity", "count", "every")},
            )
            for row in told["rows"]
            for n in range(int(row.get("count", 1)))
        ]  # fmt: skip
        alerts = int(told["alerts"])
        name = str(told["name"])
    except (KeyError, TypeError, ValueError) as error:
        names = ", ".join(sorted(OCSF))
        raise UsageError(
            f"a case is wrong: {type(error).__name__} {error}",
            remedy=f"give name, alerts and rows with user, time (08:00) and activity, one of {names}",
        ) from None
    return fires(name, *rows, alerts=alerts) if alerts else quiet(name, *rows)
