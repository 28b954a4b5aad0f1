"""Who rules the instance and by which way, held against roles walked one by one; and what is said of accounts."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings

from pipelines.contracts import contract
from pipelines.posture.access import NEEDED, access
from pipelines.posture.core import TableState
from pipelines.posture.holders import HIGH_PRIVILEGE
from pipelines.posture.paths import DEPTH, OMITTED
from pipelines.posture.reading import Obstacle
from tests.posture import oracle_accounts, oracle_privileges
from tests.posture.cases_people import PEOPLE, Rows
from tests.posture.world import DAY, World, snapshot

_READ = {**NEEDED, "user_multifactor_auth": frozenset({"user", "validated"})}
_GOOD = PEOPLE["D9"].good
_USER = _GOOD["sys_user"][0]


def test_a_role_of_the_account_itself_is_direct() -> None:
    (row,) = _rows(World(_GOOD))

    assert (row["role"], row["how"], row["entry_uid"], row["path"]) == ("admin", "direct", "id-admin", ["role: admin"])


_CIRCLE: Rows = {
    "sys_user_has_role": ({"user": "nobody", "role": "id-itil", "state": "active"},),
    "sys_user_group": ({"sys_id": "g", "name": "Team", "parent": "h"}, {"sys_id": "h", "name": "House", "parent": "g"}),
    "sys_user_grmember": ({"user": "u", "group": "g"},),
    "sys_group_has_role": ({"group": "h", "role": "id-itil"},),
    "sys_user_role_contains": (
        {"role": "id-itil", "contains": "id-admin"},
        {"role": "id-admin", "contains": "id-itil"},
    ),
}


def test_the_whole_way_through_groups_and_roles_is_told_also_where_they_go_in_a_circle() -> None:
    (row,) = [row for row in _rows(World({**_GOOD, **_CIRCLE})) if row["user_uid"] == "u"]

    assert row["how"] == "contained"
    assert row["path"] == ["group: Team", "group: House", "role: itil", "role: admin"]
    assert row["entry_uid"] == "g"


def test_a_group_that_has_the_role_itself_is_the_way() -> None:
    world = World({**_GOOD, **_CIRCLE, "sys_group_has_role": ({"group": "g", "role": "id-admin"},)})

    (row,) = [row for row in _rows(world) if row["user_uid"] == "u"]

    assert (row["how"], row["path"]) == ("group", ["group: Team", "role: admin"])


def test_what_only_the_platform_wrote_down_is_kept_with_the_group_that_it_names() -> None:
    held = {"user": "u", "role": "id-admin", "granted_by": "gone", "inherited": "true", "state": "active"}

    (row,) = _rows(World({**_GOOD, "sys_user_has_role": (held,)}))

    assert (row["how"], row["entry_uid"], row["path"]) == ("group", "gone", ["group: gone", "role: admin"])


def test_of_two_ways_through_one_role_the_shorter_is_told() -> None:
    contains = tuple(
        {"role": f"id-{a}", "contains": f"id-{b}"}
        for a, b in (("itil", "snc_internal"), ("snc_internal", "admin"), ("itil", "admin"))
    )
    world = World(
        {**_GOOD, "sys_user_role_contains": contains, "sys_user_has_role": ({"user": "u", "role": "id-itil"},)}
    )

    (row,) = _rows(world)

    assert row["path"] == ["role: itil", "role: admin"]


def test_roles_that_are_nested_beyond_measure_are_held_and_the_path_leaves_the_middle_out() -> None:
    depth = DEPTH + 5
    names = ["admin", *(f"level {n}" for n in range(1, depth))]
    world = World(
        {
            **_GOOD,
            "sys_user_role": tuple({"sys_id": n, "name": n} for n in names),
            "sys_user_role_contains": tuple({"role": a, "contains": b} for b, a in pairwise(names)),
            "sys_user_has_role": ({"user": "u", "role": names[-1], "state": "active"},),
        }
    )

    (row,) = _rows(world)

    assert row["path"] == [f"role: {names[-1]}", OMITTED, "role: admin"]


def test_roles_with_a_thousand_million_ways_through_them_take_no_longer_than_their_pairs() -> None:
    layers = [["admin"], *([f"{layer} {n}" for n in range(8)] for layer in range(10))]
    contains = tuple(
        {"role": outer, "contains": inner} for below, above in pairwise(layers) for inner in below for outer in above
    )
    world = World(
        {
            **_GOOD,
            "sys_user_role": tuple({"sys_id": name, "name": name} for layer in layers for name in layer),
            "sys_user_role_contains": contains,
            "sys_user_has_role": ({"user": "u", "role": layers[-1][3], "state": "active"},),
        }
    )

    (row,) = _rows(world)

    assert len(row["path"]) == len(layers)
    assert row["path"] == ["role: 9 3", *(f"role: {layer} 0" for layer in range(8, -1, -1)), "role: admin"]


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(rows=oracle_accounts.drawn_rows(), more=oracle_privileges.drawn_rows())
def test_whoever_rules_by_any_way_is_listed_and_nobody_else(rows: Rows, more: Rows) -> None:
    world = World().having(rows).having(more)

    found = {(row["user_uid"], row["role"]) for row in _rows(world) if row["role"]}

    walked = oracle_privileges.rulers(world)
    assert found == {(user, role) for user, roles in walked.items() for role in roles}
    assert set(HIGH_PRIVILEGE) == oracle_privileges.RULERS


@pytest.mark.parametrize(
    ("account", "factors", "expected"),
    [
        ({}, "true", True),
        ({}, "false", False),
        ({"source": "ldap:CN=Ann"}, "false", None),
        ({"source": "ldap:CN=Ann"}, "true", True),
        ({"web_service_access_only": "true"}, "false", None),
    ],
)
def test_a_second_factor_is_known_where_the_instance_asks_for_it(
    account: dict[str, str], factors: str, expected: bool | None
) -> None:
    world = World(
        {**_GOOD, "sys_user": ({**_USER, **account},), "user_multifactor_auth": ({"user": "u", "validated": factors},)}
    )

    assert _rows(world)[0]["has_second_factor"] is expected


def test_without_the_enrolments_nobody_is_said_to_have_none() -> None:
    assert _rows(World(_GOOD, {"user_multifactor_auth": "denied"}))[0]["has_second_factor"] is None


@pytest.mark.parametrize(
    ("last", "created", "never", "idle", "dormant"),
    [
        (179, 900, False, 179, False),
        (180, 900, False, 180, True),
        (None, 29, True, None, False),
        (None, 30, True, None, True),
    ],
)
def test_sleep_is_counted_as_the_recommendation_counts_it(
    last: int | None, created: int, never: bool, idle: int | None, dormant: bool
) -> None:
    moments = {"last_login_time": "" if last is None else _ago(last), "sys_created_on": _ago(created)}

    row = _rows(World({**_GOOD, "sys_user": ({**_USER, **moments},)}))[0]

    assert (row["is_never_used"], row["idle_days"], row["is_dormant"]) == (never, idle, dormant)


def test_a_service_never_sleeps() -> None:
    account = {**_USER, "web_service_access_only": "true", "last_login_time": _ago(900)}

    (row,) = _rows(World({**_GOOD, "sys_user": (account,)}))

    assert (row["is_service"], row["is_dormant"], row["idle_days"]) == (True, False, 900)


def test_an_outsider_with_an_internal_role_is_listed_without_a_role_that_rules() -> None:
    held = tuple({"user": "u", "role": f"id-{role}", "state": "active"} for role in ("snc_external", "snc_internal"))

    (row,) = _rows(World({**_GOOD, "sys_user_has_role": held}))

    assert (row["role"], row["is_external"], row["internal_roles"]) == ("", True, ["snc_internal"])


def test_what_snc_external_brings_along_is_no_internal_role_and_a_role_without_a_name_hides_nothing() -> None:
    roles = (*_GOOD["sys_user_role"], {"sys_id": "nameless", "name": None}, {"sys_id": "portal", "name": "portal_user"})
    world = World(
        {
            **_GOOD,
            "sys_user_role": roles,
            "sys_user_role_contains": (
                {"role": "id-snc_external", "contains": "nameless"},
                {"role": "id-snc_external", "contains": "portal"},
            ),
            "sys_user_has_role": tuple({"user": "u", "role": f"id-{role}"} for role in ("snc_external", "itil")),
        }
    )

    (row,) = _rows(world)

    assert row["internal_roles"] == ["itil"]


def test_a_group_without_a_name_is_told_by_its_id() -> None:
    world = World(
        {
            **_GOOD,
            **_CIRCLE,
            "sys_user_group": ({"sys_id": "g", "name": None, "parent": ""},),
            "sys_group_has_role": ({"group": "g", "role": "id-admin"},),
        }
    )

    (row,) = [row for row in _rows(world) if row["user_uid"] == "u"]

    assert row["path"] == ["group: g", "role: admin"]


def test_an_ordinary_account_is_not_listed() -> None:
    world = World({**_GOOD, "sys_user_has_role": ({"user": "u", "role": "id-snc_internal", "state": "active"},)})

    assert _rows(world) == []


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, False),
        ({"is_enabled": False}, True),
        ({"is_deleted": True}, True),
        ({"leave_at": datetime(2026, 3, 4, 12)}, True),
        ({"leave_at": datetime(2026, 3, 6)}, False),
        ({"match_state": "ambiguous", "is_enabled": False}, None),
    ],
)
def test_a_leaver_is_who_the_identity_provider_says_has_left(said: dict[str, Any], expected: bool | None) -> None:
    table = contract("core__identity")
    person = {"user_uid": "u", "match_state": "matched", "is_enabled": True, "is_deleted": False, **said}
    con, views = snapshot(World(_GOOD), _READ)
    con.register("identity", pa.Table.from_pylist([person], schema=table.arrow_schema()))

    with con:
        found = access(con, "acme", DAY, views, "identity")

    assert isinstance(found, pa.Table)
    assert found["is_leaver"].to_pylist() == [expected]


def test_an_alumnus_with_an_active_account_is_a_leaver_whoever_else_says_nothing() -> None:
    roles = (*_GOOD["sys_user_role"], {"sys_id": "al", "name": "sn_hr_core.hrsm_alumni"})
    world = World({**_GOOD, "sys_user_role": roles, "sys_user_has_role": ({"user": "u", "role": "al"},)})

    (row,) = _rows(world)

    assert (row["role"], row["is_leaver"]) == ("", True)
    assert _rows(World(_GOOD))[0]["is_leaver"] is None


def test_whoever_is_switched_off_has_left_already_and_what_the_account_holds_is_still_told() -> None:
    roles = (*_GOOD["sys_user_role"], {"sys_id": "al", "name": "sn_hr_core.hrsm_alumni"})
    held = tuple({"user": "u", "role": role} for role in ("al", "id-admin"))
    off = {**_USER, "active": "false"}

    (row,) = _rows(World({**_GOOD, "sys_user": (off,), "sys_user_role": roles, "sys_user_has_role": held}))

    assert (row["role"], row["is_active"], row["is_leaver"]) == ("admin", False, False)


@pytest.mark.parametrize("table", sorted(NEEDED))
@pytest.mark.parametrize("how", ["denied", "failed"])
def test_where_accounts_or_roles_cannot_be_seen_nothing_is_said(table: str, how: TableState) -> None:
    con, views = snapshot(World(_GOOD, {table: how}), _READ)

    with con:
        found = access(con, "acme", DAY, views)

    assert isinstance(found, Obstacle)
    assert table in found.reason


def test_the_key_of_the_contract_is_a_key() -> None:
    rows: Rows = {**_GOOD, **_CIRCLE, "sys_user_has_role": (*_GOOD["sys_user_has_role"], *_GOOD["sys_user_has_role"])}

    keys = [tuple(row[c] for c in contract("out__access").key) for row in _rows(World(rows))]

    assert len(keys) == len(set(keys)) > 1


def _ago(days: int) -> str:
    return f"{DAY - timedelta(days=days)} 09:00:00"


def _rows(world: World) -> list[dict[str, Any]]:
    con: duckdb.DuckDBPyConnection
    con, views = snapshot(world, _READ)
    with con:
        found = access(con, "acme", DAY, views)
    assert isinstance(found, pa.Table), found
    rows: list[dict[str, Any]] = found.to_pylist()
    return rows
