"""The second judge of the settings, 1-149, by the facts that the tests wrote down; and settings drawn at random."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from hypothesis import strategies as st

from tests.posture.facts import ANY_OF, FACTS, PLUGINS, REFS, ROWS_BAD, ROWS_GOOD, Fact
from tests.posture.oracle import (
    BASELINES,
    NOT_APPLICABLE,
    UNKNOWN,
    Truth,
    access,
    both,
    counted,
    either,
    enough,
    few,
    is_on,
    plugin,
    setting,
    state,
)
from tests.posture.world import Row, World

TABLES = (
    "v_plugin", "sys_plugins", "ip_access", "multi_factor_criteria", "sysevent_script_action", "posture_count",
    "pwd_cred_store", "password_policy", "sys_public", "sys_authentication_policy",
)  # fmt: skip
COLUMNS = (("v_plugin", "active"), ("ip_access", "active"), ("multi_factor_criteria", "active"), ("sys_public", "page"))


def _of_settings(ref: str) -> Callable[[World], str]:
    """The recommendation of that number: its properties, and the rows beside them."""

    def ask(world: World) -> str:
        facts = FACTS[ref]
        truths, absences = zip(*(setting(world, fact) for fact in facts), strict=True)
        seen = [absence for absence in absences if absence is not None]
        if seen and all(seen) and facts[0].since > BASELINES.get(world.family or "", 8):
            return NOT_APPLICABLE
        if ref == "148" and truths[0] is not True:  # the plugin is asked for only where the instance reads mail
            return UNKNOWN if truths[0] is None else NOT_APPLICABLE
        beside = _BESIDE[ref](world) if ref in _BESIDE else True
        return state(either(*truths) if ref in ANY_OF else both(*truths, beside))

    return ask


def _criterion(world: World) -> Truth:
    wanted = "d427668b73003300fdbd04fbc4f6a7b6"
    columns = ("sys_id", "active")
    return enough(world, "multi_factor_criteria", columns, lambda r: r["sys_id"] == wanted and is_on(r["active"])).truth


def _enforced(world: World) -> Truth:
    name, columns = "Enforce MFA for non-SSO logins", ("sys_id", "name", "active")
    sys_id = "653209367f730210674d91fadc8665d3"
    return enough(
        world,
        "sys_authentication_policy",
        columns,
        lambda r: (r["name"] == name or r["sys_id"] == sys_id) and is_on(r["active"]),
    ).truth


def _mfa_tables(world: World) -> Truth:
    """The property alone decides where a table cannot be seen; the policy came with Yokohama (baseline 5)."""
    criterion = access(world, "multi_factor_criteria", "sys_id", "active") != "yes" or _criterion(world)
    has_policy = BASELINES.get(world.family or "", 8) >= 5
    policy = access(world, "sys_authentication_policy", "sys_id", "name", "active") != "yes" or _enforced(world)
    return both(criterion is not False, not has_policy or policy is not False)


def _lockout(world: World) -> Truth:
    wanted = {"5e44f9bf0a0a0a0a019a6440b2137767", "d92636b2975301008e00958e3b297567"}
    columns = ("sys_id", "active")
    return enough(
        world, "sysevent_script_action", columns, lambda r: r["sys_id"] in wanted and is_on(r["active"])
    ).truth


def _network_rules(world: World) -> Truth:
    return enough(world, "ip_access", ("sys_id", "active"), lambda r: is_on(r["active"])).truth


def _password_lengths(world: World) -> str:
    def length(row: Row, column: str, fallback: int) -> int:
        text = str(row.get(column) or "")
        return int(text) if text.isdigit() else fallback

    def weak() -> Iterable[object]:
        strong = {
            row["sys_id"]
            for row in world.of("password_policy")
            if length(row, "min_password_length", 8) >= 15 and length(row, "max_password_length", 100) >= 64
        }
        for row in world.of("pwd_cred_store"):
            if not is_on(row.get("enable_password_policy")) or row.get("password_policy") not in strong:
                yield row["sys_id"]

    tables = {
        "pwd_cred_store": ("sys_id", "enable_password_policy", "password_policy"),
        "password_policy": ("sys_id", "min_password_length", "max_password_length"),
    }
    return state(few(world, tables, weak, acquitting=("password_policy",)))


def _chat_client(world: World) -> str:
    def public() -> Iterable[object]:
        for row in world.of("sys_public"):
            if row["page"] == "sn_va_web_client_app_embed" and is_on(row["active"]):
                yield row["sys_id"]

    return state(few(world, {"sys_public": ("sys_id", "page", "active")}, public))


_BESIDE: dict[str, Callable[[World], Truth]] = {
    "21": _mfa_tables,
    "22": _criterion,
    "27": _lockout,
    "32": lambda world: counted(world, "blacklisted_password", at_least=5000),
    "146": lambda world: plugin(world, PLUGINS["146"]),
    "148": lambda world: plugin(world, PLUGINS["148"]),
}


def _of_plugin(ref: str) -> Callable[[World], str]:
    return lambda world: state(plugin(world, PLUGINS[ref]))


#: A judge by number.
ORACLES: dict[str, Callable[[World], str]] = {
    **{ref: _of_settings(ref) for ref in REFS if ref in FACTS},
    **{ref: _of_plugin(ref) for ref in ("1", "2", "3", "4")},
    "5": lambda world: state(both(plugin(world, PLUGINS["5"]), _network_rules(world))),
    "31": _password_lengths,
    "105": _chat_client,
}


_ODD = (
    "",
    " ",
    "TRUE ",
    "yes",
    "0",
    "1",
    "-1",
    "7.5",
    "1e3",
    "abc",
    "a.b, c.d",
    "*",
    "all",
    "\n;,",
    "99999999999999999999",
)


def _rows_of(fact: Fact) -> st.SearchStrategy[tuple[Row, ...]]:
    """No row, one with a value of some kind, one that hides it, or two rows of the same name."""
    value = st.sampled_from((fact.good, fact.bad, fact.good.upper(), f" {fact.good} ", *_near(fact), *_ODD))
    one = value.map(lambda text: ({"name": fact.property, "value": text},))
    hidden = st.sampled_from(
        (
            {"name": fact.property, "value": "", "private": "true"},
            {"name": fact.property, "value": "*****"},
            {"name": fact.property, "value": None},
            {"name": fact.property, "value": fact.good, "type": "password2"},
        )
    ).map(lambda row: (row,))
    two = st.tuples(value, value).map(lambda pair: tuple({"name": fact.property, "value": text} for text in pair))
    return st.one_of(st.just(()), one, one, one, hidden, two)


def _near(fact: Fact) -> tuple[str, ...]:
    """Numbers on both sides of the sample that is just good."""
    return (str(int(fact.good) - 1), str(int(fact.good) + 1)) if fact.good.isdigit() and len(fact.good) < 9 else ()


def _beside(ref: str) -> st.SearchStrategy[dict[str, tuple[Row, ...]]]:
    return st.sampled_from(({}, ROWS_GOOD[ref], *ROWS_BAD.get(ref, ()))).map(dict)


def _second_table() -> st.SearchStrategy[dict[str, tuple[Row, ...]]]:
    """Plugins as sys_plugins has them, which counts where v_plugin cannot be read."""
    names = st.lists(st.sampled_from(sorted(PLUGINS.values())), unique=True)
    return st.tuples(names, st.sampled_from(("true", "false", "1", "inactive"))).map(
        lambda drawn: {"sys_plugins": tuple({"source": name, "active": drawn[1]} for name in drawn[0])}
    )


def drawn_rows() -> st.SearchStrategy[dict[str, tuple[Row, ...]]]:
    """Every property and every plugin drawn on its own."""
    facts = {fact.property: fact for of_ref in FACTS.values() for fact in of_ref}
    properties = st.tuples(*(_rows_of(fact) for fact in facts.values())).map(
        lambda drawn: {"sys_properties": tuple(row for rows in drawn for row in rows)}
    )
    beside = (_beside(ref) for ref in ROWS_GOOD)
    return st.tuples(properties, _second_table(), *beside).map(_together)


def _together(parts: tuple[dict[str, tuple[Row, ...]], ...]) -> dict[str, tuple[Row, ...]]:
    rows: dict[str, tuple[Row, ...]] = {}
    for part in parts:
        for table, found in part.items():
            rows[table] = (*rows.get(table, ()), *found)
    return rows
