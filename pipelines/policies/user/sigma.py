"""Sigma files: each rule with `logsource: {product: servicenow}` and each correlation is a policy.

Our settings stand under one key, `x_policy`: id, title, lookback, scope, triage, cases and what else `told` knows. A rule
that only a correlation speaks of raises nothing by itself, unless the correlation says `generate: true`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from sigma.correlations import SigmaCorrelationRule
from sigma.exceptions import SigmaError
from sigma.rule import SigmaRule

from pipelines.errors import UsageError
from pipelines.policies.core import Policy
from pipelines.policies.user.correlation import rule_names, select_of
from pipelines.policies.user.duckdb_backend import DuckDBBackend
from pipelines.policies.user.locked import check_title, describe
from pipelines.policies.user.problem import Problem, id_of, line_of
from pipelines.policies.user.told import duration, policy_from

PRODUCT = "servicenow"
_SEVERITY = {"informational": "informational", "low": "low", "medium": "medium", "high": "high", "critical": "high"}
_SELECT = """
SELECT actor_user_uid, actor_user_name, min(time) AS first_seen, max(time) AS last_seen,
       list_sort(list(activity_uid)) AS evidence, count(*) AS event_count
FROM core__activity WHERE {condition} GROUP BY actor_user_uid, actor_user_name, time::DATE"""


def policies_of(path: Path) -> Iterator[Policy | Problem]:
    """The policies of one file, in its order, and a problem for each rule that cannot be one."""
    try:
        text = path.read_text(encoding="utf-8")
        documents = [d for d in yaml.compose_all(text, Loader=yaml.CSafeLoader) if d is not None]
        starts = [d.start_mark.line + 1 for d in documents]
        told = [d for d in yaml.safe_load_all(text) if d is not None]
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        cause = f"{getattr(error, 'problem', None) or error}"
        yield Problem(id_of(path.stem), str(path), mark.line + 1 if mark else 1, cause, "correct the YAML")
        return
    yield from _File(path, text, starts, told).policies()


class _File:
    """One parsed file: conditions of its rules by name, and which of them only serve a correlation."""

    def __init__(self, path: Path, text: str, starts: list[int], told: list[Any]) -> None:
        self.path, self.text, self.starts, self.told = path, text, starts, told
        self.conditions: dict[str, str] = {}
        self.serving = {
            str(name)
            for rule in told
            if isinstance(rule, dict)
            and isinstance(correlation := rule.get("correlation"), dict)
            and not correlation.get("generate")
            for name in correlation.get("rules") or ()
        }

    def policies(self) -> Iterator[Policy | Problem]:
        ordered = sorted(enumerate(self.told), key=lambda item: isinstance(item[1], dict) and "correlation" in item[1])
        for number, told in ordered:
            try:
                found = self._policy(told)
            except (SigmaError, UsageError) as error:
                yield self._problem(number, told, error)
            else:
                if found is not None:
                    yield found

    def _policy(self, told: Any) -> Policy | None:
        if not isinstance(told, dict):
            raise UsageError("a document is no rule", remedy="write a mapping with title, logsource and detection")
        if "correlation" in told:
            rule = SigmaCorrelationRule.from_dict(told)
            return self._made(told, rule, select_of(rule, self.conditions), lookback=f"{rule.timespan.seconds}s")
        return self._single(told)

    def _single(self, told: Mapping[str, Any]) -> Policy | None:
        """A rule that stands alone; one that only serves a correlation is remembered for it."""
        rule = SigmaRule.from_dict(dict(told))
        if rule.logsource.product != PRODUCT:
            raise UsageError(f"logsource.product is {rule.logsource.product}", remedy=f"write product: {PRODUCT}")
        condition = " OR ".join(f"({found})" for found in DuckDBBackend().convert_rule(rule))
        for name in rule_names(rule):
            self.conditions[name] = condition
        if self.serving & set(rule_names(rule)):
            return None
        return self._made(told, rule, _SELECT.format(condition=condition), lookback="0s")

    def _made(self, told: Mapping[str, Any], rule: Any, query: str, *, lookback: str) -> Policy:
        ours = told.get("x_policy") or {}
        if not isinstance(ours, dict):
            raise UsageError("x_policy is no mapping", remedy="put id, title, scope, cases under it")
        if duration(str(ours.get("lookback", lookback))) < duration(lookback):
            raise UsageError("x_policy.lookback is shorter than timespan", remedy="leave it out")
        techniques = [
            tag.name.upper() for tag in rule.tags if tag.namespace == "attack" and tag.name[:1].lower() == "t"
        ]
        said = {
            "title": f"{{actor}}: {rule.title}", "severity": _SEVERITY[rule.level.name.lower()] if rule.level else "medium",
            "attack": [t for t in techniques if t[1:2].isdigit()], "summary": rule.description or rule.title,
            "blind_to": "; ".join((rule.falsepositives and [f"Known false positives: {', '.join(rule.falsepositives)}"]) or []),
            "lookback": lookback, **ours,
        }  # fmt: skip
        policy = policy_from(
            said, id_=str(ours.get("id") or id_of(rule.name or rule.title)), query=query, path=str(self.path)
        )
        check_title(policy.title, describe(query, policy.reads))
        return policy

    def _problem(self, number: int, told: Any, error: Exception) -> Problem:
        name = told.get("name") or told.get("title") if isinstance(told, dict) else None
        ours = told.get("x_policy") if isinstance(told, dict) else None
        id_ = (ours.get("id") if isinstance(ours, dict) else None) or id_of(
            str(name or f"{self.path.stem} {number + 1}")
        )
        cause, remedy = (
            (error.cause, error.remedy)
            if isinstance(error, UsageError)
            else (str(error), "see the Sigma specification")
        )
        start = self.starts[number]
        words = [word.strip("'\".,:()") for word in reversed(cause.split())]
        line = next((at for word in words if len(word) > 3 and (at := line_of(self.text, word, start)) > start), start)
        return Problem(str(id_), str(self.path), line, cause, remedy)
