"""From where and by which programs the instance is reached: address ranges, API policies, OAuth clients (D40-D42)."""

from __future__ import annotations

from functools import partial

import ibis.expr.types as ir

from pipelines.posture.checks import Every, NoRows, SomeRows, Undecided
from pipelines.posture.controls._declare import other, unrated
from pipelines.posture.controls._tables import active, blank, day_of, number
from pipelines.posture.core import Category
from pipelines.posture.relations import Relations

_integration = partial(other, Category.INTEGRATIONS)
_OURS = unrated("nowguard, no vendor definition is known")
_RANGES = {"ip_access": ("sys_id", "active", "type", "range_start", "range_end")}
_OCTET = r"(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = rf"^{_OCTET}\.{_OCTET}\.{_OCTET}\.{_OCTET}$"
_WIDEST = 65_536  # addresses: a /16, which is more than most tenants own
_ACCESS_SECONDS, _REFRESH_SECONDS = 86_400, 8_640_000  # a day; a hundred days, as new clients ship
_UNUSED_DAYS = 90


def _allowed(t: Relations) -> ir.Table:
    """Active ranges that let in; a range without an end is one address."""
    r = t["ip_access"]
    start = r.range_start.fill_null("").strip()
    said = r.range_end.fill_null("").strip()
    end = (said == "").ifelse(start, said)
    open_ = r.filter(active(r.active), r.type.fill_null("").lower() != "deny")
    return open_.select("sys_id", start=start, end=end)


def _value(address: ir.StringValue) -> ir.IntegerValue:
    """The address as a number; null where it is no IPv4 address."""
    octets = [address.re_extract(_IPV4, position).try_cast("int64") for position in (1, 2, 3, 4)]
    return octets[0] * 2**24 + octets[1] * 2**16 + octets[2] * 2**8 + octets[3]


def _wide(t: Relations) -> ir.Table:
    r = _allowed(t)
    return r.filter(_value(r.end) - _value(r.start) >= _WIDEST).select(uid="sys_id")


def _unmeasured(t: Relations) -> ir.Table:
    r = _allowed(t)
    return r.filter(~(_value(r.end) >= _value(r.start)).fill_null(False)).select(uid="sys_id")


def _policies(t: Relations) -> ir.Table:
    p = t["sys_api_access_policy"]
    return p.filter(active(p.active)).select("sys_id", covered=p.rest_api.fill_null("").strip().lower())


def _apis_without_policy(t: Relations) -> ir.Table:
    api, covered = t["sys_ws_definition"], _policies(t)
    living = api.filter(active(api.active))
    by_name = living.anti_join(covered, living.name.lower() == covered.covered)
    again = covered.view()
    return by_name.anti_join(again, by_name.service_id.lower() == again.covered).select(uid="sys_id")


def _clients(t: Relations) -> ir.Table:
    c = t["oauth_entity"]
    return c.filter(active(c.active), c.type == "client")


def _long_lived(t: Relations) -> ir.Table:
    c = _clients(t)
    access, refresh = number(c.access_token_lifespan), number(c.refresh_token_lifespan)
    bounded = access.between(1, _ACCESS_SECONDS) & refresh.between(1, _REFRESH_SECONDS)
    return c.filter(~bounded.fill_null(False)).select(uid="sys_id")


def _unused(t: Relations) -> ir.Table:
    token, limit = t["oauth_credential"], t.days_ago(_UNUSED_DAYS)
    fresh = token.filter((day_of(token.sys_updated_on) > limit) | (day_of(token.sys_created_on) > limit))
    c = _clients(t)
    old = c.filter(day_of(c.sys_created_on) <= limit)
    return old.anti_join(fresh, old.sys_id == fresh.peer).select(uid="sys_id")


def _sharing(t: Relations) -> ir.Table:
    c = _clients(t)
    named = c.filter(~blank(c.user))
    shared = named.group_by("user").agg(clients=named.sys_id.nunique()).filter(lambda g: g.clients > 1)
    return named.semi_join(shared.select(owner="user"), named.user == shared.user).select(uid="sys_id")


