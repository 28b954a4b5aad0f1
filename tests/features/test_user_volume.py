"""What people usually do: what a day teaches, what is raised, what runs on and what is forgotten."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import duckdb
import ibis
import pyarrow as pa
import pytest

from pipelines.contracts.state.user_volume import MEASURES
from pipelines.features.core import to_sql
from pipelines.features.user_volume import KEPT_DAYS, LEARNING_DAYS
from pipelines.features.volumes import ORDINARY, ending, is_appended, is_odd
from pipelines.policies.cases import DAY, activity, download, downloads, login
from pipelines.policies.core import Row
from tests.features.nights import Nights

TABLE = "state__user_volume"


#: Downloads day after day from `DAY` on; None is a day without anything. Whoever is away keeps what was known.
KNOWN = [4] * LEARNING_DAYS
HISTORIES: dict[str, list[int | None]] = {
    "ann": [2, None, 4],
    "attacked": [*KNOWN, 4, 400],
    "known": [*KNOWN, 24],
    "new": [*KNOWN[1:], 24],
    "run0": [*KNOWN, 24, 24],
    "run3": [*KNOWN, 24, None, None, None, 24],
    "run4": [*KNOWN, 24, None, None, None, None, 24],
    "nothing": [*[0] * LEARNING_DAYS, 10],
    "something": [*[0] * LEARNING_DAYS, 11],
    "private": [*[0] * LEARNING_DAYS],
}
DAYS = [DAY + timedelta(days=n) for n in range(LEARNING_DAYS + 6)]


@pytest.fixture(scope="module")
def run() -> Nights:
    rows: dict[date, list[Row]] = {day: [] for day in DAYS}
    for user, counts in HISTORIES.items():
        for nth, count in enumerate(counts):
            rows[DAYS[nth]] += _day(user, nth, count)
    rows[DAYS[LEARNING_DAYS]] += [
        activity("private", f"{LEARNING_DAYS} 18:00", "exported", nth=nth, device_key=device)
        for nth, device in enumerate(("opera", "opera", "firefox/linux/pc"))
    ]
    return Nights(only=(TABLE, "state__seen")).build(rows, DAYS)


def _day(user: str, nth: int, count: int | None) -> list[Row]:
    if count is None:
        return []
    return [login(user, f"{nth} 08:00:00"), *downloads(user, f"{nth} 09:00:00", count, 60)]


def of(run: Nights, user: str, day: date = DAYS[-1], measure: str = "files") -> dict[str, Any]:
    (row,) = [r for r in run.rows(TABLE, day) if (r["user_uid"], r["measure"]) == (user, measure)]
    return row


def test_every_measure_of_the_contract_is_measured() -> None:
    assert tuple(ORDINARY) == MEASURES


def test_a_day_counts_each_measure() -> None:
    rows = [
        *(download("ann", "09:00", nth=n, file=f"f{n % 2}", bytes=10) for n in range(3)),
        download("ann", "11:00", file="f9", bytes=5),
        download("ann", "11:30", file="refused", status="failure"),
        activity("ann", "12:00", "exported", bytes=500, device_key="opera"),
        activity("ann", "12:10", "api_request", bytes=70, resource_type="sys_attachment", resource_uid="a1"),
        activity("ann", "12:20", "file_renamed", resource_uid="a2"),
        activity("ann", "12:30", "file_uploaded", resource_name="x.docx.locked"),
        activity("ann", "12:31", "file_uploaded", resource_name="x.docx"),
        activity("ann", "12:40", "record_deleted", resource_uid="r1"),
        activity("ann", "12:41", "file_deleted", resource_uid="a3"),
        activity("ann", "12:50", "role_granted", resource_uid="uid-eve"),
        *(activity("ann", "13:00", "impersonation_start", nth=n, resource_name=name) for n, name in enumerate("aab")),
    ]
    run = Nights(only=(TABLE,)).build({DAY: rows}, [DAY])

    found = {row["measure"]: row["mean"] for row in run.rows(TABLE, DAY) if row["user_uid"] == "uid-ann"}
    assert found == {
        "files": 3, "hour_files": 2, "bytes_out": 605, "export_bytes": 500, "strange_exports": 0, "deletions": 2,
        "odd_files": 1, "file_edits": 2, "admin_changes": 1, "impersonations": 2,
    }  # fmt: skip


def test_the_mean_is_over_active_days_and_a_quiet_day_keeps_it(run: Nights) -> None:
    row = of(run, "uid-ann")

    assert (row["mean"], row["high"], row["day_count"]) == (3.0, 4.0, 2)


def test_a_day_far_above_teaches_only_what_would_have_been_usual(run: Nights) -> None:
    row = of(run, "uid-attacked")

    assert row["high"] == 12.0
    assert row["mean"] < 6


def test_a_day_far_above_is_raised_once_the_person_is_known(run: Nights) -> None:
    assert of(run, "uid-known")["raised_days"] == 1
    assert of(run, "uid-new")["raised_days"] == 0


@pytest.mark.parametrize(("user", "days", "files"), [("run0", 2, 48.0), ("run3", 2, 48.0), ("run4", 1, 24.0)])
def test_a_run_survives_a_weekend_and_ends_after_four_quiet_days(
    run: Nights, user: str, days: int, files: float
) -> None:
    row = of(run, f"uid-{user}")

    assert (row["raised_days"], row["raised_sum"]) == (days, files)


def test_what_is_nothing_special_raises_nobody(run: Nights) -> None:
    assert of(run, "uid-nothing")["raised_days"] == 0
    assert of(run, "uid-something")["raised_days"] == 1


def test_a_department_and_the_organisation_have_the_mean_of_their_active_people() -> None:
    rows = [
        *downloads("ann", "09:00", 6, department="d1"),
        *downloads("bob", "09:00", 2, department="d1"),
        login("cem", "09:00"),
    ]
    run = Nights(only=(TABLE,)).build({DAY: rows}, [DAY])

    assert of(run, "department:d1", DAY)["mean"] == 4.0
    assert of(run, "*", DAY)["mean"] == 2.667


def test_exports_on_a_device_that_nobody_knows_are_strange_and_never_become_a_habit(run: Nights) -> None:
    row = of(run, "uid-private", measure="strange_exports")

    assert (row["raised_days"], row["raised_sum"]) == (1, 2.0)
    assert (row["mean"], row["high"]) == (0.0, 0.0)


def test_somebody_who_stays_away_is_forgotten() -> None:
    late = [DAY + timedelta(days=KEPT_DAYS + n) for n in (0, 1)]
    run = Nights(only=(TABLE,)).build({DAY: _day("ann", 0, 4)}, [DAY, *late])

    assert sorted(r["user_uid"] for r in run.rows(TABLE, late[0]) if r["measure"] == "files") == ["*", "uid-ann"]
    assert run.rows(TABLE, late[1]) == []


NAMES = ibis.table({"name": "string"}, name="names")
SQL = to_sql(
    NAMES.select(name=NAMES.name, end=ending(NAMES.name), odd=is_odd(NAMES.name), appended=is_appended(NAMES.name))
)


@pytest.mark.parametrize(
    ("name", "end", "odd", "appended"),
    [
        ("offer.docx", "docx", False, False),
        ("offer.docx.locked", "locked", True, True),
        ("OFFER.PDF.CRYPT", "crypt", True, True),
        ("a.pdf.id-1A2B.[x@y.example].harma", "harma", True, False),
        ("assembly_001.locked", "locked", True, False),
        ("logs.tar.gz", "gz", False, False),
        ("contract.pdf.p7m", "p7m", False, False),
        ("archive.7z.001", "", False, False),
        ("README", "", False, False),
        ("v1.2 final", "", False, False),
        ("", "", False, False),
        (None, "", False, False),
    ],
)
def test_endings_that_no_program_gives(name: str | None, end: str, odd: bool, appended: bool) -> None:
    con = duckdb.connect()
    con.register("names", pa.table({"name": pa.array([name], pa.string())}))

    assert con.sql(SQL).fetchall() == [(name, end, odd, appended)]
