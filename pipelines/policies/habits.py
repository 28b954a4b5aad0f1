"""What `state__seen` remembers of the person or the organisation, looked up beside each row: one join, however many questions.

A trap of Ibis 12 lies here: joins chained on predicates over tables of one origin may bind a column to the wrong side and
say nothing. Joins in policies name their keys as strings; corpus tests run every case on two engines to hold that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import ibis
import ibis.expr.types as ir

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


def exits(seen: ir.Table) -> ir.Table:
    """`asn` and `countries`: in how many countries people of the organisation appear through each network."""
    networks = seen.filter(seen.user_uid == EVERYONE, seen.kind == "network")
    return networks.group_by(asn=networks.value.split("/")[0]).agg(countries=networks.value.nunique())
