"""Attachments and malware: what may be uploaded, and how it is handed out (112-119)."""

from __future__ import annotations

from functools import partial

from pipelines.posture.checks import Property, Some
from pipelines.posture.controls._declare import setting
from pipelines.posture.core import Category, Release
from pipelines.posture.values import FALSE, TRUE, Holds, at_most

_setting = partial(setting, Category.ATTACHMENTS)

_ACTIVE_CONTENT = ("text/html", "image/svg", "image/svg+xml", "application/xml")

CONTROLS = (
    _setting(
        "112",
        "antivirus_scan_enabled",
        "Attachments are scanned for viruses",
        Property("com.glide.snap.enable_scan", TRUE, absent="true", ships="true"),
        7.7,
        "sc-enable-antivirus-scan",
        why="An infected upload reaches everybody who opens the record.",
        impact="Uploads are scanned; infected ones are quarantined.",
        irreversible=True,
    ),
    _setting(
        "113",
        "infected_download_disallowed",
        "Files that could not be scanned are not handed out",
        Property("com.glide.snap.infected_download_allowed", FALSE, absent="true", ships="false"),
        6.7,
        "sc-disallow-infected-files-download",
        why="While the scanner is away an infected file would be downloaded.",
        impact="Attachments that are not scanned yet cannot be opened while the scanner is away.",
    ),
    _setting(
        "114",
        "upload_type_validated",
        "An upload is what its name says",
        Property("glide.security.file.mime_type.validation", TRUE, absent="false"),
        5.4,
        "sc-upload-mime-type-restriction",
        why="A program could be uploaded as a picture.",
        impact="Uploads whose content is of another type than their name are refused.",
    ),
    _setting(
        "115",
        "email_attachment_type_validated",
        "A mailed attachment is what its name says",
        Property("glide.security.file.mime_type.validation.inbound_email", TRUE, absent="false", ships="false"),
        3.7,
        "sc-validate-mime-type-of-attachments-from-inbound-emails",
        why="A program could be mailed as a picture.",
        impact="Mailed attachments whose content is of another type than their name are dropped.",
        release=Release(since=8.0),
    ),
    _setting(
        "116",
        "attachment_file_names_validated",
        "File names with several extensions or null bytes are refused",
        Property("glide.attachment.enable_secure_filename_validation", TRUE, absent="false", ships="false"),
        4.6,
        "sc-validate-mime-type-for-multi-extension-filenames-polyglot-files-and-null-byte-injection",
        why="Such names pass the checks of extension and type.",
        impact="Integrations that make file names with several dots may fail until they are changed.",
        release=Release(since=8.0),
    ),
    # The page's table swaps the names of the two properties; its text and its values say which is which.
    _setting(
        "117",
        "active_content_downloaded",
        "Attachments with active content are downloaded, not shown",
        Some(
            (
                Property("glide.ui.attachment.force_download_all_mime_types", TRUE, absent="false"),
                Property(
                    "glide.ui.attachment.download_mime_types",
                    Holds(_ACTIVE_CONTENT),
                    absent=",".join(_ACTIVE_CONTENT),
                ),
            )
        ),
        6.3,
        "sc-downloadable-mime-types",
        why="A web page that is shown from an attachment runs with the session of its reader.",
        impact="Such attachments are saved first instead of opening in the browser.",
    ),
    _setting(
        "118",
        "attachment_size_limited",
        "An attachment has one gigabyte at most",
        Property("com.glide.attachment.max_size", at_most(1024, "MB"), absent="1024"),
        6.5,
        "sc-max-allowed-attachment-size",
        why="Large uploads fill the storage.",
        impact="Larger uploads are refused.",
    ),
    _setting(
        "119",
        "static_content_types_restricted",
        "Uploaded static content of dangerous types is downloaded",
        Property("glide.ui.strict_customer_uploaded_static_content", TRUE, ships="true"),
        3.1,
        "sc-files-types-download-restrictions-from-static-content",
        why="An uploaded page would run with the session of its reader.",
        impact="Uploaded files of the listed types are saved instead of shown.",
        release=Release(until=6.0),
        steps=("ServiceNow ships this value fixed: where it differs, ask ServiceNow.",),
    ),
)
