"""Rights and protection are changed in a way that administrators do not: strong roles, settings of protection, or a burst.

Three forms: *strong_roles*, where somebody gives away several of the roles that rule the instance, or one to themselves, or
one without holding such a role; *protection*, where several of the settings that log and protect are changed within an hour,
whatever they are set to; and *burst*, far more changes of roles, groups, accounts and configuration than the person and the
department usually make.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import ibis
import ibis.expr.types as ir

from pipelines.features.volumes import ADMIN_VERBS
from pipelines.policies.cases import HOSTILE, activity, fires, held, known, quiet
from pipelines.policies.core import Evidence, Kind, Param, Params, Policy, Row, Suppression, Tables
from pipelines.policies.episodes import count_within, number_episodes, peak_distinct
from pipelines.policies.habits import Question, with_habits
from pipelines.policies.volume import TIMES_HIGH, TIMES_MEAN, acts, evidence, limit, trait, used_to, with_usual

HOUR, DAY = 3600, 86_400
HARDENING = "ServiceNow's hardening pages"


def detect(tables: Tables, params: Params) -> ir.Table:
    """Episodes of administration that one of the forms fits."""
    rows = _changes(tables["core__activity"], params)
    rows = with_habits(rows, "activity_uid", tables["state__seen"], asn_days=Question("asn", rows.asn, rows.user_uid))
    found = with_usual(_summed(rows), tables["state__user_volume"], "admin_changes")
    is_strong = (found.strong_count >= params.min_strong_roles) | (found.own_count > 0) | (found.unentitled_count > 0)
    form = ibis.cases(
        (is_strong, "strong_roles"),
        (found.protection_count >= params.min_protections, "protection"),
        (found.in_an_hour >= limit(found, params.min_changes, params.times_high, params.times_mean), "burst"),
        else_=ibis.null("string"),
    )
    told = found.mutate(form=form)
    told = told.filter(told.form.notnull())
    return told.mutate(
        severity=ibis.ifelse(told.form == "burst", "medium", "high"),
        integration_at_work=told.is_integration & told.usual_network & (told.form == "burst"),
        **trait(told),
    )


def _changes(a: ir.Table, params: Params) -> ir.Table:
    is_strong = (a.activity_name == "role_granted") & a.detail.isin(params.strong_roles)
    name = a.resource_name.fill_null("")
    guards = ibis.or_(*(name.startswith(prefix) for prefix in params.protections))
    is_guard = (a.activity_name == "configuration_changed") & (guards | a.resource_type.isin(params.protecting_tables))
    rows = acts(
        a,
        a.activity_name.isin(ADMIN_VERBS),
        verb=a.activity_name,
        subject=a.resource_name.fill_null(a.resource_uid).fill_null(""),
        is_strong=is_strong,
        is_own=is_strong & (a.resource_uid == a.actor_user_uid).fill_null(False),
        is_unentitled=is_strong & ~a.is_privileged.fill_null(True),
        strong=is_strong.ifelse(a.detail, ibis.null("string")),
        guard=is_guard.ifelse(ibis.coalesce(a.resource_uid, a.resource_name, a.activity_uid), ibis.null("string")),
    )
    guarded = rows.filter(rows.guard.notnull())
    peaks = peak_distinct(guarded, "guard", by="user_uid", within=HOUR).rename(guards="distinct_count")
    rows = number_episodes(rows, by="user_uid", gap=DAY)
    rows = rows.mutate(
        strong_within=count_within(rows.is_strong, by="user_uid", within=DAY),
        changes_within=count_within(rows.verb.notnull(), by="user_uid", within=HOUR),
    )
    return rows.left_join(peaks, ["user_uid", "seconds"]).select(*rows.columns, "guards")


def _summed(rows: ir.Table) -> ir.Table:
    return rows.group_by("user_uid", "episode").agg(
        **evidence(rows),
        change_count=rows.count(),
        in_an_hour=rows.changes_within.max(),
        strong_count=rows.strong_within.max(),
        own_count=rows.is_own.sum(),
        unentitled_count=rows.is_unentitled.sum(),
        protection_count=rows.guards.max().fill_null(0),
        roles=rows.strong.collect(distinct=True).sort(),
        subject_count=rows.subject.nunique(),
        usual_network=(rows.asn_days > 0).all(),
        trait_value=rows.asn.max().cast("string"),
    )


def _grant(user: str, when: str, role: str = "admin", **values: Any) -> Row:
    """A role given to eve by an administrator."""
    given: dict[str, Any] = {
        "resource_type": "sys_user",
        "resource_uid": "uid-eve",
        "resource_name": "eve",
        "is_privileged": True,
    }
    return activity(user, when, "role_granted", **given | {"detail": role} | values)


def _setting(user: str, when: str, name: str, **values: Any) -> Row:
    given: dict[str, Any] = {
        "resource_type": "sys_properties",
        "resource_uid": f"id-{name}",
        "resource_name": name,
        "is_privileged": True,
    }
    return activity(user, when, "configuration_changed", **given | {"detail": "value"} | values)


def _harmless(user: str, count: int, every: int, **values: Any) -> tuple[Row, ...]:
    return tuple(_grant(user, "09:00:00", "itil", nth=n, later=n * every, **values) for n in range(count))


POLICY = Policy(
    id="unusual_administrative_activity",
    kind=Kind.ANOMALY,
    severity="high",
    attack=("T1098", "T1562", "T1548"),
    title="{actor} made {change_count} administrative changes",
    titles={
        "strong_roles": "{actor} gave away strong roles: {roles}",
        "protection": "{actor} changed {protection_count} settings of logging and protection within an hour",
    },
    summary=__doc__,
    blind_to="One strong role given by an administrator to somebody else; what a setting was changed to, which is not kept; "
    "changes of tables that are not audited; update sets, which change many things in one.",
    triage=(
        "Is there a change request, and does the person named in it know of it?",
        "Take strong roles back until it is clear why they were given.",
        "Read `sys_audit` for the old and new values of the settings and restore them.",
        "Look at what the person and those with the new roles did since.",
    ),
    reads=("core__activity", "state__user_volume", "state__seen"),
    lookback=timedelta(days=1),
    needs=Evidence(
        any_of=(("sys_audit_role", "sys_user_has_role"),), helpful_tables=("sys_audit", "sys_properties", "sys_user_role", "sys_user"),
        learning_days=7,
    ),
    params=(
        Param("strong_roles", ("admin", "security_admin", "impersonator", "oauth_admin"), "Roles that rule the instance", HARDENING),
        Param("min_strong_roles", 2, "Of these given in 24 h by one person", "ours; one is a new colleague", "roles"),
        Param("protections", ("glide.sys.log_impersonation", "glide.authenticate.", "glide.basicauth.", "glide.soap.", "glide.security.",
              "glide.ui.audit", "glide.script.", "glide.sm.", "glide.user.", "glide.login.", "glide.cookies.", "glide.audit."),
              "Beginnings of names of properties that log and protect", HARDENING),
        Param("protecting_tables", ("sys_security_acl", "sys_security_acl_role", "multi_factor_criteria", "ip_access", "sys_plugins", "v_plugin"),
              "Tables whose rows protect", HARDENING),
        Param("min_protections", 2, "Different settings changed within an hour", "ours; one is a request of a user", "settings"),
        Param("min_changes", 20, "Changes within an hour below which it is never a burst", "ours; one every three minutes", "changes"),
        TIMES_HIGH,
        TIMES_MEAN,
    ),
    suppressions=(
        Suppression("integration_at_work", "system", "An integration account that keeps accounts in step, from networks it has used before"),
    ),
    facts=("form", "change_count", "strong_count", "protection_count", "in_an_hour", "subject_count", "roles"),
    detect=detect,
    cases=(
        fires("two strong roles", _grant("ann", "03:02"), _grant("ann", "03:03", "impersonator"),
              having={"form": "strong_roles", "roles": ["admin", "impersonator"], "severity": "high"}),
        quiet("one strong role to a new colleague", _grant("ann", "10:00")),
        fires("one to oneself", _grant("ann", "10:00", resource_uid="uid-ann", resource_name="ann")),
        fires("one by somebody who holds none", _grant("ann", "10:00", is_privileged=False)),
        quiet("one by somebody whose roles cannot be read", _grant("ann", "10:00", is_privileged=None)),
        quiet("harmless roles", *_harmless("ann", 6, 600)),
        fires("two settings of protection", _setting("ann", "22:31", "glide.sys.log_impersonation"), _setting("ann", "22:33", "glide.authenticate.multifactor"),
              having={"form": "protection", "protection_count": 2}),
        quiet("one of them, several times", *(_setting("ann", f"22:3{n}", "glide.sys.log_impersonation") for n in range(4))),
        quiet("settings of looks", *(_setting("ann", f"22:3{n}", f"glide.ui.colour{n}") for n in range(4))),
        quiet("two settings, hours apart", _setting("ann", "09:00", "glide.sys.log_impersonation"), _setting("ann", "12:00", "glide.authenticate.multifactor")),
        fires("twenty changes in an hour", *_harmless("ann", 20, 150), having={"form": "burst", "severity": "medium"}),
        quiet("nineteen", *_harmless("ann", 19, 150)),
        quiet("of somebody who does that", used_to("ann", "admin_changes", 15.0), *_harmless("ann", 25, 60)),
        held("accounts kept in step", "integration_at_work", known("svc", "asn", "64500"), *_harmless("svc", 60, 10, is_integration=True)),
        fires("strong roles by an integration account", known("svc", "asn", "64500"), *_harmless("svc", 2, 10, is_integration=True, detail="admin")),
        quiet("of nothing"),
        fires("hostile names", *(_grant("x", "09:00", nth=n, resource_name=name, actor_user_name=name, src_ip=name) for n, name in enumerate(HOSTILE))),
    ),
)  # fmt: skip
