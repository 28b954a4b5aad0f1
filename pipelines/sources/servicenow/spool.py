"""Lines of JSON on disk become sorted zstd Parquet, one part a day, in bounded memory.

DuckDB reads the lines with explicit text columns: an absent key is NULL, an empty value stays ''. A part is written as the
lines came (they are in order) and written again only where a check of the written file finds doubles or disorder.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from pipelines.contracts.table import Table
from pipelines.errors import DataQualityError
from pipelines.sources.servicenow.keyset import WIRE

log = logging.getLogger("nowguard.source")

MEMORY = "128MB"
THREADS = "2"
ROW_GROUP = 50_000
LONGEST_ROW = 16 << 20  # DuckDB allocates buffers of twice this size per thread


@dataclass(frozen=True, slots=True)
class Part:
    """A Parquet file of one day; `absent` counts NULLs per column."""

    day: date
    path: Path
    rows: int
    absent: dict[str, int]


class Converter:
    """One DuckDB for all tables of a run; conversions run one at a time, which bounds memory."""

    def __init__(self, folder: Path) -> None:
        scratch = folder / "duckdb"
        scratch.mkdir(parents=True, exist_ok=True)
        self._con = duckdb.connect(
            config={
                "memory_limit": MEMORY, "threads": THREADS, "temp_directory": str(scratch), "preserve_insertion_order": "true",
                "autoinstall_known_extensions": "false", "autoload_known_extensions": "false",
            }
        )  # fmt: skip
        self._con.execute("SET TimeZone = 'UTC'")

    def convert(
        self, table: Table, instance: str, lines: Path, target: Path, *, days: tuple[date, date], before: datetime | None,
        observed_at: datetime | None = None, has_objects: bool = False,
    ) -> list[Part]:  # fmt: skip
        """Parts of `lines`: rows before `before`, one file per day of `days` (first, last) that has any."""
        columns = ", ".join(f"'{wire}': 'VARCHAR'" for wire in table.wire_columns)
        source = (
            f"read_json('{_quoted(lines)}', format = 'newline_delimited', columns = {{{columns}}}, "
            f"maximum_object_size = {LONGEST_ROW})"
        )
        select = _select(table, instance, days[0], observed_at, has_objects)
        where = f"WHERE sys_created_on < '{before.strftime(WIRE)}'" if before else ""
        if days[0] == days[1]:
            path = target.with_suffix(".parquet")
            self._write(table, f"SELECT {select} FROM {source} {where}", path)
            return [part for part in [self._checked(table, path, days[0])] if part]
        self._con.execute(f"CREATE OR REPLACE TEMP TABLE spooled AS SELECT {select} FROM {source} {where}")
        found = self._con.execute("SELECT DISTINCT event_date FROM spooled ORDER BY 1").fetchall()
        parts = []
        for (day,) in found:
            path = target.with_name(f"{target.name}-{day}.parquet")
            self._write(table, f"SELECT * FROM spooled WHERE event_date = DATE '{day}'", path)
            parts.append(self._checked(table, path, day))
        self._con.execute("DROP TABLE spooled")
        return [part for part in parts if part]

    def _write(self, table: Table, query: str, path: Path) -> None:
        try:
            self._con.execute(f"COPY ({query}) TO '{_quoted(path)}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP})")
        except duckdb.InvalidInputException as error:
            raise DataQualityError(
                f"{table.name}: a row of the answer is broken JSON ({str(error).splitlines()[0][:100]})", remedy="run again; the page is read anew"
            ) from None

    def _checked(self, table: Table, path: Path, day: date) -> Part | None:
        """Read the written file's statistics; mend doubles and disorder, which no honest instance sends."""
        rows = pq.read_metadata(path).num_rows
        if not rows:
            path.unlink()
            return None
        if self._is_disordered(table, [path], rows):
            self._mend(table, [path], path)
        return _part(day, path)

    def _is_disordered(self, table: Table, paths: Sequence[Path], rows: int) -> bool:
        key = table.key[0]
        keys = ", ".join(f'"{c}"' for c in table.sort_by)
        listed = ", ".join(f"'{_quoted(p)}'" for p in paths)
        found = self._con.execute(
            f'SELECT count(DISTINCT "{key}"), count("{key}") FROM read_parquet([{listed}], hive_partitioning = false)'
        ).fetchall()[0]
        if found != (rows, rows) and found[1] == rows:
            return True
        if found[1] < rows:
            return False  # a missing key is for validation to report, not for us to drop
        steps = self._con.execute(
            f"SELECT count(*) FROM (SELECT ({keys}) < lag(({keys})) OVER () AS back FROM read_parquet([{listed}], hive_partitioning = false)) WHERE back"
        ).fetchall()[0][0]
        return bool(steps)

    def _mend(self, table: Table, paths: Sequence[Path], target: Path) -> None:
        log.warning("%s: doubled or unordered rows came back; kept once, the newest change of each", table.name)
        key = table.key[0]
        newest = '"sys_updated_on" DESC NULLS LAST' if "sys_updated_on" in table.columns else "1"
        order = ", ".join(f'"{c}"' for c in table.sort_by)
        listed = ", ".join(f"'{_quoted(p)}'" for p in paths)
        mended = target.with_name(f"mended-{target.name}")
        self._write(
            table,
            f"SELECT * FROM read_parquet([{listed}], hive_partitioning = false) "
            f'QUALIFY row_number() OVER (PARTITION BY "{key}" ORDER BY {newest}) = 1 ORDER BY {order}',
            mended,
        )
        for path in paths:
            path.unlink(missing_ok=True)
        mended.replace(target)

    def unique(self, table: Table, parts: list[Part]) -> list[Part]:
        """The parts of one day, merged into one where a row stands in two of them."""
        if len(parts) < 2:
            return parts
        key = table.key[0]
        listed = ", ".join(f"'{_quoted(p.path)}'" for p in parts)
        distinct, total = self._con.execute(
            f'SELECT count(DISTINCT "{key}"), count("{key}") FROM read_parquet([{listed}], hive_partitioning = false)'
        ).fetchall()[0]
        if distinct == total:
            return parts
        self._mend(table, [p.path for p in parts], parts[0].path)
        return [_part(parts[0].day, parts[0].path)]

    def close(self) -> None:
        self._con.close()


