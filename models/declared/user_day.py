"""Days of people that are unlike their own days and their colleagues'.

**For.** Ranking user-days for an analyst; evidence beside the policies `unusual_file_downloads` and its kin. Not for any
governance action, and not for judging how much somebody works.

**Looks at.** Distances of the day's counts from the person's own ordinary day, from the department's and, for what leaves
the instance, from a slow reference a year deep; what is new or rare about tables, hours, programs, countries, networks and
devices. No name, department or free text is a feature; the department only chooses the colleagues.

**Learns.** From days without an alert and outside every suppression, the strangest hundredth left out, no person with more
than twice an equal share. A frozen reference is scored beside the rolling forest, so that a slow ramp stays strange.

**Says.** Risk 0-100: 50 is the alert budget (5 days of 1,000), 100 is never reached. The budget says how much people can
look at, not how many days are bad.

**Fails.** A person in the first days has no ordinary day: distances are 0 and only the context speaks. Many small signs
spread over weeks look ordinary each day. Less than usual is not strange by design. A whole department that starts a
new task at once looks strange until the next training, and to the frozen reference for longer: refresh it by hand then.
"""

from __future__ import annotations

from models.core import Model
from pipelines.contracts.feat.user_day_profile import CONTEXT
from pipelines.contracts.state.user_profile import ANCHORED, MEASURES

#: Busy-ness alone is not risky: these say how much somebody works, the others what with.
_BUSY = ("activities", "active_hours", "emails", "changes")
_TOLD = tuple(name for name in MEASURES if name not in _BUSY)

MODEL = Model(
    id="user_day",
    title="Unusual days of people",
    table="feat__user_day_profile",
    key=("event_date", "user_uid"),
    features=(
        *(f"{name}_over_own" for name in _TOLD),
        *(f"{name}_over_peers" for name in _TOLD),
        *(f"{name}_over_year" for name in ANCHORED),
        *(field.name for field in CONTEXT),
    ),
    group_by="department",
)
