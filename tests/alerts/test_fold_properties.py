"""Whatever the detections: folding loses none, doubles none, and depends on nothing but them."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.alerts.fold import Folded, fold
from tests.alerts.rows import detection, detections, evidence, published_evidence

BASE = datetime.fromisoformat("2026-11-01 00:00:00")
CON = duckdb.connect()

moments = st.integers(min_value=0, max_value=12 * 86_400)
actors = st.sampled_from(["u1", "u2", None])
reasons = st.sampled_from([None, None, "vpn"])
cases = st.lists(st.tuples(moments, st.integers(0, 2 * 86_400), actors, reasons), max_size=12)


def rows_of(drawn: list[tuple[int, int, str | None, str | None]]) -> list[dict[str, Any]]:
    return [
        detection(
            f"d{number:02d}",
            str(BASE + timedelta(seconds=start)),
            until=str(BASE + timedelta(seconds=start + length)),
            actor_user_uid=actor,
            actor_user_name=actor,
            suppressed_by=reason,
            risk_score=float(start % 7),
        )
        for number, (start, length, actor, reason) in enumerate(drawn)
    ]


def proof_of(rows: list[dict[str, Any]]) -> pa.Table:
    return evidence(*((row["detection_uid"], f"e{row['detection_uid']}", str(row["first_seen"])) for row in rows))


def folded(rows: list[dict[str, Any]]) -> Folded:
    return fold(CON, detections(*rows), proof_of(rows))


@settings(max_examples=25, deadline=None)
@given(cases)
def test_every_detection_is_in_exactly_one_alert_or_behavior(drawn: list[Any]) -> None:
    rows = rows_of(drawn)
    found = folded(rows)
    shown = published_evidence(found.frames(), proof_of(rows))

    assert sum(found.alerts["detection_count"].to_pylist()) + sum(
        found.behaviors["detection_count"].to_pylist()
    ) == len(drawn)
    assert sorted(shown["source_uid"].to_pylist()) == sorted(f"ed{number:02d}" for number in range(len(drawn)))


@settings(max_examples=25, deadline=None)
@given(cases, st.randoms(use_true_random=False))
def test_the_order_in_which_detections_come_makes_no_difference(drawn: list[Any], random: Any) -> None:
    rows = rows_of(drawn)
    shuffled = list(rows)
    random.shuffle(shuffled)

    one, other = folded(rows), folded(shuffled)

    assert one.alerts.equals(other.alerts)
    assert one.behaviors.equals(other.behaviors)
    assert one.alert_detections.equals(other.alert_detections)


@settings(max_examples=25, deadline=None)
@given(cases)
def test_alerts_of_one_actor_leave_at_least_a_day_between_them(drawn: list[Any]) -> None:
    alerts = folded(rows_of(drawn)).alerts.to_pylist()
    for actor in ("u1", "u2"):
        own = sorted((a for a in alerts if a["actor_user_uid"] == actor), key=lambda a: a["first_seen"])
        gaps = [(b["first_seen"].date() - a["last_seen"].date()).days for a, b in itertools.pairwise(own)]
        assert all(gap > 1 for gap in gaps)


@settings(max_examples=30, deadline=None)
@given(cases)
def test_a_further_night_keeps_every_uid_of_the_nights_before(drawn: list[Any]) -> None:
    rows = rows_of(drawn)
    last = max((row["event_date"] for row in rows), default=BASE.date())
    before = folded([row for row in rows if row["event_date"] < last])
    later = {row["alert_uid"]: row for row in folded(rows).alerts.to_pylist()}
    began_earlier = {
        row["alert_uid"]
        for row in before.alerts.to_pylist()
        if not any(new["event_date"] == last and new["first_seen"] < row["first_seen"] for new in rows)
    }

    assert began_earlier <= set(later)
