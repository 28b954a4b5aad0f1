"""The seeded organisation the emulator serves: people, places, days, attacks and their look-alikes."""

from __future__ import annotations

from pipelines.emulator.organisation.build import generate
from pipelines.emulator.organisation.geo import ip_lists, network_mmdb
from pipelines.emulator.organisation.population import Population
from pipelines.emulator.organisation.scenarios import SCENES
from pipelines.emulator.organisation.world import Change, Listing, NetBlock, World

__all__ = ["SCENES", "Change", "Listing", "NetBlock", "Population", "World", "generate", "ip_lists", "network_mmdb"]
