"""The seeded organisation the emulator serves: people, places, days, attacks and their look-alikes."""

from __future__ import annotations

from pipelines.emulator.organisation.world import Change, NetBlock, World

__all__ = ["Change", "NetBlock", "World"]
