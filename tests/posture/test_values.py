"""What a property may hold: values that meet a test, values that do not, and what is asked for in words."""

from __future__ import annotations

import pytest

from pipelines.posture.checks import Property
from pipelines.posture.values import Between, Domains, FilledWithout, Holds, HoldsNone, HoldsOnly, Is, Isnt, at_most


@pytest.mark.parametrize(
    ("test", "held", "not_held"),
    [
        (Is("true"), ["true", " TRUE "], ["false", "1", "truely"]),
        (Is("deny", ("refuse",)), ["deny", "Refuse"], ["", "allow"]),
        (Isnt("password"), ["other"], ["Password", " password "]),
        (Between(1, 720), ["1", "720", "12.5"], ["0", "721", "-1", "", "ten", "1e2", "1_0", "NaN", "٣"]),
        (Between(below=60), ["59", "0"], ["60", "61"]),
        (at_most(5), ["5", "-1"], ["6", "5.1"]),
        (Holds(("a", "b")), ["a,b", "b; A\nc"], ["a", "", "ab"]),
        (HoldsOnly(("a", "b")), ["a", "a, B"], ["", "a,c"]),
        (HoldsNone(("a",), "a"), ["", "b", "ab"], ["a", "b, A"]),
        (FilledWithout(("a",), "a list"), ["b", "b:c, ab"], ["", " ", "a", "b, A", "b:a", "c: a"]),
        (Domains(), ["example.com", "a.example, b.example"], ["", "*.example.com", "example.com, *", "localhost"]),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, list) else "",
)
def test_values_that_are_asked_for_hold_and_others_do_not(test: Is, held: list[str], not_held: list[str]) -> None:
    assert [value for value in held if not test.holds(value)] == []
    assert [value for value in not_held if test.holds(value)] == []


@pytest.mark.parametrize(
    ("test", "said"),
    [
        (at_most(60, "minutes"), "at most 60 minutes"),
        (Between(1, 720, "minutes"), "1 to 720 minutes"),
        (Between(below=60, unit="seconds"), "less than 60 seconds"),
        (Between(1, 1, "hour"), "1 hour"),
        (Is("deny"), "deny"),
        (HoldsNone(("x",), "the demo keys"), "a value without the demo keys"),
    ],
)
def test_what_is_asked_for_is_said_for_a_person(test: Is, said: str) -> None:
    assert Property("p", test).expected() == f"p is {said}"
