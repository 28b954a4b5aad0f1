"""`nowguard alerts`: read the published alerts, decide about them, and say what could not be seen."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.alert_desk import open_desk, open_triage
from pipelines.cli.alert_text import aim, print_decisions, print_explanation, print_list
from pipelines.cli.context import JsonFlag, Output, QuietFlag, day_of, explained, settings_of
from pipelines.errors import UsageError
from pipelines.window import utc_now

if TYPE_CHECKING:
    from pipelines.settings import Settings

app = typer.Typer(help="Alerts: list, explain, decide, suppress.", no_args_is_help=True)

Uid = Annotated[str, typer.Argument(help="The alert, or the first letters of its uid.")]
Uids = Annotated[
    list[str], typer.Argument(help="Alerts, or the first letters of their uids; a summary means its members too.")
]
By = Annotated[str | None, typer.Option("--by", help="Who decides (default: the user of this computer).")]
Comment = Annotated[str | None, typer.Option(help="What the next reader should know.")]


@app.callback()
def group() -> None:
    """What was found, most important first, and what people decided about it. Decisions survive every rebuild."""


@app.command("list")
@explained
def list_alerts(
    ctx: typer.Context,
    status: Annotated[str | None, typer.Option(help="new, acknowledged, closed or all (default: not closed).")] = None,
    policy: Annotated[str | None, typer.Option(help="Only this policy.")] = None,
    severity: Annotated[str | None, typer.Option(help="Only this severity.")] = None,
    user: Annotated[
        str | None, typer.Option(help="Only this user: name or sys_id, victims of campaigns included.")
    ] = None,
    first: Annotated[str | None, typer.Option("--from", help="First UTC day, YYYY-MM-DD.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last UTC day, YYYY-MM-DD.")] = None,
    members_of: Annotated[str | None, typer.Option("--group", help="Members of this flood summary.")] = None,
    behaviors: Annotated[
        bool, typer.Option("--behaviors", help="What was seen and not raised, with the reason.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="Rows at most.")] = 50,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """List alerts by probability times priority; grouped ones under their summary. Names every blind policy."""
    from pipelines.alerts.desk import in_group, wanted

    out = Output(json, quiet)
    with open_desk(settings_of(ctx)) as desk:
        group_uid = desk.one(members_of)["alert_uid"] if members_of else None
        rows = in_group(desk.frame("behaviors" if behaviors else "alerts"), group_uid)
        blind = desk.blind()
    days = {"first": day_of(first) if first else None, "last": day_of(last) if last else None}
    found = wanted(rows, status=status, policy=policy, severity=severity, user=user, **days).to_dicts()
    print_list(out, found, limit, blind, behaviors=behaviors)


@app.command()
@explained
def show(ctx: typer.Context, uid: Uid, json: JsonFlag = False, quiet: QuietFlag = False) -> None:
    """Explain one alert: who, what, why, evidence, next steps, and what was decided so far."""
    from pipelines.alerts import explain

    out = Output(json, quiet)
    with open_desk(settings_of(ctx)) as desk:
        alert = desk.one(uid)
        evidence = desk.evidence(alert["alert_uid"])
        attributions = desk.attributions(alert["alert_uid"])
        past = [str(decision) for decision in desk.triage.history(alert["alert_uid"])]
    words = _policy_words(settings_of(ctx), alert["policy_id"])
    explanation = explain(alert, evidence, history=past, attributions=attributions, **words)
    if json:
        out.document({"alert": alert, "explanation": explanation})
        return
    print_explanation(out, explanation)


@app.command()
@explained
def ack(
    ctx: typer.Context,
    uids: Uids,
    comment: Comment = None,
    by: By = None,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Acknowledge: somebody looks at it. Opens a closed alert again."""
    out = Output(json, quiet)
    with open_desk(settings_of(ctx)) as desk:
        done = [
            desk.triage.acknowledge(alert, author=_author(by), now=utc_now(), comment=comment)
            for alert in desk.several(uids)
        ]
    print_decisions(out, "acknowledged", done)


