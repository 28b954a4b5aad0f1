"""Data or an account is handled carelessly: a case for a talk, not for an investigation. Severity is low.

Two forms. *exports*: somebody exports lists to a device of their own, again and again. A device counts as private while the
person has hardly used it and hardly anybody in the organisation uses its like; the third day of such exports in a run
raises the alert, a single one is how people start on a new laptop. *shared*: an account is busy at three places at once,
for hours: several people use it. Offices and lines are places; gateways, clouds, relays and phones are not.
"""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir

from pipelines.features.core import seconds
from pipelines.features.user_volume import RUN_ENDS
from pipelines.features.volumes import DEVICE_COLLEAGUES, OWN_DEVICE_DAYS, strange_exports
from pipelines.policies.cases import HOSTILE, activity, at, fires, held, known, quiet
from pipelines.policies.core import REQUIRED, Evidence, Kind, Param, Params, Policy, Row, Suppression, Tables
from pipelines.policies.shared_account import PARAMS, at_many_places
from pipelines.policies.volume import acts, evidence, used_to, with_usual


def detect(tables: Tables, params: Params) -> ir.Table:
    """Days of exports to private devices that continue a run of such days, and accounts at many places at once."""
    exports, shared = _exports(tables, params), at_many_places(tables["core__activity"], params)
    exports = exports.mutate(form=ibis.literal("exports"), trait_kind=ibis.literal("device"))
    shared = shared.mutate(form=ibis.literal("shared"))
    both = exports.select(_filled(exports)).union(shared.select(_filled(shared)))
    return both.mutate(integration=both.is_integration)


#: What only one of the forms has, null in the other.
_OF_A_FORM = {
    "run_days": "int64", "export_count": "int64", "total_bytes": "int64", "tables": "array<string>", "trait_kind": "string",
    "trait_value": "string", "place_count": "int64", "slot_count": "int64",
}  # fmt: skip


def _filled(found: ir.Table) -> list[ir.Value]:
    kept = [found[name] for name in (*REQUIRED, "is_integration", "form")]
    columns = set(found.columns)
    return kept + [
        (found[name] if name in columns else ibis.null()).cast(kind).name(name) for name, kind in _OF_A_FORM.items()
    ]


def _exports(tables: Tables, params: Params) -> ir.Table:
    """Days of exports to private devices that continue a run of such days."""
    activity_table = tables["core__activity"]
    strange = strange_exports(activity_table, tables["state__seen"], OWN_DEVICE_DAYS, DEVICE_COLLEAGUES)
    a = activity_table.semi_join(strange, "activity_uid")
    rows = acts(a, bytes=a.bytes.fill_null(0), table=a.resource_type.fill_null(""), device=a.device_key)
    found = rows.group_by("user_uid").agg(
        **evidence(rows),
        export_count=rows.count(),
        total_bytes=rows.bytes.sum(),
        tables=rows.table.collect(distinct=True).sort(),
        trait_value=rows.device.max(),
    )
    found = with_usual(found, tables["state__user_volume"], "strange_exports")
    goes_on = (seconds(found.last_seen) - seconds(found.usual_last_raised) <= RUN_ENDS).fill_null(False)
    told = found.mutate(run_days=(goes_on.ifelse(found.usual_raised_days, 0) + 1).cast("int64"))
    return told.filter(told.run_days >= params.min_days, told.total_bytes >= params.min_bytes)


def _export(user: str, when: str, **values: Any) -> Row:
    given: dict[str, Any] = {
        "resource_type": "sn_customerservice_case",
        "bytes": 2_000_000,
        "device_key": "opera/windows/pc",
    }
    return activity(user, when, "exported", **given | values)


HOUSES: tuple[dict[str, Any], ...] = tuple(
    {"src_ip": f"198.51.{n}.9", "asn": 64700 + n, "session_uid": f"s{n}"} for n in range(1, 5)
)


def _busy(when: str, *houses: dict[str, Any], hours: float = 2, **values: Any) -> tuple[Row, ...]:
    """Ann's account at each of these places, a page every ten minutes, the places one minute after the other."""
    return tuple(
        activity("ann", when, "page_viewed", nth=at_, later=600 * page + 60 * at_, **house | values)
        for page in range(int(hours * 6))
        for at_, house in enumerate(houses)
    )


def _run(days: int, **values: Any) -> Row:
    """Ann, who has exported to a private device on so many days, the latest yesterday."""
    return used_to(
        "ann",
        "strange_exports",
        0.0,
        **{"raised_days": days, "raised_sum": 3.0 * days, "last_raised": at("-1 19:00")} | values,
    )


