"""Data or an account is handled carelessly: a case for a talk, not for an investigation. Severity is low.

Three forms. *exports*: somebody exports lists to a device of their own, again and again. A device counts as private while the
person has hardly used it and hardly anybody in the organisation uses its like; the third day of such exports in a run
raises the alert, a single one is how people start on a new laptop. *shared*: an account is busy at three places at once,
for hours: several people use it. Offices and lines are places; gateways, clouds, relays and phones are not. *reset*: the
password is to be changed, and the person has signed in with it on three days since.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import ibis
import ibis.expr.types as ir

from pipelines.policies.cases import DAY, HOSTILE, INSTANCE, account, activity, at, fires, held, known, login, quiet
from pipelines.policies.core import REQUIRED, Evidence, Kind, Params, Policy, Row, Suppression, Tables
from pipelines.policies.private_exports import PARAMS as EXPORTS
from pipelines.policies.private_exports import exports_to_private_devices
from pipelines.policies.put_off import PARAMS as PUT_OFF
from pipelines.policies.put_off import resets_put_off
from pipelines.policies.shared_account import PARAMS as SHARED
from pipelines.policies.shared_account import at_many_places
from pipelines.policies.volume import used_to


def detect(tables: Tables, params: Params) -> ir.Table:
    """Days of exports to private devices that continue a run of such days, accounts at many places at once, resets put off."""
    exports, shared = exports_to_private_devices(tables, params), at_many_places(tables["core__activity"], params)
    exports = exports.mutate(form=ibis.literal("exports"), trait_kind=ibis.literal("device"))
    shared = shared.mutate(form=ibis.literal("shared"))
    reset = resets_put_off(tables["core__activity"], tables["core__user"], tables["state__reset_due"], params)
    reset = reset.mutate(form=ibis.literal("reset"))
    both = exports.select(_filled(exports)).union(shared.select(_filled(shared)), reset.select(_filled(reset)))
    return both.mutate(integration=both.is_integration)


#: What only one of the forms has, null in the other.
_OF_A_FORM = {
    "run_days": "int64", "export_count": "int64", "total_bytes": "int64", "tables": "array<string>", "trait_kind": "string",
    "trait_value": "string", "place_count": "int64", "slot_count": "int64", "due_since": "timestamp(6)", "used_days": "int64",
}  # fmt: skip


def _filled(found: ir.Table) -> list[ir.Value]:
    kept = [found[name] for name in (*REQUIRED, "is_integration", "form")]
    columns = set(found.columns)
    return kept + [
        (found[name] if name in columns else ibis.null()).cast(kind).name(name) for name, kind in _OF_A_FORM.items()
    ]


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


def _due(user: str, used: int, *, is_password_reset_due: bool = True) -> tuple[Row, Row]:
    """An account as it is tonight, and a change of its password that was due before: used on so many days since."""
    key = {"instance": INSTANCE, "user_uid": f"uid-{user}"}
    return (
        account(user, is_password_reset_due=is_password_reset_due),
        Row(
            "state__reset_due",
            {**key, "event_date": DAY - timedelta(days=1), "due_since": at("-6 00:00"), "used_days": used},
        ),
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
    titles={
        "reset": "{actor} signed in on {used_days} days with a password that is to be changed since {due_since}",
        "shared": "The account of {actor} was busy at {place_count} places at once, in {slot_count} half hours: several people use it"},
    summary=__doc__,
    blind_to="A private device that looks like the organisation's own; downloads of single files; the third day when more than four "
    "days lie between two; an account that two people share, or several in one office, who look like one person with "
    "two places; people who share it one after the other; "
    "a change of the password that is due where a directory keeps it or single sign-on is used, which nobody is asked for.",
    triage=(
        "Talk to the person: coaching, not an accusation. What were the lists needed for; who else works under the name; what keeps the password?",
        "Offer a way that works: a managed device, an account or a delegation for each.",
        "Ask that the copies be deleted, and check whether they held personal data; have a shared password changed.",
        "If the person knows nothing of the other places, treat it as a stolen account.",
    ),
    reads=("core__activity", "core__user", "state__user_volume", "state__seen", "state__reset_due"),
    needs=Evidence(tables=("syslog_transaction",), helpful_tables=("isc_export_event", "sysevent", "sys_user"),
        columns=("syslog_transaction.user_agent", "sys_user.password_needs_reset", "sys_user.source"), learning_days=7),
    params=(
        *EXPORTS,
        *SHARED,
        *PUT_OFF,
    ),
    suppressions=(Suppression("integration", "system", "An integration account: whoever runs it is to be talked to, not it"),),
    facts=("form", "run_days", "export_count", "total_bytes", "tables", "place_count", "slot_count", "due_since", "used_days"),
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
        fires("the third day with the old password", *_due("ann", 2), login("ann", "08:00"), having={"form": "reset", "used_days": 3, "severity": "low"}),
        quiet("the second day with it", *_due("ann", 1), login("ann", "08:00")),
        quiet("the evening after the change", *_due("ann", 9, is_password_reset_due=False), login("ann", "08:00")),
        quiet("a change asked for today", _due("ann", 2)[0], login("ann", "08:00")),
        quiet("single sign-on", *_due("ann", 9), login("ann", "08:00", detail="single sign-on")),
        quiet("work without a login", *_due("ann", 9), activity("ann", "08:00", "page_viewed")),
        quiet("an integration's password", *_due("ann", 9), login("ann", "08:00", is_integration=True)),
        quiet("wrong passwords", *_due("ann", 9), login("ann", "08:00", status="failure")),
        fires("a hostile name with an old password", *_due("x", 2), login("x", "08:00", actor_user_name=HOSTILE[0], src_ip=HOSTILE[1])),
        quiet("of nothing"),
        fires("hostile names", _run(2), *(_export("ann", "18:40", nth=n, device_key=name, resource_type=name, src_ip=name)
              for n, name in enumerate(HOSTILE))),
    ),
)  # fmt: skip
