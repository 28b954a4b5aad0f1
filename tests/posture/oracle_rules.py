"""The second judge of access rules: who passes each of them, rule by rule."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from hypothesis import strategies as st

from tests.posture.oracle import Answer, all_of, doubtful, enough, few, is_on, state
from tests.posture.oracle_accounts import ROLES, reached, roles_of
from tests.posture.world import Row, World

_LINKS = {"sys_security_acl_role": ("sys_security_acl", "sys_user_role")}
_DECIDES = ("sys_id", "active", "advanced", "script", "condition", "security_attribute")
_BARE = {"sys_security_acl": _DECIDES, **_LINKS}
_NAMED = {"sys_security_acl": ("name", "type", "active")}
_READ = {"sys_security_acl": (*_DECIDES, "name", "type", "operation"), **_LINKS}
_PARTS = {table: ROLES[table] for table in ("sys_user_role", "sys_user_role_contains")}
_FILES = "cmdb_ci_config_file_tracked"


def _text(row: Row, column: str) -> str:
    return str(row.get(column) or "").strip()


def _rules(world: World) -> list[Row]:
    return [rule for rule in world.of("sys_security_acl") if is_on(rule.get("active"))]


def _asked(world: World, rule: Row) -> set[object]:
    """Roles of the rule, by sys_id."""
    return {
        link["sys_user_role"]
        for link in world.of("sys_security_acl_role")
        if link["sys_security_acl"] == rule["sys_id"]
    }


def _is_bare(rule: Row) -> bool:
    runs = is_on(rule.get("advanced")) and _text(rule, "script")
    return not (runs or _text(rule, "condition") or _text(rule, "security_attribute"))


def _named(world: World, kind: str) -> set[str]:
    return {_text(rule, "name") for rule in _rules(world) if rule.get("type") == kind}


def _public(world: World) -> Answer:
    public = {role["sys_id"] for role in world.of("sys_user_role") if role["name"] == "public"}
    reads = {"sys_security_acl": ("sys_id", "active"), **_LINKS, "sys_user_role": ("sys_id", "name")}
    return few(world, reads, lambda: [r["sys_id"] for r in _rules(world) if _asked(world, r) & public])


def _d21(world: World) -> Answer:
    def open_() -> list[object]:
        return [rule["sys_id"] for rule in _rules(world) if _is_bare(rule) and not _asked(world, rule)]

    return all_of(few(world, _BARE, open_, acquitting=("sys_security_acl_role",)), _public(world))


def _d22(world: World) -> Answer:
    def offenders() -> Iterable[object]:
        protected = {name.split(".")[0] for name in _named(world, "record")}
        tables = {table["sys_id"]: table for table in world.of("sys_db_object")}
        parents = [(uid, table.get("super_class")) for uid, table in tables.items()]
        for uid in tables:
            line = {tables[above]["name"] for above in reached(uid, parents) if above in tables}
            if not line & protected:
                yield uid

    reads = {**_NAMED, "sys_db_object": ("sys_id", "name", "super_class")}
    return few(world, reads, offenders, acquitting=("sys_security_acl",))


def _d23(world: World) -> Answer:
    def offenders() -> list[object]:
        named = _named(world, "client_callable_script_include")
        callable_ = [
            s for s in world.of("sys_script_include") if is_on(s.get("active")) and is_on(s.get("client_callable"))
        ]
        return [s["sys_id"] for s in callable_ if not {s.get("name"), s.get("api_name")} & named]

    reads = {**_NAMED, "sys_script_include": ("sys_id", "name", "api_name", "client_callable", "active")}
    return few(world, reads, offenders, acquitting=("sys_security_acl",))


def _d24(world: World) -> Answer:
    def without_rule() -> list[object]:
        return [page["sys_id"] for page in world.of("sys_ui_page") if page["name"] not in _named(world, "ui_page")]

    def public() -> list[object]:
        opened = {row["page"] for row in world.of("sys_public") if is_on(row.get("active"))}
        opened -= {"login", "login_with_sso", "logout_success"}
        return [page["sys_id"] for page in world.of("sys_ui_page") if page["name"] in opened]

    closed = few(world, {**_NAMED, "sys_ui_page": ("sys_id", "name")}, without_rule, acquitting=("sys_security_acl",))
    return all_of(closed, few(world, {"sys_ui_page": ("sys_id", "name"), "sys_public": ("page", "active")}, public))


def _is_read(rule: Row, table: str) -> bool:
    return (rule.get("type"), rule.get("operation"), rule.get("name")) == ("record", "read", table)


def _closed(
    world: World, table: str, roles: Callable[[], set[object]], closure: Mapping[str, tuple[str, ...]]
) -> Answer:
    def rules(bare: bool, passes: Callable[[set[object]], bool]) -> Callable[[], list[object]]:
        return lambda: [
            rule["sys_id"]
            for rule in _rules(world)
            if _is_read(rule, table) and _is_bare(rule) is bare and passes(_asked(world, rule))
        ]

    def by_role(asked: set[object]) -> bool:
        return bool(asked & roles())

    def by_none(asked: set[object]) -> bool:
        return not asked

    own = enough(
        world, "sys_security_acl", ("sys_id", "active", "name", "type", "operation"),
        lambda rule: is_on(rule.get("active")) and _is_read(rule, table),
    )  # fmt: skip
    with_roles = {**_READ, **closure}
    return all_of(
        own,
        few(world, with_roles, rules(True, by_role)),
        few(world, _READ, rules(True, by_none), acquitting=("sys_security_acl_role",)),
        doubtful(world, with_roles, rules(False, by_role)),
        doubtful(world, _READ, rules(False, by_none)),
    )


def _outsiders(world: World) -> set[object]:
    names: set[object] = {"public"}
    for user in {row["user"] for table in ("sys_user_has_role", "sys_user_grmember") for row in world.of(table)}:
        held = roles_of(world, user)
        names |= held if "snc_external" in held else set()
    return {role["sys_id"] for role in world.of("sys_user_role") if role["name"] in names}


def _agents(world: World) -> set[object]:
    roles = world.of("sys_user_role")
    contains = [(c["role"], c["contains"]) for c in world.of("sys_user_role_contains")]
    parts = {part for role in roles if role["name"] == "itil" for part in reached(role["sys_id"], contains)}
    return {r["sys_id"] for r in roles if r["name"] in {"public", "snc_internal"}} | parts


def _d49(world: World) -> Answer:
    exists = enough(world, "sys_db_object", ("sys_id", "name"), lambda table: table["name"] == _FILES)
    if exists.truth is False:
        return Answer(None, gone=True)
    return all_of(exists, _closed(world, _FILES, lambda: _agents(world), _PARTS)) if exists.truth else exists


ORACLES: dict[str, Callable[[World], str]] = {
    "D21": lambda world: state(_d21(world)),
    "D22": lambda world: state(_d22(world)),
    "D23": lambda world: state(_d23(world)),
    "D24": lambda world: state(_d24(world)),
    "D39": lambda world: state(_closed(world, "sys_audit", lambda: _outsiders(world), ROLES)),
    "D49": lambda world: state(_d49(world)),
}
TABLES = (
    "sys_db_object",
    "sys_public",
    "sys_script_include",
    "sys_security_acl",
    "sys_security_acl_role",
    "sys_ui_page",
)
COLUMNS = (
    *(("sys_security_acl", column) for column in (*_DECIDES, "name", "type", "operation")),
    ("sys_security_acl_role", "sys_user_role"), ("sys_db_object", "super_class"), ("sys_script_include", "api_name"),
    ("sys_ui_page", "name"), ("sys_public", "page"),
)  # fmt: skip

_SWITCH = ("true", "true", "1", "false", "", None)
_RULE: Mapping[str, tuple[str | None, ...]] = {
    "active": ("true", "true", "1", "false"),
    "advanced": _SWITCH,
    "script": ("", "", None, "answer = true;"),
    "condition": ("", "", "", None, "active=true"),
    "security_attribute": ("", "", "", None, "IsLoggedIn"),
    "operation": ("read", "read", "read", "write"),
}
_TARGETS = (
    ("record", "sys_audit"), ("record", _FILES), ("record", "task"), ("record", "task"), ("record", "incident.number"),
    ("record", "*"), ("ui_page", "home"), ("client_callable_script_include", "Helper"),
    ("client_callable_script_include", "global.Helper"), ("ui_page", "incident"),
)  # fmt: skip


def drawn_rows() -> st.SearchStrategy[dict[str, tuple[Row, ...]]]:
    """Up to four rules with roles drawn on their own, tables that extend each other, two pages, two scripts."""

    def rule(uid: str) -> st.SearchStrategy[Row]:
        columns = st.fixed_dictionaries({c: st.sampled_from(values) for c, values in _RULE.items()})
        return st.tuples(columns, st.sampled_from(_TARGETS)).map(
            lambda drawn: {**drawn[0], "type": drawn[1][0], "name": drawn[1][1], "sys_id": uid}
        )

    def some(maximum: int, **columns: tuple[str | None, ...]) -> st.SearchStrategy[tuple[Row, ...]]:
        row = st.fixed_dictionaries({c: st.sampled_from(values) for c, values in columns.items()})
        return st.lists(row, max_size=maximum).map(tuple)

    tables = ("task", "incident", _FILES)
    parents = st.tuples(*(st.sampled_from(("", None, "t-task", "t-task", "t-incident")) for _ in tables))
    switch = st.sampled_from(_SWITCH)
    scripts = st.tuples(switch, switch).map(
        lambda on: (
            {"sys_id": "y", "name": "Helper", "api_name": "global.Helper", "active": on[0], "client_callable": on[1]},
        )
    )
    pages = st.lists(st.sampled_from(("home", "login")), unique=True, max_size=2)
    return st.fixed_dictionaries(
        {
            "sys_security_acl": st.one_of(
                st.tuples(*(rule(f"a{n}") for n in range(4))), st.tuples(rule("a0")), st.just(())
            ),
            "sys_security_acl_role": some(
                4, sys_security_acl=("a0", "a1", "a2"), sys_user_role=("r0", "r1", "r2", "s0", "p0", "h1", "nobody")
            ),
            "sys_db_object": parents.map(
                lambda above: tuple(
                    {"sys_id": f"t-{name}", "name": name, "super_class": parent}
                    for name, parent in zip(tables, above, strict=True)
                )
            ),
            "sys_script_include": scripts,
            "sys_ui_page": pages.map(lambda names: tuple({"sys_id": f"page-{n}", "name": n} for n in names)),
            "sys_public": some(2, page=("home", "login", "elsewhere"), active=_SWITCH),
        }
    )
