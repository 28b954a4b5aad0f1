"""Fold the detections of all days into alerts and behaviors: one per policy, actor and continuing behaviour.

A behaviour continues while the next detection begins on the day after the last one ended, or earlier. Its `alert_uid` is
the hash of instance, policy, actor (or campaign source) and first day, so that a rerun gives the same one and a further
day extends it. It changes only where a late row moves the first day or joins two behaviours into one; triage then follows
the behaviour (`pipelines.alerts.triage`). What a policy suppressed is folded apart, per reason, into behaviors.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

import duckdb
import polars as pl
import pyarrow as pa

from pipelines.alerts.decisions import TriageSnapshot, apply_decisions, apply_suppressions
from pipelines.alerts.flood import group_floods
from pipelines.contracts import contract
from pipelines.contracts.table import conform

NO_BUDGETS: Mapping[str, int] = MappingProxyType({})

#: Who or what the behaviour belongs to. An unknown account is known by the name that was typed.
_SUBJECT = """coalesce(
    actor_user_uid,
    'name:' || lower(nullif(actor_user_name, '')),
    'campaign:' || coalesce(nullif(trait_kind, '') || '=' || nullif(trait_value, ''), list_sort(src_ips)[1], '*')
)"""

# windows over the narrow columns: sorting facts and parts along cost twice as much
_MEMBERS = """
CREATE OR REPLACE TEMP TABLE _fold_members AS
WITH d AS (
    SELECT instance, policy_id, detection_uid, first_seen, last_seen,
           replace({subject}, chr(31), '') || coalesce(chr(31) || suppressed_by, '') AS thread,
           first_seen::DATE AS first_day, last_seen::DATE AS last_day
    FROM _fold_detections
), marked AS (
    SELECT *, coalesce(first_day > max(last_day) OVER earlier + 1, false) AS is_new FROM d
    WINDOW earlier AS (PARTITION BY instance, policy_id, thread ORDER BY first_seen, last_seen, detection_uid
                       ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
), numbered AS (
    SELECT *, count_if(is_new) OVER (PARTITION BY instance, policy_id, thread
                                     ORDER BY first_seen, last_seen, detection_uid) AS island FROM marked
), dated AS (
    SELECT *, min(first_day) OVER (PARTITION BY instance, policy_id, thread, island) AS behaviour_day FROM numbered
)
SELECT f.*, thread, first_day, last_day, behaviour_day,
       substr(sha256(concat_ws(chr(31), instance, policy_id, thread, behaviour_day::VARCHAR)), 1, 32) AS alert_uid
FROM dated JOIN _fold_detections f USING (instance, policy_id, detection_uid)
"""

# what needs no look at the evidence is most of it: one detection that names every row once
_MAPPING = """
CREATE OR REPLACE TEMP TABLE _fold_mapping AS
SELECT instance, alert_uid, detection_uid, count(*) OVER of_alert = 1 AND coalesce(repeated_rows = 0, false) AS is_only,
       row_number() OVER (of_alert ORDER BY first_seen, detection_uid) = 1 AS is_first
FROM _fold_members WINDOW of_alert AS (PARTITION BY alert_uid)
"""

_FIRST_EVIDENCE = """
SELECT w.group_uid AS alert_uid, source_table, source_uid, e.instance, time, time::DATE AS event_date, activity_name, summary, activity_uid
FROM _fold_evidence e JOIN _fold_mapping m USING (instance, detection_uid) JOIN wanted w USING (alert_uid) WHERE is_first
QUALIFY row_number() OVER (PARTITION BY m.alert_uid ORDER BY time, source_uid, activity_uid) = 1
ORDER BY w.group_uid, time, source_uid, activity_uid
"""

# a row that several detections of one alert name is evidence once
_ALERTS = """
WITH repeats AS (
    SELECT alert_uid, sum(named - 1) AS doubled FROM (
        SELECT alert_uid, count(*) AS named FROM _fold_evidence JOIN _fold_mapping USING (instance, detection_uid)
        WHERE NOT is_only GROUP BY alert_uid, source_table, source_uid
    ) GROUP BY alert_uid
)
SELECT any_value(m.instance) AS instance, max(last_day) AS event_date, m.alert_uid, any_value(m.thread) AS thread,
       any_value(behaviour_day) AS first_day, any_value(policy_id) AS policy_id, any_value(policy_kind) AS policy_kind,
       ['informational', 'low', 'medium', 'high'][
           max(list_position(['informational', 'low', 'medium', 'high'], severity))] AS severity,
       max(risk_score) AS risk_score, max(priority) AS priority,
       any_value(actor_user_uid) AS actor_user_uid, arg_max(actor_user_name, (last_seen, detection_uid)) AS actor_user_name,
       {actor_user_uids} AS actor_user_uids,
       min(first_seen) AS first_seen, max(last_seen) AS last_seen,
       arg_max(title, {rank}) AS title,
       (sum(evidence_count) - coalesce(any_value(doubled), 0))::BIGINT AS evidence_count,
       {attack_techniques} AS attack_techniques, {src_ips} AS src_ips, {countries} AS countries,
       arg_max(policy_revision, (last_seen, detection_uid)) AS policy_revision,
       arg_max(model_revision, (last_seen, detection_uid)) AS model_revision,
       any_value(suppressed_by) AS suppressed_by, count(DISTINCT last_day) AS day_count, count(*) AS detection_count,
       arg_max(trait_kind, {rank}) AS trait_kind, arg_max(trait_value, {rank}) AS trait_value,
       bool_or(is_first_for_user) AS is_first_for_user, bool_or(is_uncommon_among_peers) AS is_uncommon_among_peers,
       bool_or(is_uncommon_in_organisation) AS is_uncommon_in_organisation,
       bool_or(is_first_in_organisation) AS is_first_in_organisation,
       arg_max(risk_parts, {rank}) AS risk_parts, arg_max(priority_parts, (coalesce(priority, -1), {rank})) AS priority_parts,
       arg_max(facts, {rank}) AS facts
FROM _fold_members m LEFT JOIN repeats USING (alert_uid)
GROUP BY m.alert_uid
ORDER BY m.alert_uid
"""
_RANK = "(coalesce(risk_score, -1), last_seen, detection_uid)"
_UNION = "list_sort(list_distinct(flatten(coalesce(list({0}) FILTER ({0} IS NOT NULL), []))))"


@dataclass(frozen=True)
class Folded:
    """What is published: contracts `out__alert` (alerts and behaviors), `out__alert_detection` and, for summaries only,
    `out__alert_evidence`. What the others rest on stays with their detections; `mart.alert_evidence` joins it."""

    alerts: pa.Table
    behaviors: pa.Table
    alert_detections: pa.Table
    summary_evidence: pa.Table
    threads: pl.DataFrame  # what triage keeps of each: instance, alert_uid, policy_id, thread, first_day

    def frames(self) -> dict[str, pa.Table]:
        """By the names that publish knows them by."""
        return {
            "alerts": self.alerts, "behaviors": self.behaviors, "alert_detections": self.alert_detections,
            "summary_evidence": self.summary_evidence,
        }  # fmt: skip


def fold(
    con: duckdb.DuckDBPyConnection,
    detections: pa.Table | duckdb.DuckDBPyRelation,
    evidence: pa.Table | duckdb.DuckDBPyRelation,
    triage: TriageSnapshot | None = None,
    *,
    budgets: Mapping[str, int] = NO_BUDGETS,
) -> Folded:
    """Alerts and behaviors of every day given; give all days, or a behaviour that began earlier changes its uid.

    A pure function: the same detections and the same triage give the same rows. `budgets` maps a policy to the alerts a
    day beyond which they are grouped (`pipelines.alerts.flood`). `con` is scratch space; nothing is left behind in it.
    """
    triage = triage or TriageSnapshot()
    with _members(con, detections, evidence):
        judged = apply_suppressions(apply_decisions(_fold_rows(con), triage), triage)
        behaviors = judged.filter(pl.col("suppressed_by").is_not_null())
        alerts, summary_evidence = group_floods(
            judged.filter(pl.col("suppressed_by").is_null()), partial(_first_evidence, con), triage, budgets
        )
        mapping = con.sql("FROM _fold_mapping").pl()
    threads = pl.concat([alerts, behaviors], how="diagonal").select(
        "instance", "alert_uid", "policy_id", "thread", "first_day"
    )
    return Folded(
        _as_contract("out__alert", alerts),
        _as_contract("out__alert", behaviors),
        _as_contract("out__alert_detection", mapping),
        _as_contract("out__alert_evidence", summary_evidence),
        threads,
    )


@contextmanager
def _members(
    con: duckdb.DuckDBPyConnection,
    detections: pa.Table | duckdb.DuckDBPyRelation,
    evidence: pa.Table | duckdb.DuckDBPyRelation,
) -> Iterator[None]:
    """While it lasts `con` holds `_fold_members` (detections with their alert), `_fold_mapping` and a view of the evidence."""
    con.register("_fold_detections", detections)
    con.register("_fold_evidence", evidence)
    try:
        con.execute(_MEMBERS.format(subject=_SUBJECT))
        con.execute(_MAPPING)
        yield
    finally:
        for name in ("_fold_members", "_fold_mapping"):
            con.execute(f"DROP TABLE IF EXISTS {name}")
        con.unregister("_fold_detections")
        con.unregister("_fold_evidence")


def _fold_rows(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Alerts and behaviors before triage."""
    lists = ("attack_techniques", "src_ips", "countries")
    unions = {column: _UNION.format(column) for column in lists}
    people = "list_distinct(list_append(coalesce(actor_user_uids, []), actor_user_uid))"
    people = f"list_filter({people}, lambda uid: uid IS NOT NULL)"
    sql = _ALERTS.format(rank=_RANK, actor_user_uids=_UNION.format(people), **unions)
    alerts: pl.DataFrame = con.sql(sql).pl()
    return alerts


def _first_evidence(con: duckdb.DuckDBPyConnection, wanted: pl.DataFrame) -> pl.DataFrame:
    """The first row of the first detection of each alert `wanted` (`alert_uid`, `group_uid`), under the uid of its group."""
    rows: pl.DataFrame = con.sql(_FIRST_EVIDENCE).pl()  # finds `wanted` by its name
    return rows


def _as_contract(name: str, frame: pl.DataFrame) -> pa.Table:
    table = contract(name)
    absent = [pl.lit(None).alias(c) for c in table.columns if c not in frame.columns]
    ordered = frame.with_columns(absent).sort(table.sort_by)
    return conform(table, ordered.select(table.columns).to_arrow())
