"""Somebody steps into the accounts of many colleagues, or takes data out from inside one.

Two forms: *many*, where one person impersonates far more people in a day than support work needs; and *loot*, where files or
exports leave while somebody acts as another. What is done inside an impersonation belongs to the person behind it, by
session, so the alert names the impersonator and lists whose account was used.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import ibis
import ibis.expr.types as ir

from pipelines.features.volumes import LEAVING, file_of
from pipelines.policies.cases import HOSTILE, activity, download, fires, held, known, quiet
from pipelines.policies.core import Evidence, Kind, Param, Params, Policy, Row, Suppression, Tables
from pipelines.policies.episodes import number_episodes, peak_distinct
from pipelines.policies.habits import Question, with_habits
from pipelines.policies.volume import (
    TIMES_HIGH,
    TIMES_MEAN,
    acts,
    evidence,
    limit,
    sum_within,
    trait,
    used_to,
    with_usual,
)

HOUR, DAY = 3600, 86_400


def detect(tables: Tables, params: Params) -> ir.Table:
    """Days of impersonating, with what was taken out meanwhile."""
    rows = _masked(tables["core__activity"])
    rows = with_habits(rows, "activity_uid", tables["state__seen"], asn_days=Question("asn", rows.asn, rows.user_uid))
    found = with_usual(_summed(rows), tables["state__user_volume"], "impersonations")
    form = ibis.cases(
        ((found.peak_files >= params.min_files) | (found.peak_bytes >= params.min_bytes), "loot"),
        (found.peak_people >= limit(found, params.min_people, params.times_high, params.times_mean), "many"),
        else_=ibis.null("string"),
    )
    told = found.mutate(form=form)
    told = told.filter(told.form.notnull())
    return told.mutate(
        severity=ibis.ifelse(told.form == "loot", "high", "medium"),
        integration_at_work=told.is_integration & told.usual_network,
        **trait(told),
    )


def _masked(a: ir.Table) -> ir.Table:
    """Steps into an account, and data that leave from inside one."""
    is_start = a.activity_name == "impersonation_start"
    takes = a.is_impersonated & a.activity_name.isin(LEAVING)
    rows = acts(
        a,
        is_start | takes,
        target=is_start.ifelse(ibis.coalesce(a.resource_uid, a.resource_name), ibis.null("string")),
        person=is_start.ifelse(a.resource_name, a.effective_user_name),
        file=(takes & (a.activity_name == "file_downloaded")).ifelse(file_of(a), ibis.null("string")),
        bytes=takes.ifelse(a.bytes.fill_null(0), 0),
    )
    rows = number_episodes(rows, by="user_uid", gap=DAY)
    rows = rows.mutate(hour_bytes=sum_within(rows.bytes, by="user_uid", within=HOUR))
    for name, item, within in (("people", "target", DAY), ("files", "file", HOUR)):
        some = rows.filter(rows[item].notnull())
        peaks = peak_distinct(some, item, by="user_uid", within=within).rename({name: "distinct_count"})
        rows = rows.left_join(peaks, ["user_uid", "seconds"]).select(*rows.columns, name)
    return rows


def _summed(rows: ir.Table) -> ir.Table:
    return rows.group_by("user_uid", "episode").agg(
        **evidence(rows),
        peak_people=rows.people.max().fill_null(0),
        peak_files=rows.files.max().fill_null(0),
        peak_bytes=rows.hour_bytes.max(),
        file_count=rows.file.nunique(),
        total_bytes=rows.bytes.sum(),
        impersonated=rows.person.collect(distinct=True).sort(),
        usual_network=(rows.asn_days > 0).all(),
        trait_value=rows.asn.max().cast("string"),
    )


def _start(user: str, when: str, target: str, **values: Any) -> Row:
    given: dict[str, Any] = {"resource_type": "sys_user", "resource_uid": f"uid-{target}", "resource_name": target}
    return activity(user, when, "impersonation_start", **given | values)


def _starts(user: str, count: int, **values: Any) -> tuple[Row, ...]:
    return tuple(_start(user, "11:00:00", f"user{n:02}", later=170 * n, **values) for n in range(count))


def _taken(user: str, count: int, **values: Any) -> tuple[Row, ...]:
    """Downloads from inside the account of dee."""
    given: dict[str, Any] = {"is_impersonated": True, "effective_user_name": "dee"} | values
    return tuple(download(user, "12:20:00", nth=n, later=9 * n, file=f"f{n}", **given) for n in range(count))


POLICY = Policy(
    id="unusual_impersonation",
    kind=Kind.ANOMALY,
    severity="medium",
    attack=("T1078", "T1213"),
    title="{actor} impersonated {peak_people} people within a day",
    titles={"loot": "{actor} took out {file_count} files and {total_bytes:,} bytes while acting as {impersonated}"},
    summary=__doc__,
    blind_to="Records that were only read on the screen inside another account; impersonation by scripts, where the platform does "
    "not log it; how long an impersonation lasted.",
    triage=(
        "Is there a ticket of each impersonated person that the work belongs to?",
        "Does the person's role need impersonation at all?",
        "Tell the impersonated people, and ask whether they saw what was done in their names.",
        "If nothing explains it, take the role `impersonator` away and end the sessions.",
    ),
    reads=("core__activity", "state__user_volume", "state__seen"),
    lookback=timedelta(days=1),
    needs=Evidence(tables=("sysevent",), helpful_tables=("syslog_transaction", "sys_user"), learning_days=7),
    params=(
        Param("min_people", 8, "Different people impersonated in 24 h below which it is never unusual", "ours; one an hour", "people"),
        Param("min_files", 20, "Different files fetched within an hour from inside other accounts", "ours; support looks at a few", "files"),
        Param("min_bytes", 20_000_000, "Bytes of downloads, exports and reads, likewise", "ours; one large export", "bytes"),
        TIMES_HIGH,
        TIMES_MEAN,
    ),
    suppressions=(Suppression("integration_at_work", "system", "An integration account that acts for people, from networks it has used before"),),
    facts=("form", "peak_people", "file_count", "total_bytes", "impersonated"),
    detect=detect,
    cases=(
        fires("eight people in a day", *_starts("ann", 8), having={"form": "many", "peak_people": 8, "severity": "medium"}),
        quiet("seven", *_starts("ann", 7)),
        quiet("one of them many times", *(_start("ann", "11:00:00", "dee", later=170 * n) for n in range(20))),
        quiet("at a desk where that is usual", used_to("ann", "impersonations", 5.0), *_starts("ann", 9)),
        quiet("in a department where that is usual", used_to("department:desk", "impersonations", 2.0), *_starts("ann", 9, department="desk")),
        fires("around midnight", *(_start("ann", "-1 23:50:00", f"user{n}", later=170 * n) for n in range(9)), having={"peak_people": 9}),
        fires("twenty files from inside an account", _start("ann", "12:19:00", "dee"), *_taken("ann", 20),
              having={"form": "loot", "severity": "high", "impersonated": ["dee"]}),
        quiet("nineteen", _start("ann", "12:19:00", "dee"), *_taken("ann", 19)),
        quiet("files of one's own", _start("ann", "12:19:00", "dee"), *_taken("ann", 40, is_impersonated=False)),
        fires("an export from inside an account", activity("ann", "12:20", "exported", bytes=20_000_000, is_impersonated=True, effective_user_name="dee")),
        held("an application that acts for people", "integration_at_work", known("svc", "asn", "64500"), *_starts("svc", 30, is_integration=True)),
        quiet("of nothing"),
        fires("hostile names", *(_start("x", "11:00:00", name, later=n, actor_user_name=name, src_ip=name) for n, name in enumerate(HOSTILE * 2)),
              *_starts("x", 8)),
    ),
)  # fmt: skip
