"""The second judge of what can be reached without the right to, of upkeep, and of the scans' properties."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta

from hypothesis import strategies as st

from tests.posture.facts import Fact
from tests.posture.oracle import few, is_on, setting, state
from tests.posture.world import Row, World

#: Property, rule (see `oracle.follows`), a value that meets it and one that does not. Absence is not documented.
PROPERTIES: Mapping[str, tuple[str, str, str, str]] = {
    "D30": ("glide.security.allow_unauth_roleless_acl", "is false", "false", "true"),
    "D32": ("glide.knowman.apply_article_read_criteria", "is true", "true", "false"),
    "D51": ("glide.user.trusted_domain", "filled", "example.com", " "),
    "D52": ("glide.sg.require_mobile_application_pin", "is true", "true", "false"),
    "D53": ("glide.attachment.extensions", "filled", "pdf,png", ""),
    "D54": ("glide.smtp.auth", "is true", "true", "false"),
    "D55": ("glide.login.autocomplete", "is false", "false", "true"),
}

#: What a row question reads.
READS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "D25": {"sys_processor": ("sys_id", "active", "type", "csrf_protect")},
    "D26": {"sys_ws_operation": ("sys_id", "active", "requires_authentication", "requires_acl_authorization")},
    "D27": {"sys_graphql_schema": ("sys_id", "active", "requires_authentication")},
    "D31": {
        "kb_knowledge_base": ("sys_id", "active"),
        "kb_uc_can_read_mtom": ("kb_knowledge_base",),
        "kb_uc_can_contribute_mtom": ("kb_knowledge_base",),
    },
    "D35": {"kb_knowledge": ("sys_id", "workflow_state", "valid_to", "flagged")},
    "D36": {"sp_page": ("sys_id", "public"), "sp_widget": ("sys_id", "public")},
    "D37": {"sys_report": ("sys_id", "is_published")},
    "D38": {"sc_cat_item_producer": ("sys_id", "active", "roles"), "sc_cat_item_user_criteria_mtom": ("sc_cat_item",)},
    "D43": {"sys_certificate": ("sys_id", "active", "expires")},
    "D45": {"sys_scope_privilege": ("sys_id", "status")},
    "D48": {"sys_store_app": ("sys_id", "active", "update_available")},
}
_ACQUITTING = {
    "D31": ("kb_uc_can_read_mtom", "kb_uc_can_contribute_mtom"),
    "D38": ("sc_cat_item_user_criteria_mtom",),
}


def _text(row: Row, column: str) -> str:
    return str(row.get(column) or "").strip()


def _ends_soon(row: Row, day: date) -> bool:
    ends = _text(row, "expires")
    return bool(ends) and date.fromisoformat(ends[:10]) - day <= timedelta(days=30)


def _offends(ref: str, table: str, row: Row, world: World) -> bool:
    def linked(link: str, column: str) -> bool:
        return any(other.get(column) == row["sys_id"] for other in world.of(link))

    def on(column: str) -> bool:
        return is_on(row.get(column))

    match ref:
        case "D25":
            return on("active") and _text(row, "type") == "script" and not on("csrf_protect")
        case "D26":
            return on("active") and not (on("requires_authentication") and on("requires_acl_authorization"))
        case "D27":
            return on("active") and not on("requires_authentication")
        case "D31" if table == "kb_knowledge_base":
            both = all(linked(link, "kb_knowledge_base") for link in _ACQUITTING[ref])
            return on("active") and not both
        case "D35":
            return _text(row, "workflow_state") == "published" and (not _text(row, "valid_to") or on("flagged"))
        case "D36":
            return on("public")
        case "D37":
            return on("is_published")
        case "D38" if table == "sc_cat_item_producer":
            return on("active") and not _text(row, "roles") and not linked(_ACQUITTING[ref][0], "sc_cat_item")
        case "D43":
            return on("active") and _ends_soon(row, world.day)
        case "D45":
            return _text(row, "status") == "requested"
        case "D48":
            return on("active") and on("update_available")
    return False


def _of_property(ref: str) -> Callable[[World], str]:
    name, rule, good, bad = PROPERTIES[ref]
    fact = Fact(ref, ref, name, rule, good, bad, "?", 1.0, "unknown")
    return lambda world: state(setting(world, fact)[0])


def _of_rows(ref: str) -> Callable[[World], str]:
    def ask(world: World) -> str:
        def offenders() -> list[object]:
            return [row["sys_id"] for t in READS[ref] for row in world.of(t) if _offends(ref, t, row, world)]

        return state(few(world, READS[ref], offenders, acquitting=_ACQUITTING.get(ref, ())))

    return ask


ORACLES: dict[str, Callable[[World], str]] = {
    **{ref: _of_property(ref) for ref in PROPERTIES},
    **{ref: _of_rows(ref) for ref in READS},
}
TABLES = tuple(sorted({table for tables in READS.values() for table in tables}))
COLUMNS = tuple(
    sorted({(table, column) for tables in READS.values() for table, columns in tables.items() for column in columns})
)

_SAMPLES: Mapping[str, tuple[str | None, ...]] = {
    "type": ("script", "class"),
    "workflow_state": ("published", "draft"),
    "valid_to": ("", "2027-01-01"),
    "roles": ("", None, "itil"),
    "expires": ("", "2026-03-03 10:00:00", "2026-04-03 23:59:59", "2026-04-04 00:00:00", "2030-01-01 00:00:00"),
    "status": ("requested", "allowed", "denied"),
    "kb_knowledge_base": ("kb_knowledge_base-0", "kb_knowledge_base-1"),
    "sc_cat_item": ("sc_cat_item_producer-0",),
}
_SWITCH = ("true", "true", "false", "1", "", None)


def drawn_rows() -> st.SearchStrategy[dict[str, tuple[Row, ...]]]:
    """Up to two rows of each table, each column drawn on its own; a property has a row or none."""
    tables = {table: columns for reads in READS.values() for table, columns in reads.items()}
    drawn = {table: _rows(table, columns) for table, columns in tables.items()}
    settings = st.fixed_dictionaries({p[0]: st.sampled_from((p[2], p[3], None)) for p in PROPERTIES.values()})
    return st.tuples(st.fixed_dictionaries(drawn), settings).map(
        lambda pair: {
            **pair[0],
            "sys_properties": tuple({"name": n, "value": v} for n, v in pair[1].items() if v is not None),
        }
    )


def _rows(table: str, columns: tuple[str, ...]) -> st.SearchStrategy[tuple[Row, ...]]:
    def row(number: int) -> st.SearchStrategy[Row]:
        values = {c: st.sampled_from(_SAMPLES.get(c, _SWITCH)) for c in columns if c != "sys_id"}
        return st.fixed_dictionaries(values).map(lambda drawn: {**drawn, "sys_id": f"{table}-{number}"})

    return st.one_of(st.just(()), st.tuples(row(0)), st.tuples(row(0), row(1)))
