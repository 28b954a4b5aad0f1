"""What the policies about listed addresses share: which activities count, what explains them, how they are told.

Microsoft's rules: failed and non-interactive logins do not count, an address that many of the organisation use is taken
for wrongly listed, and the organisation's own tag beats a bought list. What a person's API token does counts: it is how
a stolen token is used. So does what an integration account does: no machine of the organisation runs behind a botnet.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from pipelines.features.core import seconds
from pipelines.features.places import has, with_address
from pipelines.policies.core import Param, Params, Suppression
from pipelines.policies.episodes import common_columns, excuse_of, number_episodes
from pipelines.policies.habits import Question, site_of, with_habits, with_regulars

#: Lists of ways out that hide who comes (interface: NOWGUARD_IP_LISTS).
ANONYMOUS = ("tor", "anonymous_proxy")
RISKY = (*ANONYMOUS, "botnet")
SUSPICIOUS = ("botnet", "password_spray", "scanner")
#: Its operators publish the list themselves: nobody is on it by mistake, however many use it.
CERTAIN = "tor"

PARAMS = (
    Param("usual_days", 3, "Days of use that make a way out, and a device, usual for a person", "ours", "days"),
    Param("shared_users", 2, "Colleagues who use an address regularly that make it a shared one", "ours; no attacker's exit has two", "people"),
    Param("regular_days", 2, "Days of use that make a colleague a regular one", "ours", "days"),
    Param("unsure_confidence", 30, "Confidence of the surest list below which nothing is raised; lists that do not say count as 100", "STIX 2.1, the scale None/Low/Medium/High: low is below 30", "0-100"),
    Param("sure_confidence", 70, "Confidence from which a list is believed; below, a case is one severity less", "STIX 2.1: high is from 70", "0-100"),
    Param("quiet_seconds", 14_400, "Pause after which it is another episode", "ours", "s"),
)  # fmt: skip

SUPPRESSIONS = (
    Suppression("own_gateway", "system", "The address is also on the list of the organisation's own gateways, which bought lists take for proxies"),
    Suppression("unsure_list", "user", "No list that holds the address is sure of it: the surest is below `unsure_confidence`"),
    Suppression("shared_address", "system", "Several colleagues use the address regularly, or the proxy's /24 and this is a device of the person, or the person's first one: listed by mistake. Never for Tor, whose list is its operators' own"),
    Suppression("usual_way_out", "user", "The person has come this way for days, on this device: a private VPN, or a home that is listed by mistake. Never for Tor"),
)  # fmt: skip

FACTS = ("listed_as", "list_confidence", "network", "login_count", "address_count", "is_new_device", "is_privileged")


def from_listed(activity: ir.Table, lists: tuple[str, ...]) -> ir.Table:
    """Activities that count, from an address on one of `lists` at the time; `listed_as` names the first that holds it."""
    rows = with_address(activity)
    rows = rows.mutate(listed_as=ibis.cases(*((has(rows, name), name) for name in lists), else_=ibis.null("string")))
    return rows.filter(rows.listed_as.notnull())


def explained(rows: ir.Table, seen: ir.Table, params: Params) -> ir.Table:
    """Each innocent explanation as a column. A proxy is known by its network, since its addresses change; a home that
    is listed is known by its address only, since its neighbours are on that network too."""
    user = rows.actor_user_uid
    rows = with_habits(
        rows, "activity_uid", seen,
        ip_days=Question("ip", rows.src_ip, user),
        asn_days=Question("asn", rows.asn, user),
        device_days=Question("device", rows.device_key, user),
    )  # fmt: skip
    devices = seen.filter(seen.kind == "device").select(actor_user_uid=seen.user_uid).distinct()
    rows = rows.left_join(devices.mutate(has_device=True), "actor_user_uid").select(*rows.columns, "has_device")
    days = params.regular_days
    rows = with_regulars(rows, seen, days=days, into="regulars")
    rows = with_regulars(rows, seen, days=days, into="regulars_near", part=site_of)
    others = rows.regulars - (rows.ip_days >= days).cast("int64")
    others_near = rows.regulars_near - (rows.ip_days >= days).cast("int64")
    is_proxy, is_certain = rows.listed_as.isin(ANONYMOUS), has(rows, CERTAIN)
    is_usual = (rows.ip_days >= params.usual_days) | (is_proxy & (rows.asn_days >= params.usual_days))
    is_shared = (others >= params.shared_users) | (
        is_proxy & (others_near >= params.shared_users) & ((rows.device_days > 0) | rows.has_device.isnull())
    )
    return rows.mutate(
        own_gateway=has(rows, "vpn"),
        unsure_list=rows.ip_confidence < params.unsure_confidence,
        shared_address=is_shared & ~is_certain,
        usual_way_out=is_usual & (rows.device_days >= params.usual_days) & ~is_certain,
        is_new_device=rows.device_days == 0,
    )


def gathered(rows: ir.Table, params: Params) -> ir.Table:
    """One row per account, episode and explanation, so that an alert is not held because another address has an excuse."""
    rows = rows.mutate(thread=rows.actor_user_uid + "|" + excuse_of(rows, SUPPRESSIONS), seconds=seconds(rows.time))
    rows = number_episodes(rows, by="thread", gap=params.quiet_seconds)
    found = rows.group_by("thread", "episode").agg(
        **common_columns(rows, "actor_user_uid", "actor_user_name"),
        trait_value=rows.src_ip.min(),
        listed_as=rows.listed_as.min(),
        list_confidence=rows.ip_confidence.max(),
        network=rows.as_org.min(),
        login_count=(rows.activity_name == "login").cast("int64").sum(),
        address_count=rows.src_ip.nunique(),
        is_new_device=rows.is_new_device.any(),
        is_privileged=rows.is_privileged.fill_null(False).any(),
        **{s.name: rows[s.name].fill_null(False).any() for s in SUPPRESSIONS},
    )
    is_grave, is_sure = (
        found.is_new_device | found.is_privileged,
        found.list_confidence.fill_null(100) >= params.sure_confidence,
    )
    return found.mutate(
        trait_kind=ibis.literal("ip"),
        severity=ibis.cases((is_grave & is_sure, "high"), (is_grave | is_sure, "medium"), else_="low"),
        confidence=ibis.ifelse(found.is_new_device, 0.9, 0.7) - ibis.ifelse(is_sure, 0.0, 0.2),
    )
