"""The page: blindness first, hostile text harmless, nothing fetched from anywhere."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from pipelines.contracts import contract
from pipelines.contracts.table import empty
from pipelines.lake import Lake, Runs, publish
from pipelines.report import render
from pipelines.state_store import StateStore

DAY = date(2026, 3, 1)
HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "{{ 7*7 }}",
    "\u202egnp.exe\x1b[31m",
)


def page_of(folder: Path, state: str, title: str | None = None, access: Sequence[Mapping[str, object]] = ()) -> str:
    lake = Lake(folder, StateStore(folder / "state" / "nowguard.sqlite"))
    table, alert = contract("out__coverage"), contract("out__alert")
    coverage = [
        {
            "instance": "acme",
            "event_date": DAY,
            "policy_id": "impossible_travel",
            "state": state,
            "reason": "no location database",
        }
    ]
    row = {"instance": "acme", "event_date": DAY, "alert_uid": "a", "policy_id": "impossible_travel", "policy_kind": "anomaly", "severity": "high",
           "status": "new", "first_seen": datetime(2026, 3, 1), "last_seen": datetime(2026, 3, 1), "title": title, "evidence_count": 1,
           "actor_user_name": title, "is_summary": False, "risk_score": 90.0, "priority": 50.0}  # fmt: skip
    alerts = (
        pa.Table.from_pylist([{**dict.fromkeys(alert.columns), **row}], schema=alert.arrow_schema())
        if title
        else empty(alert)
    )
    with lake.acquire("acme", None, owner="run", ttl=timedelta(minutes=2)) as lease:
        lake.replace(lease, table, "acme", DAY, pa.Table.from_pylist(coverage, schema=table.arrow_schema()))
        held = contract("out__access")
        lake.replace(lease, held, "acme", DAY, pa.Table.from_pylist(list(access), schema=held.arrow_schema()))
        frames = {"alerts": alerts, "behaviors": empty(alert)}
        published = publish(lake, lambda: frames, runs=Runs(lake.store).all)
    return render(published.path, folder / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(tmp_path: Path, text: str) -> None:
    page = page_of(tmp_path, "active", text)
    assert not re.search(r"<(script|img)", page, re.IGNORECASE)
    assert "onload=alert(1)>" not in page.replace("&gt;", "")
    assert "\x1b" not in page
    assert "\u202e" not in page


def test_nothing_is_fetched_and_no_script_may_run(tmp_path: Path) -> None:
    page = page_of(tmp_path, "active")
    assert "default-src 'none'" in page
    assert not re.search(r"(src|href)\s*=\s*[\"']?(https?:)?//", page)


def test_a_blind_policy_is_never_no_alerts(tmp_path: Path) -> None:
    page = page_of(tmp_path, "blind")
    assert "did not see everything" in page
    assert "some policies were blind" in page
    assert "No alert was raised.</p>" not in page


def test_who_rules_the_instance_is_counted_by_role_and_way_and_a_hostile_name_stays_text(tmp_path: Path) -> None:
    person = {
        "instance": "acme",
        "event_date": DAY,
        "is_active": True,
        "is_service": False,
        "is_dormant": False,
        "entry_uid": "e",
    }
    ways = [
        {**person, "user_uid": "a", "role": "admin", "how": "direct", "has_second_factor": False},
        {**person, "user_uid": "a", "role": "admin", "how": "group", "has_second_factor": False},
        {**person, "user_uid": "b", "role": "admin", "how": "group", "has_second_factor": None, "is_dormant": True},
        {**person, "user_uid": "c", "role": "admin", "how": "direct", "is_active": False},
        {**person, "user_uid": "d", "role": "", "how": ""},
        {**person, "user_uid": "d", "role": HOSTILE[0], "how": "contained"},
    ]

    page = page_of(tmp_path, "active", access=ways)

    (admin,) = re.findall(r"<tr><td><code>admin</code></td>(.*?)</tr>", page)
    # holders, directly, by a group, inside another role, services, dormant, left, no second factor, open alerts
    assert re.findall(r'<td class="n">(.*?)</td>', admin) == ["2", "1", "2", "0", "0", "1", "0", "1", "0"]
    assert "<script>" not in page


def test_where_roles_were_not_read_the_page_counts_nobody(tmp_path: Path) -> None:
    assert "Who rules the instance" not in page_of(tmp_path, "active")
