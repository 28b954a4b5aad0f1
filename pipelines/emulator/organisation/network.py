"""The address plan: who uses which block, what a location database says about it, which lists carry it.

Addresses come from 198.18.0.0/15 (RFC 2544, benchmarks) and 2001:db8::/32 (RFC 3849, documentation) only: valid on the
wire and in an MMDB, and nobody's. Autonomous system numbers are private-use ones (RFC 6996).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from pipelines.emulator.organisation.places import CENTRES, CITIES, OFFICES, City
from pipelines.emulator.organisation.population import Population
from pipelines.emulator.organisation.streams import Streams
from pipelines.emulator.organisation.world import NetBlock

V4_RANGE = IPv4Network("198.18.0.0/15")
V6_RANGE = IPv6Network("2001:db8::/32")
FIRST_ASN = 64512
MISPLACED_AT = "Casablanca"

HOME_POOLS = tuple(f"{brand} {nth}" for brand in ("Fibre", "Cable") for nth in range(1, 5))

Key = tuple[str, str]


def home_pools(city: City) -> tuple[str, ...]:
    """Where employees live, two providers with four address pools each; elsewhere one of each."""
    return HOME_POOLS if city.staff else ("Telecom 1", "Telecom 2")


@dataclass(frozen=True)
class Site:
    """One line of the plan: `usable` addresses of a block are handed out; `record` is what databases say, None a centre."""

    role: str
    key: str
    prefix: int
    usable: int
    home: City
    record: City | None
    org: str
    categories: tuple[str, ...] = ()


@dataclass(frozen=True)
class Span:
    """A block and its addresses in the pool: `first` .. `first + count - 1`."""

    block: NetBlock
    city: City
    first: int
    count: int


@dataclass(frozen=True)
class Network:
    """All blocks, and one pool of address texts that rows point into."""

    spans: Mapping[Key, Span]
    pool: tuple[str, ...]
    misplaced: tuple[str, ...]

    @property
    def blocks(self) -> tuple[NetBlock, ...]:
        return tuple(span.block for span in self.spans.values())

    @cached_property
    def indexes(self) -> Mapping[str, int]:
        return {address: index for index, address in enumerate(self.pool)}

    def span(self, role: str, key: str) -> Span:
        return self.spans[role, key]

    def address(self, role: str, key: str, nth: int) -> str:
        """The nth address handed out in that block, counting round."""
        span = self.spans[role, key]
        return self.pool[span.first + nth % span.count]


CLOUD = (
    City("Ashburn", "US", 39.04, -77.49, "America/New_York"),
    City("Dublin", "IE", 53.35, -6.26, "Europe/Dublin"),
    City("Singapore", "SG", 1.35, 103.82, "Asia/Singapore"),
)
HUBS = {
    "NL": "Amsterdam", "US": "Chicago", "FR": "Paris", "GB": "London", "IN": "Mumbai", "JP": "Tokyo", "BR": "Sao Paulo",
    "BE": "Brussels", "CH": "Zurich",
}  # fmt: skip
GATEWAYS = ("Rotterdam", "Boston", "Pune")
SECURE_EDGE = ("London", "Paris", "Amsterdam", "Zurich", "New York", "Milan")
HOSTING = ("Amsterdam", "Bucharest", "Berlin", "Chicago", "Singapore")
PROXIES = ("Stockholm", "Zurich", "Amsterdam", "Toronto", "Mexico City", "Singapore")
TOR = ("Berlin", "Bucharest", "Zurich", "Chicago")
RELAYS = ("Amsterdam", "Paris", "London", "Chicago")
_CITY = {city.name: city for city in CITIES}


def _company() -> Iterator[Site]:
    for city in OFFICES:
        yield Site("office", city.name, 26, 4, city, city, "Meridian Works", ("corporate",))
    for name in GATEWAYS:
        yield Site("gateway", name, 28, 3, _CITY[name], _CITY[name], "Meridian Works", ("vpn",))
    yield Site(
        "datacentre", "Rotterdam", 27, 12, _CITY["Rotterdam"], _CITY["Rotterdam"], "Meridian Works", ("corporate",)
    )
    # opened during the period and not yet on the list of company ranges
    yield Site("newoffice", "Gdansk", 27, 3, _CITY["Gdansk"], _CITY["Gdansk"], "Baltic Business Net")


def _homes(citiless: frozenset[Key], misplaced: frozenset[Key]) -> Iterator[Site]:
    for city in CITIES:
        for pool in home_pools(city):
            key = ("home", f"{city.name} {pool}")
            record = None if key in citiless else _CITY[MISPLACED_AT] if key in misplaced else city
            yield Site(*key, 25, 120, city, record, f"{city.name} {pool.split()[0]}")


def _public() -> Iterator[Site]:
    for city in CITIES:
        yield Site("guest", city.name, 26, 12, city, city, f"{city.name} Hospitality Net")
    for country in dict.fromkeys(city.country for city in CITIES):
        hub = _CITY[HUBS[country]] if country in HUBS else next(city for city in CITIES if city.country == country)
        yield Site("mobile", country, 25, 24, hub, hub, f"Mobile {country}")
    # a shared work place and a client's site: used by several colleagues, wrong in the databases or on the lists
    yield Site("cowork", "Lyon", 27, 2, _CITY["Lyon"], _CITY["Casablanca"], "Atelier Partage")
    yield Site(
        "client", "Denver", 27, 2, _CITY["Denver"], _CITY["Denver"], "Front Range Business Net", ("anonymous_proxy",)
    )
    yield Site("satellite", "Frankfurt", 26, 20, _CITY["London"], _CITY["Berlin"], "Skybeam In-Flight")


def _services() -> Iterator[Site]:
    for city in CLOUD:
        yield Site("cloud", city.name, 24, 40, city, city, "Nimbus Cloud", ("cloud_provider",))
    for name in SECURE_EDGE:
        yield Site("sase", name, 27, 10, _CITY[name], _CITY[name], "Zephyr Secure Edge")
    for name in HOSTING:
        yield Site("hosting", name, 25, 60, _CITY[name], _CITY[name], "Rackbarn Hosting", ("hosting",))
    for name in PROXIES:
        yield Site("proxy", name, 27, 20, _CITY[name], _CITY[name], "Veilway VPN", ("anonymous_proxy",))
    for name in TOR:
        yield Site("tor", name, 28, 12, _CITY[name], _CITY[name], "Rackbarn Hosting", ("tor",))
    for name in RELAYS:
        yield Site("relay", name, 27, 16, _CITY[name], _CITY[name], "Orchard Privacy Relay", ("privacy_relay",))


def _network_errors(population: Population, streams: Streams) -> tuple[frozenset[Key], frozenset[Key]]:
    """Which home networks have no city and which are recorded abroad."""
    keys = [("home", f"{city.name} {pool}") for city in OFFICES for pool in home_pools(city)]
    order = streams.of("network", "errors").permutation(len(keys))
    bare = max(1, round(population.citiless_share * len(keys)))
    wrong = max(1, round(population.misplaced_share * len(keys)))
    return frozenset(keys[at] for at in order[:bare]), frozenset(keys[at] for at in order[bare : bare + wrong])


def _block(site: Site, cidr: str, asn: int) -> NetBlock:
    if site.record is None:
        latitude, longitude = CENTRES[site.home.country]
        return NetBlock(cidr, site.home.country, None, latitude, longitude, asn, site.org, site.categories)
    at = site.record
    return NetBlock(cidr, at.country, at.name, at.latitude, at.longitude, asn, site.org, site.categories)


def _host(network: IPv4Network | IPv6Network, nth: int) -> str:
    """IPv6 homes get a /64 each, as providers delegate them."""
    if isinstance(network, IPv4Network):
        return str(IPv4Address(int(network.network_address) + 5 + nth))
    return str(IPv6Address(int(network.network_address) + ((nth + 1) << 64) + 0x1A2B_0000_0001 * (nth + 7)))


def build_network(population: Population, streams: Streams) -> Network:
    citiless, misplaced = _network_errors(population, streams)
    sites = [*_company(), *_homes(citiless, misplaced), *_public(), *_services()]
    spans: dict[Key, Span] = {}
    pool: list[str] = []
    asns: dict[str, int] = {}

    def add(site: Site, network: IPv4Network | IPv6Network) -> None:
        asn = asns.setdefault(site.org, FIRST_ASN + len(asns))
        spans[site.role, site.key] = Span(_block(site, str(network), asn), site.home, len(pool), site.usable)
        pool.extend(_host(network, nth) for nth in range(site.usable))

    cursor = int(V4_RANGE.network_address)
    for site in sites:
        size = 1 << (32 - site.prefix)
        cursor = (cursor + size - 1) // size * size
        network = IPv4Network((cursor, site.prefix))
        if not network.subnet_of(V4_RANGE):
            raise ValueError(f"The address plan no longer fits {V4_RANGE}; shorten it at {site.role} {site.key}.")
        add(site, network)
        cursor += size
    subnets = V6_RANGE.subnets(new_prefix=48)
    for city, subnet in zip(CITIES, subnets, strict=False):
        brand = "Fibre" if city.staff else "Telecom"
        add(Site("home6", city.name, 48, 400, city, city, f"{city.name} {brand}"), subnet)
    return Network(spans, tuple(pool), tuple(sorted(key for _, key in misplaced)))
