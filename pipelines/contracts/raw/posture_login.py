"""Logging in: factors, policies, passwords, and the scripts that lock accounts."""

from __future__ import annotations

from pipelines.contracts.raw._fields import reference, text
from pipelines.contracts.raw._posture import asked_by_posture

TABLES = (
    asked_by_posture(
        "multi_factor_criteria",
        "Criteria that make a user need a second factor",
        text("name", "Name"),
        text("active", "true or false"),
    ),
    asked_by_posture(
        "sys_authentication_policy", "Policies of logging in", text("name", "Name"), text("active", "true or false")
    ),
    asked_by_posture(
        "user_multifactor_auth",
        "Users who enrolled a second factor",
        reference("user", "The user"),
        text("validated", "true where the enrolment was completed"),
    ),
    asked_by_posture(
        "password_policy",
        "Password policies",
        text("name", "Name"),
        text("min_password_length", "Least characters"),
        text("max_password_length", "Most characters"),
    ),
    asked_by_posture(
        "pwd_cred_store",
        "Credential stores of password reset",
        text("name", "Name"),
        text("enable_password_policy", "true where a policy applies"),
        reference("password_policy", "The policy"),
    ),
    asked_by_posture(
        "sysevent_script_action",
        "Scripts that answer events",
        text("name", "Name"),
        text("event_name", "Event that it answers"),
        text("active", "true or false"),
    ),
)
