"""A day is cut at midnight, an action is not: the same rows give the same activities wherever the days part."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines import conform
from tests.conform.night import DAY, INSTANCE, Night, sys_id

USERS, FILES = ("anna", "bert"), (sys_id("f1"), sys_id("f2"))
EVENTS = (
    "login", "session.established", "external.authentication.succeeded", "login.failed", "logout", "attachment.read",
    "attachment.read bare", "impersonation.start", "impersonation.end", "live_feed.update",
)  # fmt: skip
REQUESTS = ("page", "file page", "file rest", "export")
OTHERS = ("audit", "deleted", "audit_delete", "isc", "upload")

actions = st.tuples(
    st.integers(-70, 70),
    st.sampled_from(EVENTS + REQUESTS + OTHERS),
    st.sampled_from(USERS),
    st.integers(0, 1),
    st.booleans(),
)


def play(around: datetime, script: list[tuple[int, str, str, int, bool]]) -> Night:
    """Write the script's rows at seconds around a moment."""
    night = Night()
    for user in USERS:
        night.user(user)
    for nth, (offset, what, user, which, flag) in enumerate(script):
        clock = f"{around + timedelta(seconds=offset):%Y-%m-%d %H:%M:%S}"
        write(night, clock, what, user, which, flag, sys_id(f"row {nth}"))
    return night


def write(night: Night, clock: str, what: str, user: str, which: int, flag: bool, key: str) -> None:
    session, ip = sys_id(f"session {user} {which}"), f"198.51.100.{which + 1}"
    other = USERS[1 - USERS.index(user)]
    if what.startswith("attachment.read"):
        night.event(clock, "attachment.read", "a.pdf", "incident", sys_id=key, table="sys_attachment", user_name=user,
                    instance_uid="" if what.endswith("bare") else FILES[which])  # fmt: skip
    elif what.startswith("impersonation"):
        night.event(clock, what, user, other, sys_id=key, user_name=user, instance_uid=session if flag else "")
    elif what == "live_feed.update":
        night.event(
            clock, what, "[state]", "1", sys_id=key, user_name=user, table="incident", instance_uid=sys_id("record")
        )
    elif what in EVENTS:
        night.event(
            clock,
            what,
            user,
            "" if what.startswith("external") else ip,
            sys_id=key,
            instance_uid=session if flag else "",
        )
    elif what in REQUESTS:
        url = {"page": "/incident_list.do", "file page": f"/sys_attachment.do?sys_id={FILES[which]}",
               "file rest": f"/api/now/attachment/{FILES[which]}/file", "export": "/task_list.do?CSV"}[what]  # fmt: skip
        night.request(clock, user, url, sys_id=key, session=session if flag else "", remote_ip=ip)
    elif what == "isc":
        night.add("isc_export_event", clock, sys_id=key, user_name=user, table="task", records="3")
    elif what == "upload":
        night.add("sys_attachment", clock, sys_id=key, file_name="n.pdf", table_name="incident", sys_created_by=user)
    elif what == "audit_delete":
        night.add(
            "sys_audit_delete",
            clock,
            sys_id=key,
            tablename="incident",
            documentkey=sys_id("record"),
            sys_created_by=user,
        )
    else:
        night.add("sys_audit", clock, sys_id=key, tablename="incident", fieldname="DELETED" if what == "deleted" else "state",
                  documentkey=sys_id("record"), user=user, newvalue="x")  # fmt: skip


def shown(rows: list[dict[str, Any]], shift: timedelta) -> list[dict[str, Any]]:
    """Comparable rows: the partition is left out, the clock is moved back."""
    moved = [{**row, "time": row["time"] - shift, "event_date": None} for row in rows]
    return sorted(moved, key=lambda row: str(row["activity_uid"]))


def derived(night: Night, *days: Any) -> list[dict[str, Any]]:
    """Each day from only the context that `REQUIRED` asks for."""
    found: list[dict[str, Any]] = []
    for day in days:
        con = night.connect([day + timedelta(days=n) for n in (-1, 0, 1)])
        found += conform.activities(con, INSTANCE, day).to_arrow_table().to_pylist()
    return found


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.lists(actions, max_size=14))
def test_two_days_give_what_one_day_gives(script: list[tuple[int, str, str, int, bool]]) -> None:
    noon = datetime.fromisoformat(f"{DAY}T12:00:00")
    midnight = datetime.fromisoformat(f"{DAY}T00:00:00")
    whole = derived(play(noon, script), DAY)
    halves = derived(play(midnight, script), DAY - timedelta(days=1), DAY)
    assert shown(halves, midnight - noon) == shown(whole, timedelta(0))


@settings(max_examples=10, deadline=None, derandomize=True)
@given(st.lists(actions, max_size=12), st.data())
def test_order_and_repetition_of_rows_do_not_matter(
    script: list[tuple[int, str, str, int, bool]], data: st.DataObject
) -> None:
    night = play(datetime.fromisoformat(f"{DAY}T12:00:00"), script)
    expected = night.activities()
    for name, rows in night.rows.items():
        if name.startswith("sys_") and name != "sys_user":
            continue
        again = data.draw(st.permutations(rows + rows[:2]))
        night.rows[name] = list(again)
    assert night.activities() == expected


@settings(max_examples=10, deadline=None, derandomize=True)
@given(st.lists(actions, max_size=10))
def test_a_day_changes_after_midnight_only_where_its_edge_does(script: list[tuple[int, str, str, int, bool]]) -> None:
    night = play(datetime.fromisoformat(f"{DAY}T00:00:00"), script)
    before = DAY - timedelta(days=1)
    alone, known = night.connect([before]), night.connect([before, DAY])
    if conform.edge(known, before) == conform.edge(alone, before):
        first = conform.activities(alone, INSTANCE, before).order("activity_uid").to_arrow_table()
        second = conform.activities(known, INSTANCE, before).order("activity_uid").to_arrow_table()
        assert first.equals(second)
