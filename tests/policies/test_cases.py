"""Every policy proves itself: each of its cases, at the boundary on both sides, on DuckDB."""

from __future__ import annotations

import pytest

from pipelines.policies.core import Case, Policy
from pipelines.policies.prove import DuckDB, problems
from pipelines.policies.registry import catalogue

ENGINE = DuckDB()
CASES = [
    pytest.param(policy, case, id=f"{policy.id}: {case.name}")
    for policy in catalogue().values()
    for case in policy.cases
]


@pytest.mark.parametrize(("policy", "case"), CASES)
def test_the_case_holds(policy: Policy, case: Case) -> None:
    assert problems(policy, case, ENGINE) == []
