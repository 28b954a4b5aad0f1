"""Where scenarios are played: casting, and rows that are written for the incident they belong to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Literal

import numpy as np

from pipelines.emulator.organisation import devices
from pipelines.emulator.organisation.content import TYPES, Body, digests
from pipelines.emulator.organisation.files import EXTENSIONS, TOPICS, Files
from pipelines.emulator.organisation.logins import START_PAGE
from pipelines.emulator.organisation.network import Network
from pipelines.emulator.organisation.people import DAY, NEVER, Egress, People
from pipelines.emulator.organisation.places import CITIES, utc_offset
from pipelines.emulator.organisation.population import Population
from pipelines.emulator.organisation.records import TABLES, Records
from pipelines.emulator.organisation.rows import GUEST
from pipelines.emulator.organisation.sessions import OFFICE, Sessions, epoch
from pipelines.emulator.organisation.streams import Bools, Ints, Streams, sys_ids
from pipelines.emulator.organisation.tables import moment
from pipelines.emulator.organisation.whereabouts import Whereabouts
from pipelines.emulator.organisation.world import Change, Listing

Way = Literal["password", "sso", "token", "none"]


class NotEnoughPeople(Exception):
    """The organisation is too small, or its period too short, for this scenario."""


@dataclass(frozen=True)
class Scene:
    """One kind of incident. `policies` may rightly report it, the first being its own; for benign ones they are those whose
    definition it literally meets. `tempts` are policies that a naive rule would raise. `days` is how many days it takes.
    """

    name: str
    kind: Literal["attack", "benign"]
    difficulty: Literal["easy", "medium", "hard", "expert"]
    policies: tuple[str, ...]
    note: str
    play: Callable[[Act], None]
    tempts: tuple[str, ...] = ()
    days: int = 1
    last_night: bool = False
    any_day: bool = False


@dataclass
class Script:
    """Rows and changes written so far, plain Python values by table."""

    rows: defaultdict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    changes: list[Change] = field(default_factory=list)
    directory: list[Change] = field(default_factory=list)
    listings: list[Listing] = field(default_factory=list)
    bodies: dict[str, Body] = field(default_factory=dict)
    incidents: list[Mapping[str, Any]] = field(default_factory=list)
    busy: defaultdict[int, list[int]] = field(default_factory=lambda: defaultdict(list))


@dataclass(frozen=True)
class Stage:
    population: Population
    streams: Streams
    people: People
    network: Network
    records: Records
    files: Files
    whereabouts: Whereabouts
    sessions: Sessions
    roles: Mapping[str, str]
    start: int
    days: int
    script: Script = field(default_factory=Script)

    @property
    def end(self) -> int:
        return self.start + self.days * DAY

    def plain(self) -> Bools:
        """Ordinary employees, there all the time, whose traffic takes no detour."""
        people = self.people
        steady = (people.joined == 0) & (people.left == NEVER) & ~people.dormant & (people.egress == Egress.LINE)
        return steady & people.employees & ~people.admin & ~people.desk & (people.city == people.home_city)


@dataclass(frozen=True)
class Visit:
    """A session being played: what is done in it carries its address, device and session id."""

    act: Act
    user: str
    user_id: str
    sid: str
    address: str
    agent: str

    def request(self, time: int, url: str, kind: str = "other", length: int = 20_000, status: str = "200") -> None:
        self.act.write(
            "syslog_transaction", time, user_name=self.user, url=url, kind=kind, address=self.address, agent=self.agent,
            session=self.sid, length=int(length), status=status,
        )  # fmt: skip

    def event(self, time: int, name: str, parm1: str = "", parm2: str = "", table: str = "", instance: str = "") -> None:
        self.act.write(
            "sysevent", time, name=name, parm1=parm1, parm2=parm2, table=table, instance=instance, user_id=self.user_id,
            user_name=self.user, uri="",
        )  # fmt: skip

    def browse(self, begin: int, minutes: float, pages: int) -> None:
        for time in np.sort(self.act.rng.integers(begin + 2, begin + max(3, int(minutes * 60)), pages)):
            record = self.act.stage.records.sys_id[int(self.act.stage.records.draw(self.act.rng, "incident", 1)[0])]
            self.request(int(time), f"/incident.do?sys_id={record}", "form", int(self.act.rng.lognormal(10.4, 0.4)))

    def read(self, times: Iterable[int], files: Iterable[int], way: Literal["ui", "api"] = "ui") -> None:
        """Fetches attachments; through the UI that raises `attachment.read`, through the API only a transaction."""
        store, parents = self.act.stage.files, self.act.stage.records.table
        for time, file in zip(times, files, strict=True):
            sys_id, size = store.sys_id[int(file)], int(store.size[file])
            if way == "api":
                self.request(time, f"/api/now/attachment/{sys_id}/file", "rest", size)
                continue
            self.request(time, f"/sys_attachment.do?sys_id={sys_id}", "other", size)
            parent = TABLES[int(parents[store.record[file]])]
            self.event(time, "attachment.read", store.name[file], parent, "sys_attachment", sys_id)

    def export(self, time: int, table: str, form: str, length: int) -> None:
        self.request(time, f"/{table}_list.do?{form}&sysparm_query=active=true&sysparm_default_export_fields=all", "export", length)

    def upload(self, time: int, extension: str, size: int, name: str = "", record: int | None = None) -> str:
        sys_id = self.act.attach(self.user, time, extension, size, name, record)
        self.request(time, "/sys_attachment.do?sysparm_target=upload", "form", 900)
        self.event(time, "attachment.uploaded", name, "incident", "sys_attachment", sys_id)
        return sys_id

    def delete(self, time: int, attachment: str) -> None:
        self.event(time, "attachment.deleted", "sys_attachment", attachment, "", attachment)
        self.act.change(time, "sys_attachment", attachment, None)

    def audit(self, time: int, table: str, field_name: str, key: str, old: str, new: str) -> None:
        self.act.write(
            "sys_audit", time, sys_created_by=self.user, tablename=table, fieldname=field_name, documentkey=key, oldvalue=old,
            newvalue=new, user=self.user, reason="",
        )  # fmt: skip


@dataclass
class Act:
    """One performance of a scene, on one day; everything written through it belongs to its incident."""

    stage: Stage
    scene: Scene
    rng: np.random.Generator
    day: int
    copy: int
    cast_users: dict[int, None] = field(default_factory=dict)
    named: dict[str, str] = field(default_factory=dict)
    first: int = NEVER
    last: int = 0

    # --- time and place
    @property
    def date(self) -> date:
        return self.stage.whereabouts.days[self.day]

    def local(self, user: int, hour: float, day: int = 0) -> int:
        """Epoch seconds of that local hour, `day` days after the act's, where the user works."""
        when = self.stage.whereabouts.days[min(self.day + day, self.stage.days - 1)]
        city = CITIES[int(self.stage.people.city[user])]
        return epoch(when) + int(hour * 3600) - utc_offset(city.zone, when)

    def utc(self, hour: float, day: int = 0) -> int:
        return self.stage.start + (self.day + day) * DAY + int(hour * 3600)

    def address(self, role: str, key: str, nth: int | None = None) -> str:
        return self.stage.network.address(role, key, int(self.rng.integers(1000)) if nth is None else nth)

    def away_from(self, user: int, cities: Sequence[str]) -> str:
        """One of the cities, not in the user's country."""
        country = CITIES[int(self.stage.people.city[user])].country
        options = [name for name in cities if next(city for city in CITIES if city.name == name).country != country]
        return options[int(self.rng.integers(len(options)))]

    # --- people
    def cast(self, count: int = 1, where: Bools | None = None, presence: Literal["any", "office", "working", "absent"] = "any",
             crowd: bool = False) -> list[int]:  # fmt: skip
        """Users for this act, none of whom plays elsewhere within a week (a day for crowds); NotEnoughPeople if too few."""
        stage = self.stage
        mask = stage.plain() if where is None else where
        reach = 1 if crowd else 6
        chosen: list[int] = []
        for user in self.rng.permutation(np.flatnonzero(mask)).tolist():
            if len(chosen) == count:
                break
            if any(self.day - reach <= day <= self.day + self.scene.days - 1 + reach for day in stage.script.busy[user]):
                continue
            if where is None and not stage.whereabouts.settled(user, self.day):
                continue
            if presence == "any" or self._presence(user) == presence or (presence == "working" and self._presence(user) == "office"):
                chosen.append(user)
        if len(chosen) < count:
            raise NotEnoughPeople(self.scene.name)
        self.cast_users.update(dict.fromkeys(chosen))
        return chosen

    def _presence(self, user: int) -> str:
        own = self.of_day(user)
        if not len(own):
            return "absent"
        return "office" if (self.stage.sessions.mode[own] == OFFICE).any() else "working"

    def of_day(self, user: int, day: int = 0) -> Ints:
        """Positions of the user's ordinary sessions of that day."""
        sessions = self.stage.sessions
        return np.flatnonzero((sessions.user == user) & (sessions.day == self.day + day))

    def shift(self, user: int, day: int = 0) -> tuple[int, int]:
        """Begin and end of the user's first ordinary laptop session of that day."""
        own = self.of_day(user, day)
        own = own[self.stage.sessions.mode[own] != 3] if (self.stage.sessions.mode[own] != 3).any() else own
        if not len(own):
            raise NotEnoughPeople(self.scene.name)
        return int(self.stage.sessions.start[own[0]]), int(self.stage.sessions.end[own[0]])

    def laptop(self, user: int) -> str:
        return devices.ALL[int(self.stage.people.laptop[user])]

    def handset(self, user: int) -> str:
        return devices.ALL[int(self.stage.people.handset[user])]

    def foreign_agent(self) -> str:
        return devices.ATTACKER[int(self.rng.integers(len(devices.ATTACKER)))]

    def home_address(self, user: int) -> str:
        return self.stage.network.pool[int(self.stage.people.home[user])]

    def office_address(self, user: int) -> str:
        return self.address("office", CITIES[int(self.stage.people.city[user])].name)

    # --- writing
    def write(self, table: str, time: int, **values: Any) -> None:
        time = int(time)
        if not self.stage.start <= time < self.stage.end:
            return
        self.first, self.last = min(self.first, time), max(self.last, time)
        self.stage.script.rows[table].append({"time": time, **values})

    def change(self, time: int, table: str, sys_id: str, values: Mapping[str, str] | None) -> None:
        self.stage.script.changes.append(Change(datetime(1970, 1, 1) + timedelta(seconds=int(time)), table, sys_id, values))

    def identity(self, user: int, time: int, values: Mapping[str, str] | None) -> None:
        """A change in the identity provider's directory."""
        at = datetime(1970, 1, 1) + timedelta(seconds=int(time))
        self.stage.script.directory.append(Change(at, "users", self.stage.people.sys_id[user], values))

    def listing(self, category: str, address: str, since: int, until: int | None = None, confidence: int = 85) -> None:
        self.stage.script.listings.append(
            Listing(category, address, confidence, moment(since), "" if until is None else moment(until))
        )

    def fresh_id(self) -> str:
        return sys_ids(self.rng, 1)[0]

    def account(self, name: str, user_id: str) -> None:
        """An account without a person takes part."""
        self.named[name] = user_id

    def visit(self, user: int | str, at: int, address: str, agent: str = "", way: Way = "password", *, pages: int = 8,
              minutes: float = 20, sid: str = "") -> Visit:  # fmt: skip
        """Signs in (unless `way` is none or token, where a session or token already exists) and looks at some pages."""
        if isinstance(user, str):
            name, user_id = user, self.named.get(user, "")
        else:
            name, user_id = self.stage.people.user_name[user], self.stage.people.sys_id[user]
            agent = agent or self.laptop(user)
        visit = Visit(self, name, user_id, sid or self.fresh_id(), address, agent)
        if way == "sso":
            visit.event(at - 1, "external.authentication.succeeded", name, START_PAGE, "", visit.sid)
        if way in ("password", "sso"):
            visit.event(at, "login", name, address, "", visit.sid)
        visit.browse(at, minutes, pages)
        return visit

    def fail(self, name: str, times: Iterable[int], address: str | Sequence[str]) -> None:
        """`login.failed` for a name as typed, from one address or one per time."""
        for nth, time in enumerate(times):
            source = address if isinstance(address, str) else address[nth % len(address)]
            self.write(
                "sysevent", time, name="login.failed", parm1=name, parm2=source, table="", instance=self.fresh_id(),
                user_id=GUEST, user_name="guest", uri="",
            )  # fmt: skip

    def name_of(self, user: int) -> str:
        return self.stage.people.user_name[user]

    # --- files
    def pick(self, count: int, at: int) -> Ints:
        """Distinct attachments that exist at that time."""
        known = int(self.stage.files.available(np.array([at]))[0])
        return self.rng.choice(known, size=min(count, known), replace=False).astype(np.int64)

    def attach(self, owner: str, time: int, extension: str, size: int, name: str = "", record: int | None = None) -> str:
        sys_id = self.fresh_id()
        self.stage.script.bodies[sys_id] = Body(extension if extension in TYPES else "locked", max(400, int(size)), sys_id)
        home = int(self.stage.records.draw(self.rng, "incident", 1)[0]) if record is None else record
        self.stage.script.rows["sys_attachment"].append(
            {"time": int(time), "sys_id": sys_id, "owner": owner, "record": home, "extension": extension,
             "name": name or self.file_name(extension)}
        )  # fmt: skip
        return sys_id

    def file_name(self, extension: str) -> str:
        return f"{TOPICS[int(self.rng.integers(len(TOPICS)))]}_{int(self.rng.integers(1, 9999))}.{extension}"

    def stock(self, count: int, owner: str) -> list[tuple[str, str]]:
        """Attachments from before the period that nobody else touches: (sys_id, file name)."""
        planted = []
        for _ in range(count):
            extension = EXTENSIONS[int(self.rng.integers(5))]
            name, time = self.file_name(extension), self.stage.start - int(self.rng.integers(5, 200)) * DAY
            size = int(self.rng.lognormal(np.log(self.stage.population.file_median_bytes), 1.0))
            planted.append((self.attach(owner, time, extension, min(size, 4_000_000), name), name))
        return planted

    def digest(self, sys_id: str, revision: str) -> str:
        """SHA-256 after an overwrite in place."""
        before = self.stage.script.bodies[sys_id]
        after = Body("locked", before.size, f"{sys_id}{revision}")
        self.stage.script.bodies[sys_id] = after
        return digests([after])[0]

    # --- closing
    def truth(self) -> Mapping[str, Any]:
        people = self.stage.people
        users = [people.sys_id[user] for user in self.cast_users] + list(self.named.values())
        names = [people.user_name[user] for user in self.cast_users] + list(self.named)
        epoch_zero = datetime(1970, 1, 1)
        return {
            "id": f"{self.scene.name}-{self.copy}", "scene": self.scene.name, "kind": self.scene.kind,
            "policies": list(self.scene.policies), "tempts": list(self.scene.tempts), "users": users, "user_names": names,
            "start": epoch_zero + timedelta(seconds=self.first), "end": epoch_zero + timedelta(seconds=self.last),
            "difficulty": self.scene.difficulty, "note": self.scene.note,
        }  # fmt: skip


