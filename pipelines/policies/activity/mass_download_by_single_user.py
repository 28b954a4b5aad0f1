"""One person fetches more files within a minute than anybody reads.

Counted are *different files*, in a window that slides over the seconds: a burst across a full minute or across midnight
counts like any other, and a page whose dozen pictures are fetched six times does not. Downloads by event and by API
count alike. What follows within the quiet time belongs to the same burst: one alert.
"""

from __future__ import annotations

from datetime import timedelta

import ibis
import ibis.expr.types as ir

from pipelines.features.core import seconds
from pipelines.policies.cases import HOSTILE, download, downloads, fires, held, known, quiet
from pipelines.policies.core import Evidence, Kind, Param, Params, Policy, Suppression, Tables
from pipelines.policies.episodes import common_columns, number_episodes, peak_distinct, reached
from pipelines.policies.habits import Question, with_habits

MICROSOFT = "Defender for Cloud Apps, template 'Mass download by a single user'"


def detect(tables: Tables, params: Params) -> ir.Table:
    """Bursts of downloads in which the sliding count of different files passes the limit."""
    files = _files(tables["core__activity"])
    some = reached(files, (files.file.notnull(), params.max_files + 1), by="user_uid", within=params.window_seconds)
    files = files.semi_join(some, "user_uid").select(*files.columns)
    peaks = peak_distinct(files, "file", by="user_uid", within=params.window_seconds)
    peaks = peaks.filter(peaks.distinct_count > params.max_files)
    files = files.semi_join(peaks, "user_uid")
    bursts = number_episodes(files, by="user_uid", gap=params.quiet_seconds)
    joined = bursts.left_join(peaks, ["user_uid", "seconds"]).select(*bursts.columns, "distinct_count")
    found = _summed(joined)
    return _explained(found.filter(found.peak_files.notnull()), joined, tables["state__seen"])


def _files(activity: ir.Table) -> ir.Table:
    done = activity.filter(
        activity.activity_name == "file_downloaded",
        activity.status.fill_null("unknown") != "failure",
        activity.actor_user_uid.notnull() | activity.actor_user_name.notnull(),
        ~activity.is_system,
    )
    by_name = done.parent_table.fill_null("") + "/" + done.parent_uid.fill_null("") + "/" + done.resource_name
    return done.select(
        "activity_uid", "actor_user_uid", "actor_user_name", "time", "src_ip", "country", "asn", "bytes", "is_integration",
        user_uid=ibis.coalesce(done.actor_user_uid, "name:" + done.actor_user_name.lower()),
        file=ibis.coalesce(done.resource_uid, by_name, done.activity_uid),
        seconds=seconds(done.time),
    )  # fmt: skip


def _summed(rows: ir.Table) -> ir.Table:
    return rows.group_by("user_uid", "episode").agg(
        **common_columns(rows, "actor_user_uid", "actor_user_name"),
        peak_files=rows.distinct_count.max(),
        file_count=rows.file.nunique(),
        total_bytes=rows.bytes.sum(),
        is_integration=rows.is_integration.fill_null(False).any(),
        trait_value=rows.src_ip.max(),
    )


def _explained(found: ir.Table, rows: ir.Table, seen: ir.Table) -> ir.Table:
    """Whether a machine account fetched everything from the networks it always comes from."""
    rows = with_habits(rows, "activity_uid", seen, asn_days=Question("asn", rows.asn, rows.user_uid))
    usual = rows.group_by("user_uid", "episode").agg(is_usual=(rows.asn_days > 0).all())
    joined = found.inner_join(usual, ["user_uid", "episode"])
    return joined.mutate(
        integration_at_work=joined.is_integration & joined.is_usual,
        trait_kind=ibis.ifelse(joined.trait_value.notnull(), "ip", ibis.null("string")),
    )


