"""The emulator's page: docs/reference/emulator.md, made from what the code serves. `--check` fails where the page differs."""

from __future__ import annotations

import dataclasses
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

from pipelines.emulator import control, faults, server_script
from pipelines.emulator.encoded_query import OPERATORS
from pipelines.emulator.instance import RELEASES, EmulatorSettings
from pipelines.emulator.schema import COLUMNS_SINCE, SCHEMA

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reference" / "emulator.md"
TEXT = Path(__file__).with_name("emulator.md")  # what is said by hand; `<!-- name -->` marks what is made


def page() -> str:
    """The whole page as Markdown."""
    made = {
        "operators": _operators, "calls": _calls, "faults": _faults, "actions": _actions, "settings": _settings, "tables": _tables,
    }  # fmt: skip
    text = TEXT.read_text(encoding="utf-8")
    for name, lines in made.items():
        text = text.replace(f"<!-- {name} -->", "\n".join(lines()))
    return text.rstrip() + "\n"


def _operators() -> Iterator[str]:
    yield ", ".join(f"`{operator}`" for operator in sorted(OPERATORS))


def _calls() -> Iterator[str]:
    yield ", ".join(f"`gs.{name}`" for name in sorted(server_script.calls()))


def _faults() -> Iterator[str]:
    yield "| kind | what the client gets |"
    yield "| --- | --- |"
    yield from (f"| `{kind}` | {meaning} |" for kind, meaning in faults.MEANINGS.items())


def _actions() -> Iterator[str]:
    yield "| `POST /__control__/...` | body | does |"
    yield "| --- | --- | --- |"
    for name in control.ACTIONS:
        method = getattr(control.Control, name)
        arguments = [p for p in inspect.signature(method).parameters if p != "self"]
        yield f"| `{name}` | {', '.join(f'`{a}`' for a in arguments)} | {inspect.getdoc(method)} |"


def _settings() -> Iterator[str]:
    yield "| setting | default |"
    yield "| --- | --- |"
    yield from (f"| `{f.name}` | `{f.default!r}` |" for f in dataclasses.fields(EmulatorSettings))
    yield ""
    yield f"Releases: {', '.join(RELEASES)}."
    for (table, column), release in COLUMNS_SINCE.items():
        yield f"`{table}.{column}` exists from {release} on."


def _tables() -> Iterator[str]:
    yield "| table | columns | kept for |"
    yield "| --- | --- | --- |"
    for schema in SCHEMA.values():
        kept = f"{schema.rotation_days} days" if schema.rotation_days else ""
        yield f"| `{schema.name}` | {len(schema.columns)} | {kept} |"


def main() -> None:
    """Write the page, or compare it."""
    made = page()
    if "--check" in sys.argv:
        if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != made:
            sys.exit(f"{PAGE} differs from the emulator: run `make docs`")
        return
    PAGE.write_text(made, encoding="utf-8")


if __name__ == "__main__":
    main()
