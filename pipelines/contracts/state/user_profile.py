"""What an ordinary day of each person looks like: where the logarithm of each count lies, and how far it strays."""

from __future__ import annotations

from pipelines.contracts.table import Dtype, Field, Pii, Table

S, D, F, T = Dtype.STRING, Dtype.INT64, Dtype.FLOAT64, Dtype.TIMESTAMP

#: Measure of a day -> what it counts. `bytes_out` is in bytes, all others are counts.
MEASURES: dict[str, str] = {
    "activities": "activities, failed ones included",
    "files": "different files downloaded",
    "bytes_out": "bytes downloaded, exported or read through the API",
    "exports": "list and report exports",
    "records": "different records opened",
    "tables": "different tables touched",
    "changes": "records created or updated",
    "api_requests": "requests through the API",
    "uploads": "files uploaded",
    "deletions": "files and records deleted",
    "emails": "mails sent",
    "admin_changes": "changes of roles, groups, accounts and configuration",
    "impersonations": "activities done as somebody else",
    "failures": "failed activities, logins included",
    "active_hours": "hours of the day with an activity",
}
#: Measures that are also held against a slow reference, so that a ramp does not make itself usual.
ANCHORED = ("files", "bytes_out", "records")
ACCOUNT_KINDS = ("employee", "privileged", "external", "integration")

LN = "log of 1 + count, bytes in units of 64 KiB"


def _learned(name: str, counted: str) -> list[Field]:
    return [
        Field(f"{name}_center", F, f"Where days lie: {counted}; older than 30 active days fades", required=True, unit=LN),
        Field(f"{name}_spread", F, f"Mean distance of a day from there: {counted}", required=True, unit=LN),
    ]  # fmt: skip


TABLE = Table(
    name="state__user_profile",
    title="Ordinary days of people",
    grain="one person as of the end of a day",
    key=("user_uid",),
    sort_by=("user_uid",),
    fields=(
        Field("user_uid", S, "sys_user.sys_id", required=True, pii=Pii.PSEUDONYM),
        Field("department", S, "Latest department", pii=Pii.PSEUDONYM),
        Field("account_kind", S, "Latest kind of account", required=True, one_of=ACCOUNT_KINDS),
        Field("day_count", D, "Active days so far", required=True, unit="days"),
        Field("last_seen", T, "Latest activity", required=True, unit="UTC"),
        *(field for name, counted in MEASURES.items() for field in _learned(name, counted)),
        *(
            Field(f"{name}_anchor", F, f"Slow reference, a year deep: {MEASURES[name]}", required=True, unit=LN)
            for name in ANCHORED
        ),
    ),
)
