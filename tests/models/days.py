"""Made days of people, and a small model over them: ordinary days of a few departments, and what a test plants among them."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models.core import Fitted, Model
from models.train import train

FIRST = date(2026, 1, 1)
FEATURES = ("files", "bytes_out", "exports", "records", "tables", "new_tables", "country_rarity", "travel_km")
MODEL = Model(
    id="user_day", title="Small", table="feat__user_day_profile", key=("event_date", "user_uid"), features=FEATURES,
    group_by="department", minimum_members=25, trees=40,
)  # fmt: skip


def days(people: int = 60, count: int = 40, *, seed: int = 1, first: date = FIRST, departments: int = 2) -> pa.Table:
    """Poisson counts around each person's own rate, which no seed changes; the first department has half the people, the others
    share the rest."""
    rng = np.random.default_rng(seed)
    rate = np.random.default_rng(0).gamma(3.0, 2.0, people)[:, None]
    volume = rng.poisson(rate, (people, count)).ravel().astype(float)
    day = np.tile([(first + timedelta(days=i)).isoformat() for i in range(count)], people)
    who = np.repeat(np.arange(people), count)
    columns = {
        "files": volume,
        "bytes_out": np.round(volume * rng.lognormal(11, 1, len(volume))),
        "exports": rng.poisson(0.2, len(volume)).astype(float),
        "records": rng.poisson(20, len(volume)).astype(float),
        "tables": rng.poisson(5, len(volume)).astype(float),
        "new_tables": rng.poisson(0.1, len(volume)).astype(float),
        "country_rarity": np.where(rng.random(len(volume)) < 0.01, 4.0, 0.0),
        "travel_km": np.where(rng.random(len(volume)) < 0.02, 300.0, 0.0),
    }
    return pa.table(
        {
            "event_date": pa.array(day).cast(pa.date32()),
            "user_uid": pa.array([f"u{i:04d}" for i in who]),
            "department": pa.array([f"d{0 if i < people // 2 else 1 + i % max(1, departments - 1)}" for i in who]),
            **{name: pa.array(values) for name, values in columns.items()},
        }
    )


def changed(rows: pa.Table, **values: object) -> pa.Table:
    """`rows` with some columns at other values: one for all, or one each."""
    for name, value in values.items():
        kind = rows.schema.field(name).type
        filled = value if isinstance(value, list) else [value] * rows.num_rows
        rows = rows.set_column(rows.schema.get_field_index(name), name, pa.array(filled, kind))
    return rows


@cache
def fitted() -> Fitted:
    """A model of 60 people and 40 days; d0 and d1 have 30 members each and a forest of their own."""
    return train(MODEL, days(), instance="acme", as_of=FIRST + timedelta(days=39))


def over_budget(model: Model, scores: pa.Table) -> pa.Table:
    """Rows that are stranger than all but the budgeted share of training rows."""
    return scores.filter(pc.greater_equal(scores["percentile"], 100.0 * (1.0 - model.budget_share)))