POLICY = Policy(
    id="mass_download_by_single_user",
    kind=Kind.ACTIVITY,
    severity="high",
    attack=("T1213", "T1530"),
    title="{actor} downloaded {peak_files} different files within a minute, {file_count} in the burst",
    summary=__doc__,
    blind_to="Slow copying spread over hours or days; an archive of all attachments counts as one file; what is read on the "
    "screen or copied by hand.",
    triage=(
        "Do the files hang on one record or one class of records, and does the person work on them?",
        "Was an export, migration or legal collection ordered for that time?",
        "Is the client a browser, a sync client or a script, and is it new for the person?",
        "If nothing explains it, end the person's sessions, keep the evidence rows and ask the manager.",
    ),
    reads=("core__activity", "state__seen"),
    lookback=timedelta(hours=1),
    needs=Evidence(any_of=(("sysevent", "syslog_transaction"),), helpful_tables=("sys_attachment", "sys_user")),
    params=(
        Param("max_files", 50, "Different files in the window above which it fires", MICROSOFT, "files"),
        Param("window_seconds", 60, "How far apart the first and the last of them may be", MICROSOFT, "s"),
        Param("quiet_seconds", 600, "Pause after which further downloads are another burst", "ours", "s"),
    ),
    suppressions=(
        Suppression("integration_at_work", "system", "An integration account, from networks it has used before"),
    ),
    facts=("peak_files", "file_count", "total_bytes"),
    detect=detect,
    cases=(
        fires("at fifty-one files in sixty seconds", *downloads("ann", "08:00:00", 51, 1.2),
              having={"peak_files": 51, "evidence_count": 51, "total_bytes": 51_000}),
        quiet("at fifty", *downloads("ann", "08:00:00", 50, 1)),
        quiet("one second too slow", *downloads("ann", "08:00:00", 50, 1.2), download("ann", "08:01:01", file="last")),
        fires("across a full minute", *downloads("ann", "08:00:31", 54, 1.07), having={"file_count": 54}),
        fires("across midnight", *downloads("ann", "-1 23:59:32", 58, 0.97), having={"evidence_count": 58}),
        quiet("that ended before midnight", *downloads("ann", "-1 23:58:30", 60, 1)),
        quiet("of eleven pictures fetched again and again", *downloads("ann", "08:00:00", 66, 0.8, files=11)),
        fires("by API, without an address", *downloads("ann", "08:00:00", 95, 0.4, src_ip=None, country=None, asn=None,
              is_interactive=False), having={"src_ips": [], "countries": []}),
        fires("one alert for a burst that goes on", *downloads("ann", "08:00:00", 60, 0.5), *(
              download("ann", "08:05:00", file=f"more{n}") for n in range(3)), having={"evidence_count": 63}),
        fires("two alerts for two bursts", *downloads("ann", "08:00:00", 60, 0.5), *downloads("ann", "11:00:00", 60, 0.5),
              alerts=2),
        quiet("by two people", *downloads("ann", "08:00:00", 40), *downloads("bob", "08:00:00", 40)),
        quiet("refused", *downloads("ann", "08:00:00", 60, 0.5, status="failure")),
        quiet("by our own account", *downloads("nowguard.collector", "08:00:00", 60, 0.5, is_own=True)),
        held("the nightly integration sync", "integration_at_work", known("svc", "asn", "64500"),
             *downloads("svc", "02:00:00", 200, 0.2, is_integration=True)),
        fires("an integration account from a new network", known("svc", "asn", "64999"),
              *downloads("svc", "02:00:00", 200, 0.2, is_integration=True)),
        fires("by a name that no account has", *downloads("ghost", "08:00:00", 60, 0.5, actor_user_uid=None),
              having={"actor_user_name": "ghost"}),
        quiet("of nothing"),
        fires("hostile names", *(download(name, "08:00:00", nth=n, later=n // 2, file=f"{name}{n}", resource_name=name,
              actor_user_uid="uid-x", src_ip=name) for n, name in enumerate(HOSTILE * 10))),
    ),
)  # fmt: skip
