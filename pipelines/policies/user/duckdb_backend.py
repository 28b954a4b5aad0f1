"""pySigma's conditions as DuckDB expressions over `core__activity`: names mapped, lists by membership, strings without case.

Only conditions: what is counted over time is `correlation`'s. Published DuckDB backends ignore the time span.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from sigma.conversion.base import TextQueryBackend
from sigma.types import SigmaCompareExpression, SigmaString

from pipelines.contracts import contract
from pipelines.contracts.table import Dtype
from pipelines.errors import UsageError

TABLE = contract("core__activity")
LISTS = frozenset(f.name for f in TABLE.all_fields if f.dtype is Dtype.STRINGS)
STRINGS = frozenset(f.name for f in TABLE.all_fields if f.dtype is Dtype.STRING)

#: Names that rules written for other products use, and ours. Every column of `core__activity` may be named directly.
FIELDS: Mapping[str, str] = MappingProxyType(
    {
        "event.action": "activity_name", "event.outcome": "status", "user.id": "actor_user_uid", "user.name": "actor_user_name",
        "user.effective.name": "effective_user_name", "user.department": "department", "user.is_privileged": "is_privileged",
        "user.is_external": "is_external", "user.is_integration": "is_integration", "user.is_active": "is_account_active",
        "user.is_impersonated": "is_impersonated", "session.id": "session_uid", "source.ip": "src_ip", "ip.address": "src_ip",
        "ip.tags": "ip_categories", "ip.asn": "asn", "ip.org": "as_org", "geo.country": "country", "geo.city": "city",
        "user_agent.original": "user_agent", "user_agent.name": "agent_family", "os.name": "os_family", "device.id": "device_key",
        "file.name": "resource_name", "file.size": "bytes", "record.table": "parent_table", "record.id": "resource_uid",
        "resource.type": "resource_type", "resource.name": "resource_name", "@timestamp": "time", "timestamp": "time",
    }
)  # fmt: skip


def column_of(field: str) -> str:
    """Our column for a rule's field; raises `UsageError` naming the nearest that there is."""
    name = FIELDS.get(field, field)
    if name not in TABLE.columns:
        import difflib

        near = difflib.get_close_matches(field, [*FIELDS, *TABLE.columns], n=1)
        hint = f"did you mean {near[0]}?" if near else "docs/reference/tables.md lists the columns of core__activity"
        raise UsageError(f"there is no field {field}", remedy=hint)
    return name


class DuckDBBackend(TextQueryBackend):
    """One boolean expression per rule."""

    name: ClassVar[str] = "nowguard activities in DuckDB"
    formats: ClassVar[dict[str, str]] = {"default": "boolean expressions"}
    parenthesize = True
    group_expression: ClassVar[str] = "({expr})"
    or_token: ClassVar[str] = "OR"  # noqa: S105
    and_token: ClassVar[str] = "AND"  # noqa: S105
    not_token: ClassVar[str] = "NOT"  # noqa: S105
    eq_token: ClassVar[str] = " = "  # noqa: S105
    field_quote: ClassVar[str] = '"'
    field_quote_pattern: ClassVar[re.Pattern[str]] = re.compile("^$")
    field_quote_pattern_negation: ClassVar[bool] = True
    str_quote: ClassVar[str] = "'"
    escape_char: ClassVar[str] = "\\"
    wildcard_multi: ClassVar[str] = "%"
    wildcard_single: ClassVar[str] = "_"
    add_escaped: ClassVar[str] = "\\"
    compare_op_expression: ClassVar[str] = "coalesce({field} {operator} {value}, false)"
    compare_operators: ClassVar[dict[Any, str]] = {
        SigmaCompareExpression.CompareOperators.LT: "<",
        SigmaCompareExpression.CompareOperators.LTE: "<=",
        SigmaCompareExpression.CompareOperators.GT: ">",
        SigmaCompareExpression.CompareOperators.GTE: ">=",
    }
    field_equals_field_expression: ClassVar[str] = "coalesce({field1} = {field2}, false)"
    field_null_expression: ClassVar[str] = "{field} IS NULL"
    field_exists_expression: ClassVar[str] = "{field} IS NOT NULL"
    field_not_exists_expression: ClassVar[str] = "{field} IS NULL"

    def escape_and_quote_field(self, field: str) -> str:
        return f'"{column_of(field)}"'

    def convert_condition_field_eq_val_str(self, cond: Any, state: Any) -> str:
        return self._matches(cond.field, cond.value, cased=False)

    def convert_condition_field_eq_val_str_case_sensitive(self, cond: Any, state: Any) -> str:
        return self._matches(cond.field, cond.value, cased=True)

    def convert_condition_field_eq_val_num(self, cond: Any, state: Any) -> str:
        column = column_of(cond.field)
        value = f"'{cond.value}'" if column in STRINGS else str(cond.value)
        return f'coalesce("{column}" = {value}, false)'

    def convert_condition_field_eq_val_bool(self, cond: Any, state: Any) -> str:
        return f'coalesce("{column_of(cond.field)}" = {str(cond.value.boolean).lower()}, false)'

    def convert_condition_field_eq_val_re(self, cond: Any, state: Any) -> str:
        flags = "".join(sorted(flag.name.lower()[0] for flag in cond.value.flags))
        pattern = str(cond.value.regexp).replace("'", "''")
        return f"coalesce(regexp_matches({self.escape_and_quote_field(cond.field)}, '{f'(?{flags})' if flags else ''}{pattern}'), false)"

    def convert_condition_val_str(self, cond: Any, state: Any) -> str:
        raise UsageError(
            "a keyword without a field cannot be searched for", remedy="name a field, e.g. resource_name|contains"
        )

    convert_condition_val_num = convert_condition_val_re = convert_condition_val_str

    def _matches(self, field: str, value: SigmaString, *, cased: bool) -> str:
        """Sigma compares without case; a list matches where one of its members does. NULL never matches."""
        column = column_of(field)
        pattern = self._like(value)
        plain = str(value).replace("'", "''") if not value.contains_special() else None
        if column in LISTS:
            if plain is not None:
                return f"coalesce(list_contains(\"{column}\", '{plain if cased else plain.lower()}'), false)"
            return (
                f"len(list_filter(coalesce(\"{column}\", []), lambda member: member LIKE '{pattern}' ESCAPE '\\')) > 0"
            )
        if column not in STRINGS:
            raise UsageError(f"{field} is no text", remedy="compare it with a number, true or false, or use |gt, |lt")
        if plain is not None:
            return (
                f"coalesce(\"{column}\" = '{plain}', false)"
                if cased
                else f"coalesce(lower(\"{column}\") = lower('{plain}'), false)"
            )
        return f"coalesce(\"{column}\" {'LIKE' if cased else 'ILIKE'} '{pattern}' ESCAPE '\\', false)"

    def _like(self, value: SigmaString) -> str:
        return str(value.convert("\\", "%", "_", "\\%_")).replace("'", "''")
