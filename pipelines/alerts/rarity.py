"""The four rarity flags: is what was seen new for the user, and who else does it?

A flag is about the *trait* of a detection (`trait_kind`, `trait_value`: a country, a network, a device) and is judged by
`state__seen` as it stood before the day, so that a detection never makes itself common. Null means not comparable: too
little history, too few peers, no trait. The windows are Sentinel's: 90 days for "first", 30 days for "uncommon".
"""

from __future__ import annotations

from datetime import date

import duckdb
import polars as pl

FIRST_DAYS = 90
COMMON_DAYS = 30
LEARNING_DAYS = 7  # less history than this cannot call anything new
MIN_PEERS = 5
MIN_ORGANISATION = 10
COMMON_SHARE = 0.05

FLAGS = ("is_first_for_user", "is_uncommon_among_peers", "is_uncommon_in_organisation", "is_first_in_organisation")

_SQL = """
WITH d AS (
    SELECT f.detection_uid, f.actor_user_uid AS user_uid, f.trait_kind AS kind, f.trait_value AS value, u.department
    FROM {detections} f LEFT JOIN {users} u ON u.user_uid = f.actor_user_uid
    WHERE f.trait_kind IS NOT NULL AND f.trait_value IS NOT NULL
), seen AS (
    SELECT s.user_uid, s.kind, s.value, s.first_seen::DATE AS first_day, s.last_seen::DATE AS last_day,
           u.department,
           NOT (s.user_uid = '*' OR starts_with(s.user_uid, 'department:')) AS is_person
    FROM {seen} s LEFT JOIN {users} u USING (user_uid)
    WHERE s.kind IN (SELECT kind FROM d)
), person AS (
    SELECT *, last_day >= $day - {common_days} AS is_recent FROM seen WHERE is_person
), own_kind AS (
    SELECT user_uid, kind, min(first_day) AS since, bool_or(is_recent) AS is_recent FROM person GROUP BY ALL
), own_value AS (
    SELECT user_uid, kind, value, max(last_day) AS last_day, bool_or(is_recent) AS is_recent FROM person GROUP BY ALL
), org_kind AS (
    SELECT kind, min(first_day) AS since, count(DISTINCT user_uid) FILTER (is_person AND last_day >= $day - {common_days})
           AS users FROM seen GROUP BY ALL
), org_value AS (
    SELECT kind, value, max(last_day) AS last_day,
           count(DISTINCT user_uid) FILTER (is_person AND last_day >= $day - {common_days}) AS users
    FROM seen SEMI JOIN d USING (kind, value) GROUP BY ALL
), peer_kind AS (
    SELECT department, kind, count(DISTINCT user_uid) FILTER (is_recent) AS users
    FROM person WHERE department <> '' GROUP BY ALL
), peer_value AS (
    SELECT department, kind, value, count(DISTINCT user_uid) FILTER (is_recent) AS users
    FROM person WHERE department <> '' GROUP BY ALL
), counted AS (
    SELECT d.detection_uid, d.user_uid,
           own_kind.since AS own_since, own_value.last_day AS own_last,
           org_kind.since AS org_since, org_value.last_day AS org_last,
           coalesce(own_kind.is_recent, false)::INT AS self, coalesce(own_value.is_recent, false)::INT AS self_shows,
           coalesce(org_kind.users, 0) AS org_users, coalesce(org_value.users, 0) AS org_shows,
           coalesce(peer_kind.users, 0) AS peer_users, coalesce(peer_value.users, 0) AS peer_shows
    FROM d
    LEFT JOIN own_kind ON own_kind.user_uid = d.user_uid AND own_kind.kind = d.kind
    LEFT JOIN own_value ON own_value.user_uid = d.user_uid AND own_value.kind = d.kind AND own_value.value = d.value
    LEFT JOIN org_kind ON org_kind.kind = d.kind
    LEFT JOIN org_value ON org_value.kind = d.kind AND org_value.value = d.value
    LEFT JOIN peer_kind ON peer_kind.department = d.department AND peer_kind.kind = d.kind
    LEFT JOIN peer_value ON peer_value.department = d.department AND peer_value.kind = d.kind
                        AND peer_value.value = d.value
), judged AS (
    SELECT *, own_since <= $day - {learning_days} AS user_comparable,
           org_since <= $day - {learning_days} AS org_has_history,
           org_since <= $day - {learning_days} AND org_users - self >= {min_organisation} AS org_comparable,
           user_uid IS NOT NULL AND peer_users - self >= {min_peers} AS peers_comparable,
           (org_shows - self_shows) / nullif(org_users - self, 0) AS org_share,
           (peer_shows - self_shows) / nullif(peer_users - self, 0) AS peer_share
    FROM counted
)
SELECT detection_uid,
       CASE WHEN user_comparable THEN coalesce(own_last < $day - {first_days}, true) END AS is_first_for_user,
       CASE WHEN peers_comparable THEN peer_share < {common_share} END AS is_uncommon_among_peers,
       CASE WHEN org_comparable THEN org_share < {common_share} END AS is_uncommon_in_organisation,
       CASE WHEN org_has_history THEN coalesce(org_last < $day - {first_days}, true) END AS is_first_in_organisation,
       CASE WHEN org_comparable THEN org_share END AS organisation_share
FROM judged
"""


def rarity_flags(con: duckdb.DuckDBPyConnection, day: date, *, detections: str, seen: str, users: str) -> pl.DataFrame:
    """One row per detection that has a trait: `detection_uid`, the four flags and `organisation_share` (0-1 or null).

    `seen` is `state__seen` as of the day before; `users` holds one row per `user_uid` with its `department`.
    """
    sql = _SQL.format(
        detections=detections,
        seen=seen,
        users=users,
        first_days=FIRST_DAYS,
        common_days=COMMON_DAYS,
        learning_days=LEARNING_DAYS,
        min_peers=MIN_PEERS,
        min_organisation=MIN_ORGANISATION,
        common_share=COMMON_SHARE,
    )
    flags: pl.DataFrame = con.sql(sql, params={"day": day}).pl()
    return flags
