"""Data leaving: mass downloads, archives, exports, API reads, and slow copying."""

from __future__ import annotations

import numpy as np

from pipelines.emulator.organisation import devices
from pipelines.emulator.organisation.act import Act
from pipelines.emulator.organisation.scenarios.policy_ids import EXPORT, MASS, UNUSUAL
from pipelines.emulator.organisation.script import Scene


def _even(begin: int, seconds: float, count: int) -> list[int]:
    return [int(time) for time in begin + np.linspace(0, seconds, count, endpoint=False)]


def _burst(act: Act) -> None:
    (user,) = act.cast(presence="working")
    begin, end = act.shift(user)
    at = (begin + end) // 2
    visit = act.visit(user, at - 60, act.home_address(user), pages=4, minutes=1)
    visit.read(_even(at, 50, 85), act.pick(85, at))


def _over_the_minute(act: Act) -> None:
    """54 within 58 seconds, 27 on either side of a full minute."""
    (user,) = act.cast(presence="office")
    begin, _ = act.shift(user)
    at = (begin + 1800) // 60 * 60 - 29
    act.visit(user, at - 120, act.office_address(user), pages=3, minutes=1).read(_even(at, 58, 54), act.pick(54, at))


def _over_midnight(act: Act) -> None:
    (user,) = act.cast()
    at = act.utc(24) - 28
    act.visit(user, at - 300, act.home_address(user), pages=3, minutes=3).read(_even(at, 56, 58), act.pick(58, at))


def _through_the_api(act: Act) -> None:
    (user,) = act.cast(presence="working")
    begin, _ = act.shift(user)
    visit = act.visit(user, begin + 900, act.home_address(user), devices.SCRIPT[0], way="token", pages=0)
    visit.read(_even(begin + 900, 45, 95), act.pick(95, begin), way="api")


def _archives(act: Act) -> None:
    (user,) = act.cast(presence="working")
    begin, _ = act.shift(user)
    visit = act.visit(user, begin + 1500, act.home_address(user), pages=4, minutes=2)
    for nth in range(18):
        record = act.company.records.sys_id[int(act.company.records.draw(act.rng, "change_request", 1)[0])]
        visit.request(
            begin + 1700 + 50 * nth, f"/download_all_attachments.do?sysparm_sys_id={record}", "other",
            int(act.rng.integers(40_000_000, 300_000_000)),
        )  # fmt: skip


def _huge_exports(act: Act) -> None:
    (user,) = act.cast(presence="working")
    begin, _ = act.shift(user)
    visit = act.visit(user, begin + 600, act.home_address(user), pages=5, minutes=4)
    for nth, (table, form) in enumerate(
        (("sys_user", "CSV"), ("incident", "EXCEL"), ("ast_contract", "XML"), ("sn_hr_core_case", "CSV"))
    ):
        visit.export(begin + 900 + 240 * nth, table, form, int(act.rng.integers(45_000_000, 120_000_000)))


def _in_an_hour(act: Act) -> None:
    (user,) = act.cast(presence="working")
    begin, _ = act.shift(user)
    visit = act.visit(user, begin + 300, act.home_address(user), pages=6, minutes=40)
    visit.read(_even(begin + 400, 3000, 75), act.pick(75, begin))


def _at_night(act: Act) -> None:
    (user,) = act.cast()
    at = act.local(user, 2.2)
    visit = act.visit(user, at, act.home_address(user), pages=5, minutes=50)
    visit.read(_even(at + 120, 3300, 46), act.pick(46, at))


def _slowly(act: Act) -> None:
    (user,) = act.cast()
    for day in range(act.scene.days):
        at = act.local(user, 10 + act.rng.random() * 4, day)
        visit = act.visit(user, at, act.home_address(user), pages=6, minutes=180)
        visit.read(np.sort(at + act.rng.integers(60, 3 * 3600, 24)).tolist(), act.pick(24, at))


def _table_reads(act: Act) -> None:
    (user,) = act.cast()
    at = act.local(user, 20.5)
    visit = act.visit(user, at, act.home_address(user), devices.SCRIPT[0], way="token", pages=0)
    for nth in range(160):
        visit.request(
            at + 12 * nth,
            f"/api/now/table/sn_hr_core_case?sysparm_limit=1000&sysparm_offset={nth * 1000}",
            "rest",
            2_100_000,
        )


SCENES = (
    Scene("copy_burst", "attack", "easy", (MASS, UNUSUAL), "85 attachments in 50 seconds", _burst, last_night=True),
    Scene("copy_over_minute", "attack", "medium", (MASS, UNUSUAL), "54 attachments in 58 seconds around a full minute", _over_the_minute),
    Scene("copy_over_midnight", "attack", "medium", (MASS, UNUSUAL), "58 attachments in 56 seconds around midnight UTC", _over_midnight, days=2),
    Scene("copy_through_api", "attack", "hard", (MASS, UNUSUAL), "95 files in 45 seconds by a script: no attachment.read", _through_the_api),
    Scene("copy_archives", "attack", "hard", (UNUSUAL, MASS), "18 archives of all attachments of a record", _archives),
    Scene("copy_huge_exports", "attack", "hard", (UNUSUAL, EXPORT, MASS), "four exports of 45 MB and more", _huge_exports),
    Scene("copy_in_an_hour", "attack", "easy", (UNUSUAL,), "75 attachments within the hour, never more than two a minute", _in_an_hour, last_night=True),
    Scene("copy_at_night", "attack", "medium", (UNUSUAL,), "46 attachments at two in the morning", _at_night),
    Scene("copy_slowly", "attack", "expert", (UNUSUAL,), "24 attachments a day for six days", _slowly, days=6),
    Scene("copy_table_reads", "attack", "hard", (UNUSUAL, EXPORT), "336 MB of a table through the API in the evening", _table_reads),
)  # fmt: skip
