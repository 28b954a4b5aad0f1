"""An account that several people use: who is at many places at once is not one person.

Only what cannot be one person's day counts. A *place* is an office or a line: a company gateway, a cloud desktop, a relay
and a phone's carrier are other ways of the same person, a browser that polls by itself does nothing, and a session counts
at one place however its address changes. One person has a line at home and one at work, and may go from the one to
the other within half an hour, but does not go on so for hours.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from pipelines.features.places import at_office_or_line, has
from pipelines.policies.core import Param, Params
from pipelines.policies.habits import site_of
from pipelines.policies.volume import acts, evidence

SLOT = 1800  # seconds
_ASKED = ("agent_kind", "activity_name", "is_impersonated", "session_uid", "ip_source")

PARAMS = (
    Param("shared_places", 3, "Places at which one account is busy within half an hour that are not one person's", "ours; home and work are two", "places"),
    Param("shared_slots", 4, "Half hours of the day in which it is", "ours; longer than any way between three places", "half hours"),
)  # fmt: skip


def at_many_places(activity: ir.Table, params: Params) -> ir.Table:
    """One row per account that was busy at `shared_places` at once for `shared_slots` half hours of the day."""
    rows = _at_places(activity, params)
    busy = rows.group_by("user_uid", "slot").agg(places=rows.place.nunique())
    busy = busy.filter(busy.places >= params.shared_places)
    rows = rows.inner_join(busy, ["user_uid", "slot"]).select(*rows.columns, "places")
    found = rows.group_by("user_uid").agg(
        **evidence(rows),
        place_count=rows.places.max(),
        slot_count=rows.slot.nunique(),
    )
    return found.filter(found.slot_count >= params.shared_slots)


def _at_places(activity: ir.Table, params: Params) -> ir.Table:
    """What people did in browsers from offices and lines, with the session's place and the half hour.

    Places are made out for those alone who showed as many addresses: that is the costly part, and most people show one or two.
    """
    # columns first, so that this is a second narrow reading and not one wide one that is kept
    narrow = activity.select(*_ASKED, "actor_user_uid", "src_ip")
    shown = narrow.filter(_counts(narrow)).group_by("actor_user_uid").agg(addresses=narrow.src_ip.nunique())
    shown = shown.filter(shown.addresses >= params.shared_places, shown.actor_user_uid.notnull())
    a = activity.inner_join(shown, "actor_user_uid").select(*activity.columns)
    a = a.filter(_counts(a))
    line = ibis.ifelse(a.src_ip.contains(":"), a.asn.cast("string"), site_of(a.src_ip))
    place = ibis.ifelse(has(a, "corporate"), "office " + a.city.fill_null(""), line)
    rows = acts(a, at_office_or_line(a), session=a.session_uid, line=place)
    sessions = rows.group_by("user_uid", "session").agg(place=rows.line.min())
    joined = rows.inner_join(sessions, ["user_uid", "session"]).select(*rows.columns, "place")
    return joined.mutate(slot=joined.seconds // SLOT)


def _counts(a: ir.Table) -> ir.BooleanValue:
    return ibis.and_(
        a.agent_kind == "browser",
        a.activity_name.notin(["other", "logout"]),
        ~a.is_impersonated,
        a.session_uid.notnull(),
        a.src_ip.notnull(),
        a.ip_source.fill_null("event") != "last_login",
    )
