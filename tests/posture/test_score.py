"""The vendor's score as the vendor computes it, and ours, which blindness does not raise."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.contracts import contract
from pipelines.posture.evaluate import evaluate
from pipelines.posture.registry import controls
from pipelines.posture.score import score, vendor_score
from tests.posture.facts import FACTS
from tests.posture.world import DAY, World, properties, snapshot


def _with_states(states: dict[str, str]) -> dict[str, Any]:
    """The score of an instance whose settings have these states by number; all others are compliant."""
    con, views = snapshot(World().having(properties({f.property: f.good for fs in FACTS.values() for f in fs})))
    with con:
        rows = evaluate(con, "acme", DAY, release="australia", tables=views).to_pylist()
    for row in rows:
        row["state"] = states.get(row["ref"], "compliant")
    schema = contract("out__posture").arrow_schema()
    return dict(score(pa.Table.from_pylist(rows, schema=schema)).to_pylist()[0])


def test_the_vendors_example_gives_73() -> None:
    settings = [(9.8, True), (8.1, True), (7.5, True), (9.5, False)]  # 25.4 of 34.9

    assert sum(severity for severity, _ in settings) == pytest.approx(34.9)
    assert vendor_score(settings) == 73


def test_a_share_is_rounded_up_and_a_whole_one_is_kept() -> None:
    assert vendor_score([(0.1, True), (9.9, False)]) == 1
    assert vendor_score([(7.3, True), (2.7, False)]) == 73
    assert vendor_score([(9.9, True), (0.1, False)]) == 99


def test_nothing_to_divide_by_is_no_score() -> None:
    assert vendor_score([]) is None


@given(st.lists(st.tuples(st.integers(1, 100), st.booleans()), min_size=1))
def test_the_score_is_the_exact_share_of_tenths_rounded_up(drawn: list[tuple[int, bool]]) -> None:
    total, met = sum(tenths for tenths, _ in drawn), sum(tenths for tenths, is_met in drawn if is_met)

    assert vendor_score([(tenths / 10, is_met) for tenths, is_met in drawn]) == -(-met * 100 // total)


def test_what_is_unknown_leaves_the_vendors_score_and_lowers_ours() -> None:
    all_seen, one_unseen = _with_states({}), _with_states({"98": "unknown"})

    assert (all_seen["score"], one_unseen["score"]) == (100, 100)
    assert one_unseen["own_score"] < all_seen["own_score"] == 100.0
    assert one_unseen["settings"] == all_seen["settings"] - 1


def test_settings_outside_the_baseline_and_without_a_number_do_not_count_for_the_vendor() -> None:
    scored = _with_states({})
    counted = [
        control.severity.score
        for control in controls().values()
        if control.is_setting and control.severity.score is not None and control.release.lists(8.0)
    ]

    assert scored["settings"] == len(counted)
    assert scored["severity_all"] == pytest.approx(sum(counted))


_STATES = ("compliant", "not_compliant", "unknown", "not_applicable")


def _own_score(rows: list[tuple[str, int, bool]]) -> float | None:
    """Of recommendations given as (state, weight in tenths, excepted)."""
    schema = contract("out__posture").arrow_schema()
    fixed = {"instance": "acme", "event_date": DAY, "is_in_baseline": False}
    told = [
        {**dict.fromkeys(schema.names), **fixed, "control_id": f"c{n}", "state": state, "weight": tenths / 10}
        for n, (state, tenths, _) in enumerate(rows)
    ]
    excepted = {f"c{n}" for n, (_, _, is_excepted) in enumerate(rows) if is_excepted}
    found: float | None = score(pa.Table.from_pylist(told, schema=schema), excepted)["own_score"][0].as_py()
    return found


@given(
    st.lists(st.tuples(st.sampled_from(_STATES), st.integers(1, 100), st.booleans()), min_size=1, max_size=12),
    st.data(),
)
def test_not_seeing_something_never_raises_our_score(rows: list[tuple[str, int, bool]], data: st.DataObject) -> None:
    lost = data.draw(st.sets(st.integers(0, len(rows) - 1), min_size=1))
    blinder = [
        ("unknown", tenths, out) if n in lost else (state, tenths, out) for n, (state, tenths, out) in enumerate(rows)
    ]

    before, after = _own_score(rows), _own_score(blinder)

    assert after is None or before is None or after <= before
