"""How much a detection matters if it is true: severity, whom it concerns, how rare the trait is, what was touched.

    priority = severity (0-40) + user impact (0-25) + popularity (0-20) + asset (0-15)

Probability is kept apart (`risk_score`): a person sorts by the product of both, and a policy of the house may not.
"""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import polars as pl

SEVERITY: Mapping[str, float] = {"informational": 0.0, "low": 12.0, "medium": 25.0, "high": 40.0}

#: Points by what the account can do; the highest that applies. An unknown account counts like an ordinary one.
PRIVILEGED, MANAGER, INTEGRATION, EXTERNAL, ORDINARY = 25.0, 18.0, 15.0, 10.0, 8.0

#: Points by the table touched: the first prefix that matches. HR, security and configuration first.
ASSETS: tuple[tuple[str, float], ...] = (
    ("sn_hr_", 15.0),
    ("sn_si_", 15.0),
    ("sys_security_", 15.0),
    ("sys_script", 15.0),
    ("sys_properties", 15.0),
    ("sys_user_has_role", 15.0),
    ("oauth_", 15.0),
    ("sys_user", 12.0),
    ("sn_", 12.0),
    ("fin_", 12.0),
    ("ast_contract", 12.0),
    ("customer_", 12.0),
    ("csm_", 12.0),
    ("cmdb", 9.0),
    ("alm_", 9.0),
    ("kb_", 4.0),
)
OTHER_ASSET = 6.0

RARE_SHARE = 0.20  # a trait that a fifth of the organisation shows adds nothing
UNKNOWN_POPULARITY = 10.0

_USERS = """
WITH managers AS (
    SELECT DISTINCT manager_uid FROM {users} WHERE manager_uid <> ''
), points AS (
    SELECT user_uid, CASE WHEN is_privileged THEN {privileged} WHEN managers.manager_uid IS NOT NULL THEN {manager}
                          WHEN is_integration THEN {integration} WHEN is_external THEN {external} ELSE {ordinary} END AS points
    FROM {users} u LEFT JOIN managers ON managers.manager_uid = u.user_uid
), concerned AS (
    SELECT detection_uid, actor_user_uid AS user_uid FROM {detections} WHERE actor_user_uid IS NOT NULL
    UNION SELECT detection_uid, unnest(actor_user_uids) FROM {detections}
)
SELECT detection_uid, max(points) AS user_impact FROM concerned JOIN points USING (user_uid) GROUP BY detection_uid
"""

_ASSETS = """
SELECT e.detection_uid,
       max(greatest({resource}, {parent})) AS asset
FROM {evidence} e JOIN {activities} a USING (activity_uid) GROUP BY e.detection_uid
"""


def user_impact(con: duckdb.DuckDBPyConnection, *, detections: str, users: str) -> pl.DataFrame:
    """`detection_uid`, `user_impact`: the most powerful account concerned; no row where none is known."""
    sql = _USERS.format(
        detections=detections,
        users=users,
        privileged=PRIVILEGED,
        manager=MANAGER,
        integration=INTEGRATION,
        external=EXTERNAL,
        ordinary=ORDINARY,
    )
    points: pl.DataFrame = con.sql(sql).pl()
    return points


def assets(con: duckdb.DuckDBPyConnection, *, evidence: str, activities: str) -> pl.DataFrame:
    """`detection_uid`, `asset`: the most sensitive table among the evidence; no row where no evidence is known."""
    sql = _ASSETS.format(
        evidence=evidence,
        activities=activities,
        resource=_points_of("a.resource_type"),
        parent=_points_of("a.parent_table"),
    )
    points: pl.DataFrame = con.sql(sql).pl()
    return points


def _points_of(column: str) -> str:
    """A CASE over our own constants; an absent table name counts nought."""
    whens = " ".join(f"WHEN starts_with({column}, '{prefix}') THEN {points}" for prefix, points in ASSETS)
    return f"CASE WHEN coalesce({column}, '') = '' THEN 0 {whens} ELSE {OTHER_ASSET} END"


def parts() -> list[pl.Expr]:
    """The addends of the priority, over `out__detection` joined with `user_impact`, `asset` and `organisation_share`."""
    rarity = (1 - (pl.col("organisation_share") / RARE_SHARE).clip(0, 1)) * 20
    return [
        pl.col("severity").replace_strict(SEVERITY, default=0.0, return_dtype=pl.Float64).alias("severity"),
        pl.col("user_impact").fill_null(ORDINARY).alias("user_impact"),
        rarity.fill_null(UNKNOWN_POPULARITY).alias("popularity"),
        pl.col("asset").fill_null(OTHER_ASSET).alias("asset"),
    ]


def priority() -> pl.Expr:
    """0-100, one decimal."""
    return pl.sum_horizontal(parts()).round(1).alias("priority")


def priority_parts() -> pl.Expr:
    """JSON object of the points."""
    return pl.struct(part.round(1) for part in parts()).struct.json_encode().alias("priority_parts")
