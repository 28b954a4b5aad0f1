"""Somebody deletes far more records or files than they usually do.

Counted are different records and files, within an hour or over a day. What is replaced one by one by files of known kinds is a
conversion or a move: a behavior and no alert. What goes at the speed of a machine is also seen by `ransomware_activity`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import ibis
import ibis.expr.types as ir

from pipelines.features.volumes import DELETING, file_of, is_odd
from pipelines.policies.cases import HOSTILE, activity, fires, held, known, quiet
from pipelines.policies.core import Evidence, Kind, Param, Params, Policy, Row, Suppression, Tables
from pipelines.policies.episodes import number_episodes, peak_distinct
from pipelines.policies.habits import Question, with_habits
from pipelines.policies.volume import TIMES_HIGH, TIMES_MEAN, acts, evidence, limit, trait, used_to, with_usual

HOUR, DAY = 3600, 86_400


def detect(tables: Tables, params: Params) -> ir.Table:
    """Episodes of deleting above the limit of an hour or of a day."""
    a = tables["core__activity"]
    is_deletion = a.activity_name.isin(DELETING)
    is_new_file = (a.activity_name == "file_uploaded") & ~is_odd(a.resource_name)
    rows = acts(
        a,
        is_deletion | is_new_file,
        gone=is_deletion.ifelse(file_of(a), ibis.null("string")),
        table=a.resource_type.fill_null(""),
        is_new_file=is_new_file,
    )
    found = _counted(_marked(rows, tables["state__seen"]))
    found = with_usual(found.filter(found.in_a_day >= params.min_hour), tables["state__user_volume"], "deletions")
    times = (params.times_high, params.times_mean)
    in_an_hour = found.in_an_hour >= limit(found, params.min_hour, *times)
    in_a_day = found.in_a_day >= limit(found, params.min_day, *times)
    told = found.mutate(form=ibis.cases((in_an_hour, "hour"), (in_a_day, "day"), else_=ibis.null("string")))
    return _explained(told.filter(told.form.notnull()), params)


def _marked(rows: ir.Table, seen: ir.Table) -> ir.Table:
    """Deletions and, of people who delete, new files; with what an hour and a day came to."""
    gone = rows.filter(rows.gone.notnull())
    rows = number_episodes(rows.semi_join(gone, "user_uid"), by="user_uid", gap=DAY)
    for name, within in (("hour", HOUR), ("day", DAY)):
        peaks = peak_distinct(gone, "gone", by="user_uid", within=within).rename({name: "distinct_count"})
        rows = rows.left_join(peaks, ["user_uid", "seconds"]).select(*rows.columns, name)
    return with_habits(rows, "activity_uid", seen, asn_days=Question("asn", rows.asn, rows.user_uid))


def _counted(rows: ir.Table) -> ir.Table:
    gone = rows.filter(rows.gone.notnull())
    deleted = gone.group_by("user_uid", "episode").agg(
        **evidence(gone),
        deleted_count=gone.gone.nunique(),
        in_an_hour=gone.hour.max(),
        in_a_day=gone.day.max(),
        tables=gone.table.collect(distinct=True).sort(),
        usual_network=(gone.asn_days > 0).all(),
        trait_value=gone.asn.max().cast("string"),
    )
    new = rows.group_by("user_uid", "episode").agg(new_count=rows.is_new_file.sum())
    return deleted.left_join(new, ["user_uid", "episode"]).select(*deleted.columns, "new_count")


def _explained(found: ir.Table, params: Params) -> ir.Table:
    return found.mutate(
        replaced=found.new_count >= params.replaced_share * found.deleted_count,
        integration_at_work=found.is_integration & found.usual_network,
        **trait(found),
    )


def _gone(
    user: str, when: str, count: int, every: float, name: str = "record_deleted", **values: Any
) -> tuple[Row, ...]:
    """`count` deletions of as many things."""
    given: dict[str, Any] = {"resource_type": "incident"} | values
    return tuple(
        activity(user, when, name, nth=n, later=int(n * every), resource_uid=f"r{n}", **given) for n in range(count)
    )


POLICY = Policy(
    id="unusual_mass_deletion",
    kind=Kind.ANOMALY,
    severity="medium",
    attack=("T1485",),
    title="{actor} deleted {deleted_count} records or files of {tables}",
    summary=__doc__,
    blind_to="Deletions in tables that are not audited; a few records that matter; records emptied and not deleted; cascades and "
    "table cleaners, which the platform runs as itself.",
    triage=(
        "Were the records the person's own, or old, or test data?",
        "Did somebody order a clean-up or a migration?",
        "Can they be restored: look at `sys_audit_delete` before its retention ends.",
        "If nothing explains it, suspend the account: what follows may be the same again.",
    ),
    reads=("core__activity", "state__user_volume", "state__seen"),
    lookback=timedelta(days=1),
    needs=Evidence(any_of=(("sys_audit", "sys_audit_delete", "sysevent"),), helpful_tables=("sys_attachment", "sys_user"), learning_days=7),
    params=(
        Param("min_hour", 50, "Different records or files within an hour below which it is never unusual", "ours; half a page of a list", "records"),
        Param("min_day", 96, "The same within 24 h", "ours; one every five minutes of eight hours", "records"),
        Param("replaced_share", 0.8, "New files per deleted one, from which they are held to replace them", "ours"),
        TIMES_HIGH,
        TIMES_MEAN,
    ),
    suppressions=(
        Suppression("replaced", "system", "Files of known kinds came in for what went: a conversion or a move"),
        Suppression("integration_at_work", "system", "An integration account, from networks it has used before"),
    ),
    facts=("form", "deleted_count", "in_an_hour", "in_a_day", "new_count", "tables"),
    detect=detect,
    cases=(
        fires("fifty incidents in an hour", *_gone("ann", "13:00:00", 50, 60), having={"form": "hour", "tables": ["incident"]}),
        quiet("forty-nine", *_gone("ann", "13:00:00", 49, 60)),
        fires("files", *_gone("ann", "13:00:00", 140, 15, "file_deleted", resource_type="file"), having={"deleted_count": 140}),
        fires("slowly over a day", *_gone("ann", "06:00:00", 96, 300), having={"form": "day"}),
        quiet("slower", *_gone("ann", "06:00:00", 95, 300)),
        fires("around midnight", *_gone("ann", "-1 23:50:00", 60, 20), having={"deleted_count": 60}),
        quiet("by somebody who does that", used_to("ann", "deletions", 30.0), *_gone("ann", "13:00:00", 59, 30)),
        quiet("the same record again and again", *(activity("ann", "13:00:00", "record_deleted", nth=n, later=n, resource_uid="r") for n in range(90))),
        held("documents that become PDFs", "replaced", *_gone("ann", "13:00:12", 55, 30, "file_deleted"),
             *_gone("ann", "13:00:00", 55, 30, "file_uploaded", resource_name="offer.pdf")),
        fires("locked copies are no replacement", *_gone("ann", "13:00:12", 55, 30, "file_deleted"),
              *_gone("ann", "13:00:00", 55, 30, "file_uploaded", resource_name="offer.pdf.locked")),
        held("a job that cleans up", "integration_at_work", known("svc", "asn", "64500"), *_gone("svc", "02:00:00", 500, 1, is_integration=True)),
        quiet("of nothing"),
        fires("hostile names", *_gone("x", "13:00:00", 60, 1, actor_user_name=HOSTILE[1], resource_name=HOSTILE[0], src_ip=HOSTILE[3])),
    ),
)  # fmt: skip
