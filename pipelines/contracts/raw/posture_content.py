"""Content that guests or everybody may reach: knowledge, portal pages, reports, forms. Names of things, never bodies."""

from __future__ import annotations

from pipelines.contracts.raw._fields import content, reference, text
from pipelines.contracts.raw._posture import asked_by_posture, when

TABLES = (
    asked_by_posture(
        "kb_knowledge_base", "Knowledge bases", content("title", "Title"), text("active", "true or false")
    ),
    asked_by_posture(
        "kb_uc_can_read_mtom",
        "Who may read a knowledge base",
        reference("kb_knowledge_base", "The knowledge base"),
        reference("user_criteria", "The criteria"),
    ),
    asked_by_posture(
        "kb_uc_can_contribute_mtom",
        "Who may write into a knowledge base",
        reference("kb_knowledge_base", "The knowledge base"),
        reference("user_criteria", "The criteria"),
    ),
    asked_by_posture(
        "user_criteria",
        "User criteria",
        text("name", "Name"),
        text("active", "true or false"),
        text("advanced", "true where a script decides"),
        text("role", "Roles that meet it"),
        text("user", "Users that meet it"),
        text("group", "Groups that meet it"),
    ),
    asked_by_posture(
        "kb_knowledge",
        "Published articles",
        text("number", "Number"),
        reference("kb_knowledge_base", "The knowledge base"),
        text("workflow_state", "State"),
        text("roles", "Roles that may read it"),
        text("can_read_user_criteria", "Criteria that may read it"),
        text("flagged", "true where a reader flagged it"),
        text("valid_to", "Last day"),
        query="workflow_state=published",
    ),
    asked_by_posture(
        "sp_page",
        "Portal pages",
        text("id", "Name in its address"),
        text("public", "true where nobody needs to log in"),
        text("roles", "Roles that may open it"),
    ),
    asked_by_posture(
        "sp_widget",
        "Portal widgets",
        text("id", "Name"),
        text("public", "true where nobody needs to log in"),
        text("roles", "Roles that may use it"),
    ),
    asked_by_posture(
        "sys_report",
        "Reports",
        content("title", "Title"),
        text("table", "Table"),
        text("user", "Owner, or GLOBAL"),
        text("roles", "Roles that it is shared with"),
        text("is_published", "true where anybody with its address may open it"),
    ),
    asked_by_posture(
        "sc_cat_item_producer",
        "Record producers",
        text("name", "Name"),
        text("active", "true or false"),
        text("roles", "Roles that may use it"),
        text("table_name", "Table that it writes"),
        when("sys_updated_on", "When the row was last changed, UTC"),
    ),
    asked_by_posture(
        "sc_cat_item_user_criteria_mtom",
        "Who may use a catalogue item",
        reference("sc_cat_item", "The item"),
        reference("user_criteria", "The criteria"),
    ),
)