@app.command()
@explained
def assign(
    ctx: typer.Context,
    uids: Uids,
    to: Annotated[str, typer.Option(help="Who shall look at it.")],
    by: By = None,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Hand alerts to somebody; the status stays."""
    out = Output(json, quiet)
    with open_desk(settings_of(ctx)) as desk:
        done = [desk.triage.assign(alert, to, author=_author(by), now=utc_now()) for alert in desk.several(uids)]
    print_decisions(out, f"assigned to {to}", done)


@app.command()
@explained
def close(
    ctx: typer.Context,
    uids: Uids,
    classification: Annotated[str, typer.Option("--as", help="true_positive, benign or false_positive.")],
    reason: Annotated[
        str | None,
        typer.Option(
            help="benign: severity_lower, confirmed_with_user, triggered_by_test, other. "
            "false_positive: not_of_interest, too_many_similar, not_accurate, other. true_positive: confirmed."
        ),
    ] = None,
    comment: Comment = None,
    by: By = None,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Close with one of Microsoft's reasons. It opens again by itself where the behaviour goes on and grows."""
    out = Output(json, quiet)
    why = reason or ("confirmed" if classification == "true_positive" else "other")
    with open_desk(settings_of(ctx)) as desk:
        done = [
            desk.triage.close(alert, classification, why, author=_author(by), now=utc_now(), comment=comment)
            for alert in desk.several(uids)
        ]
    print_decisions(out, f"closed as {classification} ({why})", done)


@app.command()
@explained
def suppress(
    ctx: typer.Context,
    reason: Annotated[str, typer.Option(help="Why these alerts are not to be raised.")],
    uid: Annotated[
        str | None, typer.Argument(help="Suppress what is like this alert: its policy and user or source.")
    ] = None,
    policy: Annotated[str | None, typer.Option(help="Only alerts of this policy.")] = None,
    user: Annotated[str | None, typer.Option(help="Only alerts of this user name.")] = None,
    ip: Annotated[
        str | None, typer.Option(help="Only alerts all of whose addresses lie in this address or CIDR.")
    ] = None,
    country: Annotated[str | None, typer.Option(help="Only alerts from this country alone (ISO code).")] = None,
    days: Annotated[int, typer.Option(min=1, max=90, help="Life in days after the last day published.")] = 30,
    since: Annotated[
        str | None, typer.Option("--from", help="First UTC day it hides (default: the alert's, else the last day).")
    ] = None,
    owner: Annotated[str | None, typer.Option(help="Who answers for it (default: the user of this computer).")] = None,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Stop raising what is known to be harmless, for 90 days at most. It goes on in behaviors with the reason."""
    from pipelines.alerts import new_suppression

    out = Output(json, quiet)
    criteria = {
        "policy_id": policy,
        "actor_user_name": user,
        "src_ip": ip,
        "country": country.upper() if country else None,
    }
    with open_desk(settings_of(ctx)) as desk:
        reference = desk.reference()
        start = datetime.combine(day_of(since), time.min) if since else datetime.combine(reference.date(), time.min)
        if uid:
            alert = desk.one(uid)
            criteria = _like(alert, criteria)
            start = start if since else datetime.combine(alert["first_seen"].date(), time.min)
        end = datetime.combine(reference.date(), time.min) + timedelta(days=days)
        made = desk.triage.suppress(
            new_suppression(
                owner=_author(owner), reason=reason, starts_at=start, expires_at=end, created_at=utc_now(), **criteria
            ),
            reference,
        )
    out.document(made)
    out.line(f"suppression {made.suppression_uid} until {made.expires_at:%Y-%m-%d} UTC: {aim(made)}")
    out.note("In force at once in `nowguard alerts list`, and in the warehouse from the next publish.")


@app.command()
@explained
def unsuppress(
    ctx: typer.Context,
    suppression: Annotated[str, typer.Argument(help="Its id, as `alerts suppressions` lists it.")],
    by: By = None,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """End a suppression: what it hid is raised at the next publish."""
    out = Output(json, quiet)
    with open_triage(settings_of(ctx)) as triage:
        triage.unsuppress(suppression, author=_author(by), now=utc_now())
    out.document({"lifted": suppression})
    out.line(f"suppression {suppression} is lifted")


@app.command()
@explained
def suppressions(ctx: typer.Context, json: JsonFlag = False, quiet: QuietFlag = False) -> None:
    """List suppressions, expired and lifted ones too."""
    out = Output(json, quiet)
    with open_triage(settings_of(ctx)) as triage:
        found = triage.suppressions()
    columns = ["uid", "hides", "from", "until", "owner", "reason", "lifted"]
    rows = [
        [s.suppression_uid, aim(s), s.starts_at.date(), s.expires_at.date(), s.owner, s.reason, s.lifted_at]
        for s in found
    ]
    out.table("Suppressions", columns, rows)


def _policy_words(settings: Settings, policy_id: str) -> Mapping[str, Any]:
    from pipelines.policies.registry import words

    return words(policy_id, settings.policies_dir)


def _like(alert: Mapping[str, Any], said: dict[str, str | None]) -> dict[str, str | None]:
    """Criteria from an alert where none are given: its policy, and its user, typed name or campaign source."""
    criteria = said | {"policy_id": said["policy_id"] or alert["policy_id"]}
    if any(said[name] for name in ("actor_user_name", "src_ip", "country")):
        return criteria
    if alert["actor_user_uid"]:
        return criteria | {"actor_user_uid": alert["actor_user_uid"]}
    if alert["actor_user_name"]:
        return criteria | {"actor_user_name": alert["actor_user_name"]}
    sources = alert["src_ips"] or []
    if len(sources) != 1:
        raise UsageError(
            "this alert has no single user or source", remedy="say what to suppress with --user, --ip or --country"
        )
    return criteria | {"src_ip": sources[0]}


def _author(by: str | None) -> str:
    return by or getpass.getuser()
