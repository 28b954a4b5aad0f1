"""Training and scoring: what is learned, what a row's risk depends on, and what hostile values do."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from models.artefact import fingerprint
from models.core import ORGANISATION
from models.score import score
from models.train import train
from pipelines.errors import UsageError
from tests.models.days import FIRST, MODEL, changed, days, fitted

AS_OF = FIRST + timedelta(days=39)


def test_a_day_of_mass_download_is_over_the_budget_and_an_ordinary_day_is_not() -> None:
    rows = days(seed=2)
    planted = changed(rows.slice(7, 1), files=400.0, bytes_out=4e9, exports=30.0)

    strange, ordinary = score(fitted(), planted), score(fitted(), rows)

    assert strange["risk"][0].as_py() > 50
    assert strange["second_opinion"][0].as_py() > 99.5
    assert np.median(ordinary["risk"].to_numpy()) < 5


def test_without_labels_the_share_of_new_days_over_risk_50_is_about_the_budget() -> None:
    model = dataclasses.replace(MODEL, group_by="")
    learned = train(model, days(people=200), instance="acme", as_of=AS_OF)

    over = pc.mean(pc.greater_equal(score(learned, days(people=200, seed=9))["risk"], 50.0).cast(pa.float64())).as_py()

    assert 0.001 < over < 0.015  # 5 of 1,000


def test_groups_with_enough_members_have_their_own_forest_and_others_the_organisations() -> None:
    rows = days(departments=5)  # d0 has 30 members, d1 to d4 fewer than ten each
    learned = train(MODEL, rows, instance="acme", as_of=AS_OF)

    groups = score(learned, changed(rows.slice(0, 3), department=["d0", "d3", None]))["group"].to_pylist()

    assert list(learned.groups) == [ORGANISATION, "d0"]
    assert groups == ["d0", ORGANISATION, ORGANISATION]


def test_training_is_the_same_at_any_number_of_threads_and_in_any_order_of_rows() -> None:
    rows = days(people=30, count=20)
    shuffled = rows.take(pa.array(np.random.default_rng(3).permutation(rows.num_rows)))

    one = train(MODEL, rows, instance="acme", as_of=AS_OF)
    four = train(MODEL, shuffled, instance="acme", as_of=AS_OF, threads=4)

    assert fingerprint(one) == fingerprint(four)


def test_a_score_depends_on_its_row_and_the_model_only() -> None:
    rows = days(people=300, seed=4)  # 12,000 rows
    whole, threaded = score(fitted(), rows), score(fitted(), rows, threads=3)

    alone = pa.concat_tables([score(fitted(), rows.slice(at, 1)) for at in (0, 1, 5_000, 11_999)])

    assert whole.equals(threaded)
    assert alone.equals(whole.take(pa.array([0, 1, 5_000, 11_999])))


def test_excluded_days_teach_nothing() -> None:
    rows = days()
    alerted = changed(rows.slice(0, 40), files=500.0, bytes_out=5e9)  # one person, all days
    exclude = pa.table({"user_uid": pa.array(["u0000"])})

    without = train(MODEL, rows.slice(40), instance="acme", as_of=AS_OF)
    excluding = train(MODEL, pa.concat_tables([alerted, rows.slice(40)]), instance="acme", as_of=AS_OF, exclude=exclude)

    assert excluding.rows_excluded == 40
    assert score(excluding, alerted).equals(score(without, alerted))


def test_an_exclusion_that_names_no_key_column_is_an_error() -> None:
    with pytest.raises(UsageError, match="name none of event_date, user_uid"):
        train(MODEL, days(), instance="acme", as_of=AS_OF, exclude=pa.table({"uid": ["u0000"]}))


def test_what_cannot_be_a_measurement_is_read_as_usual_and_counted() -> None:
    row = days().slice(0, 1)
    hostile = pa.concat_tables(
        [changed(row, files=bad) for bad in (None, float("nan"), float("inf"), -float("inf"), 1e300)]
    )
    usual = changed(row, files=float(fitted().groups["d0"].rolling.baseline[0]))

    found = score(fitted(), hostile)

    assert found["unknown_features"].to_pylist() == [1] * 5
    assert set(found["risk"].to_pylist()) == set(score(fitted(), usual)["risk"].to_pylist())


def test_a_row_of_which_more_is_unknown_than_known_has_no_risk() -> None:
    row = changed(days().slice(0, 1), files=None, bytes_out=None, exports=None, records=None, tables=None)

    found = score(fitted(), row)

    assert found["risk"].null_count == found["percentile"].null_count == 1
    assert found["unknown_features"].to_pylist() == [5]


def test_a_column_that_is_unknown_on_all_days_can_be_learned() -> None:
    learned = train(MODEL, changed(days(), travel_km=None), instance="acme", as_of=AS_OF)

    assert score(learned, days())["risk"].null_count == 0


def test_a_missing_and_an_ill_typed_column_are_errors_with_a_remedy() -> None:
    with pytest.raises(UsageError, match=r"lacks: files.*fix: build feat__user_day_profile"):
        score(fitted(), days().drop_columns(["files"]))
    with pytest.raises(UsageError, match="files is string, not a number"):
        score(fitted(), days().drop_columns(["files"]).append_column("files", pa.array(["1"] * 2400)))


def test_rows_after_the_day_and_too_few_rows_are_errors() -> None:
    with pytest.raises(UsageError, match="after 2026-01-05"):
        train(MODEL, days(), instance="acme", as_of=FIRST + timedelta(days=4))
    with pytest.raises(UsageError, match="100 are needed"):
        train(MODEL, days(people=3, count=30), instance="acme", as_of=AS_OF)


def test_an_empty_frame_scores_to_an_empty_table() -> None:
    assert score(fitted(), days().slice(0, 0)).num_rows == 0


def test_less_than_usual_is_not_strange() -> None:
    idle = changed(days().slice(0, 1), **dict.fromkeys(MODEL.features, 0.0))

    assert score(fitted(), idle)["percentile"][0].as_py() < 50
