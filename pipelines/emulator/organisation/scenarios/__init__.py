"""Attacks and look-alikes, one file per family; a family's `SCENES` are played in this order, so new families go last."""

from __future__ import annotations

from pipelines.emulator.organisation.stage import Scene

SCENES: tuple[Scene, ...] = ()
