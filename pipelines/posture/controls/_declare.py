"""How the files of this folder say who published a recommendation."""

from __future__ import annotations

from pipelines.posture.core import Severity, Source

_PAGES = "https://www.servicenow.com/docs/r/platform-security/instance-security-hardening-settings/"


def page(name: str) -> Source:
    """A page of ServiceNow's hardening settings, by its file name."""
    return Source("ServiceNow hardening settings", f"{_PAGES}{name}.html")


def scan(level: str, *names: str) -> tuple[Severity, Source]:
    """A definition of ServiceNow's Impact scan: its level is the only severity it states."""
    return Severity(word=level), Source("ServiceNow Impact scan definitions", names=names)


def score(value: float | None, word: str = "") -> Severity:
    return Severity(value, word)
