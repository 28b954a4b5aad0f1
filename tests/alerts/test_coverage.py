"""A policy that cannot see says so, with what is missing and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from pipelines.alerts import Known, Needs, coverage
from pipelines.alerts.coverage import judge

DAY = date(2026, 11, 1)
END_OF_DAY = datetime.fromisoformat("2026-11-02 00:00:00")
TRAVEL = Needs(
    "impossible_travel", tables=("sysevent",), helpful_tables=("syslog_transaction",), data=("geo",), learning_days=7
)


def table_state(table: str, state: str = "ok", **values: Any) -> dict[str, Any]:
    return {
        "table": table,
        "state": state,
        "reason": "",
        "missing_columns": [],
        "hidden_rows": 0,
        "complete_until": END_OF_DAY,
    } | values


def known(*states: dict[str, Any], **values: Any) -> Known:
    readable = states or (table_state("sysevent"), table_state("syslog_transaction"))
    return Known(**({"table_states": readable, "history_days": 30} | values))


def test_a_policy_with_everything_is_active_without_a_reason() -> None:
    assert judge(TRAVEL, known(), DAY) == ("active", "")


def test_without_a_location_database_travel_is_blind_and_told_what_to_do() -> None:
    state, reason = judge(TRAVEL, known(has_geo=False), DAY)

    assert state == "blind"
    assert reason == "no location database: set NOWGUARD_GEO_DB or run `nowguard geo refresh`"


def test_a_denied_table_blinds_and_the_reason_names_it() -> None:
    denied = known(table_state("sysevent", "denied", reason="403"), table_state("syslog_transaction"))

    state, reason = judge(TRAVEL, denied, DAY)

    assert state == "blind"
    assert "sysevent may not be read (403)" in reason
    assert "read ACL" in reason


def test_a_helpful_table_that_is_missing_degrades() -> None:
    state, reason = judge(TRAVEL, known(table_state("sysevent"), table_state("syslog_transaction", "missing")), DAY)

    assert state == "degraded"
    assert "syslog_transaction does not exist" in reason


@pytest.mark.parametrize(
    ("first", "second", "state"),
    [("ok", "ok", "active"), ("ok", "missing", "degraded"), ("denied", "missing", "blind")],
)
def test_of_alternative_tables_one_suffices(first: str, second: str, state: str) -> None:
    needs = Needs("p", any_of=(("v_plugin", "sys_plugins"),))

    assert judge(needs, known(table_state("v_plugin", first), table_state("sys_plugins", second)), DAY)[0] == state


def test_a_missing_column_degrades_only_who_needs_it() -> None:
    states = known(table_state("sysevent", missing_columns=["parm2"]))

    assert judge(Needs("p", columns=("sysevent.parm2",)), states, DAY)[0] == "degraded"
    assert judge(Needs("p", columns=("sysevent.parm1",)), states, DAY)[0] == "active"


@pytest.mark.parametrize(("days", "state"), [(6, "learning"), (7, "active")])
def test_it_learns_until_the_baseline_is_long_enough(days: int, state: str) -> None:
    assert judge(TRAVEL, known(history_days=days), DAY)[0] == state


def test_the_worst_state_wins_and_every_reason_is_kept() -> None:
    state, reason = judge(TRAVEL, known(has_geo=False, history_days=2), DAY)

    assert state == "blind"
    assert reason.index("no location database") < reason.index("2 of 7 days of history")


@pytest.mark.parametrize(("value", "state"), [("true", "active"), ("false", "blind"), (None, "blind")])
def test_a_logging_property_that_is_off_or_absent_blinds(value: str | None, state: str) -> None:
    needs = Needs("p", properties={"glide.log.impersonation": "true"})
    properties = {} if value is None else {"glide.log.impersonation": value}

    assert judge(needs, known(properties=properties), DAY)[0] == state


def test_unreadable_properties_degrade() -> None:
    assert judge(Needs("p", properties={"x": "true"}), known(properties=None), DAY)[0] == "degraded"


def test_hidden_rows_degrade() -> None:
    state, reason = judge(
        TRAVEL, known(table_state("sysevent", hidden_rows=1200), table_state("syslog_transaction")), DAY
    )

    assert state == "degraded"
    assert "1,200 rows of sysevent are hidden by ACLs" in reason


@pytest.mark.parametrize(("short", "state"), [(timedelta(0), "active"), (timedelta(seconds=1), "degraded")])
def test_a_log_that_ends_before_the_day_does_degrades(short: timedelta, state: str) -> None:
    states = known(table_state("sysevent", complete_until=END_OF_DAY - short), table_state("syslog_transaction"))

    assert judge(TRAVEL, states, DAY)[0] == state


def test_stale_lists_degrade() -> None:
    needs = Needs("p", data=("ip_lists",))

    assert judge(needs, known(ages={"ip_lists": 7}), DAY)[0] == "active"
    assert judge(needs, known(ages={"ip_lists": 8}), DAY)[0] == "degraded"


def test_a_table_that_was_never_read_blinds() -> None:
    assert judge(TRAVEL, known(table_state("sys_user")), DAY)[0] == "blind"


def test_readability_that_was_never_recorded_is_taken_as_read() -> None:
    assert judge(TRAVEL, Known(history_days=30), DAY)[0] == "active"


def test_policies_come_out_in_order_with_their_day() -> None:
    rows = coverage([Needs("b"), Needs("a")], {"history_days": 3}, instance="acme", day=DAY).to_pylist()

    assert [(row["policy_id"], row["state"], row["event_date"]) for row in rows] == [
        ("a", "active", DAY),
        ("b", "active", DAY),
    ]


def test_a_policy_object_says_its_needs_itself() -> None:
    @dataclass(frozen=True)
    class Evidence:
        tables: tuple[str, ...] = ("sysevent",)
        learning_days: int = 3

    @dataclass(frozen=True)
    class Policy:
        id: str = "mine"
        needs: Evidence = Evidence()

    assert coverage([Policy()], known(history_days=2), instance="acme", day=DAY)["state"].to_pylist() == ["learning"]


LEAVERS = Needs("terminated_user_activity", tables=("sysevent",), data=("identity",))


def test_without_an_identity_provider_leavers_are_judged_by_accounts_only_and_it_says_so() -> None:
    state, reason = judge(LEAVERS, known(has_identity=False), DAY)

    assert (state, reason.partition(":")[0]) == ("degraded", "no identity provider")
    assert "NOWGUARD_ENTRA_TENANT_ID" in reason


def test_an_identity_provider_that_denies_or_was_not_read_degrades_with_its_reason() -> None:
    denied = table_state("entra_user", "denied", reason="Graph denies it (Authorization_RequestDenied)")

    state, reason = judge(LEAVERS, known(table_state("sysevent"), denied), DAY)

    assert state == "degraded"
    assert "users of the identity provider could not be read (Graph denies it (Authorization_RequestDenied))" in reason
    assert "deleted users of the identity provider have not been read" in reason
    read = (table_state("sysevent"), table_state("entra_user"), table_state("entra_deleted_user"))
    assert judge(LEAVERS, known(*read), DAY) == ("active", "")
