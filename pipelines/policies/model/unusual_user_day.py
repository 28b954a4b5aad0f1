"""Somebody takes or looks at what is unlike their own days and their colleagues': below every fixed limit, but strange together.

The champion of the anomaly model `user_day` scores each day of each person by the files, exports, records, tables and requests of
that day, by rare hours and by tables that are new to them. This policy raises the top of its alert budget. The fact `form` says how:

- *day*: the day is as strange as the few days that the model's alert budget leaves, or nearly so and the second opinion agrees;
- *run*: several days of the last seven were strange, none of them enough; together they are stranger than a run of days by chance.

A model knows what is rare and not what is wrong. The alert says which features made the score; it never starts a governance
action by itself.
"""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir

from pipelines.features.volumes import LEAVING
from pipelines.policies.cases import HOSTILE, activity, downloads, fires, held, known, quiet, scored
from pipelines.policies.core import Evidence, Kind, Param, Params, Policy, Suppression, Tables
from pipelines.policies.habits import Question, with_habits
from pipelines.policies.volume import acts, evidence

LOOKING = (*LEAVING, "record_viewed", "report_viewed")


def detect(tables: Tables, params: Params) -> ir.Table:
    """One row per person whose day, or run of days, is in the budget."""
    strange = _strange(tables["out__model_score"], params)
    rows = acts(tables["core__activity"], tables["core__activity"].activity_name.isin(LOOKING))
    rows = with_habits(
        rows.semi_join(strange, "user_uid"),
        "activity_uid",
        tables["state__seen"],
        asn_days=Question("asn", rows.asn, rows.user_uid),
    )
    found = rows.group_by("user_uid").agg(**evidence(rows), usual_network=(rows.asn_days > 0).all())
    told = found.inner_join(strange, "user_uid").select(
        *found.columns, *(c for c in strange.columns if c != "user_uid")
    )
    return told.mutate(integration_at_work=told.is_integration & told.usual_network)


def _strange(scores: ir.Table, params: Params) -> ir.Table:
    """The user-days above the budget, those of several models told once; `confidence` grows with the surprise."""
    risk, opinion = scores.risk_score.fill_null(0.0), scores.second_opinion.fill_null(0.0)
    is_day = (risk >= params.min_risk) | ((opinion >= params.min_opinion) & (risk >= params.min_risk_with_opinion))
    is_run = (scores.surprise_7d >= params.min_run_surprise) & (scores.strange_days_7d >= params.min_run_days)
    rows = scores.filter(is_day | is_run).mutate(is_day=is_day)
    best = rows.group_by("user_uid").agg(
        model_revision=rows.model_revision.argmax(-rows.depth),
        peer_group=rows.peer_group.argmax(-rows.depth),
        score=rows.risk_score.max().round(1),
        percentile=rows.percentile.max().round(2),
        run_days=rows.strange_days_7d.max(),
        run_surprise=rows.surprise_7d.max().round(1),
        form=ibis.ifelse(rows.is_day.any(), "day", "run"),
    )
    return best.filter(best.user_uid.notnull())


RUN: dict[str, Any] = {"surprise_7d": 17.0, "strange_days_7d": 4}

POLICY = Policy(
    id="unusual_user_day",
    kind=Kind.MODEL,
    severity="low",
    attack=("T1213", "T1530"),
    title="{actor} had a day that is stranger than {percentile} % of the days the model knows",
    titles={"run": "{actor} has had {run_days} strange days in a week, none of which stands out alone"},
    summary=__doc__,
    blind_to="Whoever has fewer than five active days; a day that is strange in what is not counted; what was usual from the first day "
    "on; a slow change over months, of which only the slow reference of files, bytes and records knows.",
    triage=(
        "Which features made the score? See the attributions of the alert, and the person's days before.",
        "Does the work explain it: a new duty, a deadline, a shift for a colleague?",
        "Which records and files were they, and does the person work on them?",
        "Close it with a reason: the verdicts measure the model's precision, and days closed as benign train the next one.",
    ),
    reads=("core__activity", "out__model_score", "state__seen"),
    needs=Evidence(any_of=(("sysevent", "syslog_transaction"),), helpful_tables=("sys_user",), learning_days=7),
    params=(
        Param("min_risk", 50.0, "Score from which a day is raised; 50 is the model's alert budget", "ours, by the declaration of the model", "0-100"),
        Param("min_opinion", 99.9, "Percentile of the second opinion from which it also raises a day", "ours; as rare as the budget", "0-100"),
        Param("min_risk_with_opinion", 20.0, "Score that such a day needs", "ours; four in a thousand days are as strange", "0-100"),
        Param("min_run_surprise", 17.0, "Sum of seven days' surprises that makes a run", "measured on four organisations of the emulator"),
        Param("min_run_days", 4, "Strange days of the last seven in such a run", "ours; more than half of them", "days"),
    ),
    suppressions=(Suppression("integration_at_work", "system", "An integration account, from networks it has used before"),),
    facts=("form", "score", "percentile", "peer_group", "run_days", "run_surprise"),
    detect=detect,
    cases=(
        fires("a day in the budget", scored("ann", 50.0), *downloads("ann", "20:00:00", 19, 120),
              having={"form": "day", "evidence_count": 19, "model_revision": "f00d"}),
        quiet("a day below it", scored("ann", 49.9), *downloads("ann", "20:00:00", 19, 120)),
        fires("a larger budget", scored("ann", 30.0), *downloads("ann", "20:00:00", 19, 120), params={"min_risk": 25.0}),
        fires("a day that the second opinion finds strange too", scored("ann", 20.0, second_opinion=99.9), *downloads("ann", "20:00:00", 19, 120)),
        quiet("a day that only the second opinion finds strange", scored("ann", 19.9, second_opinion=99.9),
              *downloads("ann", "20:00:00", 19, 120)),
        fires("four strange days in a week", scored("ann", 5.0, **RUN), *downloads("ann", "11:00:00", 8, 600),
              having={"form": "run", "run_days": 4}),
        quiet("three of them", scored("ann", 5.0, **RUN | {"strange_days_7d": 3}), *downloads("ann", "11:00:00", 8, 600)),
        quiet("four that sum to less", scored("ann", 5.0, **RUN | {"surprise_7d": 16.9}), *downloads("ann", "11:00:00", 8, 600)),
        fires("records only looked at", scored("ann", 70.0), *(activity("ann", "18:00:00", "record_viewed", later=60 * n) for n in range(48))),
        quiet("a strange day without anything taken or looked at", scored("ann", 70.0), activity("ann", "08:00:00", "login")),
        quiet("somebody else's files", scored("ann", 70.0), *downloads("bob", "20:00:00", 19, 120)),
        fires("two models, told once", scored("ann", 70.0), scored("ann", 90.0, model_id="other", model_revision="beef"),
              *downloads("ann", "20:00:00", 19, 120), having={"score": 90.0, "model_revision": "beef"}),
        held("an integration account on its line", "integration_at_work", scored("svc", 70.0), known("svc", "asn", "64500"),
             *downloads("svc", "02:00:00", 60, 20, is_integration=True)),
        quiet("no model yet", *downloads("ann", "20:00:00", 19, 120)),
        quiet("of nothing"),
        fires("hostile names", *(row for n, name in enumerate(HOSTILE) for row in (
              scored("x", 70.0, user_uid=f"uid-{n}", user_name=name, peer_group=name),
              *downloads(name, "08:00:00", 3, actor_user_uid=f"uid-{n}", src_ip=name, resource_name=name))), alerts=len(HOSTILE)),
    ),
)  # fmt: skip
