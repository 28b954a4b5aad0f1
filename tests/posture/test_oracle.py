"""On made instances of every kind the engine and the second judge agree, about every recommendation."""

from __future__ import annotations

from typing import Final

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pipelines.posture.evaluate import evaluate
from pipelines.posture.registry import controls
from tests.posture.facts import FACTS, PLUGINS, ROWS_BAD, ROWS_GOOD, Fact
from tests.posture.oracle import BASELINES, ORACLES, judge
from tests.posture.world import Row, World, snapshot

_STATES: Final = ("ok", "ok", "ok", "ok", "ok", "ok", "denied", "missing", "partial", "failed")
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


_TABLES = (
    "sys_properties", "v_plugin", "sys_plugins", "ip_access", "multi_factor_criteria", "sysevent_script_action",
    "posture_count", "pwd_cred_store", "password_policy", "sys_public", "sys_authentication_policy",
)  # fmt: skip
_COLUMNS = (
    ("v_plugin", "active"),
    ("ip_access", "active"),
    ("multi_factor_criteria", "active"),
    ("sys_public", "page"),
)


@st.composite
def instances(draw: st.DrawFn) -> World:
    """An instance with every setting drawn on its own, tables that cannot be read, and a release."""
    world = World(
        states=dict(zip(_TABLES, draw(st.tuples(*(st.sampled_from(_STATES) for _ in _TABLES))), strict=True)),
        unread=draw(st.frozensets(st.sampled_from(_TABLES[1:]), max_size=1)),
        hidden_columns=draw(st.frozensets(st.sampled_from(_COLUMNS), max_size=2)),
        family=draw(st.sampled_from((None, *BASELINES))),
    )
    facts = {fact.property: fact for of_ref in FACTS.values() for fact in of_ref}
    drawn = draw(st.tuples(*(_rows_of(fact) for fact in facts.values())))
    world = world.having({"sys_properties": tuple(row for rows in drawn for row in rows)}).having(draw(_second_table()))
    for rows in draw(st.tuples(*(_beside(ref) for ref in ROWS_GOOD))):
        world = world.having(rows)
    return _settled(world)


def _settled(world: World) -> World:
    """A table that is stated to be ok and has no row is empty; that is what a reader would have said."""
    states = {t: s for t, s in world.states.items() if s != "ok"}
    return World(world.rows, states, world.unread, world.hidden_columns, world.family, world.day)


# Not shrunk: a difference names its recommendation, and shrinking 160 drawn settings takes minutes.
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
@given(instances())
def test_the_engine_agrees_with_the_oracle_about_every_setting(world: World) -> None:
    con, views = snapshot(world)
    with con:
        found = evaluate(con, "acme", world.day, release=world.family, tables=views, asked=_KNOWN)
    engine = dict(zip(found["ref"].to_pylist(), found["state"].to_pylist(), strict=True))

    expected = judge(world)

    assert {ref: (engine[ref], state) for ref, state in expected.items() if engine[ref] != state} == {}


_KNOWN = {control.id: control for control in controls().values() if control.ref in ORACLES}
