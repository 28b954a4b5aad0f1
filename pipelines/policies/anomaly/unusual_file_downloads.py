"""Somebody takes out far more than they and their colleagues usually do: files, archives, exports or reads through the API.

The fixed limit of `mass_download_by_single_user` sees a burst; this policy sees what stays below it. The fact `form` says how:

- *sitting*: more different files or archives within an hour than in a usual busiest hour, or more bytes than in a usual day;
- *day*: the same over a whole day, at a steadier pace;
- *slow*: on the third day in a row (a weekend between them does not count) the files are several times the usual day.

Usual is what the person and the department did on days before. On a device that the person never used, and on a day
that the anomaly model puts into its alert budget, half the files are enough for a sitting. An archive of all attachments of a
record counts as one file, and archives are counted apart. A department that is busy as a whole, as at the end of a quarter,
explains a day, a run, and half the files on a day that the model finds strange: so are the colleagues' days.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import ibis
import ibis.expr.types as ir

from pipelines.features.core import seconds
from pipelines.features.user_volume import ABOVE_HIGH, DEPARTMENT, LEARNING_DAYS, RUN_ENDS
from pipelines.features.volumes import LEAVING, file_of
from pipelines.policies.cases import HOSTILE, activity, at, download, downloads, fires, held, known, quiet, scored
from pipelines.policies.core import Evidence, Kind, Param, Params, Policy, Row, Suppression, Tables
from pipelines.policies.episodes import number_episodes, peak_distinct, reached
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

HOUR = 3600  # the window, and the pause that ends a sitting: so no sitting is counted into the next one
SYNC = r"sync|drive|backup|cloud|dropbox|\bbox\b|rclone|seafile|egnyte"


def detect(tables: Tables, params: Params) -> ir.Table:
    """Sittings above the limit; of people without one, days and runs of days."""
    moved, volume = _moved(tables["core__activity"], params), tables["state__user_volume"]
    scores = _scores(tables["out__model_score"])
    days = _days(moved, volume, params)
    # with ten million rows a day most people are in neither, and what follows is the costly part
    rows = moved.semi_join(_sat_long_enough(moved, params).union(days.select("user_uid"), distinct=True), "user_uid")
    rows = with_habits(
        rows.select(*moved.columns), "activity_uid", tables["state__seen"],
        asn_days=Question("asn", rows.asn, rows.user_uid),
        asn_people=Question("asn", rows.asn, "*", "user_count"),
        device_days=Question("device", rows.device_key, rows.user_uid),
    )  # fmt: skip
    sittings = _sittings(rows, volume, scores, params)
    told = _told(rows, days, scores, params).anti_join(sittings, ["user_uid", "event_date"])
    return _explained(sittings.union(told.select(*sittings.columns)), tables["feat__user_day"], volume, params)


def _moved(activity: ir.Table, params: Params) -> ir.Table:
    is_file = activity.activity_name == "file_downloaded"
    small = (activity.activity_name == "api_request") & (activity.bytes.fill_null(0) < params.min_request_bytes)
    client = activity.agent_family.fill_null("") + " " + activity.user_agent.fill_null("")
    return acts(
        activity,
        activity.activity_name.isin(LEAVING) & ~small,
        file=is_file.ifelse(file_of(activity), ibis.null("string")),
        archive=(is_file & (activity.detail.fill_null("") == "zip")).ifelse(file_of(activity), ibis.null("string")),
        bytes=activity.bytes.fill_null(0),
        device_key=activity.device_key,
        by_sync=client.lower().re_search(SYNC) & (activity.agent_kind.fill_null("") != "browser"),
    )


def _sat_long_enough(rows: ir.Table, params: Params) -> ir.Table:
    """Everybody who could be above a floor within an hour, and few others."""
    floors = (
        (rows.file.notnull(), _least_files(params)),
        (rows.archive.notnull(), params.min_archives),
        (rows.bytes, params.min_bytes),
    )
    return reached(rows, *floors, by="user_uid", within=HOUR)


def _least_files(params: Params) -> int:
    """Files of a sitting below which nobody is judged, whichever of the two limits somebody lowered."""
    return int(min(params.min_files, params.min_files_new_device))


def _summed(rows: ir.Table, params: Params) -> dict[str, ir.Value]:
    near_colleagues = rows.asn_people >= params.min_colleagues
    return evidence(rows) | {
        "file_count": rows.file.nunique(),
        "archive_count": rows.archive.nunique(),
        "total_bytes": rows.bytes.sum(),
        "usual_network": (rows.asn_days > 0).all(),
        "new_device": (rows.device_key.notnull() & (rows.device_days == 0)).mean() >= 0.5,
        "by_sync": (rows.by_sync & ((rows.asn_days > 0) | near_colleagues)).mean() >= params.sync_share,
        "trait_value": rows.asn.max().cast("string"),
    }


def _scores(scores: ir.Table) -> ir.Table:
    """What the anomaly models said of each user-day: whether it is in a budget, and who said so."""
    return scores.group_by("user_uid", "event_date").agg(
        is_strange=scores.is_in_budget.any(), model_revision=scores.model_revision.argmax(-scores.depth)
    )


def _beside(found: ir.Table, scores: ir.Table) -> ir.Table:
    """`found` with `is_strange` and `model_revision`; false and null where no model scored the day."""
    joined = found.left_join(scores, ["user_uid", "event_date"]).select(*found.columns, "is_strange", "model_revision")
    return joined.mutate(is_strange=joined.is_strange.fill_null(False))


def _sittings(moved: ir.Table, volume: ir.Table, scores: ir.Table, params: Params) -> ir.Table:
    rows = number_episodes(moved, by="user_uid", gap=HOUR)
    rows = rows.mutate(hour_bytes=sum_within(rows.bytes, by="user_uid", within=HOUR))
    for name, item in (("hour_files", "file"), ("hour_archives", "archive")):
        some = rows.filter(rows[item].notnull())
        peaks = peak_distinct(some, item, by="user_uid", within=HOUR).rename({name: "distinct_count"})
        rows = rows.left_join(peaks, ["user_uid", "seconds"]).select(*rows.columns, name)
    found = rows.group_by("user_uid", "episode").agg(
        **_summed(rows, params),
        event_date=rows.event_date.max(),
        peak_files=rows.hour_files.max().fill_null(0),
        peak_archives=rows.hour_archives.max().fill_null(0),
        peak_bytes=rows.hour_bytes.max(),
    )
    found = found.filter(  # nobody below every floor can be above a limit
        (found.peak_files >= _least_files(params))
        | (found.peak_bytes >= params.min_bytes)
        | (found.peak_archives >= params.min_archives)
    )
    judged, times = _beside(_with_usual(found, volume), scores), (params.times_high, params.times_mean)
    is_new = judged.new_device & (judged.usual_day_count >= LEARNING_DAYS)
    of_bytes = judged.peak_bytes >= limit(judged, params.min_bytes, *times, of="sent")

    def above(is_lowered: ir.BooleanValue) -> ir.BooleanValue:
        floor = ibis.ifelse(is_lowered, float(params.min_files_new_device), float(params.min_files))
        files = limit(judged, floor, *times, of="hour")
        archives = ibis.greatest(float(params.min_archives), files / 5)
        return of_bytes | (judged.peak_files >= files) | (judged.peak_archives >= archives)

    told = judged.mutate(is_by_pace=~above(is_new)).filter(above(is_new | judged.is_strange))
    return _formed(told, "sitting", 1, told.peak_files)


def _days(moved: ir.Table, volume: ir.Table, params: Params) -> ir.Table:
    """User-days above the day's limit, and third days of a run, with what is told of them."""
    found = moved.group_by("user_uid", "event_date").agg(
        file_count=moved.file.nunique(),
        total_bytes=moved.bytes.sum(),
        last_seen=moved.time.max(),
        department=moved.department.max(),
    )
    found = found.filter((found.file_count > params.min_day_files / 10) | (found.total_bytes >= params.min_day_bytes))
    judged, times = _with_usual(found, volume), (params.times_high, params.times_mean)
    goes_on = (seconds(judged.last_seen) - seconds(judged.usual_last_raised) <= RUN_ENDS).fill_null(False)
    run_days = goes_on.ifelse(judged.usual_raised_days, 0) + 1
    run_files = goes_on.ifelse(judged.usual_raised_sum, 0.0) + judged.file_count
    usual = ibis.greatest(params.times_raised * judged.usual_mean, ABOVE_HIGH * judged.usual_high)
    raised = judged.file_count > ibis.greatest(usual, params.times_raised * judged.usual_peers)
    is_slow = raised & (run_days >= params.min_run_days) & (run_files >= params.min_run_files)
    is_day = (judged.file_count >= limit(judged, params.min_day_files, *times)) | (
        judged.total_bytes >= limit(judged, params.min_day_bytes, *times, of="sent")
    )
    return judged.filter(is_day | is_slow).select(
        "user_uid", "event_date", "usual_mean",
        form=ibis.ifelse(is_day, "day", "slow"),
        run_days=ibis.ifelse(is_day, 1, run_days),
        counted_files=ibis.ifelse(is_day, judged.file_count, run_files.cast("int64")),
    )  # fmt: skip


