"""The user's folder in a night: what works raises, what is broken is said aloud and stops nothing."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from pipelines.cli.progress import Silent
from pipelines.emulator.server import RunningEmulator
from pipelines.steps import run_night
from tests.steps.conftest import few_policies, first_night, settings_for

pytestmark = pytest.mark.slow

FILES = {
    "any_login.sql": """-- title = "{actor} logged in {logins} times"
-- severity = "informational"
SELECT actor_user_uid, actor_user_name, min(time) AS first_seen, max(time) AS last_seen,
       list(activity_uid ORDER BY activity_uid) AS evidence, count(*) AS logins
FROM core__activity WHERE activity_name = 'login' AND NOT is_system GROUP BY ALL""",
    "divides.sql": """-- title = "never"
SELECT actor_user_uid, actor_user_name, min(time) AS first_seen, max(time) AS last_seen,
       list(activity_uid) AS evidence, error('boom')::VARCHAR AS broken FROM core__activity GROUP BY ALL""",
    "rules.yml": """title: Any download
name: any_download
logsource: {product: servicenow}
detection: {s: {event.action: file_downloaded}, condition: s}
---
title: Misspelt
logsource: {product: servicenow}
detection: {s: {evnt.action: login}, condition: s}
""",
    "policies.toml": "\n[impossible_travel]\nenabled = false\n[multiple_failed_logins]\nparams = { speed = 1 }\n",
}


def test_a_folder_with_good_and_broken_files(instance: RunningEmulator, tmp_path: Path) -> None:
    folder = few_policies(tmp_path / "policies", kept=["impossible_travel", "multiple_failed_logins"])
    for name, text in FILES.items():
        with (folder / name).open("a", encoding="utf-8") as file:
            file.write(text)
    settings = settings_for(instance, tmp_path / "data", policies_dir=folder, back_fill_days=1)

    run_night(settings, first_night(), first_night(), progress=Silent())

    with duckdb.connect(str(settings.warehouse), read_only=True) as con:
        coverage = {
            policy: (state, reason)
            for policy, state, reason in con.execute(
                "SELECT policy_id, state, reason FROM mart.coverage WHERE event_date = ?", [first_night()]
            ).fetchall()
        }
        raised = {row[0] for row in con.execute("SELECT policy_id FROM mart.alerts").fetchall()}
        failed = con.execute("SELECT \"table\", message FROM mart.runs WHERE state = 'failed'").fetchall()

    assert {"any_login", "any_download"} <= raised
    assert coverage["any_login"][0] == "active"
    assert "impossible_travel" not in coverage
    assert coverage["multiple_failed_logins"][0] in ("degraded", "blind")
    assert "has no parameter speed" in coverage["multiple_failed_logins"][1]
    assert coverage["misspelt"] == ("blind", coverage["misspelt"][1])
    assert (
        "rules.yml, line 8: there is no field evnt.action (fix: did you mean event.action?)" in coverage["misspelt"][1]
    )
    assert coverage["divides"][0] == "blind"
    assert "boom" in coverage["divides"][1]
    assert {name for name, _ in failed} == {"misspelt", "divides", "multiple_failed_logins"}
