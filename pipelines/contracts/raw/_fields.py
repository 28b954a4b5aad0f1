"""What raw contracts share: text fields, the audit columns, the two kinds of source table."""

from __future__ import annotations

from pipelines.contracts.table import Check, CheckKind, Dtype, Field, Pii, Source, Table, stop, warn

SYS_ID_PATTERN = "^[0-9a-f]{31,32}$"  # 32 hex digits; one published sample record is masked to 31
DATE_TIME_PATTERN = r"^(\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2})?$"

SYS_ID = Field(
    "sys_id", Dtype.STRING, "Primary key of the row", required=True, pii=Pii.PSEUDONYM, pattern=SYS_ID_PATTERN
)
CREATED_ON = Field(
    "sys_created_on", Dtype.STRING, "When the row was written, UTC", required=True, pattern=DATE_TIME_PATTERN
)
CREATED_BY = Field("sys_created_by", Dtype.STRING, "User name that wrote the row", pii=Pii.IDENTIFIER)
UPDATED_ON = Field("sys_updated_on", Dtype.STRING, "When the row was last changed, UTC", pattern=DATE_TIME_PATTERN)
UPDATED_BY = Field("sys_updated_by", Dtype.STRING, "User name that last changed the row", pii=Pii.IDENTIFIER)
MOD_COUNT = Field("sys_mod_count", Dtype.STRING, "Number of changes")
OBSERVED_AT = Field(
    "observed_at", Dtype.TIMESTAMP, "When the snapshot was read, UTC by the instance's clock", required=True
)


def text(name: str, description: str, pii: Pii = Pii.NONE, pattern: str = "", one_of: tuple[str, ...] = ()) -> Field:
    """A column of the source, stored as the text the wire carried."""
    return Field(name, Dtype.STRING, description, pii=pii, pattern=pattern, one_of=one_of)


def moment(name: str, description: str) -> Field:
    return text(name, description, pattern=DATE_TIME_PATTERN)


def identifier(name: str, description: str) -> Field:
    return text(name, description, Pii.IDENTIFIER)


def content(name: str, description: str) -> Field:
    return text(name, description, Pii.CONTENT)


def reference(name: str, description: str, source: str = "") -> Field:
    """`source` is the wire's name of the column where ours must differ."""
    return Field(name, Dtype.STRING, description, pii=Pii.PSEUDONYM, source=source)


def append_only(source: Source, title: str, *fields: Field, checks: tuple[Check, ...] = ()) -> Table:
    """A log: one row per event, never changed in a way that matters, partitioned by the day of `sys_created_on`."""
    return Table(
        name=f"raw_servicenow__{source.table}",
        title=title,
        grain=f"one row of {source.table}",
        key=("sys_id",),
        fields=(SYS_ID, CREATED_ON, *fields),
        sort_by=("sys_created_on", "sys_id"),
        time_column="sys_created_on",
        checks=(
            stop(CheckKind.TIME_IN_PARTITION, "sys_created_on"),
            warn(CheckKind.ROWS_LIKE_HISTORY),
            warn(CheckKind.NULLS_LIKE_HISTORY),
            *checks,
        ),
        source=source,
    )


def snapshot(source: Source, title: str, *fields: Field, key: str = "sys_id", checks: tuple[Check, ...] = ()) -> Table:
    """A slowly changing table read whole; the difference between two of them is itself activity."""
    first = (SYS_ID,) if key == "sys_id" else ()
    return Table(
        name=f"raw_servicenow__{source.table}",
        title=title,
        grain=f"one row of {source.table} as seen at the end of a run's last day",
        key=(key,),
        fields=(*first, *fields, OBSERVED_AT),
        sort_by=(key,),
        checks=(warn(CheckKind.ROWS_LIKE_HISTORY), *checks),
        source=source,
    )
