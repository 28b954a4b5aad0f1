"""The second judge of who rules the instance: roles walked one by one for each account."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hypothesis import strategies as st

from tests.posture.oracle import few, is_on, state
from tests.posture.oracle_accounts import ROLES, reached, roles_of
from tests.posture.world import Row, World

RULERS = {
    "admin", "security_admin", "user_admin", "impersonator", "oauth_admin", "credential_admin", "background_script_admin",
}  # fmt: skip
READS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "D3": {**ROLES, "sys_user": ("sys_id", "active")},
    "D5": {**ROLES, "sys_user": ("sys_id", "active", "web_service_access_only")},
    "D18": {**ROLES, "sys_user": ("sys_id", "active"), "posture_access_before": ("user_uid", "role")},
    "D19": {table: ROLES[table] for table in ("sys_user_role", "sys_user_role_contains")},
    "D20": {"sys_user_role": ("sys_id", "name", "assignable_by")},
}


def rulers(world: World) -> dict[object, set[object]]:
    """Roles that rule the instance, by account."""
    return {row["sys_id"]: roles_of(world, row["sys_id"]) & RULERS for row in world.of("sys_user")}


def _crowded(world: World) -> list[object]:
    living = {row["sys_id"] for row in world.of("sys_user") if is_on(row.get("active"))}
    held = rulers(world)
    return [role for role in RULERS if len([user for user in living if role in held[user]]) > 10]


def _new_administrators(world: World) -> list[object]:
    known = {row["user_uid"] for row in world.of("posture_access_before") if row["role"] == "admin"}
    living = [row["sys_id"] for row in world.of("sys_user") if is_on(row.get("active"))]
    held = rulers(world)
    return [user for user in living if "admin" in held[user] and user not in known]


def _elevated_services(world: World) -> list[object]:
    held = rulers(world)
    services = [row for row in world.of("sys_user") if is_on(row.get("active"))]
    return [r["sys_id"] for r in services if is_on(r.get("web_service_access_only")) and held[r["sys_id"]]]


def _contained(world: World) -> list[object]:
    contains = [(c["role"], c["contains"]) for c in world.of("sys_user_role_contains")]
    roles = world.of("sys_user_role")
    inside = {part for role in roles if role["name"] == "admin" for part in reached(role["sys_id"], contains)}

    def is_apart(name: str) -> bool:
        return name.endswith("admin") and (name.startswith(("sn_hr_", "sn_si.")) or "campaign" in name)

    return [role["sys_id"] for role in roles if role["sys_id"] in inside and is_apart(str(role["name"]))]


def _assigned_from_outside(world: World) -> list[object]:
    ours = [role for role in world.of("sys_user_role") if str(role["name"]).startswith("sn_hr_")]
    known = {role["name"] for role in ours} | {role["sys_id"] for role in ours}

    def by_others(role: Row) -> bool:
        entries = {entry.strip() for entry in str(role.get("assignable_by") or "").split(",")} - {""}
        return not entries or not entries <= known

    return [role["sys_id"] for role in ours if by_others(role)]


_OFFENDERS: Mapping[str, Callable[[World], list[object]]] = {
    "D3": _crowded,
    "D5": _elevated_services,
    "D18": _new_administrators,
    "D19": _contained,
    "D20": _assigned_from_outside,
}


def _of(ref: str) -> Callable[[World], str]:
    return lambda world: state(few(world, READS[ref], lambda: _OFFENDERS[ref](world)))


ORACLES: dict[str, Callable[[World], str]] = {ref: _of(ref) for ref in READS}
_COLUMNS = {(t, c) for tables in READS.values() for t, columns in tables.items() for c in columns}
TABLES = tuple(sorted({table for table, _ in _COLUMNS}))
COLUMNS = tuple(sorted(_COLUMNS))

#: Beside those of `oracle_accounts`, whose `r0` is admin.
_ROLE_NAMES = {"h0": "sn_hr_core.admin", "h1": "sn_hr_core.basic", "s0": "sn_si.admin", "i0": "itil", "p0": "public"}
_ASSIGNERS = (
    "",
    None,
    "sn_hr_core.admin",
    "sn_hr_core.admin",
    "h0",
    "h0",
    "admin",
    "sn_hr_core.admin, admin",
    "sn_hr_core.basic,h0",
)
_SWITCH = ("true", "false", "1", "", None)


def drawn_rows() -> st.SearchStrategy[dict[str, tuple[Row, ...]]]:
    """Nine to twelve administrators or none, two services, and roles of HR and security that may be contained in admin."""
    crowd = st.one_of(st.just(0), st.integers(9, 12)).map(lambda n: tuple(f"c{i}" for i in range(n)))
    services = st.tuples(
        *(
            st.fixed_dictionaries(
                {
                    "sys_id": st.just(uid),
                    "active": st.sampled_from(_SWITCH),
                    "web_service_access_only": st.sampled_from(_SWITCH),
                }
            )
            for uid in ("w0", "w1")
        )
    )
    assigners = st.tuples(*(st.sampled_from(_ASSIGNERS) for _ in _ROLE_NAMES))
    contained = st.lists(st.sampled_from(("h0", "h1", "s0", "i0")), max_size=2)
    return st.tuples(crowd, services, st.sampled_from(("r0", "i0")), assigners, contained).map(_rows)


def _rows(
    drawn: tuple[tuple[str, ...], tuple[Row, ...], str, tuple[str | None, ...], list[str]],
) -> dict[str, tuple[Row, ...]]:
    crowd, services, service_role, assigners, contained = drawn
    return {
        "sys_user": (*({"sys_id": uid, "active": "true"} for uid in crowd), *services),
        "sys_user_role": tuple(
            {"sys_id": uid, "name": name, "assignable_by": said}
            for (uid, name), said in zip(_ROLE_NAMES.items(), assigners, strict=True)
        ),
        "sys_user_has_role": (
            *({"user": uid, "role": "r0", "state": "active"} for uid in crowd),
            {"user": "w0", "role": service_role, "state": "active"},
        ),
        "sys_user_role_contains": tuple({"role": "r0", "contains": part} for part in contained),
    }
