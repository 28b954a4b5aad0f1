"""What an attacker would try on a model: raise volume slowly, or drown a day in decoys."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from models.core import Fitted
from models.registry import model as declared
from models.score import score
from models.train import train
from pipelines.policies.model import unusual_user_day
from tests.models import ramp
from tests.models.days import FIRST, MODEL, changed, days, over_budget

PEOPLE, WEEKLY = 12, 1.05
RAMP_MODEL = dataclasses.replace(MODEL, group_by="", trees=60)


def _ramp(week: int) -> float:
    return round(10 * WEEKLY**week)


def _weeks(first: int, count: int, *, most: float = 1_000.0) -> pa.Table:
    """Days of a small team of which one member takes 5 % more each week, up to `most` a day, over these weeks."""
    rows = days(people=PEOPLE, count=7 * count, seed=100 + first, first=FIRST + timedelta(weeks=first))
    day = (rows["event_date"].to_numpy() - np.datetime64(FIRST)).astype(int)
    is_taker = np.asarray(pc.equal(rows["user_uid"], "u0000"))
    volume = np.where(is_taker, np.minimum(np.round(10 * WEEKLY ** (day // 7)), most), rows["files"].to_numpy())
    size = np.where(is_taker, volume * 60_000.0, rows["bytes_out"].to_numpy())
    return changed(rows, files=volume.tolist(), bytes_out=size.tolist())


def _trained(week: int, reference: Fitted | None, *, most: float = 1_000.0) -> Fitted:
    """On the twelve weeks before `week`."""
    rows = _weeks(week - 12, 12, most=most)
    return train(RAMP_MODEL, rows, instance="acme", as_of=FIRST + timedelta(weeks=week), reference=reference)


def test_a_ramp_of_five_percent_a_week_is_over_the_budget_before_200_a_day() -> None:
    champion = _trained(12, None)
    found = None
    for week in range(12, 62, 8):
        taker = changed(_weeks(week, 1).slice(0, 5), files=float(_ramp(week)), bytes_out=_ramp(week) * 60_000.0)
        scores = score(champion, taker)
        if over_budget(RAMP_MODEL, scores).num_rows:
            found = (_ramp(week), scores["decided_by"][0].as_py())
            break
        champion = _trained(week + 8, champion)

    assert found is not None
    assert found[0] < 200


@pytest.mark.parametrize("seed", [0, 1])
def test_a_ramp_in_the_declared_features_is_a_day_or_a_run_of_the_policy_before_200_a_day(seed: int) -> None:
    """Champions of weeks 42, 48 and 54 with a reference of week 13; a member of sixty takes 78 to 187 a day."""
    rows = ramp.profiles(61, seed)
    week = (rows["event_date"].to_numpy() - ramp.START).astype(int) // 7

    def trained(at: int, reference: Fitted | None) -> Fitted:
        some = rows.filter(pa.array((week >= at - 13) & (week < at)))
        last = FIRST + timedelta(weeks=at + 1)
        return train(declared("user_day"), some, instance="acme", as_of=last, reference=reference)

    first, told = trained(13, None), []
    for at in (42, 48, 54):
        after = (week >= at) & (week < at + 6)
        told += _raised(score(trained(at, first), rows.filter(pa.array(after))), week[after])

    assert ramp.taken(59) < 200
    assert "u000" in told
    assert len(told) - told.count("u000") <= 0.005 * (week >= 42).sum()


def _raised(scores: pa.Table, week: np.ndarray) -> list[str]:
    """Who is raised, a day or a calendar week at a time, by the thresholds of `unusual_user_day`."""
    limit = {param.name: float(param.default) for param in unusual_user_day.POLICY.params}
    rows = pl.DataFrame(scores).with_columns(
        week=pl.Series(week), surprise=-(1 - pl.col("percentile") / 100).clip(1e-4).log()
    )
    agreed = (pl.col("second_opinion") >= limit["min_opinion"]) & (pl.col("risk") >= limit["min_risk_with_opinion"])
    by_day = rows.filter((pl.col("risk") >= limit["min_risk"]) | agreed)
    runs = rows.filter(pl.col("surprise") > 1).group_by("user_uid", "week").agg(pl.col("surprise").sum(), days=pl.len())
    runs = runs.filter((pl.col("surprise") >= limit["min_run_surprise"]) & (pl.col("days") >= limit["min_run_days"]))
    return [*by_day["user_uid"], *runs["user_uid"]]


def test_a_plateau_that_a_ramp_reached_is_usual_to_the_rolling_view_and_strange_to_the_frozen_reference() -> None:
    """The reference is from the first twelve weeks; one member has taken 190 files on each of the last 84 days."""
    first = _trained(12, None)
    taker = _weeks(80, 1, most=190.0).slice(0, 7)

    guarded, fooled = (score(_trained(80, reference, most=190.0), taker) for reference in (first, None))

    rare, usual = (100.0 - np.mean(scores["percentile"].to_numpy()) for scores in (guarded, fooled))
    assert guarded["decided_by"].to_pylist() == ["reference"] * 7
    assert rare < 1.5
    assert usual > 3 * rare


def test_where_everybody_moved_nobody_is_strange_to_the_reference() -> None:
    model = dataclasses.replace(MODEL, group_by="")
    champion = train(model, days(), instance="acme", as_of=FIRST + timedelta(days=39))
    busier = days(seed=2)
    busier = changed(busier, records=(busier["records"].to_numpy() * 3.0).tolist())

    now = train(model, busier, instance="acme", as_of=FIRST + timedelta(days=39), reference=champion)

    assert now.groups["organisation"].shift > 0
    assert over_budget(model, score(now, busier)).num_rows <= 2 * model.budget_share * busier.num_rows


def _decoys(count: int) -> pa.Table:
    """Loud days of one kind by many accounts: far travel from rare countries."""
    rows = days(people=count // 20, count=20, seed=77)
    prefixed = pa.array([f"decoy-{uid}" for uid in rows["user_uid"].to_pylist()])
    return changed(rows, user_uid=prefixed.to_pylist(), travel_km=15_000.0, country_rarity=9.0)


PLANTED = {"files": 300.0, "bytes_out": 6e9, "exports": 12.0}


def test_ten_thousand_decoys_on_the_night_do_not_hide_a_planted_day() -> None:
    model = dataclasses.replace(MODEL, group_by="")
    learned = train(model, days(), instance="acme", as_of=FIRST + timedelta(days=39))
    planted = changed(days(seed=5).slice(3, 1), **PLANTED)
    night = pa.concat_tables([_decoys(10_000), planted, days(seed=6)])

    scores = score(learned, night)

    assert over_budget(model, scores.slice(0, 10_000)).num_rows > 9_000  # the decoys are loud indeed
    assert over_budget(model, scores.slice(10_000, 1)).num_rows == 1
    assert score(learned, planted).equals(scores.slice(10_000, 1))  # and change nothing for others


def test_ten_thousand_decoys_in_training_do_not_hide_a_planted_day_once_they_are_alerted() -> None:
    model = dataclasses.replace(MODEL, group_by="")
    decoys = _decoys(10_000)
    planted = changed(days(seed=5).slice(3, 1), **PLANTED)

    poisoned = train(
        model, pa.concat_tables([days(), decoys]), instance="acme", as_of=FIRST + timedelta(days=39),
        exclude=decoys.select(["user_uid", "event_date"]),
    )  # fmt: skip
    clean = train(model, days(), instance="acme", as_of=FIRST + timedelta(days=39))

    assert score(poisoned, planted).equals(score(clean, planted))
    assert score(clean, planted)["percentile"][0].as_py() > 99.5


def test_ten_thousand_unalerted_decoys_of_another_kind_leave_a_planted_day_over_the_budget() -> None:
    model = dataclasses.replace(MODEL, group_by="")
    rows = pa.concat_tables([days(people=300), _decoys(10_000)])
    planted = changed(days(seed=5).slice(3, 1), **PLANTED)

    poisoned = train(model, rows, instance="acme", as_of=FIRST + timedelta(days=39))

    assert over_budget(model, score(poisoned, planted)).num_rows == 1


def test_one_account_cannot_fill_the_training_rows() -> None:
    model = dataclasses.replace(MODEL, group_by="", training_rows=600)
    loud = changed(days(people=1, count=900, first=FIRST - timedelta(days=900)), user_uid="loud", **PLANTED)
    planted = changed(days().slice(0, 1), **PLANTED)

    learned = train(model, pa.concat_tables([days(), loud]), instance="acme", as_of=FIRST + timedelta(days=39))

    assert learned.groups["organisation"].rolling.row_count <= 600
    assert score(learned, planted)["percentile"][0].as_py() > 95  # 900 of 3,300 rows would be the strangest 27 %
