"""`mart.files`: attachments in their latest state; content is looked at by the file policies, not yet."""

from pipelines.contracts.mart._view import EVENT_DATE, INSTANCE, View
from pipelines.contracts.table import Dtype, Field, Pii

S = Dtype.STRING

VIEW = View(
    name="files",
    title="Attachments, latest state",
    grain="one attachment of one instance",
    columns=(
        INSTANCE,
        EVENT_DATE,
        Field("file_uid", S, "sys_attachment.sys_id", pii=Pii.PSEUDONYM),
        Field("file_name", S, "Name of the file", pii=Pii.CONTENT),
        Field("content_type", S, "Content type as declared at upload"),
        Field("detected_type", S, "Content type found by inspection; null until inspected"),
        Field("size_bytes", Dtype.INT64, "Size", unit="bytes"),
        Field("sha256", S, "Hash of the content as ServiceNow reports it; null where encrypted"),
        Field("table_name", S, "Table of the parent record"),
        Field("record_uid", S, "Parent record", pii=Pii.PSEUDONYM),
        Field("owner_user_uid", S, "Who uploaded it; null where the name matches no account", pii=Pii.PSEUDONYM),
        Field("owner_user_name", S, "Who uploaded it", pii=Pii.IDENTIFIER),
        Field("exposure", S, "Who can reach it; null until judged"),
        Field("sensitive_types", Dtype.STRINGS, "pii.*, pci.*, phi.* found in it; empty until scanned"),
        Field("scan_status", S, "Where content inspection stands"),
        Field("uploaded_at", Dtype.TIMESTAMP, "When it was uploaded", unit="UTC"),
    ),
    sql="""
    SELECT a.instance, a.event_date, a.sys_id AS file_uid, a.file_name, a.content_type, NULL AS detected_type,
           TRY_CAST(a.size_bytes AS BIGINT) AS size_bytes, nullif(a.hash, '') AS sha256, a.table_name,
           a.table_sys_id AS record_uid, u.user_uid AS owner_user_uid, a.sys_created_by AS owner_user_name,
           NULL AS exposure, []::VARCHAR[] AS sensitive_types, 'not_scanned' AS scan_status,
           TRY_CAST(a.sys_created_on AS TIMESTAMP) AS uploaded_at
    FROM (SELECT * FROM wh.attachment
          QUALIFY row_number() OVER (PARTITION BY instance, sys_id ORDER BY sys_updated_on DESC, event_date DESC) = 1) AS a
    LEFT JOIN (SELECT instance, lower(user_name) AS user_name, min(user_uid) AS user_uid FROM wh.user_day
               WHERE event_date = (SELECT max(event_date) FROM wh.user_day) GROUP BY ALL) AS u
      ON u.instance = a.instance AND u.user_name = lower(a.sys_created_by)
    """,
    reads=("raw_servicenow__sys_attachment", "core__user"),
)