def _told(rows: ir.Table, days: ir.Table, scores: ir.Table, params: Params) -> ir.Table:
    """These user-days with their evidence."""
    key = ["user_uid", "event_date"]
    of_days = rows.semi_join(days, key).select(*rows.columns)
    found = of_days.group_by(*key).agg(**_summed(of_days, params)).inner_join(days, key)
    found = _beside(found, scores).mutate(is_by_pace=ibis.literal(True))
    return _formed(found, found.form, found.run_days, found.counted_files)


def _with_usual(found: ir.Table, volume: ir.Table) -> ir.Table:
    for measure, into in (("files", "usual"), ("hour_files", "hour"), ("bytes_out", "sent")):
        found = with_usual(found, volume, measure, into=into)
    return found


def _formed(found: ir.Table, form: ir.Value | str, run_days: ir.Value | int, files: ir.Value) -> ir.Table:
    told = found.mutate(
        form=ibis.literal(form) if isinstance(form, str) else form,
        run_days=(ibis.literal(run_days) if isinstance(run_days, int) else run_days).cast("int64"),
        counted_files=files.cast("int64"),
        usual_files=found.usual_mean.round(1),
    )
    return told.select(
        "actor_user_uid", "actor_user_name", "first_seen", "last_seen", "evidence_count", "evidence", "src_ips", "countries",
        "user_uid", "department", "event_date", "is_integration", "usual_network", "by_sync", "trait_value", "form", "is_by_pace",
        "file_count", "archive_count", "total_bytes", "run_days", "counted_files", "usual_files",
        "model_revision",
    )  # fmt: skip


