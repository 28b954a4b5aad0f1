"""What `state__seen` remembers of the person or the organisation, looked up beside each row: one join, however many questions.

A trap of Ibis 12 lies here: joins chained on predicates over tables of one origin may bind a column to the wrong side and
say nothing. Joins in policies name their keys as strings; corpus tests run every case on two engines to hold that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import ibis
import ibis.expr.types as ir

from pipelines.features.core import seconds

EVERYONE = "*"


@dataclass(frozen=True, slots=True)
class Question:
    """`day_count` or `user_count` that memory holds of `value` as a `kind` of `user_uid` (a column, or everyone)."""

    kind: str
    value: ir.Value
    user_uid: ir.Value | Literal["*"]
    answer: Literal["day_count", "user_count"] = "day_count"


def with_habits(rows: ir.Table, key: str, seen: ir.Table, **questions: Question) -> ir.Table:
    """`rows` (unique by `key`) with one column per question, 0 where nothing is remembered."""
    asked = rows.select(
        key, asked=ibis.array([_asked(name, question) for name, question in questions.items()]).unnest()
    )
    asked = asked.select(key, **{name: asked.asked[name] for name in ("question", "user_uid", "kind", "value")})
    joined = asked.inner_join(seen, ["user_uid", "kind", "value"])
    answers = joined.group_by(key).agg(
        **{name: joined[question.answer].max(where=joined.question == name) for name, question in questions.items()}
    )
    return rows.left_join(answers, key).select(
        *rows.columns, **{name: answers[name].fill_null(0) for name in questions}
    )


def _asked(name: str, question: Question) -> ir.StructValue:
    user = ibis.literal(EVERYONE) if isinstance(question.user_uid, str) else question.user_uid
    parts = {
        "question": ibis.literal(name), "user_uid": user, "kind": ibis.literal(question.kind),
        "value": question.value.cast("string"),
    }  # fmt: skip
    return ibis.struct(parts)


def with_neighbourhood(rows: ir.Table, seen: ir.Table, asn: str, country: str, into: str) -> ir.Table:
    """Beside each row: how many people use the network in column `asn` (`<into>_users`), and how many of them have been
    in `country` (`<into>_there`). Where most have, the network is of that country, whatever an address of it is said to be.
    """
    pairs = rows.select(value=rows[asn].cast("string"), there=rows[country]).distinct()
    people = seen.filter(seen.user_uid != EVERYONE)
    users = people.filter(people.kind == "asn").select("value", "user_uid")
    places = people.filter(people.kind == "country").select("user_uid", there=people.value).mutate(was_there=1)
    met = pairs.inner_join(users, "value").left_join(places, ["user_uid", "there"])
    counted = met.group_by("value", "there").agg(users=met.user_uid.nunique(), were_there=met.was_there.count())
    counted = counted.select(
        **{
            "_asn": counted.value,
            "_there": counted.there,
            f"{into}_users": counted.users,
            f"{into}_there": counted.were_there,
        }
    )
    keyed = rows.mutate(_asn=rows[asn].cast("string"), _there=rows[country])
    joined = keyed.left_join(counted, ["_asn", "_there"])
    names = (f"{into}_users", f"{into}_there")
    return joined.select(*rows.columns, **{name: joined[name].fill_null(0) for name in names})


def with_regulars(
    rows: ir.Table,
    seen: ir.Table,
    *,
    days: int,
    into: str,
    part: Callable[[ir.StringValue], ir.StringValue] | None = None,
) -> ir.Table:
    """Beside each row, how many people used its `src_ip` (or that `part` of the address) on at least `days` days each.
    Somebody who came once does not count: who steals one account after the other makes no address a usual one."""
    part = part or (lambda address: address)
    asked = rows.select(_value=part(rows.src_ip)).distinct()
    people = seen.filter(seen.user_uid != EVERYONE, seen.kind == "ip")
    people = people.mutate(_value=part(people.value)).semi_join(asked, "_value")
    people = people.group_by("_value", "user_uid").agg(days=people.day_count.sum())
    counted = people.filter(people.days >= days).group_by("_value").agg(**{into: ibis._.count()})
    joined = rows.mutate(_value=part(rows.src_ip)).left_join(counted, "_value")
    return joined.select(*rows.columns, **{into: joined[into].fill_null(0)})


def site_of(address: ir.StringValue) -> ir.StringValue:
    """The /24 of an IPv4 address, as a site or one exit of a service has it; another address as it is."""
    return ibis.ifelse(
        address.re_search(r"^[0-9]+[.][0-9]+[.][0-9]+[.]"), address.re_replace(r"[.][0-9]+$", ""), address
    )


def with_home(rows: ir.Table, seen: ir.Table, user: str, into: str = "home") -> ir.Table:
    """Beside each row, the country in which the person of column `user` was on most days; null where none is remembered."""
    countries = seen.filter(seen.user_uid != EVERYONE, seen.kind == "country")
    ranked = countries.mutate(
        rank=ibis.row_number().over(
            ibis.window(group_by="user_uid", order_by=[countries.day_count.desc(), countries.value])
        )
    )
    homes = ranked.filter(ranked["rank"] == 0).select(_user=ranked.user_uid, **{into: ranked.value})
    return rows.mutate(_user=rows[user]).left_join(homes, "_user").select(*rows.columns, into)


def with_learning(rows: ir.Table, seen: ir.Table, tenure: ir.Table, time: str, *, days: int, logins: int) -> ir.Table:
    """`rows` (with `user_uid`) and whether the person was still too new at `time` for a place to be unusual. Days count
    from the first activity with an address: mail that somebody sends in teaches nothing about places."""
    placed = seen.filter(seen.user_uid != EVERYONE, seen.kind.isin(["asn", "country"]))
    since = placed.group_by("user_uid").agg(since=placed.first_seen.min())
    known = tenure.select("user_uid", logins=tenure.login_count).left_join(since, "user_uid")
    known = known.select("user_uid", "logins", "since")
    joined = rows.left_join(known, "user_uid")
    age = (seconds(joined[time]) - seconds(joined.since)) / 86_400
    learned = (age >= days) | (joined.logins >= logins)
    return joined.select(*rows.columns, still_learning=~learned.fill_null(False))


def exits(seen: ir.Table) -> ir.Table:
    """`asn` and `countries`: in how many countries people of the organisation appear through each network."""
    networks = seen.filter(seen.user_uid == EVERYONE, seen.kind == "network")
    return networks.group_by(asn=networks.value.split("/")[0]).agg(countries=networks.value.nunique())
