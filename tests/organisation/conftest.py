"""One organisation for all tests of this folder: generating it takes about three seconds."""

from __future__ import annotations

import polars as pl
import pytest

from pipelines.emulator.organisation import World, generate


@pytest.fixture(scope="session")
def world() -> World:
    return generate(seed=1)


@pytest.fixture(scope="session")
def requests(world: World) -> pl.DataFrame:
    """`syslog_transaction` with its time parsed and the attachment a URL names, if any."""
    return world.tables["syslog_transaction"].with_columns(
        pl.col("sys_created_on").str.to_datetime("%Y-%m-%d %H:%M:%S").alias("time"),
        pl.col("url")
        .str.extract(r"(?:sys_attachment\.do\?(?:view=true&)?sys_id=|/attachment/)([0-9a-f]{32})")
        .alias("file"),
    )


@pytest.fixture(scope="session")
def events(world: World) -> pl.DataFrame:
    """`sysevent` without rotation twins, with its time parsed."""
    rows = world.tables["sysevent"].filter(pl.col("state") != "transferred")
    return rows.with_columns(pl.col("sys_created_on").str.to_datetime("%Y-%m-%d %H:%M:%S").alias("time"))
