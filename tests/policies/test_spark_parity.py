"""Every case of every policy gives the same detections on Spark as on DuckDB, feature tables included.

make test-spark        (PySpark 4.0 in its own environment; Java 17)
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipelines import features
from pipelines.features.core import to_sql
from pipelines.policies.cases import DAY, INSTANCE
from pipelines.policies.core import Case, Policy, Row
from pipelines.policies.prove import DuckDB, observe
from pipelines.policies.registry import catalogue
from tests.features.nights import of_table, unique
from tests.policies.spark import Spark, missing, session

pytestmark = [pytest.mark.spark, pytest.mark.skipif(bool(missing()), reason=missing())]
CASES = [
    pytest.param(policy, case, id=f"{policy.id}: {case.name}")
    for policy in catalogue().values()
    for case in policy.cases
]


@pytest.fixture(scope="module")
def duck() -> DuckDB:
    return DuckDB()


@pytest.fixture(scope="module")
def spark() -> Iterator[Spark]:
    running = session()
    yield Spark(running)
    running.stop()


@pytest.mark.parametrize(("policy", "case"), CASES)
def test_spark_sees_what_duckdb_sees(policy: Policy, case: Case, duck: DuckDB, spark: Spark) -> None:
    assert observe(policy, case, spark) == observe(policy, case, duck)


def _in_a_session(row: Row) -> Row:
    """Cases are about people; sessions are per person and hour where a case names none."""
    if row.table != "core__activity" or row.values.get("session_uid"):
        return row
    return Row(row.table, {**row.values, "session_uid": f"{row.values['actor_user_uid']}-{row.values['time'].hour}"})


@pytest.mark.parametrize("name", sorted(features.features()))
def test_spark_builds_the_features_that_duckdb_builds(name: str, duck: DuckDB, spark: Spark) -> None:
    feature = features.features()[name]
    rows = [row for policy in catalogue().values() for case in policy.cases for row in case.rows]
    given = [_in_a_session(row) for row in unique(rows)]
    wanted = feature.expression(INSTANCE, DAY)

    found = []
    for engine in (duck, spark):
        for view in feature.reads:
            declared = view.removesuffix(features.PREVIOUS)
            engine.load(view, of_table(given, declared))
        built = engine.fetch(to_sql(wanted, engine.dialect)).cast(wanted.schema().to_pyarrow())
        found.append(sorted(built.to_pylist(), key=lambda row: [str(row[column]) for column in feature.table.key]))

    assert found[0], "the cases give every feature something to count"
    assert found[1] == found[0]
