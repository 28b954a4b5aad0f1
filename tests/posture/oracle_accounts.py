"""The second judge of accounts, of the plugin that parts inside from outside, and of roles: walked row by row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from hypothesis import strategies as st

from tests.posture.oracle import few, is_on, plugin, state
from tests.posture.world import Row, World

ROLES: Mapping[str, tuple[str, ...]] = {
    "sys_user_has_role": ("user", "role", "granted_by", "inherited", "state"),
    "sys_user_grmember": ("user", "group"),
    "sys_user_group": ("sys_id", "parent"),
    "sys_group_has_role": ("group", "role"),
    "sys_user_role": ("sys_id", "name"),
    "sys_user_role_contains": ("role", "contains"),
}
READS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "D2": ROLES,
    "D4": {**ROLES, "sys_user": ("sys_id", "internal_integration_user")},
    "D7": {**ROLES, "sys_user": ("sys_id", "user_name", "active")},
    "D11": {**ROLES, "sys_user": ("sys_id", "active")},
    "D12": {"sys_user": ("sys_id", "active", "locked_out")},
}


def reached(start: object, edges: Iterable[tuple[object, object]]) -> set[object]:
    known, pairs, todo = {start}, list(edges), [start]
    while todo:
        here = todo.pop()
        new = {b for a, b in pairs if a == here and b} - known
        known |= new
        todo.extend(new)
    return known


def roles_of(world: World, user: object) -> set[object]:
    """Names of the roles that the user holds in any way."""
    parents = [(g["sys_id"], g.get("parent")) for g in world.of("sys_user_group")]
    contains = [(c["role"], c["contains"]) for c in world.of("sys_user_role_contains")]
    names = {r["sys_id"]: r["name"] for r in world.of("sys_user_role")}
    existing = {g for g, _ in parents}
    mine = {m["group"] for m in world.of("sys_user_grmember") if m["user"] == user} & existing
    groups = {a for group in mine for a in reached(group, parents)}
    held = {
        r["role"]
        for r in world.of("sys_user_has_role")
        if r["user"] == user and (r.get("state") or "active") == "active"
    }
    held |= {r["role"] for r in world.of("sys_group_has_role") if r["group"] in groups}
    return {names[part] for role in held for part in reached(role, contains) if part in names}


def _offenders(ref: str, world: World) -> list[object]:
    def offends(row: Row) -> bool:
        on = is_on(row.get("active"))
        if ref == "D12":
            return not on and not is_on(row.get("locked_out"))
        roles = roles_of(world, row["sys_id"])
        if ref == "D4":
            return is_on(row.get("internal_integration_user")) and "admin" in roles
        if ref == "D7":
            return row.get("user_name") == "admin" and (on or bool(roles))
        return on and "sn_hr_core.hrsm_alumni" in roles

    if ref == "D2":
        users = {r["user"] for t in ("sys_user_has_role", "sys_user_grmember") for r in world.of(t)}
        return [user for user in users if {"snc_internal", "snc_external"} <= roles_of(world, user)]
    return [row["sys_id"] for row in world.of("sys_user") if offends(row)]


def _of(ref: str) -> Callable[[World], str]:
    return lambda world: state(few(world, READS[ref], lambda: _offenders(ref, world)))


ORACLES: dict[str, Callable[[World], str]] = {
    "D1": lambda world: state(plugin(world, "com.glide.explicit_roles")),
    **{ref: _of(ref) for ref in READS},
}
_COLUMNS = {(t, c) for tables in READS.values() for t, columns in tables.items() for c in columns}
TABLES = tuple(sorted({table for table, _ in _COLUMNS}))
COLUMNS = tuple(sorted(_COLUMNS))

_USERS, _GROUPS = ("u0", "u1"), ("g0", "g1", "g2")
_NAMES = ("admin", "snc_internal", "snc_external", "sn_hr_core.hrsm_alumni")
_IDS = tuple(f"r{n}" for n in range(len(_NAMES)))
_SWITCH = ("true", "false", "1", "", None)


def drawn_rows() -> st.SearchStrategy[dict[str, tuple[Row, ...]]]:
    """Two users, three groups that may go in a circle, four roles that may contain each other in one."""

    def some(**columns: tuple[str | None, ...]) -> st.SearchStrategy[tuple[Row, ...]]:
        row = st.fixed_dictionaries({c: st.sampled_from(values) for c, values in columns.items()})
        return st.lists(row, min_size=1, max_size=3).map(tuple)

    switches = {c: st.sampled_from(_SWITCH) for c in ("active", "locked_out", "internal_integration_user")}
    users = [
        st.fixed_dictionaries({"sys_id": st.just(u), "user_name": st.sampled_from(("admin", "abel")), **switches})
        for u in _USERS
    ]
    groups = [
        st.fixed_dictionaries({"sys_id": st.just(g), "parent": st.sampled_from((*_GROUPS, "", None))}) for g in _GROUPS
    ]
    return st.fixed_dictionaries(
        {
            "sys_user": st.tuples(*users),
            "sys_user_group": st.tuples(*groups),
            "sys_user_role": st.just(tuple({"sys_id": i, "name": n} for i, n in zip(_IDS, _NAMES, strict=True))),
            "sys_user_role_contains": some(role=_IDS, contains=_IDS),
            "sys_group_has_role": some(group=_GROUPS, role=_IDS),
            "sys_user_grmember": some(user=_USERS, group=_GROUPS),
            "sys_user_has_role": some(user=_USERS, role=_IDS, state=("active", "", None, "removed")),
            "v_plugin": some(id=("com.glide.explicit_roles", "com.glide.other"), active=("active", "inactive")),
        }
    )
