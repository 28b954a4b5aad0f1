"""The account of an integration is used from a network that it has never come from.

A machine runs where somebody set it up: a data centre, one cloud, a partner. Another region of the same provider is the
same network; another provider is a move that somebody ordered, or a secret in the wrong hands. All successful activities
count, requests and logins without a person above all. Failures are told by `multiple_failed_logins`.
"""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir

from pipelines.features.core import seconds
from pipelines.features.places import by_a_person, egress, has, succeeded
from pipelines.policies.cases import HOSTILE, activity, fires, held, known, quiet, tenure
from pipelines.policies.core import Evidence, Kind, Param, Params, Policy, Row, Suppression, Tables
from pipelines.policies.episodes import common_columns, number_episodes
from pipelines.policies.habits import Question, with_habits, with_learning


def detect(tables: Tables, params: Params) -> ir.Table:
    """Episodes of requests from networks that are new for the integration's account."""
    seen = tables["state__seen"]
    rows = _requests(tables["core__activity"])
    rows = with_habits(
        rows, "activity_uid", seen,
        asn_days=Question("asn", rows.asn, rows.user_uid),
        ip_days=Question("ip", rows.src_ip, rows.user_uid),
        country_days=Question("country", rows.country, rows.user_uid),
        device_days=Question("device", rows.device_key, rows.user_uid),
    )  # fmt: skip
    rows = rows.filter(rows.asn_days == 0, rows.ip_days == 0)
    rows = with_learning(rows, seen, tables["state__user_tenure"], "time", days=params.learning_days, logins=2**31)
    return _gathered(rows, params)


def _requests(activity: ir.Table) -> ir.Table:
    done = activity.filter(
        succeeded(activity),
        ~by_a_person(activity),
        activity.src_ip.notnull(),
        activity.asn.notnull(),
        activity.ip_source.fill_null("event") != "last_login",
    )
    return done.select(
        "activity_uid", "time", "src_ip", "country", "asn", "as_org", "device_key",
        user_uid=done.actor_user_uid, user_name=done.actor_user_name, egress=egress(done),
        own_address=has(done, "corporate") | has(done, "vpn"),
    )  # fmt: skip


def _gathered(rows: ir.Table, params: Params) -> ir.Table:
    """One row per account, network and episode."""
    rows = rows.mutate(
        thread=rows.user_uid + "|" + rows.asn.cast("string") + "|" + rows.own_address.cast("string"),
        seconds=seconds(rows.time),
    )
    rows = number_episodes(rows, by="thread", gap=params.quiet_seconds)
    found = rows.group_by("thread", "episode").agg(
        **common_columns(rows),
        trait_value=rows.asn.max().cast("string"),
        network=rows.as_org.max(),
        egress=rows.egress.min(),
        is_new_client=(rows.device_days == 0).any(),
        is_new_country=(rows.country_days == 0).any(),
        own_address=rows.own_address.any(),
        still_learning=rows.still_learning.any(),
    )
    hides = found.egress.isin(["anonymous", "hosting"])
    return found.mutate(
        trait_kind=ibis.literal("asn"),
        severity=ibis.ifelse(hides | found.is_new_client, "high", "medium"),
        confidence=ibis.cases((hides, 0.8), (found.is_new_client, 0.7), else_=0.4),
    )


def _request(when: str, **values: Any) -> Row:
    given: dict[str, Any] = {
        "is_integration": True, "is_interactive": False, "agent_kind": "api", "device_key": "java", "src_ip": "198.51.100.20",
        "asn": 64800, "as_org": "Own Cloud", "ip_categories": ["cloud_provider"],
    }  # fmt: skip
    return activity("svc", when, "api_request", **given | values)


AWAY: dict[str, Any] = {
    "city": "Hanoi", "src_ip": "198.51.100.77", "asn": 64900, "as_org": "Rented", "device_key": "python", "ip_categories": ["hosting"],
}  # fmt: skip
KNOWN = (tenure("svc"), known("svc", "asn", "64800"), known("svc", "device", "java"), known("svc", "country", "NL"))

POLICY = Policy(
    id="integration_account_new_network",
    kind=Kind.ANOMALY,
    severity="medium",
    attack=("T1078.004", "T1528"),
    title="{actor}, an integration, was used from a new network: {network} ({countries})",
    summary=__doc__,
    blind_to="Secrets used from the provider that the integration runs at; activities without an address; networks unknown "
    "to the ASN database; accounts that nobody marked as an integration.",
    triage=(
        "Ask the owner of the integration whether it was moved, and whether a developer tried its secret elsewhere.",
        "Compare client and requests with what the integration usually does.",
        "Is it still used from the usual network at the same time? Then somebody else holds the secret.",
        "If nobody moved it, rotate the secret, revoke its tokens and read what was fetched.",
    ),
    reads=("core__activity", "state__seen", "state__user_tenure"),
    needs=Evidence(
        any_of=(("syslog_transaction", "sysevent"),),
        helpful_tables=("sys_user",),
        columns=("syslog_transaction.remote_ip",),
        data=("asn",),
        learning_days=7,
    ),
    params=(
        Param("learning_days", 7, "An account known for less raises nothing", "Defender, learning period", "days"),
        Param("quiet_seconds", 43_200, "Pause after which it is another episode", "ours", "s"),
    ),
    suppressions=(
        Suppression("still_learning", "system", "The account has been known for less than 7 days"),
        Suppression("own_address", "system", "An address or a gateway of the organisation"),
    ),
    facts=("network", "egress", "is_new_client", "is_new_country"),
    detect=detect,
    cases=(
        fires("a rented server", *KNOWN, *(_request("13:00", nth=n, later=10 * n, **AWAY) for n in range(60)),
              having={"severity": "high", "evidence_count": 60, "network": "Rented", "is_new_country": True}),
        fires("another cloud", *KNOWN, _request("13:00", asn=64801, src_ip="198.51.100.30"), having={"severity": "medium"}),
        fires("a login", *KNOWN, activity("svc", "13:00", "login", is_integration=True, is_interactive=False, **AWAY)),
        fires("two new networks", *KNOWN, _request("13:00", **AWAY), _request("13:05", **AWAY | {"asn": 64901}), alerts=2),
        quiet("the usual network", *KNOWN, _request("13:00")),
        quiet("another region of the provider", *KNOWN, _request("13:00", city="Osaka", src_ip="198.51.100.99")),
        quiet("a usual address that changed hands", *KNOWN, known("svc", "ip", "198.51.100.77"), _request("13:00", **AWAY)),
        quiet("refused requests", *KNOWN, _request("13:00", status="failure", **AWAY)),
        quiet("a person", *KNOWN, _request("13:00", **AWAY | {"is_integration": False})),
        quiet("our own account", *KNOWN, _request("13:00", is_own=True, **AWAY)),
        held("a new integration", "still_learning", _request("13:00", **AWAY)),
        held("a move into the own data centre", "own_address", *KNOWN, _request("13:00", **AWAY | {"ip_categories": ["corporate"]})),
        quiet("of nothing"),
        fires("hostile names", *KNOWN, *(_request("13:00", nth=n, **AWAY | {"actor_user_name": name, "src_ip": name, "as_org": name, "device_key": name})
              for n, name in enumerate(HOSTILE))),
    ),
)  # fmt: skip
