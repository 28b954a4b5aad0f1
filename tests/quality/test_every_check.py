"""Every expectation of every contract can fail: a valid partition with one thing broken fails exactly that."""

from __future__ import annotations

from functools import cache

import duckdb
import pytest

from pipelines.contracts import registry, sources
from pipelines.contracts.table import Check, CheckKind, Table
from pipelines.quality import Part, QualityReport, validate_partition, validate_partitions
from pipelines.quality.metrics import watched_columns
from pipelines.quality.suite import EXPECTATION_OF, suite_of
from tests.quality.frames_of import DAY, INSTANCE, as_arrow, broken, usual, valid

POSTURE = list(sources("posture").values())
#: All posture tables are declared by one function and have the same checks: one of them speaks for all.
TABLES = [t for t in registry().values() if t not in POSTURE[1:]]


def expanded(table: Table) -> list[Check]:
    """The contract's checks with one null-rate check per column."""
    found: list[Check] = []
    for check in table.all_checks():
        if check.kind is CheckKind.NULLS_LIKE_HISTORY and not check.column:
            found += [Check(check.kind, check.severity, column) for column in watched_columns(table)]
        else:
            found.append(check)
    return found


def test_posture_tables_are_checked_alike_and_for_their_key_alone() -> None:
    assert {t.all_checks() for t in POSTURE} == {POSTURE[0].all_checks()}
    assert {c.kind for c in POSTURE[0].all_checks()} == {CheckKind.NOT_NULL, CheckKind.UNIQUE_KEY}


CASES = [pytest.param(t, c, id=f"{t.name}-{c.kind}-{c.column}") for t in TABLES for c in expanded(t)]


@cache
def reports(table: Table) -> list[QualityReport]:
    """The valid partition, an empty one, and one broken for each check, judged together as a night judges its tables."""
    frames = [valid(table), {f.name: [] for f in table.all_fields}, *(broken(table, c) for c in expanded(table))]
    with duckdb.connect() as con:
        parts = [Part(table, f"judged_{i}", DAY, usual(table)) for i in range(len(frames))]
        for part, columns in zip(parts, frames, strict=True):
            con.register(part.view, as_arrow(table, columns))
        return validate_partitions(con, parts, instance=INSTANCE)


def failed(report: QualityReport) -> set[tuple[str, str]]:
    return {(r["check"], r["column"]) for r in report.results.to_pylist() if not r["success"]}


@pytest.mark.parametrize("table", TABLES, ids=lambda t: t.name)
def test_a_valid_partition_passes_every_expectation(table: Table) -> None:
    report = reports(table)[0]

    assert failed(report) == set()
    assert (report.verdict, report.stop_failures, report.quarantine.num_rows) == ("passed", (), 0)
    assert report.results.num_rows == len(expanded(table))


@pytest.mark.parametrize("table", TABLES, ids=lambda t: t.name)
def test_an_empty_partition_is_judged_and_only_its_volume_can_fail(table: Table) -> None:
    report = reports(table)[1]

    assert {check for check, _ in failed(report)} <= {"rows_like_history"}


@pytest.mark.parametrize(("table", "check"), CASES)
def test_breaking_one_thing_fails_exactly_that_expectation(table: Table, check: Check) -> None:
    report = reports(table)[2 + expanded(table).index(check)]

    column = ", ".join(table.key) if check.kind is CheckKind.UNIQUE_KEY else check.column
    assert (check.kind.value, column) in failed(report)
    assert failed(report) - {(check.kind.value, column)} <= inseparable(table, check)
    assert report.verdict == (
        "failed" if check.severity == "stop" or inseparable(table, check) & stops(table) & failed(report) else "warned"
    )


def inseparable(table: Table, check: Check) -> set[tuple[str, str]]:
    """What the same broken cell also breaks: a time that is missing or no time is not of the day either."""
    also = set()
    if check.column and check.column == table.time_column and check.kind in {CheckKind.NOT_NULL, CheckKind.MATCHES}:
        also.add((CheckKind.TIME_IN_PARTITION.value, check.column))
    return also


def stops(table: Table) -> set[tuple[str, str]]:
    return {(c.kind.value, c.column) for c in table.all_checks() if c.severity == "stop"}


@pytest.mark.parametrize("table", TABLES, ids=lambda t: t.name)
def test_the_contract_makes_a_real_suite_with_its_severities(table: Table) -> None:
    suite = suite_of(table)

    asked = [c for c in table.all_checks() if c.is_row_check]
    assert [(e.expectation_type, e.column) for e in suite.expectations] == [
        (EXPECTATION_OF[c.kind], c.column) for c in asked
    ]
    assert [str(e.severity.value) for e in suite.expectations] == [
        {"stop": "critical", "warn": "warning"}[c.severity] for c in asked
    ]


def test_every_kind_of_check_has_an_expectation() -> None:
    assert set(EXPECTATION_OF) == set(CheckKind)


@pytest.mark.parametrize("table", TABLES[:3], ids=lambda t: t.name)
def test_a_partition_is_judged_alone_as_it_is_among_others(table: Table) -> None:
    check = next(c for c in expanded(table) if c.is_row_check)
    with duckdb.connect() as con:
        con.register("alone", as_arrow(table, broken(table, check)))
        alone = validate_partition(con, table, "alone", instance=INSTANCE, day=DAY, history=usual(table))

    among = reports(table)[2 + expanded(table).index(check)]
    assert alone.results.drop_columns(["seconds"]).equals(among.results.drop_columns(["seconds"]))
    assert alone.quarantine.equals(among.quarantine)
    assert alone.verdict == among.verdict
