"""What a model is before and after it has learned: a declaration of one file, and frozen arrays.

A row is one case, for example one person on one day. A forest says how few random cuts set the row apart from the days it
learned; fewer cuts (a shorter mean path) mean a stranger row. Everything a fitted model holds is arrays and plain values, so that
it can be written without pickle and scored without PyOD (decision 0090).
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import numpy as np
import numpy.typing as npt

from pipelines.contracts import contract
from pipelines.contracts.table import Table
from pipelines.errors import UsageError

Floats = npt.NDArray[np.float64]
Matrix = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]

#: The group of every row whose own group has no forest.
ORGANISATION = "organisation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One declaration. `id` is the file's name, and the module's docstring is the model card.

    `table` names the contract whose rows are judged and gives the features their units; `key` names a row. `alert_budget` is how many
    rows of 1,000 people may look at: it sets where risk 50 lies, and is never evidence that something happened.
    """

    id: str
    title: str
    table: str
    key: tuple[str, ...]
    features: tuple[str, ...]
    group_by: str = ""  # column of the peer group; empty: one forest for all
    member: str = (
        "user_uid"  # whose rows they are: counts the members of a group, bounds one account's share of what is learned
    )
    minimum_members: int = 30
    alert_budget: float = 5.0  # rows of 1,000
    tail: Literal["high", "both"] = "high"  # high: less than usual is not strange
    scaling: Literal["robust", "none"] = "robust"
    trim: float = 0.01  # strangest share of the rows, by the second opinion, that no tree learns
    beyond: float = 0.1  # share of learned rows added with one feature lifted beyond all that was seen (`models.grow`)
    trees: int = 100
    sample_size: int = 256  # rows that one tree sees
    training_rows: int = (
        12_800  # rows drawn for training at most: trees x sample_size are twice as many, so no tree lacks rows
    )
    seed: int = 20261126

    def __post_init__(self) -> None:
        names = set(self.contract.columns)
        used = {*self.key, *self.features, self.member, *([self.group_by] if self.group_by else [])}
        if missing := sorted(used - names):
            raise UsageError(
                f"model {self.id} names columns that {self.table} lacks: {missing}", remedy="correct its file"
            )
        if len(set(self.features)) != len(self.features) or not self.features:
            raise UsageError(f"model {self.id} has no features, or one twice", remedy="correct its file")
        if not 2 <= self.sample_size <= 1_024 or self.trees < 1:  # attributions table 2^depth answers a leaf
            raise UsageError(
                f"model {self.id}: {self.trees} trees of {self.sample_size} rows", remedy="at least 1 of 2-1,024"
            )
        if not 0 < self.alert_budget < 500 or not 0 <= self.trim < 0.5 or not 0 <= self.beyond < 0.5:
            raise UsageError(
                f"model {self.id}: budget, trim or beyond is out of range",
                remedy="budget 0-500 of 1,000, the others 0-0.5",
            )

    @property
    def contract(self) -> Table:
        return contract(self.table)

    @property
    def units(self) -> tuple[str, ...]:
        """Unit of each feature, from the contract."""
        return tuple(self.contract[name].unit for name in self.features)

    @property
    def budget_share(self) -> float:
        return self.alert_budget / 1000.0

    @property
    def card(self) -> str:
        """The docstring of the file that declares the model; empty outside the registry."""
        return (getattr(sys.modules.get(f"models.declared.{self.id}"), "__doc__", "") or "").strip()


@dataclass(frozen=True, slots=True)
class Forest:
    """Isolation trees as flat arrays, one node a row. `roots[t]` is tree t's first node; its nodes follow until the next root.

    `children` holds the positions of the left and right child in the same arrays; a leaf names itself twice. A row goes left where
    float32(value) <= `threshold`, in the unit of the feature, so that scoring needs no scaling. `depth` of a leaf is its depth plus
    the mean path that its rows would still have needed; `rows` counts the training rows in a node.
    """

    roots: Ints
    feature: Ints
    threshold: Matrix
    children: Ints
    rows: Ints
    depth: Floats

    @property
    def trees(self) -> int:
        return len(self.roots)


@dataclass(frozen=True, slots=True)
class Tail:
    """How often a value at least this strange was seen in training: knots of (strangeness, log of the share), ascending.
    Beyond the last knot the log falls on along `slope`, so that stranger stays stranger."""

    knots: Floats
    log_share: Floats
    slope: float

    def log_shares(self, strangeness: Floats) -> Floats:
        """Natural logarithm of the share of training rows that were at least this strange."""
        inside = np.interp(strangeness, self.knots, self.log_share)
        beyond = np.maximum(strangeness - self.knots[-1], 0.0)
        return np.asarray(inside - self.slope * beyond, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class View:
    """What one period taught: the middle of each feature, the forest, and how strange the period's own rows were to it."""

    forest: Forest
    baseline: Floats
    tail: Tail
    first_day: date
    last_day: date
    row_count: int


@dataclass(frozen=True, slots=True)
class Opinion:
    """The second opinion (ECOD with the distribution of training, frozen): -log of the share of training rows beyond a value, summed.

    `knots` and `surprise` are sides x features x steps: the upper side, and with `tail="both"` the lower one on negated values.
    """

    knots: Matrix
    surprise: Floats
    tail: Tail


@dataclass(frozen=True, slots=True)
class Deciles:
    """What drift is measured against: features x 9 inner edges, and the features x 10 shares of training rows between them."""

    edges: Floats
    shares: Floats


@dataclass(frozen=True, slots=True)
class Group:
    """The forests of one peer group: the rolling view of recent rows beside the frozen reference (decision 0092).
    `shift` is how many cuts the paths of most rolling rows are shorter in the reference than its own rows' were: where everybody
    moved, nobody is strange for it."""

    name: str
    members: int
    rolling: View
    reference: View
    shift: float
    opinion: Opinion
    deciles: Deciles


@dataclass(frozen=True, slots=True)
class Calibration:
    """risk = 100 / (1 + exp(-(offset + weight x ln(budget / share)))). Without labels offset 0, weight 1: risk 50 is the budget."""

    offset: float = 0.0
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Fitted:
    """A trained model. Where `models.artefact.fingerprint` is equal, every row is scored to the same bytes."""

    model: Model
    instance: str
    as_of: date
    first_day: date
    last_day: date
    rows_seen: int
    rows_excluded: int
    rows_trimmed: int
    groups: Mapping[str, Group]
    calibration: Calibration = Calibration()
    versions: Mapping[str, str] = field(default_factory=dict)  # library -> version at training, for the record

    def group_of(self, name: str | None) -> Group:
        return self.groups.get(name or ORGANISATION, self.groups[ORGANISATION])
