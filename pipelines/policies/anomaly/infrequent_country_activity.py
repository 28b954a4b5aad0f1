"""Somebody acts from a country where that person has not been within half a year.

Microsoft's pages name two meanings, new for the person and new for the organisation. The first one raises the alert, the
second one its severity: an attacker may well sit in a country where the organisation has an office. All successful
activities of people count, not only logins. Gateways, relays, clouds, anonymisers and aircraft are in no country.

Travel is the usual innocent reason, and it is what the policy literally sees: a trip on the person's own device is told
with low severity, and so is the first country of somebody who came through gateways so far, where colleagues are. What is no sign of a trip at all, or one of a whole group, is held against the explanations below.
"""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir

from pipelines.features.core import seconds
from pipelines.features.geography import are_neighbours
from pipelines.features.places import at_firm_place, by_a_person, egress, has, with_address
from pipelines.policies.cases import (
    HOSTILE,
    account,
    activity,
    failure,
    fires,
    held,
    known,
    login,
    quiet,
    regular,
    tenure,
)
from pipelines.policies.core import Evidence, Kind, Param, Params, Policy, Row, Suppression, Tables
from pipelines.policies.episodes import common_columns, excuse_of, number_episodes
from pipelines.policies.habits import (
    EVERYONE,
    Question,
    exits,
    with_habits,
    with_home,
    with_learning,
    with_neighbourhood,
    with_regulars,
)

MICROSOFT = "Defender for Cloud Apps, activity from infrequent country"


def detect(tables: Tables, params: Params) -> ir.Table:
    """Episodes of activity from countries that are new for the person, with what is known of the way there."""
    seen = tables["state__seen"]
    rows = _elsewhere(tables["core__activity"], seen)
    rows = with_learning(
        rows, seen, tables["state__user_tenure"], "time", days=params.learning_days, logins=params.learning_logins
    )
    rows = _at_office(_with_habits(rows, seen, params), tables["core__activity"])
    rows = _with_profile(rows, tables["core__user"])
    return _gathered(_explained(_with_group(rows, seen, params), params), params)


def _elsewhere(activity: ir.Table, seen: ir.Table) -> ir.Table:
    """What people did from a firm place in a country of which memory knows nothing."""
    done = with_address(activity)
    done = done.filter(by_a_person(done), done.country.notnull(), at_firm_place(done))
    done = done.select(
        "activity_uid", "activity_name", "time", "src_ip", "country", "city", "asn", "as_org", "device_key", "ip_categories",
        user_uid=done.actor_user_uid, user_name=done.actor_user_name,
    )  # fmt: skip
    been = seen.filter(seen.user_uid != EVERYONE, seen.kind == "country").select("user_uid", country=seen.value)
    rows = done.anti_join(been, ["user_uid", "country"])
    rows = rows.mutate(egress=egress(rows), place=ibis.coalesce(rows.country + "/" + rows.city, rows.country))
    return rows.drop("ip_categories", "city")


def _with_habits(rows: ir.Table, seen: ir.Table, params: Params) -> ir.Table:
    """What the person, colleagues and the organisation know of the network, the address, the device and the country."""
    rows = with_habits(
        rows, "activity_uid", seen,
        asn_days=Question("asn", rows.asn, rows.user_uid),
        ip_days=Question("ip", rows.src_ip, rows.user_uid),
        device_days=Question("device", rows.device_key, rows.user_uid),
        country_users=Question("country", rows.country, EVERYONE, "user_count"),
    )  # fmt: skip
    rows = with_home(rows, seen, "user_uid")
    rows = with_neighbourhood(rows, seen, "asn", "home", "net")
    rows = with_regulars(rows, seen, days=params.usual_days, into="regulars")
    networks = exits(seen).select(_asn=ibis._.asn, exits=ibis._.countries)
    joined = rows.mutate(_asn=rows.asn.cast("string")).left_join(networks, "_asn")
    return joined.select(*rows.columns, exits=joined.exits.fill_null(0))


