"""What one person did, when and from where."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from types import MappingProxyType

import polars as pl

from pipelines.analysis.alerts import AlertLike, explain
from pipelines.analysis.warehouse import Warehouse, open_warehouse
from pipelines.errors import UsageError

#: lane of a timeline -> the verbs in it, from harmless at the bottom to telling at the top
LANES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "other": ("other",),
        "mail": ("email_sent", "email_received"),
        "reading": ("record_viewed", "report_viewed", "page_viewed", "api_request"),
        "changes": ("record_created", "record_updated"),
        "uploads": ("file_uploaded", "file_renamed"),
        "sign-in": ("login", "logout"),
        "failed sign-in": ("login_failed",),
        "downloads, exports": ("file_downloaded", "exported"),
        "deletions": ("record_deleted", "file_deleted"),
        "impersonation": ("impersonation_start", "impersonation_end"),
        "administration": (
            "privilege_elevated", "role_granted", "role_revoked", "user_created", "user_enabled", "user_disabled",
            "user_deleted", "user_locked", "user_unlocked", "group_member_added", "group_member_removed", "group_changed",
            "configuration_changed",
        ),
    }
)  # fmt: skip
_LANE_OF = {verb: lane for lane, verbs in LANES.items() for verb in verbs}
BEFORE, AFTER = timedelta(days=7), timedelta(days=1)
_WHOM = """
SELECT DISTINCT user_uid FROM mart.users WHERE user_uid = $user OR user_name = $user
UNION SELECT DISTINCT actor_user_uid FROM mart.activities WHERE actor_user_uid IS NOT NULL AND (actor_user_uid = $user OR actor_user_name = $user)
"""
_TIMELINE = """
WITH done AS (
    SELECT * FROM mart.activities
    WHERE (list_contains($uids, actor_user_uid) OR actor_user_name = $user) AND time >= $start AND time < $end
), proof AS (
    SELECT activity_uid, list(DISTINCT alert_uid ORDER BY alert_uid) AS alert_uids
    FROM mart.alert_evidence SEMI JOIN done USING (activity_uid) GROUP BY activity_uid
)
SELECT a.time, a.activity_name, a.status, a.country, a.city, a.src_ip, a.as_org, a.ip_categories, a.device_key, a.is_impersonated,
       a.effective_user_name, a.resource_type, a.resource_name, a.bytes, a.row_count, a.detail, a.source_table, a.source_uid,
       a.activity_uid, coalesce(p.alert_uids, []) AS alert_uids
FROM done a LEFT JOIN proof p USING (activity_uid)
ORDER BY a.time, a.activity_uid
"""
_USER_RISK = """
WITH asked AS (SELECT coalesce(CAST($day AS DATE), max(event_date)) AS day FROM mart.user_risk),
     people AS (SELECT instance, user_uid, any_value(user_name) AS user_name, any_value(department) AS department FROM mart.users GROUP BY ALL)
SELECT p.user_name, p.department, r.*
FROM mart.user_risk r JOIN asked ON asked.day = r.event_date
LEFT JOIN people p ON p.instance = r.instance AND p.user_uid = r.actor_user_uid
ORDER BY r.points_7d DESC, r.actor_user_uid
"""


def user_risk(day: date | None = None, *, warehouse: Warehouse | None = None) -> pl.DataFrame:
    """Accounts by how much attention they deserve on `day` (the last one), with the parts of their priority in points."""
    return (warehouse or open_warehouse()).ask(_USER_RISK, day=day)


def timeline(
    user: str | None = None,
    *,
    first: date | None = None,
    last: date | None = None,
    around: AlertLike | None = None,
    warehouse: Warehouse | None = None,
) -> pl.DataFrame:
    """Activities of one account, oldest first, with their `lane` and the alerts that rest on each (`alert_uids`).

    `user` is a name or sys_id. `around` an alert: seven days before it and one after, and its person where no user is
    given (the first victim of a campaign); an alert about the instance has none, and no activity. Else `first` to `last`,
    UTC days; without them all that the file holds.
    """
    house = warehouse or open_warehouse()
    start, end = _days(first, last)
    if around is not None:
        alert = explain(around, warehouse=house).alert
        user = (
            user
            or alert["actor_user_uid"]
            or alert["actor_user_name"]
            or next(iter(alert["actor_user_uids"] or ()), None)
        )
        start = start if first else alert["first_seen"] - BEFORE
        end = end if last else alert["last_seen"] + AFTER
    if not user and around is None:
        raise UsageError("no user is named", remedy="give a user name or sys_id, or around= an alert of one person")
    uids = house.ask(_WHOM, user=user)["user_uid"].to_list() if user else []
    found = house.ask(_TIMELINE, uids=uids, user=user, start=start, end=end)
    if user and not uids and not found.height:
        raise UsageError("no account has this name or sys_id", remedy="look it up in mart.users: user_name or user_uid")
    lane = pl.col("activity_name").replace_strict(_LANE_OF, return_dtype=pl.Enum(list(LANES))).alias("lane")
    place = pl.concat_str(
        pl.col("country").fill_null("unknown place"), pl.col("city"), separator=" ", ignore_nulls=True
    )
    return found.with_columns(lane, place.alias("place"))


def _days(first: date | None, last: date | None) -> tuple[datetime, datetime]:
    start = datetime.combine(first, time.min) if first else datetime(1970, 1, 1)
    end = datetime.combine(last, time.min) + timedelta(days=1) if last else datetime(9000, 1, 1)
    return start, end
