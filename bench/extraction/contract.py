"""`syslog_transaction` with the 25 columns that the mock serves: every byte on the wire is parsed and stored."""

from __future__ import annotations

from pipelines.contracts.raw._fields import append_only, text
from pipelines.contracts.table import Source, Table

#: Besides `sys_id` and `sys_created_on`.
OTHERS = (
    "url", "type", "remote_ip", "user_agent", "session", "sys_created_by", "response_time", "output_length", "sql_count",
    "sql_time", "business_rule_count", "business_rule_time", "network_time", "client_transaction", "client_response_time",
    "client_network_time", "browser_time", "system_id", "gzip", "protocol", "transaction_pattern", "app_scope", "status",
)  # fmt: skip

TABLE: Table = append_only(
    Source("syslog_transaction", "append", history_days=56),
    "One row per request to the instance, as wide as a real one",
    *(text(name, f"Column {name} of the mock") for name in OTHERS),
)
