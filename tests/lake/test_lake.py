"""The lake: atomic, deduplicated by content, verified before use; one writer; a warehouse that readers never block."""

from __future__ import annotations

import errno
import shutil
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import date, timedelta

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.contracts import contract
from pipelines.contracts.table import empty
from pipelines.errors import Busy, StorageError
from pipelines.lake import Lake, Lease, Runs, declared, drafted, publish, repair, status, sweep, verify
from pipelines.lake import writer as writing
from pipelines.lake.declared import has_todays_shape
from tests.lake.conftest import TTL

DAY = date(2026, 3, 1)
COVERAGE = contract("out__coverage")


def rows(*policies: str, day: date = DAY, state: str = "active") -> pa.Table:
    made = [{"instance": "acme", "event_date": day, "policy_id": p, "state": state, "reason": ""} for p in policies]
    return pa.Table.from_pylist(made, schema=COVERAGE.arrow_schema())


def frames() -> dict[str, pa.Table]:
    alert = empty(contract("out__alert"))
    return {"alerts": alert, "behaviors": alert}


def read(lake: Lake, *days: date) -> list[str]:
    with lake.connect() as con:
        lake.view(con, COVERAGE, "acme", list(days))
        return [r[0] for r in con.execute("SELECT policy_id FROM out__coverage ORDER BY 1").fetchall()]


def test_a_partition_is_replaced_whole(lake: Lake, lease: Lease) -> None:
    lake.replace(lease, COVERAGE, "acme", DAY, rows("a", "b"))
    lake.replace(lease, COVERAGE, "acme", DAY, rows("c"))

    assert read(lake, DAY) == ["c"]
    assert len(list(lake.root.rglob("*.parquet"))) == 1


def test_equal_content_in_another_order_keeps_the_version(lake: Lake, lease: Lease) -> None:
    first = lake.replace(lease, COVERAGE, "acme", DAY, rows("a", "b"))
    again = lake.replace(lease, COVERAGE, "acme", DAY, rows("b", "a"), inputs="x")

    assert (first.changed, again.changed, again.version) == (True, False, first.version)
    held = lake.partition(COVERAGE, "acme", DAY)
    assert held is not None
    assert held.inputs == "x"


def test_an_empty_day_was_looked_at(lake: Lake, lease: Lease) -> None:
    lake.replace(lease, COVERAGE, "acme", DAY, empty(COVERAGE))

    assert lake.days(COVERAGE, "acme") == [DAY]
    assert read(lake, DAY) == []


def test_a_file_that_the_ledger_does_not_list_is_not_data(lake: Lake, lease: Lease) -> None:
    lake.replace(lease, COVERAGE, "acme", DAY, rows("a"))
    stray = lake.folder(COVERAGE, "acme", DAY) / "stray.parquet"
    stray.write_bytes(next(lake.root.rglob("*.parquet")).read_bytes())

    assert read(lake, DAY) == ["a"]
    assert sweep(lake, lease) >= 1
    assert not stray.exists()


def test_a_column_that_is_younger_than_a_partition_is_null_in_it(lake: Lake, lease: Lease) -> None:
    older = replace(COVERAGE, fields=tuple(f for f in COVERAGE.fields if f.name != "reason"))
    lake.replace(lease, older, "acme", DAY, rows("a").drop_columns("reason"))
    lake.replace(lease, COVERAGE, "acme", DAY + timedelta(days=1), rows("b", day=DAY + timedelta(days=1)))

    with lake.connect() as con:
        lake.view(con, COVERAGE, "acme", [DAY, DAY + timedelta(days=1)])
        found = con.execute("SELECT policy_id, reason FROM out__coverage ORDER BY 1").fetchall()
    path = publish(lake, frames, runs=Runs(lake.store).all).path

    assert found == [("a", None), ("b", "")]
    with duckdb.connect(str(path), read_only=True) as con:
        assert con.execute("SELECT policy_id, reason FROM mart.coverage ORDER BY 1").fetchall() == found


