"""Releases by name and what each one changes for a client. A grant is chosen by configuration, never by release."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Release:
    """`api_version` 1 answers 404 to an empty list. `grants` are those that the release can have at all."""

    name: str
    api_version: int
    grants: tuple[str, ...]
    has_http_status: bool = False  # syslog_transaction carries the response status
    note: str = ""


_PASSWORD = ("basic", "oauth_password")
_ALL = (*_PASSWORD, "oauth_client_credentials")

#: In order of appearance, with the facts of servicenow-api.md section 8.
RELEASES: tuple[Release, ...] = (
    Release("Eureka", 1, ("basic",), note="no OAuth: user and password on every call"),
    Release("Fuji", 2, _PASSWORD, note="OAuth password and refresh grants"),
    Release("Geneva", 2, _PASSWORD),
    Release("Helsinki", 2, _PASSWORD),
    Release("Istanbul", 2, _PASSWORD),
    Release("Jakarta", 2, _PASSWORD),
    Release("Kingston", 2, _PASSWORD, note="five wrong passwords lock an account on new instances"),
    Release("London", 2, _PASSWORD),
    Release("Madrid", 2, _PASSWORD),
    Release("New York", 2, _PASSWORD),
    Release("Orlando", 2, _PASSWORD),
    Release("Paris", 2, _PASSWORD),
    Release("Quebec", 2, _PASSWORD),
    Release("Rome", 2, _PASSWORD),
    Release("San Diego", 2, _PASSWORD),
    Release("Tokyo", 2, _PASSWORD),
    Release("Utah", 2, _PASSWORD, note="protected tables can stop edits of logs"),
    Release("Vancouver", 2, _PASSWORD),
    Release("Washington DC", 2, _ALL, note="client credentials, off by default"),
    Release("Xanadu", 2, _ALL, note="query ACLs can refuse ranges and sorting"),
    Release("Yokohama", 2, _ALL, note="MFA for people; basic restricted on new instances"),
    Release("Zurich", 2, _ALL, note="the password grant can be switched off"),
    Release("Australia", 2, _ALL, has_http_status=True, note="log tables have granular roles"),
    Release("Brazil", 2, _ALL, has_http_status=True),
)
_BY_NAME = {re.sub(r"[^a-z]", "", r.name.lower()): r for r in RELEASES} | {
    "fiji": RELEASES[1],
    "washington": RELEASES[18],
}

#: Properties that carry the build, in the order they are believed.
PROPERTIES = ("glide.buildtag.last", "glide.buildtag", "glide.war", "glide.buildname")


def release_of(build: str) -> Release | None:
    """The release in a build tag such as `glide-vancouver-07-06-2023__patch4-…` or a name; None where it is unknown."""
    words = re.findall(r"[a-z]+", build.lower())
    for size in (2, 1):
        for start in range(len(words) - size + 1):
            found = _BY_NAME.get("".join(words[start : start + size]))
            if found is not None:
                return found
    return None
