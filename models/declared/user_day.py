"""Days of people that are unlike their own days and their colleagues'.

**For.** Ranking user-days for an analyst, the policy `unusual_user_day`, and evidence beside `unusual_file_downloads`. Not for any
governance action, and not for judging how much somebody works.

**Looks at.** What people take and look at: distances of the day's files, bytes, exports, records, tables and API requests from the
person's own ordinary day, four of them also from the department's, files and bytes from a slow reference a year deep (0 for the
first 30 days; a slow ramp shows there); activities in rare hours and on rare or new tables. Where
people log in from is left to the rules: with countries, networks and devices among the features the strangest days were
travellers, and copying below the limits lay behind them (docs/benchmarks.md). No name, department or free text is a feature; the
department only chooses the colleagues.

**Learns.** From days without an alert and outside every suppression, the strangest hundredth left out, no person with more
than twice an equal share. A frozen reference is scored beside the rolling forest, so that a slow ramp stays strange. A
department of 100 people has a forest of its own: a smaller one has too few days to tell one in a thousand.

**Says.** Risk 0-100: 50 is the alert budget (1 day of 1,000), 100 is never reached. The budget says how much people can
look at, not how many days are bad.

**Fails.** A person in the first days has no ordinary day: distances are 0 and only the context speaks. Less than usual is not
strange by design. One value far out among many usual ones weighs little in a forest: the second opinion is asked for that. A
whole department that starts a new task at once looks strange until the next training, and to the frozen reference for longer:
refresh it by hand then.
"""

from __future__ import annotations

from models.core import Model

_TAKING = ("files", "bytes_out", "exports", "records", "tables", "api_requests")
_BESIDE_PEERS = ("files", "bytes_out", "records", "tables")
_LEAVING = ("files", "bytes_out")

MODEL = Model(
    id="user_day",
    title="Unusual days of people",
    table="feat__user_day_profile",
    key=("event_date", "user_uid"),
    features=(
        *(f"{name}_over_own" for name in _TAKING),
        *(f"{name}_over_peers" for name in _BESIDE_PEERS),
        *(f"{name}_over_year" for name in _LEAVING),
        "rare_hour_activities",
        "rare_table_activities",
        "new_tables",
        "peer_new_tables",
    ),
    group_by="department",
    minimum_members=100,
    alert_budget=1.0,
    sample_size=512,
)
