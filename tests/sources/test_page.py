"""From bytes to lines: what is cut fast, what goes the slow way, and what is no page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.sources.servicenow.page import parse
from pipelines.sources.servicenow.transport import BadPage, Response
from tests.sources.conftest import expected, ids, landed, read
from tests.sources.instance import Instance

JSON = {"Content-Type": "application/json;charset=UTF-8"}


def answered(body: bytes, **headers: str) -> Response:
    return Response(200, {**JSON, **headers}, bytearray(body), 0.1)


def compact(rows: list[dict[str, Any]]) -> bytes:
    return json.dumps({"result": rows}, separators=(",", ":")).encode()


ROWS = [{"sys_id": "a1", "x": "1"}, {"sys_id": "a2", "x": ""}, {"sys_id": "a3", "x": "},{"}]


def test_compact_json_is_cut_without_the_slow_parser(caplog: pytest.LogCaptureFixture) -> None:
    page = parse(answered(compact(ROWS[:2]), **{"X-Total-Count": "9"}))
    assert (page.rows, page.total, page.keys, page.has_objects) == (2, 9, ("a1", "a2"), False)
    assert bytes(page.lines).split(b"\n") == [json.dumps(r, separators=(",", ":")).encode() for r in ROWS[:2]]
    assert caplog.text == ""


@pytest.mark.parametrize("spaced", [{"indent": 2}, {"indent": 1, "separators": (" , ", " : ")}, {}])
def test_spaced_json_gives_the_same_rows(spaced: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    assert parse(answered(json.dumps({"result": ROWS[:2]}, **spaced).encode())).objects() == ROWS[:2]
    assert caplog.text == ""


def test_a_value_that_ends_like_a_row_goes_the_slow_way_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    assert parse(answered(compact(ROWS))).objects() == ROWS
    assert "slow parser" in caplog.text


def test_keys_are_read_at_one_distance_or_searched_for() -> None:
    aligned = [{"sys_id": f"a{n}", "at": "1"} for n in range(5)]
    shifted = [{"x": "1" * n, "sys_id": f"a{n}"} for n in range(5)]
    for rows in (aligned, shifted, [*aligned, *shifted], [*aligned, {"sys_id": "longer"}], [{"sys_id": ""}, *aligned]):
        page = parse(answered(compact(rows)))
        assert page.keys == tuple(row["sys_id"] for row in rows)
        assert [page.row(n) for n in range(page.rows)] == rows
        assert bytes(page.between(1, page.rows)).split(b"\n") == bytes(page.lines).split(b"\n")[1:]


@given(st.lists(st.dictionaries(st.sampled_from("xyz"), st.text(max_size=12), max_size=3), max_size=5))
def test_any_text_comes_through(rows: list[dict[str, str]]) -> None:
    rows = [{"sys_id": f"a{n}", **row} for n, row in enumerate(rows)]
    assert parse(answered(compact(rows))).objects() == rows


@pytest.mark.parametrize(
    "value", ['"},{"', '},{"sys_id":"x"', '"sys_id":"', "\\", '\\"},{', '],"error":{', '{"a":{"b":1}}']
)
def test_hostile_text_comes_through(value: str) -> None:
    rows = [{"sys_id": "a1", "x": value, "y": value}, {"sys_id": "a2", "x": value}]
    page = parse(answered(compact(rows)))
    assert page.objects() == rows
    assert not page.has_objects


def test_references_that_come_as_objects_are_noticed() -> None:
    rows = [{"sys_id": "a1", "user": {"link": "https://x/y", "value": "v"}}, {"sys_id": "a2", "user": ""}]
    assert parse(answered(compact(rows))).has_objects


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b'{"result":[{"sys_id":"a1"}', "broken"),
        (b'{"result":[{"sys_id":"a1"},]}', "broken"),
        (b'{"result":[{"sys_id":"a1"}],"error":{"message":"Transaction cancelled"}}', "Transaction cancelled"),
        (b'{"result":[{"sys_id":"a1"},"error":{"message":"Transaction cancelled"}}', "cancelled while streaming"),
        (b'{"result":{"sys_id":"a1"}}', "no list"),
        (b'{"result":["a1"]}', "no list"),
        (b"[]", "not a JSON object"),
        (b"", "broken"),
    ],
)
def test_what_is_not_a_list_of_rows_is_no_page(body: bytes, says: str) -> None:
    with pytest.raises(BadPage, match=says) as raised:
        parse(answered(body))
    assert raised.value.smaller


def test_html_is_no_page_whatever_its_status() -> None:
    with pytest.raises(BadPage, match="text/html"):
        parse(Response(200, {"Content-Type": "text/html"}, bytearray(compact(ROWS)), 0.1))


HOSTILE = [
    "\x00nul",
    "lone \ud800 surrogate",
    "x},{",
    '{"value":"not an object"}',
    '{"a":{"b":1}}',
    "\u202ebidi",
    "'; DROP TABLE x; --",
    "a\nb\r\tc",
    "",
]


def test_hostile_values_land_as_they_are(instance: Instance, tmp_path: Path) -> None:
    for number, row in enumerate(instance.rows["sysevent"]):
        row["parm1"] = HOSTILE[number % len(HOSTILE)]
    got = read(instance, tmp_path)["sysevent"]
    assert got.state == "ok"
    assert ids(got) == expected(instance)
    want = {v.replace("\ud800", "?") for v in HOSTILE}
    assert set(landed(got)["parm1"].to_pylist()) == want


def test_reference_objects_become_their_value_and_look_alikes_stay_text(instance: Instance, tmp_path: Path) -> None:
    instance.keeps_references = True
    for row in instance.rows["sysevent"]:
        row["parm1"] = '{"value":"not an object"}'
    found = landed(read(instance, tmp_path)["sysevent"])
    assert set(found["parm1"].to_pylist()) == {'{"value":"not an object"}'}
    assert sorted(found["instance_uid"].to_pylist()) == sorted(r["instance"] for r in instance.rows["sysevent"])


def test_broken_utf8_is_replaced_and_does_not_fail_the_table(instance: Instance, tmp_path: Path) -> None:
    from dataclasses import replace

    instance.table_faults["sysevent"] = lambda reply: replace(reply, body=reply.body.replace(b"user.1", b"us\xffr.1"))
    got = read(instance, tmp_path)["sysevent"]
    assert ids(got) == expected(instance)
    assert "us\ufffdr.1" in landed(got)["parm1"].to_pylist()
