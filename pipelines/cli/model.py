"""`nowguard model`: train the anomaly models, see what they learned, decide which one scores."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.context import JsonFlag, Output, QuietFlag, day_of, explained, settings_of
from pipelines.cli.landed import landed_settings
from pipelines.errors import UsageError

if TYPE_CHECKING:
    from models.core import Model
    from pipelines.lake import Lease
    from pipelines.settings import Settings
    from pipelines.steps.model_store import Registry, Revision
    from pipelines.steps.night import Night
    from pipelines.steps.train import Trained

app = typer.Typer(help="Anomaly models: train, list, show, promote.", no_args_is_help=True)

STYLES = {"champion": "bold green", "rejected": "yellow", "failed": "bold red"}
ModelId = Annotated[str, typer.Argument(help="Id of the model, e.g. user_day.")]


@app.callback()
def group() -> None:
    """Models say what is unlike a person; a policy raises the top of their alert budget, and never acts by itself."""


@app.command()
@explained
def train(
    ctx: typer.Context,
    only: Annotated[str | None, typer.Option("--model", help="Only this model (default: all).")] = None,
    last: Annotated[
        str | None, typer.Option("--to", help="Last UTC day to learn (default: the last one scored).")
    ] = None,
    window: Annotated[int, typer.Option(min=14, help="Days to learn from.")] = 90,
    promote: Annotated[bool, typer.Option(help="Let the rule make it the champion.")] = True,
    refresh: Annotated[
        bool, typer.Option("--refresh-reference", help="Also make the frozen reference anew; a slow ramp is forgotten.")
    ] = False,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Fit each model on the landed days up to --to, compare it with the champion, promote it where the rule has no objection.

    Days with an alert or an explained observation are left out, unless they were closed as benign or false positive. Scores from
    the next night on; days that were scored keep their model.
    """
    from pipelines.steps.train import train_model

    out = Output(json, quiet)
    settings = landed_settings(ctx)
    chosen = [_declared(only).id] if only else sorted(_catalogue())
    with _night(settings, day_of(last) if last else _last_day(settings)) as (night, lease):
        done = [train_model(night, lease, id_, promote=promote, refresh=refresh, window_days=window) for id_ in chosen]
    if json:
        out.document([_told(one) for one in done])
        return
    for one in done:
        _print_trained(out, one)


@app.command("list")
@explained
def list_models(ctx: typer.Context, json: JsonFlag = False, quiet: QuietFlag = False) -> None:
    """List the models with their champion and how many revisions wait."""
    from pipelines.steps.model_store import ModelStore

    settings = landed_settings(ctx, required=False)
    store = ModelStore(settings.data_dir, settings.instance)
    rows = []
    for id_, declared in _catalogue().items():
        registry = store.registry(id_)
        champion = registry.champion
        waiting = sum(registry.role_of(r) in ("challenger", "rejected") for r in registry.revisions)
        rows.append(
            [id_, declared.title, len(declared.features), f"{declared.alert_budget:g} of 1,000",
             champion.revision if champion else "none", str(champion.trained_to) if champion else "", len(registry.revisions), waiting]
        )  # fmt: skip
    columns = ["model", "title", "features", "alert budget", "champion", "trained to", "revisions", "waiting"]
    out = Output(json, quiet)
    out.table("Anomaly models", columns, rows)
    if any(row[4] == "none" for row in rows):
        out.note("A model without a champion scores nothing: run `nowguard model train`.")


