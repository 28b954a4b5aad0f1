"""Passwords are being guessed: many failures on one account, from many addresses, or on many accounts from one.

Five forms are told apart, and the fact `form` names the one that was seen:

- *burst*: more failures within five minutes than a person makes (any account, known or not);
- *slow*: guessing under that limit, counted over a day, from networks that the person does not use;
- *many sources*: one account tried from many strange addresses within an hour;
- *break in*: a success from a strange network right after failures from it, which raises the severity;
- *campaign*: one address tries many accounts that have nothing to do with it: one alert that lists every victim, high
  where one of them got in. Whether an account has to do with an address is told by its successful logins from there, so an
  office that stumbles on a Monday is none.

A failure that goes on is one alert, however long it lasts.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import ibis
import ibis.expr.types as ir

from pipelines.features.core import seconds
from pipelines.features.places import egress, has
from pipelines.policies.cases import HOSTILE, failure, failures, fires, held, known, login, quiet, regular
from pipelines.policies.core import Evidence, Kind, Param, Params, Policy, Row, Suppression, Tables
from pipelines.policies.episodes import count_within, number_episodes, peak_distinct
from pipelines.policies.habits import Question, with_habits

MICROSOFT = "Defender for Cloud Apps, template 'Multiple failed user log on attempts to an app'"
HOUR, DAY = 3600, 86_400


def detect(tables: Tables, params: Params) -> ir.Table:
    """Guessing at accounts and campaigns by sources, in one shape."""
    attempts = _known(_attempts(tables["core__activity"], params), tables["state__seen"], params)
    campaigns = _campaigns(attempts, params)
    accounts = _accounts(attempts, campaigns, params)
    return accounts.union(campaigns.select(*accounts.columns))


def _attempts(activity: ir.Table, params: Params) -> ir.Table:
    """Failures, and the successes that follow a failure of the same account from the same address."""
    tries = activity.filter(
        activity.activity_name.isin(["login", "login_failed"]),
        activity.actor_user_uid.notnull() | activity.actor_user_name.notnull(),
        ~activity.is_system,
    )
    is_failure = (tries.activity_name == "login_failed") | (tries.status.fill_null("unknown") == "failure")
    tries = tries.select(
        "activity_uid", "actor_user_uid", "actor_user_name", "time", "src_ip", "country", "asn",
        subject=ibis.coalesce(tries.actor_user_uid, "name:" + tries.actor_user_name.lower()),
        source=tries.src_ip.fill_null(""),
        seconds=seconds(tries.time),
        is_failure=is_failure,
        is_integration=tries.is_integration.fill_null(False),
        is_hosted=has(tries, "cloud_provider") | has(tries, "corporate"),
        is_mobile=egress(tries) == "mobile",
    )  # fmt: skip
    pair = ("subject", "source")
    tries = tries.mutate(
        failed_before=count_within(tries.is_failure, by=pair, within=params.break_in_seconds),
        has_success=(~tries.is_failure).cast("int64").max().over(ibis.window(group_by=pair)) > 0,
    )
    return tries.filter(tries.is_failure | (tries.failed_before > 0))


def _known(attempts: ir.Table, seen: ir.Table, params: Params) -> ir.Table:
    """Whether the account uses the network, and whether it has anything to do with the address."""
    rows = with_habits(
        attempts,
        "activity_uid",
        seen,
        asn_days=Question("asn", attempts.asn, attempts.subject),
        ip_days=Question("ip", attempts.src_ip, attempts.subject),
        country_days=Question("country", attempts.country, attempts.subject),
        country_people=Question("country", attempts.country, "*", "user_count"),
    )
    is_own = (rows.asn_days >= params.usual_days) | (rows.ip_days > 0)
    return rows.mutate(
        is_own=is_own,
        is_near_phone=rows.is_mobile
        & ((rows.country_days >= params.usual_days) | (rows.country_people >= params.country_people)),
        is_strange=(rows.source != "") & ~is_own,
        is_stranger=(rows.source != "") & (rows.ip_days == 0) & ~rows.has_success,
    )


def _campaigns(attempts: ir.Table, params: Params) -> ir.Table:
    """Sources that try accounts which have nothing to do with them."""
    rows = attempts.filter(attempts.source != "", attempts.is_failure | (attempts.ip_days == 0))
    rows = rows.mutate(victim=ibis.coalesce(rows.actor_user_uid, rows.actor_user_name))  # the typed name of no account
    rows = number_episodes(rows, by="source", gap=params.campaign_quiet_seconds)
    found = rows.group_by("source", "episode").agg(
        **_evidence(rows),
        actor_user_uids=rows.victim.collect(distinct=True).sort(),
        account_count=rows.subject.nunique(where=rows.is_failure),
        stranger_count=rows.subject.nunique(where=rows.is_failure & rows.is_stranger),
        broken_count=rows.subject.nunique(where=~rows.is_failure),
        unknown_account_count=rows.subject.nunique(where=rows.actor_user_uid.isnull()),
    )
    found = found.filter(
        found.stranger_count >= params.campaign_accounts, found.stranger_count * 2 >= found.account_count
    )
    return found.mutate(
        actor_user_uid=ibis.null("string"),
        actor_user_name=ibis.null("string"),
        form=ibis.literal("campaign"),
        severity=ibis.ifelse(found.broken_count > 0, "high", "medium"),
        confidence=ibis.null("float64"),
        trait_kind=ibis.literal("ip"),
        trait_value=found.source,
        source_count=ibis.literal(1, "int64"),
        peak_failures=ibis.null("int64"),
        **{s.name: ibis.literal(False) for s in SUPPRESSIONS},
    )


def _evidence(rows: ir.Table) -> dict[str, ir.Value]:
    return {
        "first_seen": rows.time.min(),
        "last_seen": rows.time.max(),
        "evidence_count": rows.count(),
        "evidence": rows.activity_uid.collect().sort(),
        "src_ips": rows.src_ip.collect(distinct=True).sort(),
        "countries": rows.country.collect(distinct=True).sort(),
        "failure_count": rows.is_failure.cast("int64").sum(),
    }


def _accounts(attempts: ir.Table, campaigns: ir.Table, params: Params) -> ir.Table:
    """Accounts on which guessing passes one of the limits."""
    broke_in = ~attempts.is_failure & attempts.is_strange & (attempts.failed_before >= params.break_in_failures)
    rows = attempts.mutate(broke_in=broke_in)
    rows = rows.filter(rows.is_failure | rows.broke_in)
    rows = number_episodes(rows, by="subject", gap=params.quiet_seconds)
    rows = rows.mutate(
        burst=count_within(rows.is_failure, by="subject", within=params.window_seconds),
        in_a_day=count_within(rows.is_failure & rows.is_strange, by="subject", within=DAY),
    )
    found = _limits(_summed(_with_sources(rows)), params)
    return _explained(found, campaigns)


def _with_sources(rows: ir.Table) -> ir.Table:
    """Beside each row, how many strange addresses had failed on the account within the hour, and whether its own leads
    a campaign is asked later, by source."""
    strange = rows.filter(rows.is_strange, rows.is_failure)
    sources = peak_distinct(strange, "source", by="subject", within=HOUR)
    return rows.left_join(sources, ["subject", "seconds"]).select(*rows.columns, "distinct_count")


def _summed(rows: ir.Table) -> ir.Table:
    return rows.group_by("subject", "episode").agg(
        **_evidence(rows),
        actor_user_uid=rows.actor_user_uid.max(),
        actor_user_name=rows.actor_user_name.max(),
        peak_failures=rows.burst.max(),
        day_failures=rows.in_a_day.max(),
        peak_sources=rows.distinct_count.max().fill_null(0),
        broke_in=rows.broke_in.any(),
        only_own=(rows.is_own | ~rows.is_failure).all(),
        only_phone=(rows.is_own | rows.is_near_phone | ~rows.is_failure).all(),
        only_hosted=(rows.is_own | rows.is_hosted | ~rows.is_failure).all(),
        is_integration=rows.is_integration.any(),
        source_count=rows.source.nunique(where=rows.source != ""),
        trait_value=rows.asn.max().cast("string"),
        one_source=rows.source.max(),
    )


def _limits(found: ir.Table, params: Params) -> ir.Table:
    form = ibis.cases(
        (found.broke_in, "break in"),
        (found.peak_failures > params.max_failures, "burst"),
        (found.peak_sources >= params.many_sources, "many sources"),
        (found.day_failures > params.max_day_failures, "slow"),
        else_=ibis.null("string"),
    )
    found = found.mutate(form=form)
    return found.filter(found.form.notnull())


SUPPRESSIONS = (
    Suppression("part_of_campaign", "system", "The only source tries many accounts: see the campaign, which lists this one"),
    Suppression("service_retry", "system", "An integration account that keeps trying an old secret from where it always runs"),
    Suppression("own_phone", "user", "All failures come from networks that the person uses or from mobile carriers of a country of theirs or of the organisation: a phone that keeps the old password"),
    Suppression("own_network", "user", "All failures come from networks that the person uses: a forgotten password, or a device that keeps an old one"),
)  # fmt: skip


def _explained(found: ir.Table, campaigns: ir.Table) -> ir.Table:
    sources = campaigns.select(one_source=campaigns.source).distinct().mutate(is_campaign=True)
    joined = found.left_join(sources, "one_source")
    intact = ~found.broke_in
    explained = joined.select(
        *found.columns,
        part_of_campaign=joined.is_campaign.fill_null(False) & (found.source_count == 1) & intact,
        service_retry=found.is_integration & found.only_hosted & intact,
        own_phone=found.only_phone & ~found.only_own & intact,
        own_network=found.only_own & intact,
    )
    one = ibis.literal(1, "int64")
    return explained.select(
        "actor_user_uid", "actor_user_name", "first_seen", "last_seen", "evidence_count", "evidence", "src_ips", "countries",
        "form", "failure_count", "peak_failures", "source_count", *(s.name for s in SUPPRESSIONS),
        actor_user_uids=ibis.null("array<string>"),
        severity=ibis.ifelse(explained.broke_in, "high", "medium"),
        confidence=ibis.ifelse(explained.broke_in, 0.9, ibis.null("float64")),
        trait_kind=ibis.ifelse(explained.trait_value.notnull(), "asn", ibis.null("string")),
        trait_value=explained.trait_value,
        account_count=one,
        unknown_account_count=explained.actor_user_uid.isnull().cast("int64"),
        broken_count=explained.broke_in.cast("int64"),
    )  # fmt: skip


FAR: dict[str, Any] = {
    "city": "Hanoi",
    "src_ip": "198.51.100.77",
    "asn": 64900,
    "as_org": "Hanoi Telecom",
    "device_key": "chrome/windows/pc",
}


PHONE: dict[str, Any] = {"src_ip": "198.51.100.90", "asn": 64624, "as_org": "Mobile NL"}


def _spray(count: int, *, every: int = 130, **values: Any) -> tuple[Row, ...]:
    """One failure on each of `count` accounts from one address."""
    return tuple(failure(f"user{n:02}", "03:00", later=every * n, **FAR | values) for n in range(count))


def _sources(count: int) -> tuple[Row, ...]:
    return tuple(failure("ann", "03:00", later=90 * n, **FAR | {"src_ip": f"198.51.100.{n}"}) for n in range(count))


POLICY = Policy(
    id="multiple_failed_logins",
    kind=Kind.ANOMALY,
    severity="medium",
    attack=("T1110", "T1110.001", "T1110.003"),
    title="{failure_count} failed logins of {actor}, up to {peak_failures} in five minutes",
    titles={
        "slow": "{failure_count} failed logins of {actor} spread over hours, from networks the person does not use",
        "many sources": "{failure_count} failed logins of {actor} from {source_count} addresses",
        "break in": "{actor} logged in from {countries} after {failure_count} failures from the same address",
        "campaign": "{trait_value} tried {account_count} accounts in {failure_count} failed logins, {broken_count} gave way",
    },
    summary=__doc__,
    blind_to="Failures at the identity provider, which never reach the instance; guessing of one try every few hours; sprays "
    "from a new address for each try; guessing from a network that the person uses as well, or from a mobile carrier of their country.",
    triage=(
        "Did anybody get in? Look for a login after the failures, and for what it did.",
        "Is the source known: a penetration test, a device with an old password, an integration with an expired secret?",
        "For a campaign, look at the other accounts that the source tried and at other sources of that network.",
        "Block the source, and reset the password of every account that gave way.",
    ),
    reads=("core__activity", "state__seen"),
    lookback=timedelta(days=1),
    needs=Evidence(tables=("sysevent",), helpful_tables=("sys_user",), columns=("sysevent.parm2",), data=("asn",), learning_days=7),
    params=(
        Param("max_failures", 10, "Failures of one account in the window above which it is a burst", MICROSOFT, "failures"),
        Param("window_seconds", 300, "How far apart the first and the last of them may be", MICROSOFT, "s"),
        Param("max_day_failures", 20, "Failures of one account in 24 h from strange networks above which it is slow guessing", "ours; the emulator's people stumble at most 8 times", "failures"),
        Param("many_sources", 8, "Strange addresses that fail on one account within an hour", "ours", "addresses"),
        Param("break_in_failures", 5, "Failures from an address before a success from it that make it a break-in", "platform lockout at 5", "failures"),
        Param("break_in_seconds", 10_800, "How long before the success they may lie", "ours", "s"),
        Param("campaign_accounts", 8, "Accounts without ties to an address that make its tries a campaign", "ours", "accounts"),
        Param("campaign_quiet_seconds", 10_800, "Pause after which it is another campaign", "ours", "s"),
        Param("quiet_seconds", 3600, "Pause after which it is another episode of one account", "ours", "s"),
        Param("usual_days", 3, "Days of successful use that make a network, or a country, the person's own", "ours", "days"),
        Param("country_people", 5, "People seen in a country that make it the organisation's own", "ours", "people"),
    ),
    suppressions=SUPPRESSIONS,
    facts=("form", "failure_count", "peak_failures", "source_count", "account_count", "unknown_account_count", "broken_count"),
    detect=detect,
    cases=(
        fires("at eleven failures in five minutes", *regular("ann"), *failures("ann", "03:00:00", 11, 30, **FAR),
              having={"form": "burst", "peak_failures": 11, "severity": "medium"}),
        quiet("at ten", *regular("ann"), *failures("ann", "03:00:00", 10, 30, **FAR)),
        quiet("one second too slow", *regular("ann"), *failures("ann", "03:00:00", 10, 30, **FAR), failure("ann", "03:05:01", **FAR)),
        fires("across a full five minutes", *regular("ann"), *failures("ann", "03:04:05", 6, 9, **FAR), *failures("ann", "03:05:00", 6, 9, **FAR)),
        fires("across midnight", *regular("ann"), *failures("ann", "-1 23:58:10", 16, 13, **FAR), having={"failure_count": 16}),
        quiet("that ended before midnight", *regular("ann"), *failures("ann", "-1 23:50:00", 16, 13, **FAR)),
        fires("one alert while it goes on", *regular("ann"), *failures("ann", "03:00:00", 120, 60, **FAR),
              *failures("ann", "04:00:00", 30, 5, **FAR | {"src_ip": "198.51.100.78"}), having={"failure_count": 150}),
        fires("an account that does not exist", *failures("root", "03:00:00", 12, 2, actor_user_uid=None, is_integration=None, **FAR),
              having={"actor_user_name": "root", "unknown_account_count": 1}),
        fires("without an address", *regular("ann"), *failures("ann", "03:00:00", 12, 2, src_ip=None, asn=None, country=None), having={"src_ips": []}),
        fires("slow guessing", *regular("ann"), *failures("ann", "02:00:00", 21, 620, **FAR), having={"form": "slow", "failure_count": 21}),
        quiet("slow, and one fewer", *regular("ann"), *failures("ann", "02:00:00", 20, 620, **FAR)),
        quiet("slow, from the own network", *regular("ann"), *failures("ann", "02:00:00", 60, 620)),
        fires("many sources", *regular("ann"), *_sources(8), having={"form": "many sources", "source_count": 8}),
        quiet("seven sources", *regular("ann"), *_sources(7)),
        fires("in after five failures", *regular("ann"), *failures("ann", "02:00:00", 5, 1100, **FAR), login("ann", "03:20:00", **FAR),
              having={"form": "break in", "severity": "high", "evidence_count": 6}),
        quiet("in after four", *regular("ann"), *failures("ann", "02:00:00", 4, 1100, **FAR), login("ann", "03:20:00", **FAR)),
        quiet("in after eight failures at home", *regular("ann"), *failures("ann", "08:00:00", 8, 35), login("ann", "08:05:00")),
        fires("a burst that ends in a login", *regular("ann"), *failures("ann", "03:00:00", 13, 17, **FAR), login("ann", "03:04:10", **FAR),
              having={"form": "break in", "failure_count": 13}),
        held("by a burst from the own network", "own_network", *regular("ann"), *failures("ann", "08:00:00", 14, 8)),
        held("by a phone with the old password", "own_phone", *regular("ann"), *failures("ann", "08:00:00", 70, 100, **PHONE)),
        held("by a phone in the country of colleagues", "own_phone", known("*", "country", "NL", users=5), *failures("ann", "08:00:00", 70, 100, **PHONE)),
        fires("a phone of another country", *regular("ann"), *failures("ann", "08:00:00", 70, 100, **PHONE | {"city": "Antwerp"})),
        fires("a phone that gets in", *regular("ann"), *failures("ann", "08:00:00", 70, 100, **PHONE), login("ann", "10:00:00", **PHONE)),
        fires("a burst from the own network at high sensitivity", *regular("ann"), *failures("ann", "08:00:00", 14, 8), sensitivity="high"),
        held("by an expired secret", "service_retry", *regular("svc"), *failures("svc", "00:10:00", 300, 30, is_integration=True)),
        held("by an expired secret in another region of its cloud", "service_retry",
             *failures("svc", "00:10:00", 300, 30, is_integration=True, **FAR | {"ip_categories": ["cloud_provider"]})),
        fires("an integration account from a strange network", *regular("svc"), *failures("svc", "00:10:00", 300, 30, is_integration=True, **FAR)),
        fires("a campaign", *_spray(12), having={"form": "campaign", "account_count": 12, "trait_value": "198.51.100.77", "actor_user_name": None,
              "actor_user_uids": [f"uid-user{n:02}" for n in range(12)]}),
        fires("at eight accounts", *_spray(8)),
        quiet("at seven accounts", *_spray(7)),
        fires("a campaign that gets in", *_spray(12), login("user11", "03:40", **FAR), having={"broken_count": 1, "severity": "high"}),
        fires("a campaign on made-up names", *_spray(10, actor_user_uid=None), having={"unknown_account_count": 10,
              "actor_user_uids": [f"user{n:02}" for n in range(10)]}),
        quiet("an office that stumbles and gets in", *_spray(12), *(login(f"user{n:02}", "05:00", **FAR) for n in range(12))),
        quiet("an office during an outage", *_spray(12), *(known(f"user{n:02}", "ip", "198.51.100.77") for n in range(12))),
        fires("a campaign that is a burst on each account", *(row for n in range(9) for row in failures(f"user{n}", "03:00:00", 12, 20, **FAR)),
              behaviors=9, having={"form": "campaign"}),
        quiet("by our own account", *failures("nowguard.collector", "03:00:00", 40, 5, is_own=True, **FAR)),
        quiet("of nothing"),
        fires("hostile names", *(row for name in HOSTILE[:-1] for row in failures(name, "03:00:00", 12, 3, actor_user_uid=None, **FAR)), alerts=6),
    ),
)  # fmt: skip
