"""All cases by number; those of people and those of things are files of their own."""

from __future__ import annotations

from collections.abc import Mapping

from tests.posture.cases_people import PEOPLE, Case
from tests.posture.cases_things import CLIENTS, RULES

CASES: Mapping[str, Case] = {**PEOPLE, **RULES, **CLIENTS}
