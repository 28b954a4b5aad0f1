"""The rules about taking data with lower limits: what recall costs by rules alone, beside what it costs by a model."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path

from pipelines.policies.core import Policy, Value
from pipelines.policies.registry import catalogue

#: Shares of the shipped limits. Which of them raises as many false alerts as rules and model together is found by measuring.
LEVELS = (0.5, 0.25)
LOOSENED = ("unusual_file_downloads", "large_list_export", "mass_download_by_single_user")
_KEPT = ("min_request_bytes", "min_run_days", "min_colleagues")  # what is counted at all, and who explains: no limits
_FACTORS = ("times_high", "times_mean", "times_raised")


def loosened(policy: Policy, level: float) -> dict[str, Value]:
    """Floors times `level`; of factors over what is usual the part above one."""
    return {
        param.name: _lower(param.name, param.default, level)
        for param in policy.params
        if isinstance(param.default, int | float)
        and param.name not in _KEPT
        and param.name.startswith(("min_", "max_", *_FACTORS))
    }


def _lower(name: str, limit: float, level: float) -> Value:
    if name in _FACTORS:
        return 1.0 + (limit - 1.0) * level
    return max(1, math.ceil(limit * level)) if isinstance(limit, int) else limit * level


def policies_dir(folder: Path, level: float) -> Path:
    """A folder for `NOWGUARD_POLICIES_DIR` that loosens the rules about taking data."""
    folder.mkdir(parents=True, exist_ok=True)
    text = "\n".join(_section(id_, loosened(catalogue()[id_], level)) for id_ in LOOSENED)
    (folder / "policies.toml").write_text(text, encoding="utf-8")
    return folder


def _section(policy_id: str, params: Mapping[str, Value]) -> str:
    lines = [f"{name} = {json.dumps(value)}" for name, value in params.items()]
    return "\n".join([f"[{policy_id}.params]", *lines, ""])
