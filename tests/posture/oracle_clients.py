"""The second judge of address ranges, access policies of APIs and OAuth clients, with Python's own idea of an address."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from ipaddress import AddressValueError, IPv4Address

from hypothesis import strategies as st

from tests.posture.oracle import Answer, all_of, doubtful, enough, few, is_on, state
from tests.posture.world import DAY, Row, World

_RANGES = {"ip_access": ("sys_id", "active", "type", "range_start", "range_end")}
_POLICY = ("sys_id", "active", "rest_api")
_APIS = {"sys_ws_definition": ("sys_id", "name", "service_id", "active"), "sys_api_access_policy": _POLICY}
_CLIENT = ("sys_id", "type", "active")
_LIVES = {"oauth_entity": (*_CLIENT, "access_token_lifespan", "refresh_token_lifespan")}
_USED = {"oauth_entity": (*_CLIENT, "sys_created_on"), "oauth_credential": ("peer", "sys_created_on", "sys_updated_on")}
_TOKENS = {"oauth_credential": ("sys_id", "expires", "sys_updated_on")}


def _text(row: Row, column: str) -> str:
    return str(row.get(column) or "").strip()


def _address(text: str) -> int | None:
    try:
        return int(IPv4Address(text))
    except AddressValueError:
        return None


def _sizes(world: World) -> dict[object, int | None]:
    """Addresses from the first to the last, by range; None where they cannot be counted."""
    found: dict[object, int | None] = {}
    for row in world.of("ip_access"):
        if not is_on(row.get("active")) or _text(row, "type").lower() == "deny":
            continue
        first = _address(_text(row, "range_start"))
        last = _address(_text(row, "range_end") or _text(row, "range_start"))
        found[row["sys_id"]] = None if first is None or last is None or last < first else last - first + 1
    return found


def _d40(world: World) -> Answer:
    wide = few(
        world, _RANGES, lambda: [uid for uid, size in _sizes(world).items() if size is not None and size > 65_536]
    )
    return all_of(wide, doubtful(world, _RANGES, lambda: [uid for uid, size in _sizes(world).items() if size is None]))


def _covered(world: World) -> set[str]:
    return {_text(p, "rest_api").lower() for p in world.of("sys_api_access_policy") if is_on(p.get("active"))}


def _d41(world: World) -> Answer:
    def without() -> list[object]:
        living = [api for api in world.of("sys_ws_definition") if is_on(api.get("active"))]
        return [
            a["sys_id"] for a in living if not {str(a.get(c)).lower() for c in ("name", "service_id")} & _covered(world)
        ]

    def is_table_api(policy: Row) -> bool:
        return is_on(policy.get("active")) and _text(policy, "rest_api").lower() in {"table api", "now/table"}

    table_api = enough(world, "sys_api_access_policy", _POLICY, is_table_api, is_optional=True)
    return all_of(table_api, few(world, _APIS, without, acquitting=("sys_api_access_policy",)))


def _clients(world: World) -> list[Row]:
    return [c for c in world.of("oauth_entity") if is_on(c.get("active")) and c.get("type") == "client"]


def _is_bounded(text: str, most: int) -> bool:
    return text.isdigit() and 1 <= int(text) <= most


def _day(row: Row, column: str) -> date | None:
    return date.fromisoformat(_text(row, column)[:10]) if _text(row, column) else None


def _is_fresh(world: World, token: Row) -> bool:
    days = [_day(token, "sys_updated_on"), _day(token, "sys_created_on")]
    return any(day is not None and world.day - day < timedelta(days=90) for day in days)


def _long_lived(world: World) -> Iterable[object]:
    for client in _clients(world):
        access, refresh = _text(client, "access_token_lifespan"), _text(client, "refresh_token_lifespan")
        if not (_is_bounded(access, 86_400) and _is_bounded(refresh, 8_640_000)):
            yield client["sys_id"]


def _unused(world: World) -> Iterable[object]:
    used = {token["peer"] for token in world.of("oauth_credential") if _is_fresh(world, token)}
    for client in _clients(world):
        made = _day(client, "sys_created_on")
        is_old = made is None or world.day - made >= timedelta(days=90)
        if is_old and client["sys_id"] not in used:
            yield client["sys_id"]


def _sharing(world: World) -> Iterable[object]:
    owners = Counter(str(client.get("user") or "") for client in _clients(world))
    return [c["sys_id"] for c in _clients(world) if _text(c, "user") and owners[str(c["user"])] > 1]


def _stale(world: World) -> Iterable[object]:
    for token in world.of("oauth_credential"):
        ends, changed = _day(token, "expires"), _day(token, "sys_updated_on")
        untouched = changed is None or world.day - changed >= timedelta(days=90)
        if ends is None or (ends >= world.day and untouched):
            yield token["sys_id"]


def _d42(world: World) -> Answer:
    def wildcards() -> list[object]:
        return [client["sys_id"] for client in _clients(world) if "*" in _text(client, "redirect_url")]

    return all_of(
        few(world, _LIVES, lambda: _long_lived(world)),
        few(world, {"oauth_entity": (*_CLIENT, "redirect_url")}, wildcards),
        few(world, _USED, lambda: _unused(world), acquitting=("oauth_credential",)),
        few(world, {"oauth_entity": (*_CLIENT, "user")}, lambda: _sharing(world)),
        few(world, _TOKENS, lambda: _stale(world)),
    )


ORACLES: dict[str, Callable[[World], str]] = {
    "D40": lambda world: state(_d40(world)),
    "D41": lambda world: state(_d41(world)),
    "D42": lambda world: state(_d42(world)),
}
TABLES = ("ip_access", "oauth_credential", "oauth_entity", "sys_api_access_policy", "sys_ws_definition")
COLUMNS = (
    ("ip_access", "range_end"), ("sys_api_access_policy", "rest_api"), ("sys_ws_definition", "service_id"), ("oauth_credential", "expires"),
    *(("oauth_entity", c) for c in (*_LIVES["oauth_entity"], "redirect_url", "user", "sys_created_on")),
)  # fmt: skip

_SWITCH = ("true", "true", "1", "false", "", None)
_MOMENTS = ("", None, *(f"{DAY - timedelta(days=n)} 08:00:00" for n in (-400, 0, 1, 89, 90, 91, 500)))
_COLUMNS: Mapping[str, Mapping[str, tuple[str | None, ...]]] = {
    "ip_access": {
        "active": _SWITCH,
        "type": ("allow", "allow", "deny", "", None),
        "range_start": ("10.0.0.0", "10.0.0.0", "10.0.0.0", "198.51.100.7", "2001:db8::", "10.1.0.256", "", None),
        "range_end": ("10.0.255.255", "10.1.0.0", "10.1.0.0", "10.0.0.9", "198.51.100.7", "2001:db8::ff", "", None),
    },
    "sys_ws_definition": {
        "name": ("Orders", "orders api"), "service_id": ("orders", "ORD"), "active": _SWITCH,
    },
    "sys_api_access_policy": {
        "active": _SWITCH, "rest_api": ("Table API", "now/table", "orders", "Orders", " ", None),
    },
    "oauth_entity": {
        "active": ("true", "true", "false"),
        "type": ("client", "client", "oauth_provider", None),
        "access_token_lifespan": ("1800", "86400", "86401", "0", "", None, "for ever"),
        "refresh_token_lifespan": ("8640000", "8640000", "8640001", "-5", None),
        "redirect_url": ("", None, "https://app.example/back", "https://*.example"),
        "user": ("", None, "v0", "v0"),
        "sys_created_on": _MOMENTS,
    },
    "oauth_credential": {
        "peer": ("oauth_entity-0", "oauth_entity-1"), "expires": _MOMENTS, "sys_created_on": _MOMENTS, "sys_updated_on": _MOMENTS,
    },
}  # fmt: skip


def drawn_rows() -> st.SearchStrategy[dict[str, tuple[Row, ...]]]:
    """Up to two rows of each table, each column drawn on its own."""

    def row(table: str, number: int) -> st.SearchStrategy[Row]:
        values = {column: st.sampled_from(samples) for column, samples in _COLUMNS[table].items()}
        return st.fixed_dictionaries(values).map(lambda drawn: {**drawn, "sys_id": f"{table}-{number}"})

    def rows(table: str) -> st.SearchStrategy[tuple[Row, ...]]:
        return st.one_of(st.just(()), st.tuples(row(table, 0)), st.tuples(row(table, 0), row(table, 1)))

    return st.fixed_dictionaries({table: rows(table) for table in _COLUMNS})
