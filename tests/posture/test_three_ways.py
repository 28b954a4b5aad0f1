"""Every setting three ways: as it should be, as it should not be, and without a row."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from pipelines.posture.core import Control
from pipelines.posture.evaluate import evaluate
from pipelines.posture.registry import controls
from tests.posture.facts import ANY_OF, FACTS, REFS, ROWS_ABSENT_STATE, ROWS_BAD, ROWS_GOOD, Rows
from tests.posture.oracle import BASELINES
from tests.posture.world import DAY, World, properties, snapshot

BY_REF = {control.ref: control for control in controls().values()}
every_setting = pytest.mark.parametrize("ref", REFS)


def test_the_facts_and_the_declarations_speak_of_the_same_settings() -> None:
    assert {ref: {fact.id for fact in facts} for ref, facts in FACTS.items()} == {
        ref: {BY_REF[ref].id} for ref in FACTS
    }
    assert set(REFS) == set(FACTS) | ROWS_GOOD.keys()


@every_setting
def test_it_reads_the_properties_of_the_vendors_page(ref: str) -> None:
    assert sorted(BY_REF[ref].check.properties()) == sorted(fact.property for fact in FACTS.get(ref, ()))


@pytest.fixture(scope="module")
def as_recommended() -> Mapping[str, str]:
    """State by number on an instance that follows every recommendation."""
    world = World().having(properties({fact.property: fact.good for facts in FACTS.values() for fact in facts}))
    for rows in ROWS_GOOD.values():
        world = world.having(rows)
    return _states(world)


@pytest.fixture(scope="module")
def without_rows() -> Mapping[str, str]:
    """State by number on an instance that says nothing about any."""
    return _states(World())


@every_setting
def test_as_recommended_it_is_compliant(ref: str, as_recommended: Mapping[str, str]) -> None:
    assert as_recommended[ref] == "compliant"


#: One property and nothing else: these do not touch one another and are judged together.
PLAIN = {ref for ref, facts in FACTS.items() if len(facts) == 1 and ref not in ROWS_GOOD}


@pytest.fixture(scope="module")
def against_it() -> Mapping[str, str]:
    """State by number where every plain setting is as it should not be."""
    return _states(World().having(properties({FACTS[ref][0].property: FACTS[ref][0].bad for ref in PLAIN})))


@pytest.mark.parametrize("ref", [ref for ref in REFS if ref in PLAIN])
def test_against_the_recommendation_a_plain_setting_is_not_compliant(ref: str, against_it: Mapping[str, str]) -> None:
    assert against_it[ref] == "not_compliant"


@pytest.mark.parametrize("ref", [ref for ref in REFS if ref not in PLAIN])
def test_each_part_alone_is_enough_not_to_be_compliant(ref: str) -> None:
    for values, rows in _bad(ref):
        world = World().having(properties(values)).having(rows)

        assert _state(ref, world) == "not_compliant", (values, rows)


@every_setting
def test_without_a_row_the_documented_meaning_of_absence_decides(ref: str, without_rows: Mapping[str, str]) -> None:
    expected = FACTS[ref][0].absent_state if ref in FACTS else ROWS_ABSENT_STATE[ref]

    assert without_rows[ref] == expected


@pytest.mark.parametrize("family", BASELINES)
def test_a_setting_that_the_release_does_not_know_does_not_apply(family: str) -> None:
    expected = {
        ref: "not_applicable" if facts[0].since > BASELINES[family] else facts[0].absent_state
        for ref, facts in FACTS.items()
    }

    found = _states(World(family=family))

    assert {ref: found[ref] for ref in expected} == expected


def _bad(ref: str) -> list[tuple[Mapping[str, str], Rows]]:
    """Everything right but one thing, for each thing; where one of several is enough, everything wrong."""
    facts = FACTS.get(ref, [])
    good = {fact.property: fact.good for fact in facts}
    if ref in ANY_OF:
        return [({fact.property: fact.bad for fact in facts}, {})]
    one_bad = [({**good, fact.property: fact.bad}, ROWS_GOOD.get(ref, {})) for fact in facts if ref != "148"]
    return [*one_bad, *((good, rows) for rows in ROWS_BAD.get(ref, ()))]


def _state(ref: str, world: World) -> str:
    return _states(world, {BY_REF[ref].id: BY_REF[ref]}, BY_REF[ref].check.reads())[ref]


def _states(
    world: World, asked: Mapping[str, Control] | None = None, reads: Mapping[str, frozenset[str]] | None = None
) -> dict[str, str]:
    con, views = snapshot(world, reads)
    with con:
        found = evaluate(con, "acme", DAY, release=world.family, tables=views, asked=asked)
    return dict(zip(found["ref"].to_pylist(), found["state"].to_pylist(), strict=True))
