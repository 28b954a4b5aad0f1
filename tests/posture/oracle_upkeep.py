"""The second judge of credentials, copies, markup, scripts, unpublished articles, and of what nobody can see."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hypothesis import strategies as st

from tests.posture.facts import Fact
from tests.posture.oracle import UNKNOWN, Answer, all_of, both, counted, enough, few, is_on, setting, state
from tests.posture.world import Row, World

_SECTION = "glide.knowman.section.view_roles"
#: Property, rule (see `oracle.follows`), values that meet it and one that does not. Absence is not documented.
PROPERTIES: Mapping[str, tuple[tuple[str, str, str, str], ...]] = {
    "D8": (("glide.user.default_password", "isnt password", "", "password"),),
    "D33": (
        *((f"{_SECTION}.{section}", "filled without public,snc_external,snc_internal", "admin,knowledge_admin", bad)
          for section, bad in (("draft", ""), ("review", "knowledge_admin, public"), ("stagesAndRoles", "legal:snc_internal;hr:kb"))),
        ("glide.knowman.show_unpublished", "is false", "false", "true"),
    ),
}  # fmt: skip
COUNTS: Mapping[str, tuple[str, ...]] = {
    "D28": ("callable_script_without_secure_api",),
    "D29": ("script_include_eval", "script_include_evaluator"),
}
_HR = ("sn_hr_core_case", "sn_hr_core_profile", "sn_hr_core_task")


def _text(row: Row, column: str) -> str:
    return str(row.get(column) or "").strip()


def _d34(world: World) -> Answer:
    def counts(rule: Row) -> bool:
        on_knowledge = rule.get("collection") in {"kb_knowledge_base", "kb_knowledge"}
        return is_on(rule.get("active")) and on_knowledge and "guest" in _text(rule, "name").lower()

    return enough(world, "sys_script", ("sys_id", "name", "collection", "active"), counts, is_optional=True)


def _d44(world: World) -> Answer:
    def loose() -> list[object]:
        active = [c for c in world.of("discovery_credentials") if is_on(c.get("active"))]
        return [c["sys_id"] for c in active if _text(c, "applies_to").lower() != "specific" or not _text(c, "mid_list")]

    return few(world, {"discovery_credentials": ("sys_id", "active", "applies_to", "mid_list")}, loose)


def _d46(world: World) -> Answer:
    def is_hr(table: Row) -> bool:
        return table["name"] in _HR

    def taken_along() -> list[object]:
        left_out = {row["table"] for row in world.of("clone_data_exclude")}
        return [t["sys_id"] for t in world.of("sys_db_object") if is_hr(t) and t["name"] not in left_out]

    exists = enough(world, "sys_db_object", ("sys_id", "name"), is_hr)
    if exists.truth is False:
        return Answer(None, gone=True)
    reads = {"sys_db_object": ("sys_id", "name"), "clone_data_exclude": ("table",)}
    return (
        all_of(exists, few(world, reads, taken_along, acquitting=("clone_data_exclude",))) if exists.truth else exists
    )


def _d47(world: World) -> Answer:
    def loose() -> list[object]:
        active = [column for column in world.of("sys_dictionary") if is_on(column.get("active"))]
        return [
            c["sys_id"]
            for c in active
            if "html_sanitize=false" in str(c.get("attributes") or "").lower().replace(" ", "")
        ]

    return few(world, {"sys_dictionary": ("sys_id", "attributes", "active")}, loose)


def _of_properties(ref: str) -> Callable[[World], str]:
    facts = [Fact(ref, ref, *said, "?", 1.0, "unknown") for said in PROPERTIES[ref]]
    return lambda world: state(both(*(setting(world, fact)[0] for fact in facts)))


def _of_counts(ref: str) -> Callable[[World], str]:
    return lambda world: state(both(*(counted(world, question, at_most=0) for question in COUNTS[ref])))


ORACLES: dict[str, Callable[[World], str]] = {
    **{ref: _of_properties(ref) for ref in PROPERTIES},
    **{ref: _of_counts(ref) for ref in COUNTS},
    "D34": lambda world: state(_d34(world)),
    "D44": lambda world: state(_d44(world)),
    "D46": lambda world: state(_d46(world)),
    "D47": lambda world: state(_d47(world)),
    "D50": lambda world: UNKNOWN,
    "D56": lambda world: UNKNOWN,
}
TABLES = (
    "clone_data_exclude",
    "discovery_credentials",
    "posture_count",
    "sys_db_object",
    "sys_dictionary",
    "sys_script",
)
COLUMNS = (
    ("clone_data_exclude", "table"), ("discovery_credentials", "mid_list"), ("sys_dictionary", "attributes"), ("sys_script", "collection"),
)  # fmt: skip

_SWITCH = ("true", "true", "1", "false", "", None)
_ROWS: Mapping[str, Mapping[str, tuple[str | None, ...]]] = {
    "sys_script": {
        "name": ("Restrict Guests", "Set number", None), "collection": ("kb_knowledge_base", "kb_knowledge", "incident"), "active": _SWITCH,
    },
    "discovery_credentials": {
        "active": _SWITCH, "applies_to": ("specific", "Specific", "all", "", None), "mid_list": ("m0", "m0,m1", "", None),
    },
    "clone_data_exclude": {"table": (*_HR, "incident", None)},
    "sys_dictionary": {
        "attributes": ("", None, "html_sanitize=false", "a=b, HTML_sanitize = false", "html_sanitize=true"), "active": _SWITCH,
    },
}  # fmt: skip


def drawn_rows() -> st.SearchStrategy[dict[str, tuple[Row, ...]]]:
    """Up to two rows of each table, tables of HR or none, answers or none, and properties with a row or none."""

    def rows(table: str) -> st.SearchStrategy[tuple[Row, ...]]:
        row = st.fixed_dictionaries({c: st.sampled_from(values) for c, values in _ROWS[table].items()})
        return st.lists(row, max_size=2).map(
            lambda drawn: tuple({**one, "sys_id": f"{table}-{n}"} for n, one in enumerate(drawn))
        )

    names = [said for all_ in PROPERTIES.values() for said in all_]
    settings = st.fixed_dictionaries({n: st.sampled_from((good, good, bad, None)) for n, _, good, bad in names})
    questions = [question for all_ in COUNTS.values() for question in all_]
    answers = st.fixed_dictionaries({q: st.sampled_from((0, 0, 1, None)) for q in questions})
    objects = st.lists(st.sampled_from(_HR), unique=True, max_size=2)
    return st.tuples(st.fixed_dictionaries({t: rows(t) for t in _ROWS}), settings, answers, objects).map(
        lambda drawn: {
            **drawn[0],
            "sys_properties": tuple({"name": n, "value": v} for n, v in drawn[1].items() if v is not None),
            "posture_count": tuple({"question": q, "rows": n} for q, n in drawn[2].items()),
            "sys_db_object": tuple({"sys_id": f"t-{name}", "name": name} for name in drawn[3]),
        }
    )
