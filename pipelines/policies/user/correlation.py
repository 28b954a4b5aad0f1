"""Sigma correlations as one SELECT over `core__activity`: sliding windows that end on the day.

A window is all events of a group within `timespan` up to an event. Supported: event_count, value_count, temporal,
temporal_ordered; the others are refused by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sigma.correlations import SigmaCorrelationCondition, SigmaCorrelationRule
from sigma.correlations import SigmaCorrelationConditionOperator as Op

from pipelines.errors import UsageError
from pipelines.policies.user.duckdb_backend import column_of

_OPERATORS = {Op.GTE: ">=", Op.GT: ">", Op.EQ: "="}


def select_of(rule: SigmaCorrelationRule, conditions: Mapping[str, str]) -> str:
    """`conditions` are the boolean expressions of the rules that it refers to, by name or id."""
    rules = [reference.reference for reference in rule.rules or ()]
    if missing := [name for name in rules if name not in conditions]:
        raise UsageError(f"it refers to {missing[0]}", remedy="put that rule into the same file, with this name or id")
    kind = rule.type.name.lower()
    columns = list(dict.fromkeys(column_of(field) for field in rule.group_by or ()))
    span = f"INTERVAL {rule.timespan.seconds} SECOND"
    events = " UNION ALL ".join(
        f"SELECT *, {n} AS leg FROM core__activity WHERE {conditions[name]}" for n, name in enumerate(rules)
    )
    group = ", ".join(f'"{c}"' for c in columns) or "1"
    window = f"PARTITION BY {group} ORDER BY time RANGE BETWEEN {span} PRECEDING AND CURRENT ROW"
    legs, reached = _reached(kind, rule, len(rules), window, group, span)
    present = " AND ".join(f'"{c}" IS NOT NULL' for c in columns) or "true"
    return _FOLDED.format(
        events=events, legs=legs, reached=reached, present=present, span=span,
        group=group, same=" AND ".join(f'e."{c}" = w."{c}"' for c in columns) or "true",
        columns="".join(f', any_value(e."{c}") AS "{c}"' for c in columns if c not in ("actor_user_uid", "actor_user_name", "time")),
    )  # fmt: skip


#: One row per group: the events of every window that reached the condition. An actor is named where there is only one.
_FOLDED = """
WITH events AS (SELECT * FROM ({events}) WHERE {present}),
windows AS (SELECT DISTINCT {group}, time AS ends FROM {legs} WHERE {reached}),
within AS (
  SELECT e.* FROM events e SEMI JOIN windows w ON {same} AND e.time BETWEEN w.ends - {span} AND w.ends
)
SELECT CASE WHEN count(DISTINCT actor_user_uid) = 1 THEN any_value(actor_user_uid) END AS actor_user_uid,
       CASE WHEN count(DISTINCT actor_user_name) = 1 THEN any_value(actor_user_name) END AS actor_user_name,
       list_sort(list_distinct(list(actor_user_uid))) AS actor_user_uids,
       min(time) AS first_seen, max(time) AS last_seen, list_sort(list_distinct(list(activity_uid))) AS evidence,
       count(DISTINCT activity_uid) AS event_count, count(DISTINCT actor_user_name) AS user_count{columns}
FROM within e GROUP BY {group}
"""


def _reached(kind: str, rule: SigmaCorrelationRule, legs: int, window: str, group: str, span: str) -> tuple[str, str]:
    """(FROM clause that adds what the condition needs to `events`, the condition)."""
    if kind == "event_count":
        return f"(SELECT *, count(*) OVER ({window}) AS reached FROM events)", f"reached {_condition(rule)}"
    if kind == "value_count":
        field = _plain(rule).fieldref
        if not isinstance(field, str):
            raise UsageError("value_count names no field", remedy="add field: src_ip under condition")
        counted = f'count(DISTINCT "{column_of(field)}") OVER ({window})'
        return f"(SELECT *, {counted} AS reached FROM events)", f"reached {_condition(rule)}"
    if kind == "temporal":
        seen = ", ".join(f"bool_or(leg = {n}) OVER ({window}) AS leg_{n}" for n in range(legs))
        return f"(SELECT *, {seen} FROM events)", " AND ".join(f"leg_{n}" for n in range(legs))
    if kind == "temporal_ordered":
        return _chain(legs, group), f"leg = {legs - 1} AND began_{legs - 1} >= time - {span}"
    raise UsageError(
        f"correlation type {kind} is not supported", remedy="use event_count, value_count, temporal or temporal_ordered"
    )


def _chain(legs: int, group: str) -> str:
    """`began_n` of an event of leg n: the latest start of a chain of legs 0..n that ends here. One pass per leg."""
    source = "(SELECT *, CASE WHEN leg = 0 THEN time END AS began_0 FROM events)"
    upto = f"PARTITION BY {group} ORDER BY time RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"
    for n in range(1, legs):
        source = f"(SELECT *, CASE WHEN leg = {n} THEN max(began_{n - 1}) OVER ({upto}) END AS began_{n} FROM {source})"
    return source


def _plain(rule: SigmaCorrelationRule) -> SigmaCorrelationCondition:
    if not isinstance(rule.condition, SigmaCorrelationCondition):
        raise UsageError("an extended condition is not supported", remedy="use gte, gt or eq with a number")
    return rule.condition


def _condition(rule: SigmaCorrelationRule) -> str:
    condition = _plain(rule)
    if condition.op not in _OPERATORS:
        raise UsageError("a window with few events is not a finding here", remedy="use gte, gt or eq")
    return f"{_OPERATORS[condition.op]} {condition.count:g}"


def rule_names(rule: Any) -> list[str]:
    """What a correlation may call a rule: its name or its id."""
    return [str(name) for name in (rule.name, rule.id) if name]
