"""Compiled once, filled in for each day: the same SQL as compiling for that day."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from pipelines.features import features
from pipelines.features.compiled import DAY, INSTANCE, compiled, filled_in, keep_in
from pipelines.features.core import to_sql
from pipelines.policies import registry
from pipelines.policies.evaluate import expression

COMPILING = importlib.import_module("pipelines.features.compiled")  # the package exports a function of this name
HOSTILE = "acme'; DROP TABLE x --"
DAYS = (date(2024, 2, 29), date(2026, 1, 1), date(2026, 10, 14))


@pytest.fixture(autouse=True)
def _compiled_once(_fresh: None) -> None:
    """Not here: what another process compiled may list the same columns in another order."""


@pytest.fixture(scope="module")
def _fresh() -> Iterator[None]:
    keep_in(None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(COMPILING, "_compiled", {})
        yield


@pytest.mark.parametrize("day", DAYS)
@pytest.mark.parametrize("name", sorted(features()))
def test_a_feature_filled_in_is_the_feature_compiled_for_the_day(name: str, day: date) -> None:
    feature = features()[name]
    sql, _ = compiled(name, feature.expression, HOSTILE, day)
    assert sql == to_sql(feature.expression(HOSTILE, day))


@pytest.mark.parametrize("policy", sorted(registry()))
def test_a_policy_filled_in_is_the_policy_compiled_for_the_day(policy: str) -> None:
    found = registry()[policy]
    stand_in = to_sql(expression(found, INSTANCE, DAY))
    assert filled_in(stand_in, HOSTILE, DAYS[0]) == to_sql(expression(found, HOSTILE, DAYS[0]))


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for compiled expressions and a process that has compiled nothing yet."""
    monkeypatch.setattr(COMPILING, "_compiled", {})
    keep_in(tmp_path / "compiled")
    yield tmp_path / "compiled"
    keep_in(None)


def test_another_process_reads_what_one_compiled(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    feature = next(iter(features().values()))
    once = compiled("a", feature.expression, "acme", DAYS[0])
    monkeypatch.setattr(COMPILING, "_compiled", {})

    def never(instance: str, day: date) -> None:
        raise AssertionError("compiled again")

    assert compiled("a", never, "acme", DAYS[0]) == once  # type: ignore[arg-type]


def test_changed_code_compiles_again(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    feature = next(iter(features().values()))
    compiled("a", feature.expression, "acme", DAYS[0])
    monkeypatch.setattr(COMPILING, "_compiled", {})
    monkeypatch.setattr(COMPILING, "_source", lambda: "other code")
    compiled("a", feature.expression, "acme", DAYS[0])
    assert len(list(kept.iterdir())) == 2


@pytest.mark.parametrize(
    "damage", ["", "{", '{"sql": "SELECT 1"}', "[]", '{"sql": "SELECT 1", "schema": [["a", "nothing"]]}']
)
def test_a_damaged_file_is_compiled_again(kept: Path, monkeypatch: pytest.MonkeyPatch, damage: str) -> None:
    feature = next(iter(features().values()))
    once = compiled("a", feature.expression, "acme", DAYS[0])
    monkeypatch.setattr(COMPILING, "_compiled", {})
    next(kept.iterdir()).write_text(damage)
    assert compiled("a", feature.expression, "acme", DAYS[0]) == once
