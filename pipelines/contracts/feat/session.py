"""What was done in each session: one sign-in on one device, as far as the platform's session id follows it."""

from __future__ import annotations

from pipelines.contracts.table import Dtype, Field, Pii, Table

D, S, T = Dtype.INT64, Dtype.STRING, Dtype.TIMESTAMP


def _count(name: str, description: str, unit: str = "") -> Field:
    return Field(name, D, description, required=True, unit=unit)


TABLE = Table(
    name="feat__session",
    title="Sessions",
    grain="one session of one person on one day; a session over midnight has a row on both days",
    key=("user_uid", "session_uid"),
    sort_by=("user_uid", "session_uid"),
    fields=(
        Field("user_uid", S, "sys_user.sys_id", required=True, pii=Pii.PSEUDONYM),
        Field("session_uid", S, "Session id of the platform", required=True, pii=Pii.PSEUDONYM),
        Field("first_time", T, "First activity", required=True, unit="UTC"),
        Field("last_time", T, "Last activity", required=True, unit="UTC"),
        _count("duration", "From the first to the last activity", "seconds"),
        _count("activity_count", "Activities, failed ones included"),
        _count("failure_count", "Failed activities"),
        _count("ip_count", "Different addresses: more than one is a session that moved"),
        _count("country_count", "Different countries"),
        _count("device_count", "Different devices: more than one is a session that was taken over or shared"),
        _count("table_count", "Different tables touched"),
        _count("record_count", "Different records opened"),
        _count("download_file_count", "Different files downloaded"),
        _count("export_count", "List and report exports"),
        _count("bytes_out", "Size of downloads, exports and API answers", "bytes"),
        _count("upload_count", "Files uploaded"),
        _count("deletion_count", "Files and records deleted"),
        _count("change_count", "Records created or updated"),
        _count("admin_change_count", "Changes of roles, groups, accounts and configuration"),
        _count("impersonated_count", "Activities done as somebody else"),
        _count("new_country_count", "Countries that the person had not shown before"),
        _count("new_asn_count", "Networks that the person had not shown before"),
        _count("new_device_count", "Devices that the person had not shown before"),
        Field(
            "rarest_country_user_count",
            D,
            "People who lately showed the session's rarest country; 0: nobody ever",
            unit="people",
        ),
        Field(
            "rarest_asn_user_count",
            D,
            "People who lately showed its rarest network; null: no address was seen",
            unit="people",
        ),
        Field("rarest_device_user_count", D, "People who lately showed its rarest kind of device", unit="people"),
    ),
)
