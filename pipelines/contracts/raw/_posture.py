"""What contracts of posture tables share: the fewest columns, no secret among them, and only the key is checked."""

from __future__ import annotations

from pipelines.contracts.table import Dtype, Field, Pii, Source, Table

_SYS_ID = Field("sys_id", Dtype.STRING, "Primary key of the row", required=True, pii=Pii.PSEUDONYM)
_OBSERVED_AT = Field("observed_at", Dtype.TIMESTAMP, "When the snapshot was read, UTC by the instance's clock")


def asked_by_posture(table: str, title: str, *fields: Field, query: str = "") -> Table:
    """A table that only recommendations ask for. `query` narrows it to the rows that any of them looks at.

    A release or a plugin may lack it: then what needs it does not apply, or is unknown.
    """
    return Table(
        name=f"raw_servicenow__{table}",
        title=title,
        grain=f"one row of {table} as seen by the posture snapshot of the day",
        key=("sys_id",),
        fields=(_SYS_ID, *fields, _OBSERVED_AT),
        sort_by=("sys_id",),
        source=Source(table, "snapshot", query=query, optional=True, purpose="posture"),
    )


def when(name: str, description: str) -> Field:
    """A date-time of the source, as the text the wire carried; its form is not checked, its reader does."""
    return Field(name, Dtype.STRING, description)
