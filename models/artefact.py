"""A fitted model <-> a folder: `arrays.npz` (no pickle) and `manifest.json` with hashes, versions, window, features and units."""

from __future__ import annotations

from pathlib import Path

from models.core import Fitted, Model


def save(fitted: Fitted, folder: Path) -> str:
    """Write both files into `folder` (made if missing; the caller moves it into place); the fingerprint, to be kept with the scores."""
    raise NotImplementedError


def load(folder: Path, *, model: Model | None = None, fingerprint: str | None = None) -> Fitted:
    """Read what `save` wrote, never unpickling. `StorageError` with the remedy where a file is missing, cut off, changed, of another
    format, differs from `fingerprint`, or was trained for other features than `model` (default: the declared model of its id)."""
    raise NotImplementedError
