"""Every policy alone: judging a window again, in another order of its rows or in parts gives the same behaviors and alerts.

make fuzz        many drawn windows of each policy instead of one
"""

from __future__ import annotations

import itertools
import os
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.policies.core import Policy
from pipelines.policies.registry import catalogue
from tests.policies.windows import NIGHTS, WINDOW, Scene, landed, rows_of, scenes

CAMPAIGN = int(os.environ.get("NOWGUARD_TEST_WINDOWS", "0"))
drawn_windows = settings(
    max_examples=CAMPAIGN or 1,  # planning a policy for a day costs more than any number of rows
    derandomize=not CAMPAIGN,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
every_policy = pytest.mark.parametrize("policy", catalogue().values(), ids=list(catalogue()))
cuts = st.sets(st.integers(1, NIGHTS - 1), min_size=1)
orders = st.integers(0, 2**32).map(random.Random)


@every_policy
def test_judging_a_window_again_or_in_another_order_of_rows_gives_the_same(policy: Policy) -> None:
    seen = []

    @drawn_windows
    @given(scenes(policy), orders)
    def holds(drawn: list[Scene], order: random.Random) -> None:
        rows = rows_of(drawn)
        first = landed(policy, rows)
        once = first.judged().rows()
        seen.append(bool(once["detections"]))

        assert first.judged().rows() == once
        assert landed(policy, order.sample(rows, len(rows))).judged().rows() == once

    holds()
    assert 2 * sum(seen) >= len(seen), "half of the windows or more show something"


@every_policy
def test_a_window_judged_in_parts_gives_what_it_gives_in_one_go(policy: Policy) -> None:
    seen = []

    @drawn_windows
    @given(scenes(policy), cuts)
    def holds(drawn: list[Scene], at: set[int]) -> None:
        whole = landed(policy, rows_of(drawn))
        once = whole.judged()
        edges = [0, *sorted(at), NIGHTS]
        runs = whole.split([WINDOW[a:b] for a, b in itertools.pairwise(edges)])
        seen.append(bool(once.detections.num_rows))

        assert runs[-1].rows() == once.rows()
        assert all(run.uids() <= once.uids() for run in runs), "what was published keeps its name"

    holds()
    assert 2 * sum(seen) >= len(seen), "half of the windows or more show something"
