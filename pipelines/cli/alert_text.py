"""Alerts as text for a person: the list, one explained, what was decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pipelines.cli.context import Output, printable

if TYPE_CHECKING:
    from pipelines.alerts import Explanation

STYLES = {"high": "bold red", "medium": "yellow", "low": "cyan", "closed": "dim"}
EVIDENCE_SHOWN = 20


def print_list(
    out: Output, found: Sequence[Mapping[str, Any]], limit: int, blind: Sequence[Mapping[str, Any]], *, behaviors: bool
) -> None:
    kind = "behaviors" if behaviors else "alerts"
    if out.json:
        out.document({kind: list(found[:limit]), "total": len(found), "not_active": list(blind)})
        return
    columns = ["alert", "severity", "policy", "who", "what", "last seen (UTC)", "risk", "priority", "status"]
    rows = [[*_line(row), row["suppressed_by"] if behaviors else _status(row)] for row in found[:limit]]
    if behaviors:
        columns[-1] = "not raised because"
    if rows:
        out.table(f"{len(found)} {kind}", columns, rows, styles=STYLES)
    if len(found) > limit:
        out.line(f"{len(found) - limit} more: raise --limit or narrow with --policy, --user, --from")
    unseeing = {row["policy_id"] for row in blind if row["state"] == "blind"}
    for row in blind:
        out.line(f"{row['policy_id']} is {row['state']}: {row['reason']}")
    if not rows:
        out.line(
            f"Nothing to show; that says nothing about {', '.join(sorted(unseeing))}." if unseeing else f"No {kind}."
        )


def _line(row: Mapping[str, Any]) -> list[object]:
    title = f"{row['title']} (seen on {row['day_count']} days)" if (row.get("day_count") or 1) > 1 else row["title"]
    return [row["alert_uid"][:12], row["severity"], row["policy_id"], _who(row), title, row["last_seen"],
            round(row["risk_score"] or 0), round(row["priority"] or 0)]  # fmt: skip


def _who(row: Mapping[str, Any]) -> str:
    return row["actor_user_name"] or row["actor_user_uid"] or _how_many(row["actor_user_uids"] or ())


def _how_many(people: Sequence[str]) -> str:
    """Of a campaign its victims; an alert about the instance has nobody."""
    return f"{len(people)} users" if people else "(the instance)"


def _status(row: Mapping[str, Any]) -> str:
    return f"{row['status']} ({row['assignee']})" if row.get("assignee") else str(row["status"])


def print_explanation(out: Output, found: Explanation) -> None:
    out.line(f"{found.alert_uid}  {found.title}")
    for heading, lines in (("Who", found.who), ("What", found.what), ("Why", found.why)):
        _section(out, heading, lines)
    _section(out, "How probable", [f"{name}: {value}" for name, value in found.risk])
    _section(out, "How much it matters", [f"{name}: {value}" for name, value in found.priority])
    _section(out, "Measured", [f"{name}: {value}" for name, value in found.facts.items()])
    _section(out, "What the model found strange", found.strange)
    shown = [
        f"{row['time']:%Y-%m-%d %H:%M:%S} {row['activity_name']:<16} {row['source_table']} {row['source_uid']}  {row['summary'] or ''}"
        for row in found.evidence[:EVIDENCE_SHOWN]
    ]
    more = len(found.evidence) - len(shown)
    _section(out, "Evidence (UTC)", [*shown, *([f"... and {more} more in mart.alert_evidence"] if more else [])])
    _section(out, "Next steps", found.next_steps)
    _section(out, "Blind to", [found.blind_to] if found.blind_to else [])
    _section(out, "Triage", found.triage)


def _section(out: Output, heading: str, lines: Sequence[str]) -> None:
    if lines:
        out.line(heading)
        for line in lines:
            out.line(f"  {printable(line)}")


def print_decisions(out: Output, what: str, done: Sequence[Any]) -> None:
    out.document(list(done))
    for decision in done:
        out.line(f"{decision.alert_uid[:12]} {what}")
    out.note("In the warehouse from the next publish; `nowguard alerts` shows it at once.")


def aim(suppression: Any) -> str:
    parts = {
        "policy": suppression.policy_id,
        "user": suppression.actor_user_name or suppression.actor_user_uid,
        "address": suppression.src_ip,
        "country": suppression.country,
    }
    return ", ".join(f"{name} {value}" for name, value in parts.items() if value)
