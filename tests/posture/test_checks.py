"""The kinds of check one by one: three-valued logic, hidden rows, bounds, and what they say for a person."""

from __future__ import annotations

from dataclasses import dataclass, replace

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.posture.checks import (
    Counted,
    Every,
    NoRows,
    Plugin,
    Property,
    Some,
    SomeRows,
    Undecided,
    Unseen,
    Verdict,
    Where,
    WhereReadable,
    settings_in,
)
from pipelines.posture.checks.core import Check
from pipelines.posture.core import TableState, TableView
from pipelines.posture.reading import Reading
from pipelines.posture.relations import Reads
from pipelines.posture.values import FALSE, TRUE
from tests.posture.world import DAY, Row, World, snapshot

_READS = {"ip_access": frozenset({"sys_id", "active"}), "sys_public": frozenset({"sys_id", "page", "active"})}
TRUTHS = st.sampled_from((True, False, None))


@dataclass(frozen=True)
class Fixed:
    """A check that was decided beforehand."""

    verdict: Verdict

    def reads(self) -> Reads:
        return {}

    def properties(self) -> tuple[str, ...]:
        return ()

    def expected(self) -> str:
        return "a decided thing"

    def steps(self) -> tuple[str, ...]:
        return ("Do it.",)

    def judge(self, reading: Reading) -> Verdict:
        return self.verdict


def _fixed(holds: bool | None, **more: object) -> Check:
    reason, acls = ("hidden", ("t: read",)) if holds is None else ("", ())
    return Fixed(Verdict(holds, str(holds), reason, acls, **more))  # type: ignore[arg-type]


def _reading(world: World | None = None, family: str | None = None) -> Reading:
    con, views = snapshot(world or World(), _READS)
    return Reading(con, views, DAY, family)


NOTHING = Reading(duckdb.connect(), {}, DAY)


@given(st.lists(TRUTHS, min_size=1))
def test_all_parts_hold_unless_one_does_not_or_is_unknown(truths: list[bool | None]) -> None:
    verdict = Every(tuple(_fixed(truth) for truth in truths)).judge(NOTHING)

    assert verdict.holds is (False if False in truths else None if None in truths else True)


@given(st.lists(TRUTHS, min_size=1))
def test_one_part_that_holds_is_enough_and_unknown_is_not_no(truths: list[bool | None]) -> None:
    verdict = Some(tuple(_fixed(truth) for truth in truths)).judge(NOTHING)

    assert verdict.holds is (True if True in truths else None if None in truths else False)


def test_an_unknown_whole_names_each_missing_access_once() -> None:
    verdict = Every((_fixed(None), _fixed(None), _fixed(True))).judge(NOTHING)

    assert (verdict.acls, verdict.reason) == (("t: read",), "hidden")


@pytest.mark.parametrize(
    ("condition", "part", "holds", "applies"),
    [
        (True, True, True, True),
        (True, False, False, True),
        (True, None, None, True),
        (False, False, None, False),
        (None, False, None, True),
        (None, True, None, True),
    ],
)
def test_a_condition_decides_whether_its_part_applies(
    condition: bool | None, part: bool | None, holds: bool | None, applies: bool
) -> None:
    verdict = Where(_fixed(condition), _fixed(part), otherwise="not used").judge(NOTHING)

    assert (verdict.holds, verdict.is_applicable) == (holds, applies)


def test_a_whole_rests_on_absence_only_where_none_of_its_properties_has_a_row() -> None:
    both = Every((_fixed(True, rests_on_absence=True), _fixed(True, rests_on_absence=True), _fixed(True)))
    one = Every((_fixed(True, rests_on_absence=True), _fixed(True, rests_on_absence=False)))

    assert both.judge(NOTHING).rests_on_absence is True
    assert one.judge(NOTHING).rests_on_absence is False
    assert Every((_fixed(True),)).judge(NOTHING).rests_on_absence is None


def test_a_part_that_counts_where_readable_passes_before_its_release() -> None:
    part = WhereReadable(_fixed(False), "yokohama")

    assert part.judge(Reading(duckdb.connect(), {}, DAY, "xanadu")).holds is True
    assert part.judge(Reading(duckdb.connect(), {}, DAY, "yokohama")).holds is False
    assert part.judge(NOTHING).holds is False


def _rules() -> SomeRows:
    return SomeRows(
        "active rules",
        lambda t: (r := t["ip_access"]).filter(r.active == "true").select(uid=r.sys_id),
        _columns("ip_access"),
    )


def _pages(at_most: int = 0, unless: tuple[str, ...] = ()) -> NoRows:
    return NoRows(
        "public pages",
        lambda t: (p := t["sys_public"]).filter(p.active == "true").select(uid=p.sys_id),
        _columns("sys_public"),
        at_most=at_most,
        unless=unless,
    )


def _columns(table: str) -> dict[str, tuple[str, ...]]:
    return {table: tuple(sorted(_READS[table]))}


ONE_RULE = {"ip_access": ({"sys_id": "1", "active": "true"},)}
TWO_PAGES = {"sys_public": tuple({"sys_id": n, "page": "p", "active": "true"} for n in ("2", "1"))}


