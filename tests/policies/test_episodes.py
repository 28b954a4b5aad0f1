"""Sliding counts and episodes against a plain loop."""

from __future__ import annotations

import itertools
from typing import Any

import duckdb
import ibis
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.features.core import to_sql
from pipelines.policies.episodes import count_within, number_episodes, peak_distinct, reached
from pipelines.policies.words import plain, render

CON = duckdb.connect()
TOUCHES = ibis.table({"who": "string", "what": "string", "seconds": "int64", "activity_uid": "string"}, name="touches")
touches = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from("xyz"), st.integers(0, 40)), min_size=1, max_size=30
)
some = settings(max_examples=40, deadline=None)
DISTINCT = to_sql(peak_distinct(TOUCHES, "what", by="who", within=10))
COUNT = to_sql(TOUCHES.select("activity_uid", n=count_within(TOUCHES.what == "x", by="who", within=10)))
REACHED = to_sql(reached(TOUCHES, (TOUCHES.what == "x", 3), (TOUCHES.what.notnull(), 6), by="who", within=10))
EPISODES = to_sql(number_episodes(TOUCHES, by="who", gap=5))

Touches = list[tuple[str, str, int]]


def run(sql: str, rows: Touches) -> list[dict[str, Any]]:
    columns = {
        "who": pa.array([r[0] for r in rows]),
        "what": pa.array([r[1] for r in rows]),
        "seconds": pa.array([r[2] for r in rows], pa.int64()),
        "activity_uid": pa.array([str(n) for n in range(len(rows))]),
    }
    CON.register("touches", pa.table(columns))
    found: list[dict[str, Any]] = CON.sql(sql).to_arrow_table().to_pylist()
    return found


@some
@given(touches)
def test_the_sliding_count_of_different_items_is_exact_where_it_changes_and_its_peak_is_a_touch(rows: Touches) -> None:
    found = {(row["who"], row["seconds"]): row["distinct_count"] for row in run(DISTINCT, rows)}

    def counted(who: str, at: int) -> int:
        return len({what for w, what, t in rows if w == who and at - 10 <= t <= at})

    assert all(count == counted(who, at) for (who, at), count in found.items())
    for who in {row[0] for row in rows}:
        touched = {(w, t) for w, _, t in rows if w == who}
        assert max(found[key] for key in found.keys() & touched) == max(counted(who, t) for _, t in touched)


@some
@given(touches)
def test_the_sliding_count_of_rows_includes_both_ends(rows: Touches) -> None:
    found = {row["activity_uid"]: row["n"] for row in run(COUNT, rows)}

    for n, (who, _, at) in enumerate(rows):
        assert found[str(n)] == len([1 for w, what, t in rows if w == who and what == "x" and at - 10 <= t <= at])


@some
@given(touches)
def test_an_episode_ends_with_a_pause_longer_than_the_gap(rows: Touches) -> None:
    found = run(EPISODES, rows)

    for who in "ab":
        mine = sorted((row["seconds"], row["episode"]) for row in found if row["who"] == who)
        for (one, episode), (other, next_episode) in itertools.pairwise(mine):
            assert next_episode - episode == (1 if other - one > 5 else 0)


@given(st.text())
def test_plain_text_is_one_printable_line(text: str) -> None:
    shown = plain(text)

    assert shown.isprintable()
    assert len(shown) <= 80
    assert plain(shown) == shown


def test_a_title_formats_numbers_and_bounds_lists() -> None:
    detection = {
        "n": 12345,
        "places": ["a", "b", "c", "d", "e", "f"],
        "none": None,
        "actor_user_name": "",
        "actor_user_uid": "u1",
    }

    assert render("{actor}: {n:,} in {places}, {none}", detection) == "u1: 12,345 in a, b, c, d, e ..., unknown"


@some
@given(touches)
def test_whoever_comes_to_a_floor_in_a_sliding_window_is_among_those_who_reached_it(rows: Touches) -> None:
    found = {row["who"] for row in run(REACHED, rows)}

    for who, _, end in rows:
        within = [what for other, what, at in rows if other == who and end - 10 <= at <= end]
        if within.count("x") >= 3 or len(within) >= 6:
            assert who in found


def test_whoever_is_far_below_every_floor_is_not_among_them() -> None:
    assert run(REACHED, [("a", "x", 0), ("a", "x", 5), ("a", "x", 25), ("b", "y", 3)]) == []
