"""Which partitions the published file holds, and what a publish leaves that fails."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from pipelines.contracts import contract
from pipelines.lake import Lake, Lease, Runs, publish
from pipelines.lake.draft import checksum
from tests.alerts.rows import INSTANCE, detection, evidence, table

DAY = date(2026, 3, 1)
LATER = DAY + timedelta(days=100)


def nothing() -> dict[str, pa.Table]:
    return {}


def published(lake: Lake, query: str) -> list[tuple[Any, ...]]:
    done = publish(lake, nothing, runs=Runs(lake.store).all, warehouse_days=30)
    with duckdb.connect(str(done.path), read_only=True) as con:
        return con.execute(query).fetchall()


def coverage(day: date) -> pa.Table:
    return table("out__coverage", [{"instance": INSTANCE, "event_date": day, "policy_id": "p", "state": "active"}])


def test_evidence_stays_as_long_as_its_alerts_and_the_rest_ages_out(lake: Lake, lease: Lease) -> None:
    for day in (DAY, LATER):
        lake.replace(lease, contract("out__coverage"), INSTANCE, day, coverage(day))
        proof = evidence((f"d{day}", f"e{day}", f"{day} 10:00:00"))
        lake.replace(lease, contract("out__detection_evidence"), INSTANCE, day, proof)

    held = published(lake, "SELECT (SELECT count(*) FROM wh.coverage), (SELECT count(*) FROM wh.detection_evidence)")

    assert held == [(1, 2)]


def test_a_partition_that_failed_validation_is_not_published(lake: Lake, lease: Lease) -> None:
    lake.replace(lease, contract("out__coverage"), INSTANCE, DAY, coverage(DAY))
    lake.set_quality(lease, contract("out__coverage"), INSTANCE, DAY, "failed")

    assert published(lake, "SELECT count(*) FROM mart.coverage") == [(0,)]


def test_alerts_that_cannot_be_folded_leave_the_file_as_it_was(lake: Lake) -> None:
    before = publish(lake, nothing, runs=Runs(lake.store).all).path.read_bytes()

    def unfoldable() -> dict[str, pa.Table]:
        raise RuntimeError("no alerts")

    with pytest.raises(RuntimeError, match="no alerts"):
        publish(lake, unfoldable, runs=Runs(lake.store).all)

    assert {path.name for path in (lake.data_dir / "warehouse").iterdir()} == {"nowguard.duckdb", ".publish.lock"}
    assert (lake.data_dir / "warehouse" / "nowguard.duckdb").read_bytes() == before


def test_partitions_that_cannot_be_read_are_an_error_of_the_publish(lake: Lake, lease: Lease) -> None:
    lake.replace(lease, contract("out__coverage"), INSTANCE, DAY, coverage(DAY))
    next(lake.root.rglob("*.parquet")).write_bytes(b"no Parquet")

    with pytest.raises(Exception, match="differs from the ledger"):
        publish(lake, nothing, runs=Runs(lake.store).all)

    assert not list((lake.data_dir / "warehouse").glob("*.tmp*"))


def test_a_table_that_no_contract_names_any_more_has_the_file_built_anew(lake: Lake) -> None:
    path = publish(lake, nothing, runs=Runs(lake.store).all).path
    path.chmod(0o640)
    with duckdb.connect(str(path)) as con:
        con.execute("CREATE TABLE wh.alert_evidence (alert_uid VARCHAR)")
    _known(lake, path)

    done = publish(lake, nothing, runs=Runs(lake.store).all)

    assert done.rebuilt


def _known(lake: Lake, path: Path) -> None:
    """As if a publish had written the file as it is now."""
    with lake.store.transaction() as connection:
        connection.execute("UPDATE published_file SET crc32 = ?, bytes = ?", checksum(path))


def test_a_frame_that_is_not_given_is_empty(lake: Lake) -> None:
    alerts = table("out__alert", [{"instance": INSTANCE, "event_date": DAY, "alert_uid": "a", **_alert()}])
    publish(lake, lambda: {"alerts": alerts}, runs=Runs(lake.store).all)

    assert published(lake, "SELECT count(*) FROM mart.alerts") == [(0,)]


def _alert() -> dict[str, Any]:
    row = detection("a", "2026-03-01 10:00:00")
    names = ("policy_id", "policy_kind", "severity", "first_seen", "last_seen", "title", "evidence_count")
    return {**{name: row[name] for name in names}, "status": "new", "is_summary": False}
