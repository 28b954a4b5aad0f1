"""docs/reference/posture.md, derived from the declarations. `python -m pipelines.posture.docs [--check]`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from pipelines.generated_page import REFERENCE, write_or_check
from pipelines.posture.checks import Property, Undecided, row_checks, settings_in
from pipelines.posture.core import Category, Control
from pipelines.posture.registry import controls, reads
from pipelines.posture.releases import LATEST

PAGE = REFERENCE / "posture.md"

_HEAD = """# Posture recommendations

One entry per recommendation, generated from `pipelines/posture/controls/` (`make docs`); `make check` fails where the two
differ. Every night each is found to be compliant, not_compliant, unknown or not_applicable: `mart.posture` has the states,
`nowguard posture list` shows them.

- **Number** 1-149: ServiceNow's hardening settings, which its score is made of; D1-D56: everything else. *Named by
  Microsoft* marks the four that Microsoft Defender for Cloud Apps names.
- **Severity** is the vendor's 0-10 for non-compliance, or its word; a dash where it states none.
- **No row** is what counts where a property has no row; *not documented* makes the recommendation unknown, and a release
  that does not know the setting makes it not applicable.
- **Unknown with** names rows of which the instance does not show whether they offend: where there are any, and nothing else decides,
  the recommendation is unknown.
- **Reads** names the tables and columns that the collecting account needs for it. Without one of them exactly the
  recommendations that read it are unknown. A value that is private or masked is unknown as well, never non-compliant.
- **Baseline** is the version of ServiceNow's baseline that lists the setting: 1 Utah and Vancouver, 2 Washington DC, 4 Xanadu,
  5 Yokohama, 6 the store, 7 Zurich, 8 Australia.

"""


def page() -> str:
    """The whole page: counts, an index by category, every recommendation, and the tables that are read."""
    return "\n".join([_HEAD + _counts(), "", *_index(), *_entries(), *_tables()]) + "\n"


def _counts() -> str:
    everything = controls().values()
    settings = [control for control in everything if control.is_setting]
    rest = len(everything) - len(settings)
    parts = [f"{len(settings)} settings", *([f"{rest} other checks"] if rest else [])]
    no_return = sum(control.irreversible for control in everything)
    return f"{' and '.join(parts)}; {no_return} of them cannot be undone once they are set."


def _index() -> Iterator[str]:
    for category, found in _by_category():
        yield from (f"## {category.value}", "")
        yield from _table(
            ("number", "recommendation", "what should be", "severity"),
            [(c.ref, f"[{c.id}](#{c.id})", c.title, _severity(c)) for c in found],
        )
        yield ""


def _entries() -> Iterator[str]:
    yield from ("## Every recommendation", "")
    for _, found in _by_category():
        for control in found:
            yield from _entry(control)


def _entry(control: Control) -> Iterator[str]:
    named = ", named by Microsoft" if control.named_by_microsoft else ""
    yield from (f"### {control.id}", "", f"{control.title} ({control.ref}{named}).", "")
    yield f"- **Expected** {_plain(control.expected)}"
    yield from (f"- **No row** {_plain(_absence(setting))}" for setting in settings_in(control.check))
    for check in row_checks(control.check):
        if isinstance(check, Undecided):
            yield f"- **Unknown with** {_plain(check.what)}: {_plain(check.because)}"
    yield f"- **Why** {control.why}"
    yield f"- **Noticed afterwards** {control.impact}"
    for nth, step in enumerate(control.remediation, 1):
        yield f"- **Step {nth}** {_plain(step)}"
    yield f"- **Severity** {_severity(control)}"
    yield f"- **Baseline** {_baseline(control)}"
    yield f"- **Reads** {_reads(control)}"
    if control.frameworks:
        yield f"- **Frameworks** {', '.join(f'{name} {e}' for name, entries in control.frameworks.items() for e in entries)}"
    yield from (f"- **Source** {_source(control)}", "")


def _absence(setting: Property) -> str:
    absent = "not documented" if setting.absent is None else f"counts as {setting.absent or 'blank'}"
    ships = "" if setting.ships is None else f"; a new instance has {setting.ships or 'it blank'}"
    return f"of `{setting.name}`: {absent}{ships}"


def _tables() -> Iterator[str]:
    yield from ("## What is read", "")
    needed = {table: [c.ref for c in _ordered() if table in c.reads] for table in reads()}
    yield from _table(
        ("table", "columns", "needed by"),
        [
            (f"`{table}`", ", ".join(f"`{column}`" for column in sorted(columns)), _numbers(needed[table]))
            for table, columns in reads().items()
        ],
    )


def _by_category() -> list[tuple[Category, list[Control]]]:
    found = [(category, [c for c in _ordered() if c.category is category]) for category in Category]
    return [(category, some) for category, some in found if some]


def _ordered() -> list[Control]:
    return sorted(controls().values(), key=lambda c: (c.ref.startswith("D"), int(c.ref.lstrip("D"))))


def _numbers(refs: Sequence[str]) -> str:
    return f"{len(refs)} recommendations" if len(refs) > 12 else ", ".join(refs)


def _severity(control: Control) -> str:
    score, word = control.severity.score, control.severity.word
    return " ".join(part for part in (f"{score:g}" if score is not None else "", word) if part) or "-"


def _baseline(control: Control) -> str:
    if not control.is_setting:
        return "none, it is no hardening setting"
    release = control.release
    until = f", until before {release.until:g}" if release.until is not None else ""
    again = f", and again from {release.again:g}" if release.again is not None else ""
    latest = "" if release.lists(LATEST) else f" (not in {LATEST:g})"
    return f"from {release.since:g}{until}{again}{latest}"


def _reads(control: Control) -> str:
    parts = [f"`{table}` ({', '.join(columns)})" for table, columns in control.reads.items()]
    return "; ".join(parts) or "no table of the instance"


def _source(control: Control) -> str:
    source = control.source
    names = f" {', '.join(source.names)}" if source.names else ""
    return f"[{source.publisher}]({source.page}){names}" if source.page else f"{source.publisher}{names}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{' --- |' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(_plain(cell) for cell in row)} |"


def _plain(text: str) -> str:
    return text.replace("|", "\\|").replace("*.", "\\*.")


def main(arguments: Sequence[str]) -> int:
    """Write the page, or with `--check` compare it; the exit code."""
    return write_or_check(PAGE, page(), arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
