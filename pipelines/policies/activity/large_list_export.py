"""Whole tables leave the platform: as exported lists and reports, or read page by page through the API.

Three forms: *one* export with more rows than the platform exports by default, or of many megabytes; exports that *together*
are as much within an hour; and tables read through the *api* in such amounts by whoever it is. What the person exports on
other days raises the limit. An export of people, cases or contracts is of high severity.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import ibis
import ibis.expr.types as ir

from pipelines.policies.cases import HOSTILE, activity, fires, held, known, quiet
from pipelines.policies.core import Evidence, Kind, Param, Params, Policy, Row, Suppression, Tables
from pipelines.policies.episodes import number_episodes
from pipelines.policies.habits import Question, with_habits
from pipelines.policies.volume import (
    TIMES_HIGH,
    TIMES_MEAN,
    acts,
    evidence,
    limit,
    sum_within,
    trait,
    used_to,
    with_usual,
)

HOUR = 3600


def detect(tables: Tables, params: Params) -> ir.Table:
    """Exports of a sitting, and reads of a sitting, above their limits."""
    left = _left(tables["core__activity"], params)
    left = with_habits(left, "activity_uid", tables["state__seen"], asn_days=Question("asn", left.asn, left.user_uid))
    volume = tables["state__user_volume"]
    found = [
        _judged(left.filter(left.is_export), volume, "export_bytes", params.min_bytes_together, params),
        _judged(left.filter(~left.is_export), volume, "bytes_out", params.min_bytes_api, params),
    ]
    both = found[0].union(found[1])
    return both.mutate(
        severity=ibis.ifelse(both.is_sensitive, "high", "medium"),
        integration_at_work=both.is_integration & both.usual_network,
        **trait(both),
    )


def _left(a: ir.Table, params: Params) -> ir.Table:
    is_export = a.activity_name == "exported"
    is_read = (a.activity_name == "api_request") & (a.bytes.fill_null(0) >= params.min_request_bytes)
    table = a.resource_type.fill_null("")
    return acts(
        a,
        is_export | is_read,
        is_export=is_export,
        table=table,
        bytes=a.bytes.fill_null(0),
        row_count=a.row_count.fill_null(0),
        is_sensitive=ibis.or_(*(table.startswith(prefix) for prefix in params.sensitive_tables)),
    )


def _judged(rows: ir.Table, volume: ir.Table, measure: str, floor: int, params: Params) -> ir.Table:
    rows = number_episodes(rows, by="user_uid", gap=HOUR)
    rows = rows.mutate(hour_bytes=sum_within(rows.bytes, by="user_uid", within=HOUR))
    found = rows.group_by("user_uid", "episode").agg(
        **evidence(rows),
        export_count=rows.count(),
        total_bytes=rows.bytes.sum(),
        total_rows=rows.row_count.sum(),
        largest=rows.bytes.max(),
        most_rows=rows.row_count.max(),
        hour_bytes=rows.hour_bytes.max(),
        tables=rows.table.collect(distinct=True).sort(),
        is_sensitive=rows.is_sensitive.any(),
        is_export=rows.is_export.all(),
        usual_network=(rows.asn_days > 0).all(),
        trait_value=rows.asn.max().cast("string"),
    )
    found = with_usual(found, volume, measure)
    times = (params.times_high, params.times_mean)
    is_one = (found.most_rows > params.max_rows) | (found.largest >= limit(found, params.min_bytes, *times))
    form = ibis.cases(
        (found.is_export & is_one, "one"),
        (found.hour_bytes >= limit(found, floor, *times), found.is_export.ifelse("together", "api")),
        else_=ibis.null("string"),
    )
    told = found.mutate(form=form)
    return told.filter(told.form.notnull())


def _reads(user: str, when: str, count: int, size: int, **values: Any) -> tuple[Row, ...]:
    """`count` pages of a table through the API, ten seconds apart."""
    given: dict[str, Any] = {"resource_type": "sn_hr_core_case", "bytes": size, "is_interactive": False} | values
    return tuple(activity(user, when, "api_request", nth=n, later=10 * n, **given) for n in range(count))


def _export(user: str, when: str, size: int, **values: Any) -> Row:
    given: dict[str, Any] = {"resource_type": "incident", "bytes": size} | values
    return activity(user, when, "exported", **given)


POLICY = Policy(
    id="large_list_export",
    kind=Kind.ACTIVITY,
    severity="medium",
    attack=("T1213", "T1567"),
    title="{actor} exported {total_bytes:,} bytes of {tables} in {export_count} exports",
    titles={"api": "{actor} read {total_bytes:,} bytes of {tables} through the API"},
    summary=__doc__,
    blind_to="Many small exports over days (`unusual_file_downloads` sees their bytes); scheduled reports that are mailed; rows "
    "read from the screen; the number of rows where `isc_export_event` cannot be read.",
    triage=(
        "Which table was it, and does the person's work need all of it at once?",
        "Was there an audit, a migration, or the end of a quarter?",
        "Is the client a browser of the person, or a script with a token that nobody knows?",
        "If nothing explains it, revoke the tokens and ask where the file is now.",
    ),
    reads=("core__activity", "state__user_volume", "state__seen"),
    lookback=timedelta(hours=2),
    needs=Evidence(tables=("syslog_transaction",), helpful_tables=("isc_export_event", "sys_user"), learning_days=7),
    params=(
        Param("max_rows", 10_000, "Rows of one export above which it fires", "the platform's default cap of an export", "rows"),
        Param("min_bytes", 25_000_000, "Size of one export from which it fires", "ours; ten thousand rows of 2.5 kB", "bytes"),
        Param("min_bytes_together", 50_000_000, "Size of the exports of an hour", "ours; two such", "bytes"),
        Param("min_bytes_api", 100_000_000, "Size of what is read through the API in an hour", "ours; four such", "bytes"),
        Param("min_request_bytes", 50_000, "Answers of the API that are smaller are not counted", "ours; a page of a list", "bytes"),
        Param("sensitive_tables", ("sys_user", "sn_hr", "sn_customerservice", "customer_contact", "csm_", "ast_contract", "sn_grc", "sn_si"),
              "Beginnings of names of tables whose export is of high severity", "ours; people, customers, contracts, security"),
        TIMES_HIGH,
        TIMES_MEAN,
    ),
    suppressions=(Suppression("integration_at_work", "system", "An integration account, from networks it has used before"),),
    facts=("form", "export_count", "total_bytes", "total_rows", "tables"),
    detect=detect,
    cases=(
        fires("one export of 25 MB", _export("ann", "09:00", 25_000_000), having={"form": "one", "severity": "medium"}),
        quiet("a little smaller", _export("ann", "09:00", 24_999_999)),
        fires("the list of users", _export("ann", "09:00", 64_000_000, resource_type="sys_user"), having={"severity": "high"}),
        fires("one row more than the cap", _export("ann", "09:00", 900_000, row_count=10_001), having={"total_rows": 10_001}),
        quiet("at the cap", _export("ann", "09:00", 900_000, row_count=10_000)),
        fires("three within the hour", *(_export("ann", f"09:{n}0", 17_000_000) for n in range(3)), having={"form": "together", "export_count": 3}),
        quiet("the end of a quarter", *(_export("ann", f"{hour:02}:{n}0", 5_000_000) for hour in (9, 10) for n in range(6))),
        quiet("what the person always exports", used_to("ann", "export_bytes", 20e6), _export("ann", "09:00", 39_000_000)),
        fires("a table through the API", *_reads("ann", "20:30", 50, 2_000_000), having={"form": "api", "tables": ["sn_hr_core_case"]}),
        quiet("less of it", *_reads("ann", "20:30", 49, 2_000_000)),
        quiet("the small requests of pages", *_reads("ann", "08:00", 360, 49_999)),
        held("the nightly extract", "integration_at_work", known("svc", "asn", "64500"), *_reads("svc", "03:00", 200, 2_400_000, is_integration=True)),
        quiet("the nightly extract that is usual", used_to("svc", "bytes_out", 500e6), *_reads("svc", "03:00", 200, 2_400_000, is_integration=True)),
        fires("an extract from a strange network", *_reads("svc", "03:00", 200, 2_400_000, is_integration=True)),
        quiet("refused", _export("ann", "09:00", 64_000_000, status="failure")),
        quiet("of nothing"),
        fires("hostile names", *(_export("x", "09:00", 30_000_000, nth=n, resource_type=name, src_ip=name, actor_user_name=name)
              for n, name in enumerate(HOSTILE))),
    ),
)  # fmt: skip
