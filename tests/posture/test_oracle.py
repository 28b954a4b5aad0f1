"""On made instances of every kind the engine and the second judge agree, about every recommendation."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import Final

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import tests.posture
from pipelines.posture.evaluate import evaluate
from pipelines.posture.registry import controls
from tests.posture.oracle import BASELINES
from tests.posture.world import World, snapshot

_STATES: Final = ("ok", "ok", "ok", "ok", "ok", "ok", "denied", "missing", "partial", "failed")


def _parts() -> list[ModuleType]:
    names = [info.name for info in pkgutil.iter_modules(tests.posture.__path__) if info.name.startswith("oracle_")]
    return [importlib.import_module(f"tests.posture.{name}") for name in sorted(names)]


PARTS = _parts()
ORACLES: dict[str, Callable[[World], str]] = {ref: ask for part in PARTS for ref, ask in part.ORACLES.items()}
_TABLES = ("sys_properties", *sorted({table for part in PARTS for table in part.TABLES}))
_COLUMNS = sorted({pair for part in PARTS for pair in part.COLUMNS})


@st.composite
def instances(draw: st.DrawFn) -> World:
    """An instance with everything drawn on its own, tables and columns that cannot be read, and a release."""
    world = World(family=draw(st.sampled_from((None, *BASELINES))))
    # What rests on eight tables is hardly ever known where each of them fails on its own: most instances show them all.
    if draw(st.integers(0, 2)) == 0:
        states = draw(st.tuples(*(st.sampled_from(_STATES) for _ in _TABLES)))
        world = replace(
            world,
            states={table: state for table, state in zip(_TABLES, states, strict=True) if state != "ok"},
            unread=draw(st.frozensets(st.sampled_from(_TABLES[1:]), max_size=1)),
            hidden_columns=draw(st.frozensets(st.sampled_from(_COLUMNS), max_size=2)),
        )
    for part in PARTS:
        world = world.having(draw(part.drawn_rows()))
    return world


# Not shrunk: a difference names its recommendation, and shrinking 160 drawn settings takes minutes.
@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
@given(instances())
def test_the_engine_agrees_with_the_oracle_about_every_recommendation(world: World) -> None:
    con, views = snapshot(world)
    with con:
        found = evaluate(con, "acme", world.day, release=world.family, tables=views, asked=_KNOWN)
    engine = dict(zip(found["ref"].to_pylist(), found["state"].to_pylist(), strict=True))

    expected = {ref: ask(world) for ref, ask in ORACLES.items()}

    assert {ref: (engine[ref], state) for ref, state in expected.items() if engine[ref] != state} == {}


#: The others walk the roles of these accounts too.
_ACCOUNTS = next(part for part in PARTS if part.__name__.endswith("oracle_accounts"))
_ALONE = [part for part in PARTS if not part.__name__.endswith("oracle_settings")]


# A part alone takes milliseconds, and with everything to be seen what decides is mostly its own rows.
@pytest.mark.parametrize("part", _ALONE, ids=[part.__name__.rpartition("_")[2] for part in _ALONE])
@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
@given(data=st.data())
def test_the_engine_agrees_with_the_oracle_about_a_part_of_which_all_can_be_seen(
    part: ModuleType, data: st.DataObject
) -> None:
    world = World()
    for drawn in dict.fromkeys((_ACCOUNTS, part)):
        world = world.having(data.draw(drawn.drawn_rows()))
    partial = data.draw(st.sampled_from((None, None, *part.TABLES)))
    world = replace(world, states={partial: "partial"} if partial else {})
    asked = {id_: control for id_, control in _KNOWN.items() if control.ref in part.ORACLES}
    needed: dict[str, frozenset[str]] = {}
    for control in asked.values():
        for table, columns in control.check.reads().items():
            needed[table] = needed.get(table, frozenset()) | columns

    con, views = snapshot(world, needed)
    with con:
        found = evaluate(con, "acme", world.day, release=None, tables=views, asked=asked)
    engine = dict(zip(found["ref"].to_pylist(), found["state"].to_pylist(), strict=True))

    expected = {ref: ask(world) for ref, ask in part.ORACLES.items()}
    assert {ref: (engine[ref], state) for ref, state in expected.items() if engine[ref] != state} == {}


def test_the_oracle_knows_every_recommendation() -> None:
    assert {control.ref for control in controls().values()} <= ORACLES.keys()


_KNOWN = {control.id: control for control in controls().values() if control.ref in ORACLES}
