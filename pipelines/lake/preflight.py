"""Is the data directory fit to be written? Asked before the instance is asked anything."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from pipelines.errors import StorageError

LEAST_FREE = 256 << 20  # bytes; a night of a small instance with room to merge
REMOTE = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "9p"})
MOUNTS = Path("/proc/self/mounts")


def check_folder(folder: Path) -> None:
    """Create `folder`; refuse one that is read-only, nearly full, or on a file system whose locks are not to be trusted."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"{folder} cannot be created: {error.strerror}", remedy="set NOWGUARD_DATA_DIR to a writable folder"
        ) from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StorageError(
            f"{folder} cannot be written by this user", remedy="change its owner or mode, or set NOWGUARD_DATA_DIR"
        )
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE:
        raise StorageError(
            f"{folder} has {free:,} bytes free, at least {LEAST_FREE:,} bytes are needed",
            remedy="free space, or move NOWGUARD_DATA_DIR",
        )
    kind = file_system_of(folder)
    if kind in REMOTE:
        raise StorageError(f"{folder} is on {kind}: its locks do not protect a ledger", remedy="use a local disk")


def file_system_of(folder: Path) -> str:
    """Type of the mount that holds `folder`; empty where the system does not tell."""
    try:
        lines = MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    best, kind = "", ""
    for line in lines:
        _, mount, found, *_ = line.split(" ")
        inside = str(folder) == mount or str(folder).startswith(mount.rstrip("/") + "/")
        if inside and len(mount) >= len(best):
            best, kind = mount, found
    return kind
