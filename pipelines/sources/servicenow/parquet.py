"""Lines of JSON on disk become sorted zstd Parquet, one part a day, in bounded memory.

DuckDB reads the lines with explicit text columns: an absent key is NULL, an empty value stays ''. As many rows must come out
as were counted on the way in. What its reader refuses (a lone surrogate, broken UTF-8) goes through the slow parser, with a
warning. Arrow writes the parts: that costs half of what a COPY does.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.contracts.table import ROW_GROUP, Table
from pipelines.errors import DataQualityError
from pipelines.sources.servicenow.page import loaded
from pipelines.sources.servicenow.spool import Lines, explained
from pipelines.sources.servicenow.transport import BadPage

log = logging.getLogger("nowguard.source")

MEMORY = "160MB"
THREADS = "1"  # beside the readers; a second one costs more CPU and buffers than it saves time
USUAL_ROW = 4 << 20  # DuckDB allocates buffers of twice this size per thread
LONGEST_ROW = 32 << 20
SAMPLE = 2_000
FEW = 0.5  # a column whose sample has fewer distinct values than this share of its rows is stored by dictionary


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

    def convert(self, table: Table, instance: str, lines: Lines) -> list[Part]:
        """One sorted Parquet file for each day that has rows. Raises `DataQualityError` where a line is broken."""
        data = self._read(table, instance, lines)
        if not data.num_rows:
            return []
        data = self._tidy(table, data)
        by_day = [(lines.first, data)] if lines.first == lines.last else _days(data)
        return [
            _write(table, piece, day, lines.path.with_name(f"{lines.path.stem}-{day}.parquet")) for day, piece in by_day
        ]

    def _read(self, table: Table, instance: str, lines: Lines) -> pa.Table:
        try:
            data = self._parse(table, instance, lines, USUAL_ROW)
            if data.num_rows == lines.rows:
                return data
        except duckdb.Error as error:
            log.warning("%s: a spool file needs the slow parser (%s)", table.name, type(error).__name__)
        _clean(table, lines)
        try:
            data = self._parse(table, instance, lines, LONGEST_ROW)
        except duckdb.Error as error:
            raise DataQualityError(
                f"{table.name}: rows cannot be read ({type(error).__name__})",
                remedy="run again; the pages are read anew",
            ) from None
        if data.num_rows != lines.rows:
            raise DataQualityError(
                f"{table.name}: {lines.rows} rows came in and {data.num_rows} came out", remedy="report this as a bug"
            )
        return data

    def _parse(self, table: Table, instance: str, lines: Lines, longest: int) -> pa.Table:
        kind = "JSON" if lines.has_objects else "VARCHAR"
        columns = ", ".join(f"'{wire}': '{kind}'" for wire in table.wire_columns)
        source = f"read_json('{_quoted(lines.path)}', format = 'newline_delimited', columns = {{{columns}}}, maximum_object_size = {longest})"
        return self._con.sql(f"SELECT {_select(table, instance, lines)} FROM {source}").to_arrow_table()

    def _tidy(self, table: Table, data: pa.Table) -> pa.Table:
        """In the contract's order, which differs from the instance's where its collation does; each key once."""
        is_sorted, is_unique = _inspect(data, table.sort_by)
        if not is_sorted:
            data = data.sort_by([(c, "ascending") for c in table.sort_by])
            _, is_unique = _inspect(data, table.sort_by)
        if is_unique:
            return data
        log.warning("%s: doubled rows came back; kept once, the newest change of each", table.name)
        key, order = table.key[0], ", ".join(f'"{c}"' for c in table.sort_by)
        newest = '"sys_updated_on" DESC NULLS LAST' if "sys_updated_on" in table.columns else "1"
        self._con.register("doubled", data)
        try:
            query = f'SELECT * FROM doubled QUALIFY row_number() OVER (PARTITION BY "{key}" ORDER BY {newest}) = 1 ORDER BY {order}'
            return self._con.sql(query).to_arrow_table().cast(data.schema)
        finally:
            self._con.unregister("doubled")

    def close(self) -> None:
        self._con.close()


def _inspect(data: pa.Table, by: tuple[str, ...]) -> tuple[bool, bool]:
    """(no row sorts before the one above it, none equals it). `by` ends with the key, so equal rows are one row twice."""
    back, tie = None, None
    for column in by:
        above, below = data[column].slice(0, data.num_rows - 1), data[column].slice(1)
        less, equal = pc.less(below, above), pc.equal(below, above)
        back = less if back is None else pc.or_(back, pc.and_(tie, less))
        tie = equal if tie is None else pc.and_(tie, equal)
    return not pc.any(back).as_py(), not pc.any(tie).as_py()


def _days(data: pa.Table) -> list[tuple[date, pa.Table]]:
    """Each day's rows. Where they lie together, as in time order, they are slices: a filter copies every column."""
    dates = data["event_date"].combine_chunks()
    runs = pc.run_end_encode(dates)
    days, ends = runs.values.to_pylist(), runs.run_ends.to_pylist()
    if len(set(days)) < len(days):
        return [(day, data.filter(pc.equal(dates, pa.scalar(day)))) for day in sorted(set(days))]
    return [(day, data.slice(start, end - start)) for day, start, end in zip(days, [0, *ends], ends, strict=False)]


