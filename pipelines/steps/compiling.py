"""Compile every feature and policy into the folder where runs look for them: `python -m pipelines.steps.compiling`.

A run does this when it needs to; a first one need not wait where another process did it beside the extraction.
"""

from __future__ import annotations

import os
import sys

from pipelines import features, policies
from pipelines.features.compiled import DAY, INSTANCE, keep_in
from pipelines.settings import Settings, load


def compile_all(settings: Settings) -> int:
    """How many expressions are in the folder now; what a user's file has wrong is reported by the run."""
    keep_in(settings.compiled_dir)
    made = len(list(features.selects(INSTANCE, DAY)))
    chosen = policies.load(settings.policies_dir).policies
    for policy in chosen.values():
        policies.prepare(policy, sensitivity=settings.sensitivity)
    return made + len(chosen)


if __name__ == "__main__":
    os.nice(10)  # the run that it helps goes first
    sys.stdout.write(f"{compile_all(load().settings)} expressions compiled\n")