def test_rows_that_speak_for_it_are_enough_also_where_others_are_hidden() -> None:
    assert _rules().judge(_reading(World(ONE_RULE, {"ip_access": "partial"}))).holds is True
    assert _rules().judge(_reading(World(states={"ip_access": "partial"}))).holds is None


def test_rows_that_speak_for_it_are_none_where_there_is_no_such_table() -> None:
    assert _rules().judge(_reading(World(states={"ip_access": "missing"}))).holds is False
    assert _rules().judge(_reading(World(states={"ip_access": "denied"}))).acls == ("ip_access: read",)


def test_rows_against_it_are_counted_and_a_few_named_smallest_first() -> None:
    verdict = _pages().judge(_reading(World(TWO_PAGES)))

    assert (verdict.holds, verdict.findings, verdict.examples) == (False, 2, ("1", "2"))
    assert verdict.observed == "2 public pages"


def test_as_many_rows_as_are_allowed_are_allowed() -> None:
    assert _pages(at_most=2).judge(_reading(World(TWO_PAGES))).holds is True
    assert _pages(at_most=1).judge(_reading(World(TWO_PAGES))).holds is False


def test_hidden_rows_leave_no_finding_unproven_but_a_finding_stands() -> None:
    assert _pages().judge(_reading(World(states={"sys_public": "partial"}))).holds is None
    assert _pages().judge(_reading(World(TWO_PAGES, {"sys_public": "partial"}))).holds is False


def test_where_rows_that_acquit_are_hidden_a_finding_is_not_proven() -> None:
    world = World(TWO_PAGES, {"ip_access": "partial"})

    assert _pages(unless=("ip_access",)).judge(_reading(world)).holds is None


def test_rows_against_it_do_not_apply_where_there_is_no_such_table() -> None:
    verdict = _pages().judge(_reading(World(states={"sys_public": "missing"})))

    assert (verdict.holds, verdict.is_applicable) == (None, False)


def _doubt() -> Undecided:
    return Undecided(
        "pages in doubt",
        lambda t: (p := t["sys_public"]).filter(p.page == "x").select(uid=p.sys_id),
        _columns("sys_public"),
        because="nobody can tell",
    )


def test_one_row_in_doubt_leaves_it_unknown_and_says_why_and_none_passes() -> None:
    row: dict[str, tuple[Row, ...]] = {"sys_public": ({"sys_id": "a", "page": "x", "active": "true"},)}

    doubtful, none = _doubt().judge(_reading(World(row))), _doubt().judge(_reading())

    assert (doubtful.holds, doubtful.reason, doubtful.examples) == (None, "nobody can tell", ("a",))
    assert none.holds is True


def test_what_leaves_a_doubt_is_not_asked_for() -> None:
    assert Every((_pages(), _doubt())).expected() == _pages().expected()


@pytest.mark.parametrize("how", ["partial", "denied"])
def test_where_rows_in_doubt_may_be_hidden_the_access_is_named(how: TableState) -> None:
    verdict = _doubt().judge(_reading(World({}, {"sys_public": how})))

    assert (verdict.holds, verdict.acls) == (None, ("sys_public: read",))


def test_rows_for_it_that_are_optional_do_not_apply_without_their_table() -> None:
    rules = replace(_rules(), is_optional=True)

    verdict = rules.judge(_reading(World(states={"ip_access": "missing"})))

    assert (verdict.holds, verdict.is_applicable) == (None, False)
    assert _rules().judge(_reading(World(states={"ip_access": "missing"}))).holds is False


def test_a_reason_that_several_parts_share_is_said_once() -> None:
    said = [Verdict(None, "", reason) for reason in ("a is hidden; b is hidden", "b is hidden; c is hidden")]

    assert Every(tuple(map(Fixed, said))).judge(NOTHING).reason == "a is hidden; b is hidden; c is hidden"


@pytest.mark.parametrize(("rows", "holds"), [(9, False), (10, True), (20, True), (21, False)])
def test_a_count_lies_between_its_bounds(rows: int, holds: bool) -> None:
    con = duckdb.connect()
    con.execute(f"CREATE TABLE answers AS SELECT 'q' AS question, {rows}::BIGINT AS \"rows\"")
    views = {"posture_count": TableView("answers", frozenset({"question", "rows"}))}

    assert Counted("q", "things", 10, 20).judge(Reading(con, views, DAY)).holds is holds
    assert Counted("other", "things", 10).judge(Reading(con, views, DAY)).acls == ("other: read",)


def test_what_no_table_shows_is_unknown_and_says_why() -> None:
    verdict = Unseen("credentials that nobody leaked", "a feed of leaked credentials is not configured").judge(NOTHING)

    assert (verdict.holds, verdict.reason) == (None, "a feed of leaked credentials is not configured")


def test_a_column_that_is_not_declared_cannot_be_read() -> None:
    sly = SomeRows("rows", lambda t: t["ip_access"].select(uid=t["ip_access"].range_start), _columns("ip_access"))

    with pytest.raises(AttributeError):
        sly.judge(_reading(World(ONE_RULE)))


def test_the_settings_of_a_check_are_found_in_every_part() -> None:
    a, b, c = Property("a", TRUE), Property("b", FALSE), Property("c", TRUE)
    check = Every((Some((a, Plugin("p"))), Where(b, WhereReadable(c), otherwise="no")))

    assert settings_in(check) == (a, b, c)
