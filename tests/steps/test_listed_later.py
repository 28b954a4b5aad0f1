"""An address is listed hours after it was used: the next night finds what was done from there, from unchanged raw rows."""

from __future__ import annotations

import shutil
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from pipelines.contracts import contract
from pipelines.emulator.server import RunningEmulator
from pipelines.settings import Settings
from pipelines.steps import Logged, open_night, perform
from tests.steps.conftest import Play, few_policies, first_night, settings_for

DAY = first_night()
DERIVED = ("conform", "features", "detect")
POLICIES = ["risky_ip_logon", "suspicious_ip_activity"]
LOGINS = """
SELECT actor_user_name, src_ip, max(time) AS used FROM mart.activities
WHERE activity_name = 'login' AND status = 'success' AND NOT is_integration AND NOT is_own AND len(ip_categories) = 0
GROUP BY ALL HAVING min(time)::DATE = $day AND max(time)::DATE = $day ORDER BY used, src_ip
"""


def test_a_later_listing_is_found_by_the_next_night(instance: RunningEmulator, tmp_path: Path, play: Play) -> None:
    lists = tmp_path / "lists"
    shutil.copytree(instance.info()["ip_lists"], lists)
    two = few_policies(tmp_path / "policies", kept=POLICIES)
    short = {"back_fill_days": 1, "look_back_days": 1, "policies_dir": two}
    settings = settings_for(instance, tmp_path / "data", ip_lists=lists, **short)
    play(settings, [DAY])
    by_address = {address: (user, used) for user, address, used in _logins(settings)}
    (hit, (user, at)), (missed, (_, used)), (over, (_, ended)) = list(by_address.items())[:3]

    _derive_the_next_night(settings)  # whatever midnight changed is settled

    _list(lists, hit, at + timedelta(hours=7))
    _list(lists, missed, used + timedelta(days=settings.ip_list_look_back_days, hours=1))
    _list(lists, over, ended - timedelta(days=60), ended - timedelta(days=21))
    again, found = _derive_the_next_night(settings)

    assert {(f["policy_id"], f["actor_user_name"]) for f in found if hit in f["src_ips"]} == {
        (p, user) for p in POLICIES
    }
    assert not [f for f in found if {missed, over} & set(f["src_ips"])]
    assert again == [DAY]
    assert _derive_the_next_night(settings) == ([], found)


def _logins(settings: Settings) -> list[tuple[str, str, datetime]]:
    with duckdb.connect(str(settings.warehouse), read_only=True) as con:
        return con.execute(LOGINS, {"day": DAY}).fetchall()


def _list(lists: Path, address: str, since: datetime, until: datetime | None = None) -> None:
    with (lists / "botnet.csv").open("a", encoding="utf-8") as file:
        file.write(f"{address},90,{since.isoformat()},{until.isoformat() if until else ''}\n")


def _derive_the_next_night(settings: Settings) -> tuple[list[date], list[dict[str, Any]]]:
    """Days whose activities a night that reads nothing derives anew, and what the policies of lists saw on `DAY`."""
    after = DAY + timedelta(days=1)
    night = open_night(settings, after, after, Logged())
    with night.lease() as lease:
        rows = [row for step in DERIVED for row in perform(night, lease, step).rows]
    with night.lake.connect(settings.memory_limit, settings.threads) as con:
        night.lake.view(con, contract("out__detection"), night.instance, [DAY], name="seen")
        found = con.sql(
            "SELECT policy_id, actor_user_name, src_ips FROM seen WHERE policy_id = ANY ($names) ORDER BY ALL",
            params={"names": POLICIES},
        ).to_arrow_table()
    night.store.close()
    anew = {r.day for r in rows if (r.step, r.table, r.state) == ("conform", "core__activity", "ok")}
    return sorted(anew), found.to_pylist()
