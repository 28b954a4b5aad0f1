"""One user action in one instance: the table that every policy reads."""

from __future__ import annotations

from pipelines.contracts.core._activity_names import ACTIVITY_NAMES
from pipelines.contracts.table import CheckKind, Dtype, Field, Pii, Table, stop, warn

B, D, F, S, T = Dtype.BOOL, Dtype.INT64, Dtype.FLOAT64, Dtype.STRING, Dtype.TIMESTAMP

TABLE = Table(
    name="core__activity",
    title="Activities, normalised and enriched",
    grain="one user action in one instance",
    key=("activity_uid",),
    sort_by=("actor_user_uid", "time", "activity_uid"),
    time_column="time",
    fields=(
        Field(
            "activity_uid",
            S,
            "Stable id: source table and sys_id, with a suffix where one row gives several",
            required=True,
        ),
        Field("time", T, "When it happened", required=True, unit="UTC", source="sys_created_on"),
        Field("activity_name", S, "Normalised verb", required=True, one_of=ACTIVITY_NAMES),
        Field("class_uid", D, "OCSF 1.8.0 class"),
        Field("activity_id", D, "OCSF activity within the class"),
        Field("status", S, "Outcome", one_of=("success", "failure", "unknown")),
        # who
        Field(
            "actor_user_uid",
            S,
            "Who really did it: sys_user.sys_id; null where the name matches no account",
            pii=Pii.PSEUDONYM,
        ),
        Field(
            "actor_user_name",
            S,
            "Who really did it: user name; the name as typed for a failed login",
            pii=Pii.IDENTIFIER,
        ),
        Field("is_impersonated", B, "The actor was impersonating the effective user", required=True),
        Field("effective_user_name", S, "Account that the platform attributes the action to", pii=Pii.IDENTIFIER),
        Field("session_uid", S, "Session id where the source has it", pii=Pii.PSEUDONYM),
        Field("is_interactive", B, "Done by a person in a browser or app; false for API and jobs; null where unknown"),
        Field("is_own", B, "Done by this product's collecting account: never alerts", required=True),
        Field("is_system", B, "Done by a platform actor (system, guest, a job, vendor support)", required=True),
        # what
        Field("resource_type", S, "file, or the name of the table acted on"),
        Field("resource_uid", S, "sys_id of what was acted on", pii=Pii.PSEUDONYM),
        Field("resource_name", S, "Name of what was acted on", pii=Pii.CONTENT),
        Field("parent_table", S, "For a file: table of the record it hangs on"),
        Field("parent_uid", S, "For a file: sys_id of the record it hangs on", pii=Pii.PSEUDONYM),
        Field("bytes", D, "Size of what was moved", unit="bytes"),
        Field("row_count", D, "Records in an export", unit="records"),
        Field("detail", S, "Role, property, field, reason or recipient domains: what the verb needs", pii=Pii.CONTENT),
        # from where
        Field("src_ip", S, "Client address", pii=Pii.IDENTIFIER),
        Field("ip_source", S, "How the address was found", one_of=("event", "transaction", "session", "last_login")),
        Field("user_agent", S, "Browser or client string", pii=Pii.CONTENT),
        Field("country", S, "ISO 3166-1 alpha-2 code of the address"),
        Field("city", S, "City of the address; null where the location data has only a country"),
        Field("latitude", F, "Of the city; null without one", unit="degrees"),
        Field("longitude", F, "Of the city; null without one", unit="degrees"),
        Field("asn", D, "Autonomous system number of the address"),
        Field("as_org", S, "Organisation of that autonomous system"),
        Field(
            "ip_categories",
            Dtype.STRINGS,
            "Categories valid at the time of the activity, sorted; empty list where none",
        ),
        Field(
            "ip_confidence",
            D,
            "How sure the surest list is that speaks ill of the address then; 100 where a list does not say; null where none does",
            unit="0-100",
        ),
        Field("device_key", S, "Browser family, system family and device family: continuity of a device"),
        Field("agent_family", S, "Browser or client family"),
        Field("os_family", S, "Operating system family"),
        Field("agent_kind", S, "What kind of client", one_of=("browser", "mobile", "api", "bot", "unknown")),
        # who that is, as of the event
        Field("department", S, "sys_user.department of the actor", pii=Pii.PSEUDONYM),
        Field(
            "is_external", B, "The actor holds snc_external or is a customer contact; null where roles are unreadable"
        ),
        Field("is_integration", B, "An integration or web-service-only account; null where the account is unknown"),
        Field(
            "is_privileged",
            B,
            "The actor holds admin, security_admin, impersonator or oauth_admin; null where unreadable",
        ),
        Field("is_account_active", B, "sys_user.active as of the event; null where unknown"),
        Field("profile_source", S, "Where the profile comes from", one_of=("observed", "reconstructed", "unknown")),
        # provenance
        Field("source_table", S, "ServiceNow table of the evidence row", required=True),
        Field("source_uid", S, "sys_id of the evidence row", required=True, pii=Pii.PSEUDONYM),
    ),
    checks=(
        stop(CheckKind.TIME_IN_PARTITION, "time"),
        warn(CheckKind.ROWS_LIKE_HISTORY),
        warn(CheckKind.NULLS_LIKE_HISTORY),
        warn(CheckKind.BETWEEN, "latitude", low=-90.0, high=90.0),
        warn(CheckKind.BETWEEN, "longitude", low=-180.0, high=180.0),
        warn(CheckKind.BETWEEN, "bytes", low=0.0),
    ),
)