def test_every_flipped_bit_is_found_before_it_is_read(lake: Lake, lease: Lease) -> None:
    lake.replace(lease, COVERAGE, "acme", DAY, rows(*(f"policy_{n}" for n in range(50))))
    path = next(lake.root.rglob("*.parquet"))
    whole = path.read_bytes()
    for position in range(0, len(whole), max(1, len(whole) // 60)):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
        reader = Lake(lake.data_dir, lake.store)
        with pytest.raises(StorageError, match="SHA-256"):
            reader.files(COVERAGE, "acme", [DAY])
    assert len(verify(lake).problems) == 1
    assert repair(lake, lease) == [(COVERAGE.name, str(DAY))]
    assert lake.days(COVERAGE, "acme") == []


def test_a_second_run_is_told_to_wait_and_a_dead_one_is_not_waited_for(lake: Lake, lease: Lease) -> None:
    with pytest.raises(Busy):
        lake.acquire("acme", None, owner="other", ttl=TTL)
    code = (
        "from pathlib import Path; from datetime import timedelta; import os; from pipelines.lake import Lake; from pipelines.state_store import StateStore\n"
        f"p = Path({str(lake.data_dir)!r}); Lake(p, StateStore(p / 'state' / 'nowguard.sqlite')).acquire('other', None, owner='dead', ttl=timedelta(hours=1)); os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9
    with lake.acquire("other", None, owner="next", ttl=TTL) as taken:
        assert taken.fencing == 2


def test_a_lease_that_was_taken_over_cannot_write(lake: Lake, lease: Lease) -> None:
    with lake.store.transaction() as connection:
        connection.execute("UPDATE lease SET owner = 'thief', fencing = fencing + 1 WHERE instance = 'acme'")

    with pytest.raises(Busy, match="taken over"):
        lake.replace(lease, COVERAGE, "acme", DAY, rows("a"))
    assert lake.days(COVERAGE, "acme") == []


def test_a_full_disk_leaves_the_old_version_and_no_rest(
    lake: Lake, lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.replace(lease, COVERAGE, "acme", DAY, rows("a"))

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(writing.pq, "write_table", full)
    with pytest.raises(StorageError, match="no space"):
        lake.replace(lease, COVERAGE, "acme", DAY, rows("b"))

    assert read(lake, DAY) == ["a"]
    assert not list(lake.root.rglob(".tmp-*"))


def test_readers_of_the_warehouse_see_the_old_or_the_new_and_block_nobody(lake: Lake, lease: Lease) -> None:
    lake.replace(lease, COVERAGE, "acme", DAY, rows("a", "b"))
    path = publish(lake, frames, runs=Runs(lake.store).all).path
    wrong: list[object] = []
    stop = threading.Event()
    script = (
        "import duckdb, sys\nwhile True:\n"
        f" with duckdb.connect({str(path)!r}, read_only=True) as c:\n"
        "  n = c.execute('SELECT count(*) FROM mart.coverage').fetchall()[0][0]\n  print(n, flush=True)\n"
    )
    poller = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert poller.stdout is not None

    def collect() -> None:
        assert poller.stdout is not None
        wrong.extend(line for line in poller.stdout if int(line) % 2)

    listener = threading.Thread(target=collect, daemon=True)
    listener.start()
    held = duckdb.connect(str(path), read_only=True)
    for n in range(12):
        lake.replace(lease, COVERAGE, "acme", DAY, rows(*(f"p{i}" for i in range(2 * n + 2))))
        publish(lake, frames, runs=Runs(lake.store).all)
    stop.set()
    failed = poller.poll()
    poller.kill()
    listener.join(timeout=10)

    assert failed is None, poller.stderr.read() if poller.stderr else ""
    assert wrong == []
    assert held.execute("SELECT count(*) FROM mart.coverage").fetchall() == [(2,)]
    held.close()
    with duckdb.connect(str(path), read_only=True) as con:
        assert con.execute("SELECT count(*) FROM mart.coverage").fetchall() == [(24,)]


def test_a_changed_warehouse_is_built_again_from_the_lake(lake: Lake, lease: Lease) -> None:
    lake.replace(lease, COVERAGE, "acme", DAY, rows("a"))
    first = publish(lake, frames, runs=Runs(lake.store).all)
    first.path.unlink()
    first.path.write_bytes(b"not a database")

    again = publish(lake, frames, runs=Runs(lake.store).all)

    assert again.rebuilt
    with duckdb.connect(str(again.path), read_only=True) as con:
        assert con.execute("SELECT policy_id FROM mart.coverage").fetchall() == [("a",)]


def test_only_changed_partitions_are_replaced(lake: Lake, lease: Lease) -> None:
    for n in range(5):
        lake.replace(lease, COVERAGE, "acme", DAY + timedelta(days=n), rows("a", day=DAY + timedelta(days=n)))
    publish(lake, frames, runs=Runs(lake.store).all)
    lake.replace(lease, COVERAGE, "acme", DAY, rows("b"))

    done = publish(lake, frames, runs=Runs(lake.store).all)

    assert (done.replaced, done.rebuilt) == (1, False)


def test_the_status_grid_tells_empty_from_missing(lake: Lake, lease: Lease) -> None:
    lake.replace(lease, COVERAGE, "acme", DAY, empty(COVERAGE))
    lake.replace(lease, COVERAGE, "acme", DAY + timedelta(days=2), rows("a", day=DAY + timedelta(days=2)))

    (grid,) = status(lake, days=3).instances

    assert grid.rows() == [["out__coverage", "0", ".", "1"]]


def test_a_new_release_brings_its_views_into_a_file_that_stays(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(lake, frames, runs=Runs(lake.store).all)
    known = declared.declarations()
    monkeypatch.setattr(declared, "declarations", lambda: [*known, "CREATE VIEW mart.added AS SELECT 1 AS one"])

    # twice: were what the file already holds declared again, CREATE VIEW would fail
    done = [publish(lake, frames, runs=Runs(lake.store).all) for _ in range(2)]

    assert [one.rebuilt for one in done] == [False, False]
    with duckdb.connect(str(done[-1].path), read_only=True) as con:
        assert con.execute("SELECT one, (SELECT count(*) FROM wh.declared) FROM mart.added").fetchall() == [(1, 1)]


def test_nothing_is_left_of_a_copy_that_no_publish_took(lake: Lake) -> None:
    first = publish(lake, frames, runs=Runs(lake.store).all)

    with drafted(lake) as draft:
        assert draft().path.read_bytes() == first.path.read_bytes()

    assert not list(first.path.parent.glob("*.tmp*"))


def test_instances_publish_one_after_the_other(lake: Lake) -> None:
    publish(lake, frames, runs=Runs(lake.store).all)
    second = threading.Thread(target=lambda: publish(lake, frames, runs=Runs(lake.store).all))

    with drafted(lake) as draft:
        second.start()
        second.join(0.5)
        assert second.is_alive()
        assert draft().path.exists(), "the second took the first one's copy for a dead run's"
    second.join(30)

    assert not second.is_alive()
    assert len(list(lake.data_dir.glob("warehouse/nowguard*.duckdb"))) == 2


def test_a_row_group_of_a_file_is_one_of_the_warehouse(lake: Lake, lease: Lease) -> None:
    many = pa.concat_tables([rows("a")] * 130_000)
    lake.replace(lease, COVERAGE, "acme", DAY, many)
    (path,) = lake.files(COVERAGE, "acme", [DAY])

    assert [pq.ParquetFile(path).metadata.row_group(n).num_rows for n in range(2)] == [122_880, 7_120]


def test_working_tables_are_never_checkpointed(lake: Lake) -> None:
    with lake.connect() as con:
        assert con.execute("SELECT current_setting('checkpoint_threshold')").fetchall() == [("931.3 GiB",)]


def test_a_file_of_an_older_shape_is_built_again(lake: Lake) -> None:
    first = publish(lake, frames, runs=Runs(lake.store).all)
    older = first.path.with_name("older.duckdb")
    shutil.copyfile(first.path, older)
    with duckdb.connect(str(older)) as con:
        con.execute("DROP VIEW mart.users")
        con.execute("DROP VIEW mart.user_risk")
        con.execute("ALTER TABLE wh.user_day DROP COLUMN last_login_at")

    assert has_todays_shape(first.path)
    assert not has_todays_shape(older)