def _at_office(rows: ir.Table, activity: ir.Table) -> ir.Table:
    """Whether the person also worked from an address of the organisation in that country that day."""
    here = with_address(activity)
    here = here.filter(has(here, "corporate"), here.country.notnull())
    offices = here.select(user_uid=here.actor_user_uid, country=here.country).distinct().mutate(at_office=True)
    joined = rows.left_join(offices, ["user_uid", "country"])
    return joined.select(*rows.columns, at_office=joined.at_office.fill_null(False))


def _with_profile(rows: ir.Table, users: ir.Table) -> ir.Table:
    """Whether the account's own profile places the person in that country, or in one that touches it."""
    profiles = users.filter(users.country.notnull()).select("user_uid", profile=users.country.upper())
    joined = rows.left_join(profiles, "user_uid")
    return joined.select(
        *rows.columns,
        in_profile=(joined.country == joined.profile).fill_null(False),
        near_profile=are_neighbours(joined.country, joined.profile).fill_null(False),
    )


def _with_group(rows: ir.Table, seen: ir.Table, params: Params) -> ir.Table:
    """How many other people came to the same place within two weeks on a device of their own, that day included."""
    own = rows.device_days >= params.usual_days
    today = rows.filter(own).select("user_uid", "place").distinct()
    cities = seen.filter(seen.user_uid != EVERYONE, seen.kind == "city")
    came = seconds(cities.event_date.cast("timestamp")) - params.group_days * 86_400
    before = cities.filter(seconds(cities.first_seen) >= came).select("user_uid", place=cities.value)
    before = before.semi_join(today, "place")
    everybody = today.union(before, distinct=True)
    counted = everybody.group_by("place").agg(came_along=everybody.user_uid.nunique())
    joined = rows.left_join(counted, "place")
    return joined.select(
        *rows.columns, is_own_device=own, came_along=joined.came_along.fill_null(0) - own.cast("int64")
    )


def _explained(rows: ir.Table, params: Params) -> ir.Table:
    usual = params.usual_days
    was_on_network = (rows.asn_days > 0).cast("int64")
    peers, there = rows.net_users - was_on_network, rows.net_there - was_on_network * rows.home.notnull().cast("int64")
    is_line = ~rows.egress.isin(["corporate", "hosting"])
    days = ibis.greatest(rows.asn_days, rows.ip_days)
    return rows.mutate(
        shared_address=rows.regulars - (rows.ip_days >= usual).cast("int64") >= params.shared_users,
        misplaced_network=is_line & (peers >= params.shared_users) & (there * 2 > peers),
        network_with_many_exits=is_line & (rows.exits >= params.edge_countries) & ((days > 0) | rows.is_own_device),
        corporate_address=(rows.egress == "corporate") | (rows.at_office & rows.is_own_device),
        usual_network=(days >= usual) | ((days > 0) & rows.is_own_device),
        own_device_on_rented_server=(rows.egress == "hosting") & rows.is_own_device,
        across_the_border=are_neighbours(rows.country, rows.home).fill_null(False) & rows.is_own_device,
        first_place=rows.home.isnull() & rows.is_own_device & (rows.country_users >= params.colleagues),
        profile_country=ibis.ifelse(
            rows.home.isnull(), rows.in_profile | rows.near_profile, rows.in_profile & rows.is_own_device
        ),
        group_trip=rows.is_own_device & (rows.came_along >= params.group_people),
        colleagues_country=rows.country_users >= params.colleagues,
        is_new_for_organisation=rows.country_users == 0,
        is_new_device=rows.device_days == 0,
    )


SUPPRESSIONS = (
    Suppression("still_learning", "system", "The person has been known for less than 7 days and 10 logins"),
    Suppression("shared_address", "system", "Several colleagues use the address regularly, whatever its location is said to be"),
    Suppression("misplaced_network", "system", "Most colleagues on the network have been in the person's usual country: the address is wrongly located"),
    Suppression("network_with_many_exits", "system", "A network through which colleagues appear in several countries, as security services have, and the person's or on the person's device"),
    Suppression("corporate_address", "user", "An address of the organisation, or a place in a country where the person was at one that day, on the person's device"),
    Suppression("usual_network", "user", "The network or address is one that the person is used to, or has used before and on this device"),
    Suppression("own_device_on_rented_server", "user", "The person's own device behind a rented server: a private tunnel"),
    Suppression("across_the_border", "user", "The person's own device in a country that touches the usual one"),
    Suppression("first_place", "user", "The person came through gateways only so far, and appears on the own device in a country of colleagues"),
    Suppression("profile_country", "user", "The account's profile names that country and the person is on the own device, or the person came through gateways only so far and it names that country or one that touches it"),
    Suppression("group_trip", "user", "The person's own device where several colleagues came to within two weeks: a conference, a new office"),
    Suppression("colleagues_country", "organisation", "Colleagues work in that country"),
)  # fmt: skip


