"""Attacks and look-alikes, one file per family; a family's `SCENES` are played in this order, so new families go last."""

from __future__ import annotations

from pipelines.emulator.organisation.scenarios import (
    addresses,
    below_limits,
    bulk_work,
    copying,
    guessing,
    handling,
    insiders,
    journeys,
    leavers,
    ransom,
    stumbles,
    travel,
)
from pipelines.emulator.organisation.script import Scene

SCENES: tuple[Scene, ...] = (
    *travel.SCENES,
    *guessing.SCENES,
    *copying.SCENES,
    *addresses.SCENES,
    *leavers.SCENES,
    *ransom.SCENES,
    *insiders.SCENES,
    *stumbles.SCENES,
    *journeys.SCENES,
    *bulk_work.SCENES,
    *below_limits.SCENES,
    *handling.SCENES,
)


def scene_table() -> str:
    """The Markdown table of docs/explanation/population.md."""
    lines = [
        f"| `{scene.name}` | {scene.kind} | {scene.difficulty} | {', '.join(scene.policies) or '-'} "
        f"| {', '.join(scene.tempts) or '-'} | {scene.note} |"
        for scene in SCENES
    ]
    head = "| scene | kind | difficulty | may be reported by | tempts | what happens |"
    return "\n".join([head, "| --- | --- | --- | --- | --- | --- |", *lines])
