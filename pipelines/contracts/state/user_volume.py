"""How much of each thing people usually do in a day: the baseline that a day's volume is held against."""

from __future__ import annotations

from pipelines.contracts.table import Dtype, Field, Pii, Table

S, D, F, T = Dtype.STRING, Dtype.INT64, Dtype.FLOAT64, Dtype.TIMESTAMP

MEASURES = (
    "files",
    "hour_files",
    "bytes_out",
    "export_bytes",
    "strange_exports",
    "deletions",
    "odd_files",
    "file_edits",
    "admin_changes",
    "impersonations",
)

TABLE = Table(
    name="state__user_volume",
    title="Usual volumes of people",
    grain="one measure of one person, department or the whole organisation, as of the end of a day",
    key=("user_uid", "measure"),
    sort_by=("user_uid", "measure"),
    fields=(
        Field(
            "user_uid",
            S,
            "sys_user.sys_id; department:<sys_id> or * for the mean of the people active there",
            required=True,
            pii=Pii.PSEUDONYM,
        ),
        Field("measure", S, "What is counted (pipelines.features.volumes)", required=True, one_of=MEASURES),
        Field("day_count", D, "Active days so far", required=True, unit="days"),
        Field("mean", F, "Of an active day; older than 30 active days fades", required=True),
        Field("high", F, "Highest day, losing a fiftieth with each active day", required=True),
        Field(
            "raised_days",
            D,
            "Days far above the mean and the highest day, in the current run",
            required=True,
            unit="days",
        ),
        Field("raised_sum", F, "What those days came to", required=True),
        Field("last_raised", T, "Last activity of the latest of them", unit="UTC"),
        Field("last_seen", T, "Last activity", required=True, unit="UTC"),
    ),
)
