"""Accounts."""

from __future__ import annotations

from pipelines.contracts.raw._fields import (
    CREATED_BY,
    UPDATED_BY,
    UPDATED_ON,
    identifier,
    moment,
    reference,
    snapshot,
    text,
)
from pipelines.contracts.table import Source

TABLE = snapshot(
    Source("sys_user", "snapshot"),
    "Accounts",
    identifier("user_name", "Login name"),
    identifier("name", "Full name"),
    identifier("email", "Mail address"),
    text("active", "true or false"),
    text("locked_out", "true or false"),
    text("failed_attempts", "Failed logins since the last success"),
    moment("last_login_time", "Last login, UTC"),
    text("web_service_access_only", "true for accounts that may only use APIs"),
    text("internal_integration_user", "true for integration accounts"),
    text("enable_multifactor_authn", "true where MFA is on"),
    text("password_needs_reset", "true where a reset is due"),
    text("vip", "true or false"),
    text("source", "Directory of origin"),
    text("title", "Job title"),
    reference("department", "Department"),
    reference("company", "Company"),
    reference("location", "Location"),
    text("country", "Country"),
    reference("manager", "Manager"),
    text("time_zone", "Time zone name"),
    text("sys_class_name", "sys_user or customer_contact"),
    moment("sys_created_on", "When the row was written, UTC"),
    CREATED_BY,
    UPDATED_ON,
    UPDATED_BY,
)
