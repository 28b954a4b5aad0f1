"""Recommendations about people, rules, clients and upkeep: as they should be, as they should not be, absent, denied, in doubt."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.posture.evaluate import evaluate
from pipelines.posture.registry import controls
from tests.posture.cases import CASES
from tests.posture.cases_people import Rows
from tests.posture.oracle_upkeep import PROPERTIES
from tests.posture.world import DAY, World, properties, snapshot

BY_REF = {control.ref: control for control in controls().values()}
every_case = pytest.mark.parametrize("ref", CASES)
every_offence = pytest.mark.parametrize(
    ("ref", "rows"),
    [pytest.param(ref, rows, id=f"{ref}-{n}") for ref, case in CASES.items() for n, rows in enumerate(case.bad)],
)
every_doubt = pytest.mark.parametrize(
    ("ref", "rows"),
    [pytest.param(ref, rows, id=f"{ref}-{n}") for ref, case in CASES.items() for n, rows in enumerate(case.doubtful)],
)
every_lookalike = pytest.mark.parametrize(
    ("ref", "rows"),
    [pytest.param(ref, rows, id=f"{ref}-{n}") for ref, case in CASES.items() for n, rows in enumerate(case.fine)],
)


@every_case
def test_as_recommended_it_is_compliant(ref: str) -> None:
    assert _found(ref, World(CASES[ref].good))["state"] == "compliant"


@every_offence
def test_each_offence_alone_is_not_compliant_and_what_offends_is_named(ref: str, rows: Rows) -> None:
    found = _found(ref, World({**CASES[ref].good, **rows}))

    assert found["state"] == "not_compliant", found["observed"]
    if CASES[ref].found:
        assert CASES[ref].found in found["examples"]


@every_lookalike
def test_what_only_looks_like_an_offence_is_compliant(ref: str, rows: Rows) -> None:
    found = _found(ref, World({**CASES[ref].good, **rows}))

    assert found["state"] == "compliant", found["observed"]


@pytest.mark.parametrize("ref", [ref for ref, case in CASES.items() if case.acquitting])
def test_where_a_hidden_row_may_excuse_it_a_finding_proves_nothing(ref: str) -> None:
    case = CASES[ref]
    for table in case.acquitting:
        found = _found(ref, World({**case.good, **case.bad[0]}, {table: "partial"}))

        assert found["state"] == "unknown", found["observed"]
        assert f"{table}: read" in found["missing_acls"]


@every_doubt
def test_what_only_the_instance_or_nobody_can_tell_is_unknown_and_the_reason_is_said(ref: str, rows: Rows) -> None:
    found = _found(ref, World({**CASES[ref].good, **rows}))

    assert found["state"] == "unknown", found["observed"]
    assert len(found["reason"].split()) > 3


@every_case
def test_without_any_row_absence_means_what_it_can_mean(ref: str) -> None:
    assert _found(ref, World())["state"] == CASES[ref].absent


@every_case
def test_a_denied_table_is_unknown_and_its_access_rule_is_named(ref: str) -> None:
    case = CASES[ref]

    found = _found(ref, World(case.good, {case.denied: "denied"}))

    assert (found["state"], found["missing_acls"]) == ("unknown", [f"{case.denied}: read"])


@pytest.mark.parametrize("ref", [ref for ref, case in CASES.items() if case.denied != "posture_count"])
def test_hidden_rows_leave_what_looks_right_unknown(ref: str) -> None:
    case = CASES[ref]

    found = _found(ref, World(case.good, {case.denied: "partial"}))

    # Enough rows that speak for it are enough; one more that is hidden cannot change that.
    assert found["state"] == ("compliant" if ref == "D34" else "unknown")


@pytest.mark.parametrize("ref", PROPERTIES)
def test_properties_are_judged_together_and_unknown_without_a_row(ref: str) -> None:
    good = {name: value for name, _, value, _ in PROPERTIES[ref]}

    assert _found(ref, World().having(properties(good)))["state"] == "compliant"
    assert _found(ref, World())["state"] == "unknown"
    for name, _, _, bad in PROPERTIES[ref]:
        assert _found(ref, World().having(properties({**good, name: bad})))["state"] == "not_compliant", name


@pytest.mark.parametrize("ref", ["D50", "D56"])
def test_what_no_table_shows_is_unknown_for_a_reason_whatever_the_rows(ref: str) -> None:
    found = _found(ref, World(CASES["D21"].good))

    assert (found["state"], found["missing_acls"], found["reads"]) == ("unknown", [], [])
    assert found["reason"]


def test_an_instance_without_tables_of_hr_or_tracked_files_is_not_asked_for_them() -> None:
    world = World({**CASES["D49"].good, "sys_db_object": ({"sys_id": "t", "name": "task"},)})

    assert [_found(ref, world)["state"] for ref in ("D46", "D49")] == ["not_applicable", "not_applicable"]


def test_on_the_first_night_nobody_can_say_who_is_new() -> None:
    found = _found("D18", World(CASES["D18"].good, {"posture_access_before": "missing"}))

    assert found["state"] == "not_applicable"


def test_before_access_policies_came_none_is_asked_for() -> None:
    world = World(CASES["D41"].good, {"sys_api_access_policy": "missing"})

    assert _found("D41", world)["state"] == "not_applicable"


def test_a_secret_that_may_not_be_counted_is_named_and_stays_unknown() -> None:
    found = _found("D17", World({"posture_count": ({"question": "directory_account_with_password", "rows": None},)}))

    assert (found["state"], found["missing_acls"]) == ("unknown", ["sys_user.user_password: read"])


def test_a_rule_of_an_outsiders_other_role_opens_the_audit_trail_too() -> None:
    """A role that reaches an external user through a group and a contained role counts as well."""
    rows: Rows = {
        **CASES["D39"].good,
        "sys_user_group": ({"sys_id": "g", "parent": ""},),
        "sys_user_grmember": ({"user": "u", "group": "g"},),
        "sys_group_has_role": ({"group": "g", "role": "id-itil"},),
        "sys_user_role_contains": ({"role": "id-itil", "contains": "id-admin"},),
    }

    assert _found("D39", World(rows))["state"] == "not_compliant"


def _found(ref: str, world: World) -> dict[str, Any]:
    control = BY_REF[ref]
    con, views = snapshot(world, control.check.reads())
    with con:
        rows = evaluate(con, "acme", DAY, release=None, tables=views, asked={control.id: control}).to_pylist()
    found: dict[str, Any] = rows[0]
    return found
