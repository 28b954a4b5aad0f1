"""The same questions to every policy."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from pipelines.contracts import registry as contracts
from pipelines.contracts import sources
from pipelines.policies.compile import compiled
from pipelines.policies.core import OPTIONAL, REQUIRED, Policy, sentences
from pipelines.policies.docs import PAGE, page
from pipelines.policies.evaluate import bind, expression
from pipelines.policies.registry import catalogue
from pipelines.policies.words import names_in

DAY = date(2026, 3, 4)
POLICIES = [pytest.param(policy, id=id_) for id_, policy in catalogue().items()]
every_policy = pytest.mark.parametrize("policy", POLICIES)


def test_the_three_policies_of_the_first_night_are_there() -> None:
    assert {"impossible_travel", "mass_download_by_single_user", "multiple_failed_logins"} <= catalogue().keys()


@every_policy
def test_the_id_is_the_name_of_the_file_in_the_folder_of_its_kind(policy: Policy) -> None:
    file = Path(policy.file)

    assert (file.stem, file.parent.name) == (policy.id, policy.kind)


@every_policy
def test_attack_techniques_are_well_formed(policy: Policy) -> None:
    assert policy.attack
    assert all(re.fullmatch(r"T\d{4}(\.\d{3})?", technique) for technique in policy.attack)


@every_policy
def test_every_parameter_is_used_and_explained(policy: Policy) -> None:
    params = policy.values()
    policy.detect(bind(policy, "acme", DAY), params)

    assert params.used == {param.name for param in policy.params}
    assert all(param.meaning and param.source for param in policy.params)


@every_policy
def test_the_guide_is_there(policy: Policy) -> None:
    assert len(policy.summary.split()) > 30
    assert policy.blind_to.endswith(".")
    assert len(policy.triage) >= 3
    assert all(text.strip() and "TODO" not in text for text in sentences(policy))


@every_policy
def test_what_is_read_is_a_contract_and_evidence_is_among_it(policy: Policy) -> None:
    assert set(policy.reads) <= contracts().keys()
    assert "core__activity" in policy.reads


@every_policy
def test_needs_name_tables_and_columns_that_contracts_declare(policy: Policy) -> None:
    known, needs = sources(), policy.needs
    named = {*needs.tables, *needs.helpful_tables, *(name for group in needs.any_of for name in group)}

    assert named <= known.keys()
    assert needs.tables or needs.any_of
    for column in needs.columns:
        table, _, name = column.partition(".")
        assert name in known[table].columns


@every_policy
def test_titles_speak_of_columns_and_facts_only(policy: Policy) -> None:
    for title in (policy.title, *policy.titles.values()):
        assert names_in(title) <= {"actor", *REQUIRED, *OPTIONAL, *policy.facts}


@every_policy
def test_the_result_has_the_standard_columns(policy: Policy) -> None:
    found = expression(policy, "acme", DAY)

    assert {*REQUIRED, *OPTIONAL, *policy.facts, "suppressed_by"} == set(found.columns)
    assert all(str(found[name].type()) == dtype for name, dtype in OPTIONAL.items())


@every_policy
def test_it_fires_stays_quiet_and_holds_back_in_at_least_four_cases(policy: Policy) -> None:
    names = [case.name for case in policy.cases]

    assert len(names) >= 4
    assert len(set(names)) == len(names)
    assert any(case.alerts for case in policy.cases)
    assert any(not case.alerts and not case.behaviors and case.rows for case in policy.cases)
    assert any(not case.rows for case in policy.cases), "an empty case"
    assert any("hostile" in name for name in names)
    assert {s.name for s in policy.suppressions} <= {case.suppressed_by for case in policy.cases} | {""} | _beside(
        policy
    )


def _beside(policy: Policy) -> set[str]:
    """Suppressions that a case shows as behaviors beside an alert."""
    return {s.name for s in policy.suppressions if any(c.alerts and c.behaviors for c in policy.cases)}


def test_every_feature_and_policy_compiles_for_both_engines_without_data() -> None:
    found = list(compiled(DAY))

    assert {item.dialect for item in found} == {"duckdb", "pyspark"}
    assert len(found) == 2 * len({item.name for item in found})
    assert all(item.sql.upper().startswith(("SELECT", "WITH")) for item in found)


def test_the_docs_page_is_what_the_policies_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()
