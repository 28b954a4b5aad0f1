"""The normalised verbs of `core__activity` and the OCSF 1.8.0 class and activity each one maps to."""

from __future__ import annotations

#: activity_name -> (class_uid, activity_id). Authentication 3002, Account Change 3001, User Access 3005,
#: Group Management 3006, Entity Management 3004, Web Resources 6001, API 6003, File Hosting 6006, Email 4009.
OCSF: dict[str, tuple[int, int]] = {
    "login": (3002, 1),
    "login_failed": (3002, 1),
    "logout": (3002, 2),
    "impersonation_start": (3002, 7),
    "impersonation_end": (3002, 7),
    "privilege_elevated": (3005, 1),
    "role_granted": (3005, 3),
    "role_revoked": (3005, 4),
    "user_created": (3001, 1),
    "user_enabled": (3001, 2),
    "user_disabled": (3001, 5),
    "user_deleted": (3001, 6),
    "user_locked": (3001, 9),
    "user_unlocked": (3001, 99),
    "group_member_added": (3006, 3),
    "group_member_removed": (3006, 4),
    "group_changed": (3006, 99),
    "file_uploaded": (6006, 1),
    "file_downloaded": (6006, 2),
    "file_deleted": (6006, 4),
    "file_renamed": (6006, 5),
    "exported": (6001, 7),
    "record_created": (3004, 1),
    "record_updated": (3004, 3),
    "record_deleted": (3004, 4),
    "record_viewed": (3004, 2),
    "report_viewed": (6001, 2),
    "page_viewed": (6001, 2),
    "configuration_changed": (3004, 3),
    "api_request": (6003, 99),
    "email_sent": (4009, 1),
    "email_received": (4009, 2),
    "other": (0, 0),
}

ACTIVITY_NAMES = tuple(OCSF)
