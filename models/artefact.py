"""A fitted model <-> a folder: `arrays.npz` (no pickle) and `manifest.json` with hashes, versions, window, features and units.

The manifest carries the hash and size of the arrays, and its own fingerprint. Both find a file that was cut off or edited by
accident. Who can write the folder can also write a new fingerprint, so `nowguard` keeps the fingerprint of each promoted model
with its scores and passes it to `load`. Whatever a file says, loading runs no code of it and reads no array out of range.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from models import parts
from models.core import Calibration, Fitted, Model
from models.registry import model as declared
from pipelines.errors import StorageError

FORMAT = 1
ARRAYS, MANIFEST = "arrays.npz", "manifest.json"
LARGEST = 1 << 30  # bytes of either file; a model of fifty groups has about 60 MB
RETRAIN = "train it again (`nowguard model train`)"
RESTORE = "restore the folder from a backup, promote another model, or train again (`nowguard model train`)"


def save(fitted: Fitted, folder: Path) -> str:
    """Write both files into `folder` (made if missing; the caller moves it into place); the fingerprint, to be kept with the scores."""
    arrays, content = _written(fitted)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ARRAYS).write_bytes(arrays)
    mark = _hash(_canonical(content))
    text = json.dumps({"fingerprint": mark, "content": content}, indent=1, sort_keys=True, ensure_ascii=True)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")
    return mark


def fingerprint(fitted: Fitted) -> str:
    """What `save` would return."""
    return _hash(_canonical(_written(fitted)[1]))


def load(folder: Path, *, model: Model | None = None, fingerprint: str | None = None) -> Fitted:
    """Read what `save` wrote, never unpickling. `StorageError` with the remedy where a file is missing, cut off, changed, of another
    format, differs from `fingerprint`, or was trained for other features than `model` (default: the declared model of its id)."""
    content = _manifest(folder, fingerprint)
    arrays = _arrays(folder, content)
    try:
        _matches(folder, content["model"], model or declared(str(content["model"]["id"])))
        return _read(content, arrays)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StorageError(f"the model in {folder} does not hold together: {error}", remedy=RESTORE) from error


def _written(fitted: Fitted) -> tuple[bytes, dict[str, Any]]:
    arrays, groups, views = parts.taken_apart(fitted.groups)
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    body = buffer.getvalue()
    told = ("instance", "rows_seen", "rows_excluded", "rows_trimmed")
    days = ("as_of", "first_day", "last_day")
    return body, {
        "format": FORMAT,
        "model": {**dataclasses.asdict(fitted.model), "units": list(fitted.model.units)},
        **{name: getattr(fitted, name) for name in told},
        **{name: getattr(fitted, name).isoformat() for name in days},
        "calibration": dataclasses.asdict(fitted.calibration),
        "versions": dict(fitted.versions),
        "groups": groups,
        "views": views,
        "arrays": {"sha256": _hash(body), "bytes": len(body)},
    }


def _manifest(folder: Path, expected: str | None) -> dict[str, Any]:
    try:
        outer = json.loads(_bytes(folder / MANIFEST))
        content, mark = outer["content"], outer["fingerprint"]
        found = content["format"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise StorageError(f"{folder / MANIFEST} is no manifest of a model", remedy=RESTORE) from error
    if found != FORMAT:
        raise StorageError(f"{folder} holds a model of format {found!r}, this version reads {FORMAT}", remedy=RETRAIN)
    if _hash(_canonical(content)) != mark:
        raise StorageError(f"{folder / MANIFEST} was changed after it was written", remedy=RESTORE)
    if expected is not None and mark != expected:
        raise StorageError(f"{folder} is not the model that was recorded (another fingerprint)", remedy=RESTORE)
    assert isinstance(content, dict)
    return content


def _arrays(folder: Path, content: Mapping[str, Any]) -> dict[str, np.ndarray]:
    path, body = folder / ARRAYS, _bytes(folder / ARRAYS)
    try:
        recorded, size = content["arrays"]["sha256"], content["arrays"]["bytes"]
    except (KeyError, TypeError) as error:
        raise StorageError(f"{folder / MANIFEST} does not say the hash of its arrays", remedy=RESTORE) from error
    if len(body) != size:
        raise StorageError(f"{path} has {len(body)} bytes, its manifest says {size}", remedy=RESTORE)
    if _hash(body) != recorded:
        raise StorageError(f"{path} was changed after it was written (another hash)", remedy=RESTORE)
    try:
        with np.load(io.BytesIO(body), allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (ValueError, OSError, EOFError, KeyError, MemoryError, zipfile.BadZipFile) as error:
        raise StorageError(f"{path} holds something else than plain arrays", remedy=RESTORE) from error


def _read(content: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Fitted:
    said = {name: tuple(value) if isinstance(value, list) else value for name, value in content["model"].items()}
    said.pop("units")
    model = Model(**said)  # type: ignore[arg-type]  # a wrong name is a TypeError, wrong columns were refused before
    calibration = Calibration(**{name: float(value) for name, value in content["calibration"].items()})
    return Fitted(
        model=model,
        instance=str(content["instance"]),
        as_of=date.fromisoformat(content["as_of"]),
        first_day=date.fromisoformat(content["first_day"]),
        last_day=date.fromisoformat(content["last_day"]),
        rows_seen=int(content["rows_seen"]),
        rows_excluded=int(content["rows_excluded"]),
        rows_trimmed=int(content["rows_trimmed"]),
        groups=parts.put_together(arrays, content["groups"], content["views"], features=len(model.features)),
        calibration=calibration,
        versions=MappingProxyType({str(k): str(v) for k, v in content["versions"].items()}),
    )


def _matches(folder: Path, trained: Mapping[str, Any], wanted: Model) -> None:
    """Of the declaration only what gives numbers their meaning must be equal; budget and training may have changed since."""
    features = tuple(trained["features"])
    if features != wanted.features:
        foreign = sorted(set(features) ^ set(wanted.features)) or ["their order"]
        raise StorageError(
            f"the model in {folder} was trained for other features: {', '.join(foreign)}", remedy=RETRAIN
        )
    if tuple(trained["units"]) != wanted.units:
        raise StorageError(f"the model in {folder} was trained in other units", remedy=RETRAIN)
    if (trained["table"], tuple(trained["key"]), trained["group_by"]) != (wanted.table, wanted.key, wanted.group_by):
        raise StorageError(f"the model in {folder} was trained for other rows or groups", remedy=RETRAIN)


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST:
            raise StorageError(f"{path} is larger than any model", remedy=RESTORE)
        return path.read_bytes()
    except FileNotFoundError as error:
        raise StorageError(f"there is no {path}", remedy=RESTORE) from error
    except OSError as error:
        raise StorageError(
            f"cannot read {path}: {error.strerror}", remedy="make the folder readable for nowguard"
        ) from error


def _canonical(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def _hash(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
