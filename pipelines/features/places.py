"""Where an activity was done from, and whether its address says where the person was.

`egress` is what the address stands for. A *firm* one is where the person is (a line at home, an office, a phone's carrier,
a rented server); a *loose* one is a way out that people far apart share (gateway, relay, cloud, anonymiser, aircraft):
such a place is never what somebody travels from.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

LOOSE = ("vpn", "relay", "cloud", "anonymous", "satellite")
FIRM = ("corporate", "hosting", "mobile", "line")

#: Words in the name of a network whose location is a ground station: operators of aircraft and ship networks.
_SATELLITE = (
    r"in-?flight|satellite|satcom|starlink|viasat|inmarsat|iridium|gogo|panasonic avionics|sita ?onair|speedcast"
)
#: Words in the name of a mobile carrier. Its location is the carrier's exit, also for a guest in another country.
_MOBILE = r"\b(mobile|mobil|cellular|wireless|lte|gsm|vodafone)\b"

#: Lists that make a way out loose, unless the address is the organisation's own.
_LOOSE_LISTS = ("vpn", "privacy_relay", "tor", "anonymous_proxy", "cloud_provider")

PLACE_COLUMNS = (
    "user_uid", "user_name", "activity_uid", "time", "src_ip", "country", "city", "latitude", "longitude", "asn", "as_org",
    "device_key", "agent_kind", "egress",
)  # fmt: skip


def has(activity: ir.Table, category: str) -> ir.BooleanValue:
    """The address was on that list at the time."""
    return activity.ip_categories.contains(category).fill_null(False)


def egress(activity: ir.Table) -> ir.StringValue:
    """What the address stands for; `corporate` beats all."""
    org = activity.as_org.fill_null("").lower()
    return ibis.cases(
        (has(activity, "corporate"), "corporate"),
        (has(activity, "vpn"), "vpn"),
        (has(activity, "privacy_relay"), "relay"),
        (has(activity, "tor") | has(activity, "anonymous_proxy"), "anonymous"),
        (has(activity, "cloud_provider"), "cloud"),
        (org.re_search(_SATELLITE), "satellite"),
        (has(activity, "hosting"), "hosting"),
        (org.re_search(_MOBILE), "mobile"),
        else_="line",
    )


def at_firm_place(activity: ir.Table) -> ir.BooleanValue:
    """`egress` is a firm one, as one condition: DuckDB works out a CASE again for each value that it is compared with."""
    loose = [has(activity, name) for name in _LOOSE_LISTS]
    in_the_air = activity.as_org.fill_null("").lower().re_search(_SATELLITE)
    return has(activity, "corporate") | ~ibis.or_(*loose, in_the_air)


def at_office_or_line(activity: ir.Table) -> ir.BooleanValue:
    """`egress` is `corporate` or `line`, as one condition."""
    elsewhere = has(activity, "hosting") | activity.as_org.fill_null("").lower().re_search(_MOBILE)
    return at_firm_place(activity) & (has(activity, "corporate") | ~elsewhere)


def succeeded(activity: ir.Table) -> ir.BooleanValue:
    """Done by a known account, and not refused. Platform actors are nobody's trait."""
    done = (activity.status.fill_null("unknown") != "failure") & (activity.activity_name != "login_failed")
    return activity.actor_user_uid.notnull() & ~activity.is_system & done


def with_address(activity: ir.Table) -> ir.Table:
    """Successful activities of accounts from an address of their own: what location and list policies judge.

    Left out, as at Microsoft, are failures and logins without a person; and a logout (a session that times out is nobody's
    act) and an address inferred from the last login. What an API token does is in: it is how a stolen token is used.
    """
    is_machine_login = (activity.activity_name == "login") & ~activity.is_interactive.fill_null(True)
    return activity.filter(
        succeeded(activity),
        activity.src_ip.notnull(),
        activity.activity_name != "logout",
        activity.ip_source.fill_null("event") != "last_login",
        ~is_machine_login,
    )


def by_a_person(activity: ir.Table) -> ir.BooleanValue:
    """By the account of a person. What a person's token does is evidence too: only integration accounts are machines."""
    return ~activity.is_integration.fill_null(False)


def located(activity: ir.Table) -> ir.Table:
    """Successful activities of people's accounts from a known city, in `PLACE_COLUMNS` and whether that `is_firm`.

    Left out: an address that was only inferred from the last login, a logout (a session that times out is nobody's act),
    and a network without a city: its coordinates are the middle of a country.
    """
    here = activity.filter(
        succeeded(activity),
        by_a_person(activity),
        activity.activity_name != "logout",
        activity.ip_source.fill_null("event") != "last_login",
        activity.src_ip.notnull(),
        activity.country.notnull(),
        activity.city.notnull(),
        activity.latitude.notnull(),
        activity.longitude.notnull(),
    )
    named = here.mutate(user_uid=here.actor_user_uid, user_name=here.actor_user_name, egress=egress(here))
    return named.select(*PLACE_COLUMNS, is_firm=at_firm_place(here))
