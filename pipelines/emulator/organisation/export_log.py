"""`isc_export_event`: what the vendor's security product writes down of each list that left as a file.

It follows from the export requests alone, whoever sent them, once everything that sends them has been played. Fields are
those of a published record; exports from the user interface are recorded, API reads and failures are not.
"""

from __future__ import annotations

import polars as pl

TABLE = "isc_export_event"
MOST_ROWS = 10_000  # the platform's default cap of an export
ROW_BYTES = (180, 420)  # the published record has 251 bytes a row
LAG_SECONDS = 3  # own assumption: the event stands 0 to 2 s after its request
_FORM = r"/([A-Za-z0-9_]+?)(?:_list)?\.do\?(?:CSV|XML|XLSX|EXCEL|XLS|PDF|JSONv2|JSON|UNL)(?:&|$)"


def export_events(requests: pl.DataFrame, users: pl.DataFrame, until: str) -> pl.DataFrame:
    """One row per successful export among the `requests` (`syslog_transaction`), before `until`; all columns text.

    Everything is drawn by the request's own sys_id, so one row never depends on another. `event` names a row of `sysevent`
    that is not there: which event a real instance raises is not published.
    """
    exports = requests.filter((pl.col("type") == "export") & (pl.col("status") == "200"))
    exports = exports.with_columns(pl.col("url").str.extract(_FORM).alias("table")).drop_nulls("table")
    time = pl.col("sys_created_on").str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="ms")
    lag = pl.duration(seconds=_digits(0, 2) % LAG_SECONDS, time_unit="ms")
    row_bytes = ROW_BYTES[0] + _digits(2, 4) % (ROW_BYTES[1] - ROW_BYTES[0])
    size = pl.col("output_length").cast(pl.Int64)
    who = users.select(sys_created_by="user_name", user="sys_id").unique("sys_created_by")
    rows = exports.join(who, on="sys_created_by", how="left").select(
        sys_id=pl.col("sys_id").str.slice(8) + pl.col("sys_id").str.slice(0, 8),
        sys_created_on=(time + lag).dt.strftime("%Y-%m-%d %H:%M:%S"),
        sys_created_by="sys_created_by",
        user=pl.col("user").fill_null(""),
        user_name="sys_created_by",
        table="table",
        records=(size // row_bytes).clip(1, MOST_ROWS).cast(pl.String),
        size=size.cast(pl.String),
        classification=pl.lit(""),
        event=pl.col("sys_id").str.slice(24) + pl.col("sys_id").str.slice(0, 24),
        sys_class_name=pl.lit(TABLE),
    )
    return rows.filter(pl.col("sys_created_on") < until).sort("sys_created_on", "sys_id")


def _digits(first: int, count: int) -> pl.Expr:
    """A number from some hex digits of the request's sys_id."""
    return pl.col("sys_id").str.slice(first, count).str.to_integer(base=16, dtype=pl.Int64)