def _gathered(rows: ir.Table, params: Params) -> ir.Table:
    """One row per person, country, episode and explanation, so that an alert is not held because something else has an excuse."""
    thread = rows.user_uid + "|" + rows.country + "|" + excuse_of(rows, SUPPRESSIONS)
    rows = rows.mutate(thread=thread, seconds=seconds(rows.time))
    rows = number_episodes(rows, by="thread", gap=params.quiet_seconds)
    found = rows.group_by("thread", "episode").agg(
        **common_columns(rows),
        trait_value=rows.country.max(),
        place=rows.place.min(),
        network=rows.as_org.min(),
        usual_country=rows.home.max(),
        login_count=(rows.activity_name == "login").cast("int64").sum(),
        is_new_device=rows.is_new_device.any(),
        is_own_device=rows.is_own_device.all(),
        is_new_for_organisation=rows.is_new_for_organisation.any(),
        **{s.name: rows[s.name].fill_null(False).any() for s in SUPPRESSIONS},
    )
    return found.mutate(
        trait_kind=ibis.literal("country"),
        severity=ibis.cases(
            (found.is_own_device | (found.usual_country.isnull() & found.colleagues_country), "low"),
            (found.is_new_device & found.is_new_for_organisation, "high"),
            else_="medium",
        ),
        confidence=ibis.cases(
            (found.is_own_device | (found.usual_country.isnull() & found.colleagues_country), 0.3),
            (found.is_new_device & found.is_new_for_organisation, 0.8),
            else_=0.6,
        ),
    )


FAR: dict[str, Any] = {
    "city": "Lagos", "src_ip": "198.51.100.77", "asn": 64900, "as_org": "Lagos Telecom", "device_key": "chrome/windows/pc",
}  # fmt: skip
OWN: dict[str, Any] = FAR | {"device_key": "firefox/linux/pc"}


def _came(count: int, *, days: int = 2) -> tuple[Row, ...]:
    return tuple(known(f"u{n}", "city", "NG/Lagos", days=days) for n in range(count))


