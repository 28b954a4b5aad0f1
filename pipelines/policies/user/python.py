"""`<id>.py`: a policy of the user's in the form of ours.

The file runs with the rights of this process, as the project's own do: the folder belongs to whoever may change the
installation.
"""

from __future__ import annotations

import importlib.util
import traceback
from dataclasses import replace
from pathlib import Path

from pipelines.policies.core import Policy
from pipelines.policies.user.problem import Problem

REMEDY = "see docs/howto/write-a-policy.md"


def policy_of(path: Path) -> Policy | Problem:
    """The policy that the file declares as `POLICY`, or what keeps it from being used."""
    spec = importlib.util.spec_from_file_location(f"nowguard_own_policies.{path.stem}", path)
    if spec is None or spec.loader is None:
        return Problem(path.stem, str(path), 1, "the file cannot be loaded", REMEDY)
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # noqa: BLE001  # whatever the user's file raises is about the user's file
        return Problem(path.stem, str(path), _line(error, path), f"{type(error).__name__}: {error}", REMEDY)
    policy = getattr(module, "POLICY", None)
    if not isinstance(policy, Policy):
        return Problem(path.stem, str(path), 1, "the file declares no POLICY", REMEDY)
    if policy.id != path.stem:
        return Problem(path.stem, str(path), 1, f"the file holds the policy {policy.id}", f"call it {policy.id}.py")
    return replace(policy, path=str(path))


def _line(error: Exception, path: Path) -> int:
    """Where in the file it went wrong: of a syntax error, else of the last frame in it."""
    if isinstance(error, SyntaxError) and error.lineno:
        return error.lineno
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)]
    return (frames[-1].lineno or 1) if frames else 1
