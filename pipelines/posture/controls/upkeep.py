"""Credentials, copies of data, stored markup, and secrets that lie elsewhere (D44-D56)."""

from __future__ import annotations

from functools import partial

import ibis.expr.types as ir

from pipelines.posture.checks import NoRows, SomeRows, Unseen, Where
from pipelines.posture.controls._declare import found_by, other, scan, unrated
from pipelines.posture.controls._tables import active, blank
from pipelines.posture.core import Category
from pipelines.posture.relations import Relations

_upkeep = partial(other, Category.INTEGRATIONS)
#: Tables that hold what HR knows of a person; those that an instance has must stay behind when it is copied.
_HR_TABLES = ("sn_hr_core_case", "sn_hr_core_profile", "sn_hr_core_task")


def _loose(t: Relations) -> ir.Table:
    c = t["discovery_credentials"]
    is_tied = (c.applies_to.fill_null("").strip().lower() == "specific") & ~blank(c.mid_list)
    return c.filter(active(c.active), ~is_tied).select(uid=c.sys_id)


def _hr(t: Relations) -> ir.Table:
    o = t["sys_db_object"]
    return o.filter(o.name.isin(_HR_TABLES))


def _cloned(t: Relations) -> ir.Table:
    hr, left_out = _hr(t), t["clone_data_exclude"]
    return hr.anti_join(left_out, hr.name == left_out.table).select(uid="sys_id")


def _unsanitized(t: Relations) -> ir.Table:
    column = t["sys_dictionary"]
    said = column.attributes.fill_null("").lower().replace(" ", "")
    return column.filter(active(column.active), said.contains("html_sanitize=false")).select(uid="sys_id")


CONTROLS = (
    _upkeep(
        "D44",
        "credentials_tied",
        "Stored credentials are tied to the MID servers that need them",
        NoRows(
            "active credentials that every MID server may use",
            _loose,
            {"discovery_credentials": ("sys_id", "active", "applies_to", "mid_list")},
            repair=("In discovery_credentials.list set Applies to and the list of MID servers, or make it inactive.",),
        ),
        scan("", "SE10237"),
        why="Whoever takes over one MID server can ask for every credential that is not tied.",
        impact="Discovery of hosts behind other MID servers needs credentials of its own.",
    ),
    _upkeep(
        "D46",
        "hr_data_not_cloned",
        "Copies of the instance leave HR data out",
        Where(
            SomeRows(
                "table of HR",
                lambda t: _hr(t).select(uid="sys_id"),
                {"sys_db_object": ("sys_id", "name")},
            ),
            NoRows(
                "tables of HR that a clone takes along",
                _cloned,
                {"sys_db_object": ("sys_id", "name"), "clone_data_exclude": ("table",)},
                unless=("clone_data_exclude",),
                repair=("Under System Clone > Exclude Tables add each of them.",),
            ),
            otherwise="the instance has no tables of HR",
        ),
        scan("Act", "SE10471"),
        why="Developers and testers of the copy would read the cases of everybody.",
        impact="Tests on a copy need made-up HR data.",
    ),
    _upkeep(
        "D47",
        "html_fields_sanitized_each",
        "No HTML field is excepted from being sanitized",
        NoRows(
            "HTML fields whose attributes switch it off",
            _unsanitized,
            {"sys_dictionary": ("sys_id", "attributes", "active")},
            repair=("In sys_dictionary.list take html_sanitize=false out of the attributes of each field.",),
        ),
        unrated("ServiceNow Access Controls Auditor and Auditor suites"),
        why="A script that somebody writes into the field runs in the browser of whoever reads it.",
        impact="Scripts and unusual markup vanish from the field.",
    ),
    _upkeep(
        "D50",
        "no_secrets_in_records",
        "Tickets and attachments hold no passwords and keys",
        Unseen(
            "no secret in the text of tickets and in attachments",
            "texts and files are content, which a posture snapshot never reads",
            repair=(
                "Search incidents and attachments for secrets with an account made for it, and change what was found.",
                "Forbid secrets in tickets; let people hand them over through a vault.",
            ),
        ),
        unrated("nowguard, no vendor definition is known"),
        why="Whoever may read a ticket can use what was pasted into it.",
        impact="People are asked to hand secrets over elsewhere.",
    ),
    _upkeep(
        "D56",
        "no_leaked_credentials",
        "No credential of the instance is offered or published anywhere",
        Unseen(
            "no administrator's or database credential of the instance in a list of leaks",
            "no table of the instance shows it: it takes a feed of leaked credentials",
            repair=(
                "Ask a feed of leaked credentials for the instance's host name and its administrators.",
                "Change whatever is found at once, and look at what it was used for.",
            ),
        ),
        found_by("Cloudflare CASB findings for ServiceNow", "Critical"),
        why="A leaked administrator's password is tried within hours.",
        impact="Nothing changes for others.",
    ),
)
