"""Accounts and roles: as it should be, as it should not be, absent, denied; and the closure in a circle."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from pipelines.posture.evaluate import evaluate
from pipelines.posture.registry import controls
from tests.posture.oracle_accounts import READS, roles_of
from tests.posture.world import DAY, Row, World, snapshot

BY_REF = {control.ref: control for control in controls().values()}
_ROLES = ("snc_internal", "snc_external", "admin", "sn_hr_core.hrsm_alumni")
_GOOD: Row = {"sys_id": "u", "user_name": "abel", "active": "true", "locked_out": "false"}

#: What is changed of the account, and the roles that it gets, so that it offends.
OFFENCES: Mapping[str, tuple[Row, tuple[str, ...]]] = {
    "D2": ({}, ("snc_external",)),
    "D4": ({"internal_integration_user": "true"}, ("admin",)),
    "D7": ({"user_name": "admin", "active": "false"}, ()),
    "D11": ({}, ("sn_hr_core.hrsm_alumni",)),
    "D12": ({"active": "false"}, ()),
}
every_question = pytest.mark.parametrize("ref", OFFENCES)


@every_question
def test_an_ordinary_account_is_compliant(ref: str) -> None:
    assert _found(ref, _world(_GOOD))["state"] == "compliant"


@every_question
def test_one_offending_account_is_not_compliant_and_is_named(ref: str) -> None:
    change, roles = OFFENCES[ref]

    found = _found(ref, _world({**_GOOD, **change}, *roles))

    assert (found["state"], found["finding_count"], found["examples"]) == ("not_compliant", 1, ["u"])


@every_question
def test_no_row_at_all_is_unknown_because_every_instance_has_accounts(ref: str) -> None:
    assert _found(ref, World())["state"] == "unknown"


@every_question
def test_a_denied_table_is_unknown_and_its_access_rule_is_named(ref: str) -> None:
    table = list(READS[ref])[-1]
    world = World(_world(_GOOD).rows, {table: "denied"})

    found = _found(ref, world)

    assert (found["state"], found["missing_acls"]) == ("unknown", [f"{table}: read"])


def test_a_role_is_found_through_groups_and_roles_that_go_in_a_circle() -> None:
    circle: dict[str, tuple[Row, ...]] = {
        "sys_user_group": ({"sys_id": "g", "parent": "h"}, {"sys_id": "h", "parent": "g"}),
        "sys_user_grmember": ({"user": "u", "group": "g"},),
        "sys_group_has_role": ({"group": "h", "role": "admin"},),
        "sys_user_role_contains": (
            {"role": "admin", "contains": "snc_external"},
            {"role": "snc_external", "contains": "admin"},
        ),
    }
    world = _world(_GOOD).having(circle)

    assert roles_of(world, "u") == {"snc_internal", "admin", "snc_external"}
    assert _found("D2", world)["state"] == "not_compliant"


def _world(user: Row, *roles: str) -> World:
    """One account that holds snc_internal and these roles; the tables of roles show a row each."""
    held: tuple[Row, ...] = tuple({"user": "u", "role": role, "state": "active"} for role in ("snc_internal", *roles))
    return World(
        {
            "sys_user": (user,),
            "sys_user_role": tuple({"sys_id": role, "name": role} for role in _ROLES),
            "sys_user_has_role": held,
            "sys_user_role_contains": ({"role": "other", "contains": "another"},),
        }
    )


def _found(ref: str, world: World) -> dict[str, object]:
    control = BY_REF[ref]
    con, views = snapshot(world, control.check.reads())
    with con:
        rows = evaluate(con, "acme", DAY, release=None, tables=views, asked={control.id: control}).to_pylist()
    found: dict[str, object] = rows[0]
    return found
