"""The second judge of how accounts are logged in to and whether they are used."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from hypothesis import strategies as st

from tests.posture.oracle import Answer, all_of, counted, doubtful, few, is_on, state
from tests.posture.oracle_accounts import ROLES, roles_of
from tests.posture.oracle_privileges import RULERS
from tests.posture.world import DAY, Row, World

_PERSON = ("sys_id", "active", "web_service_access_only", "internal_integration_user")
_FACTORS = {"user_multifactor_auth": ("user", "validated")}
_RULERS = {**ROLES, **_FACTORS, "sys_user": (*_PERSON, "source")}
_BYPASS = {**_FACTORS, "sys_user": (*_PERSON, "source", "enable_multifactor_authn")}
_USED = {"sys_user": (*_PERSON, "last_login_time", "sys_created_on")}
_PENDING = {"sys_user": ("sys_id", "active", "password_needs_reset", "sys_updated_on")}
_PENDING_SINCE = {"sys_user": (*_PENDING["sys_user"], "sys_created_on")}
Offends = Callable[[World, Row], bool]


def _text(row: Row, column: str) -> str:
    return str(row.get(column) or "").strip()


def _day(row: Row, column: str) -> date | None:
    text = _text(row, column)[:10]
    return date.fromisoformat(text) if text else None


def _before(row: Row, column: str, world: World, days: int, unknown: bool) -> bool:
    """Whether the moment lies at least so many days back; `unknown` where there is none."""
    moment = _day(row, column)
    return unknown if moment is None else world.day - moment >= timedelta(days=days)


def _is_person(row: Row) -> bool:
    service = is_on(row.get("web_service_access_only")) or is_on(row.get("internal_integration_user"))
    return is_on(row.get("active")) and not service


def _has_factor(world: World, row: Row) -> bool:
    return any(f["user"] == row["sys_id"] and is_on(f.get("validated")) for f in world.of("user_multifactor_auth"))


def _rules_without(world: World, row: Row) -> bool:
    return _is_person(row) and bool(roles_of(world, row["sys_id"]) & RULERS) and not _has_factor(world, row)


def _bypasses(world: World, row: Row) -> bool:
    begun = any(f["user"] == row["sys_id"] for f in world.of("user_multifactor_auth"))
    asked = begun or is_on(row.get("enable_multifactor_authn"))
    return _is_person(row) and not _text(row, "source") and asked and not _has_factor(world, row)


def _sleeps(world: World, row: Row) -> bool:
    if not _is_person(row):
        return False
    if _day(row, "last_login_time") is None:
        return _before(row, "sys_created_on", world, 30, unknown=True)
    return _before(row, "last_login_time", world, 180, unknown=False)


def _is_pending(row: Row) -> bool:
    return is_on(row.get("active")) and is_on(row.get("password_needs_reset"))


def _failed(row: Row) -> bool:
    text = _text(row, "failed_attempts")
    return text.isdigit() and int(text) >= 3


def _idle(world: World, row: Row) -> bool:
    long_ago = _before(row, "last_login_time", world, 180, unknown=True)
    old = _before(row, "sys_created_on", world, 30, unknown=True)
    return _is_person(row) and long_ago and old and not roles_of(world, row["sys_id"])


def _users(world: World, offends: Offends) -> Callable[[], list[object]]:
    return lambda: [row["sys_id"] for row in world.of("sys_user") if offends(world, row)]


def _long_pending(world: World, row: Row) -> bool:
    return _is_pending(row) and _before(row, "sys_updated_on", world, 7, unknown=False)


def _perhaps_long(world: World, row: Row) -> bool:
    recent = not _before(row, "sys_updated_on", world, 7, unknown=False)
    return _is_pending(row) and recent and _before(row, "sys_created_on", world, 7, unknown=True)


def _d6(world: World) -> Answer:
    reads = {"sys_user": ("sys_id", "active", "internal_integration_user", "web_service_access_only")}

    def offends(_: World, row: Row) -> bool:
        is_service = is_on(row.get("active")) and is_on(row.get("internal_integration_user"))
        return is_service and not is_on(row.get("web_service_access_only"))

    return few(world, reads, _users(world, offends))


def _d9(world: World) -> Answer:
    local = few(
        world,
        _RULERS,
        _users(world, lambda w, row: _rules_without(w, row) and not _text(row, "source")),
        acquitting=("user_multifactor_auth",),
    )
    elsewhere = _users(world, lambda w, row: _rules_without(w, row) and bool(_text(row, "source")))
    return all_of(local, doubtful(world, _RULERS, elsewhere))


def _d14(world: World) -> Answer:
    certain = few(world, _PENDING, _users(world, _long_pending))
    return all_of(certain, doubtful(world, _PENDING_SINCE, _users(world, _perhaps_long)))


def _d15(world: World) -> Answer:
    def offends(_: World, row: Row) -> bool:
        return is_on(row.get("active")) and (is_on(row.get("locked_out")) or _failed(row))

    return few(world, {"sys_user": ("sys_id", "active", "locked_out", "failed_attempts")}, _users(world, offends))


ORACLES: dict[str, Callable[[World], str]] = {
    "D6": lambda world: state(_d6(world)),
    "D9": lambda world: state(_d9(world)),
    "D10": lambda world: state(few(world, _BYPASS, _users(world, _bypasses), acquitting=("user_multifactor_auth",))),
    "D13": lambda world: state(few(world, _USED, _users(world, _sleeps))),
    "D14": lambda world: state(_d14(world)),
    "D15": lambda world: state(_d15(world)),
    "D16": lambda world: state(few(world, {**ROLES, **_USED}, _users(world, _idle), acquitting=tuple(ROLES))),
    "D17": lambda world: state(counted(world, "directory_account_with_password", at_most=0)),
}
TABLES = ("posture_count", "sys_user", "user_multifactor_auth")
_READ = {*_RULERS["sys_user"], *_BYPASS["sys_user"], *_USED["sys_user"], *_PENDING_SINCE["sys_user"], "failed_attempts"}
COLUMNS = (*(("sys_user", column) for column in sorted(_READ)), ("user_multifactor_auth", "validated"))

_SWITCH = ("true", "true", "false", "1", "", None)
_DAYS = {
    "last_login_time": ("", None, *(f"{DAY - timedelta(days=n)} 10:00:00" for n in (3, 179, 180, 400))),
    "sys_created_on": ("", *(f"{DAY - timedelta(days=n)} 10:00:00" for n in (2, 6, 7, 29, 30, 900))),
    "sys_updated_on": ("", None, *(f"{DAY - timedelta(days=n)} 10:00:00" for n in (0, 6, 7, 60))),
    "failed_attempts": ("", None, "0", "2", "3", "40", "many"),
    "source": ("", None, "ldap:CN=Ann"),
}
#: Mostly people whose account is on: what is asked of people says nothing of the others.
_SWITCHES = {
    "active": ("true", "true", "true", "1", "false"),
    "web_service_access_only": ("false", "false", "", None, "true"),
    "internal_integration_user": ("false", "false", "", None, "true"),
    "enable_multifactor_authn": _SWITCH,
    "password_needs_reset": _SWITCH,
    "locked_out": ("false", "false", "", "true"),
}


def drawn_rows() -> st.SearchStrategy[dict[str, tuple[Row, ...]]]:
    """No, one or two people, each column drawn on its own; one may rule the instance, both may have a second factor."""
    columns = {**_SWITCHES, **_DAYS}
    people = [
        st.fixed_dictionaries({"sys_id": st.just(uid), **{c: st.sampled_from(v) for c, v in columns.items()}})
        for uid in ("v0", "v1")
    ]
    factor = st.fixed_dictionaries({"user": st.sampled_from(("v0", "v1")), "validated": st.sampled_from(_SWITCH)})
    answer = st.sampled_from((0, 0, 3, None))
    return st.fixed_dictionaries(
        {
            "sys_user": st.lists(st.one_of(people), max_size=2, unique_by=lambda row: row["sys_id"]).map(tuple),
            "user_multifactor_auth": st.lists(factor, max_size=2).map(tuple),
            "sys_user_has_role": st.lists(st.just({"user": "v0", "role": "r0", "state": "active"}), max_size=1).map(
                tuple
            ),
            "posture_count": answer.map(lambda n: ({"question": "directory_account_with_password", "rows": n},)),
        }
    )
