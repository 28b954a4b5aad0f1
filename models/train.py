"""Rows of days -> a fitted model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from types import MappingProxyType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models.choose import Chosen, choose
from models.core import ORGANISATION, Fitted, Floats, Forest, Group, Matrix, Model, Opinion, View
from models.drift import deciles_of
from models.grow import grow, scaling_of
from models.matrix import checked, filled, matrix
from models.opinion import learned
from models.tail import tail_of
from models.walk import depths, surprises
from pipelines.errors import UsageError

LEAST_ROWS = 100  # fewer rows say nothing about one in a thousand
_MOVED = 0.25  # share of the rows that must be stranger to the reference before it is forgiven to all
_LIBRARIES = ("pyod", "scikit-learn", "numpy")


@dataclass(frozen=True, slots=True)
class _Sample:
    """Rows drawn for one group: all of them say how strange rows are, `kept` are what trees learn."""

    values: Matrix
    kept: Matrix
    opinion: Opinion
    baseline: Floats
    first_day: date
    last_day: date
    rows: int
    members: int


def train(
    model: Model,
    frame: pa.Table,
    *,
    instance: str,
    as_of: date,
    exclude: pa.Table | None = None,
    reference: Fitted | None = None,
    threads: int = 1,
) -> Fitted:
    """What `frame` teaches: rows of the model's table (further columns are ignored) with `event_date` up to `as_of`, included.

    `exclude` holds alerted and suppressed rows by any part of the model's key (for example `user_uid`, `event_date`): they are left
    out. `reference` is the champion, whose frozen view is carried on; without it (first training, or a refresh by hand) this
    frame becomes the reference. The result depends neither on `threads` nor on the order of rows. Errors: `UsageError` for a
    missing or ill-typed column, rows after `as_of`, or fewer than `LEAST_ROWS` rows.
    """
    frame = checked(model, frame, needs=("event_date", model.member))
    _not_later(frame, as_of)
    chosen = choose(model, frame, exclude)
    if chosen.rows_left < LEAST_ROWS:
        raise UsageError(
            f"model {model.id} has {chosen.rows_left} rows to learn from, {LEAST_ROWS} are needed",
            remedy="train later, or over a longer period",
        )
    frozen = reference.groups if reference is not None and reference.model.features == model.features else {}
    groups: dict[str, Group] = {}
    trimmed = 0
    for name in chosen.groups:
        sample = _sample(model, chosen, name)
        trimmed += len(sample.values) - len(sample.kept)
        old = frozen.get(name)
        groups[name] = _group(model, name, sample, old.reference if old else None, threads)
    days = groups[ORGANISATION].rolling
    return Fitted(
        model, instance, as_of, days.first_day, days.last_day,
        rows_seen=frame.num_rows, rows_excluded=frame.num_rows - chosen.rows_left, rows_trimmed=trimmed,
        groups=MappingProxyType(groups), versions=_versions(),
    )  # fmt: skip


def _not_later(frame: pa.Table, as_of: date) -> None:
    last = pc.max(frame["event_date"]).as_py()
    if last is not None and last > as_of:
        raise UsageError(f"the table reaches {last}, after {as_of}", remedy="train on days up to `as_of` only")


def _sample(model: Model, chosen: Chosen, name: str) -> _Sample:
    rows = chosen.sample(name)
    values = matrix(model, rows)
    baseline = np.zeros(values.shape[1])
    told = ~np.isnan(values).all(axis=0)  # a column that is unknown on all days has nothing usual
    baseline[told] = np.nanmedian(values[:, told], axis=0)
    filled(values, baseline)
    days = pc.min_max(rows["event_date"]).as_py()
    opinion = learned(model, values)
    kept = _trimmed(model, values, opinion)
    return _Sample(values, kept, opinion, baseline, days["min"], days["max"], rows.num_rows, chosen.groups[name])


def _trimmed(model: Model, values: Matrix, opinion: Opinion) -> Matrix:
    """Without the strangest rows by the second opinion, which is not the one that the trees give."""
    count = int(len(values) * model.trim)
    if not count:
        return values
    strange = surprises(opinion.knots, opinion.surprise, values)
    return values[np.sort(np.argsort(strange, kind="stable")[: len(values) - count])]


def _group(model: Model, name: str, sample: _Sample, frozen: View | None, threads: int) -> Group:
    scaling = scaling_of(model, sample.kept) if model.scaling == "robust" else None
    forest = grow(model, sample.kept, scaling, threads=threads)
    rolling = _view(forest, sample, threads)
    reference = frozen or rolling
    shift = 0.0 if reference is rolling else _shift(reference, sample.values, threads)
    return Group(name, sample.members, rolling, reference, shift, sample.opinion, deciles_of(sample.values))


def _shift(reference: View, values: Matrix, threads: int) -> float:
    """By the strangest quarter's edge: who ramps up alone, or with a fifth of the others, does not move it."""
    ordinary = np.interp(np.log(_MOVED), reference.tail.log_share[::-1], reference.tail.knots[::-1])
    now = np.quantile(-depths(reference.forest, values, threads=threads), 1.0 - _MOVED)
    return max(0.0, float(now - ordinary))


def _view(forest: Forest, sample: _Sample, threads: int) -> View:
    tail = tail_of(-depths(forest, sample.values, threads=threads))
    return View(forest, sample.baseline, tail, sample.first_day, sample.last_day, sample.rows)


def _versions() -> Mapping[str, str]:
    return MappingProxyType({name: version(name) for name in _LIBRARIES})
