"""What cannot be seen is unknown, and nothing else is; who is blind is told what would help."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pipelines.posture.core import Control, TableState
from pipelines.posture.evaluate import evaluate
from pipelines.posture.registry import controls, reads
from tests.posture.facts import FACTS, ROWS_GOOD
from tests.posture.world import Row, World, properties, snapshot

#: Read together: the second answers where the first cannot be read.
_STAND_INS = ({"v_plugin", "sys_plugins"},)

_BESIDE_MFA = {"multi_factor_criteria", "sys_authentication_policy"}


def _recommended() -> World:
    world = World().having(properties({fact.property: fact.good for facts in FACTS.values() for fact in facts}))
    for rows in ROWS_GOOD.values():
        world = world.having(rows)
    return world


WORLD = _recommended()


def _found(world: World, asked: dict[str, Control] | None = None) -> dict[str, dict[str, Any]]:
    con, views = snapshot(world)
    with con:
        rows = evaluate(con, "acme", world.day, release=world.family, tables=views, asked=asked).to_pylist()
    return {row["control_id"]: row for row in rows}


@pytest.fixture(scope="module")
def seen() -> dict[str, dict[str, Any]]:
    return _found(WORLD)


@pytest.mark.parametrize("table", sorted(reads()))
@pytest.mark.parametrize("how", ["denied", "failed"])
def test_a_table_that_cannot_be_read_makes_those_unknown_that_read_it_and_no_other(
    table: str, how: TableState, seen: dict[str, dict[str, Any]]
) -> None:
    readers = {id_ for id_, control in controls().items() if table in control.reads}

    found = _found(replace(WORLD, states={table: how}))

    changed = {id_ for id_, row in found.items() if row["state"] != seen[id_]["state"]}
    assert changed <= readers
    for id_ in readers - _with_another_way(table):
        assert found[id_]["state"] in {"unknown", "not_compliant"}, id_
        if found[id_]["state"] == "unknown" and how == "denied" and seen[id_]["state"] == "compliant":
            assert found[id_]["missing_acls"] == [f"{table}: read"], id_


def _with_another_way(table: str) -> set[str]:
    """Recommendations that answer without the table: another one stands in, or the property decides alone."""
    stand_in = any(table in pair for pair in _STAND_INS)
    by_plugin = {id_ for id_, control in controls().items() if {"v_plugin", "sys_plugins"} <= control.reads.keys()}
    return (by_plugin if stand_in else set()) | ({"mfa_enabled"} if table in _BESIDE_MFA else set())


def test_both_lists_of_plugins_denied_name_both() -> None:
    found = _found(replace(WORLD, states={"v_plugin": "denied", "sys_plugins": "denied"}))[
        "high_security_plugin_active"
    ]

    assert (found["state"], found["missing_acls"]) == ("unknown", ["sys_plugins: read", "v_plugin: read"])


def test_a_column_that_cannot_be_read_is_named() -> None:
    found = _found(replace(WORLD, hidden_columns=frozenset({("ip_access", "active")})))

    assert found["ip_access_restricted"]["missing_acls"] == ["ip_access.active: read"]


@pytest.mark.parametrize(
    "row",
    [
        {"value": "", "private": "true"},
        {"value": "false", "private": "1"},
        {"value": "*****"},
        {"value": "••••"},
        {"value": None},
        {"value": "x", "type": "password"},
        {"value": "x", "type": "password2"},
    ],
    ids=["private", "private as 1", "stars", "dots", "no value", "password", "password2"],
)
def test_a_private_or_masked_value_is_unknown_for_every_setting(row: Row) -> None:
    names = {fact.property for facts in FACTS.values() for fact in facts}
    world = World(rows={"sys_properties": tuple({"name": name, **row} for name in sorted(names))}).having(
        ROWS_GOOD_ROWS
    )

    states = {found["ref"]: found for found in _found(world).values() if found["ref"] in FACTS}

    assert {ref: found["state"] for ref, found in states.items() if found["state"] != "unknown"} == {}
    assert all("sys_properties.value: read" in found["missing_acls"] for found in states.values())


def test_a_masked_value_is_not_shown() -> None:
    world = World(rows={"sys_properties": ({"name": "glide.ldap.use.ssl", "value": "s3cret", "private": "true"},)})

    found = _found(world)["ldap_uses_tls"]

    assert "s3cret" not in found["observed"] + found["reason"]


def test_hidden_rows_of_the_properties_make_an_absent_one_unknown_and_keep_one_that_is_shown() -> None:
    world = World(
        rows={"sys_properties": ({"name": "glide.ui.rotate_sessions", "value": "false"},)},
        states={"sys_properties": "partial"},
    )

    found = _found(world)

    assert found["session_id_rotated_at_login"]["state"] == "not_compliant"
    assert found["cookies_http_only"]["state"] == "unknown"
    assert found["cookies_http_only"]["missing_acls"] == ["sys_properties: read"]


ROWS_GOOD_ROWS = {
    table: rows for of_ref in ROWS_GOOD.values() for table, rows in of_ref.items() if table != "sys_properties"
} | {"v_plugin": tuple(row for of_ref in ROWS_GOOD.values() for row in of_ref.get("v_plugin", ()))}


@pytest.mark.parametrize("how", ["denied", "missing", "failed"])
def test_where_the_tables_of_mfa_cannot_be_read_the_property_decides_and_observed_says_so(how: TableState) -> None:
    world = World(states={"multi_factor_criteria": how, "sys_authentication_policy": how}, family="zurich")

    on = _found(world.having(properties({"glide.authenticate.multifactor": "true"})))["mfa_enabled"]
    off = _found(world.having(properties({"glide.authenticate.multifactor": "false"})))["mfa_enabled"]

    assert (on["state"], off["state"]) == ("compliant", "not_compliant")
    assert "multi_factor_criteria" in on["observed"]
    assert "the property decides" in on["observed"]


def test_before_yokohama_the_policy_for_logins_is_not_asked_for() -> None:
    rows = {"sys_authentication_policy": ()}
    world = replace(WORLD, rows={**WORLD.rows, **rows})

    assert _found(replace(world, family="xanadu"))["mfa_enabled"]["state"] == "compliant"
    assert _found(replace(world, family="yokohama"))["mfa_enabled"]["state"] == "not_compliant"
