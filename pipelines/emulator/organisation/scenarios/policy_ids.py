"""The policies that truth speaks of. The first ten are the product's; the others name what it may add."""

from __future__ import annotations

ANONYMOUS = "anonymous_ip_activity"
COUNTRY = "infrequent_country_activity"
SUSPICIOUS = "suspicious_ip_activity"
TRAVEL = "impossible_travel"
TERMINATED = "terminated_user_activity"
FAILED = "multiple_failed_logins"
RANSOMWARE = "ransomware_activity"
UNUSUAL = "unusual_file_downloads"
RISKY = "risky_ip_logon"
MASS = "mass_download_by_single_user"

ADMINISTRATION = "unusual_administrative_activity"
IMPERSONATION = "unusual_impersonation"
DELETION = "unusual_mass_deletion"
EXPORT = "large_list_export"
INTEGRATION = "integration_account_new_network"
DORMANT = "dormant_account_activity"
UNMANAGED = "unmanaged_device_download"
CARELESS = "careless_handling"
UNLIKE = "unusual_user_day"
