"""Somebody acts from an address that is known for attacks: part of a botnet, a source of spraying, a scanner.

Known by a list, also by one that names the address hours later (the look-back of the lists), or by what it did here: the
fact `form` is then *sprayed here*. Such an address failed on many accounts that never got in from there, and afterwards
is used by somebody who has not come from it before; what that account does from there counts from the first failure on.
All successful activities count, logins or not; failed logins and logins without a person do not, as at Microsoft.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import ibis
import ibis.expr.types as ir

from pipelines.features.places import has, with_address
from pipelines.policies.cases import HOSTILE, activity, failure, fires, held, known, login, quiet, regular
from pipelines.policies.core import Evidence, Kind, Param, Params, Policy, Row, Tables
from pipelines.policies.listed import FACTS, PARAMS, SUPPRESSIONS, SUSPICIOUS, explained, from_listed, gathered

SPRAYED = "sprayed here"


def detect(tables: Tables, params: Params) -> ir.Table:
    """Episodes of activity from listed addresses, and from addresses that sprayed this organisation."""
    activity, seen = tables["core__activity"], tables["state__seen"]
    listed = from_listed(activity, SUSPICIOUS)
    sprayed = _after_spraying(activity, params).anti_join(listed, "activity_uid")
    rows = explained(listed.union(sprayed.select(*listed.columns)), seen, params)
    rows = rows.filter((rows.listed_as != SPRAYED) | (rows.ip_days == 0))
    found = gathered(rows, params)
    return found.mutate(form=ibis.ifelse(found.listed_as == SPRAYED, SPRAYED, "listed"))


def _after_spraying(activity: ir.Table, params: Params) -> ir.Table:
    """What counts from an address since its first failure, where it failed on many accounts that never got in from there."""
    tries = activity.filter(activity.activity_name.isin(["login", "login_failed"]), activity.src_ip.notnull())
    is_failure = (tries.activity_name == "login_failed") | (tries.status.fill_null("unknown") == "failure")
    tries = tries.mutate(
        account=ibis.coalesce(tries.actor_user_uid, "name:" + tries.actor_user_name.lower()), is_failure=is_failure
    )
    accounts = tries.group_by("src_ip", "account").agg(
        failed=tries.is_failure.any(), got_in=(~tries.is_failure).any(), since=tries.time.min(where=tries.is_failure)
    )
    sources = (
        accounts.filter(accounts.failed)
        .group_by("src_ip")
        .agg(strangers=(~ibis._.got_in).cast("int64").sum(), accounts=ibis._.count(), since=ibis._.since.min())
    )
    sources = sources.filter(sources.strangers >= params.spray_accounts, sources.strangers * 2 >= sources.accounts)
    rows = with_address(activity)
    rows = rows.filter(~has(rows, "corporate"))
    joined = rows.inner_join(sources.select("src_ip", "since"), "src_ip")
    tried = joined.filter(joined.time >= joined.since).select(*rows.columns)
    return tried.mutate(
        ip_confidence=ibis.null("int64"), listed_as=ibis.literal(SPRAYED)
    )  # seen here, whatever lists say


LISTED: dict[str, Any] = {
    "src_ip": "198.51.100.7", "asn": 64910, "as_org": "Utrecht Cable", "device_key": "chrome/windows/pc", "ip_categories": ["botnet"],
}  # fmt: skip
UNLISTED: dict[str, Any] = LISTED | {"ip_categories": ["hosting"]}


def _spray(count: int, **values: Any) -> tuple[Row, ...]:
    """One failure on each of `count` accounts from one address."""
    return tuple(failure(f"user{n:02}", "03:00", later=130 * n, **UNLISTED | values) for n in range(count))


POLICY = Policy(
    id="suspicious_ip_activity",
    kind=Kind.ANOMALY,
    severity="medium",
    attack=("T1078", "T1110.003"),
    title="{actor} acted from {trait_value}, an address known for attacks ({listed_as}, {network})",
    titles={SPRAYED: "{actor} acted from {trait_value}, which tried many accounts shortly before ({network})"},
    summary=__doc__,
    blind_to="Addresses that no list knows and that did not spray here within a day; lists that name an address later than "
    "the look-back; whoever comes through an address that colleagues use regularly.",
    triage=(
        "Ask the person, by a channel other than the account, whether they were there: homes are part of botnets, too.",
        "Compare device, hours and network with the person's own.",
        "Search for other accounts that were used from the same address.",
        "If nobody explains it, end all sessions, reset credentials and revoke tokens.",
    ),
    reads=("core__activity", "state__seen"),
    lookback=timedelta(days=1),
    needs=Evidence(
        tables=("sysevent",),
        helpful_tables=("syslog_transaction", "sys_user"),
        columns=("sysevent.parm2", "syslog_transaction.remote_ip"),
        data=("ip_lists", "asn"),
    ),
    params=(
        *PARAMS,
        Param("spray_accounts", 8, "Accounts on which an address failed that make it a source of spraying", "as multiple_failed_logins", "accounts"),
    ),
    suppressions=SUPPRESSIONS,
    facts=(*FACTS, "form"),
    detect=detect,
    cases=(
        *(fires(f"from an address of the list {name}", *regular("ann"), login("ann", "08:00", **LISTED | {"ip_categories": [name]}),
                having={"listed_as": name, "form": "listed"}) for name in SUSPICIOUS),
        fires("a stolen session", *regular("ann"), activity("ann", "08:00", "page_viewed", **LISTED), having={"login_count": 0}),
        fires("a token", activity("ann", "08:00", "api_request", is_interactive=False, **LISTED)),
        fires("in the victim's own city", *regular("ann"), known("ann", "asn", "64910"), login("ann", "08:00", **LISTED)),
        quiet("an address on no list", *regular("ann"), login("ann", "08:00", **UNLISTED)),
        quiet("a Tor exit", login("ann", "08:00", **LISTED | {"ip_categories": ["tor"]})),
        quiet("failures from a listed address", *(failure("ann", "08:00", nth=n, **LISTED) for n in range(5))),
        quiet("a login without a person", login("ann", "08:00", is_interactive=False, **LISTED)),
        fires("a list that is half sure", *regular("ann"), login("ann", "08:00", **LISTED | {"ip_confidence": 69}),
              having={"severity": "medium", "list_confidence": 69}),
        fires("a list that is barely sure, on the own device", *regular("ann"), login("ann", "08:00", **LISTED | {"ip_confidence": 30, "device_key": "firefox/linux/pc"}),
              having={"severity": "low"}),
        fires("a list that is sure", *regular("ann"), login("ann", "08:00", **LISTED | {"ip_confidence": 70}), having={"severity": "high"}),
        held("a list that is not sure", "unsure_list", *regular("ann"), login("ann", "08:00", **LISTED | {"ip_confidence": 29})),
        fires("a list that is not sure, at high sensitivity", *regular("ann"), login("ann", "08:00", **LISTED | {"ip_confidence": 29}), sensitivity="high"),
        fires("a sure address beside one that is not", *regular("ann"), login("ann", "08:00", **LISTED | {"ip_confidence": 29}),
              login("ann", "08:05", **LISTED | {"src_ip": "198.51.100.8", "ip_confidence": 90}), behaviors=1),
        held("an own gateway", "own_gateway", login("ann", "08:00", **LISTED | {"ip_categories": ["scanner", "vpn"]})),
        held("a shared address", "shared_address", known("bob", "ip", "198.51.100.7", days=2), known("cem", "ip", "198.51.100.7", days=2),
             login("ann", "08:00", **LISTED)),
        held("a home that is listed by mistake", "usual_way_out", *regular("ann"), known("ann", "ip", "198.51.100.7"),
             login("ann", "08:00", **LISTED | {"device_key": "firefox/linux/pc"})),
        fires("that home on a strange device", *regular("ann"), known("ann", "ip", "198.51.100.7"), login("ann", "08:00", **LISTED)),
        fires("success after spraying", *_spray(12), login("user11", "03:40", **UNLISTED), having={"form": SPRAYED, "actor_user_name": "user11"}),
        fires("success of an account that was not tried", *_spray(8), login("ann", "03:40", **UNLISTED), having={"form": SPRAYED}),
        fires("a source of spraying that an unsure list calls a proxy", *_spray(12),
              login("ann", "03:40", **UNLISTED | {"ip_categories": ["anonymous_proxy"], "ip_confidence": 5}), having={"form": SPRAYED}),
        fires("spraying yesterday", *(failure(f"user{n:02}", "-1 22:00", later=n, **UNLISTED) for n in range(9)), login("ann", "03:40", **UNLISTED)),
        quiet("seven accounts tried", *_spray(7), login("ann", "03:40", **UNLISTED)),
        quiet("success before the spraying", *_spray(12), login("ann", "02:40", **UNLISTED)),
        quiet("somebody who has come from there before", *_spray(12), known("ann", "ip", "198.51.100.7", days=1), login("ann", "03:40", **UNLISTED)),
        quiet("an office after an outage", *_spray(12, ip_categories=["corporate"]), login("ann", "03:40", **UNLISTED | {"ip_categories": ["corporate"]})),
        quiet("an office on no list after an outage", *_spray(12), *(login(f"user{n:02}", "05:00", nth=n, **UNLISTED) for n in range(12))),
        held("a new colleague in such an office", "shared_address", *_spray(12), known("bob", "ip", "198.51.100.7"), known("cem", "ip", "198.51.100.7"),
             login("ann", "03:40", **UNLISTED)),
        quiet("of nothing"),
        fires("hostile names", *(login(name, "08:00", nth=n, actor_user_uid="uid-x", **LISTED | {"src_ip": name, "as_org": name, "device_key": name})
              for n, name in enumerate(HOSTILE))),
    ),
)  # fmt: skip
