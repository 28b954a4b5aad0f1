"""The published warehouse, opened read-only for each question and closed after it: always the newest publish, never in a run's way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from pipelines.alerts import Triage
from pipelines.alerts.desk import Desk
from pipelines.errors import UsageError
from pipelines.policies.registry import words
from pipelines.settings import Settings, load
from pipelines.state_store import StateStore


@dataclass(frozen=True)
class Warehouse:
    """What one data directory published. Questions read `mart.*`; decisions go where `nowguard alerts` keeps them."""

    settings: Settings

    @property
    def path(self) -> Path:
        return self.settings.warehouse

    def ask(self, sql: str, **values: Any) -> pl.DataFrame:
        """Rows of a query over the stable views of schema `mart`; `$name` takes `values["name"]`. Times are UTC."""
        with self.connection() as con:
            try:
                frame: pl.DataFrame = con.sql(sql, params=values or None).pl()
            except duckdb.CatalogException as error:
                raise UsageError(
                    f"{self.path} lacks what was asked for: {str(error).splitlines()[0]}",
                    remedy="run `nowguard rebuild` if an older version published it, else look for the name in docs/reference/tables.md",
                ) from None
        return frame

    @contextmanager
    def connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A read-only connection that reaches no other file."""
        with duckdb.connect(str(self.path), read_only=True) as con:
            con.execute("SET TimeZone = 'UTC'; SET enable_external_access = false; SET lock_configuration = true")
            yield con

    @contextmanager
    def desk(self) -> Iterator[Desk]:
        """The alerts with what was decided since they were published, as `nowguard alerts` sees them."""
        with closing(StateStore(self.settings.state_file)) as store, self.connection() as con:
            yield Desk(con, Triage(store), self.settings.instance)

    def policy_words(self, policy_id: str) -> Mapping[str, Any]:
        return words(policy_id, self.settings.policies_dir)

    def last_day(self) -> str:
        """The last UTC day published, as text; empty where none is."""
        found = self.ask("SELECT max(event_date) AS day FROM mart.coverage")["day"][0]
        return "" if found is None else str(found)


def open_warehouse(data_dir: str | Path | None = None) -> Warehouse:
    """The warehouse of `data_dir`, else of the settings (`NOWGUARD_DATA_DIR`, nowguard.toml, `data`).

    A relative folder is looked for here and in the folders above, so that a notebook finds what a run at the root wrote.
    """
    settings = load({"data_dir": data_dir}).settings
    wanted = [base / settings.data_dir for base in (Path.cwd(), *Path.cwd().parents)]
    for folder in dict.fromkeys(wanted):
        found = settings.model_copy(update={"data_dir": folder})
        if found.warehouse.is_file():
            return Warehouse(found)
    raise UsageError(
        f"nothing is published in {wanted[0] / 'warehouse'}",
        remedy="run `make demo` or `nowguard run`, or set NOWGUARD_DATA_DIR to the folder of an earlier run",
    )
