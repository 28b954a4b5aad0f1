"""`nowguard posture`: what the instance should be set to, what it is set to, and how to get from here to there."""

from __future__ import annotations

import csv
import json as jsonlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from pipelines.cli.context import JsonFlag, Output, QuietFlag, day_of, explained, printable, settings_of
from pipelines.cli.landed import the_only
from pipelines.cli.published import FORMULA_STARTS, open_published, write_whole
from pipelines.errors import CheckFailed, UsageError, misnamed

if TYPE_CHECKING:
    from datetime import date

    from pipelines.settings import Settings

app = typer.Typer(help="Posture: recommendations with state, reason and fix.", no_args_is_help=True)

STATES = ("compliant", "not_compliant", "unknown", "not_applicable")
STYLES = {"not_compliant": "bold red", "unknown": "yellow", "compliant": "green", "not_applicable": "dim"}
FORMATS = ("json", "csv", "ocsf")
Day = Annotated[str | None, typer.Option("--day", help="UTC day of a snapshot, YYYY-MM-DD (default: the latest).")]

_STATES = "SELECT * FROM mart.posture WHERE instance = ? AND event_date = ? ORDER BY control_id"
_LAST = (
    "SELECT max(event_date) FROM mart.posture_score WHERE instance = ? AND event_date <= coalesce(?, DATE '9999-12-31')"
)
_SCORE = "SELECT * FROM mart.posture_score WHERE instance = ? AND event_date = ?"
_TURNED = "SELECT * FROM mart.posture_changes WHERE instance = ? AND control_id = ? ORDER BY event_date DESC LIMIT 20"
_CHANGED = "SELECT control_id FROM mart.posture_changes WHERE instance = ? AND event_date = ?"


@app.callback()
def group() -> None:
    """A recommendation that cannot be judged is unknown, never compliant; the access that would show it is named."""


