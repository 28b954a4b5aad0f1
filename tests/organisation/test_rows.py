"""The rows hang together: forms, references, joins, volumes, hours."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256

import polars as pl
import pytest

from pipelines.emulator.organisation import World, generate
from pipelines.emulator.organisation.assemble import LOGS
from pipelines.emulator.organisation.places import CITIES
from pipelines.emulator.organisation.scenarios import SCENES

UNKNOWN_ON_PURPOSE = {
    "system",
    "root",
    "test",
    "itil",
    "servicedesk",
    "backup",
    "oracle",
    "scanner",
    "info",
    "support1",
    "demo",
}


def test_every_column_is_text_and_never_null(world: World) -> None:
    for name, rows in world.tables.items():
        assert set(rows.dtypes) <= {pl.String}, name
        assert sum(rows.null_count().row(0)) == 0 if rows.height else True, name


def test_sys_ids_are_32_hex_digits_and_unique(world: World) -> None:
    for name, rows in world.tables.items():
        assert rows["sys_id"].n_unique() == rows.height, name
        assert rows["sys_id"].str.contains("^[0-9a-f]{32}$").all(), name


def test_logs_lie_inside_the_period_in_stored_time_form(world: World) -> None:
    for name in LOGS:
        times = world.tables[name]["sys_created_on"]
        if len(times):
            assert times.str.contains(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$").all()
            assert str(world.start) <= times.min(), name  # type: ignore[operator]
            assert times.max() < str(world.end), name  # type: ignore[operator]


def test_events_are_processed_five_to_thirty_seconds_after_they_were_raised(events: pl.DataFrame) -> None:
    updated = events["sys_updated_on"].str.to_datetime("%Y-%m-%d %H:%M:%S")
    delay = (updated - events["time"]).dt.total_seconds()
    assert (delay.min(), delay.max()) == (5, 30)


def test_every_user_exists_or_is_unknown_on_purpose(world: World) -> None:
    known = set(world.tables["sys_user"]["user_name"]) | UNKNOWN_ON_PURPOSE
    seen = set(world.tables["syslog_transaction"]["sys_created_by"]) | set(world.tables["sys_audit"]["user"])
    signed = world.tables["sysevent"].filter(
        pl.col("name").is_in(["login", "login.failed", "logout", "session.established"])
    )
    strangers = {name for name in seen | set(signed["parm1"]) if name not in known}
    assert all(name.endswith("@snc") for name in strangers), "only the vendor's hop logins have no account"


def test_accounts_people_refer_to_exist(world: World) -> None:
    users = world.tables["sys_user"]
    ids = set(users["sys_id"])
    assert set(users["manager"]) - {""} <= ids
    assert set(users["department"]) - {""} <= set(world.tables["cmn_department"]["sys_id"])
    assert set(world.tables["sys_user_has_role"]["user"]) <= ids
    assert set(world.tables["sys_user_has_role"]["role"]) <= set(world.tables["sys_user_role"]["sys_id"])
    assert {"admin", "nowguard.collector"} <= set(users["user_name"])
    assert users.filter(user_name="admin")["sys_id"].to_list() == ["6816f79cc0a8016401c5a33be04be441"]


def test_downloads_join_to_their_attachment_and_their_request(
    world: World, events: pl.DataFrame, requests: pl.DataFrame
) -> None:
    files = world.tables["sys_attachment"].select(
        file="sys_id", file_name="file_name", size="size_bytes", born="sys_created_on"
    )
    reads = events.filter(name="attachment.read").select("time", "user_name", "parm1", "instance")
    joined = reads.join(files, left_on="instance", right_on="file", how="left")
    assert joined["file_name"].null_count() == 0
    assert (joined["file_name"] == joined["parm1"]).all()
    fetched = requests.filter(pl.col("file").is_not_null()).select("file", "sys_created_by", "output_length", at="time")
    sizes = fetched.join(files, on="file", how="left")
    assert sizes["size"].null_count() == 0
    assert (sizes["output_length"] == sizes["size"]).all()
    pairs = reads.join(fetched, left_on=["instance", "user_name"], right_on=["file", "sys_created_by"])
    close = pairs.filter((pl.col("time") - pl.col("at")).abs() <= timedelta(seconds=30))
    assert (
        close.select("instance", "user_name", "time").n_unique()
        == reads.select("instance", "user_name", "time").n_unique()
    )


def test_nobody_reads_a_file_before_it_was_attached(world: World, requests: pl.DataFrame) -> None:
    born = world.tables["sys_attachment"].select(file="sys_id", born="sys_created_on")
    fetched = requests.filter(pl.col("file").is_not_null()).join(born, on="file")
    assert (fetched["sys_created_on"] >= fetched["born"]).all()


def test_contents_have_the_declared_size_and_hash(world: World) -> None:
    changed = {change.sys_id for change in world.changes if change.table == "sys_attachment"}
    rows = world.tables["sys_attachment"].filter(~pl.col("sys_id").is_in(list(changed))).sample(40, seed=3)
    for row in rows.iter_rows(named=True):
        content = world.attachments(row["sys_id"])
        assert (len(content), sha256(content).hexdigest()) == (int(row["size_bytes"]), row["hash"])


def test_an_unknown_attachment_has_no_content(world: World) -> None:
    with pytest.raises(KeyError):
        world.attachments("0" * 32)


def test_a_working_day_has_ten_to_fifteen_thousand_requests_and_a_weekend_a_third(requests: pl.DataFrame) -> None:
    days = requests.group_by(day=pl.col("time").dt.date()).len().with_columns(weekday=pl.col("day").dt.weekday())
    work = days.filter(pl.col("weekday") <= 5)["len"]
    rest = days.filter(pl.col("weekday") > 5)["len"]
    assert work.is_between(9_000, 16_000).all()
    assert rest.mean() < 0.4 * work.mean()  # type: ignore[operator]


def test_people_work_in_their_own_daytime(world: World, events: pl.DataFrame) -> None:
    """Logins of each office's staff peak between 7 and 17 local time."""
    staff = world.tables["sys_user"].filter(pl.col("sys_class_name") == "sys_user", pl.col("time_zone") != "")
    logins = events.filter(name="login").join(staff.select(parm1="user_name", zone="time_zone"), on="parm1")
    for city in CITIES[:8]:
        times = logins.filter(zone=city.zone)["time"].dt.replace_time_zone("UTC").dt.convert_time_zone(city.zone)
        assert times.dt.hour().is_between(6, 17).mean() > 0.8, city.name  # type: ignore[operator]


