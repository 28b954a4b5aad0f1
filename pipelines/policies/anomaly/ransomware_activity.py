"""Files are taken hostage or destroyed: replaced by locked copies, renamed, overwritten in place, or wiped.

Four forms are told apart by what they leave behind, and the fact `form` names the one that was seen:

- *encrypted*: files whose ending no program gives (`offer.docx.locked`) come in while files go, counted over a day, so that
  twelve an hour count like all at once;
- *renamed*: such an ending is given to files that stay, or more files than a person renames by hand get a name without one;
- *overwritten*: requests to the records of many different attachments within an hour; no event is raised for these;
- *wiped*: within five minutes more files go than one page of a list can select, and nothing takes their place.

New files of a program with an ending of its own are none of these while nothing goes; files that go and come back under
their names are a migration, and documents that come back as PDF a conversion.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import ibis
import ibis.expr.types as ir

from pipelines.features.volumes import edited_file, ending, is_odd
from pipelines.policies.cases import HOSTILE, activity, fires, held, known, quiet
from pipelines.policies.core import Evidence, Kind, Param, Params, Policy, Row, Suppression, Tables
from pipelines.policies.episodes import count_within, number_episodes, peak_distinct
from pipelines.policies.habits import Question, with_habits
from pipelines.policies.volume import TIMES_HIGH, TIMES_MEAN, acts, evidence, limit, trait, used_to, with_usual

DAY, HOUR = 86_400, 3600
DEFENDER = "Defender for Cloud Apps names the sign and no number; ours"


def detect(tables: Tables, params: Params) -> ir.Table:
    """Episodes in which one of the four counts passes its limit."""
    rows = _counted(_touched(tables["core__activity"]), params)
    rows = number_episodes(rows.filter(~rows.is_plain), by="user_uid", gap=params.quiet_seconds)
    found = _summed(
        with_habits(rows, "activity_uid", tables["state__seen"], asn_days=Question("asn", rows.asn, rows.user_uid))
    )
    return _explained(_limits(found, tables["state__user_volume"], params), params)


def _touched(a: ir.Table) -> ir.Table:
    """What happened to files; `is_plain` are ordinary uploads, which only say that nothing was wiped."""
    verb, detail = a.activity_name, a.detail.fill_null("")
    renamed_to = detail.re_extract(r"^(.*?)( \| .*)?$", 1), detail.re_extract(r"^.* \| (.*)$", 1)
    # a CASE looks at names of the rows of its verb only, an AND at those of all
    odd_rename = (verb == "file_renamed").ifelse(is_odd(renamed_to[0]) | is_odd(renamed_to[1]), False)
    nameless = (verb == "file_renamed").ifelse((ending(renamed_to[0]) == "") & (ending(renamed_to[1]) == ""), False)
    odd_upload = (verb == "file_uploaded").ifelse(is_odd(a.resource_name), False)
    names = [ending(name) for name in (a.resource_name, *renamed_to)]
    return acts(
        a,
        verb.isin(["file_uploaded", "file_deleted", "file_renamed"]) | edited_file(a).notnull(),
        is_plain=(verb == "file_uploaded") & ~odd_upload,
        is_upload=verb == "file_uploaded",
        is_locked=odd_upload,
        is_removed=verb == "file_deleted",
        is_nameless=nameless,
        is_odd_rename=odd_rename,
        edited=edited_file(a),
        ending=ibis.cases(
            (odd_upload, names[0]), (odd_rename, ibis.greatest(names[1], names[2])), else_=ibis.null("string")
        ),
    )


def _counted(rows: ir.Table, params: Params) -> ir.Table:
    edits = rows.filter(rows.edited.notnull())
    peaks = peak_distinct(edits, "edited", by="user_uid", within=HOUR).rename(hour_edits="distinct_count")
    counted = rows.mutate(
        locked=count_within(rows.is_locked, by="user_uid", within=DAY),
        removed=count_within(rows.is_removed, by="user_uid", within=DAY),
        odd_renames=count_within(rows.is_odd_rename, by="user_uid", within=DAY),
        hour_renames=count_within(rows.is_nameless, by="user_uid", within=HOUR),
        wiped=count_within(rows.is_removed, by="user_uid", within=params.wipe_seconds),
        came=count_within(rows.is_upload, by="user_uid", within=params.wipe_seconds),
    )
    return counted.left_join(peaks, ["user_uid", "seconds"]).select(*counted.columns, "hour_edits")


def _summed(rows: ir.Table) -> ir.Table:
    none_came = rows.came * 5 < rows.wiped
    return rows.group_by("user_uid", "episode").agg(
        **evidence(rows),
        locked_count=rows.locked.max(),
        removed_count=rows.removed.max(),
        odd_rename_count=rows.odd_renames.max(),
        rename_count=rows.hour_renames.max(),
        edit_count=rows.hour_edits.max().fill_null(0),
        wiped_count=rows.wiped.max(where=none_came).fill_null(0),
        ending=rows.ending.max(),
        usual_network=(rows.asn_days > 0).all(),
        trait_value=rows.asn.max().cast("string"),
    )


def _limits(found: ir.Table, volume: ir.Table, params: Params) -> ir.Table:
    for measure in ("odd_files", "file_edits", "deletions"):
        found = with_usual(found, volume, measure, into=measure)
    times = (params.times_high, params.times_mean)
    form = ibis.cases(
        ((found.locked_count >= params.min_locked) & (found.removed_count * 2 >= found.locked_count), "encrypted"),
        (found.odd_rename_count >= params.min_locked, "renamed"),
        (found.rename_count > limit(found, params.max_renames, *times, of="file_edits"), "renamed"),
        (found.edit_count >= limit(found, params.min_edits, *times, of="file_edits"), "overwritten"),
        (found.wiped_count > limit(found, params.max_wiped, *times, of="deletions"), "wiped"),
        else_=ibis.null("string"),
    )
    found = found.mutate(form=form)
    return found.filter(found.form.notnull())


def _explained(found: ir.Table, params: Params) -> ir.Table:
    file_count = ibis.cases(
        (found.form == "encrypted", found.locked_count),
        (found.form == "renamed", ibis.greatest(found.odd_rename_count, found.rename_count)),
        (found.form == "overwritten", found.edit_count),
        else_=found.wiped_count,
    )
    return found.mutate(
        file_count=file_count,
        ending=found.ending.fill_null(""),
        usual_ending=(found.form == "encrypted") & (found.locked_count <= params.times_high * found.odd_files_high),
        integration_at_work=found.is_integration & found.usual_network & (found.form == "overwritten"),
        **trait(found),
    )


def _locked(user: str, when: str, count: int, every: float, **values: Any) -> tuple[Row, ...]:
    """`count` files, each replaced by a locked copy."""
    return tuple(
        row
        for n in range(count)
        for row in (
            activity(
                user,
                when,
                "file_uploaded",
                nth=n,
                later=int(n * every),
                resource_name=f"offer{n}.docx.locked",
                **values,
            ),
            activity(user, when, "file_deleted", nth=n, later=int(n * every) + 1, resource_uid=f"f{n}", **values),
        )
    )


def _each(user: str, when: str, name: str, count: int, every: float, **values: Any) -> tuple[Row, ...]:
    """`count` activities on as many files."""
    given: dict[str, Any] = {"resource_uid": "f"} | values
    return tuple(
        activity(
            user, when, name, nth=n, later=int(n * every), **given | {"resource_uid": f"{given['resource_uid']}{n}"}
        )
        for n in range(count)
    )


EDIT: dict[str, Any] = {"resource_type": "sys_attachment"}

POLICY = Policy(
    id="ransomware_activity",
    kind=Kind.ANOMALY,
    severity="high",
    attack=("T1486", "T1485"),
    title="{actor}: {file_count} files {form}",
    titles={"encrypted": "{actor} replaced files by {file_count} copies that end in .{ending}"},
    summary=__doc__,
    blind_to="Locked copies that keep name and ending; what the platform's own jobs do; files overwritten by other ways than "
    "requests to their records; whether a request read or wrote, which the log does not say.",
    triage=(
        "Open one of the files: is it still what its name says?",
        "Suspend the account and end its sessions before anything else if it is not.",
        "Is there a note that asks for money, or a migration, conversion or clean-up that somebody ordered?",
        "List what was touched from the evidence and restore it from the last backup before `first_seen`.",
    ),
    reads=("core__activity", "state__user_volume", "state__seen"),
    lookback=timedelta(days=1),
    needs=Evidence(tables=("sysevent",), helpful_tables=("sys_attachment", "syslog_transaction", "sys_user"), learning_days=7),
    params=(
        Param("min_locked", 20, "Files with an ending of no program, come in or renamed in 24 h", DEFENDER, "files"),
        Param("max_renames", 50, "Renames within an hour, to a name without ending or that the event does not tell, above which it is no handwork",
              DEFENDER, "files"),
        Param("min_edits", 50, "Different attachments whose records are written to within an hour", DEFENDER, "files"),
        Param("max_wiped", 100, "Files deleted within the window above which it is no handwork", "a page of a list holds 100 rows", "files"),
        Param("wipe_seconds", 300, "The window", "ours", "s"),
        Param("quiet_seconds", 86_400, "Pause after which it is another episode", "ours; as long as files are counted", "s"),
        TIMES_HIGH,
        TIMES_MEAN,
    ),
    suppressions=(
        Suppression("usual_ending", "user", "The person's files carry endings of that kind on other days as well"),
        Suppression("integration_at_work", "system", "An integration account reads records of files from the networks it always uses"),
    ),
    facts=("form", "file_count", "ending", "locked_count", "removed_count", "rename_count", "edit_count", "wiped_count"),
    detect=detect,
    cases=(
        fires("twenty files replaced by locked copies", *_locked("ann", "09:00:00", 20, 3), having={"form": "encrypted", "ending": "locked"}),
        quiet("nineteen", *_locked("ann", "09:00:00", 19, 3)),
        fires("twelve an hour", *_locked("ann", "02:00:00", 96, 300), having={"form": "encrypted", "locked_count": 96}),
        fires("around midnight", *_locked("ann", "-1 22:00:00", 40, 300), having={"locked_count": 40}),
        fires("names that say nothing", *_each("ann", "09:00:00", "file_uploaded", 30, 4, resource_name="a8f3.xqzk"),
              *_each("ann", "09:00:01", "file_deleted", 30, 4)),
        quiet("drawings with an ending of their own", *_each("ann", "09:00:00", "file_uploaded", 40, 20, resource_name="assembly.locked")),
        quiet("documents that become PDFs", *_each("ann", "09:00:00", "file_uploaded", 55, 30, resource_name="offer.pdf"),
              *_each("ann", "09:00:12", "file_deleted", 55, 30)),
        quiet("a migration", *_each("ann", "18:30:00", "file_uploaded", 200, 2, resource_name="offer.docx"),
              *_each("ann", "18:30:01", "file_deleted", 200, 2)),
        held("an ending that the person always uses", "usual_ending", used_to("ann", "odd_files", 15.0), *_locked("ann", "09:00:00", 25, 30)),
        fires("twenty files renamed", *_each("ann", "09:00:00", "file_renamed", 20, 2, detail="offer.docx.crypt | incident"),
              having={"form": "renamed", "ending": "crypt"}),
        quiet("nineteen renamed", *_each("ann", "09:00:00", "file_renamed", 19, 2, detail="offer.docx.crypt | incident")),
        fires("renames that say no name", *_each("ann", "09:00:00", "file_renamed", 51, 2)),
        quiet("fifty renamed by hand", *_each("ann", "09:00:00", "file_renamed", 50, 60, detail="offer_2026.docx")),
        quiet("two hundred renamed by another scheme", *_each("ann", "09:00:00", "file_renamed", 200, 2, detail="2026-0917_offer.docx | incident")),
        fires("fifty overwritten in place", *_each("ann", "09:00:00", "api_request", 50, 5, **EDIT), having={"form": "overwritten"}),
        quiet("forty-nine", *_each("ann", "09:00:00", "api_request", 49, 5, **EDIT)),
        fires("by the attachment API", *(activity("ann", "09:00:00", "api_request", nth=n, later=5 * n,
              resource_name=f"/api/now/attachment/{n:032x}") for n in range(50)), having={"form": "overwritten"}),
        quiet("downloads by it", *(activity("ann", "09:00:00", "api_request", nth=n, later=5 * n,
              resource_name=f"/api/now/attachment/{n:032x}/file") for n in range(50))),
        fires("as the audit tells it", *_each("ann", "09:00:00", "record_updated", 50, 5, **EDIT)),
        quiet("one file asked for again and again", *(activity("ann", "09:00:00", "api_request", later=5 * n, resource_uid="f", **EDIT) for n in range(90))),
        quiet("by somebody who always does", used_to("ann", "file_edits", 40.0), *_each("ann", "09:00:00", "api_request", 60, 5, **EDIT)),
        held("an integration that reads file records", "integration_at_work", known("svc", "asn", "64500"),
             *_each("svc", "03:00:00", "api_request", 90, 5, is_integration=True, **EDIT)),
        fires("a hundred and one wiped in five minutes", *_each("ann", "09:00:00", "file_deleted", 101, 2), having={"form": "wiped"}),
        quiet("a hundred", *_each("ann", "09:00:00", "file_deleted", 100, 2)),
        quiet("spring cleaning", *_each("ann", "09:00:00", "file_deleted", 240, 15)),
        quiet("refused", *_each("ann", "09:00:00", "file_deleted", 200, 1, status="failure")),
        quiet("of nothing"),
        fires("hostile names", *_each("x", "09:00:00", "file_renamed", 60, 2, detail=HOSTILE[2], actor_user_name=HOSTILE[1]),
              *(activity("x", "09:03:00", "file_uploaded", nth=n, resource_name=name, src_ip=name) for n, name in enumerate(HOSTILE))),
    ),
)  # fmt: skip
