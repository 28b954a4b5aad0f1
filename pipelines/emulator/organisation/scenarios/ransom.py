"""Files destroyed or taken hostage, and bulk work that looks like it."""

from __future__ import annotations

from pipelines.emulator.organisation.act import Act
from pipelines.emulator.organisation.clock import moment
from pipelines.emulator.organisation.scenarios.policy_ids import DELETION, MASS, RANSOMWARE
from pipelines.emulator.organisation.script import Scene
from pipelines.emulator.organisation.visit import Visit


def _intruder(act: Act) -> tuple[int, Visit]:
    """A stolen account on its owner's line: only the behaviour gives it away."""
    (user,) = act.cast(presence="working")
    begin, _ = act.shift(user)
    return begin + 1200, act.visit(user, begin + 1100, act.home_address(user), pages=5, minutes=2)


def _encrypt(act: Act) -> None:
    at, visit = _intruder(act)
    for nth, (sys_id, name) in enumerate(act.stock(130, visit.user)):
        visit.upload(at + 3 * nth, "locked", 60_000, f"{name}.locked")
        visit.delete(at + 3 * nth + 1, sys_id)


def _rename(act: Act) -> None:
    at, visit = _intruder(act)
    for nth, (sys_id, name) in enumerate(act.stock(150, visit.user)):
        time = at + 2 * nth
        visit.event(time, "attachment.renamed", f"{name}.crypt", "incident", table="sys_attachment", instance=sys_id)
        visit.request(time, f"/sys_attachment.do?sysparm_target=rename&sysparm_value={sys_id}", "form", 800)
        act.change(time, "sys_attachment", sys_id, {"file_name": f"{name}.crypt", **_touched(time, visit)})


def _touched(time: int, visit: Visit) -> dict[str, str]:
    return {"sys_updated_on": moment(time), "sys_updated_by": visit.user, "sys_mod_count": "1"}


def _overwrite(act: Act) -> None:
    """The names stay, the contents change; no event is raised."""
    at, visit = _intruder(act)
    for nth, (sys_id, _) in enumerate(act.stock(90, visit.user)):
        time = at + 5 * nth
        visit.request(time, f"/api/now/table/sys_attachment/{sys_id}", "rest", 700)
        act.change(time, "sys_attachment", sys_id, {"hash": act.digest(sys_id, "taken"), **_touched(time, visit)})


def _slowly(act: Act) -> None:
    at, visit = _intruder(act)
    for nth, (sys_id, name) in enumerate(act.stock(96, visit.user)):
        visit.upload(at + 300 * nth, "locked", 40_000, f"{name}.enc")
        visit.delete(at + 300 * nth + 20, sys_id)


def _wipe(act: Act) -> None:
    at, visit = _intruder(act)
    for nth, (sys_id, _) in enumerate(act.stock(220, visit.user)):
        visit.delete(at + 2 * nth, sys_id)


def _spring_cleaning(act: Act) -> None:
    (user,) = act.cast(presence="office")
    begin, _ = act.shift(user)
    visit = act.visit(user, begin + 900, act.office_address(user), pages=10, minutes=50)
    for nth, (sys_id, _) in enumerate(act.stock(140, visit.user)):
        visit.delete(begin + 1200 + 15 * nth, sys_id)


def _migration(act: Act) -> None:
    """An administrator moves files to other records with a script at the weekend's eve."""
    (user,) = act.cast(where=act.company.people.admin)
    at = act.local(user, 18.5)
    visit = act.visit(
        user, at, act.address("datacentre", "Rotterdam", 3), "python-requests/2.32.5", way="token", pages=0
    )
    for nth, (sys_id, name) in enumerate(act.stock(200, visit.user)):
        visit.upload(at + 4 * nth, name.rpartition(".")[2], 50_000, name)
        visit.delete(at + 4 * nth + 2, sys_id)


def _locked_drawings(act: Act) -> None:
    (user,) = act.cast(presence="office")
    begin, _ = act.shift(user)
    visit = act.visit(user, begin + 600, act.office_address(user), pages=6, minutes=30)
    for nth in range(28):
        visit.upload(begin + 700 + 40 * nth, "locked", 200_000, f"assembly_{nth:03d}.locked")


def _conversion(act: Act) -> None:
    """Word files become PDFs before an audit."""
    (user,) = act.cast(presence="office")
    begin, _ = act.shift(user)
    visit = act.visit(user, begin + 600, act.office_address(user), pages=6, minutes=40)
    for nth, (sys_id, name) in enumerate(act.stock(55, visit.user)):
        visit.upload(begin + 700 + 30 * nth, "pdf", 90_000, f"{name.rpartition('.')[0]}.pdf")
        visit.delete(begin + 712 + 30 * nth, sys_id)


SCENES = (
    Scene("ransom_encrypt", "attack", "easy", (RANSOMWARE, DELETION), "130 files replaced by .locked copies in seven minutes", _encrypt, last_night=True),
    Scene("ransom_rename", "attack", "medium", (RANSOMWARE,), "150 files renamed in five minutes", _rename),
    Scene("ransom_overwrite", "attack", "hard", (RANSOMWARE,), "90 files overwritten in place, no event", _overwrite),
    Scene("ransom_slowly", "attack", "expert", (RANSOMWARE, DELETION), "twelve files an hour for eight hours", _slowly, days=2),
    Scene("ransom_wipe", "attack", "easy", (RANSOMWARE, DELETION), "220 files deleted in seven minutes", _wipe),
    Scene("spring_cleaning", "benign", "medium", (DELETION,), "the owner deletes 140 old files of their own", _spring_cleaning, tempts=(RANSOMWARE,)),
    Scene("migration", "benign", "medium", (DELETION,), "an administrator's script moves 200 files", _migration, tempts=(RANSOMWARE, MASS)),
    Scene("locked_drawings", "benign", "hard", (), "a design tool whose files end in .locked", _locked_drawings, tempts=(RANSOMWARE,)),
    Scene("conversion", "benign", "hard", (), "55 documents become PDFs", _conversion, tempts=(RANSOMWARE, DELETION)),
)  # fmt: skip
