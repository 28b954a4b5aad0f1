"""Synthetic `core__activity` days: shapes and sizes of a large organisation, no story. The same seed gives the same rows.

20,000 people; each has a city, a line at home, an office, two devices and habits; one in ten goes through a gateway, one
in five hundred a day is abroad; 2 % of logins fail; a few bursts of downloads and failures are planted every day.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb

from pipelines.contracts import contract

INSTANCE = "bench"

_DAY = """
WITH draw AS (
    SELECT i, (hash(i, $seed, $day::VARCHAR) >> 2)::BIGINT AS h, floor(power((hash(i, 7, $day::VARCHAR) % 1000003) / 1000003.0, 1.5) * $users)::BIGINT AS u
    FROM range($rows) t(i)
), person AS (
    SELECT *, (hash(u, 1) >> 2)::BIGINT AS p, (h // 1009) % 86400 AS s, (h // 7919) % 1000 AS what, (h // 104729) % 1000 AS how,
           hash(u, $day::VARCHAR, 3) % 500 = 0 AS is_abroad
    FROM draw
), placed AS (
    SELECT *, CASE WHEN p % 10 = 3 AND how < 500 THEN 'vpn' WHEN how < 550 THEN 'office' WHEN how < 900 THEN 'home' ELSE 'phone' END AS via,
           CASE WHEN is_abroad AND s > 43200 THEN 40 + (hash(u, $day::VARCHAR) % 20)::BIGINT ELSE p % 40 END AS c
    FROM person
), shaped AS (
    SELECT *, CASE WHEN what < 40 THEN 'login' WHEN what < 41 THEN 'login_failed' WHEN what < 100 THEN 'file_downloaded'
                   WHEN what < 110 THEN 'file_uploaded' WHEN what < 115 THEN 'exported' WHEN what < 300 THEN 'record_updated'
                   WHEN what < 400 THEN 'api_request' ELSE 'page_viewed' END AS name,
           CASE via WHEN 'vpn' THEN 'c' || (p % 3) WHEN 'office' THEN 'o' || c ELSE via || u % 4000 END AS line
    FROM placed
)
SELECT '{instance}' AS instance, $day::DATE AS event_date, 'sysevent:' || md5(i || $day::VARCHAR) AS activity_uid,
       $day::TIMESTAMP + to_seconds(s) AS time, name AS activity_name, 3002 AS class_uid, 1 AS activity_id,
       CASE name WHEN 'login_failed' THEN 'failure' ELSE 'success' END AS status, md5('u' || u) AS actor_user_uid,
       'user.' || u AS actor_user_name, false AS is_impersonated, 'user.' || u AS effective_user_name,
       md5(u || '-' || s // 14400) AS session_uid, CASE name WHEN 'api_request' THEN false ELSE true END AS is_interactive,
       false AS is_own, u % 1000 = 999 AS is_system, CASE WHEN name LIKE 'file%' THEN 'file' ELSE 'incident' END AS resource_type,
       md5('f' || (h // 31) % 200000) AS resource_uid, 'name ' || (h // 31) % 200000 AS resource_name, 'incident' AS parent_table,
       md5('p' || (h // 31) % 50000) AS parent_uid, ((h // 17) % 400000)::BIGINT AS bytes, (h % 5000)::BIGINT AS row_count, NULL AS detail,
       '198.18.' || hash(line) % 250 || '.' || hash(line, 2) % 250 AS src_ip, 'event' AS ip_source, NULL AS user_agent,
       'C' || chr(65 + (c % 20)::INTEGER) AS country, 'City ' || c AS city, (c * 37 % 120 - 60)::DOUBLE AS latitude,
       (c * 61 % 340 - 170)::DOUBLE AS longitude, (64512 + CASE via WHEN 'home' THEN c * 3 + u % 3 WHEN 'phone' THEN 500 + c ELSE 900 END)::BIGINT AS asn,
       CASE via WHEN 'phone' THEN 'Mobile ' || c ELSE 'Net ' || c END AS as_org,
       CASE via WHEN 'vpn' THEN ['vpn'] WHEN 'office' THEN ['corporate'] ELSE []::VARCHAR[] END AS ip_categories,
       NULL::BIGINT AS ip_confidence,
       CASE via WHEN 'phone' THEN 'safari/ios/phone' || u % 7 ELSE 'chrome/windows/pc' || u % 11 END AS device_key, 'Chrome' AS agent_family,
       'Windows' AS os_family, CASE via WHEN 'phone' THEN 'mobile' ELSE 'browser' END AS agent_kind, md5('d' || u % 200) AS department,
       false AS is_external, u % 400 = 1 AS is_integration, u % 300 = 2 AS is_privileged, true AS is_account_active,
       'observed' AS profile_source, 'sysevent' AS source_table, md5(i || $day::VARCHAR) AS source_uid
FROM shaped
"""


def write_day(
    con: duckdb.DuckDBPyConnection, folder: Path, day: date, *, rows: int, users: int = 20_000, seed: int = 1
) -> Path:
    """One Parquet file as the lake writes it: sorted by person and time, row groups of 100,000."""
    table = contract("core__activity")
    ordered = ", ".join(f'"{column}"' for column in table.sort_by)
    path = folder / f"{day}.parquet"
    made = con.sql(
        _DAY.replace("{instance}", INSTANCE), params={"day": day, "seed": seed, "rows": rows, "users": users}
    )
    made.project(table.casts).order(ordered).write_parquet(str(path), compression="zstd", row_group_size=100_000)
    return path
