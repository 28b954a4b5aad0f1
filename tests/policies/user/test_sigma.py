"""Sigma rules and correlations over activities, held against the published SQLite backend where both can run."""

from __future__ import annotations

import json
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sigma.backends.sqlite import sqliteBackend
from sigma.collection import SigmaCollection

from pipelines.policies import Policy, evaluate, load
from pipelines.policies.cases import DAY, INSTANCE, activity
from pipelines.policies.user import UserFolder, read
from tests.policies.user.test_sql import loaded

SOURCE = "logsource: {product: servicenow}\n"


def rule(detection: str, title: str = "Something", more: str = "") -> str:
    return f"title: {title}\nname: {title.lower().replace(' ', '_')}\n{SOURCE}detection:\n{detection}\n{more}"


def taken(tmp_path: Path, text: str) -> UserFolder:
    (tmp_path / "rules.yml").write_text(text, encoding="utf-8")
    return read(tmp_path)


def one(tmp_path: Path, text: str) -> Policy:
    found = taken(tmp_path, text)
    assert found.problems == ()
    return next(iter(found.policies.values()))


def users(policy: Policy, *rows: Any) -> list[str | None]:
    found = evaluate(policy, loaded(*rows), INSTANCE, DAY).detections
    return sorted(found["actor_user_name"].to_pylist(), key=str)


@pytest.mark.parametrize(
    ("selection", "matching"),
    [
        ("event.action: exported", ["ann", "bob"]),
        ("user.name: ANN", ["ann"]),
        ("user.name|cased: ANN", []),
        ("user.name|startswith: a", ["ann"]),
        ("user.name|contains: n", ["ann"]),
        ("user.name|re: '^b.b$'", ["bob"]),
        ("user.name|contains|all: ['a', 'n']", ["ann"]),
        ("user.name: 'a*'", ["ann"]),
        ("file.size|gt: 500", ["bob"]),
        ("ip.tags: tor", ["bob"]),
        ("ip.tags|contains: anon", ["ann"]),
        ("geo.country: null", []),
        ("user.department|exists: false", ["ann", "bob"]),
        ("user.is_privileged: true", ["bob"]),
        ("source.ip|cidr: 203.0.113.0/24", ["ann"]),
        ("user.name: ['ann', 'bob', \"o'hara\"]", ["ann", "bob"]),
        ("resource.name: '100%_sure'", ["ann"]),
        ("asn: 64500", ["ann", "bob"]),
    ],
)
def test_what_a_selection_matches(tmp_path: Path, selection: str, matching: list[str]) -> None:
    policy = one(tmp_path, rule(f"  selection:\n    {selection}\n  condition: selection"))
    rows = (
        activity("ann", "08:00", "exported", bytes=100, ip_categories=["anonymous_proxy"], resource_name="100%_sure"),
        activity("bob", "08:00", "exported", bytes=900, ip_categories=["tor"], src_ip="198.51.100.1", is_privileged=True,
                 resource_name="100 or so, sure"),
    )  # fmt: skip
    assert users(policy, *rows) == matching


def test_a_filter_on_a_field_that_is_empty_does_not_hide_the_event(tmp_path: Path) -> None:
    """NULL is not equal to anything: `not filter` holds for it, as in every other Sigma engine."""
    text = rule("  s: {event.action: exported}\n  f: {user.department: audit}\n  condition: s and not f")
    assert users(one(tmp_path, text), activity("ann", "08:00", "exported", department=None)) == ["ann"]


def test_level_tags_description_and_scope_are_taken(tmp_path: Path) -> None:
    more = "level: critical\ntags: [attack.exfiltration, attack.t1530]\ndescription: Why.\nx_policy: {id: mine, scope: {exclude_users: [ann]}}"
    policy = one(tmp_path, rule("  s: {event.action: exported}\n  condition: s", more=more))
    assert (policy.id, policy.severity, policy.attack, policy.summary) == ("mine", "high", ("T1530",), "Why.")
    assert policy.scoping.exclude_users == frozenset({"ann"})


