"""What the engine does for every policy: evidence, titles, scope, sensitivity, revision, days."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from pipelines.contracts import contract
from pipelines.contracts.table import conform
from pipelines.errors import UsageError
from pipelines.policies import Found, Override, evaluate, registry, revision
from pipelines.policies.cases import DAY, HOSTILE, INSTANCE, download, downloads, failures
from pipelines.policies.core import Policy, Row, Scoping
from pipelines.policies.evidence import MAX_EVIDENCE, evidence_of, named

MASS = registry()["mass_download_by_single_user"]
FAILED = registry()["multiple_failed_logins"]


def table(name: str, rows: list[dict[str, Any]]) -> pa.Table:
    schema = contract(name).arrow_schema()
    return pa.Table.from_pylist([{c: row.get(c) for c in schema.names} for row in rows], schema=schema)


def run(
    policy: Policy,
    *rows: Row,
    day: date = DAY,
    threads: int = 2,
    users: list[dict[str, Any]] | None = None,
    **options: Any,
) -> Found:
    con = duckdb.connect()
    con.execute(f"SET threads = {threads}")
    for name in {*policy.reads, "core__user"}:
        values = [dict(row.values) for row in rows if row.table == name]
        con.register(name, table(name, values if name != "core__user" else users or []))
    return evaluate(policy, con, INSTANCE, day, **options)


def test_detections_and_evidence_have_the_shape_of_their_contracts() -> None:
    found = run(MASS, *downloads("ann", "08:00:00", 60, 0.5))

    for name, rows in (("out__detection", found.detections), ("out__detection_evidence", found.evidence)):
        assert conform(contract(name), rows).schema == contract(name).arrow_schema()
    assert (found.detections.num_rows, found.evidence.num_rows) == (1, 60)


def test_an_empty_day_has_the_shape_too() -> None:
    found = run(MASS)

    assert found.detections.schema == contract("out__detection").arrow_schema()
    assert found.evidence.num_rows == 0


def test_evidence_says_who_what_and_from_where_but_names_no_file() -> None:
    found = run(
        MASS, *downloads("ann", "08:00:00", 60, 0.5, resource_name="salary of bob.xlsx", parent_table="incident")
    )

    row = found.evidence.to_pylist()[0]
    assert row["summary"] == "ann: file downloaded on incident from 203.0.113.10 (Utrecht, NL)"
    assert row["source_table"] == "sysevent"


def test_evidence_is_bounded_and_its_count_is_not() -> None:
    found = run(MASS, *downloads("ann", "08:00:00", MAX_EVIDENCE + 50, 0.05))

    assert found.evidence.num_rows == MAX_EVIDENCE
    assert found.detections["evidence_count"].to_pylist() == [MAX_EVIDENCE + 50]


def test_evidence_of_several_policies_is_looked_up_at_once_and_each_keeps_its_own_days() -> None:
    day_before = downloads("ann", "-1 23:59:40", 30, 0.5)
    con = duckdb.connect()
    rows = [dict(row.values) for row in (*day_before, *downloads("ann", "00:00:00", 30, 0.5))]
    con.register("core__activity", table("core__activity", rows))
    uids = [row["activity_uid"] for row in rows]
    seen = {"event_date": DAY, "evidence": uids, "suppressed_by": None}

    both = evidence_of(con, INSTANCE, [
        named([seen | {"detection_uid": "looks back"}], DAY - timedelta(days=1)),
        named([seen | {"detection_uid": "of the day"}], DAY),
    ])  # fmt: skip

    kept = Counter(both["detection_uid"].to_pylist())
    assert kept == {"looks back": 60, "of the day": sum(row["event_date"] == DAY for row in rows)}
    assert set(both["event_date"].to_pylist()) == {DAY}


def test_facts_are_json_and_the_title_is_made_of_them() -> None:
    (row,) = run(MASS, *downloads("ann", "08:00:00", 60, 0.5)).detections.to_pylist()

    assert json.loads(row["facts"]) == {"file_count": 60, "peak_files": 60, "total_bytes": 60_000}
    assert row["title"] == "ann downloaded 60 different files within a minute, 60 in the burst"
    assert (row["policy_kind"], row["attack_techniques"], row["actor_user_uids"]) == (
        "activity",
        ["T1213", "T1530"],
        ["uid-ann"],
    )


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_become_one_line_of_plain_text(name: str) -> None:
    rows = (
        download(name, "08:00:00", nth=n, later=n // 2, file=f"f{n}", actor_user_uid="u", src_ip=name)
        for n in range(60)
    )

    found = run(MASS, *rows)

    for text in (found.detections["title"][0].as_py(), *found.evidence["summary"].to_pylist()):
        assert text.isprintable()
        assert len(text) <= 300
    assert found.detections["actor_user_name"].to_pylist() == [name]


def test_the_same_input_gives_the_same_bytes_at_any_thread_count() -> None:
    rows = (*downloads("ann", "08:00:00", 60, 0.5), *failures("bob", "09:00:00", 30, 2))

    for policy in registry().values():
        one, two = run(policy, *rows, threads=1), run(policy, *reversed(rows), threads=4)
        assert one.detections.equals(two.detections)
        assert one.evidence.equals(two.evidence)


def test_a_burst_over_midnight_is_of_the_day_it_ends_on_and_has_an_id_per_day() -> None:
    rows = downloads("ann", "-1 23:59:00", 120, 1)

    before, after = (run(MASS, *rows, day=day).detections.to_pylist() for day in (DAY - timedelta(days=1), DAY))

    assert [row["last_seen"].date() for row in (*before, *after)] == [DAY - timedelta(days=1), DAY]
    assert before[0]["detection_uid"] != after[0]["detection_uid"]


def test_another_instance_is_another_world() -> None:
    rows = [Row(row.table, {**row.values, "instance": "other"}) for row in downloads("ann", "08:00:00", 60, 0.5)]

    assert run(MASS, *rows).detections.num_rows == 0


def test_a_parameter_moves_the_limit_and_an_unknown_one_is_refused() -> None:
    rows = downloads("ann", "08:00:00", 30, 0.5)

    assert run(MASS, *rows, params={"max_files": 25}).detections.num_rows == 1
    with pytest.raises(UsageError, match="no parameter min_files"):
        run(MASS, *rows, params={"min_files": 25})
    with pytest.raises(UsageError, match="like the default, 50"):
        run(MASS, *rows, params={"max_files": "25"})


def test_sensitivity_decides_which_explanations_are_accepted() -> None:
    known = Row("state__seen", {
        "instance": INSTANCE, "event_date": DAY - timedelta(days=1), "user_uid": "uid-ann", "kind": "asn", "value": "64500",
        "first_seen": None, "last_seen": None, "day_count": 5, "user_count": 1,
    })  # fmt: skip
    rows = (known, *failures("ann", "08:00:00", 20, 5))

    reasons = [
        run(FAILED, *rows, sensitivity=level).detections["suppressed_by"][0].as_py()
        for level in ("low", "medium", "high")
    ]

    assert reasons == ["user: own_network", "user: own_network", None]


def users(*names: str, group: str = "g1") -> list[dict[str, Any]]:
    return [
        {"instance": INSTANCE, "event_date": DAY, "user_uid": f"uid-{n}", "user_name": n, "group_uids": [group]}
        for n in names
    ]


@pytest.mark.parametrize(
    ("scoping", "judged"),
    [
        (Scoping(), {"ann", "bob"}),
        (Scoping(include_users=frozenset({"ann"})), {"ann"}),
        (Scoping(exclude_users=frozenset({"ann"})), {"bob"}),
        (Scoping(include_groups=frozenset({"g1"})), {"ann", "bob"}),
        (Scoping(include_groups=frozenset({"g2"})), set()),
        (Scoping(include_groups=frozenset({"g1"}), exclude_users=frozenset({"bob"})), {"ann"}),
        (Scoping(exclude_groups=frozenset({"g1"})), set()),
    ],
)
def test_a_scope_says_who_is_judged_and_exclude_wins(scoping: Scoping, judged: set[str]) -> None:
    policy = MASS.changed(Override(scoping=scoping))
    rows = (*downloads("ann", "08:00:00", 60, 0.5), *downloads("bob", "08:00:00", 60, 0.5))

    found = run(policy, *rows, users=users("ann", "bob"))

    assert set(found.detections["actor_user_name"].to_pylist()) == judged


def test_the_revision_follows_whatever_changes_a_result() -> None:
    changed = [
        MASS,
        MASS.changed(Override(params={"max_files": 40})),
        MASS.changed(Override(severity="low")),
        MASS.changed(Override(scoping=Scoping(exclude_users=frozenset({"ann"})))),
    ]

    assert len({revision(policy) for policy in changed}) == len(changed)
    assert revision(MASS, sensitivity="low") != revision(MASS)
    assert revision(MASS.changed(Override(params={"max_files": 50}))) == revision(MASS)


def test_an_override_enters_the_detection() -> None:
    policy = MASS.changed(Override(severity="low", params={"max_files": 5}))

    (row,) = run(policy, *downloads("ann", "08:00:00", 10, 1)).detections.to_pylist()

    assert (row["severity"], row["policy_revision"]) == ("low", revision(policy))


def test_a_severity_that_the_user_set_holds_for_what_a_policy_would_grade_by_itself() -> None:
    policy = registry()["unusual_file_downloads"]
    (case,) = [case for case in policy.cases if case.having.get("severity") == "high"][:1]

    (usual,) = run(policy, *case.rows).detections.to_pylist()
    (set_low,) = run(policy.changed(Override(severity="low")), *case.rows).detections.to_pylist()

    assert (usual["severity"], set_low["severity"]) == ("high", "low")
    assert usual["detection_uid"] == set_low["detection_uid"]


def test_a_policy_that_forgets_a_column_is_told_which() -> None:
    broken = replace(MASS, id="broken", facts=("peak_files", "absent"))

    with pytest.raises(UsageError, match=r"does not return \['absent'\]"):
        run(broken)
