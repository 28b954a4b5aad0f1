"""One person acts from two places, and nobody travels that fast between them.

All successful activities by people with an address count, not only logins: a stolen session never logs in. Consecutive
places of one person are compared by city: faster than an airliner, far apart even after the error of both locations, in
different countries that do not touch. Gateways, relays, clouds, anonymisers and aircraft say nothing of where a person
is; such an end never raises an alert and never stands between two places that do.

What remains is held against the innocent explanations below. The alert names the end that is strange for the person.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import ibis
import ibis.expr.types as ir

from pipelines.features.core import seconds
from pipelines.features.geography import are_neighbours
from pipelines.features.places import LOOSE
from pipelines.policies.cases import (
    HOSTILE,
    activity,
    failure,
    fires,
    held,
    known,
    last_place,
    login,
    quiet,
    regular,
    tenure,
)
from pipelines.policies.core import Evidence, Kind, Param, Params, Policy, Suppression, Tables
from pipelines.policies.episodes import excuse_of, number_episodes
from pipelines.policies.habits import Question, exits, with_habits, with_learning, with_neighbourhood

MICROSOFT = "Defender for Cloud Apps, impossible travel"
ENDS = ("from", "to")


def detect(tables: Tables, params: Params) -> ir.Table:
    """Legs that cannot have been travelled, with what is known of both ends, gathered into episodes."""
    legs = _impossible(tables["feat__travel_leg"], params)
    seen = tables["state__seen"]
    legs = _with_habits(legs, seen, params)
    legs = with_learning(
        legs, seen, tables["state__user_tenure"], "to_time", days=params.learning_days, logins=params.learning_logins
    )
    return _gathered(_explained(legs), params)


def _impossible(legs: ir.Table, params: Params) -> ir.Table:
    """Too far and too fast, after the error of the locations; simultaneous ends count as a second apart."""
    far = legs.mutate(km=ibis.greatest(legs.distance_km - params.error_km, 0.0), took=ibis.greatest(legs.seconds, 1))
    return far.filter(
        far.km >= params.min_km,
        far.km * 3600.0 >= params.min_kmh * far.took,
        far.from_country != far.to_country,
        ~are_neighbours(far.from_country, far.to_country),
    )


def _with_habits(legs: ir.Table, seen: ir.Table, params: Params) -> ir.Table:
    """For each end: on how many days the person used its network, country, city, address and device before, how many
    colleagues use its address and city, and what the organisation knows of its network."""
    legs = legs.mutate(
        leg=legs.from_activity_uid + "|" + legs.to_activity_uid,
        **{f"{end}_place": legs[f"{end}_country"] + "/" + legs[f"{end}_city"] for end in ENDS},
    )
    columns = {"asn": "asn", "country": "country", "city": "place", "device": "device_key", "ip": "ip"}
    questions: dict[str, Question] = {}
    for end in ENDS:
        for kind, column in columns.items():
            questions[f"{end}_{kind}_days"] = Question(kind, legs[f"{end}_{column}"], legs.user_uid)
        for kind in ("city", "ip"):
            questions[f"{end}_{kind}_users"] = Question(kind, legs[f"{end}_{columns[kind]}"], "*", "user_count")
        questions[f"{end}_ip_all_days"] = Question("ip", legs[f"{end}_ip"], "*")
    legs = with_habits(legs, "leg", seen, **questions)
    for end, other in (("from", "to"), ("to", "from")):
        legs = with_neighbourhood(legs, seen, f"{end}_asn", f"{other}_country", f"{end}_net")
        networks = exits(seen).select(**{"_asn": ibis._.asn, f"{end}_exits": ibis._.countries})
        joined = legs.mutate(_asn=legs[f"{end}_asn"].cast("string")).left_join(networks, "_asn")
        legs = joined.select(*legs.columns, **{f"{end}_exits": joined[f"{end}_exits"].fill_null(0)})
    return legs.mutate(**{name: value for end in ENDS for name, value in _habits_of(legs, end, params).items()})


def _habits_of(legs: ir.Table, end: str, params: Params) -> dict[str, ir.BooleanValue]:
    other = "to" if end == "from" else "from"
    days = {kind: legs[f"{end}_{kind}_days"] for kind in ("asn", "country", "city", "device", "ip")}
    others = {kind: legs[f"{end}_{kind}_users"] - (days[kind] > 0).cast("int64") for kind in ("city", "ip")}
    own_device, usual = days["device"] >= params.usual_days, params.usual_days
    own = (days["asn"] > 0).cast("int64")
    peers = legs[f"{end}_net_users"] - own
    there = legs[f"{end}_net_there"] - own * (legs[f"{other}_country_days"] > 0).cast("int64")
    before = ibis.greatest(days["asn"], days["ip"])
    is_line = ~legs[f"{end}_egress"].isin(["corporate", "hosting"])
    return {
        f"{end}_is_usual": (before >= usual) | ((before > 0) & own_device),
        f"{end}_is_own_device": own_device,
        f"{end}_is_known": (before > 0) | own_device,
        f"{end}_is_shared": (others["ip"] >= params.shared_users) & (legs[f"{end}_ip_all_days"] >= usual),
        f"{end}_is_misplaced": is_line & (peers >= params.shared_users) & (there * 2 > peers),
        f"{end}_is_edge": is_line & (legs[f"{end}_exits"] >= params.edge_countries),
        f"{end}_is_carrier": (legs[f"{end}_egress"] == "mobile") & ((days["country"] >= usual) | (days["asn"] > 0)),
        f"{end}_is_colleagues": others["city"] >= params.colleagues,
    }


def _explained(legs: ir.Table) -> ir.Table:
    """Each innocent explanation as a column. What is shared, usual or the organisation's is asked of the end that is
    strange for the person only: the other one, an office or the line at home, always is."""
    legs = legs.mutate(strange_is_to=_familiarity(legs, "to") <= _familiarity(legs, "from"))

    def strange(column: str) -> ir.Value:
        return ibis.ifelse(legs.strange_is_to, legs[f"to_{column}"], legs[f"from_{column}"])

    def one_and_the_other(one: str, other: str) -> ir.BooleanValue:
        return (legs[f"from_{one}"] & legs[f"to_{other}"]) | (legs[f"to_{one}"] & legs[f"from_{other}"])

    return legs.mutate(
        loose_egress=legs.from_egress.isin(LOOSE) | legs.to_egress.isin(LOOSE),
        shared_address=strange("is_shared"),
        misplaced_network=legs.from_is_misplaced | legs.to_is_misplaced,
        network_with_many_exits=one_and_the_other("is_edge", "is_known"),
        corporate_address=strange("egress") == "corporate",
        usual_network=strange("is_usual"),
        roaming_phone=one_and_the_other("is_carrier", "is_own_device"),
        own_device_on_rented_server=(strange("egress") == "hosting") & strange("is_own_device"),
        colleagues_place=strange("is_colleagues"),
        strange_country=strange("country"),
        strange_network=strange("as_org"),
        same_network=(legs.from_asn == legs.to_asn).fill_null(False),
        same_device=(legs.from_device_key == legs.to_device_key).fill_null(False),
    )


def _familiarity(legs: ir.Table, end: str) -> ir.IntegerValue:
    """Days on which the person was in that city, on that network and at that address before: the less, the stranger."""
    return legs[f"{end}_city_days"] + legs[f"{end}_asn_days"] + legs[f"{end}_ip_days"]


SUPPRESSIONS = (
    Suppression("still_learning", "system", "The person has been known for less than 7 days and 10 logins"),
    Suppression(
        "loose_egress",
        "system",
        "An end is a gateway, relay, cloud, anonymiser or aircraft: it says nothing of the person's place",
    ),
    Suppression(
        "shared_address",
        "system",
        "Several colleagues have used the strange address on several days: a gateway or co-working place, whatever its location is said to be",
    ),
    Suppression(
        "misplaced_network",
        "system",
        "Most colleagues on the network of an end have been in the country of the other end: the address is wrongly located",
    ),
    Suppression(
        "network_with_many_exits",
        "system",
        "An end is on a network through which colleagues appear in several countries, as security services have; the other end is the person's",
    ),
    Suppression("corporate_address", "user", "The strange address is the organisation's own"),
    Suppression(
        "usual_network",
        "user",
        "The strange network or address is one that the person is used to, or has used before and on a device of theirs",
    ),
    Suppression(
        "roaming_phone",
        "user",
        "An end is a mobile carrier of a country where the person is usual, which keeps its exit there for a phone abroad; the other end is a device of the person",
    ),
    Suppression(
        "own_device_on_rented_server", "user", "The person's own device behind a rented server: a private tunnel"
    ),
    Suppression("colleagues_place", "organisation", "Colleagues work in the city that is strange for the person"),
)


def _gathered(legs: ir.Table, params: Params) -> ir.Table:
    """One row per person, episode and explanation, so that an alert is not held because another leg has an excuse."""
    marked = legs.mutate(
        thread=legs.user_uid + "|" + excuse_of(legs, SUPPRESSIONS),
        seconds=seconds(legs.to_time),
        activity_uid=legs.to_activity_uid,
        rank=legs.km / legs.took,
    )
    rows = number_episodes(marked, by="thread", gap=params.quiet_seconds)
    rows = rows.mutate(
        nth=ibis.row_number().over(
            ibis.window(group_by=["thread", "episode"], order_by=[rows["rank"].desc(), rows.activity_uid])
        )
    )
    return _summed(rows)


def _summed(rows: ir.Table) -> ir.Table:
    """The episode; what is said of one leg is said of the fastest."""
    fastest = rows.nth == 0
    both = rows.select("thread", "episode", uid="from_activity_uid", ip="from_ip", country="from_country").union(
        rows.select("thread", "episode", uid="to_activity_uid", ip="to_ip", country="to_country"), distinct=True
    )
    ends = both.group_by("thread", "episode").agg(
        evidence=both.uid.collect(distinct=True).sort(),
        evidence_count=both.uid.nunique(),
        src_ips=both.ip.collect(distinct=True).sort(),
        countries=both.country.collect(distinct=True).sort(),
    )

    def of_fastest(column: str) -> ir.Value:
        return rows[column].max(where=fastest)

    found = rows.group_by("thread", "episode").agg(
        actor_user_uid=rows.user_uid.max(),
        actor_user_name=rows.user_name.max(),
        first_seen=rows.from_time.min(),
        last_seen=rows.to_time.max(),
        leg_count=rows.count(),
        **{name: of_fastest(name) for name in ("from_country", "from_city", "to_country", "to_city")},
        from_network=of_fastest("from_as_org"),
        to_network=of_fastest("to_as_org"),
        distance_km=rows.distance_km.max(where=fastest).round().cast("int64"),
        took_seconds=of_fastest("took"),
        speed_kmh=(rows["rank"].max(where=fastest) * 3600).round().cast("int64"),
        strange_country=of_fastest("strange_country"),
        strange_network=of_fastest("strange_network"),
        same_device=rows.same_device.any(where=fastest),
        same_network=rows.same_network.any(where=fastest),
        **{s.name: rows[s.name].fill_null(False).any(where=fastest) for s in SUPPRESSIONS},
    )
    joined = found.inner_join(ends, ["thread", "episode"])
    sure = ibis.cases((joined.same_network, 0.3), (joined.same_device, 0.6), else_=0.8)
    return joined.mutate(
        trait_kind=ibis.literal("country"), trait_value=joined.strange_country, confidence=sure,
        severity=ibis.ifelse(joined.same_device, "medium", "high"),
    )  # fmt: skip


HOME: dict[str, Any] = {"city": "Utrecht"}
FAR: dict[str, Any] = {
    "city": "Lagos",
    "src_ip": "198.51.100.77",
    "asn": 64900,
    "as_org": "Lagos Telecom",
    "device_key": "chrome/windows/pc",
}

POLICY = Policy(
    id="impossible_travel",
    kind=Kind.ANOMALY,
    severity="medium",
    attack=("T1078",),
    title="{actor} was in {from_city} ({from_country}) and {took_seconds:,} s later in {to_city} ({to_country}), {distance_km:,} km away",
    summary=__doc__,
    blind_to="Attackers in the same or a neighbouring country, behind a listed gateway, relay or cloud, or behind an address "
    "that colleagues share; activities without an address; API clients; networks whose city is unknown.",
    triage=(
        "Ask the person which of the two places is theirs, by a channel other than the account.",
        "Compare devices and networks of both ends: a new device at the strange end speaks for theft.",
        "Read what was done from the strange end: downloads, exports, role changes, new credentials.",
        "If nobody was there, end all sessions, reset credentials, revoke tokens.",
    ),
    reads=("core__activity", "feat__travel_leg", "state__seen", "state__user_tenure"),
    lookback=timedelta(days=1),
    needs=Evidence(
        tables=("sysevent",),
        helpful_tables=("syslog_transaction", "sys_user"),
        columns=("sysevent.parm2", "syslog_transaction.remote_ip"),
        data=("geo", "asn", "ip_lists"),
        learning_days=7,
    ),
    params=(
        Param("min_kmh", 900, "Speed from which a leg is impossible", "cruise of an airliner; Panther 900, Elastic 800", "km/h"),
        Param("min_km", 500, "Distance below which no leg counts, after the error", "Elastic, impossible travel sign-in", "km"),
        Param("error_km", 100, "What the two locations may be wrong by together", "free city databases: median 14 km, p90 551 km", "km"),
        Param("learning_days", 7, "A person known for less raises nothing", MICROSOFT, "days"),
        Param("learning_logins", 10, "Unless there were so many logins", "Entra ID Protection, new location", "logins"),
        Param("usual_days", 3, "Days of use that make a network, address or device usual", "ours", "days"),
        Param("shared_users", 2, "Colleagues in 30 days that make an address or a network a shared one", "ours; no attacker's line has two of them", "people"),
        Param("edge_countries", 3, "Countries in which colleagues appear through one network that make it one with many exits", "ours; a line or a carrier has one", "countries"),
        Param("colleagues", 5, "Colleagues in 30 days that make a city one of the organisation's", "Defender, widely used address", "people"),
        Param("quiet_seconds", 14_400, "Pause after which it is another episode", "ours", "s"),
    ),
    suppressions=SUPPRESSIONS,
    facts=(
        "from_city", "from_country", "from_network", "to_city", "to_country", "to_network", "distance_km", "took_seconds", "speed_kmh",
        "leg_count", "strange_country", "strange_network", "same_device", "same_network",
    ),
    detect=detect,
    cases=(
        fires("login from afar", *regular("ann"), login("ann", "08:00", **HOME), login("ann", "08:50", **FAR),
              having={"countries": ["NG", "NL"], "trait_value": "NG", "leg_count": 1, "severity": "high", "evidence_count": 2}),
        fires("a stolen session, without a login", *regular("ann"), login("ann", "08:00"),
              activity("ann", "08:35", "page_viewed", **FAR)),
        fires("while the person works: one alert", *regular("ann"), *(
              activity("ann", "09:00", "page_viewed", later=120 * n, **(FAR if n in (5, 9) else HOME)) for n in range(20)),
              having={"leg_count": 4, "trait_value": "NG"}),
        fires("across midnight", *regular("ann"), last_place("ann", "-1 23:30"), login("ann", "00:20", **FAR)),
        fires("just too fast", *regular("ann"), login("ann", "08:00:00"), login("ann", "13:31:18", **FAR)),
        quiet("just slow enough", *regular("ann"), login("ann", "08:00:00"), login("ann", "13:31:19", **FAR)),
        quiet("near", *regular("ann"), login("ann", "08:00"), login("ann", "08:05", **FAR | {"city": "Groningen"})),
        quiet("in a neighbouring country", *regular("ann"), login("ann", "08:00"), login("ann", "08:01", **FAR | {"city": "Antwerp"})),
        quiet("within one country", *regular("ann"), login("ann", "08:00", city="Boston"), login("ann", "08:30", city="Denver")),
        quiet("failed at the far end", *regular("ann"), login("ann", "08:00"), failure("ann", "08:10", **FAR)),
        fires("a person's token used from afar", *regular("ann"), login("ann", "08:00"),
              activity("ann", "08:10", "api_request", is_interactive=False, agent_kind="api", **FAR)),
        quiet("an integration", *regular("svc"), login("svc", "08:00", is_integration=True), login("svc", "08:10", is_integration=True, **FAR)),
        quiet("a network without a city", *regular("ann"), login("ann", "08:00"),
              login("ann", "08:10", **FAR | {"latitude": None, "longitude": None})),
        quiet("an address inferred from the last login", *regular("ann"), login("ann", "08:00"),
              activity("ann", "08:10", "file_downloaded", ip_source="last_login", **FAR)),
        quiet("by our own account", *regular("ann"), login("ann", "08:00", is_own=True), login("ann", "08:10", is_own=True, **FAR)),
        held("in the first days", "still_learning", tenure("ann", days=3, logins=4), login("ann", "08:00"), login("ann", "08:10", **FAR)),
        fires("in the first days of somebody who logs in often", tenure("ann", days=3, logins=12), login("ann", "08:00"), login("ann", "08:10", **FAR)),
        held("by a gateway", "loose_egress", *regular("ann"), login("ann", "08:00"), login("ann", "08:10", **FAR | {"ip_categories": ["vpn"]})),
        held("by an aircraft", "loose_egress", *regular("ann"), login("ann", "08:00"), login("ann", "10:00", **FAR | {"as_org": "Sky In-Flight"})),
        fires("behind a gateway in between", *regular("ann"), login("ann", "08:00"), login("ann", "08:10", **FAR | {"city": "Boston", "ip_categories": ["vpn"]}),
              login("ann", "08:20", **FAR), behaviors=1, having={"from_country": "NL", "to_country": "NG"}),
        held("by an address that colleagues share", "shared_address", *regular("ann"), known("*", "ip", "198.51.100.77", users=2),
             login("ann", "08:00"), login("ann", "08:10", **FAR), sensitivity="high"),
        fires("an address that one colleague uses", *regular("ann"), known("*", "ip", "198.51.100.77", users=1),
              login("ann", "08:00"), login("ann", "08:10", **FAR)),
        fires("an address that colleagues share since yesterday", *regular("ann"), known("*", "ip", "198.51.100.77", users=9, days=1),
              login("ann", "08:00"), login("ann", "08:10", **FAR)),
        fires("although colleagues share the office", *regular("ann"), known("*", "ip", "203.0.113.10", users=200),
              known("*", "city", "NL/Utrecht", users=200), login("ann", "08:00", ip_categories=["corporate"]), login("ann", "08:10", **FAR)),
        held("by a network whose addresses are wrongly located", "misplaced_network", *regular("ann"), *(
             row for name in ("bob", "cem") for row in (known(name, "asn", "64900"), known(name, "country", "NL"))),
             login("ann", "08:00"), login("ann", "08:10", **FAR), sensitivity="high"),
        fires("a network of colleagues who are elsewhere", *regular("ann"), known("dora", "country", "NL"), *(
              row for name in ("bob", "cem", "dora") for row in (known(name, "asn", "64900"), known(name, "country", "NG"))),
              login("ann", "08:00"), login("ann", "08:10", **FAR)),
        held("by a network with exits in many countries", "network_with_many_exits", *regular("ann"), *(
             known("*", "network", f"64900/{country}") for country in ("GB", "FR", "NG")), login("ann", "08:00"), login("ann", "08:10", **FAR)),
        fires("from afar while the person is behind such a network", *regular("ann"), *(known("*", "network", f"64800/{c}") for c in ("GB", "FR", "NL")),
              login("ann", "08:00", asn=64800, device_key="new"), login("ann", "08:10", **FAR)),
        held("by a network that the person is used to", "usual_network", *regular("ann"), known("ann", "asn", "64900"),
             login("ann", "08:00"), login("ann", "08:10", **FAR)),
        fires("by a network that the person is used to, at high sensitivity", *regular("ann"), known("ann", "asn", "64900"),
              login("ann", "08:00"), login("ann", "08:10", **FAR), sensitivity="high"),
        fires("from a network used twice before", *regular("ann"), known("ann", "asn", "64900", days=2),
              login("ann", "08:00"), login("ann", "08:10", **FAR)),
        held("by a phone that wakes up abroad", "roaming_phone", *regular("ann"),
             login("ann", "08:00", city="Lisbon", asn=64800, src_ip="198.51.100.9"),
             login("ann", "08:10", asn=64700, as_org="Mobile NL", device_key="safari/ios/phone", agent_kind="mobile")),
        fires("a strange device beside the own phone", *regular("ann"), known("ann", "asn", "64700"), known("ann", "device", "safari/ios/phone"),
              login("ann", "08:00", asn=64700, as_org="Mobile NL", device_key="safari/ios/phone", agent_kind="mobile"), login("ann", "08:10", **FAR)),
        held("by a private tunnel", "own_device_on_rented_server", *regular("ann"), login("ann", "08:00"),
             login("ann", "08:10", **FAR | {"device_key": "firefox/linux/pc", "ip_categories": ["hosting"]})),
        fires("a strange device on a rented server", *regular("ann"), login("ann", "08:00"), login("ann", "08:10", **FAR | {"ip_categories": ["hosting"]})),
        held("by the organisation's own networks", "corporate_address", *regular("ann"), login("ann", "08:00"),
             login("ann", "08:10", **FAR | {"ip_categories": ["corporate"]})),
        fires("from an office and from afar", *regular("ann"), login("ann", "08:00", ip_categories=["corporate"]), login("ann", "08:10", **FAR)),
        held("by a city of colleagues, at low sensitivity", "colleagues_place", *regular("ann"), known("*", "city", "JP/Osaka", users=5),
             login("ann", "08:00"), login("ann", "08:10", **FAR | {"city": "Osaka"}), sensitivity="low"),
        fires("a city of colleagues", *regular("ann"), known("*", "city", "JP/Osaka", users=5), login("ann", "08:00"),
              login("ann", "08:10", **FAR | {"city": "Osaka"})),
        quiet("of nothing"),
        fires("hostile names", *regular("x"), *(row for n, name in enumerate(HOSTILE) for row in (
              login(name, "08:00", nth=n, actor_user_uid="uid-x", device_key=name), login(name, "08:10", nth=n, actor_user_uid="uid-x", **FAR | {"as_org": name})))),
    ),
)  # fmt: skip
