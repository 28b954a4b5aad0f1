"""What is measured of each person's day, and names of files that no program gives.

A *volume* is what the person got done: refused requests move nothing. Sizes are what the platform said it sent.
"""

from __future__ import annotations

from collections.abc import Mapping

import ibis
import ibis.expr.types as ir

from pipelines.features.places import succeeded

#: Measure -> what is nothing special in anybody's day, also for somebody who has never done it.
ORDINARY: Mapping[str, float] = {
    "files": 10,
    "hour_files": 5,
    "bytes_out": 10_000_000,
    "export_bytes": 5_000_000,
    "strange_exports": 0,
    "deletions": 10,
    "odd_files": 3,
    "file_edits": 5,
    "admin_changes": 5,
    "impersonations": 3,
}

ADMIN_VERBS = (
    "role_granted", "role_revoked", "user_created", "user_enabled", "user_disabled", "user_deleted", "user_locked",
    "user_unlocked", "group_member_added", "group_member_removed", "group_changed", "configuration_changed",
)  # fmt: skip
LEAVING = ("file_downloaded", "exported", "api_request")
DELETING = ("file_deleted", "record_deleted")

#: Endings that programs give to files, wrappers of a whole file (archives, signatures, mail encryption, backups) included.
KNOWN_ENDINGS = (
    "7z", "aac", "ai", "apk", "asc", "avi", "bak", "bat", "bmp", "bz2", "c", "cab", "cer", "cfg", "conf", "cpp", "cr2", "crt", "css",
    "csv", "dat", "db", "der", "dll", "dmg", "dmp", "doc", "docm", "docx", "dotx", "drawio", "dwg", "dxf", "eml", "eps", "epub", "etl",
    "evtx", "exe", "flac", "gif", "gpg", "gz", "har", "heic", "htm", "html", "ical", "ico", "ics", "iges", "ini", "iso", "jar", "java",
    "jfif", "jpe", "jpeg", "jpg", "js", "json", "jsonl", "key", "log", "m4a", "md", "mdb", "mkv", "mov", "mp3", "mp4", "mpeg", "mpg",
    "mpp", "msg", "msi", "numbers", "odp", "ods", "odt", "ogg", "old", "one", "ost", "p12", "p7b", "p7m", "p7s", "pages", "parquet",
    "pcap", "pcapng", "pdf", "pem", "pfx", "pgp", "php", "pl", "png", "potx", "pps", "ppsx", "ppt", "pptm", "pptx", "properties", "ps1",
    "psd", "pst", "pub", "py", "rar", "raw", "rb", "rdp", "reg", "rpm", "rtf", "sass", "sh", "sig", "sldprt", "slk", "sql", "sqlite",
    "step", "stl", "stp", "svg", "swf", "tar", "tgz", "tif", "tiff", "tmp", "toml", "ts", "tsv", "ttf", "txt", "url", "vb", "vbs", "vcf",
    "vsd", "vsdx", "wav", "webm", "webp", "wma", "wmf", "wmv", "woff", "woff2", "wps", "xls", "xlsb", "xlsm", "xlsx", "xltx", "xml",
    "xps", "xsd", "xsl", "xz", "yaml", "yml", "zip", "zst",
)  # fmt: skip
#: Endings of documents that an encrypted copy keeps in front of its own: `offer.docx.locked`.
_DOCUMENTS = r"\.(docx?|docm|xlsx?|xlsm|pptx?|pdf|txt|csv|msg|eml|png|jpe?g|gif|tiff?|vsdx?|dwg|step|stp|zip|xml|json|rtf|od[tsp])"


def ending(name: ir.StringValue) -> ir.StringValue:
    """The ending of a file name in lower case; empty where it has none with a letter in it."""
    found = name.fill_null("").lower().re_extract(r"\.([^.\s/\\]{2,24})$", 1)
    return found.re_search("[a-z]").ifelse(found, "")


def is_odd(name: ir.StringValue) -> ir.BooleanValue:
    """The file's ending is none that programs give."""
    last = ending(name)
    return (last != "") & ~last.isin(KNOWN_ENDINGS)


def is_appended(name: ir.StringValue) -> ir.BooleanValue:
    """An odd ending behind that of a document."""
    return is_odd(name) & name.fill_null("").lower().re_search(_DOCUMENTS + r"\.[^.\s/\\]{2,24}$")


def file_of(activity: ir.Table) -> ir.StringValue:
    """Which file an activity is about: its id, else its record and name."""
    by_name = (
        activity.parent_table.fill_null("") + "/" + activity.parent_uid.fill_null("") + "/" + activity.resource_name
    )
    return ibis.coalesce(activity.resource_uid, by_name, activity.activity_uid)


