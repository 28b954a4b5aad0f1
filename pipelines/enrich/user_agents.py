"""What kind of client a user-agent string stands for, and a key that stays the same when the browser updates."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pyarrow as pa
from ua_parser import parse

from pipelines.enrich.addresses import columns_of

SCHEMA = pa.schema(
    [
        ("user_agent", pa.string()),
        ("device_key", pa.string()),
        ("agent_family", pa.string()),
        ("os_family", pa.string()),
        ("agent_kind", pa.string()),
    ]
)
LONGEST = 512  # characters that are looked at: the string is the client's own choice
MOBILE_SYSTEMS = frozenset({"iOS", "Android", "Windows Phone", "iPadOS"})
PLATFORM_APP = re.compile(r"^(ServiceNow|Now Mobile|Agent|Agentclient|Request)/[\d.]+ .*(iOS|Android)", re.IGNORECASE)
SCRIPTED = re.compile(
    r"powershell|python|curl/|wget|postman|insomnia|okhttp|java/|apache-httpclient|go-http-client|node-fetch|axios|"
    r"ruby|perl|libwww|restsharp|guzzle|mid server|soapui|winhttp|aiohttp|httpx|dalvik",
    re.IGNORECASE,
)
AUTOMATED = re.compile(r"headless|phantomjs|selenium|puppeteer|playwright|bot\b|spider|crawl", re.IGNORECASE)


class UserAgents:
    """Describes distinct strings; what was parsed once in this process is remembered."""

    def __init__(self, *, remember: int = 200_000) -> None:
        self._remember = remember
        self._known: dict[str, tuple[str, str, str | None, str]] = {}

    def describe(self, agents: Iterable[str]) -> pa.Table:
        """One row per string, in `SCHEMA`."""
        wanted = list(agents)
        if len(self._known) + len(wanted) > self._remember:
            self._known = {}
        known = self._known  # days are described side by side: another may start a new dictionary, ours stays whole
        for agent in wanted:
            if agent not in known:
                known[agent] = describe(agent)
        return columns_of(SCHEMA, [(agent, *known[agent]) for agent in wanted])


def describe(agent: str) -> tuple[str, str, str | None, str]:
    """(device key, agent family, system family, kind) of one string."""
    text = agent[:LONGEST].strip()
    parsed = parse(text)
    system = parsed.os.family if parsed.os else None
    device = parsed.device.family if parsed.device else None
    kind = _kind(text, system)
    family = parsed.user_agent.family if parsed.user_agent else None
    if not text.startswith("Mozilla/") or family is None:
        family = "ServiceNow app" if PLATFORM_APP.search(text) else _product(text) or family
    key = "|".join((family or "Other", system or "Other", device or "Other"))
    return key, family or "Other", system, kind


def _kind(text: str, system: str | None) -> str:
    if PLATFORM_APP.search(text):
        return "mobile"
    if AUTOMATED.search(text):
        return "bot"
    if not text:
        return "unknown"
    if not text.startswith(("Mozilla/", "Opera/")) or SCRIPTED.search(text):
        return "api"
    return "mobile" if system in MOBILE_SYSTEMS else "browser"


def _product(text: str) -> str | None:
    """The first product name: `HRConnect-Sync` of `HRConnect-Sync/4.8 (Java/17)`."""
    found = re.match(r"[^/(]{1,60}", text)
    return found.group().strip() if found and not text.startswith("Mozilla/") else None
