"""Scripts that read or run more than they should, and articles that are seen before their time (D28, D29, D33, D34)."""

from __future__ import annotations

from functools import partial

from pipelines.posture.checks import Counted, Every, Property, SomeRows
from pipelines.posture.controls._declare import other, scan, unrated
from pipelines.posture.controls._tables import active
from pipelines.posture.core import Category
from pipelines.posture.values import FALSE, FilledWithout

_code = partial(other, Category.ACCESS_CONTROL)
_content = partial(other, Category.CONTENT)
_EVERYBODY = ("public", "snc_external", "snc_internal")
_SECTION = "glide.knowman.section.view_roles"


def _listed(section: str) -> Property:
    return Property(f"{_SECTION}.{section}", FilledWithout(_EVERYBODY, "a list of roles that not everybody holds"))


CONTROLS = (
    _code(
        "D28",
        "callable_scripts_ask_for_rights",
        "Scripts that a browser may call read records with the rights of the caller",
        Counted(
            "callable_script_without_secure_api",
            "client callable scripts that read records without asking for rights",
            at_most=0,
            repair=("In each script use GlideRecordSecure, or ask canRead before a value is returned.",),
        ),
        unrated("ServiceNow Access Controls Auditor and Auditor suites"),
        why="Such a script hands out every record of a table, whatever its access rules say.",
        impact="Callers get fewer records back.",
    ),
    _code(
        "D29",
        "scripts_evaluate_no_text",
        "No script runs text as code",
        Every(
            (
                Counted(
                    "script_include_eval",
                    "active scripts that call eval",
                    at_most=0,
                    repair=("Replace eval by a function that knows what it may do.",),
                ),
                Counted(
                    "script_include_evaluator",
                    "active scripts that use GlideEvaluator",
                    at_most=0,
                    repair=("Replace GlideEvaluator in the same way, or see that the text comes from a script field.",),
                ),
            )
        ),
        scan("Act", "SE10023", "SE10024"),
        why="Whoever can influence the text runs what he likes with the rights of the server.",
        impact="Expressions that were kept as text have to become scripts.",
    ),
    _content(
        "D33",
        "unpublished_articles_hidden",
        "Articles in draft or review are shown to few",
        Every(
            (
                _listed("draft"),
                _listed("review"),
                _listed("stagesAndRoles"),
                Property("glide.knowman.show_unpublished", FALSE),
            )
        ),
        scan("", "SE10640", "SE10641", "SE10642", "SE10644"),
        why="What nobody has checked yet names people, customers and ways in.",
        impact="Readers no longer find articles before they are published.",
    ),
    # The scan names one record by its id, which is not published: a rule is taken for it that says guests in its name.
    _content(
        "D34",
        "guests_kept_from_knowledge",
        "The business rule that keeps guests out of knowledge bases is active",
        SomeRows(
            "active business rule for guests on knowledge bases",
            lambda t: (
                (r := t["sys_script"])
                .filter(
                    active(r.active),
                    r.name.lower().contains("guest"),
                    r.collection.isin(["kb_knowledge_base", "kb_knowledge"]),
                )
                .select(uid=r.sys_id)
            ),
            {"sys_script": ("sys_id", "name", "collection", "active")},
            repair=("In sys_script.list activate the rule for guests on kb_knowledge_base.",),
            is_optional=True,
        ),
        scan("", "SE10645"),
        why="Guests otherwise list knowledge bases that are meant for people with an account.",
        impact="Guests see only the knowledge bases that are public.",
    ),
)
