"""What kind of client a string stands for."""

from __future__ import annotations

import pytest

from pipelines.enrich.user_agents import UserAgents, describe

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Safari/537.36"
)


@pytest.mark.parametrize(
    ("agent", "family", "kind"),
    [
        (CHROME.format(140), "Chrome", "browser"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
         "Mobile Safari", "mobile"),
        ("ServiceNow/31.2.0 (com.servicenow.fulfiller; build:1; iOS 18.6.0) Alamofire/5.9", "ServiceNow app", "mobile"),
        ("python-requests/2.32.5", "python-requests", "api"),
        ("curl/8.5.0", "curl", "api"),
        ("MID Server/Yokohama", "MID Server", "api"),
        ("Java/17.0.12", "Java", "api"),
        ("HRConnect-Sync/4.8 (Java/17.0.12)", "HRConnect-Sync", "api"),
        ("Mozilla/5.0 (Windows NT; Windows NT 10.0; en-US) WindowsPowerShell/5.1.19041", "WindowsPowerShell", "api"),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "Googlebot", "bot"),
        (CHROME.format(140).replace("Chrome", "HeadlessChrome"), "HeadlessChrome", "bot"),
        ("", "Other", "unknown"),
    ],
)  # fmt: skip
def test_clients_are_told_apart(agent: str, family: str, kind: str) -> None:
    _, found, _, what = describe(agent)
    assert (found, what) == (family, kind)


def test_a_browser_update_is_the_same_device_and_another_browser_is_not() -> None:
    assert describe(CHROME.format(139))[0] == describe(CHROME.format(141))[0]
    assert describe(CHROME.format(139))[0] != describe(CHROME.format(139) + " Edg/139.0.0.0")[0]


@pytest.mark.parametrize("agent", ["\x00", "a" * 1_000_000, "(" * 5000, "Mozilla/5.0 " * 5000, "🦆", "' OR 1=1 --"])
def test_hostile_strings_are_described_and_short_work(agent: str) -> None:
    [row] = UserAgents().describe([agent]).to_pylist()
    assert row["user_agent"] == agent
    assert len(row["device_key"]) < 600