def _explained(found: ir.Table, user_day: ir.Table, volume: ir.Table, params: Params) -> ir.Table:
    joined = found.left_join(_busy(user_day, volume, params), ["department", "event_date"]).select(
        *found.columns, "day_files", "day_people", "usual_day"
    )
    others = (joined.day_files - joined.file_count) / ibis.greatest(joined.day_people - 1, 1)
    is_busy = (joined.day_people > params.min_colleagues) & (others >= params.busy_times * joined.usual_day)
    return joined.mutate(
        integration_at_work=joined.is_integration & joined.usual_network,
        device_sync=joined.by_sync,
        busy_department=(is_busy & joined.is_by_pace).fill_null(False),
        severity=ibis.ifelse(joined.usual_network, "medium", "high"),
        **trait(joined),
    )


def _busy(user_day: ir.Table, volume: ir.Table, params: Params) -> ir.Table:
    """What each department downloads on the day, and in the mean."""
    today = user_day.filter(user_day.department.notnull())
    counted = today.group_by("department", "event_date").agg(
        day_files=today.download_file_count.sum(), day_people=today.count()
    )
    usual = volume.filter(volume.measure == "files").select(_group="user_uid", usual_day="mean")
    keyed = counted.mutate(_group=DEPARTMENT + counted.department)
    return keyed.inner_join(usual, "_group").select(*counted.columns, "usual_day")


EXPORT: dict[str, Any] = {"resource_type": "sys_user", "detail": "CSV"}
RUN: dict[str, Any] = {"raised_days": 2, "raised_sum": 50.0, "last_raised": at("-1 17:00")}
SYNC_CLIENT: dict[str, Any] = {"agent_family": "MeridianDriveSync", "agent_kind": "api", "is_interactive": False}


def _colleagues(files: int) -> tuple[Row, ...]:
    """Four people of a department whose mean day is two files."""
    names = ("bob", "cem", "dee", "eva")
    return (
        used_to("department:d1", "files", 2.0),
        *(row for name in names for row in downloads(name, "09:00:00", files, 600, department="d1")),
    )