def _stale_tokens(t: Relations) -> ir.Table:
    """Tokens without an end, and tokens that are valid and were not touched for long."""
    token = t["oauth_credential"]
    ends, changed = day_of(token.expires), day_of(token.sys_updated_on)
    is_stale = (ends >= t.days_ago(0)) & (changed <= t.days_ago(_UNUSED_DAYS))
    return token.filter((ends == "") | is_stale).select(uid="sys_id")


_CLIENT = ("sys_id", "type", "active")
_TOKEN = ("peer", "sys_created_on", "sys_updated_on")

CONTROLS = (
    _integration(
        "D40",
        "address_ranges_narrow",
        f"No allowed address range holds more than {_WIDEST:,} addresses",
        Every(
            (
                NoRows(
                    f"active ranges of more than {_WIDEST:,} addresses that are let in",
                    _wide,
                    _RANGES,
                    repair=("In ip_access.list replace each by the ranges that your networks own.",),
                ),
                Undecided(
                    "active ranges that cannot be measured",
                    _unmeasured,
                    _RANGES,
                    because="their first and last address are no range of IPv4",
                ),
            )
        ),
        unrated("ServiceNow Access Controls Auditor and Auditor suites"),
        why="A range of a provider lets in all of its customers.",
        impact="Whoever connects from elsewhere is refused.",
    ),
    _integration(
        "D41",
        "apis_have_access_policies",
        "The Table API and every scripted REST API have an access policy",
        Every(
            (
                SomeRows(
                    "active access policy of the Table API",
                    lambda t: (
                        (p := _policies(t)).filter(p.covered.isin(["table api", "now/table"])).select(uid=p.sys_id)
                    ),
                    {"sys_api_access_policy": ("sys_id", "active", "rest_api")},
                    repair=("Under System Web Services > API Access Policies add one for the Table API.",),
                    is_optional=True,
                ),
                NoRows(
                    "active scripted REST APIs without an active access policy",
                    _apis_without_policy,
                    {
                        "sys_ws_definition": ("sys_id", "name", "service_id", "active"),
                        "sys_api_access_policy": ("sys_id", "active", "rest_api"),
                    },
                    unless=("sys_api_access_policy",),
                    repair=("Add a policy for each API that says how its callers log in.",),
                ),
            )
        ),
        unrated("ServiceNow Security Center metrics"),
        why="Without one every way to log in is open to every caller, passwords included.",
        impact="Callers that log in another way are refused.",
    ),
    _integration(
        "D42",
        "oauth_clients_bounded",
        "OAuth clients and tokens are bounded, in use and owned",
        Every(
            (
                NoRows(
                    "clients whose tokens live too long or for ever",
                    _long_lived,
                    {"oauth_entity": (*_CLIENT, "access_token_lifespan", "refresh_token_lifespan")},
                    repair=(
                        f"Let access tokens live {_ACCESS_SECONDS:,} s at most, refresh tokens {_REFRESH_SECONDS:,} s.",
                    ),
                ),
                NoRows(
                    "clients with a wildcard in their redirect address",
                    lambda t: (c := _clients(t)).filter(c.redirect_url.contains("*")).select(uid=c.sys_id),
                    {"oauth_entity": (*_CLIENT, "redirect_url")},
                    repair=("Name each redirect address in full.",),
                ),
                NoRows(
                    f"clients without a token for {_UNUSED_DAYS} days",
                    _unused,
                    {"oauth_entity": (*_CLIENT, "sys_created_on"), "oauth_credential": _TOKEN},
                    unless=("oauth_credential",),
                    repair=("Make clients inactive that nobody uses.",),
                ),
                NoRows(
                    "clients that share an account",
                    _sharing,
                    {"oauth_entity": (*_CLIENT, "user")},
                    repair=("Give each client an account of its own.",),
                ),
                NoRows(
                    f"tokens without an end, or valid and untouched for {_UNUSED_DAYS} days",
                    _stale_tokens,
                    {"oauth_credential": ("sys_id", "expires", "sys_updated_on")},
                    repair=("Under System OAuth > Manage Tokens revoke them.",),
                ),
            )
        ),
        _OURS,
        why="A token that was copied once is a way in for as long as it lives, past any change of password.",
        impact="Integrations ask for new tokens more often.",
    ),
)
