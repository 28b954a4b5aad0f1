"""A user's SELECT: checked before it runs, locked while it runs."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from pipelines.contracts import contract
from pipelines.errors import UsageError
from pipelines.policies import evaluate, load
from pipelines.policies.cases import DAY, INSTANCE, activity
from pipelines.policies.prove import prove
from pipelines.policies.user import locked
from pipelines.policies.user.sql import policy_of

HEAD = '-- title = "{actor} exported {rows:,} rows"\n-- attack = ["T1530"]\n'
BODY = """SELECT actor_user_uid, actor_user_name, min(time) AS first_seen, max(time) AS last_seen,
       list(activity_uid ORDER BY activity_uid) AS evidence, sum(row_count) AS rows
FROM core__activity WHERE activity_name = 'exported' GROUP BY ALL"""
STOLEN = BODY.replace("sum(row_count) AS rows", "(SELECT content FROM read_text('{path}')) AS rows")


def write(folder: Path, text: str, name: str = "big_export.sql") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def loaded(*rows: object) -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    schema = contract("core__activity").arrow_schema()
    values = [{name: row.values.get(name) for name in schema.names} for row in rows]  # type: ignore[attr-defined]
    con.register("core__activity", pa.Table.from_pylist(values, schema=schema))
    return con


def test_a_query_becomes_detections_with_facts_addresses_and_evidence(tmp_path: Path) -> None:
    policy = load(write(tmp_path, HEAD + BODY).parent).policies["big_export"]
    rows = [activity("ann", "03:00", "exported", nth=n, row_count=9000, src_ip=f"203.0.113.{n}") for n in range(2)]

    found = evaluate(policy, loaded(*rows), INSTANCE, DAY)

    assert found.detections["title"].to_pylist() == ["ann exported 18,000 rows"]
    assert found.detections["src_ips"].to_pylist() == [["203.0.113.0", "203.0.113.1"]]
    assert found.detections["countries"].to_pylist() == [["NL"]]
    assert found.detections["attack_techniques"].to_pylist() == [["T1530"]]
    assert found.evidence.num_rows == 2


def test_own_rows_other_instances_and_other_days_are_not_there(tmp_path: Path) -> None:
    policy = load(write(tmp_path, HEAD + BODY).parent).policies["big_export"]
    rows = [
        activity("ann", "03:00", "exported", is_own=True),
        activity("bob", "03:00", "exported", instance="other"),
        activity("cid", "-1 23:00", "exported"),
    ]
    assert evaluate(policy, loaded(*rows), INSTANCE, DAY).detections.num_rows == 0


def test_whom_it_judges_is_the_users_to_say(tmp_path: Path) -> None:
    head = HEAD + '-- scope = { exclude_users = ["ann"] }\n'
    policy = load(write(tmp_path, head + BODY).parent).policies["big_export"]
    con = loaded(activity("ann", "03:00", "exported"), activity("bob", "03:00", "exported"))
    con.register("core__user", contract("core__user").arrow_schema().empty_table())
    assert evaluate(policy, con, INSTANCE, DAY).detections["actor_user_name"].to_pylist() == ["bob"]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (BODY, 1, "there is no title"),
        (HEAD + "-- colour = 'red'\n" + BODY, 3, "unknown key colour"),
        (HEAD + "-- severity = 'huge'\n" + BODY, 3, "severity is 'huge'"),
        (HEAD + "-- reads = ['raw_servicenow__sys_user']\n" + BODY, 3, "cannot be read"),
        (HEAD + "-- lookback = '90d'\n" + BODY, 1, "too long"),
        (HEAD + "-- title =\n" + BODY, 3, "end of document"),
        (HEAD + BODY.replace("row_count", "rowcount"), 4, "rowcount"),
        (HEAD + BODY.replace("evidence,", "proof,"), 3, "returns no evidence"),
        (HEAD + "SELEC 1", 3, "syntax error"),
        (HEAD + BODY + "; DROP TABLE core__activity", 3, "one SELECT"),
        (HEAD + "COPY (SELECT 1) TO '/tmp/x.csv'", 3, "one SELECT"),
        (HEAD + "SET memory_limit = '1GB'", 3, "one SELECT"),
        (HEAD + "", 3, "one SELECT"),
        (HEAD.replace("{rows:,}", "{wors}") + BODY, 3, "the title speaks of wors"),
        (HEAD.replace("{rows:,}", "{rows") + BODY, 3, "no template"),
    ],
)
def test_a_mistake_names_file_line_and_remedy_and_the_others_go_on(
    tmp_path: Path, text: str, line: int, message: str
) -> None:
    write(tmp_path, HEAD + BODY, "good.sql")
    found = load(write(tmp_path, text).parent)

    assert [p.policy_id for p in found.problems] == ["big_export"]
    assert message in found.problems[0].cause
    assert f"big_export.sql, line {line}:" in found.problems[0].text
    assert found.problems[0].remedy
    assert "good" in found.policies


@pytest.mark.parametrize(
    "stolen",
    [
        "SELECT content FROM read_text('{path}')",
        "FROM read_csv('{path}')",
        "SELECT file FROM glob('{folder}/*')",
        "SELECT count(*) FROM '{path}'",
    ],
)
def test_a_locked_query_reads_no_file(tmp_path: Path, stolen: str) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    query = BODY.replace("sum(row_count) AS rows", f"({stolen.format(path=secret, folder=tmp_path)}) AS rows")
    with pytest.raises(UsageError, match="disabled"):
        locked.describe(query, ("core__activity",))


def test_only_the_lakes_own_files_stay_readable(tmp_path: Path) -> None:
    con = duckdb.connect()
    for name in ("lent", "other"):
        con.execute(f"COPY (SELECT 1 AS a) TO '{tmp_path / name}.parquet' (FORMAT parquet)")
    con.execute(f"CREATE TEMP VIEW lent AS FROM read_parquet(['{tmp_path}/lent.parquet'])")
    locked.lock(con, [tmp_path / "lent.parquet"])

    assert con.execute("FROM lent").fetchall() == [(1,)]
    for forbidden in (
        f"FROM '{tmp_path}/other.parquet'",
        "SET threads = 1",
        f"ATTACH '{tmp_path}/x.db'",
        "INSTALL httpfs",
    ):
        with pytest.raises(duckdb.Error):
            con.execute(forbidden)


def test_a_query_that_never_ends_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locked, "SECONDS", 1)
    endless = BODY.replace("sum(row_count)", "(SELECT sum(sqrt(a.range)) FROM range(1000000000) a, range(100000) b)")
    policy = load(write(tmp_path, HEAD + endless).parent).policies["big_export"]
    with pytest.raises(UsageError, match="took more than 1 s"):
        evaluate(policy, loaded(activity("ann", "03:00", "exported")), INSTANCE, DAY)


def test_its_cases_are_proved(tmp_path: Path) -> None:
    case = '-- [[cases]]\n-- name = "{}"\n-- alerts = {}\n-- rows = [{{ user = "ann", time = "08:00", activity = "exported" }}]\n'
    policy = policy_of(write(tmp_path, HEAD + case.format("right", 1) + case.format("wrong", 0) + BODY))
    assert [proof.failure[:10] for proof in prove(policy)] == ["", "expected 0"]  # type: ignore[arg-type]
