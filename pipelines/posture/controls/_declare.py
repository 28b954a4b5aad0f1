"""How the files of this folder say who published a recommendation."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pipelines.posture.checks import Check
from pipelines.posture.core import Category, Control, Release, Severity, Source

_PAGES = "https://www.servicenow.com/docs/r/platform-security/instance-security-hardening-settings/"
EVERY_RELEASE = Release()
NO_FRAMEWORKS: Mapping[str, tuple[str, ...]] = MappingProxyType({})


def page(name: str) -> Source:
    """A page of ServiceNow's hardening settings, by its file name."""
    return Source("ServiceNow hardening settings", f"{_PAGES}{name}.html")


def scan(level: str, *names: str) -> tuple[Severity, Source]:
    """A definition of ServiceNow's Impact scan: its level is the only severity it states."""
    return Severity(word=level), Source("ServiceNow Impact scan definitions", names=names)


def score(value: float | None, word: str = "") -> Severity:
    return Severity(value, word)


def setting(
    category: Category,
    ref: str,
    id: str,
    title: str,
    check: Check,
    severity: float | Severity | None,
    page_name: str,
    *,
    why: str,
    impact: str,
    irreversible: bool = False,
    release: Release = EVERY_RELEASE,
    steps: tuple[str, ...] = (),
    frameworks: Mapping[str, tuple[str, ...]] = NO_FRAMEWORKS,
) -> Control:
    """One of ServiceNow's hardening settings; a file fixes the category with `partial`. None: no severity is stated."""
    return Control(
        id=id,
        ref=ref,
        title=title,
        category=category,
        check=check,
        severity=severity if isinstance(severity, Severity) else Severity(severity),
        source=page(page_name),
        why=why,
        impact=impact,
        steps=steps,
        irreversible=irreversible,
        release=release,
        frameworks=frameworks,
    )


def other(
    category: Category,
    ref: str,
    id: str,
    title: str,
    check: Check,
    published: tuple[Severity, Source],
    *,
    why: str,
    impact: str,
    steps: tuple[str, ...] = (),
) -> Control:
    """A recommendation that is not one of the hardening settings; `published` is what `scan`, `unrated` or `found_by` says."""
    severity, source = published
    return Control(id, ref, title, category, check, severity, source, why, impact, steps)


def unrated(publisher: str) -> tuple[Severity, Source]:
    """A check that is published without a severity."""
    return Severity(), Source(publisher)


def found_by(publisher: str, word: str) -> tuple[Severity, Source]:
    """A finding of another vendor's published list, with its word for the severity."""
    return Severity(word=word), Source(publisher)