def test_some_rows_come_late_and_some_events_twice(world: World) -> None:
    for name in ("sysevent", "syslog_transaction"):
        late = world.tables[name].filter(pl.col("_visible_at") != "")
        assert 0.0005 < late.height / world.tables[name].height < 0.01
        assert (late["_visible_at"] > late["sys_created_on"]).all()
    twins = world.tables["sysevent"].filter(state="transferred")
    originals = world.tables["sysevent"].filter(state="processed").select("name", "parm1", "sys_created_on")
    assert twins.height > 5
    assert twins.join(originals, on=["name", "parm1", "sys_created_on"], how="anti").height == 0


def test_slow_tables_move_on_by_changes_that_touch_existing_rows(world: World) -> None:
    ids = {name: set(world.tables[name]["sys_id"]) for name in ("sys_user", "sys_attachment", "sys_properties")}
    for change in world.changes:
        if change.table in ids:
            assert change.sys_id in ids[change.table]
        else:
            assert change.table in {
                "sys_user_has_role",
                "sys_public",
                "sysevent_script_action",
            }  # grants, and what loosens
            assert change.values
    assert [change.at for change in world.changes] == sorted(change.at for change in world.changes)


def test_no_impersonation_is_logged_once_its_log_is_off() -> None:
    scenes = [scene for scene in SCENES if scene.name == "lights_out"]
    world = generate(seed=3, users=200, days=21, before=2, scenes=scenes)
    calm = generate(seed=3, users=200, days=21, before=2, scenes=())

    log_impersonation = world.tables["sys_properties"].filter(pl.col("name") == "glide.sys.log_impersonation")[
        "sys_id"
    ][0]
    switch = next(c for c in world.changes if c.sys_id == log_impersonation)
    is_late = pl.col("name").str.starts_with("impersonation.") & (
        pl.col("sys_created_on") > f"{switch.at:%Y-%m-%d %H:%M:%S}"
    )

    assert world.tables["sysevent"].filter(is_late).is_empty()
    assert calm.tables["sysevent"].filter(is_late).height > 0
