"""`nowguard policy`: what is looked for, whether each policy still proves itself, and what other parameters would do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.context import JsonFlag, Output, QuietFlag, day_of, explained, settings_of
from pipelines.cli.landed import landed_settings
from pipelines.errors import CheckFailed, UsageError
from pipelines.window import days_between

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb
    import pyarrow as pa

    from pipelines.alerts.backtest import Backtest
    from pipelines.lake import Lake
    from pipelines.policies import Policy
    from pipelines.policies.core import Sensitivity, Value
    from pipelines.policies.user import Problem
    from pipelines.settings import Settings

app = typer.Typer(help="Policies: list, show, test, backtest.", no_args_is_help=True)

STYLES = {
    "high": "bold red",
    "medium": "yellow",
    "low": "cyan",
    "blind": "bold red",
    "degraded": "yellow",
    "failed": "bold red",
}
PolicyId = Annotated[str, typer.Argument(help="Id of the policy, e.g. impossible_travel.")]


@app.callback()
def group() -> None:
    """What is looked for: one file per policy, with its parameters, its blind spot and the cases that prove it."""


@app.command("list")
@explained
def list_policies(ctx: typer.Context, json: JsonFlag = False, quiet: QuietFlag = False) -> None:
    """List the policies with severity, techniques, and how well each could see on the last day published."""
    out = Output(json, quiet)
    settings = settings_of(ctx)
    seen = _coverage(settings)
    policies, problems = _policies(settings)
    for problem in problems:
        out.note(problem.text)
    rows = [
        [
            p.id,
            str(p.kind),
            p.severity,
            ", ".join(p.attack),
            seen.get(p.id, "not run") if p.enabled else "off",
            _first(p.summary),
        ]
        for p in policies.values()
    ]
    out.table(
        "Policies", ["policy", "kind", "severity", "ATT&CK", "coverage", "what it looks for"], rows, styles=STYLES
    )


@app.command()
@explained
def show(ctx: typer.Context, policy: PolicyId, json: JsonFlag = False, quiet: QuietFlag = False) -> None:
    """Everything a policy says of itself: text, parameters with their source, needs, suppressions, blind spot, triage."""
    out = Output(json, quiet)
    found = _one(settings_of(ctx), policy)
    if json:
        out.document(_described(found))
        return
    out.line(f"{found.id} ({found.kind}, severity {found.severity}, {', '.join(found.attack)})")
    for paragraph in found.summary.strip().splitlines():
        out.line(paragraph)
    out.line("")
    if found.params:
        rows = [[p.name, str(p.default), p.unit, p.meaning, p.source] for p in found.params]
        out.table("Parameters", ["name", "value", "unit", "meaning", "source of the default"], rows)
    if found.suppressions:
        rows = [[s.name, s.scope, s.meaning] for s in found.suppressions]
        out.table("What explains a case away", ["name", "scope", "meaning"], rows)
    _lines(out, "Needs", _needs(found))
    _lines(out, "Blind to", [found.blind_to])
    _lines(out, "Triage", found.triage)
    _lines(out, "Cases", [case.name for case in found.cases])


@app.command("test")
@explained
def run_cases(
    ctx: typer.Context,
    policy: Annotated[str | None, typer.Argument(help="Only this policy (default: all).")] = None,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Run the cases of each policy, the user's own included; exit 1 where one does not come out as it says."""
    from pipelines.policies.prove import prove

    out = Output(json, quiet)
    settings = settings_of(ctx)
    policies, problems = _policies(settings)
    broken = [p for p in problems if policy in (None, p.policy_id)]
    chosen = list(policies.values()) if policy is None else []
    if policy and not broken:
        chosen = [_named(policies, policy)]
    rows = [[p.policy_id, "the file can be used", p.text] for p in broken]
    rows += [[one.id, proof.case, proof.failure] for one in chosen for proof in prove(one)]
    failed = [row for row in rows if row[2]]
    if json:
        out.document([{"policy": p, "case": case, "ok": not why, "problem": why} for p, case, why in rows])
    else:
        for name, case, why in failed if quiet else rows:
            out.line(f"{'FAILED' if why else 'ok':<7}{name}: {case}{f' ({why})' if why else ''}")
        out.line(f"{len(rows) - len(failed)} of {len(rows)} cases of {len(chosen)} policies hold")
    if failed:
        raise CheckFailed(f"{len(failed)} of {len(rows)} cases failed", remedy="correct the policy or its case")


