"""Attacks and look-alikes, one file per family; a family's `SCENES` are played in this order, so new families go last."""

from __future__ import annotations

from pipelines.emulator.organisation.scenarios import (
    addresses,
    bulk_work,
    copying,
    guessing,
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
)
