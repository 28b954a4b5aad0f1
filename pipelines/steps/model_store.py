"""The fitted models of an instance, and which of them scores: a folder an artefact, one small registry file a model.

    <data>/models/<instance>/<model>/<revision>/     what `models.artefact` wrote, never changed
    <data>/models/<instance>/<model>/registry.json   revisions and the history of champions, replaced by rename

A champion scores days after its training window only, so that a rerun of an old day finds the champion that it had then.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa

from models.artefact import load, save
from models.core import Fitted
from models.registry import model as declared
from pipelines.contracts import contract
from pipelines.errors import StorageError, UsageError

REGISTRY = "registry.json"
SHOWN = 12  # hex digits of the fingerprint that name a revision
RULE = "rule"


@dataclass(frozen=True, slots=True)
class Revision:
    """One fitted model: what it learned from, and what the comparison with the champion of its time said."""

    revision: str
    fingerprint: str
    trained_from: date
    trained_to: date
    user_days: int
    excluded_user_days: int
    peer_groups: tuple[str, ...]
    objections: tuple[str, ...] = ()
    compared: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Promotion:
    """A revision became the champion: by the rule, or by a person with a reason."""

    revision: str
    decided_by: str
    reason: str


@dataclass(frozen=True)
class Registry:
    """All revisions of one model in the order of their training, and its champions in the order of their promotion."""

    model_id: str
    revisions: tuple[Revision, ...] = ()
    promotions: tuple[Promotion, ...] = ()

    def find(self, revision: str) -> Revision:
        """The revision whose name begins so; none or several is an error."""
        found = [r for r in self.revisions if r.revision.startswith(revision)]
        if len(found) != 1 or not revision:
            raise UsageError(
                f"{'no' if not found else 'more than one'} revision of {self.model_id} is called {revision!r}",
                remedy=f"see `nowguard model show {self.model_id}`",
            )
        return found[0]

    @property
    def champion(self) -> Revision | None:
        return self.find(self.promotions[-1].revision) if self.promotions else None

    def champion_for(self, day: date) -> Revision | None:
        """The latest champion that did not learn from the day."""
        held = [self.find(p.revision) for p in self.promotions]
        return next((r for r in reversed(held) if r.trained_to < day), None)

    def role_of(self, revision: Revision) -> str:
        if self.promotions and self.promotions[-1].revision == revision.revision:
            return "champion"
        if any(p.revision == revision.revision for p in self.promotions):
            return "retired"
        return "rejected" if revision.objections else "challenger"


class ModelStore:
    """Fitted models of one instance under `<data>/models`. Writers hold the instance's lease."""

    def __init__(self, data_dir: Path, instance: str) -> None:
        self.instance = instance
        self.root = data_dir / "models" / instance
        self._loaded: dict[tuple[str, str], Fitted] = {}

    def model_ids(self) -> list[str]:
        """Models of which something was ever trained."""
        return sorted(path.parent.name for path in self.root.glob(f"*/{REGISTRY}"))

    def registry(self, model_id: str) -> Registry:
        path = self.root / model_id / REGISTRY
        if not path.is_file():
            return Registry(model_id)
        try:
            return _from_json(model_id, path.read_text(encoding="utf-8"))
        except (ValueError, KeyError, TypeError) as error:
            raise StorageError(
                f"{path} cannot be read: {error}", remedy="restore it from a backup, or remove it and train again"
            ) from None

    def fitted(self, model_id: str, revision: str) -> Fitted:
        """The artefact, verified against the registry; loaded once a process."""
        key = (model_id, revision)
        if key not in self._loaded:
            known = self.registry(model_id).find(revision)
            self._loaded[key] = load(
                self.root / model_id / revision, model=declared(model_id), fingerprint=known.fingerprint
            )
        return self._loaded[key]

    def has(self, model_id: str, revision: str) -> bool:
        return (self.root / model_id / revision).is_dir()

    def add(
        self, fitted: Fitted, *, objections: Sequence[str] = (), compared: Sequence[tuple[str, float]] = ()
    ) -> Revision:
        """Keep a fitted model; the same one again changes nothing."""
        folder = self.root / fitted.model.id
        beside = folder / f".{os.getpid()}.tmp"
        shutil.rmtree(beside, ignore_errors=True)
        fingerprint = save(fitted, beside)
        made = Revision(
            fingerprint[:SHOWN], fingerprint, fitted.first_day, fitted.last_day, fitted.rows_seen, fitted.rows_excluded,
            tuple(sorted(fitted.groups)), tuple(objections), tuple(compared),
        )  # fmt: skip
        registry = self.registry(fitted.model.id)
        if any(r.revision == made.revision for r in registry.revisions) and (folder / made.revision).is_dir():
            shutil.rmtree(beside)
            return registry.find(made.revision)
        shutil.rmtree(folder / made.revision, ignore_errors=True)
        beside.replace(folder / made.revision)
        kept = tuple(r for r in registry.revisions if r.revision != made.revision)
        self._write(Registry(registry.model_id, (*kept, made), registry.promotions))
        return made

    def promote(self, model_id: str, revision: str, *, decided_by: str, reason: str) -> Revision:
        """Make it the champion of the days after its training window."""
        registry = self.registry(model_id)
        found = registry.find(revision)
        if not self.has(model_id, found.revision):
            raise StorageError(
                f"the artefact of {model_id} {found.revision} is gone",
                remedy="restore it from a backup, or train again",
            )
        if registry.role_of(found) != "champion":
            made = Promotion(found.revision, decided_by, reason)
            self._write(Registry(model_id, registry.revisions, (*registry.promotions, made)))
        return found

    def frame(self) -> pa.Table:
        """Every revision as rows of `out__model`."""
        rows = [row for model_id in self.model_ids() for row in _rows(self.instance, self.registry(model_id))]
        return pa.Table.from_pylist(rows, schema=contract("out__model").arrow_schema())

    def _write(self, registry: Registry) -> None:
        path = self.root / registry.model_id / REGISTRY
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{REGISTRY}.{os.getpid()}")
        with beside.open("w", encoding="utf-8") as stream:
            json.dump(asdict(registry), stream, default=str, indent=1)
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(path)


def _from_json(model_id: str, text: str) -> Registry:
    said = json.loads(text)
    revisions = [
        Revision(
            **{
                **row,
                "trained_from": date.fromisoformat(row["trained_from"]),
                "trained_to": date.fromisoformat(row["trained_to"]),
                "peer_groups": tuple(row["peer_groups"]),
                "objections": tuple(row["objections"]),
                "compared": tuple((name, value) for name, value in row["compared"]),
            }
        )
        for row in said["revisions"]
    ]
    return Registry(model_id, tuple(revisions), tuple(Promotion(**row) for row in said["promotions"]))


def _rows(instance: str, registry: Registry) -> list[dict[str, object]]:
    told = {p.revision: p for p in registry.promotions}  # the latest of several
    return [
        {
            "instance": instance,
            "event_date": r.trained_to,
            "model_id": registry.model_id,
            "model_revision": r.revision,
            "role": registry.role_of(r),
            "trained_from": r.trained_from,
            "trained_to": r.trained_to,
            "user_days": r.user_days,
            "excluded_user_days": r.excluded_user_days,
            "peer_groups": list(r.peer_groups),
            "decided_by": told[r.revision].decided_by if r.revision in told else None,
            "reason": told[r.revision].reason
            if r.revision in told
            else "; ".join(r.objections) or "waits for `promote`",
        }
        for r in registry.revisions
    ]
