"""Declared models: the folder is the registry."""

from __future__ import annotations

import pytest

from models.core import Model
from models.registry import catalogue, model
from pipelines.errors import UsageError


@pytest.mark.parametrize("id_", list(catalogue()))
def test_a_declared_model_has_a_card_that_says_where_it_fails_and_a_unit_for_each_feature(id_: str) -> None:
    declared = model(id_)

    assert "**Fails.**" in declared.card
    assert len(declared.units) == len(declared.features)


def test_an_unknown_model_is_an_error_that_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean user_day"):
        model("userday")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"features": ("files", "fles")}, "lacks.*fles"),
        ({"features": ()}, "no features"),
        ({"features": ("files", "files")}, "twice"),
        ({"alert_budget": 0.0}, "out of range"),
        ({"sample_size": 5_000}, "trees of 5000 rows"),
    ],
)
def test_a_declaration_that_cannot_work_is_refused(change: dict[str, object], said: str) -> None:
    sound = {
        "id": "mine", "title": "Mine", "table": "feat__user_day_profile",
        "key": ("event_date", "user_uid"), "features": ("files",),
    }  # fmt: skip

    with pytest.raises(UsageError, match=said):
        Model(**{**sound, **change})  # type: ignore[arg-type]
