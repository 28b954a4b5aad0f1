"""Checks of one setting: a property, a plugin."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.posture.checks.core import Verdict
from pipelines.posture.reading import Obstacle, Reading, shown
from pipelines.posture.relations import Reads
from pipelines.posture.values import Test


@dataclass(frozen=True, slots=True)
class Property:
    """A system property. `absent` is the value in force where it has no row; None: the vendor does not say."""

    name: str
    test: Test
    absent: str | None = None
    ships: str | None = None  # what a new instance has; None: not stated

    def reads(self) -> Reads:
        return {"sys_properties": frozenset({"name", "value"})}

    def properties(self) -> tuple[str, ...]:
        return (self.name,)

    def expected(self) -> str:
        return f"{self.name} is {self.test.says()}"

    def steps(self) -> tuple[str, ...]:
        return (
            f"In sys_properties.list open {self.name}, or create it there if it has no row.",
            f"Set its value to: {self.test.says()}.",
        )

    def judge(self, reading: Reading) -> Verdict:
        setting = reading.setting(self.name)
        if setting.obstacle:
            return Verdict(None, "", setting.obstacle.reason, setting.obstacle.acls)
        if not setting.values:
            return self._without_value("absent", rests_on_absence=True)
        if not self.test.empty_counts and any(not value.strip() for value in setting.values):
            return self._without_value("blank", rests_on_absence=False)
        held = all(self.test.holds(value) for value in setting.values)
        observed = f"{self.name} = {' and '.join(shown(self.name, v) for v in setting.values)}"
        return Verdict(held, observed, rests_on_absence=False)

    def _without_value(self, how: str, *, rests_on_absence: bool) -> Verdict:
        if self.absent is None:
            reason = f"{self.name} is {how}, and what that means is not documented"
            return Verdict(None, f"{self.name} {how}", reason, rests_on_absence=rests_on_absence)
        observed = f"{self.name} {how}, which counts as {shown(self.name, self.absent)}"
        return Verdict(self.test.holds(self.absent), observed, rests_on_absence=rests_on_absence)


@dataclass(frozen=True, slots=True)
class Plugin:
    """An active plugin, by v_plugin or where that cannot be read by sys_plugins. One that is not listed is not active."""

    id: str

    def reads(self) -> Reads:
        return {"v_plugin": frozenset({"id", "active"}), "sys_plugins": frozenset({"source", "active"})}

    def properties(self) -> tuple[str, ...]:
        return ()

    def expected(self) -> str:
        return f"plugin {self.id} is active"

    def steps(self) -> tuple[str, ...]:
        return (f"Under All > System Applications > All Available Applications activate the plugin {self.id}.",)

    def judge(self, reading: Reading) -> Verdict:
        active = reading.plugin(self.id)
        if isinstance(active, Obstacle):
            return Verdict(None, "", active.reason, active.acls)
        how = {True: "is active", False: "is inactive", None: "is not listed"}[active]
        return Verdict(bool(active), f"plugin {self.id} {how}")
