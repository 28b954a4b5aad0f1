"""Who, what, why, evidence and next steps of one alert: plain values that a terminal, a page or a ticket can show.

Texts may hold what an attacker typed. Whoever shows them escapes them for the place: control characters on a terminal,
markup on a page.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.alerts.impact import SEVERITY
from pipelines.alerts.risk import PRIORS

_FLAGS: tuple[tuple[str, str, str], ...] = (
    ("is_first_for_user", "new for this user in 90 days", "this user has shown it before"),
    ("is_uncommon_among_peers", "fewer than 5 % of the department show it", "common in the department"),
    ("is_uncommon_in_organisation", "fewer than 5 % of the organisation show it", "common in the organisation"),
    ("is_first_in_organisation", "new for the whole organisation in 90 days", "somebody here has shown it before"),
)
_PRIOR_WORDS = (
    "assumed for policies of this kind; not measured",
    "how often this policy was right when it was measured",
)
_RISK_WORDS: Mapping[str, str] = {
    "first_for_user": "new for the user or not",
    "uncommon_among_peers": "rare among peers or not",
    "uncommon_in_organisation": "rare in the organisation or not",
    "first_in_organisation": "first in the organisation",
    "confidence": "how sure the policy is of this case",
    "campaign": "one source, many users",
    "suppressed": "a mechanism holds it for harmless",
}
_PRIORITY_LIMITS: Mapping[str, int] = {
    "severity": int(max(SEVERITY.values())),
    "user_impact": 25,
    "popularity": 20,
    "asset": 15,
}

STRONGEST = 5  # features of a model's score that a person reads


@dataclass(frozen=True)
class Explanation:
    """One alert for a person. Every field is text or rows of text; `why` and `next_steps` are lists of sentences."""

    alert_uid: str
    title: str
    who: tuple[str, ...]
    what: tuple[str, ...]
    why: tuple[str, ...]
    risk: tuple[tuple[str, str], ...]
    priority: tuple[tuple[str, str], ...]
    facts: Mapping[str, Any]
    evidence: tuple[Mapping[str, Any], ...]
    next_steps: tuple[str, ...]
    blind_to: str = ""
    triage: tuple[str, ...] = ()
    strange: tuple[str, ...] = ()  # what drove the model's score, where one took part


def explain(
    alert: Mapping[str, Any],
    evidence: Sequence[Mapping[str, Any]],
    *,
    summary: str = "",
    steps: Iterable[str] = (),
    blind_to: str = "",
    history: Iterable[str] = (),
    attributions: Sequence[Mapping[str, Any]] = (),
) -> Explanation:
    """`alert` is a row of `mart.alerts`, `attributions` are its rows of `mart.alert_attributions`, the strongest first; `summary`, `steps` and `blind_to` are the words of its policy."""
    return Explanation(
        alert_uid=alert["alert_uid"],
        title=alert["title"],
        who=tuple(_who(alert)),
        what=tuple(_what(alert)),
        why=tuple(_why(alert, summary)),
        risk=tuple(_risk(alert)),
        priority=tuple(_priority(alert)),
        facts=_object(alert.get("facts")),
        evidence=tuple(evidence),
        next_steps=tuple(_next_steps(alert, steps)),
        blind_to=blind_to,
        triage=(_standing(alert), *history),
        strange=tuple(_strange(attributions)),
    )


def _who(alert: Mapping[str, Any]) -> Iterable[str]:
    people = alert.get("actor_user_uids") or []
    if alert.get("actor_user_name") or alert.get("actor_user_uid"):
        yield f"{alert.get('actor_user_name') or '(no name)'} (sys_user {alert.get('actor_user_uid') or 'unknown'})"
    elif alert.get("is_summary"):
        yield f"a summary of grouped alerts about {len(people)} users"
    elif not people:
        yield "the instance: nobody is seen to have done it"
    else:
        yield f"a campaign against {len(people)} users: {', '.join(people[:10])}{' ...' if len(people) > 10 else ''}"


def _what(alert: Mapping[str, Any]) -> Iterable[str]:
    yield f"{alert['policy_id']} ({alert['policy_kind']}, severity {alert['severity']})"
    span = f"{alert['first_seen']:%Y-%m-%d %H:%M:%S} to {alert['last_seen']:%Y-%m-%d %H:%M:%S} UTC"
    days = alert.get("day_count") or 1
    yield span if days < 2 else f"{span}, on {days} days"
    for label, column in (("from", "src_ips"), ("countries", "countries"), ("ATT&CK", "attack_techniques")):
        if alert.get(column):
            yield f"{label} {', '.join(alert[column])}"


def _why(alert: Mapping[str, Any], summary: str) -> Iterable[str]:
    if summary:
        yield " ".join(summary.split())
    trait = f"{alert['trait_kind']} {alert['trait_value']}" if alert.get("trait_kind") else "what was seen"
    for column, if_true, if_false in _FLAGS:
        if alert.get(column) is not None:
            yield f"{trait}: {if_true if alert[column] else if_false}"
    if alert.get("suppressed_by"):
        yield f"not raised: {alert['suppressed_by']}"


def _strange(attributions: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    """The score, then the features that shortened the path, in cuts: a row that fewer random cuts set apart is stranger."""
    if not attributions:
        return
    first = attributions[0]
    score = (
        "too little is known for a score"
        if first["model_score"] is None
        else f"score {first['model_score']:.0f} of 100"
    )
    yield f"{first['model_id']} {first['model_revision']} on {first['scored_on']}: {score}"
    for row in [row for row in attributions if row["contribution"] < 0][:STRONGEST]:
        yield f"{row['feature']} {row['value']:g}, usual {row['baseline']:g}: {-row['contribution']:.2f} cuts stranger"


def _risk(alert: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """The score, then what each part makes of the odds: x2.0 doubles them."""
    if alert.get("risk_score") is not None:
        yield "estimated probability of a true positive", f"{alert['risk_score']:.0f} %"
    for name, value in _object(alert.get("risk_parts")).items():
        if value:
            if name == "prior":
                yield _PRIOR_WORDS[alert["policy_id"] in PRIORS], f"{100 / (1 + math.exp(-value)):.0f} %"
            else:
                yield _RISK_WORDS.get(name, name), f"odds x{math.exp(value):.2f}"


def _priority(alert: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    if alert.get("priority") is not None:
        yield "priority", f"{alert['priority']:.0f} of 100"
    for name, value in _object(alert.get("priority_parts")).items():
        yield name.replace("_", " "), f"{value:g} of {_PRIORITY_LIMITS.get(name, 100)}"


def _next_steps(alert: Mapping[str, Any], steps: Iterable[str]) -> Iterable[str]:
    yield from steps
    uid = alert["alert_uid"][:12]
    if alert.get("is_summary"):
        yield f"List the members: nowguard alerts list --group {uid}"
    if alert.get("status") != "closed":
        yield f"Decide: nowguard alerts close {uid} --as true_positive|benign|false_positive --reason ..."
        yield f"Expected for a while? nowguard alerts suppress {uid} --reason ... --days 30"


def _standing(alert: Mapping[str, Any]) -> str:
    said = [str(alert.get("status") or "new")]
    if alert.get("classification"):
        said.append(f"as {alert['classification']} ({alert.get('close_reason')})")
    if alert.get("assignee"):
        said.append(f"assigned to {alert['assignee']}")
    if alert.get("comment"):
        said.append(f"comment: {alert['comment']}")
    return ", ".join(said)


def _object(text: str | None) -> dict[str, Any]:
    """A JSON object, or nothing where it is not one."""
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