@app.command("list")
@explained
def list_recommendations(
    ctx: typer.Context,
    state: Annotated[str | None, typer.Option(help=f"Only this state: {', '.join(STATES)}.")] = None,
    category: Annotated[str | None, typer.Option(help="Only categories whose name holds this text.")] = None,
    severity_min: Annotated[float | None, typer.Option(min=0, max=10, help="Only this severity and more.")] = None,
    changed: Annotated[bool, typer.Option("--changed", help="Only those that changed on the day.")] = False,
    fail_on: Annotated[
        str | None,
        typer.Option(help="Exit 1 if a recommendation of the list without exception is in this state."),
    ] = None,
    fail_under: Annotated[
        float | None,
        typer.Option(min=0, max=100, help="Exit 1 if our own score is lower; what cannot be judged lowers it."),
    ] = None,
    day: Day = None,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """List recommendations, those to act on first, with the secure score."""
    for asked in filter(None, (state, fail_on)):
        known(asked, STATES, "state")
    out = Output(json, quiet)
    with _published(settings_of(ctx), day) as posture:
        rows = [
            row
            for row in posture.rows
            if (state is None or row["state"] == state)
            and (category is None or category.lower() in row["category"].lower())
            and (severity_min is None or (row["severity_score"] or 0) >= severity_min)
            and (not changed or row["control_id"] in posture.changed())
        ]
    rows.sort(key=_urgency)
    _print(out, rows, posture.score)
    _fail(rows, posture.score, fail_on, fail_under)


@app.command()
@explained
def show(
    ctx: typer.Context,
    control: Annotated[
        str, typer.Argument(help="Id of the recommendation, or its number in docs/reference/posture.md.")
    ],
    day: Day = None,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Explain one recommendation: state, reason, what was observed, how to comply, and its history."""
    out = Output(json, quiet)
    with _published(settings_of(ctx), day) as posture:
        row = posture.one(control)
        history = posture.read(_TURNED, posture.instance, row["control_id"])
    if json:
        out.document({**row, "history": history})
        return
    out.line(f"{row['control_id']} ({row['ref']})  {row['title']}")
    for name, value in _told(row):
        if value not in (None, "", []):
            out.line(f"  {name:<18} {printable(value)}")
    for number, step in enumerate((row["remediation"] or "").splitlines(), 1):
        out.line(f"  {'to comply' if number == 1 else '':<18} {number}. {step}")
    for past in history:
        turn = " (drift)" if past["is_drift"] else ""
        out.line(f"  {past['event_date']}         {past['from_state']} -> {past['to_state']}{turn}: {past['observed']}")


@app.command()
@explained
def export(
    ctx: typer.Context,
    format_: Annotated[str, typer.Option("--format", help=f"One of {', '.join(FORMATS)}.")] = "json",
    to: Annotated[Path | None, typer.Option("--out", help="File to write (default: standard output).")] = None,
    day: Day = None,
) -> None:
    """Write every recommendation of a day: JSON, CSV, or OCSF 1.8.0 Compliance Findings (one JSON event a line)."""
    known(format_, FORMATS, "format")
    with _published(settings_of(ctx), day) as posture:
        rows = posture.rows
    write_whole(lambda file: _write(format_, rows, file), to)


class _Posture:
    """One day of the published file."""

    def __init__(self, con: Any, instance: str, day: date) -> None:
        self.con, self.instance, self.day = con, instance, day
        self.rows = self.read(_STATES, instance, day)
        self.score = self.read(_SCORE, instance, day)[0]

    def read(self, sql: str, *parameters: object) -> list[dict[str, Any]]:
        cursor = self.con.execute(sql, list(parameters))
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def changed(self) -> frozenset[str]:
        return frozenset(row["control_id"] for row in self.read(_CHANGED, self.instance, self.day))

    def one(self, name: str) -> dict[str, Any]:
        found = {row["control_id"]: row for row in self.rows} | {row["ref"]: row for row in self.rows}
        known(name, tuple(found), "recommendation")
        return found[name]


@contextmanager
def _published(settings: Settings, day: str | None) -> Iterator[_Posture]:
    wanted = day_of(day) if day else None
    with open_published(settings) as con:
        instance = settings.instance or _only_instance(con)
        (found,) = con.execute(_LAST, [instance, wanted]).fetchall()[0]
        if found is None or (wanted and found != wanted):
            raise UsageError(
                f"no posture of {instance or 'any instance'} is published{f' for {wanted}' if wanted else ''}",
                remedy="run `nowguard run --step posture`, then `nowguard run --step publish`"
                + (f"; the latest before is {found}" if found else ""),
            )
        yield _Posture(con, instance, found)


def _only_instance(con: Any) -> str:
    """Where no instance is configured, the one that the file is about: after the demo, and for a reader of somebody's warehouse."""
    held = [name for (name,) in con.execute("SELECT DISTINCT instance FROM mart.posture_score ORDER BY 1").fetchall()]
    return the_only(held, "the warehouse")


def known(value: str, names: Sequence[str], what: str) -> None:
    """Raise where nothing is called `value`."""
    if value not in names:
        raise misnamed(
            what, value, names, otherwise=", ".join(names) if len(names) < 10 else "see `nowguard posture list`"
        )


def _urgency(row: Mapping[str, Any]) -> tuple[int, float, str]:
    order = ("not_compliant", "unknown", "compliant", "not_applicable")
    return order.index(row["state"]), -row["weight"], row["control_id"]


def _print(out: Output, rows: Sequence[Mapping[str, Any]], score: Mapping[str, Any]) -> None:
    if out.json:
        out.document({"score": dict(score), "recommendations": list(rows)})
        return
    columns = ["recommendation", "state", "severity", "since", "what it asks for", "observed", "remark"]
    out.table(
        f"{len(rows)} recommendations on {score['event_date']}",
        columns,
        [
            [r["control_id"], r["state"], _graded(r), r["since"], r["title"], r["observed"], _remark(r)]
            for r in rows
        ],
        styles=STYLES,
    )  # fmt: skip
    said = "none" if score["score"] is None else f"{score['score']:.0f} of 100"
    out.line(
        f"ServiceNow's score {said}; ours {_number(score['own_score'])} of 100, {_number(score['judged_share'])} % could be "
        f"judged. {score['compliant']} compliant, {score['not_compliant']} not, {score['unknown']} unknown, "
        f"{score['not_applicable']} do not apply."
    )


def _fail(rows: Sequence[Mapping[str, Any]], score: Mapping[str, Any], state: str | None, least: float | None) -> None:
    hit = [row["control_id"] for row in rows if row["state"] == state and not row["excepted_by"]]
    if hit:
        more = f" and {len(hit) - 5} more" if len(hit) > 5 else ""
        raise CheckFailed(f"{state}: {', '.join(hit[:5])}{more}", remedy="`nowguard posture show ID` says what to do")
    if least is not None and (score["own_score"] or 0) < least:  # not the vendor's: hiding a setting would raise that
        raise CheckFailed(
            f"our own score is {_number(score['own_score'])}, less than {least:g}",
            remedy="see `--state not_compliant` and `--state unknown`",
        )


def _told(row: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [
        ("state", f"{row['state']} since {row['since']}"), ("why not judged", row["reason"]),
        ("access missing", row["missing_acls"]), ("observed", row["observed"]), ("expected", row["expected"]),
        ("rows against it", row["finding_count"]), ("for example", row["examples"]), ("severity", _graded(row)),
        ("category", row["category"]), ("source", row["source"]), ("frameworks", row["frameworks"]),
        ("excepted", f"{row['excepted_by']} until {row['excepted_until']}: {row['exception_reason']}" if row["excepted_by"] else None),
        ("once repaired", row["functional_impact"]), ("reads", row["reads"]),
    ]  # fmt: skip


def _remark(row: Mapping[str, Any]) -> str:
    """Why it could not be judged, or who answers for it."""
    excepted = f"{row['excepted_by']} answers for it until {row['excepted_until']}" if row["excepted_by"] else ""
    return "; ".join(filter(None, (excepted, row["reason"])))


def _graded(row: Mapping[str, Any]) -> str:
    return row["severity_word"] or "" if row["severity_score"] is None else f"{row['severity_score']:.1f}"


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.0f}"


def _write(format_: str, rows: Sequence[Mapping[str, Any]], file: TextIO) -> None:
    if format_ == "csv":
        writer = csv.writer(file)
        writer.writerow(rows[0])
        writer.writerows([_cell(value) for value in row.values()] for row in rows)
        return
    if format_ == "json":
        jsonlib.dump(list(rows), file, indent=2, default=str)
        file.write("\n")
        return
    from importlib.metadata import version

    from pipelines.posture.ocsf import compliance_finding

    file.writelines(f"{jsonlib.dumps(compliance_finding(row, version('nowguard')), default=str)}\n" for row in rows)


def _cell(value: object) -> object:
    """Text that a spreadsheet does not take for a formula: what an administrator typed is hostile."""
    text = "; ".join(map(str, value)) if isinstance(value, (list, tuple)) else value
    return f"'{text}" if isinstance(text, str) and text and text[0] in FORMULA_STARTS else text
