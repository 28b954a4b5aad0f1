"""What an owner answers for, for a while: a recommendation that is known not to be met and shall not alarm until a day.

Kept in the state store, so that it survives every rebuild. An exception changes no state: the recommendation is still shown
as not compliant, with who answers for it and how long, and is left out of our own score. It counts by the day processed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import pyarrow as pa

from pipelines.errors import UsageError
from pipelines.posture.core import State
from pipelines.state_store import StateStore

LONGEST: Final = timedelta(days=366)

_TABLES = (
    """CREATE TABLE posture_exception (
        exception_id INTEGER PRIMARY KEY AUTOINCREMENT, instance TEXT NOT NULL, control_id TEXT NOT NULL, owner TEXT NOT NULL,
        reason TEXT NOT NULL, first_day TEXT NOT NULL, last_day TEXT NOT NULL, lifted_on TEXT)""",
)
_COLUMNS = "control_id, owner, reason, first_day, last_day, lifted_on"


@dataclass(frozen=True, slots=True)
class Excepted:
    """In force from `first_day` through `last_day` (UTC days), or up to the day before `lifted_on`."""

    control_id: str
    owner: str
    reason: str
    first_day: date
    last_day: date
    lifted_on: date | None = None

    def covers(self, day: date) -> bool:
        return self.first_day <= day <= self.last_day and (self.lifted_on is None or day < self.lifted_on)


class Exceptions:
    """The exceptions of one instance. The day is always the caller's."""

    def __init__(self, store: StateStore, instance: str) -> None:
        self.store, self.instance = store, instance
        store.migrate("posture", _TABLES)

    def grant(self, control_id: str, *, owner: str, reason: str, first_day: date, last_day: date) -> Excepted:
        """A new exception; one in force for the same recommendation ends where it begins."""
        if not owner.strip() or not reason.strip():
            raise UsageError("an exception needs an owner and a reason", remedy="give --owner and --reason")
        if not first_day <= last_day <= first_day + LONGEST:
            raise UsageError(
                f"an exception from {first_day} to {last_day} is no time of at most {LONGEST.days} days",
                remedy="give --until a day that comes within a year",
            )
        self.lift(control_id, first_day)
        with self.store.transaction() as con:
            con.execute(
                "INSERT INTO posture_exception (instance, control_id, owner, reason, first_day, last_day) VALUES (?, ?, ?, ?, ?, ?)",
                (self.instance, control_id, owner.strip(), reason.strip(), str(first_day), str(last_day)),
            )
        return Excepted(control_id, owner.strip(), reason.strip(), first_day, last_day)

    def lift(self, control_id: str, day: date) -> int:
        """End what is in force on `day`; says how many."""
        with self.store.transaction() as con:
            return con.execute(
                "UPDATE posture_exception SET lifted_on = ? WHERE instance = ? AND control_id = ? AND last_day >= ? "
                "AND (lifted_on IS NULL OR lifted_on > ?)",
                (str(day), self.instance, control_id, str(day), str(day)),
            ).rowcount

    def all(self) -> list[Excepted]:
        """Also what has ended, the latest first."""
        found = self.store.query(
            f"SELECT {_COLUMNS} FROM posture_exception WHERE instance = ? ORDER BY exception_id DESC", (self.instance,)
        )
        return [
            Excepted(
                c, o, r, date.fromisoformat(f), date.fromisoformat(t), date.fromisoformat(lifted) if lifted else None
            )
            for c, o, r, f, t, lifted in found
        ]

    def on(self, day: date) -> dict[str, Excepted]:
        """What is in force on a day, by recommendation."""
        return {one.control_id: one for one in reversed(self.all()) if one.covers(day)}


def excepted(states: pa.Table, in_force: Mapping[str, Excepted]) -> pa.Table:
    """`states` (`out__posture`) with who answers for what is not compliant or unknown; states stay as they are."""
    rows = states.to_pylist()
    for row in rows:
        one = in_force.get(row["control_id"])
        applies = one is not None and row["state"] in {State.NOT_COMPLIANT, State.UNKNOWN}
        row["excepted_by"] = one.owner if one and applies else None
        row["excepted_until"] = one.last_day if one and applies else None
        row["exception_reason"] = one.reason if one and applies else None
    return pa.Table.from_pylist(rows, schema=states.schema)
