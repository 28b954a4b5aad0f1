"""What each person did on a day, counted: what rules compare and models learn from."""

from __future__ import annotations

from pipelines.contracts.table import CheckKind, Dtype, Field, Pii, Table, warn

D, S, T = Dtype.INT64, Dtype.STRING, Dtype.TIMESTAMP


def _count(name: str, description: str, unit: str = "") -> Field:
    return Field(name, D, description, required=True, unit=unit)


TABLE = Table(
    name="feat__user_day",
    title="Days of people",
    grain="one person on one day",
    key=("user_uid",),
    sort_by=("user_uid",),
    fields=(
        Field("user_uid", S, "sys_user.sys_id", required=True, pii=Pii.PSEUDONYM),
        Field("user_name", S, "User name", pii=Pii.IDENTIFIER),
        Field("department", S, "Department on the day", pii=Pii.PSEUDONYM),
        Field("first_time", T, "First activity of the day", required=True, unit="UTC"),
        Field("last_time", T, "Last activity of the day", required=True, unit="UTC"),
        _count("activity_count", "Activities, failed ones included"),
        _count("active_hour_count", "Hours of the day with an activity", "hours"),
        _count("night_activity_count", "Activities between 22:00 and 05:00 UTC"),
        _count("session_count", "Different sessions"),
        _count("login_count", "Successful logins"),
        _count("login_failure_count", "Failed logins"),
        _count("failure_count", "Activities that failed, other than logins"),
        _count("country_count", "Different countries of successful activities"),
        _count("city_count", "Different cities of successful activities"),
        _count("ip_count", "Different addresses of successful activities"),
        _count("asn_count", "Different networks of successful activities"),
        _count("device_count", "Different devices of successful activities"),
        _count("new_country_count", "Countries that the person had not shown before"),
        _count("new_asn_count", "Networks that the person had not shown before"),
        _count("new_device_count", "Devices that the person had not shown before"),
        _count("download_count", "Successful downloads"),
        _count("download_file_count", "Different files downloaded"),
        _count("download_bytes", "Size of what was downloaded", "bytes"),
        _count("export_count", "List and report exports"),
        _count("export_bytes", "Size of exports", "bytes"),
        _count("export_row_count", "Records in exports", "records"),
        _count("upload_count", "Files uploaded"),
        _count("upload_bytes", "Size of uploads", "bytes"),
        _count("file_delete_count", "Files deleted"),
        _count("file_rename_count", "Files renamed"),
        _count("record_delete_count", "Records deleted"),
        _count("record_change_count", "Records created or updated"),
        _count("table_count", "Different tables touched"),
        _count("api_request_count", "API requests"),
        _count("api_bytes", "Size of the answers to API requests", "bytes"),
        _count("email_count", "Mails sent"),
        _count("admin_change_count", "Changes of roles, groups, accounts and configuration"),
        _count("impersonated_count", "Activities done as somebody else"),
        _count("listed_ip_count", "Successful activities from an address on an anonymous or suspicious list"),
    ),
    checks=(warn(CheckKind.ROWS_LIKE_HISTORY),),
)
