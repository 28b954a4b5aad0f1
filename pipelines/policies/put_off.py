"""A change of the password that somebody puts off: asked for days ago, and the old one still in use.

The platform asks for it when somebody signs in with a password. Whoever does so on day after day and whose account still
says at the end of each that the change is due has found a way around the question: an app, a script, a closed window.
Accounts of single sign-on and of a directory are never asked, and are left out.
"""

from __future__ import annotations

import ibis.expr.types as ir

from pipelines.features.reset_due import by_password
from pipelines.policies.core import Param, Params
from pipelines.policies.volume import acts, evidence

PARAMS = (Param("reset_days", 3, "Days of use after the one on which the change of the password was asked for", "ours; once is in a hurry, twice a coincidence", "days"),)  # fmt: skip


def resets_put_off(activity: ir.Table, users: ir.Table, due: ir.Table, params: Params) -> ir.Table:
    """One row per account that used its password today, though the change was due before and still is tonight."""
    tonight = users.filter(users.is_password_reset_due).select("user_uid")
    rows = acts(by_password(activity))
    found = rows.group_by("user_uid").agg(**evidence(rows), login_count=rows.count())
    found = found.semi_join(tonight, "user_uid").select(*found.columns)
    found = found.inner_join(due.select("user_uid", "due_since", "used_days"), "user_uid")
    found = found.select(*found.columns[: found.columns.index("due_since")], "due_since", used_days=found.used_days + 1)
    return found.filter(found.used_days >= params.reset_days)
