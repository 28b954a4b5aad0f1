"""`sys_dictionary` and `sys_choice` as the instance would describe its own tables; made from the schema."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

import polars as pl

from pipelines.emulator.schema import TableSchema

_LENGTHS = {
    "boolean": "40",
    "integer": "40",
    "glide_date_time": "40",
    "due_date": "40",
    "glide_date": "40",
    "journal": "4000",
}
_TYPES = {"choice": "string", "journal": "journal_input"}
GUID_LENGTH, TEXT_LENGTH = "32", "255"


def dictionary_rows(schemas: Iterable[TableSchema], created: str) -> pl.DataFrame:
    """One row per table (type `collection`, empty `element`) and one per column."""
    return pl.DataFrame([row for schema in schemas for row in _columns(schema, created)])


def choice_rows(schemas: Iterable[TableSchema], created: str) -> pl.DataFrame:
    return pl.DataFrame([
        {"sys_id": _id(schema.name, column, value), "name": schema.name, "element": column, "value": value, "label": label,
         "inactive": "false", "language": "en", "sys_created_on": created, "sys_updated_on": created}
        for schema in schemas for column, labels in schema.choices.items() for value, label in labels.items()
    ])  # fmt: skip


def _columns(schema: TableSchema, created: str) -> Iterator[dict[str, str]]:
    base = {
        "name": schema.name,
        "active": "true",
        "mandatory": "false",
        "sys_created_on": created,
        "sys_updated_on": created,
    }
    yield {**base, "sys_id": _id(schema.name), "element": "", "internal_type": "collection", "column_label": _label(schema.name),
           "max_length": "40", "reference": "", "read_only": "false", "display": "false"}  # fmt: skip
    for column in schema.columns:
        kind, target = schema.type_of(column), schema.reference(column) or ""
        internal = "reference" if target else "GUID" if column == "sys_id" else _TYPES.get(kind, kind)
        yield {
            **base, "sys_id": _id(schema.name, column), "element": column, "internal_type": internal, "column_label": _label(column),
            "max_length": GUID_LENGTH if target or column == "sys_id" else _LENGTHS.get(kind, TEXT_LENGTH), "reference": target,
            "read_only": str(column.startswith("sys_")).lower(), "display": str(column == schema.display).lower(),
        }  # fmt: skip


def _label(name: str) -> str:
    return name.removeprefix("sys_").replace("_", " ").capitalize()


def _id(*parts: str) -> str:
    return hashlib.sha256("dictionary:{}".format(":".join(parts)).encode()).hexdigest()[:32]