POLICY = Policy(
    id="infrequent_country_activity",
    kind=Kind.ANOMALY,
    severity="medium",
    attack=("T1078",),
    title="{actor}, usually in {usual_country}, acted from {place} ({network})",
    summary=__doc__,
    blind_to="Attackers in a country where the person has been, behind a listed gateway, relay, cloud or anonymiser, behind "
    "an address that colleagues use, in or beside the country of the profile of somebody who came through gateways only, or on a copy of the person's device where a group of colleagues has just come; activities without an address.",
    triage=(
        "Does the calendar, or the person by a channel other than the account, explain the country?",
        "Look at the device: the person's own speaks for a trip, a new one for theft.",
        "Was the person active at home on the same day? Then compare both with impossible travel.",
        "If nobody was there, end all sessions, reset credentials and revoke tokens.",
    ),
    reads=("core__activity", "core__user", "state__seen", "state__user_tenure"),
    needs=Evidence(
        tables=("sysevent",),
        helpful_tables=("syslog_transaction", "sys_user"),
        columns=("sysevent.parm2", "syslog_transaction.remote_ip"),
        data=("geo", "asn", "ip_lists"),
        learning_days=7,
    ),
    params=(
        Param("learning_days", 7, "A person known for less raises nothing", MICROSOFT, "days"),
        Param("learning_logins", 10, "Unless there were so many logins", "Entra ID Protection, new location", "logins"),
        Param("usual_days", 3, "Days of use that make a network, address or device usual", "ours", "days"),
        Param("shared_users", 2, "Colleagues that make an address or a network a shared one", "ours; no attacker's line has two of them", "people"),
        Param("edge_countries", 3, "Countries in which colleagues appear through one network that make it one with many exits", "ours; a line or a carrier has one", "countries"),
        Param("colleagues", 5, "Colleagues in 30 days that make a country one of the organisation's", "Defender, widely used address", "people"),
        Param("group_people", 3, "Colleagues who came to the same place that make it a group's trip", "ours", "people"),
        Param("group_days", 14, "How far apart they may have come", "ours", "days"),
        Param("quiet_seconds", 43_200, "Pause after which it is another episode", "ours", "s"),
    ),
    suppressions=SUPPRESSIONS,
    facts=("place", "network", "usual_country", "login_count", "is_new_device", "is_own_device", "is_new_for_organisation"),
    detect=detect,
    cases=(
        fires("a country that nobody knows", *regular("ann"), login("ann", "08:00", **FAR),
              having={"trait_value": "NG", "usual_country": "NL", "severity": "high", "place": "NG/Lagos"}),
        fires("a country of colleagues", *regular("ann"), known("*", "country", "NG", users=50), login("ann", "08:00", **FAR),
              having={"severity": "medium"}),
        fires("a trip, with low severity", *regular("ann"), login("ann", "08:00", **OWN), having={"severity": "low"}),
        fires("a stolen session", *regular("ann"), activity("ann", "08:00", "page_viewed", **FAR)),
        fires("a person's token", *regular("ann"), activity("ann", "08:00", "api_request", is_interactive=False, **FAR)),
        fires("a network without a city", *regular("ann"), login("ann", "08:00", **FAR | {"city": "Lagos", "latitude": None, "longitude": None})),
        fires("a rented server", *regular("ann"), login("ann", "08:00", **FAR | {"ip_categories": ["hosting"]})),
        fires("one alert for a night", *regular("ann"), *(activity("ann", "01:00", "page_viewed", later=900 * n, **FAR) for n in range(20)),
              having={"evidence_count": 20}),
        fires("two countries", *regular("ann"), login("ann", "08:00", **FAR), login("ann", "09:00", **FAR | {"city": "Hanoi"}), alerts=2),
        fires("a first phone beside the gateway, with low severity", tenure("ann"), known("ann", "asn", "64800"), known("*", "country", "NG", users=50),
              login("ann", "08:00", **FAR), having={"severity": "low"}),
        held("a first phone in the profile's country", "profile_country", tenure("ann"), known("ann", "asn", "64800"), account("ann", country="ng"),
             login("ann", "08:00", **FAR)),
        held("back in the profile's country on the own device", "profile_country", *regular("ann"), account("ann", country="NG"), login("ann", "08:00", **OWN)),
        fires("a strange device in the profile's country of somebody seen at home elsewhere", *regular("ann"), account("ann", country="NG"), login("ann", "08:00", **FAR)),
        held("a first phone across the border of the profile's country", "profile_country", tenure("ann"), known("ann", "asn", "64800"), account("ann", country="NL"),
             login("ann", "08:00", **FAR | {"city": "Antwerp"})),
        fires("a strange device across that border of somebody seen elsewhere", *regular("ann"), account("ann", country="NL"), login("ann", "08:00", **FAR | {"city": "Antwerp"})),
        fires("a first phone outside the profile's country", tenure("ann"), known("ann", "asn", "64800"), account("ann", country="US"), login("ann", "08:00", **FAR)),
        fires("a profile in another form", tenure("ann"), known("ann", "asn", "64800"), account("ann", country="Nigeria"), login("ann", "08:00", **FAR)),
        fires("a first phone in the profile's country, at high sensitivity", tenure("ann"), known("ann", "asn", "64800"), account("ann", country="NG"),
              login("ann", "08:00", **FAR), sensitivity="high"),
        quiet("the usual country", *regular("ann"), login("ann", "08:00")),
        quiet("a country of last month", *regular("ann"), known("ann", "country", "NG", days=1, last=30), login("ann", "08:00", **FAR)),
        quiet("failures", *regular("ann"), failure("ann", "08:00", **FAR)),
        quiet("a login without a person", *regular("ann"), login("ann", "08:00", is_interactive=False, **FAR)),
        quiet("an integration", *regular("svc"), login("svc", "08:00", is_integration=True, **FAR)),
        *(quiet(f"through an address of the list {name}", *regular("ann"), login("ann", "08:00", **FAR | {"ip_categories": [name]}))
          for name in ("vpn", "privacy_relay", "cloud_provider", "anonymous_proxy")),
        quiet("from an aircraft", *regular("ann"), login("ann", "08:00", **FAR | {"as_org": "Sky In-Flight"})),
        held("in the first days", "still_learning", tenure("ann", days=3, logins=4), login("ann", "08:00", **FAR)),
        held("somebody who only sent mail so far", "still_learning", tenure("ann", logins=0), login("ann", "08:00", **FAR)),
        held("by an address that colleagues share", "shared_address", *regular("ann"), known("bob", "ip", "198.51.100.77"),
             known("cem", "ip", "198.51.100.77"), login("ann", "08:00", **FAR), sensitivity="high"),
        fires("an address of one colleague", *regular("ann"), known("bob", "ip", "198.51.100.77"), login("ann", "08:00", **FAR)),
        held("by a network that is wrongly located", "misplaced_network", *regular("ann"), *(
             row for name in ("bob", "cem") for row in (known(name, "asn", "64900"), known(name, "country", "NL"))),
             login("ann", "08:00", **FAR), sensitivity="high"),
        held("by a network with exits in many countries", "network_with_many_exits", *regular("ann"), *(
             known("*", "network", f"64900/{country}") for country in ("GB", "FR", "US")), login("ann", "08:00", **OWN)),
        fires("such a network and a strange device", *regular("ann"), *(
              known("*", "network", f"64900/{country}") for country in ("GB", "FR", "US")), login("ann", "08:00", **FAR)),
        held("in an office", "corporate_address", *regular("ann"), login("ann", "08:00", **FAR | {"ip_categories": ["corporate"]})),
        held("in an office and in the hotel", "corporate_address", *regular("ann"), login("ann", "08:00", **OWN | {"ip_categories": ["corporate"]}),
             login("ann", "19:00", **OWN)),
        fires("somebody else while the person is in the office there", *regular("ann"), login("ann", "08:00", **OWN | {"ip_categories": ["corporate"]}),
              login("ann", "19:00", **FAR), behaviors=1),
        held("by a network that the person is used to", "usual_network", *regular("ann"), known("ann", "asn", "64900"), login("ann", "08:00", **FAR)),
        fires("by a network that the person is used to, at high sensitivity", *regular("ann"), known("ann", "asn", "64900"),
              login("ann", "08:00", **FAR), sensitivity="high"),
        held("by a private tunnel", "own_device_on_rented_server", *regular("ann"), login("ann", "08:00", **OWN | {"ip_categories": ["hosting"]})),
        held("across the border", "across_the_border", *regular("ann"), login("ann", "08:00", **OWN | {"city": "Antwerp"})),
        fires("a strange device across the border", *regular("ann"), login("ann", "08:00", **FAR | {"city": "Antwerp"})),
        held("the first time without a gateway", "first_place", tenure("ann"), known("ann", "device", "firefox/linux/pc"), known("ann", "asn", "64800"),
             known("*", "country", "NG", users=50), login("ann", "08:00", **OWN)),
        held("a conference on its first day", "group_trip", *(row for name in ("ann", "bob", "cem", "dora") for row in (
             *regular(name), login(name, "08:00", **OWN))), behaviors=4),
        held("somebody who comes to the new office later", "group_trip", *regular("ann"), *_came(3), login("ann", "08:00", **OWN)),
        fires("where two colleagues came", *regular("ann"), *_came(2), login("ann", "08:00", **OWN)),
        fires("where colleagues live", *regular("ann"), *_came(9, days=40), login("ann", "08:00", **OWN)),
        fires("a strange device at the conference", *regular("ann"), *_came(9), login("ann", "08:00", **FAR)),
        held("a country of colleagues, at low sensitivity", "colleagues_country", *regular("ann"), known("*", "country", "NG", users=5),
             login("ann", "08:00", **FAR), sensitivity="low"),
        quiet("of nothing"),
        fires("hostile names", *regular("x"), *(login(name, "08:00", nth=n, actor_user_uid="uid-x", **FAR | {"as_org": name, "device_key": name, "src_ip": name})
              for n, name in enumerate(HOSTILE))),
    ),
)  # fmt: skip
