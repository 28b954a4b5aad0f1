"""Compiled once, filled in for each day: the same SQL as compiling for that day."""

from __future__ import annotations

from datetime import date

import pytest

from pipelines.features import features
from pipelines.features.compiled import DAY, INSTANCE, compiled, filled_in
from pipelines.features.core import to_sql
from pipelines.policies import registry
from pipelines.policies.evaluate import expression

HOSTILE = "acme'; DROP TABLE x --"
DAYS = (date(2024, 2, 29), date(2026, 1, 1), date(2026, 10, 14))


@pytest.mark.parametrize("day", DAYS)
@pytest.mark.parametrize("name", sorted(features()))
def test_a_feature_filled_in_is_the_feature_compiled_for_the_day(name: str, day: date) -> None:
    feature = features()[name]
    sql, _ = compiled(name, feature.expression, HOSTILE, day)
    assert sql == to_sql(feature.expression(HOSTILE, day))


@pytest.mark.parametrize("policy", sorted(registry()))
def test_a_policy_filled_in_is_the_policy_compiled_for_the_day(policy: str) -> None:
    found = registry()[policy]
    stand_in = to_sql(expression(found, INSTANCE, DAY))
    assert filled_in(stand_in, HOSTILE, DAYS[0]) == to_sql(expression(found, HOSTILE, DAYS[0]))
