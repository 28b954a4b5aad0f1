"""Public content and data exposure: what is seen by those who should not (98-111)."""

from __future__ import annotations

from functools import partial

from pipelines.posture.checks import NoRows, Property
from pipelines.posture.controls._declare import setting
from pipelines.posture.controls._tables import active
from pipelines.posture.core import Category, Release
from pipelines.posture.values import FALSE, TRUE, Blank, Is

_setting = partial(setting, Category.EXPOSURE)

_CHAT_PAGE = "sn_va_web_client_app_embed"

CONTROLS = (
    _setting(
        "98",
        "knowledge_without_criteria_blocked",
        "A knowledge base without criteria is closed",
        Property("glide.knowman.block_access_with_no_user_criteria", TRUE, absent="false"),
        9.1,
        "sc-restrict-knowledge-bases-access",
        why="A knowledge base that names nobody is otherwise read and edited by everybody.",
        impact="Knowledge bases without criteria vanish for readers until criteria are set.",
        release=Release(since=2.0),
    ),
    _setting(
        "99",
        "image_attachments_protected",
        "Images need a login",
        Property("glide.image_provider.security_enabled", TRUE, absent="false", ships="true"),
        6.5,
        "sc-restrict-unauthenticated-access-attachments",
        why="Whoever has the address of an image sees it otherwise, screenshots of records included.",
        impact="Public pages lose images that are not excluded by name.",
    ),
    _setting(
        "100",
        "published_reports_disabled",
        "Reports are not published without a login",
        Property("glide.report.published_reports.enabled", FALSE, absent="true"),
        6.5,
        "sc-disable-unauthenticated-published-reports",
        why="A published report shows its rows to everybody who has the address.",
        impact="Nobody can publish a report; published ones stop answering.",
    ),
    _setting(
        "101",
        "report_read_acls_enforced",
        "Reports are checked against read access controls",
        Property("glide.report.report_view.read_acl", Is("enforce"), absent="enforce", ships="enforce"),
        7.1,
        "sc-enforce-read-acls-on-report-views",
        why="A report would show rows that its reader may not read.",
        impact="Readers see fewer rows in reports.",
    ),
    _setting(
        "102",
        "report_view_acls_checked",
        "Published reports are checked against report view access controls",
        Property("glide.report.report_view.check_published", TRUE, absent="true"),
        7.5,
        "sc-enable-report-view-acls",
        why="A published report would pass the access control of its table.",
        impact="Published reports over protected tables are refused.",
        irreversible=True,
    ),
    _setting(
        "103",
        "orphan_emails_hidden",
        "Mails without a record are not shown to everybody",
        Property("glide.email.email_with_no_target_visible_to_all", FALSE, absent="false"),
        6.5,
        "sc-restrict-access-to-emails-with-empty-target-table",
        why="Mails that belong to no record include what people wrote to the instance by mistake.",
        impact="Only senders and administrators see such mails.",
    ),
    _setting(
        "104",
        "public_favorites_disabled",
        "Guests have no favorites",
        Property("glide.ui.magellan.favorites.allow_public", FALSE, absent="false"),
        4.3,
        "sc-public-access-to-favorites",
        why="All guests share one user: one of them can leave a link for the others.",
        impact="The navigator shows guests no favorites.",
    ),
    _setting(
        "105",
        "public_chat_client_disabled",
        "The embedded chat client needs a login",
        NoRows(
            f"active public pages {_CHAT_PAGE}",
            lambda t: (p := t["sys_public"]).filter(p.page == _CHAT_PAGE, active(p.active)).select(uid=p.sys_id),
            {"sys_public": ("sys_id", "page", "active")},
            repair=(f"In sys_public.list deactivate the record of {_CHAT_PAGE}.",),
        ),
        7.5,
        "sc-publicly-exposed-virtual-agent-embedded-web-client",
        why="Guests can otherwise talk to the virtual agent and read what it answers.",
        impact="Web sites that embed the chat client need a login in front of it.",
        release=Release(since=5.0),
    ),
    # The page also accepts a list that is as short as the use allows. Which one that is only its owner knows: an exception
    # says so and by whom.
    _setting(
        "106",
        "portal_guest_tables_empty",
        "Portal widgets read no table for guests",
        Property("glide.service_portal.widget.table_allow_list", Blank(), absent=""),
        3.7,
        "sc-configure-service-portal-widgets-table-allow-list",
        why="Every table on the list can be read without a login through a widget.",
        impact="Public portal pages show no data of tables. File an exception for the tables that they need.",
        release=Release(since=5.0),
    ),
    _setting(
        "107",
        "export_formulas_escaped",
        "Formulas are escaped in exports",
        Property("glide.export.escape_formulas", TRUE, ships="false"),
        6.4,
        "sc-escape-excel-formula",
        why="A field that begins like a formula runs on the desk of whoever opens the export.",
        impact="Values that begin with +, -, = or @ have a mark in front in exports.",
    ),
    _setting(
        "108",
        "locked_out_users_email_ignored",
        "Mails of locked-out users are not processed",
        Property("glide.pop3.process_locked_out", FALSE, absent="false"),
        7.5,
        "sc-disable-inbound-emails-locked-out-users",
        why="An account that was locked can otherwise still act by mail.",
        impact="Mails of locked-out users create and change nothing.",
    ),
    _setting(
        "109",
        "log_tables_protected",
        "Log tables cannot be edited",
        Property("com.glide.security.protected_table.enabled", TRUE, absent="false"),
        4.0,
        "sc-enable-protected-tables-plugin",
        why="An administrator could remove the traces that detection reads.",
        impact="Nobody changes or deletes rows of the event, system and transaction logs.",
        release=Release(since=2.0),
    ),
    _setting(
        "110",
        "archive_table_acls_checked",
        "Archived rows are checked against access controls",
        Property("glide.security.enable_archive_table_acls", TRUE, absent="true"),
        3.0,
        "sc-ensure-archive-table-acls-are-checked",
        why="Access controls on an archive would be ignored.",
        impact="Read access controls of archive tables apply.",
        release=Release(since=2.0),
    ),
    _setting(
        "111",
        "hr_lifecycle_data_scoped",
        "HR lifecycle data is opened by access controls of its own scope only",
        Property("glide.enforce_security_scope.sn_hr_le", TRUE, ships="false"),
        6.5,
        "sc-enforce-acl-on-hr-lifecycle-events-data",
        why="An access control of any other application could open HR data.",
        impact="Access that other applications gave to HR lifecycle data ends.",
        irreversible=True,
        release=Release(since=5.0, until=6.0),
    ),
)
