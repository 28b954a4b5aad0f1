"""The groups of a fitted model <-> named arrays and plain values; nothing is believed on the way back.

Names of groups are departments, so data: they stand in the manifest as text and never become a file's or an array's name. A view
that several groups or both sides of one group share is written once.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Any

import numpy as np

from models.core import ORGANISATION, Deciles, Forest, Group, Opinion, Tail, View
from models.opinion import STEPS

Arrays = Mapping[str, np.ndarray]
_FOREST = {"roots": "<i4", "feature": "<i4", "threshold": "<f4", "children": "<i4", "rows": "<i4", "depth": "<f8"}


def taken_apart(
    groups: Mapping[str, Group],
) -> tuple[dict[str, np.ndarray], list[dict[str, Any]], list[dict[str, Any]]]:
    """Arrays, what is said of each group, what is said of each view."""
    arrays: dict[str, np.ndarray] = {}
    views: list[View] = []
    said: list[dict[str, Any]] = []
    for number, group in enumerate(groups.values()):
        numbers = [_number(view, views) for view in (group.rolling, group.reference)]
        told = {"name": group.name, "members": group.members, "shift": group.shift}
        said.append({**told, "rolling": numbers[0], "reference": numbers[1]})
        at = f"group{number}"
        arrays |= _of_tail(f"{at}.opinion", group.opinion.tail)
        arrays |= {f"{at}.knots": group.opinion.knots, f"{at}.surprise": group.opinion.surprise}
        arrays |= {f"{at}.edges": group.deciles.edges, f"{at}.shares": group.deciles.shares}
    for number, view in enumerate(views):
        at = f"view{number}"
        arrays |= {
            f"{at}.{name}": getattr(view.forest, name).astype(kind, copy=False) for name, kind in _FOREST.items()
        }
        arrays |= {f"{at}.baseline": view.baseline, **_of_tail(f"{at}.tail", view.tail)}
    return arrays, said, [_of_view(view) for view in views]


def put_together(
    arrays: Arrays, groups: list[dict[str, Any]], views: list[dict[str, Any]], *, features: int
) -> Mapping[str, Group]:
    """The groups again. `ValueError` or `KeyError` for anything that scoring could trip over."""
    known = [_view(arrays, f"view{number}", said, features) for number, said in enumerate(views)]
    found: dict[str, Group] = {}
    for number, said in enumerate(groups):
        at, name = f"group{number}", str(said["name"])
        rolling, reference = (_one(known, said[side]) for side in ("rolling", "reference"))
        knots, surprise = arrays[f"{at}.knots"], arrays[f"{at}.surprise"]
        _is(knots, "<f4", (None, features, STEPS), f"{at}.knots")
        _is(surprise, "<f8", knots.shape, f"{at}.surprise")
        edges, shares = arrays[f"{at}.edges"], arrays[f"{at}.shares"]
        _is(edges, "<f8", (features, 9), f"{at}.edges")
        _is(shares, "<f8", (features, 10), f"{at}.shares")
        found[name] = Group(
            name, int(said["members"]), rolling, reference, _shift(said["shift"]),
            Opinion(knots, surprise, _tail(arrays, f"{at}.opinion")), Deciles(edges, shares),
        )  # fmt: skip
    if next(iter(found), "") != ORGANISATION or len(found) != len(groups):
        raise ValueError("the organisation's forest does not come first, or a group comes twice")
    return MappingProxyType(found)


def _number(view: View, views: list[View]) -> int:
    for number, known in enumerate(views):
        if known is view:
            return number
    views.append(view)
    return len(views) - 1


def _of_tail(at: str, tail: Tail) -> dict[str, np.ndarray]:
    return {f"{at}.knots": tail.knots, f"{at}.log_share": tail.log_share, f"{at}.slope": np.array([tail.slope])}


def _of_view(view: View) -> dict[str, Any]:
    return {"first_day": view.first_day.isoformat(), "last_day": view.last_day.isoformat(), "row_count": view.row_count}


def _view(arrays: Arrays, at: str, said: Mapping[str, Any], features: int) -> View:
    forest = Forest(**{name: arrays[f"{at}.{name}"] for name in _FOREST})
    _sound(forest, at, features)
    baseline = arrays[f"{at}.baseline"]
    _is(baseline, "<f8", (features,), f"{at}.baseline")
    first, last = (date.fromisoformat(said[name]) for name in ("first_day", "last_day"))
    return View(forest, baseline, _tail(arrays, f"{at}.tail"), first, last, int(said["row_count"]))


def _tail(arrays: Arrays, at: str) -> Tail:
    knots, log_share, slope = (arrays[f"{at}.{name}"] for name in ("knots", "log_share", "slope"))
    _is(knots, "<f8", (None,), f"{at}.knots")
    _is(log_share, "<f8", knots.shape, f"{at}.log_share")
    _is(slope, "<f8", (1,), f"{at}.slope")
    if not len(knots) or (np.diff(knots) <= 0).any() or (np.diff(log_share) > 0).any() or slope[0] < 0:
        raise ValueError(f"{at} does not fall")
    return Tail(knots, log_share, float(slope[0]))


def _sound(forest: Forest, at: str, features: int) -> None:
    """Walks end, stay inside their tree, and read only features that exist."""
    nodes = len(forest.feature)
    shapes = {"roots": (None,), "children": (nodes, 2)}
    for name, kind in _FOREST.items():
        _is(getattr(forest, name), kind, shapes.get(name, (nodes,)), f"{at}.{name}")
    roots, own = forest.roots, np.arange(nodes)
    if not len(roots) or roots[0] != 0 or (np.diff(roots) <= 0).any() or roots[-1] >= nodes:
        raise ValueError(f"{at}: the roots are not in order")
    tree = np.searchsorted(roots, own, side="right") - 1
    end = np.append(roots[1:], nodes)[tree]
    is_leaf = (forest.children == own[:, None]).all(axis=1)
    below = (forest.children > own[:, None]) & (forest.children < end[:, None])
    if not (is_leaf | below.all(axis=1)).all():
        raise ValueError(f"{at}: a node leads out of its tree")
    if (
        ((forest.feature < 0) | (forest.feature >= features)).any()
        or (forest.rows <= 0).any()
        or (forest.depth < 0).any()
    ):
        raise ValueError(f"{at}: a node is impossible")


def _shift(value: object) -> float:
    if not isinstance(value, (int, float)) or not 0.0 <= value < 1e6:
        raise ValueError(f"a shift of {value!r} cuts")
    return float(value)


def _is(array: np.ndarray, kind: str, shape: tuple[int | None, ...], name: str) -> None:
    fits = array.ndim == len(shape) and all(
        want is None or want == have for want, have in zip(shape, array.shape, strict=True)
    )
    if (
        array.dtype.str != kind
        or not fits
        or not array.flags.c_contiguous
        or (kind[1] == "f" and not np.isfinite(array).all())
    ):
        raise ValueError(f"{name} is {array.dtype.str} {array.shape}")


def _one(views: list[View], number: object) -> View:
    if not isinstance(number, int) or not 0 <= number < len(views):
        raise ValueError(f"there is no view {number!r}")
    return views[number]
