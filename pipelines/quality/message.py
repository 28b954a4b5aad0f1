"""What may be said about a value: examples where a column holds no personal data, shapes elsewhere."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from pipelines.contracts.table import Field, Pii

LONGEST = 40
EXAMPLES = 3


def examples(field: Field, values: Iterable[object]) -> str:
    """At most three different examples, quoted and comma separated; 'nothing' stands for a missing value."""
    said: list[str] = []
    for value in values:
        text = "nothing" if _is_missing(value) else repr(_shown(field, str(value)))
        if text not in said:
            said.append(text)
        if len(said) == EXAMPLES:
            break
    return ", ".join(said)


def shape(text: str) -> str:
    """Letters as `a` or `A`, digits as `9`, everything else as it is unless it could do harm: `Bob-17` is `Aaa-99`."""
    return _cut("".join(_mask(c) for c in text[: LONGEST + 1]))


def _shown(field: Field, value: str) -> str:
    if field.pii is not Pii.NONE:
        return shape(value)
    return _cut("".join(c if c.isprintable() else "?" for c in value[: LONGEST + 1]))


def _mask(character: str) -> str:
    if character.isdigit():
        return "9"
    if character.isalpha() or unicodedata.category(character).startswith("M"):
        return "A" if character.isupper() else "a"
    return character if character.isascii() and character.isprintable() else "?"


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _is_missing(value: object) -> bool:
    return value is None or value != value  # noqa: PLR0124  # NaN is what pandas says for missing
