"""An exception is shown, ends by the day processed, and never makes a state look better than it is."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from pipelines.posture.evaluate import evaluate
from pipelines.posture.exceptions import Exceptions, excepted
from pipelines.posture.registry import controls
from pipelines.posture.score import score
from pipelines.state_store import StateStore
from tests.posture.world import DAY, World, properties, snapshot

ID = "script_request_authorization_enabled"
LAST = DAY + timedelta(days=9)


@pytest.fixture
def kept(tmp_path: Path) -> Exceptions:
    return Exceptions(StateStore(tmp_path / "state.sqlite"), "acme")


def judged(value: str) -> pa.Table:
    con, tables = snapshot(World(properties({"glide.basicauth.required.scriptedprocessor": value})))
    with con:
        return evaluate(con, "acme", DAY, release=None, tables=tables, asked={ID: controls()[ID]})


@pytest.mark.parametrize(
    ("day", "counts"), [(DAY - timedelta(days=1), False), (DAY, True), (LAST, True), (LAST + timedelta(days=1), False)]
)
def test_it_counts_from_its_first_day_through_its_last(kept: Exceptions, day: date, counts: bool) -> None:
    kept.grant(ID, owner="ann", reason="r", first_day=DAY, last_day=LAST)
    assert (ID in kept.on(day)) == counts


def test_a_new_one_ends_the_one_before_and_lifting_ends_it_that_day(kept: Exceptions) -> None:
    kept.grant(ID, owner="ann", reason="r", first_day=DAY, last_day=LAST)
    kept.grant(ID, owner="bob", reason="r", first_day=DAY + timedelta(days=2), last_day=LAST)

    assert kept.on(DAY)[ID].owner == "ann"
    assert kept.on(DAY + timedelta(days=2))[ID].owner == "bob"
    assert kept.lift(ID, DAY + timedelta(days=4)) == 1
    assert ID in kept.on(DAY + timedelta(days=3))
    assert ID not in kept.on(DAY + timedelta(days=4))
    assert len(kept.all()) == 2


def test_an_instance_does_not_see_the_exceptions_of_another(kept: Exceptions) -> None:
    kept.grant(ID, owner="ann", reason="r", first_day=DAY, last_day=LAST)
    assert Exceptions(kept.store, "other").on(DAY) == {}


def test_it_is_shown_beside_the_state_and_left_out_of_our_own_score(kept: Exceptions) -> None:
    kept.grant(ID, owner="ann", reason="accepted", first_day=DAY, last_day=LAST)

    states = excepted(judged("false"), kept.on(DAY))
    figures = score(states, kept.on(DAY)).to_pylist()[0]

    row = states.to_pylist()[0]
    assert (row["state"], row["excepted_by"], row["excepted_until"], row["exception_reason"]) == (
        "not_compliant",
        "ann",
        LAST,
        "accepted",
    )
    assert (figures["excepted"], figures["not_compliant"], figures["score"]) == (1, 1, 0)
    assert figures["own_score"] is None


def test_what_is_compliant_needs_no_exception(kept: Exceptions) -> None:
    kept.grant(ID, owner="ann", reason="r", first_day=DAY, last_day=LAST)
    states = excepted(judged("true"), kept.on(DAY))
    assert states.to_pylist()[0]["excepted_by"] is None
    assert score(states, kept.on(DAY)).to_pylist()[0]["own_score"] == 100
