"""One-line builders of detections, evidence, state and users for the tests of alerts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

import duckdb
import pyarrow as pa

from pipelines.contracts import contract
from pipelines.contracts.mart import views

INSTANCE = "acme"


def table(name: str, rows: Iterable[dict[str, Any]]) -> pa.Table:
    """Rows of the contract `name`; columns not given are null."""
    schema = contract(name).arrow_schema()
    return pa.Table.from_pylist([{column: row.get(column) for column in schema.names} for row in rows], schema=schema)


def detection(uid: str, at: str, **values: Any) -> dict[str, Any]:
    """A detection of `impossible_travel` by `u1` at one instant; give `until` for a later end."""
    first = datetime.fromisoformat(at)
    last = datetime.fromisoformat(values.pop("until", at))
    row = {
        "instance": INSTANCE,
        "event_date": last.date(),
        "detection_uid": uid,
        "policy_id": "impossible_travel",
        "policy_kind": "anomaly",
        "policy_revision": "r1",
        "severity": "medium",
        "actor_user_uid": "u1",
        "actor_user_name": "ann",
        "actor_user_uids": ["u1"],
        "first_seen": first,
        "last_seen": last,
        "title": f"title of {uid}",
        "evidence_count": 1,
        "repeated_rows": 0,
        "attack_techniques": ["T1078"],
        "src_ips": ["203.0.113.7"],
        "countries": ["BR"],
        "facts": "{}",
        "risk_score": 50.0,
        "priority": 40.0,
        "risk_parts": "{}",
        "priority_parts": "{}",
    }
    return row | values


def detections(*rows: dict[str, Any]) -> pa.Table:
    return table("out__detection", rows)


def evidence(*pairs: tuple[str, str, str]) -> pa.Table:
    """(detection_uid, source_uid, time) each."""
    return table(
        "out__detection_evidence",
        (
            {
                "instance": INSTANCE,
                "event_date": date.fromisoformat(at[:10]),
                "detection_uid": uid,
                "activity_uid": f"sysevent:{source}",
                "source_table": "sysevent",
                "source_uid": source,
                "time": datetime.fromisoformat(at),
                "activity_name": "login",
                "summary": "ann logged in",
            }
            for uid, source, at in pairs
        ),
    )


def published_evidence(frames: Mapping[str, pa.Table], proof: pa.Table) -> pa.Table:
    """What `mart.alert_evidence` shows of the frames of `fold` and the evidence of their detections, oldest first."""
    with duckdb.connect() as con:
        con.execute("CREATE SCHEMA wh")
        for name, rows in {"detection_evidence": proof, "alert_detection": frames["alert_detections"],
                           "summary_evidence": frames["summary_evidence"]}.items():  # fmt: skip
            con.register("_rows", rows)
            con.execute(f"CREATE TABLE wh.{name} AS FROM _rows")
        shown = con.sql(views()["alert_evidence"].sql).order("alert_uid, time, source_uid")
        return shown.select(*contract("out__alert_evidence").columns).to_arrow_table()


def user(uid: str, **values: Any) -> dict[str, Any]:
    return {"instance": INSTANCE, "event_date": date(2026, 11, 1), "user_uid": uid, "department": "d1"} | values


def seen(user_uid: str, kind: str, value: str, first: str, last: str) -> dict[str, Any]:
    """A row of `state__seen`."""
    return {
        "instance": INSTANCE,
        "event_date": date(2026, 10, 31),
        "user_uid": user_uid,
        "kind": kind,
        "value": value,
        "first_seen": datetime.fromisoformat(first),
        "last_seen": datetime.fromisoformat(last),
        "day_count": 1,
    }


def seen_table(rows: Iterable[dict[str, Any]]) -> pa.Table:
    """`state__seen` as the rarity flags read it."""
    schema = pa.schema(
        [
            ("instance", pa.string()),
            ("event_date", pa.date32()),
            ("user_uid", pa.string()),
            ("kind", pa.string()),
            ("value", pa.string()),
            ("first_seen", pa.timestamp("us")),
            ("last_seen", pa.timestamp("us")),
            ("day_count", pa.int64()),
        ]
    )
    return pa.Table.from_pylist(list(rows), schema=schema)