def _select(table: Table, instance: str, day: date, observed_at: datetime | None, has_objects: bool) -> str:
    """The contract's columns in order, from the wire's names."""
    wire = {ours: theirs for theirs, ours in table.wire_columns.items()}
    made = []
    for f in table.all_fields:
        if f.name == "instance":
            value = "'" + instance.replace("'", "''") + "'"
        elif f.name == "event_date":
            value = f"DATE '{day}'"
            if table.time_column:
                value = f"coalesce(TRY_CAST(substr(sys_created_on, 1, 10) AS DATE), {value})"
        elif f.name == "observed_at":
            value = f"TIMESTAMP '{observed_at}'"
        else:
            value = f'"{wire[f.name]}"'
            if has_objects:
                value = f"CASE WHEN starts_with({value}, '{{\"') THEN json_extract_string({value}, '$.value') ELSE {value} END"
        made.append(f'{value} AS "{f.name}"')
    return ", ".join(made)


def _part(day: date, path: Path) -> Part:
    """Rows and NULL counts from the file's own statistics: no second read."""
    meta = pq.read_metadata(path)
    absent: dict[str, int] = {}
    for group in range(meta.num_row_groups):
        for index in range(meta.num_columns):
            column = meta.row_group(group).column(index)
            nulls = column.statistics.null_count if column.statistics is not None and column.statistics.has_null_count else 0
            absent[column.path_in_schema] = absent.get(column.path_in_schema, 0) + nulls
    return Part(day, path, meta.num_rows, absent)


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