POLICY = Policy(
    id="unusual_file_downloads",
    kind=Kind.ANOMALY,
    severity="medium",
    attack=("T1213", "T1530", "T1567"),
    title="{actor} took out {counted_files} files and {total_bytes:,} bytes, far above their usual day of {usual_files} files",
    titles={"slow": "{actor} downloads far more than usual for {run_days} days: {counted_files} files, usual are {usual_files} a day"},
    summary=__doc__,
    blind_to="Files opened on the screen or copied by hand; a copy spread over weeks at less than three times the usual day; "
    "a person whose usual work is to download as much.",
    triage=(
        "Which records do the files hang on, and does the person work on them?",
        "Ask the manager for a reason: a new project, an audit, a legal collection, a new laptop.",
        "Is the person about to leave? Look at the days before for more of the same.",
        "If nothing explains it, end the sessions and keep the list of files from the evidence.",
    ),
    reads=("core__activity", "feat__user_day", "out__model_score", "state__user_volume", "state__seen"),
    lookback=timedelta(hours=2),
    needs=Evidence(
        any_of=(("sysevent", "syslog_transaction"),), helpful_tables=("sys_attachment", "sys_user"), learning_days=7
    ),
    params=(
        Param("min_files", 40, "Different files within an hour below which it is never unusual", "ours; one every 90 seconds", "files"),
        Param("min_files_new_device", 20, "The same on a device that a known person has never used, or on a day that the model finds strange", "ours; half of it", "files"),
        Param("min_archives", 8, "Archives of all attachments within an hour, likewise", "ours; a fifth of the files", "archives"),
        Param("min_bytes", 50_000_000, "Bytes within an hour, likewise", "ours; a thousand files of usual size", "bytes"),
        Param("min_request_bytes", 50_000, "Answers of the API that are smaller are not counted", "ours; a page of a list", "bytes"),
        Param("min_day_files", 96, "Different files in a day, likewise", "ours; one every five minutes of eight hours", "files"),
        Param("min_day_bytes", 200_000_000, "Bytes in a day, likewise", "ours; four times an hour's", "bytes"),
        Param("min_run_days", 3, "Raised days in a run", "ours; two may be a project's start", "days"),
        Param("min_run_files", 60, "Files of such a run", "ours; one and a half times an hour's", "files"),
        Param("times_raised", 3.0, "Times the mean day of person and department that make a day raised", "ours, as in state__user_volume"),
        TIMES_HIGH,
        TIMES_MEAN,
        Param("sync_share", 0.9, "Share of a synchronisation client in what it explains; the person may work meanwhile", "ours"),
        Param("min_colleagues", 3, "Colleagues who make a department busy, or a network theirs", "ours", "people"),
        Param("busy_times", 1.5, "Times its usual that the rest of a busy department downloads", "ours"),
    ),
    suppressions=(
        Suppression("integration_at_work", "system", "An integration account, from networks it has used before"),
        Suppression("device_sync", "user", "A synchronisation client fills a device, from a network that the person or colleagues use"),
        Suppression("busy_department", "user", "The rest of the department downloads far more than usual as well, as at the end of a quarter. Explains a day, a run, and a sitting that counts only because the model finds the day strange"),
    ),
    facts=("form", "file_count", "archive_count", "total_bytes", "counted_files", "usual_files", "run_days"),
    detect=detect,
    cases=(
        fires("at forty files in an hour", *downloads("ann", "08:00:00", 40, 92), having={"form": "sitting", "counted_files": 40, "severity": "high"}),
        fires("at a limit lowered below that of new devices", *downloads("ann", "08:00:00", 12, 60), params={"min_files": 10}, having={"counted_files": 12}),
        quiet("at thirty-nine", *downloads("ann", "08:00:00", 39, 92)),
        quiet("slower than that", *downloads("ann", "08:00:00", 50, 100)),
        fires("at night across midnight", *downloads("ann", "-1 23:40:00", 45, 60), having={"evidence_count": 45}),
        fires("from the usual network", known("ann", "asn", "64500"), *downloads("ann", "08:00:00", 45, 60), having={"severity": "medium"}),
        quiet("of somebody whose hours are like that", used_to("ann", "hour_files", 23), *downloads("ann", "08:00:00", 45, 60)),
        quiet("in a department whose hours are like that", used_to("department:d1", "hour_files", 12.0),
              *downloads("ann", "08:00:00", 45, 60, department="d1")),
        fires("of somebody with a usual day of five", used_to("ann", "files", 5), *downloads("ann", "08:00:00", 45, 60)),
        quiet("of eleven pictures again and again", *downloads("ann", "08:00:00", 200, 10, files=11)),
        fires("eight archives", *(download("ann", "09:00:00", later=50 * n, file=f"record{n}", detail="zip") for n in range(8)),
              having={"archive_count": 8}),
        quiet("seven archives", *(download("ann", "09:00:00", later=50 * n, file=f"record{n}", detail="zip") for n in range(7))),
        fires("one huge export", activity("ann", "09:00:00", "exported", bytes=60_000_000, **EXPORT), having={"total_bytes": 60_000_000}),
        quiet("an export of 49 MB", activity("ann", "09:00:00", "exported", bytes=49_000_000, **EXPORT)),
        fires("a table read through the API", *(activity("ann", "20:30:00", "api_request", later=12 * n, bytes=2_100_000) for n in range(30))),
        quiet("the small requests of pages", *(activity("ann", "08:00:00", "api_request", later=3 * n, bytes=49_000) for n in range(1100))),
        fires("a steady day", *downloads("ann", "06:00:00", 96, 300), having={"form": "day"}),
        quiet("a day of one file fewer", *downloads("ann", "06:00:00", 95, 300)),
        quiet("an auditor's day", *downloads("aud", "08:00:00", 48, 375)),
        fires("the third day of slow copying", used_to("ann", "files", 4.0, **RUN), *downloads("ann", "10:00:00", 24, 400),
              having={"form": "slow", "run_days": 3, "counted_files": 74}),
        quiet("the second day", used_to("ann", "files", 4.0, **RUN | {"raised_days": 1}), *downloads("ann", "10:00:00", 24, 400)),
        quiet("the third day, at three times the usual", used_to("ann", "files", 8.0, **RUN), *downloads("ann", "10:00:00", 24, 400)),
        quiet("days apart", used_to("ann", "files", 4.0, **RUN | {"last_raised": at("-5 17:00")}), *downloads("ann", "10:00:00", 24, 400)),
        held("the end of the quarter", "busy_department", *_colleagues(6), *downloads("ann", "06:00:00", 110, 260, department="d1")),
        held("a sitting of that day that only the model finds strange", "busy_department", *_colleagues(6), known("ann", "device", "firefox/linux/pc"),
             scored("ann", 50.0), *downloads("ann", "21:18:00", 20, 60, department="d1")),
        fires("a sitting of that day on a device never seen", *_colleagues(6), used_to("ann", "files", 2.0), scored("ann", 50.0),
              *downloads("ann", "21:18:00", 20, 60, department="d1")),
        fires("a sitting of that day that is above the whole limit", *_colleagues(6), known("ann", "device", "firefox/linux/pc"),
              *downloads("ann", "21:00:00", 40, 60, department="d1")),
        fires("in a department that works as usual", *_colleagues(2), *downloads("ann", "06:00:00", 110, 260, department="d1")),
        held("a new laptop", "device_sync", known("ann", "asn", "64500"), *downloads("ann", "08:00:00", 70, 0.7, **SYNC_CLIENT)),
        held("a new laptop on a line that colleagues use", "device_sync", known("*", "asn", "64500", users=3),
             *downloads("ann", "08:00:00", 70, 0.7, **SYNC_CLIENT)),
        held("a new laptop while its owner works", "device_sync", known("ann", "asn", "64500"), download("ann", "08:00:09"),
             *downloads("ann", "08:00:00", 70, 0.7, **SYNC_CLIENT)),
        fires("a synchronisation client from a strange address", *downloads("ann", "08:00:00", 70, 0.7, **SYNC_CLIENT)),
        held("the nightly integration sync", "integration_at_work", known("svc", "asn", "64500"),
             *downloads("svc", "02:00:00", 200, 10, is_integration=True)),
        fires("an integration account from a new network", *downloads("svc", "02:00:00", 200, 10, is_integration=True)),
        quiet("refused", *downloads("ann", "08:00:00", 90, 10, status="failure")),
        fires("twenty files on a device never seen", used_to("ann", "files", 2.0), *downloads("ann", "21:18:00", 20, 60)),
        quiet("on the usual device", used_to("ann", "files", 2.0), known("ann", "device", "firefox/linux/pc"), *downloads("ann", "21:18:00", 30, 60)),
        fires("twenty files on a day that the model finds strange", used_to("ann", "files", 2.0), known("ann", "device", "firefox/linux/pc"),
              scored("ann", 50.0), *downloads("ann", "21:18:00", 20, 60), having={"counted_files": 20, "model_revision": "f00d"}),
        quiet("on a day that it does not", used_to("ann", "files", 2.0), known("ann", "device", "firefox/linux/pc"), scored("ann", 49.9),
              *downloads("ann", "21:18:00", 30, 60)),
        quiet("on the first device of somebody new", *downloads("ann", "21:18:00", 30, 60)),
        quiet("of nothing"),
        fires("hostile names", *(download(name, "08:00:00", nth=n, later=n, file=f"{name}{n}", resource_name=name, actor_user_uid="uid-x",
              src_ip=name, agent_family=name, department=name) for n, name in enumerate(HOSTILE * 6))),
    ),
)  # fmt: skip