def edited_file(activity: ir.Table) -> ir.StringValue:
    """The attachment whose own record a request or an audited change is about, else null: what overwriting in place leaves,
    since no event is raised. The log does not say whether a request read or wrote."""
    on_file = activity.resource_type.fill_null("") == "sys_attachment"
    is_url = (activity.activity_name == "api_request") & activity.resource_name.contains("/attachment/").fill_null(
        False
    )
    in_url = activity.resource_name.fill_null("").re_extract(r"/api/now/(v[0-9]+/)?attachment/([0-9a-f]{32})$", 2)
    return ibis.cases(
        (on_file & activity.activity_name.isin(["api_request", "record_updated"]), activity.resource_uid),
        (is_url, in_url.nullif("")),
        else_=ibis.null("string"),
    )


def strange_exports(activity: ir.Table, seen: ir.Table, own_days: int, colleagues: int) -> ir.Table:
    """Exports on a device that its user and the organisation hardly know."""
    return on_strange_device(activity, seen, own_days, colleagues, ("exported",))


def on_strange_device(
    activity: ir.Table, seen: ir.Table, own_days: int, colleagues: int, names: tuple[str, ...]
) -> ir.Table:
    """Successful activities of these `names` on a device that its user and the organisation hardly know.

    A program that synchronises or a script does not say on which device it runs, and so is none."""
    devices = seen.filter(seen.kind == "device").select("user_uid", "value", "day_count", "user_count")
    own = devices.filter(devices.user_uid != "*").select("user_uid", device_key="value", own_days="day_count")
    common = devices.filter(devices.user_uid == "*").select(device_key="value", colleagues="user_count")
    shows = ~activity.agent_kind.fill_null("unknown").isin(["api", "bot"])
    rows = activity.filter(
        activity.activity_name.isin(names), activity.device_key.notnull(), shows, succeeded(activity)
    )
    keyed = rows.mutate(user_uid=rows.actor_user_uid)
    joined = keyed.left_join(own, ["user_uid", "device_key"]).select(*keyed.columns, "own_days")
    joined = joined.left_join(common, "device_key").select(*joined.columns, "colleagues")
    unknown = (joined.own_days.fill_null(0) < own_days) & (joined.colleagues.fill_null(0) < colleagues)
    return joined.filter(unknown).select(*activity.columns)


#: A device is a person's own after so many days, and the organisation's where so many people use its like.
OWN_DEVICE_DAYS, DEVICE_COLLEAGUES = 5, 3


def measured(activity: ir.Table, seen: ir.Table) -> ir.Table:
    """One row per active person: `user_uid`, `department`, `last_seen` and each measure of the day."""
    strange = strange_exports(activity, seen, OWN_DEVICE_DAYS, DEVICE_COLLEAGUES).select(
        "activity_uid", is_strange=True
    )
    a = activity.filter(succeeded(activity))
    a = a.left_join(strange, "activity_uid").select(*a.columns, "is_strange")
    name = a.activity_name
    # a CASE works its value out for the rows that meet it, an AND for all
    file = name.isin(("file_downloaded", *DELETING)).ifelse(file_of(a), ibis.null("string"))
    people = a.group_by(user_uid=a.actor_user_uid).agg(
        department=a.department.max(),
        last_seen=a.time.max(),
        files=file.nunique(where=name == "file_downloaded"),
        bytes_out=a.bytes.sum(where=name.isin(LEAVING)).fill_null(0),
        export_bytes=a.bytes.sum(where=name == "exported").fill_null(0),
        strange_exports=a.is_strange.fill_null(False).sum(),
        deletions=file.nunique(where=name.isin(DELETING)),
        odd_files=(name == "file_uploaded").ifelse(is_odd(a.resource_name), False).sum(),
        file_edits=ibis.ifelse(name == "file_renamed", a.resource_uid, edited_file(a)).nunique(),
        admin_changes=name.isin(ADMIN_VERBS).sum(),
        impersonations=a.resource_name.nunique(where=name == "impersonation_start"),
    )
    return people.left_join(_busiest_hour(a), "user_uid").select(
        *people.columns, hour_files=ibis._.hour_files.fill_null(0)
    )


def _busiest_hour(a: ir.Table) -> ir.Table:
    """The most different files that each person fetched within an hour of the clock."""
    fetched = a.filter(a.activity_name == "file_downloaded")
    by_hour = fetched.group_by(user_uid=fetched.actor_user_uid, hour=fetched.time.hour()).agg(
        hour_files=file_of(fetched).nunique()
    )
    return by_hour.group_by("user_uid").agg(hour_files=by_hour.hour_files.max())
