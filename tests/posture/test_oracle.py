"""On made instances of every kind the engine and the second judge agree, about every recommendation."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from types import ModuleType
from typing import Final

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
    states = draw(st.tuples(*(st.sampled_from(_STATES) for _ in _TABLES)))
    world = World(
        states={table: state for table, state in zip(_TABLES, states, strict=True) if state != "ok"},
        unread=draw(st.frozensets(st.sampled_from(_TABLES[1:]), max_size=1)),
        hidden_columns=draw(st.frozensets(st.sampled_from(_COLUMNS), max_size=2)),
        family=draw(st.sampled_from((None, *BASELINES))),
    )
    for part in PARTS:
        world = world.having(draw(part.drawn_rows()))
    return world


# Not shrunk: a difference names its recommendation, and shrinking 160 drawn settings takes minutes.
@settings(
    max_examples=40,
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


def test_the_oracle_knows_every_setting() -> None:
    assert {str(number) for number in range(1, 150)} <= ORACLES.keys()


_KNOWN = {control.id: control for control in controls().values() if control.ref in ORACLES}
