"""The same questions to every recommendation."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from pipelines.contracts import all_sources
from pipelines.posture.core import WEIGHTS, Control
from pipelines.posture.docs import PAGE, page
from pipelines.posture.registry import controls, reads
from tests.posture.facts import FACTS

CONTROLS = [pytest.param(control, id=id_) for id_, control in controls().items()]
every_control = pytest.mark.parametrize("control", CONTROLS)

#: Settings whose page states no number: what it states instead.
WITHOUT_SCORE = {"29": "High", "44": "", "47": ""}


def test_no_reference_number_is_used_twice() -> None:
    refs = Counter(control.ref for control in controls().values())

    assert [ref for ref, times in refs.items() if times > 1] == []


def test_every_number_of_the_configuration_list_is_declared() -> None:
    refs = {control.ref for control in controls().values()}

    assert {str(number) for number in range(1, 150)} - refs == set()


def test_every_number_of_the_other_list_is_declared() -> None:
    refs = {control.ref for control in controls().values()}

    assert {ref for ref in refs if ref.startswith("D")} == {f"D{number}" for number in range(1, 57)}


def test_settings_have_the_score_of_their_page() -> None:
    without = {
        control.ref: control.severity.word
        for control in controls().values()
        if control.is_setting and control.severity.score is None
    }

    assert without == WITHOUT_SCORE


def test_the_four_that_microsoft_names_are_marked_and_nothing_else() -> None:
    named = {id_ for id_, control in controls().items() if control.named_by_microsoft}

    assert named == {
        "mfa_enabled",
        "explicit_roles_plugin_active",
        "high_security_plugin_active",
        "script_request_authorization_enabled",
    }


def test_the_docs_page_is_generated_from_the_declarations() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make docs`"


#: Baselines that dropped a setting, and those that took it up again, by the vendor's lists of deleted and new settings.
_DROPPED = {"24": 7, "29": 7, "31": 5, "33": 6, "34": 6, "89": 5, "111": 6, "119": 6, "120": 5, "139": 5}
_AGAIN = {"31": 6, "139": 7}


@pytest.mark.parametrize("baseline", [1, 2, 4, 5, 6, 7, 8])
def test_a_baseline_counts_the_settings_that_its_lists_leave_in_it(baseline: int) -> None:
    since = {ref: facts[0].since for ref, facts in FACTS.items()} | {"105": 5.0}
    expected = {
        str(number)
        for number in range(1, 150)
        if since.get(str(number), 1.0) <= baseline
        and (baseline < _DROPPED.get(str(number), 9) or baseline >= _AGAIN.get(str(number), 9))
    }

    listed = {c.ref for c in controls().values() if c.is_setting and c.release.lists(float(baseline))}

    assert listed == expected


#: What is no table of ServiceNow: our own count of its rows, and what we found the night before.
_OURS = {"posture_count": {"question", "rows"}, "posture_access_before": {"user_uid", "role"}}


@pytest.mark.parametrize("table", sorted(reads().keys() & (all_sources().keys() | _OURS.keys())))
def test_what_is_read_is_a_column_of_the_contract(table: str) -> None:
    contract_columns = _OURS.get(table) or {field.source or field.name for field in all_sources()[table].fields}

    assert reads()[table] - contract_columns == set()


def test_every_table_that_is_read_has_a_contract() -> None:
    assert reads().keys() - all_sources().keys() - _OURS.keys() == set()


@every_control
def test_the_id_is_words_in_snake_case(control: Control) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)+", control.id)
    assert len(control.id) <= 60


@every_control
def test_the_number_is_one_of_the_list(control: Control) -> None:
    assert re.fullmatch(r"D?[1-9]\d{0,2}", control.ref)


@every_control
def test_the_title_says_what_should_be(control: Control) -> None:
    assert control.title[0].isupper() or control.title[0].isdigit()
    assert not control.title.endswith(".")
    assert len(control.title) <= 100


@every_control
def test_why_and_impact_are_sentences(control: Control) -> None:
    for text in (control.why, control.impact):
        assert len(text.split()) >= 4
        assert text.endswith(".")
        assert "TODO" not in text


@every_control
def test_a_severity_is_a_number_or_a_word_of_the_vendor_or_stated_to_be_missing(control: Control) -> None:
    score, word = control.severity.score, control.severity.word

    assert score is None or 0 < score <= 10
    assert word in WEIGHTS
    assert 0 < control.severity.weight <= 10


@every_control
def test_the_source_is_a_page_or_a_published_name(control: Control) -> None:
    source = control.source

    assert source.publisher
    assert source.page.startswith("https://") or source.names or control.ref.startswith("D")


@every_control
def test_what_is_expected_and_how_to_get_there_are_said(control: Control) -> None:
    assert control.expected
    assert control.remediation
    assert all(step.endswith(".") for step in control.remediation)


@every_control
def test_who_cannot_go_back_is_warned(control: Control) -> None:
    assert control.irreversible == any("cannot be undone" in step for step in control.remediation)