FAILED = rule("  s: {activity_name: login_failed}\n  condition: s", "Failed login")
LOGIN = rule("  s: {activity_name: login}\n  condition: s", "Good login")


def correlation(
    kind: str, rules: str, condition: str = "", by: str = "source.ip", span: str = "5m", more: str = ""
) -> str:
    body = f"title: Together\ncorrelation:\n  type: {kind}\n  rules: {rules}\n  group-by: [{by}]\n  timespan: {span}\n"
    return body + (f"  condition: {condition}\n" if condition else "") + more


def failed(user: str, when: str, ip: str = "198.51.100.7", nth: int = 0) -> Any:
    return activity(user, when, "login_failed", src_ip=ip, nth=nth, status="failure")


def test_events_are_counted_in_a_sliding_window(tmp_path: Path) -> None:
    policy = one(tmp_path, FAILED + "---\n" + correlation("event_count", "[failed_login]", "{gte: 3}"))
    assert policy.lookback == timedelta(minutes=5)
    assert users(policy, failed("ann", "08:00"), failed("ann", "08:03"), failed("ann", "08:05")) == ["ann"]
    assert users(policy, failed("ann", "08:00"), failed("ann", "08:03"), failed("ann", "08:05:01")) == []
    assert users(policy, failed("ann", "08:00"), failed("ann", "08:01"), failed("ann", "08:02", "192.0.2.1")) == []
    assert users(policy, failed("ann", "-1 23:58"), failed("ann", "-1 23:59"), failed("ann", "00:01")) == ["ann"]


def test_a_spray_has_no_single_actor_and_names_all_of_them(tmp_path: Path) -> None:
    policy = one(
        tmp_path, FAILED + "---\n" + correlation("value_count", "[failed_login]", "{field: user.name, gte: 3}")
    )
    rows = [failed(name, "08:00") for name in ("ann", "bob", "cid")]
    found = evaluate(policy, loaded(*rows), INSTANCE, DAY).detections
    assert found["actor_user_name"].to_pylist() == [None]
    assert found["actor_user_uids"].to_pylist() == [["uid-ann", "uid-bob", "uid-cid"]]


@pytest.mark.parametrize(("kind", "first", "second", "hits"), [
    ("temporal", "08:00", "08:01", 1), ("temporal", "08:01", "08:00", 1), ("temporal", "08:00", "08:06", 0),
    ("temporal_ordered", "08:00", "08:01", 1), ("temporal_ordered", "08:01", "08:00", 0), ("temporal_ordered", "08:00", "08:06", 0),
])  # fmt: skip
def test_one_rule_after_another(tmp_path: Path, kind: str, first: str, second: str, hits: int) -> None:
    text = "---\n".join([FAILED, LOGIN, correlation(kind, "[failed_login, good_login]", by="user.name")])
    rows = (failed("ann", first), activity("ann", second, "login"))
    assert len(users(one(tmp_path, text), *rows)) == hits


