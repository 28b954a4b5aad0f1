"""Policies: one file each, and the folder is the registry. Read `core`, then any policy.

core        what a policy is               registry   discovery, what a user adds and changes
evaluate    run one over a day             cases      one-line builders of rows that prove it
evidence    the activities behind what all of them saw
compile     every expression for DuckDB and Spark, without data
user        the user's folder: changes, Python, Sigma, SQL
episodes    continuing behaviour and sliding counts, as Ibis expressions
"""

from pipelines.policies.core import Override, Policy
from pipelines.policies.evaluate import Found, Seen, evaluate, first_day, prepare, revision, see
from pipelines.policies.evidence import evidence_of
from pipelines.policies.registry import Loaded, load, registry

__all__ = [
    "Found", "Loaded", "Override", "Policy", "Seen", "evaluate", "evidence_of", "first_day", "load", "prepare", "registry",
    "revision", "see",
]  # fmt: skip
