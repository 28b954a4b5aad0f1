"""Events of ordinary sessions: password and single sign-on logins, typing mistakes, logouts."""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.emulator.organisation.company import Company
from pipelines.emulator.organisation.rows import GUEST, events
from pipelines.emulator.organisation.streams import sys_ids

START_PAGE = "https://meridian.service-now.com/navpage.do"


def login_rows(company: Company) -> list[pl.DataFrame]:
    """`sysevent` rows around the sessions' beginnings and ends."""
    rng, population, sessions = company.streams.of("logins"), company.population, company.sessions
    delay, address = population.event_update_seconds, company.session_addresses
    name, user_id = company.user_names.gather(sessions.user), company.user_ids.gather(sessions.user)
    bare = sessions.sso & (rng.random(len(sessions)) < population.sso_without_login_share)
    login = events(
        rng, delay, sessions.start, name=pl.Series(["login", "session.established"]).gather(bare.astype(np.int64)),
        parm1=name, parm2=address, instance=sessions.sid, user_id=user_id, user_name=name,
    )  # fmt: skip
    sso = np.flatnonzero(sessions.sso)
    external = events(
        rng, delay, sessions.start[sso] - rng.integers(0, 3, len(sso)), name="external.authentication.succeeded",
        parm1=name.gather(sso), parm2=START_PAGE, instance=sessions.sid.gather(sso), user_id=user_id.gather(sso),
        user_name=name.gather(sso),
    )  # fmt: skip
    slips = np.flatnonzero(~sessions.sso & (rng.random(len(sessions)) < population.typo_share))
    slips = np.repeat(slips, rng.choice([1, 2, 3], len(slips), p=[0.7, 0.2, 0.1]))
    typed = events(
        rng, delay, sessions.start[slips] - rng.integers(5, 75, len(slips)), name="login.failed",
        parm1=name.gather(slips), parm2=address.gather(slips), instance=sys_ids(rng, len(slips)), user_id=GUEST,
        user_name="guest",
    )  # fmt: skip
    left = np.flatnonzero(rng.random(len(sessions)) < population.logout_share)
    logout = events(
        rng, delay, sessions.end[left] + 5, name="logout", parm1=name.gather(left), parm2=address.gather(left),
        instance=sessions.sid.gather(left), user_id=GUEST, user_name="guest",
    )  # fmt: skip
    return [login, external, typed, logout]