def test_three_legs_in_order(tmp_path: Path) -> None:
    took = rule("  s: {activity_name: exported}\n  condition: s", "Took")
    text = "---\n".join(
        [FAILED, LOGIN, took, correlation("temporal_ordered", "[failed_login, good_login, took]", by="user.name")]
    )
    policy = one(tmp_path, text)
    a, b, c = failed("ann", "08:00"), activity("ann", "08:02", "login"), activity("ann", "08:04", "exported")
    assert users(policy, a, b, c) == ["ann"]
    assert users(policy, a, c, activity("ann", "08:05", "login")) == []
    assert users(policy, failed("ann", "07:58"), b, c) == []  # the whole chain must fit


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (rule("  s: {userr.name: x}\n  condition: s"), 5, "no field userr.name"),
        (rule("  s: {user.name: x}\n  condition: t"), 1, ""),
        (rule("  s: [word]\n  condition: s"), 1, "keyword"),
        (rule("  s: {file.size: big}\n  condition: s"), 5, "no text"),
        (rule("  s: {user.name: x}\n  condition: s").replace("servicenow", "okta"), 1, "logsource.product is okta"),
        ("title: [", 1, ""),
        (correlation("event_count", "[nobody]", "{gte: 3}"), 4, "it refers to nobody"),
        (FAILED + "---\n" + correlation("event_count", "[failed_login]", "{lte: 3}"), 8, "few events"),
        (FAILED + "---\n" + correlation("value_avg", "[failed_login]", "{field: bytes, gte: 3}"), 8, "not supported"),
        (FAILED + "---\n" + correlation("event_count", "[failed_login]", "{gte: 3}", span="30d"), 8, "too long"),
        (rule("  s: {user.name: x}\n  condition: s", more="x_policy: {colour: red}"), 1, "unknown key colour"),
    ],
)  # fmt: skip
def test_a_mistake_names_file_line_and_remedy_and_the_others_go_on(
    tmp_path: Path, text: str, line: int, message: str
) -> None:
    (tmp_path / "good.yml").write_text(rule("  s: {user.name: x}\n  condition: s", "Good"), encoding="utf-8")
    (tmp_path / "bad.yml").write_text(text, encoding="utf-8")

    found = load(tmp_path)

    assert len(found.problems) == 1
    assert message in found.problems[0].cause
    assert "bad.yml, line " in found.problems[0].text
    assert found.problems[0].line >= line
    assert found.problems[0].remedy
    assert "good" in found.policies


# at different seconds: which of two events of one second came first nobody knows, and here they count as in order
EVENTS = st.lists(
    st.tuples(st.sampled_from(["ann", "bob"]), st.integers(0, 900), st.sampled_from(["login", "login_failed"])),
    max_size=14,
    unique_by=lambda event: event[1],
)
ORACLE = {
    "event_count": ("[failed_login]", "{gte: 3}"),
    "value_count": ("[failed_login]", "{field: time, gte: 3}"),
    "temporal": ("[failed_login, good_login]", ""),
    "temporal_ordered": ("[failed_login, good_login]", ""),
}


@pytest.mark.parametrize("kind", sorted(ORACLE))
def test_the_same_groups_as_the_published_backend(kind: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    rules, condition = ORACLE[kind]
    together = correlation(kind, rules, condition, by="actor_user_name")
    text = "---\n".join([FAILED, *([LOGIN] if "good" in rules else []), together])
    policy = one(tmp_path_factory.mktemp("rules"), text)
    collection = SigmaCollection.from_yaml(text)
    backend = sqliteBackend(table="core__activity", timestamp_field="time", event_id_field="rowid")
    query = str(backend.convert(collection)[-1])

    @settings(max_examples=25, deadline=None)
    @given(events=EVENTS)
    def agree(events: list[tuple[str, int, str]]) -> None:
        rows = [
            activity(user, "08:00", name, later=second, nth=n, status="success")
            for n, (user, second, name) in enumerate(events)
        ]
        groups = set(users(policy, *rows)) if rows else set()
        assert groups == _by_sqlite(query, rows)

    agree()


def _by_sqlite(query: str, rows: list[Any]) -> set[str]:
    con = sqlite3.connect(":memory:")
    con.execute("CREATE TABLE core__activity (activity_name TEXT, actor_user_name TEXT, time TEXT)")
    con.executemany(
        "INSERT INTO core__activity VALUES (?, ?, ?)",
        [
            (r.values["activity_name"], r.values["actor_user_name"], f"{r.values['time']:%Y-%m-%d %H:%M:%S}")
            for r in rows
        ],
    )
    return {json.loads(row[0])["actor_user_name"] for row in con.execute(f"SELECT group_keys FROM ({query})")}
