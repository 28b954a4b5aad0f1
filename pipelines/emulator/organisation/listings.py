"""Lines of dated IP lists that concern nobody here: lists are long, and most of them never match."""

from __future__ import annotations

from ipaddress import IPv4Network

from pipelines.emulator.organisation.clock import DAY, moment
from pipelines.emulator.organisation.company import Company
from pipelines.emulator.organisation.world import Listing

LENGTHS = {"botnet": 400, "password_spray": 90, "scanner": 150}
UNUSED_HOSTS = (1, 2, 3, 4, 126)  # of a /25; the plan hands out 5 to 124


def background_listings(company: Company) -> list[Listing]:
    """Addresses of home and hosting networks that no row of the organisation carries."""
    rng = company.streams.of("listings")
    blocks = [
        IPv4Network(span.block.cidr)
        for (role, _), span in company.network.spans.items()
        if role in ("home", "hosting") and span.block.cidr.endswith("/25")
    ]
    lines = []
    for category, count in LENGTHS.items():
        for block, host, age, life in zip(
            rng.integers(0, len(blocks), count), rng.integers(0, len(UNUSED_HOSTS), count), rng.integers(0, 90, count),
            rng.integers(3, 60, count), strict=True,
        ):  # fmt: skip
            since = company.end - int(age) * DAY
            until = since + int(life) * DAY
            lines.append(
                Listing(
                    category,
                    str(blocks[block][UNUSED_HOSTS[host]]),
                    int(rng.integers(50, 100)),
                    moment(since),
                    moment(until) if until < company.end else "",
                )
            )
    return lines
