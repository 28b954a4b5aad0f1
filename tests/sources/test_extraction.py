"""Extraction against a server that misbehaves in every documented way: the same rows, or a clear refusal."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from pydantic import SecretStr

from pipelines.contracts import sources
from pipelines.emulator.instance import EmulatorSettings
from pipelines.emulator.server import RunningEmulator, start
from pipelines.errors import AccessDenied, NowguardError, SourceUnavailable
from pipelines.sources.servicenow import (
    RELEASES,
    Connection,
    Extracted,
    Pace,
    ReadRequest,
    ServiceNow,
    check,
    connect,
    release_of,
    stored_token,
)
from pipelines.window import Window

NOW = datetime(2026, 3, 18, 12, 0, 0)
DAY = date(2026, 3, 17)
QUICK = {"back_off_seconds": 0.01, "max_attempts": 6, "settle": timedelta(0)}
CANARY = "canary-s3cret"


def rows(count: int, *, per_second: int = 1, seed: int = 1) -> list[dict[str, str]]:
    chance = random.Random(seed)
    start_of_day = datetime(2026, 3, 17)
    return [
        {"sys_id": f"{chance.getrandbits(128):032x}", "name": "login", "parm1": f"user.{n}",
         "sys_created_on": (start_of_day + timedelta(seconds=(n // per_second) * 7)).strftime("%Y-%m-%d %H:%M:%S")} for n in range(count)
    ]  # fmt: skip


@pytest.fixture
def running() -> Iterator[RunningEmulator]:
    with start(now=NOW, settings=EmulatorSettings(logs_itself=False)) as found:
        found.control.instance.passwords["nowguard.collector"] = CANARY
        found.control.load("sys_user", [{"sys_id": "c" * 32, "user_name": "nowguard.collector", "active": "true"}])
        yield found


def connection(running: RunningEmulator, **more: object) -> Connection:
    client_id, secret = next(iter(running.control.instance.clients.items()))
    given = {
        "username": "nowguard.collector",
        "password": SecretStr(CANARY),
        "client_id": client_id,
        "client_secret": SecretStr(secret),
        **more,
    }
    return Connection(running.url, "test", **given)  # type: ignore[arg-type]  # names of Connection


def read(
    running: RunningEmulator, folder: Path, *, page: int = 50, table: str = "sysevent", **more: object
) -> Extracted:
    pace = Pace(page_size=page, **{**QUICK, **more})  # type: ignore[arg-type]  # names of Pace
    with ServiceNow(connection(running), pace) as source:
        (got,) = source.read_many([ReadRequest(sources()[table], window=Window.of_day(DAY))], folder, lambda *_: None)
    return got


def ids(got: Extracted) -> list[str]:
    files = [str(p) for parts in got.parts.values() for p in parts]
    if not files:
        return []
    return [
        r[0]
        for r in duckdb.execute("SELECT sys_id FROM read_parquet(?, hive_partitioning = false)", [files]).fetchall()
    ]


def test_every_row_comes_once_whatever_the_page_size(running: RunningEmulator, tmp_path: Path) -> None:
    made = rows(400, per_second=3)
    running.control.load("sysevent", made)
    for page in (7, 64, 1000):
        got = read(running, tmp_path / str(page), page=page)
        assert sorted(ids(got)) == sorted(r["sys_id"] for r in made)
    assert not any(r["cookie"] for r in running.control.requests())


def test_a_second_fuller_than_a_page_is_drained(running: RunningEmulator, tmp_path: Path) -> None:
    made = rows(180, per_second=60)
    running.control.load("sysevent", made)
    assert sorted(ids(read(running, tmp_path, page=25))) == sorted(r["sys_id"] for r in made)


def test_hidden_rows_end_nothing_early_and_are_counted(running: RunningEmulator, tmp_path: Path) -> None:
    made = rows(400)
    for n, row in enumerate(made):
        row["queue"] = "hidden" if 100 <= n < 260 else ""
    running.control.load("sysevent", made)
    running.control.hide_rows("sysevent", "queue=hidden")

    got = read(running, tmp_path, page=40)

    assert sorted(ids(got)) == sorted(r["sys_id"] for r in made if not r["queue"])
    assert got.hidden_rows == 160


FAULTS = (
    "queue_overflow", "unauthorized", "rate_limited", "rate_limited_bare", "semaphore_full", "server_error", "bad_gateway", "unavailable",
    "gateway_timeout", "maintenance", "truncated", "error_object", "error_streamed", "error_trailing_comma", "reset", "duplicate_rows", "pretty",
)  # fmt: skip


@pytest.mark.parametrize("kind", FAULTS)
def test_the_rows_are_the_same_whichever_call_the_fault_strikes(
    running: RunningEmulator, tmp_path: Path, kind: str
) -> None:
    made = rows(120)
    running.control.load("sysevent", made)
    for call in (1, 2, 4):
        running.control.clear_faults()
        running.control.add_fault(kind, table="sysevent", first=call, seconds=0.05, offset=300)
        assert sorted(ids(read(running, tmp_path / f"{call}", page=40))) == sorted(r["sys_id"] for r in made)


def test_an_expired_token_is_renewed_in_the_middle(running: RunningEmulator, tmp_path: Path) -> None:
    running.control.load("sysevent", rows(120))
    with ServiceNow(connection(running), Pace(page_size=10, **QUICK)) as source:  # type: ignore[arg-type]  # names of Pace
        source.now()
        running.control.expire_tokens()
        (got,) = source.read_many(
            [ReadRequest(sources()["sysevent"], window=Window.of_day(DAY))], tmp_path, lambda *_: None
        )
    assert got.rows == 120


def test_a_denied_table_is_reported_and_so_is_a_missing_one(running: RunningEmulator, tmp_path: Path) -> None:
    running.control.load("sysevent", rows(30))
    running.control.deny_table("sysevent", "forbidden")
    assert read(running, tmp_path / "a").state == "denied"
    running.control.deny_table("sysevent", "empty")
    assert read(running, tmp_path / "b").state == "denied"
    running.control.allow_table("sysevent")
    running.control.drop_table("sysevent")
    assert read(running, tmp_path / "c").state == "missing"


def test_a_hidden_column_is_named_and_is_null_not_empty(running: RunningEmulator, tmp_path: Path) -> None:
    running.control.load("sysevent", rows(30))
    running.control.hide_column("sysevent", "parm1")

    got = read(running, tmp_path)

    assert got.missing_columns == ("parm1",)
    files = [str(p) for parts in got.parts.values() for p in parts]
    assert duckdb.execute("SELECT count(parm1), count(parm2) FROM read_parquet(?)", [files]).fetchall() == [(0, 30)]


def test_a_wrong_secret_is_tried_twice_at_most_and_never_printed(running: RunningEmulator) -> None:
    wrong = connection(running, client_secret=SecretStr(CANARY))
    report = check(wrong, tuple(sources().values()))
    assert (report.connected, report.exit_code) == (False, 3)
    assert CANARY not in repr(report) + repr(wrong)
    assert sum(r["path"] == "/oauth_token.do" for r in running.control.requests()) <= 2


def test_a_wrong_address_is_source_unavailable() -> None:
    nowhere = Connection(
        "http://localhost:9",
        "test",
        username="u",
        password=SecretStr(CANARY),
        client_id="c",
        client_secret=SecretStr("s"),
    )
    with ServiceNow(nowhere, Pace(**QUICK)) as source, pytest.raises(SourceUnavailable) as caught:  # type: ignore[arg-type]  # names of Pace
        source.now()
    assert CANARY not in str(caught.value)


def test_connect_keeps_a_refresh_token_and_no_password(running: RunningEmulator, tmp_path: Path) -> None:
    path = tmp_path / "tokens" / "test.json"
    connect(connection(running), path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert CANARY not in path.read_text()
    later = connection(running, password=None, refresh_token=stored_token(path))
    with ServiceNow(later, Pace(**QUICK)) as source:  # type: ignore[arg-type]  # names of Pace
        assert source.now().date() == NOW.date()


def test_check_says_connected_with_what_is_blind(running: RunningEmulator) -> None:
    running.control.deny_table("sys_audit", "forbidden")
    report = check(connection(running), tuple(sources().values()))
    assert report.connected
    assert report.release is not None
    assert report.release.name == "Australia"
    assert any("sys_audit" in line for line in report.blind)
    assert report.token_life_seconds is not None


@pytest.mark.parametrize("release", [r.name for r in RELEASES])
def test_every_release_is_read_with_its_own_semantics(release: str, tmp_path: Path) -> None:
    name = release.lower().replace(" ", "")
    known = release_of(f"glide-{name}-01-01-2025__patch1")
    assert known is not None
    assert known.name == release
    served = "australia" if name == "brazil" else name
    auth = known.grants[-1]
    with start(now=NOW, settings=EmulatorSettings(release=served, logs_itself=False)) as running:
        running.control.load("sysevent", rows(25))
        admin = running.control.instance.passwords["admin"]
        client_id, secret = next(iter(running.control.instance.clients.items()))
        there = Connection(
            running.url,
            "test",
            auth=auth,
            username="admin",
            password=SecretStr(admin),
            client_id=client_id,
            client_secret=SecretStr(secret),
        )  # type: ignore[arg-type]  # a grant by name
        requests = [ReadRequest(sources()[t], window=Window.of_day(DAY)) for t in ("sysevent", "sys_audit_role")]
        with ServiceNow(there, Pace(page_size=10, **QUICK)) as source:  # type: ignore[arg-type]  # names of Pace
            got = {
                g.table.source.table: g for g in source.read_many(requests, tmp_path, lambda *_: None) if g.table.source
            }
    assert got["sysevent"].rows == 25
    assert (got["sys_audit_role"].state, got["sys_audit_role"].rows) == ("ok", 0)


def test_errors_are_ours_and_carry_a_remedy() -> None:
    assert issubclass(AccessDenied, NowguardError)
    assert AccessDenied("x", remedy="do y").remedy == "do y"
