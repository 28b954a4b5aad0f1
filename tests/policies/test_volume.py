"""Sliding sums against a plain loop, and limits that grow with the person and the department."""

from __future__ import annotations

from typing import Any

import duckdb
import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.contracts import contract
from pipelines.features.core import to_sql
from pipelines.policies.core import Row
from pipelines.policies.volume import limit, sum_within, used_to, with_usual

CON = duckdb.connect()
MOVED = ibis.table({"who": "string", "seconds": "int64", "bytes": "int64", "activity_uid": "string"}, name="moved")
SUM = to_sql(MOVED.select("activity_uid", n=sum_within(MOVED.bytes, by="who", within=10)))
moves = st.lists(
    st.tuples(st.sampled_from("ab"), st.integers(0, 40), st.none() | st.integers(0, 9)), min_size=1, max_size=30
)


@settings(max_examples=40, deadline=None)
@given(moves)
def test_the_sliding_sum_includes_both_ends_and_takes_the_unknown_as_nothing(
    rows: list[tuple[str, int, int | None]],
) -> None:
    columns = {
        "who": pa.array([r[0] for r in rows]),
        "seconds": pa.array([r[1] for r in rows], pa.int64()),
        "bytes": pa.array([r[2] for r in rows], pa.int64()),
        "activity_uid": pa.array([str(n) for n in range(len(rows))]),
    }
    CON.register("moved", pa.table(columns))
    found = dict(CON.sql(SUM).fetchall())

    for n, (who, at, _) in enumerate(rows):
        assert found[str(n)] == sum(size or 0 for w, t, size in rows if w == who and at - 10 <= t <= at)


FOUND = ibis.table({"user_uid": "string", "department": "string"}, name="found")
VOLUME = ibis.table(contract("state__user_volume").ibis_schema(), name="volume")
_usual = with_usual(FOUND, VOLUME, "files")
USUAL = to_sql(_usual.mutate(limit=limit(_usual, 10, 2.0, 5.0)))


def judged(department: str | None, *known: Row) -> dict[str, Any]:
    schema = contract("state__user_volume").arrow_schema()
    rows = [{name: row.values.get(name) for name in schema.names} for row in known]
    CON.register("volume", pa.Table.from_pylist(rows, schema=schema))
    CON.register("found", pa.table({"user_uid": ["uid-ann"], "department": pa.array([department], pa.string())}))
    (row,) = CON.sql(USUAL).to_arrow_table().to_pylist()
    return row


@pytest.mark.parametrize(
    ("department", "known", "expected"),
    [
        ("d1", (), 10),
        ("d1", (used_to("ann", "files", 1.0),), 10),
        ("d1", (used_to("ann", "files", 4.0),), 20),
        ("d1", (used_to("ann", "files", 1.0, high=30.0),), 60),
        ("d1", (used_to("department:d1", "files", 6.0), used_to("*", "files", 9.0)), 30),
        ("d2", (used_to("department:d1", "files", 6.0), used_to("*", "files", 9.0)), 45),
        (None, (used_to("*", "files", 9.0),), 45),
        ("d1", (used_to("ann", "deletions", 90.0),), 10),
    ],
    ids=["nobody known", "floor", "own mean", "own high", "department", "no such department", "no department", "other measure"],
)  # fmt: skip
def test_the_limit_is_the_greatest_of_floor_person_and_peers(
    department: str | None, known: tuple[Row, ...], expected: float
) -> None:
    assert judged(department, *known)["limit"] == expected


def test_a_row_of_state_must_name_columns_that_exist() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        used_to("ann", "files", 1.0, nonsense=1)
