"""Windows of several days for one policy: rows drawn from its own cases, moved in time, and judged as the nightly run judges.

State is carried by the features from night to night; what the cases say was known before the first night is what it starts
from. A policy is judged with the engine's own `evaluate`, and what it saw is folded into alerts and behaviors.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import duckdb
import pyarrow as pa
from hypothesis import strategies as st

from pipelines.alerts.fold import Folded, fold
from pipelines.contracts import contract
from pipelines.features import PREVIOUS, features
from pipelines.policies import evaluate
from pipelines.policies.cases import DAY, INSTANCE
from pipelines.policies.core import Case, Policy, Row
from pipelines.policies.evaluate import first_day
from pipelines.window import days_between
from tests.features.nights import Nights, of_table, unique

NIGHTS = 3
WINDOW = tuple(DAY + timedelta(days=n) for n in range(NIGHTS))
BEFORE = DAY - timedelta(days=1)
SNAPSHOTS = ("core__user", "core__identity")
CON = duckdb.connect(config={"threads": 1})

Days = Sequence[date]


@dataclass(frozen=True)
class Scene:
    """A case that happens `nights` later, its activities moved by `seconds`: of one example, the `nth`."""

    case: Case
    nth: int = 0
    nights: int = 0
    seconds: int = 0

    def rows(self) -> Iterable[Row]:
        for row in self.case.rows:
            if row.table == "core__activity":
                yield self._moved(row, timedelta(days=self.nights, seconds=self.seconds))
            elif contract(row.table).layer == "state":
                yield Row(row.table, {**row.values, "event_date": BEFORE})
            else:
                yield from self._dated(row)

    def _moved(self, row: Row, by: timedelta) -> Row:
        at = row.values["time"] + by
        uid = f"{row.values['activity_uid']}/{self.nth}"
        own = {
            "time": at,
            "event_date": at.date(),
            "activity_uid": uid,
            "source_uid": f"{row.values['source_uid']}/{self.nth}",
        }
        return Row(row.table, {**row.values, **own})

    def _dated(self, row: Row) -> Iterable[Row]:
        """Snapshots hold on every later night too, findings on theirs only."""
        first = row.values["event_date"] + timedelta(days=self.nights)
        for day in days_between(first, WINDOW[-1]) if row.table in SNAPSHOTS else [first]:
            yield Row(row.table, {**row.values, "event_date": day})


@st.composite
def moves(draw: st.DrawFn, case: Case) -> int:
    """By so many seconds are the activities of a case moved: not at all, or so that one of them falls on midnight."""
    times = sorted({row.values["time"] for row in case.rows if row.table == "core__activity"})
    if not times or draw(st.booleans()):
        return 0
    at: datetime = draw(st.sampled_from(times))
    midnight = datetime.combine(at.date() + timedelta(days=1), time.min)
    return int((midnight - at).total_seconds())


@st.composite
def scenes(draw: st.DrawFn, policy: Policy) -> list[Scene]:
    """A case that raises an alert where it stands, and others of the policy on any night, moved or not. What they have in
    common (people, addresses, what was known before) is theirs together."""
    raising = [case for case in policy.cases if case.alerts and not case.params and case.sensitivity == "medium"]
    first = Scene(draw(st.sampled_from(raising)))
    others = draw(st.lists(st.sampled_from(policy.cases), min_size=2, max_size=4))
    return [first, *(Scene(c, n, draw(st.integers(0, NIGHTS - 1)), draw(moves(c))) for n, c in enumerate(others, 1))]


@dataclass(frozen=True)
class Judged:
    """What a policy saw on the days, and what was published of it."""

    detections: pa.Table
    evidence: pa.Table
    folded: Folded

    def rows(self) -> dict[str, list[dict[str, Any]]]:
        """Everything that a person could see, in the order in which it is written."""
        shown = {"detections": self.detections, "evidence": self.evidence, **self.folded.frames()}
        return {name: table.to_pylist() for name, table in shown.items()}

    def uids(self) -> set[str]:
        return {uid for table in (self.folded.alerts, self.folded.behaviors) for uid in table["alert_uid"].to_pylist()}


@dataclass(frozen=True)
class Landed:
    """All rows of the policy's tables, features and carried state of every night included."""

    policy: Policy
    tables: dict[str, pa.Table]

    def judged(self, days: Days = WINDOW, known: Judged | None = None, *, lent: Days = ()) -> Judged:
        """Judge the days one after the other. Of each table the rows of `lent` are seen (all, where it is not said)."""
        for name in self.policy.reads:
            CON.register(name, _of_days(self.tables[name], lent) if lent else self.tables[name])
        found = [evaluate(self.policy, CON, INSTANCE, day) for day in days]
        before = [known] if known else []
        detections = pa.concat_tables([*(j.detections for j in before), *(f.detections for f in found)])
        evidence = pa.concat_tables([*(j.evidence for j in before), *(f.evidence for f in found)])
        return Judged(detections, evidence, fold(CON, detections, evidence))

    def split(self, parts: Iterable[Days]) -> list[Judged]:
        """The same by one run for each part, each lent only its own days and what the policy looks back on."""
        runs: list[Judged] = []
        for days in parts:
            back = min(first_day(days[0], self.policy.lookback), days[0] - timedelta(days=1))
            runs.append(self.judged(days, runs[-1] if runs else None, lent=days_between(back, days[-1])))
        return runs


def landed(policy: Policy, rows: Sequence[Row]) -> Landed:
    """Carry the state through the window's nights, and gather what the policy reads."""
    derived = _derived(policy)
    nights = Nights(CON, only=derived)
    by_day: dict[date, list[Row]] = defaultdict(list)
    for row in rows:
        by_day[row.values["event_date"]].append(row)
    for name in derived:
        if contract(name).layer == "state":
            nights.partitions[name, BEFORE] = of_table(rows, name)
    if derived:
        nights.build(by_day, WINDOW)
    tables = {name: of_table(rows, name) for name in policy.reads if name not in derived}
    for name in derived:
        tables[name] = pa.concat_tables(part for (table, _), part in sorted(nights.partitions.items()) if table == name)
    return Landed(policy, tables)


def _derived(policy: Policy) -> tuple[str, ...]:
    """The features that the policy reads, and the states that those are carried on from."""
    wanted = [name for name in policy.reads if name in features()]
    for name in wanted:
        carried = (view.removesuffix(PREVIOUS) for view in features()[name].reads if view.endswith(PREVIOUS))
        wanted += [table for table in carried if table not in wanted]
    return tuple(wanted)


def _of_days(table: pa.Table, days: Days) -> pa.Table:
    kept = set(days)
    return table.filter(pa.array([day in kept for day in table["event_date"].to_pylist()], pa.bool_()))


def rows_of(drawn: Iterable[Scene]) -> list[Row]:
    return unique(row for scene in drawn for row in scene.rows())
