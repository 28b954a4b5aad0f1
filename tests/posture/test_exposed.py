"""Exposed resources by name: the rows that recommendations find, whose they are, since when, and how certain it is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from pipelines.contracts import contract
from pipelines.posture.checks import row_checks
from pipelines.posture.core import TableState
from pipelines.posture.evaluate import evaluate
from pipelines.posture.exposed import EXPOSING, exposed
from pipelines.posture.registry import controls
from tests.posture.cases import CASES
from tests.posture.cases_people import Rows
from tests.posture.world import DAY, World, snapshot

BY_REF = {control.ref: control for control in controls().values()}
every_exposing = pytest.mark.parametrize("ref", [ref for ref in EXPOSING if ref in CASES])


@every_exposing
def test_as_recommended_nothing_is_listed(ref: str) -> None:
    assert _rows(ref, World(CASES[ref].good)) == []


@every_exposing
def test_every_offence_that_a_row_stands_for_is_listed(ref: str) -> None:
    case = CASES[ref]
    for rows in case.bad:
        world = World({**case.good, **rows})
        found, count = _rows(ref, world), _count(ref, world)

        assert len(found) == count, rows
        assert {(row["ref"], row["is_certain"], row["since"]) for row in found} <= {(ref, True, DAY)}


@pytest.mark.parametrize("ref", ["D39", "D49"])
def test_what_a_script_decides_is_listed_as_uncertain(ref: str) -> None:
    for rows in CASES[ref].doubtful:
        found = _rows(ref, World({**CASES[ref].good, **rows}))

        assert [(row["resource_uid"], row["is_certain"]) for row in found] == [("a", False)]


def test_a_token_is_listed_with_the_account_that_it_acts_as() -> None:
    token = {**CASES["D42"].good["oauth_credential"][0], "expires": "", "type": "refresh_token", "user": "u"}

    (row,) = _rows("D42", World({**CASES["D42"].good, "oauth_credential": (token,)}))

    assert (row["resource_type"], row["resource_uid"], row["resource_name"]) == (
        "oauth_credential",
        "k",
        "refresh_token",
    )
    assert (row["account_uid"], row["finding"]) == ("u", "tokens without an end, or valid and untouched for 90 days")


@pytest.mark.parametrize("how", ["denied", "failed", "missing"])
def test_what_cannot_be_seen_lists_nothing(how: TableState) -> None:
    case = CASES["D21"]

    assert _rows("D21", World({**case.good, **case.bad[0]}, {"sys_security_acl": how})) == []


def test_a_rule_that_a_hidden_role_may_close_is_uncertain() -> None:
    case = CASES["D21"]

    (row,) = _rows("D21", World({**case.good, **case.bad[0]}, {"sys_security_acl_role": "partial"}))

    assert row["is_certain"] is False


def test_what_was_there_the_night_before_keeps_its_day() -> None:
    case = CASES["D21"]
    world, earlier = World({**case.good, **case.bad[0]}), DAY - timedelta(days=9)
    before = [{**_rows("D21", world)[0], "since": earlier}]

    assert [row["since"] for row in _rows("D21", world, before)] == [earlier]
    assert [row["since"] for row in _rows("D21", world, [{**before[0], "resource_uid": "another"}])] == [DAY]


def test_a_hostile_name_is_data_and_nothing_else() -> None:
    name = "task'; DROP TABLE x; -- <b>"
    rows: Rows = {**CASES["D21"].good, **CASES["D21"].bad[0]}
    rule = {**rows["sys_security_acl"][0], "name": name}

    (row,) = _rows("D21", World({**rows, "sys_security_acl": (rule,)}))

    assert row["resource_name"] == name


@pytest.mark.parametrize("ref", EXPOSING)
def test_what_is_said_to_expose_finds_rows_of_tables_that_have_names(ref: str) -> None:
    from pipelines.posture.exposed import _NAMES

    checks = row_checks(BY_REF[ref].check)

    assert checks
    for check in checks:
        assert {table for table, columns in check.reads().items() if "sys_id" in columns} & _NAMES.keys()


def test_the_key_is_a_key() -> None:
    case = CASES["D39"]
    found = _rows("D39", World({**case.good, **case.bad[2]}))

    keys = [tuple(row[c] for c in contract("out__exposed_resource").key) for row in found]
    assert len(keys) == len(set(keys)) == 1


def _judged(ref: str, world: World) -> Any:
    control = BY_REF[ref]
    reads = dict(control.check.reads())
    more: Mapping[str, frozenset[str]] = {
        "oauth_credential": frozenset({"type", "user"}), "sys_security_acl": frozenset({"name"}),
    }  # fmt: skip
    con, views = snapshot(world, {t: c | more.get(t, frozenset()) for t, c in reads.items()})
    states = evaluate(con, "acme", DAY, release=None, tables=views, asked={control.id: control})
    return con, views, states


def _rows(ref: str, world: World, before: list[dict[str, Any]] | None = None) -> list[dict[str, Any]]:
    import pyarrow as pa

    con, views, states = _judged(ref, world)
    with con:
        if before:
            con.register("held", pa.Table.from_pylist(before, schema=contract("out__exposed_resource").arrow_schema()))
        found = exposed(con, DAY, views, states, controls(), "held" if before else "")
    rows: list[dict[str, Any]] = found.to_pylist()
    return rows


def _count(ref: str, world: World) -> int:
    con, _, states = _judged(ref, world)
    with con:
        return int(states["finding_count"][0].as_py() or 0)