def perform(stage: Stage, scenes: Iterable[Scene]) -> None:
    """Plays every scene as often as the population asks for, on days drawn from the scene's own stream."""
    window = min(30, max(0, stage.days - stage.population.learning_days))
    copies = max(1, round(stage.population.scene_rate * len(stage.people) / 300 * window / 30))
    for scene in scenes:
        for copy in range(copies):
            rng = stage.streams.of("scene", scene.name, copy)
            day = _day(stage, scene, rng, copy)
            if day is not None:
                _play(Act(stage, scene, rng, day, copy))


def _day(stage: Stage, scene: Scene, rng: np.random.Generator, copy: int) -> int | None:
    """A weekday after the learning period, unless the scene takes any day; the first copy may ask for the last night."""
    last = stage.days - scene.days
    eligible = [
        day for day in range(stage.population.learning_days, last + 1)
        if scene.any_day or stage.whereabouts.days[day].weekday() < 5
    ]  # fmt: skip
    if not eligible:
        return None
    drawn = eligible[int(rng.integers(len(eligible)))]
    return eligible[-1] if scene.last_night and copy == 0 else drawn


def _play(act: Act) -> None:
    rows = {table: len(items) for table, items in act.stage.script.rows.items()}
    try:
        act.scene.play(act)
    except NotEnoughPeople:
        for table, items in act.stage.script.rows.items():
            del items[rows.get(table, 0) :]
        return
    if act.first == NEVER:
        return
    for user in act.cast_users:
        act.stage.script.busy[user] += [act.day, act.day + act.scene.days - 1]
    act.stage.script.incidents.append(act.truth())