@app.command()
@explained
def show(
    ctx: typer.Context,
    model: ModelId,
    revision: Annotated[
        str | None, typer.Argument(help="A revision, or its first letters (default: the card).")
    ] = None,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """The model's card, its features and its revisions; with a revision, what it learned and how it compared."""
    from pipelines.steps.model_store import ModelStore

    out = Output(json, quiet)
    settings = landed_settings(ctx, required=False)
    declared = _declared(model)
    registry = ModelStore(settings.data_dir, settings.instance).registry(declared.id)
    if revision:
        found = registry.find(revision)
        out.document({**_described(registry, found)})
        for name, value in _described(registry, found).items():
            out.line(f"{name.replace('_', ' '):<20} {_shown(value)}")
        return
    if json:
        revisions = [_described(registry, r) for r in registry.revisions]
        out.document(
            {"id": declared.id, "title": declared.title, "card": declared.card, "table": declared.table, "features": list(declared.features),
             "group_by": declared.group_by, "alert_budget": declared.alert_budget, "revisions": revisions}
        )  # fmt: skip
        return
    for line in declared.card.splitlines():
        out.line(line)
    out.line("")
    features = [[name, unit] for name, unit in zip(declared.features, declared.units, strict=True)]
    out.table(f"Features, columns of {declared.table}", ["feature", "unit"], features)
    rows = [
        [
            r.revision,
            registry.role_of(r),
            r.trained_from,
            r.trained_to,
            r.user_days,
            r.excluded_user_days,
            "; ".join(r.objections),
        ]
        for r in registry.revisions
    ]
    columns = ["revision", "role", "from", "to", "user-days", "left out", "objections of the rule"]
    out.table("Revisions", columns, rows, styles=STYLES)


@app.command()
@explained
def report(
    ctx: typer.Context,
    open_it: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    to: Annotated[Path | None, typer.Option(help="Where to write it (default: <data>/report/models.html).")] = None,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Write one offline page: scores, feature effects, strangest days, stability, drift, precision at budget from verdicts."""
    from pipelines.report import render_models

    settings = settings_of(ctx)
    if not settings.warehouse.is_file():
        raise UsageError(f"nothing is published in {settings.warehouse}", remedy="run `nowguard run` first")
    path = render_models(settings.warehouse, to or settings.data_dir / "report" / "models.html")
    out = Output(json, quiet)
    out.document({"report": str(path)})
    out.line(str(path))
    if open_it:
        typer.launch(str(path))


@app.command()
@explained
def promote(
    ctx: typer.Context,
    model: ModelId,
    revision: Annotated[str, typer.Argument(help="The revision, or its first letters.")],
    reason: Annotated[str, typer.Option(help="Why: it is kept and published.")],
    author: Annotated[
        str | None, typer.Option("--by", help="Who decides (default: the account that runs this).")
    ] = None,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Make a revision the champion by hand, also an earlier one: it scores the nights to come."""
    import getpass

    from pipelines.steps.model_store import ModelStore

    out = Output(json, quiet)
    settings = landed_settings(ctx, required=False)
    declared = _declared(model)
    if not reason.strip():
        raise UsageError("a promotion needs a reason", remedy="give --reason '...'")
    with _night(settings, date.min):
        store = ModelStore(settings.data_dir, settings.instance)
        found = store.promote(declared.id, revision, decided_by=author or getpass.getuser(), reason=reason.strip())
    out.document({"model": declared.id, "champion": found.revision})
    out.line(f"{declared.id} {found.revision} is the champion: it scores days after {found.trained_to}")
    out.note("In the warehouse from the next publish.")


@contextmanager
def _night(settings: Settings, last: date) -> Iterator[tuple[Night, Lease]]:
    """The lake under the instance's lease: no run writes meanwhile."""
    from contextlib import closing

    from pipelines.cli.progress import Silent
    from pipelines.steps import open_night

    night = open_night(settings, last, last, Silent())
    with closing(night.store), night.lease() as lease:
        yield night, lease


def _last_day(settings: Settings) -> date:
    """The newest day whose people are profiled."""
    from contextlib import closing

    from pipelines.contracts import contract
    from pipelines.lake import Lake
    from pipelines.state_store import StateStore

    with closing(StateStore(settings.state_file)) as store:
        days = Lake(settings.data_dir, store).days(contract("feat__user_day_profile"), settings.instance)
    if not days:
        raise UsageError(
            f"nothing has landed for the instance {settings.instance or '(none configured)'}",
            remedy="run `nowguard run` first, or set NOWGUARD_DATA_DIR and NOWGUARD_INSTANCE_NAME",
        )
    return days[-1]


def _catalogue() -> dict[str, Model]:
    from models.registry import catalogue

    return dict(catalogue())


def _declared(id_: str) -> Model:
    from models.registry import model

    return model(id_)


def _described(registry: Registry, found: Revision) -> dict[str, Any]:
    reasons = [p for p in registry.promotions if p.revision == found.revision]
    return {
        "model": registry.model_id,
        "revision": found.revision,
        "role": registry.role_of(found),
        "trained_from": found.trained_from,
        "trained_to": found.trained_to,
        "user_days": found.user_days,
        "excluded_user_days": found.excluded_user_days,
        "peer_groups": list(found.peer_groups),
        **dict(found.compared),
        "objections": list(found.objections),
        "promoted_by": reasons[-1].decided_by if reasons else None,
        "reason": reasons[-1].reason if reasons else None,
        "fingerprint": found.fingerprint,
    }


def _told(one: Trained) -> dict[str, Any]:
    return {
        "model": one.model_id,
        "revision": one.revision.revision,
        "role": one.role,
        "user_days": one.revision.user_days,
        "excluded_user_days": one.revision.excluded_user_days,
        **dict(one.revision.compared),
        "objections": list(one.revision.objections),
        "seconds": round(one.seconds, 2),
    }


def _print_trained(out: Output, one: Trained) -> None:
    made = one.revision
    out.line(
        f"{one.model_id} {made.revision}: {one.role}, from {made.user_days:,} user-days of {made.trained_from} to {made.trained_to} "
        f"({made.excluded_user_days:,} left out) in {one.seconds:.1f} s"
    )
    for name, value in made.compared:
        out.line(f"  {name.replace('_', ' ')}: {value:g}")
    for objection in made.objections:
        out.line(f"  objection: {objection}")
    if made.objections and one.role != "champion":
        out.line(f"  by hand: nowguard model promote {one.model_id} {made.revision} --reason ...")


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value if value is not None else "")
