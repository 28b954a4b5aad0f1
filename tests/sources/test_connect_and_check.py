"""Connecting once, checking at any time, and what each release means."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from pydantic import SecretStr

from pipelines.contracts import sources
from pipelines.errors import AccessDenied, UsageError
from pipelines.sources.servicenow import RELEASES, check, connect, release_of, stored_token
from pipelines.sources.servicenow.query import term
from tests.sources.conftest import QUICK, connection_to, ids, read
from tests.sources.instance import Instance, log_rows

TABLES = tuple(sources()[name] for name in ("sysevent", "sys_user", "sys_audit", "sys_properties"))
ORDER = (
    "Eureka", "Fuji", "Geneva", "Helsinki", "Istanbul", "Jakarta", "Kingston", "London", "Madrid", "New York", "Orlando", "Paris",
    "Quebec", "Rome", "San Diego", "Tokyo", "Utah", "Vancouver", "Washington DC", "Xanadu", "Yokohama", "Zurich", "Australia", "Brazil",
)  # fmt: skip


def test_connect_keeps_a_refresh_token_and_no_password(instance: Instance, tmp_path: Path) -> None:
    path = tmp_path / "tokens" / "acme.json"
    connect(connection_to(instance), path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "pass-canary" not in path.read_text()
    token = stored_token(path)
    assert token is not None
    later = connection_to(instance, password=None, refresh_token=token)
    assert len(ids(read(instance, tmp_path / "spool", connection=later)["sysevent"])) == 100


def test_connect_refuses_grants_that_have_no_refresh_token(instance: Instance, tmp_path: Path) -> None:
    for auth in ("basic", "oauth_client_credentials"):
        with pytest.raises(UsageError):
            connect(connection_to(instance, auth=auth), tmp_path / "t.json")


def test_without_a_stored_token_there_is_none_and_a_foreign_file_is_an_error(tmp_path: Path) -> None:
    assert stored_token(tmp_path / "none.json") is None
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(UsageError):
        stored_token(tmp_path / "bad.json")


def test_a_refused_refresh_token_says_to_connect_again(instance: Instance, tmp_path: Path) -> None:
    with pytest.raises(AccessDenied) as raised:
        read(instance, tmp_path, connection=connection_to(instance, password=None, refresh_token=SecretStr("ended")))
    assert "nowguard connect" in raised.value.remedy


def test_check_says_what_is_connected_readable_missing_and_blind(instance: Instance) -> None:
    instance.columns_hidden.add("parm2")
    instance.denied.add("sys_user")
    instance.rows["sys_properties"] = [
        {"sys_id": "f" * 32, "name": "glide.buildtag.last", "value": "glide-washingtondc-12-20-2023__patch4-05-20-2024"}
    ]
    report = check(connection_to(instance), TABLES, pace=QUICK)
    assert (report.connected, report.verdict, report.exit_code) == (True, "Connected", 0)
    assert report.release is not None
    assert report.release.name == "Washington DC"
    states = {t.table: t for t in report.tables}
    assert (states["sysevent"].state, states["sysevent"].missing_columns) == ("ok", ("parm2",))
    assert (states["sys_user"].state, states["sys_audit"].state) == ("denied", "missing")
    assert [line.split(":")[0] for line in report.blind] == ["sysevent", "sys_user", "sys_audit", "sys_properties"]
    assert any("token has" in warning for warning in report.warnings)
    assert report.ranges_work is True
    assert report.skew_seconds is not None


def test_check_says_that_ranges_are_refused_and_that_all_rows_are_hidden(instance: Instance) -> None:
    instance.refuses_ranges = {"sys_created_on"}
    instance.hidden["sys_user"] = lambda row: True
    report = check(connection_to(instance), TABLES, pace=QUICK)
    assert report.ranges_work is False
    assert any("query_range" in warning for warning in report.warnings)
    assert {t.table: t.state for t in report.tables}["sys_user"] == "denied"


def test_check_of_a_wrong_secret_or_address_reports_and_does_not_raise(instance: Instance) -> None:
    wrong = check(connection_to(instance, client_secret=SecretStr("wrong")), TABLES, pace=QUICK)
    assert (wrong.connected, wrong.exit_code) == (False, 3)
    assert "Not connected" in wrong.verdict
    assert instance.token_calls <= 2
    dead = check(connection_to(instance, url="http://127.0.0.1:9"), TABLES, pace=QUICK)
    assert (dead.connected, dead.exit_code) == (False, 4)
    assert "canary" not in repr(wrong) + repr(dead)


def test_every_release_from_eureka_on_has_its_row_in_order() -> None:
    assert tuple(r.name for r in RELEASES) == ORDER


@pytest.mark.parametrize("release", RELEASES, ids=lambda r: r.name)
def test_each_release_is_known_by_its_build_tag_and_readable_with_its_semantics(
    release, instance: Instance, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    tag = f"glide-{release.name.lower().replace(' ', '')}-07-06-2023__patch4-hotfix1-10-03-2023"
    assert release_of(tag) is release
    instance.version = release.api_version
    instance.rows["sysevent"] = log_rows(45)
    for auth in release.grants:
        got = read(instance, tmp_path / auth, connection=connection_to(instance, auth=auth))["sysevent"]
        assert (got.state, got.rows) == ("ok", 45)
    assert ("oauth_client_credentials" in release.grants) == (ORDER.index(release.name) >= ORDER.index("Washington DC"))
    assert release.api_version == (1 if release.name == "Eureka" else 2)
    assert release.has_http_status == (ORDER.index(release.name) >= ORDER.index("Australia"))


def test_an_unknown_build_is_no_release() -> None:
    assert release_of("") is None
    assert release_of("glide-atlantis-01-01-2031") is None
    assert release_of("Fiji") is RELEASES[1]


@pytest.mark.parametrize("value", ["javascript:gs.getUserID()", "a,JavaScript:x", "line\nbreak"])
def test_a_query_value_that_the_server_would_evaluate_is_refused(value: str) -> None:
    with pytest.raises(UsageError):
        term("name", "=", value)


def test_a_query_value_cannot_become_an_operator_or_a_column() -> None:
    assert term("name", "=", "a^NQactive=true") == "name=a^^NQactive=true"
    for column in ("name^ORactive", "name\n", "Name", "a..b", ""):
        with pytest.raises(UsageError):
            term(column, "=", "x")
    with pytest.raises(UsageError):
        term("name", "LIKE", "x")


def test_the_token_file_survives_a_json_round_trip(instance: Instance, tmp_path: Path) -> None:
    connect(connection_to(instance), tmp_path / "t.json")
    assert json.loads((tmp_path / "t.json").read_text())["url"] == instance.url
