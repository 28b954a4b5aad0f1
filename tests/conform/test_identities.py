"""Accounts and the identity provider's users are one person where their names agree, and never by guesswork."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from pipelines.conform.identities import identities
from pipelines.contracts import contract
from tests.conform.night import DAY, INSTANCE, sys_id

MORNING = datetime(2026, 9, 25, 0, 30, 12)


def user(uid: str, principal: str | None, **more: Any) -> dict[str, Any]:
    return {"directory_id": uid, "user_principal_name": principal, "mail": principal, "account_enabled": True, **more}


def account(name: str, mail: str = "", **more: Any) -> dict[str, Any]:
    return {"sys_id": sys_id(name), "user_name": name, "email": mail, "sys_created_on": "2020-01-01 00:00:00", **more}


def found(
    accounts: list[dict[str, Any]],
    users: list[dict[str, Any]],
    deleted: list[dict[str, Any]] | None = None,
    before: list[dict[str, Any]] | None = None,
    *,
    taken_on: date = DAY,
) -> dict[str, dict[str, Any]]:
    """`core__identity` of DAY by user name."""
    with duckdb.connect() as con:
        observed = MORNING + (taken_on - DAY)
        for name, rows in (
            ("raw_servicenow__sys_user", accounts),
            ("raw_entra__user", users),
            ("raw_entra__deleted_user", deleted or []),
        ):
            _create(con, name, name, rows, taken_on, observed)
        if before is not None:
            _create(con, "raw_entra__user__previous", "raw_entra__user", before, taken_on - timedelta(days=1), observed)
        got = identities(con, INSTANCE, DAY).to_arrow_table()
    assert got.column_names == list(contract("core__identity").columns)
    return {row["user_name"]: row for row in got.to_pylist()}


def _create(
    con: duckdb.DuckDBPyConnection, name: str, of: str, rows: list[dict[str, Any]], day: date, at: datetime
) -> None:
    schema = contract(of).arrow_schema()
    stamp = {"instance": INSTANCE, "event_date": day, "observed_at": at}
    con.register("given", pa.Table.from_pylist([{**row, **stamp} for row in rows], schema=schema))
    con.execute(f'CREATE TABLE "{name}" AS FROM given').fetchall()
    con.unregister("given")


@pytest.mark.parametrize(
    ("name", "mail", "principal", "more", "way"),
    [
        ("Ann@Corp.Example", "", "ann@corp.example", {}, "user name is sign-in name"),
        ("ann", "ANN@corp.example ", "ann@corp.example", {}, "mail is sign-in name"),
        ("ann", "ann.a@corp.example", "ann@tenant.example", {"mail": "Ann.A@corp.example"}, "mail is mail"),
        ("ann", "", "x@corp.example", {"on_premises_sam_account_name": "ANN"}, "user name is on-premises name"),
        (
            "ren\u00e9",
            "",
            "x@corp.example",
            {"on_premises_sam_account_name": "Rene\u0301"},
            "user name is on-premises name",
        ),
    ],
)
def test_the_ways_to_be_one_person(name: str, mail: str, principal: str, more: dict[str, Any], way: str) -> None:
    row = found([account(name, mail)], [user("d1", principal, **more)])[name]

    assert (row["match_state"], row["matched_by"], row["directory_id"]) == ("matched", way, "d1")
    assert (row["is_enabled"], row["is_deleted"], row["profile_source"]) == (True, False, "observed")
    assert row["seen_at"] == datetime(2026, 9, 25, 1)


def test_look_alike_letters_are_not_the_same_letters() -> None:
    assert (
        found([account("\u0430nn@corp.example")], [user("d1", "ann@corp.example")])["\u0430nn@corp.example"][
            "match_state"
        ]
        == "unmatched"
    )


def test_what_several_claim_is_nobodys() -> None:
    shared = [account("a", "team@corp.example"), account("b", "team@corp.example")]
    assert {row["match_state"] for row in found(shared, [user("d1", "team@corp.example")]).values()} == {"ambiguous"}

    twins = [user("d1", "x@one.example", mail="ann@corp.example"), user("d2", "y@two.example", mail="ann@corp.example")]
    row = found([account("ann", "ann@corp.example")], twins)["ann"]
    assert (row["match_state"], row["directory_id"], row["is_enabled"]) == ("ambiguous", None, None)


def test_the_closest_claim_wins_and_leaves_the_others_without() -> None:
    rows = found(
        [account("ann@corp.example"), account("adm.ann", "ann@corp.example")],
        [user("d1", "ann@corp.example", account_enabled=False)],
    )

    assert (rows["ann@corp.example"]["match_state"], rows["ann@corp.example"]["is_enabled"]) == ("matched", False)
    assert rows["adm.ann"]["match_state"] == "ambiguous"


def test_a_deleted_user_is_known_by_the_name_it_had() -> None:
    gone = user("11-22", "1122ann@corp.example", mail=None, deleted_date_time="2026-09-24T13:00:00Z")

    row = found([account("ann", "ann@corp.example")], [user("d9", "bob@corp.example")], [gone])["ann"]

    assert (row["is_deleted"], row["deleted_at"], row["principal_name"]) == (
        True,
        datetime(2026, 9, 24, 13),
        "ann@corp.example",
    )


def test_somebody_made_anew_is_there() -> None:
    gone = user("11-22", "1122ann@corp.example", deleted_date_time="2026-09-20T13:00:00Z")

    row = found([account("ann", "ann@corp.example")], [user("d2", "ann@corp.example")], [gone])["ann"]

    assert (row["is_deleted"], row["directory_id"], row["is_enabled"]) == (False, "d2", True)


def test_a_user_that_is_no_longer_listed_anywhere_was_deleted_by_then() -> None:
    before = [user(f"d{n}", f"u{n}@corp.example") for n in range(30)]
    accounts = [account(f"u{n}", f"u{n}@corp.example") for n in range(30)]

    row = found(accounts, before[1:], before=before)["u0"]
    assert (row["is_deleted"], row["deleted_at"]) == (True, datetime(2026, 9, 25, 1))

    half = found(accounts, before[15:], before=before)
    assert half["u0"]["match_state"] == "unmatched", "half a directory is a reading gone wrong"


def test_a_later_snapshot_says_nothing_of_the_day_but_dates() -> None:
    later = DAY + timedelta(days=5)
    users = [user("d1", "off@corp.example", account_enabled=False), user("d2", "on@corp.example")]
    deleted = [
        user("33", "33early@corp.example", deleted_date_time="2026-09-24T10:00:00Z"),
        user("44", "44late@corp.example", deleted_date_time="2026-09-27T10:00:00Z"),
    ]
    names = ("off", "on", "early", "late")

    rows = found([account(name, f"{name}@corp.example") for name in names], users, deleted, taken_on=later)

    assert {name: (rows[name]["is_enabled"], rows[name]["is_deleted"]) for name in names} == {
        "off": (None, False), "on": (None, False), "early": (None, True), "late": (None, False),
    }  # fmt: skip
    assert {row["profile_source"] for row in rows.values()} == {"reconstructed"}


def test_without_a_directory_nothing_is_said() -> None:
    assert found([account("ann", "ann@corp.example")], []) == {}


def test_hostile_names_match_nobody_and_break_nothing() -> None:
    hostile = ["'; DROP TABLE x; --", "%_", "\\", "a" * 5000, "\u202egnp"]

    rows = found([account(name, name) for name in hostile], [user("d1", "%"), user(".*", ".*x@corp.example")])

    assert {row["match_state"] for row in rows.values()} == {"unmatched"}
