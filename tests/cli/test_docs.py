"""The page of commands and settings is what the commands and settings say."""

from __future__ import annotations

from pipelines.cli.docs import PAGE, main, page
from pipelines.settings import Settings


def test_the_page_is_up_to_date() -> None:
    assert main(["--check"]) == 0


def test_every_setting_and_every_promised_command_is_on_it() -> None:
    text = page()
    assert all(f"`NOWGUARD_{name.upper()}`" in text for name in Settings.model_fields)
    for command in (
        "connect",
        "check",
        "run",
        "emulate",
        "status",
        "verify",
        "rebuild",
        "report",
        "policy backtest",
        "alerts list",
    ):
        assert f"## `nowguard {command}`" in text


def test_every_option_says_what_it_does() -> None:
    rows = [
        line
        for line in PAGE.read_text(encoding="utf-8").splitlines()
        if line.startswith("| `") and "NOWGUARD_" not in line
    ]
    assert len(rows) > 50
    assert [row for row in rows if not row.split("|")[3].strip()] == []
