"""Great Expectations' own Data Docs, on request only: their pages call external hosts."""

from __future__ import annotations

import warnings
from pathlib import Path

import duckdb

from pipelines.contracts.table import Table
from pipelines.quality import frames, suite
from pipelines.quality.judge import great_expectations

WARNING = (
    "Data Docs load styles and images from external hosts when they are opened, which tells those hosts that a report "
    "was read; the report of `nowguard report` does not"
)
ROWS = frames.CHUNK


def build_data_docs(con: duckdb.DuckDBPyConnection, table: Table, view: str, folder: Path) -> Path:
    """A GX project in `folder` with one checkpoint over at most 200,000 rows of `view`; its first page. Stores no values."""
    warnings.warn(WARNING, stacklevel=2)
    gx = great_expectations()
    context = gx.get_context(mode="file", project_root_dir=str(folder))
    context.variables.progress_bars = {"globally": False}
    expectations = context.suites.add_or_update(suite.suite_of(table))
    source = context.data_sources.add_or_update_pandas("partitions")
    whole = source.add_dataframe_asset(table.name).add_batch_definition_whole_dataframe("partition")
    definition = context.validation_definitions.add_or_update(
        gx.ValidationDefinition(name=table.name, data=whole, suite=expectations)
    )
    checkpoint = context.checkpoints.add_or_update(
        gx.Checkpoint(
            name=table.name,
            validation_definitions=[definition],
            actions=[gx.checkpoint.UpdateDataDocsAction(name="docs")],
            result_format={"result_format": "BASIC", "partial_unexpected_count": 0},
        )
    )
    judged = frames.judged_values(table, suite.row_checks(table))
    selected = ", ".join(f'{sql} AS "{column}"' for column, sql in judged.items())
    rows = con.sql(f'SELECT {selected} FROM "{view}" LIMIT {ROWS}').to_arrow_table().to_pandas()
    checkpoint.run(batch_parameters={"dataframe": rows})
    return folder / "gx" / "uncommitted" / "data_docs" / "local_site" / "index.html"