@app.command()
@explained
def backtest(
    ctx: typer.Context,
    policy: Annotated[str, typer.Option("--policy", help="Id of the policy.")],
    first: Annotated[str, typer.Option("--from", help="First UTC day, YYYY-MM-DD.")],
    last: Annotated[str, typer.Option("--to", help="Last UTC day, YYYY-MM-DD.")],
    changes: Annotated[list[str] | None, typer.Option("--set", help="A parameter, key=value; may be repeated.")] = None,
    sensitivity: Annotated[str | None, typer.Option(help="low, medium or high (default: the setting).")] = None,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Alerts a day before and after a change, over what is landed; writes nothing."""
    out = Output(json, quiet)
    settings = landed_settings(ctx)
    found = _one(settings, policy)
    changed = dict(_assignment(found, text) for text in changes or ())
    days = days_between(day_of(first), day_of(last))
    if not days:
        raise UsageError(f"--to {last} lies before --from {first}", remedy="swap the two days")
    absent = _absent(settings, days)
    compared = _backtest(settings, found, days, changed, sensitivity or settings.sensitivity)
    if json:
        out.document(compared)
        return
    _print_backtest(out, found.id, changed, compared)
    if absent:
        out.note(
            f"{len(absent)} of {len(days)} days are not in the lake ({absent[0]} the first): nothing is said about them."
        )


def _absent(settings: Settings, days: Sequence[date]) -> list[date]:
    """Days without activities in the lake; refused where it is all of them: nothing found there would read as nothing to find."""
    from pipelines.contracts import contract
    from pipelines.lake import Lake
    from pipelines.state_store import StateStore

    with closing(StateStore(settings.state_file)) as store:
        held = Lake(settings.data_dir, store).days(contract("core__activity"), settings.instance)
    absent = sorted(set(days) - set(held))
    if len(absent) == len(days):
        span = f"{settings.instance} has activities from {held[0]} to {held[-1]}" if held else "nothing has landed"
        raise UsageError(
            f"none of these days is in the lake: {span}", remedy="give --from and --to within it, or run them first"
        )
    return absent


def _backtest(
    settings: Settings, policy: Policy, days: Sequence[date], changed: Mapping[str, Value], sensitivity: str
) -> Backtest:
    from pipelines.alerts.backtest import compare
    from pipelines.lake import Lake
    from pipelines.state_store import StateStore

    before: list[pa.Table] = []
    after: list[pa.Table] = []
    with closing(StateStore(settings.state_file)) as store:
        lake = Lake(settings.data_dir, store)
        for day in days:
            with lake.connect(settings.memory_limit, settings.threads) as con:
                _open_views(lake, con, settings.instance, day, policy)
                before.append(_raised(policy, con, settings.instance, day, settings.sensitivity, {}))
                same = not changed and sensitivity == settings.sensitivity
                after.append(before[-1] if same else _raised(policy, con, settings.instance, day, sensitivity, changed))
        with lake.connect(settings.memory_limit, settings.threads) as con:
            return compare(con, before, after, days)


def _open_views(lake: Lake, con: duckdb.DuckDBPyConnection, instance: str, day: date, policy: Policy) -> None:
    """The tables that the policy reads, as far back as it looks; of a state table also the newest day before."""
    from pipelines.contracts import contract
    from pipelines.policies.evaluate import first_day
    from pipelines.policies.user.locked import lock

    paths: list[Path] = []
    for name in {*policy.reads, *(["core__user"] if policy.scoping else [])}:
        table = contract(name)
        wanted = days_between(first_day(day, policy.lookback), day)
        if table.layer == "state":
            wanted = [held for held in lake.days(table, instance) if held < day][-1:]
        lake.view(con, table, instance, wanted, name=name)
        paths += lake.files(table, instance, wanted)
    if policy.query:
        lock(con, paths)


def _raised(
    policy: Policy,
    con: duckdb.DuckDBPyConnection,
    instance: str,
    day: date,
    sensitivity: str,
    changed: Mapping[str, Value],
) -> pa.Table:
    from pipelines import policies

    level: Sensitivity = _sensitivity(sensitivity)
    return policies.see(policy, con, instance, day, params=changed, sensitivity=level).detections


def _sensitivity(text: str) -> Sensitivity:
    from pipelines.policies.core import ACCEPTED

    for level in ACCEPTED:
        if level == text:
            return level
    raise UsageError(f"{text!r} is no sensitivity", remedy=f"choose one of {', '.join(ACCEPTED)}")


def _policies(settings: Settings) -> tuple[Mapping[str, Policy], Sequence[Problem]]:
    """Ours and the user's with the user's changes (one that is switched off is there too, as it ships), and what of the
    user's folder cannot be used."""
    from pipelines.policies.registry import catalogue, load

    loaded = load(settings.policies_dir)
    off = {name: replace(policy, enabled=False) for name, policy in catalogue().items() if name not in loaded.policies}
    return dict(sorted({**off, **loaded.policies}.items())), loaded.problems


def _one(settings: Settings, policy_id: str) -> Policy:
    return _named(_policies(settings)[0], policy_id)


def _named(found: Mapping[str, Policy], policy_id: str) -> Policy:
    if policy_id not in found:
        import difflib

        near = difflib.get_close_matches(policy_id, found, n=1)
        hint = f"did you mean {near[0]}?" if near else "list them with `nowguard policy list`"
        raise UsageError(f"there is no policy {policy_id!r}", remedy=hint)
    return found[policy_id]


def _assignment(policy: Policy, text: str) -> tuple[str, Value]:
    """`key=value` in the type of the parameter's default."""
    name, equals, value = text.partition("=")
    known = {param.name: param.default for param in policy.params}
    if not equals:
        raise UsageError(f"{text!r} is not key=value", remedy="write e.g. --set min_files=50")
    if name not in known:
        raise UsageError(
            f"policy {policy.id} has no parameter {name}", remedy=f"choose one of {', '.join(sorted(known)) or 'none'}"
        )
    default = known[name]
    try:
        if isinstance(default, tuple):
            return name, tuple(part for part in value.split(",") if part)
        return name, type(default)(value)
    except ValueError:
        raise UsageError(
            f"{value!r} is no value for {name}", remedy=f"give one like the default, {default!r}"
        ) from None


def _coverage(settings: Settings) -> dict[str, str]:
    """policy -> state on the last day published; nothing where nothing is."""
    import duckdb

    if not settings.warehouse.is_file():
        return {}
    with duckdb.connect(str(settings.warehouse), read_only=True) as con:
        rows = con.execute(
            "SELECT policy_id, arg_max(state, event_date) FROM mart.coverage WHERE $1 = '' OR instance = $1 GROUP BY policy_id",
            [settings.instance],
        ).fetchall()
    return dict(rows)


def _needs(policy: Policy) -> list[str]:
    needs = policy.needs
    return [
        *(f"{name}: without it, blind" for name in needs.tables),
        *(f"one of {', '.join(options)}" for options in needs.any_of),
        *(f"{name}: without it, degraded" for name in needs.helpful_tables),
        *(f"column {name}" for name in needs.columns),
        *(f"property {name} = {value}" for name, value in needs.properties.items()),
        *(f"{name.replace('_', ' ')} data" for name in needs.data),
        *([f"{needs.learning_days} days of history"] if needs.learning_days else []),
    ]


def _described(policy: Policy) -> dict[str, Any]:
    """The policy as data: everything but the expression."""
    return {
        "id": policy.id,
        "kind": str(policy.kind),
        "severity": policy.severity,
        "attack": list(policy.attack),
        "enabled": policy.enabled,
        "summary": policy.summary,
        "blind_to": policy.blind_to,
        "triage": list(policy.triage),
        "reads": list(policy.reads),
        "needs": _needs(policy),
        "params": list(policy.params),
        "suppressions": list(policy.suppressions),
        "cases": [case.name for case in policy.cases],
    }


def _first(summary: str) -> str:
    """The first sentence of a docstring."""
    return " ".join(summary.strip().split("\n\n")[0].split())


def _lines(out: Output, heading: str, lines: Sequence[str]) -> None:
    if lines:
        out.line(heading)
        for line in lines:
            out.line(f"  {line}")


def _print_backtest(out: Output, policy_id: str, changed: Mapping[str, Value], found: Backtest) -> None:
    said = ", ".join(f"{name}={value}" for name, value in changed.items()) or "nothing changed"
    columns = ["day", "alerts before", "after", "users before", "after ", "behaviors before", "after  "]
    rows = [
        [label, d.before.alerts, d.after.alerts, d.before.users, d.after.users, d.before.behaviors, d.after.behaviors]
        for label, d in [*((str(d.day), d) for d in found.days), ("total", found.total)]
    ]
    out.table(f"{policy_id}: {said}", columns, rows)
    out.line(f"{len(found.gained)} alerts only after, {len(found.lost)} only before")
