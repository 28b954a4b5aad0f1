"""Evidence: settings without which the policies of nowguard are blind, or see the wrong person (142-149)."""

from __future__ import annotations

from functools import partial

from pipelines.posture.checks import Every, Plugin, Property, Where
from pipelines.posture.controls._declare import setting
from pipelines.posture.core import Category, Release
from pipelines.posture.values import FALSE, TRUE, HoldsNone

_setting = partial(setting, Category.EVIDENCE)

CONTROLS = (
    _setting(
        "142",
        "impersonation_logged",
        "Impersonation is logged",
        Property("glide.sys.log_impersonation", TRUE, absent="false"),
        6.4,
        "sc-log-user-impersonation",
        why="Without it nobody can tell an administrator's act from that of the person he posed as.",
        impact="Every impersonation writes an event at its start and its end.",
    ),
    _setting(
        "143",
        "impersonation_history_kept",
        "The history of impersonations is kept",
        Property("identity.impersonation.history.enabled", TRUE, absent="true", ships="true"),
        4.9,
        "sc-log-impersonation-history",
        why="It says who acted as whom, from when to when and in which session.",
        impact="Impersonations in the user interface write a row to sys_user_impersonation_history.",
        release=Release(since=8.0),
    ),
    _setting(
        "144",
        "impersonator_audited",
        "The audit names the impersonator",
        Property("glide.audit.track_impersonation", TRUE, absent="false", ships="false"),
        4.9,
        "sc-track-impersonation-events",
        why="The audit names the impersonated person alone otherwise.",
        impact="The user column of sys_audit refers to who really acted.",
        release=Release(since=8.0),
    ),
    _setting(
        "145",
        "session_access_audited",
        "Access to sessions is audited",
        Property("glide.authenticate.session_access.log_audit_event", TRUE, absent="true"),
        6.3,
        "sc-log-session-audit-events",
        why="An investigation needs the addresses, roles and policies of a session.",
        impact="Sessions write rows to sys_session_access_audit.",
        release=Release(since=2.0),
    ),
    _setting(
        "146",
        "identity_audit_enabled",
        "Changes of users, groups and roles are audited",
        Every(
            (
                Plugin("com.glide.security.audit"),
                Property("glide.identity.security.audit.enabled", TRUE, absent="true", ships="true"),
            )
        ),
        4.6,
        "sc-enable-identity-and-access-audit-tool",
        why="A grant that is taken back the same night leaves no trace otherwise.",
        impact="Such changes write rows to sys_security_table_level_audit.",
        release=Release(since=8.0),
    ),
    _setting(
        "147",
        "mid_server_commands_logged",
        "Commands of MID servers are logged",
        Property("mid.log.command_audit.enable", TRUE, absent="false", ships="false"),
        4.4,
        "sc-enable-mid-audit-log-plugin-applicability-mid-server",
        why="A MID server runs commands inside the network with stored credentials.",
        impact="MID servers write a row to ecc_agent_command_audit_log per command.",
        release=Release(since=2.0),
    ),
    _setting(
        "148",
        "email_filter_active",
        "Inbound mail is scored and filtered",
        Where(
            Property("glide.email.read.active", TRUE, absent="true"),
            Plugin("com.glide.email_filter"),
            otherwise="the instance reads no mail",
        ),
        8.1,
        "sc-email-spam-scoring-and-filtering",
        why="Mail that opens records is a way in for phishing.",
        impact="Mails get a score by which filters decide; nothing is dropped until a filter says so.",
    ),
    _setting(
        "149",
        "outbound_log_not_verbose",
        "The log of outbound calls holds no headers",
        Every(
            (
                Property("glide.outbound_http_log.override", FALSE, absent="false", ships="false"),
                Property(
                    "glide.outbound_http_log.override.level",
                    HoldsNone(("all", "elevated"), "all and elevated"),
                    absent="basic",
                ),
            )
        ),
        5.0,
        "sc-prevent-verbose-http-request-logging",
        why="Headers hold passwords and tokens, and many people may read that log.",
        impact="The log names address and status of a call, not its headers.",
        release=Release(since=6.0),
    ),
)
