"""Posture: what an instance should be set to, and what a night's snapshot of it says.

    core        what a recommendation is           values, checks   small typed predicates
    controls/   every recommendation, by category  registry         all of them by id
    reading     what the snapshot shows            evaluate         recommendations x snapshot -> states
    score       ServiceNow's formula, and ours     changes          since when, and what turned
    exceptions  what an owner accepts for a while  ocsf, docs       the same for other tools and for people

A night is judged by `evaluate`; every function takes its time, its tables and its instance as arguments.
"""

from pipelines.posture.core import Control, State, TableView
from pipelines.posture.evaluate import evaluate

__all__ = ["Control", "State", "TableView", "evaluate"]