POLICY = Policy(
    id="careless_handling",
    kind=Kind.ANOMALY,
    severity="low",
    attack=("T1567", "T1052"),
    title="{actor} exported to a private device on {run_days} days, {export_count} times and {total_bytes:,} bytes today",
    titles={"shared": "The account of {actor} was busy at {place_count} places at once, in {slot_count} half hours: several people use it"},
    summary=__doc__,
    blind_to="A private device that looks like the organisation's own; downloads of single files; the third day when more than four "
    "days lie between two; an account that two people share, or several in one office, who look like one person with "
    "two places; people who share it one after the other. A reset of the password that somebody puts off: the platform asks for it at the next login "
    "with a password and at no other, so an account that works on by single sign-on has ignored nothing; which resets are due, "
    "and since when, is posture's to say.",
    triage=(
        "Talk to the person: coaching, not an accusation. What were the lists needed for, or who else works under the name, and why?",
        "Offer a way that works: a managed device, an account or a delegation for each.",
        "Ask that the copies be deleted, and check whether they held personal data; have a shared password changed.",
        "If the person knows nothing of the other places, treat it as a stolen account.",
    ),
    reads=("core__activity", "state__user_volume", "state__seen"),
    needs=Evidence(tables=("syslog_transaction",), helpful_tables=("isc_export_event", "sys_user"), columns=("syslog_transaction.user_agent",), learning_days=7),
    params=(
        Param("min_days", 3, "Days with such exports, in a run that four days without end", "ours; once is a mistake, twice a coincidence", "days"),
        Param("min_bytes", 100_000, "Size of the day's exports from which they count", "ours; more than a page of a list", "bytes"),
        *PARAMS,
    ),
    suppressions=(Suppression("integration", "system", "An integration account: whoever runs it is to be talked to, not it"),),
    facts=("form", "run_days", "export_count", "total_bytes", "tables", "place_count", "slot_count"),
    detect=detect,
    cases=(
        fires("on the third day", _run(2), _export("ann", "18:40"), having={"run_days": 3, "severity": "low", "trait_value": "opera/windows/pc"}),
        quiet("on the second", _run(1), _export("ann", "18:40")),
        quiet("days apart", _run(2, last_raised=at("-5 17:00")), _export("ann", "18:40")),
        quiet("on the person's own device", _run(2), known("ann", "device", "opera/windows/pc", days=5), _export("ann", "18:40")),
        fires("on a device of four days", _run(2), known("ann", "device", "opera/windows/pc", days=4), _export("ann", "18:40")),
        quiet("on a device like those of colleagues", _run(2), known("*", "device", "opera/windows/pc", users=3), _export("ann", "18:40")),
        quiet("by a script with the person's token", _run(2), _export("ann", "18:40", agent_kind="api")),
        quiet("of a few lines", _run(2), _export("ann", "18:40", bytes=99_999)),
        held("by a script", "integration", _run(2), _export("ann", "18:40", is_integration=True)),
        quiet("refused", _run(2), _export("ann", "18:40", status="failure")),
        fires("three houses for two hours", *_busy("09:00", *HOUSES[:3]), having={"form": "shared", "place_count": 3, "slot_count": 4, "severity": "low"}),
        fires("an office and two houses", *_busy("09:00", *HOUSES[:2], HOUSES[2] | {"ip_categories": ["corporate"]}), having={"form": "shared"}),
        quiet("two houses all day", *_busy("09:00", *HOUSES[:2], hours=9)),
        quiet("three houses for an hour and a half", *_busy("09:00", *HOUSES[:3], hours=1.5)),
        quiet("three houses one after the other", *(row for nth, house in enumerate(HOUSES[:3]) for row in _busy(f"{9 + 3 * nth:02}:00", house))),
        quiet("one session whose address moves", *_busy("09:00", *(house | {"session_uid": "s"} for house in HOUSES[:3]))),
        quiet("three browsers in one house", *_busy("09:00", *(HOUSES[0] | {"session_uid": f"b{n}", "device_key": f"b{n}/linux/pc"} for n in range(3)))),
        quiet("two addresses of IPv6 beside one of IPv4", *_busy("09:00", HOUSES[0], *({"src_ip": f"2001:db8::{n}", "session_uid": f"v{n}"} for n in range(2)))),
        *(quiet(f"home, work and {name}", *_busy("09:00", *HOUSES[:2], HOUSES[2] | {"ip_categories": [name]}))
          for name in ("vpn", "cloud_provider", "privacy_relay")),
        quiet("home, work and a phone", *_busy("09:00", *HOUSES[:2], HOUSES[2] | {"as_org": "Dutch Mobile"})),
        quiet("home, work and an app", *_busy("09:00", *HOUSES[:2], HOUSES[2] | {"agent_kind": "mobile"})),
        quiet("a browser that polls", *_busy("09:00", *HOUSES[:2]), *(activity("ann", "09:00", "other", nth=n, later=300 * n, **HOUSES[2]) for n in range(24))),
        quiet("somebody who is impersonated", *_busy("09:00", *HOUSES[:3], is_impersonated=True)),
        held("an integration at three places", "integration", *_busy("09:00", *HOUSES[:3], is_integration=True)),
        fires("hostile places", *_busy("09:00", *({"src_ip": name, "session_uid": name or "none", "asn": n} for n, name in enumerate(HOSTILE))),
              having={"form": "shared"}),
        quiet("of nothing"),
        fires("hostile names", _run(2), *(_export("ann", "18:40", nth=n, device_key=name, resource_type=name, src_ip=name)
              for n, name in enumerate(HOSTILE))),
    ),
)  # fmt: skip
