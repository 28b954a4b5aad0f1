"""One performance of a scenario: casting, time and place, and writing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from typing import Any, Literal

import numpy as np

from pipelines.emulator.organisation import devices
from pipelines.emulator.organisation.clock import DAY, epoch, instant, moment
from pipelines.emulator.organisation.company import Company
from pipelines.emulator.organisation.content import TYPES, Body, digests
from pipelines.emulator.organisation.files import EXTENSIONS, TOPICS
from pipelines.emulator.organisation.logins import START_PAGE
from pipelines.emulator.organisation.people import NEVER
from pipelines.emulator.organisation.places import BY_NAME, CITIES, kilometres, utc_offset
from pipelines.emulator.organisation.rows import GUEST
from pipelines.emulator.organisation.script import NotEnoughPeopleError, Scene, Script
from pipelines.emulator.organisation.sessions import OFFICE, PHONE
from pipelines.emulator.organisation.streams import Bools, Ints
from pipelines.emulator.organisation.visit import Visit
from pipelines.emulator.organisation.world import Change, Listing

Way = Literal["password", "sso", "token", "none"]
Presence = Literal["any", "office", "working", "absent"]


@dataclass
class Act:
    """One performance of a scene, on one day; everything written through it belongs to its incident."""

    company: Company
    scene: Scene
    rng: np.random.Generator
    day: int
    copy: int
    busy: Mapping[int, Sequence[int]]
    script: Script = field(default_factory=Script)
    cast_users: dict[int, None] = field(default_factory=dict)
    named: dict[str, str] = field(default_factory=dict)
    first: int = NEVER
    last: int = 0

    # --- time and place
    @property
    def date(self) -> date:
        return self.company.whereabouts.days[self.day]

    def local(self, user: int, hour: float, day: int = 0) -> int:
        """Epoch seconds of that local hour, `day` days after the act's, where the user works."""
        when = self.company.whereabouts.days[min(self.day + day, self.company.days - 1)]
        city = CITIES[int(self.company.people.city[user])]
        return epoch(when) + int(hour * 3600) - utc_offset(city.zone, when)

    def utc(self, hour: float, day: int = 0) -> int:
        return self.company.start + (self.day + day) * DAY + int(hour * 3600)

    def address(self, role: str, key: str, nth: int | None = None) -> str:
        return self.company.network.address(role, key, int(self.rng.integers(1000)) if nth is None else nth)

    # --- people
    def cast(
        self, count: int = 1, where: Bools | None = None, *, presence: Presence = "any", crowd: bool = False,
        leaves: bool = False,
    ) -> list[int]:  # fmt: skip
        """Users for this act, none of whom plays elsewhere within a week (a day for crowds), nor ever again where they
        leave; NotEnoughPeopleError if too few."""
        mask = self.company.plain if where is None else where
        candidates = (
            user
            for user in self.rng.permutation(np.flatnonzero(mask)).tolist()
            if self._free(user, 1 if crowd else 6)
            and not (leaves and any(day > self.day for day in self.busy.get(user, ())))
            and (where is not None or self.company.whereabouts.settled(user, self.day))
            and self._is(presence, user)
        )
        chosen = list(islice(candidates, count))
        if len(chosen) < count:
            raise NotEnoughPeopleError(self.scene.name)
        self.cast_users.update(dict.fromkeys(chosen))
        return chosen

    def at_home(self, margin: int = 3) -> Bools:
        """Who is on no trip within `margin` days: who is to sit at home cannot be abroad as well."""
        away = self.company.whereabouts.away[:, max(0, self.day - margin) : self.day + self.scene.days + margin]
        settled: Bools = self.company.plain & ~away.any(axis=1)
        return settled

    def _free(self, user: int, reach: int) -> bool:
        first, last = self.day - reach, self.day + self.scene.days - 1 + reach
        return user not in self.cast_users and not any(first <= day <= last for day in self.busy.get(user, ()))

    def _is(self, presence: Presence, user: int) -> bool:
        if presence == "any":
            return True
        modes = self.company.sessions.mode[self.of_day(user)]
        if presence == "absent":
            return len(modes) == 0
        return bool((modes == OFFICE).any() if presence == "office" else (modes != PHONE).any())

    def of_day(self, user: int, day: int = 0) -> Ints:
        """Positions of the user's ordinary sessions of that day."""
        sessions = self.company.sessions
        first, last = np.searchsorted(sessions.day, [self.day + day, self.day + day + 1])
        own: Ints = first + np.flatnonzero(sessions.user[first:last] == user)
        return own

    def shift(self, user: int, day: int = 0) -> tuple[int, int]:
        """Begin and end of the user's first ordinary laptop session of that day."""
        own = self.of_day(user, day)
        own = own[self.company.sessions.mode[own] != PHONE]
        if not len(own):
            raise NotEnoughPeopleError(self.scene.name)
        return int(self.company.sessions.start[own[0]]), int(self.company.sessions.end[own[0]])

    def laptop(self, user: int) -> str:
        return devices.ALL[int(self.company.people.laptop[user])]

    def handset(self, user: int) -> str:
        return devices.ALL[int(self.company.people.handset[user])]

    def foreign_agent(self) -> str:
        return devices.ATTACKER[int(self.rng.integers(len(devices.ATTACKER)))]

    def far_from(self, user: int, cities: Sequence[str], least: float = 2500.0) -> str:
        """One of the cities in another country and at least that many kilometres from the user's office."""
        here = CITIES[int(self.company.people.city[user])]
        options = [
            name
            for name in cities
            if kilometres(here, CITIES[BY_NAME[name]]) > least and CITIES[BY_NAME[name]].country != here.country
        ]
        return options[int(self.rng.integers(len(options)))]

    def home_address(self, user: int) -> str:
        return self.company.network.pool[int(self.company.people.home[user])]

    def office_address(self, user: int) -> str:
        return self.address("office", CITIES[int(self.company.people.city[user])].name)

    # --- writing
    def write(self, log: str, time: int, /, **values: Any) -> None:
        time = int(time)
        if not self.company.start <= time < self.company.end:
            return
        self.first, self.last = min(self.first, time), max(self.last, time)
        self.script.rows[log].append({"time": time, **values})

    def change(self, time: int, table: str, sys_id: str, values: Mapping[str, str] | None) -> None:
        self.script.changes.append(Change(instant(time), table, sys_id, values))

    def identity(self, user: int, time: int, values: Mapping[str, str] | None) -> None:
        """A change in the identity provider's directory."""
        at = instant(time)
        self.script.directory.append(Change(at, "users", self.company.people.sys_id[user], values))

    def depart(self, user: int, time: int, until: int = NEVER, *, deleted: bool = False, lag: int | None = 600) -> None:
        """Ends the account in the identity provider, and `lag` seconds later in the instance (None: never).

        Ordinary life stops between `time` and `until`, when both accounts come back.
        """
        self.script.departures.append((user, int(time), int(until)))
        self.identity(user, time, None if deleted else {"accountEnabled": "false"})
        if lag is not None:
            self.switch(user, time + lag, active=False)
        if until < self.company.end:
            self.identity(user, until, {"accountEnabled": "true", "userPrincipalName": self.company.people.email[user]})
            if lag is not None:
                self.switch(user, until + lag, active=True)

    def switch(self, user: int, time: int, *, active: bool, by: str = "svc.hr_sync") -> None:
        """Sets `sys_user.active`, with its audit row."""
        sys_id, on = self.company.people.sys_id[user], str(active).lower()
        stamp = {"sys_updated_on": moment(time), "sys_updated_by": by}
        self.change(time, "sys_user", sys_id, {"active": on, "locked_out": str(not active).lower(), **stamp})
        if self.company.start <= time < self.company.end:
            self.script.rows["sys_audit"].append(
                {"time": int(time), "sys_created_by": by, "tablename": "sys_user", "fieldname": "active", "documentkey": sys_id,
                 "oldvalue": str(not active).lower(), "newvalue": on, "user": by, "reason": ""}
            )  # fmt: skip

    def listing(self, category: str, address: str, since: int, until: int | None = None, confidence: int = 85) -> None:
        self.script.listings.append(
            Listing(category, address, confidence, moment(since), "" if until is None else moment(until))
        )

    def fresh_id(self) -> str:
        return self.rng.bytes(16).hex()

    def account(self, name: str, user_id: str) -> None:
        """An account without a person takes part."""
        self.named[name] = user_id

    def visit(
        self, user: int | str, at: int, address: str, agent: str = "", *, way: Way = "password", pages: int = 8,
        minutes: float = 20, sid: str = "",
    ) -> Visit:  # fmt: skip
        """Signs in (unless `way` is none or token, where a session or token already exists) and looks at some pages."""
        if isinstance(user, str):
            name, user_id = user, self.named.get(user, "")
        else:
            name, user_id = self.company.people.user_name[user], self.company.people.sys_id[user]
            agent = agent or self.laptop(user)
        visit = Visit(self, name, user_id, sid or self.fresh_id(), address, agent)
        if way == "sso":
            visit.event(at - 1, "external.authentication.succeeded", name, START_PAGE, instance=visit.sid)
        if way in ("password", "sso"):
            visit.event(at, "login", name, address, instance=visit.sid)
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
        return self.company.people.user_name[user]

    # --- files
    def pick(self, count: int, at: int, among: Ints | None = None) -> Ints:
        """Distinct attachments that exist at that time; NotEnoughPeopleError where a small organisation has too few."""
        known = np.arange(self.company.files.available(np.array([at]))[0]) if among is None else among
        if len(known) < count:
            raise NotEnoughPeopleError(self.scene.name)
        return self.rng.choice(known, size=count, replace=False).astype(np.int64)

    def attach(
        self, owner: str, time: int, extension: str, size: int, *, name: str = "", record: int | None = None
    ) -> str:
        sys_id = self.fresh_id()
        self.script.bodies[sys_id] = Body(extension if extension in TYPES else "locked", max(400, int(size)), sys_id)
        home = int(self.company.records.draw(self.rng, "incident", 1)[0]) if record is None else record
        self.script.rows["sys_attachment"].append(
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
            name, time = self.file_name(extension), self.company.start - int(self.rng.integers(5, 200)) * DAY
            size = int(self.rng.lognormal(np.log(self.company.population.file_median_bytes), 1.0))
            planted.append((self.attach(owner, time, extension, min(size, 4_000_000), name=name), name))
        return planted

    def digest(self, sys_id: str, revision: str) -> str:
        """SHA-256 after an overwrite in place."""
        before = self.script.bodies[sys_id]
        after = Body("locked", before.size, f"{sys_id}{revision}")
        self.script.bodies[sys_id] = after
        return digests([after])[0]

    # --- closing
    def truth(self) -> Mapping[str, Any]:
        people = self.company.people
        users = [people.sys_id[user] for user in self.cast_users] + list(self.named.values())
        names = [people.user_name[user] for user in self.cast_users] + list(self.named)
        return {
            "id": f"{self.scene.name}-{self.copy}", "scene": self.scene.name, "kind": self.scene.kind,
            "policies": list(self.scene.policies), "tempts": list(self.scene.tempts), "users": users, "user_names": names,
            "start": instant(self.first), "end": instant(self.last),
            "difficulty": self.scene.difficulty, "note": self.scene.note,
        }  # fmt: skip
