"""What can be reached, upkeep and the scans' properties: as it should be, as it should not be, absent, denied."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from pipelines.posture.evaluate import evaluate
from pipelines.posture.registry import controls
from tests.posture.oracle_reachable import PROPERTIES, READS
from tests.posture.world import DAY, Row, World, properties, snapshot

BY_REF = {control.ref: control for control in controls().values()}

#: A row that meets the recommendation, and what of it changed does not. The first table is the one that offends.
ROWS: Mapping[str, tuple[Row, Row]] = {
    "D25": ({"active": "true", "type": "script", "csrf_protect": "true"}, {"csrf_protect": ""}),
    "D26": (
        {"active": "true", "requires_authentication": "true", "requires_acl_authorization": "true"},
        {"requires_acl_authorization": "false"},
    ),
    "D27": ({"active": "true", "requires_authentication": "true"}, {"requires_authentication": "false"}),
    "D31": ({"active": "false"}, {"active": "true"}),
    "D35": ({"workflow_state": "published", "valid_to": "2027-01-01", "flagged": "false"}, {"valid_to": ""}),
    "D36": ({"public": "false"}, {"public": "true"}),
    "D37": ({"is_published": "false"}, {"is_published": "true"}),
    "D38": ({"active": "true", "roles": "itil"}, {"roles": ""}),
    "D43": ({"active": "true", "expires": "2026-04-04 00:00:00"}, {"expires": "2026-04-03 00:00:00"}),
    "D45": ({"status": "allowed"}, {"status": "requested"}),
    "D48": ({"active": "true", "update_available": "false"}, {"update_available": "true"}),
}
every_question = pytest.mark.parametrize("ref", ROWS)
every_property = pytest.mark.parametrize("ref", PROPERTIES)


@every_question
def test_rows_as_recommended_are_compliant(ref: str) -> None:
    assert _found(ref, _with(ref, ROWS[ref][0]))["state"] == "compliant"


@every_question
def test_one_offending_row_is_not_compliant_and_is_named(ref: str) -> None:
    found = _found(ref, _with(ref, {**ROWS[ref][0], **ROWS[ref][1]}))

    assert (found["state"], found["finding_count"], found["examples"]) == ("not_compliant", 1, ["row-1"])


@every_question
def test_no_row_at_all_is_compliant(ref: str) -> None:
    assert _found(ref, World())["state"] == "compliant"


@every_question
def test_a_denied_table_is_unknown_and_its_access_rule_is_named(ref: str) -> None:
    table = next(iter(READS[ref]))

    found = _found(ref, World(states={table: "denied"}))

    assert (found["state"], found["missing_acls"]) == ("unknown", [f"{table}: read"])


@every_property
def test_a_property_is_judged_by_its_value_and_unknown_without_a_row(ref: str) -> None:
    name, _, good, bad = PROPERTIES[ref]

    states = [_found(ref, World().having(properties(values)))["state"] for values in ({name: good}, {name: bad}, {})]

    assert states == ["compliant", "not_compliant", "unknown"]


def test_a_knowledge_base_with_both_criteria_is_compliant() -> None:
    link: Row = {"kb_knowledge_base": "row-1"}
    world = _with("D31", {"active": "true"}).having({"kb_uc_can_read_mtom": (link,)})

    half, whole = _found("D31", world), _found("D31", world.having({"kb_uc_can_contribute_mtom": (link,)}))

    assert (half["state"], whole["state"]) == ("not_compliant", "compliant")


def _with(ref: str, row: Row) -> World:
    return World().having({next(iter(READS[ref])): ({**row, "sys_id": "row-1"},)})


def _found(ref: str, world: World) -> dict[str, object]:
    control = BY_REF[ref]
    con, views = snapshot(world, control.check.reads())
    with con:
        rows = evaluate(con, "acme", DAY, release=None, tables=views, asked={control.id: control}).to_pylist()
    found: dict[str, object] = rows[0]
    return found