def _write(table: Table, piece: pa.Table, day: date, path: Path) -> Part:
    sample = piece.slice(0, SAMPLE)
    few = [f.name for f in table.all_fields if pc.count_distinct(sample[f.name]).as_py() < FEW * sample.num_rows]
    with explained(path):
        pq.write_table(
            piece,
            path,
            compression="zstd",
            compression_level=1,
            use_dictionary=few,
            write_statistics=list(table.sort_by),  # what readers prune by
            row_group_size=ROW_GROUP,
            store_schema=False,
            memory_pool=pa.system_memory_pool(),  # gives back what a file took; the default pool keeps 40 MiB
        )
    return Part(day, path, piece.num_rows, {name: piece[name].null_count for name in piece.column_names})


def _select(table: Table, instance: str, lines: Lines) -> str:
    """The contract's columns in order, from the wire's names."""
    wire = {ours: theirs for theirs, ours in table.wire_columns.items()}
    made = []
    for f in table.all_fields:
        if f.name == "instance":
            value = "'" + instance.replace("'", "''") + "'"
        elif f.name == "event_date":
            value = f"DATE '{lines.first}'"
            if lines.first != lines.last:
                value = f"coalesce(TRY_CAST(substr({_plain('sys_created_on', lines)}, 1, 10) AS DATE), {value})"
        elif f.name == "observed_at":
            value = f"TIMESTAMP '{lines.observed_at}'"
        else:
            value = _plain(wire[f.name], lines)
        made.append(f'{value} AS "{f.name}"')
    return ", ".join(made)


def _plain(column: str, lines: Lines) -> str:
    """A column as text; of a reference object its `value`."""
    if not lines.has_objects:
        return f'"{column}"'
    return (
        f"CASE json_type(\"{column}\") WHEN 'OBJECT' THEN json_extract_string(\"{column}\", '$.value') "
        f"ELSE json_extract_string(\"{column}\", '$') END"
    )


def _clean(table: Table, lines: Lines) -> None:
    """Rewrite the file by the slow parser: the cuts are undone, what no column can store is replaced."""
    whole = b"[" + lines.path.read_bytes().rstrip(b"\n").replace(b'}\n{"', b'},{"') + b"]"
    try:
        rows = loaded(whole)
    except BadPage:
        rows = []
    if len(rows) != lines.rows:
        raise DataQualityError(
            f"{table.name}: rows of the answer are broken JSON", remedy="run again; the pages are read anew"
        )
    with explained(lines.path), lines.path.open("wb") as target:
        target.writelines(orjson.dumps(row) + b"\n" for row in rows)


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
