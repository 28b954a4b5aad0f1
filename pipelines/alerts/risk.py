"""How probable it is that a detection is true, as a sum of log-odds whose parts stay visible.

    risk_score = 100 x sigmoid(prior of the policy + what the flags say + what the policy says + suppression)

The prior is the precision that was measured on four organisations of the emulator (seeds 7001 to 7004, mixed with two cases at the
precision that the policy is built for); it stands for a detection about which nothing else is known. The weights are rounded
likelihood ratios chosen on principle: a trait that colleagues share speaks more strongly for a false alarm than a rare one
speaks for an attack. `bench/detection` prints the reliability of the score on other seeds; whoever refits a number changes it
here, in the open. An organisation's own verdicts are the better measure (decision 0093).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

#: Probability that a raised detection of the policy is true, before anything is known about the case.
PRIORS: Mapping[str, float] = {
    "impossible_travel": 0.93,
    "infrequent_country_activity": 0.88,
    "anonymous_ip_activity": 0.92,
    "suspicious_ip_activity": 0.83,
    "risky_ip_logon": 0.95,
    "multiple_failed_logins": 0.97,
    "terminated_user_activity": 0.95,
    "ransomware_activity": 0.97,
    "unusual_file_downloads": 0.97,
    "mass_download_by_single_user": 0.97,
    # beyond the brief: few cases of each were measured, and all on our own generator
    "careless_handling": 0.93,
    "integration_account_new_network": 0.70,
    "large_list_export": 0.97,
    "unmanaged_device_download": 0.30,
    "unusual_administrative_activity": 0.97,
    "unusual_impersonation": 0.97,
    "unusual_mass_deletion": 0.97,
    "file_shared_with_unauthorized_domain": 0.97,
    "file_shared_with_personal_email": 0.95,
    "file_contains_pii_pci_phi": 0.95,
}
#: Where a policy has no figure of its own: a user's policy, or one whose precision nobody has measured.
KIND_PRIORS: Mapping[str, float] = {"anomaly": 0.50, "activity": 0.70, "file": 0.80, "model": 0.30}

SUPPRESSED = -2.5  # a mechanism of the policy holds the case for harmless: odds of one in twelve of what they were
CAMPAIGN = 0.5  # one source, many victims: coincidence explains it less well
CAMPAIGN_SIZE = 5
CONFIDENCE_LIMIT = 2.0  # a policy's own confidence moves the odds by at most e^2


@dataclass(frozen=True, slots=True)
class FlagWeight:
    """Log-odds added where a rarity flag is true or false, times the weight of the trait; null adds nothing."""

    column: str
    name: str
    if_true: float
    if_false: float


FLAG_WEIGHTS = (
    FlagWeight("is_first_for_user", "first_for_user", 0.5, -0.7),
    FlagWeight("is_uncommon_among_peers", "uncommon_among_peers", 0.3, -0.6),
    FlagWeight("is_uncommon_in_organisation", "uncommon_in_organisation", 0.2, -0.8),
    FlagWeight("is_first_in_organisation", "first_in_organisation", 0.3, 0.0),
)
#: How much newness of a kind of trait says: a country is changed on purpose, an address by the next lease.
TRAIT_WEIGHTS: Mapping[str, float] = {"country": 1.0, "city": 0.8, "asn": 0.7, "device": 0.7, "ip": 0.3}
OTHER_TRAIT = 0.5


def log_odds(probability: float) -> float:
    return math.log(probability / (1 - probability))


def parts() -> list[pl.Expr]:
    """The addends of the log-odds, one expression each, over the columns of `out__detection`."""
    return [
        _prior(),
        *(_flag(weight) for weight in FLAG_WEIGHTS),
        _confidence(),
        pl.when(_is_campaign()).then(CAMPAIGN).otherwise(0.0).alias("campaign"),
        pl.when(pl.col("suppressed_by").is_not_null()).then(SUPPRESSED).otherwise(0.0).alias("suppressed"),
    ]


def risk_score() -> pl.Expr:
    """0-100, one decimal: the sigmoid of the sum of `parts()`."""
    return (100 / (1 + (-pl.sum_horizontal(parts())).exp())).round(1).alias("risk_score")


def risk_parts() -> pl.Expr:
    """JSON object of the parts, two decimals; what it does not name is nought."""
    return pl.struct(part.round(2) for part in parts()).struct.json_encode().alias("risk_parts")


def _prior() -> pl.Expr:
    known = {policy: log_odds(p) for policy, p in PRIORS.items()}
    by_kind = pl.col("policy_kind").replace_strict(
        {kind: log_odds(p) for kind, p in KIND_PRIORS.items()}, default=0.0, return_dtype=pl.Float64
    )
    by_policy = pl.col("policy_id").replace_strict(known, default=None, return_dtype=pl.Float64)
    return by_policy.fill_null(by_kind).alias("prior")


def _flag(weight: FlagWeight) -> pl.Expr:
    flag = pl.col(weight.column)
    says = pl.when(flag.is_null()).then(0.0).when(flag).then(weight.if_true).otherwise(weight.if_false)
    return (says * _trait_weight()).alias(weight.name)


def _trait_weight() -> pl.Expr:
    known = pl.col("trait_kind").replace_strict(TRAIT_WEIGHTS, default=None, return_dtype=pl.Float64)
    return known.fill_null(OTHER_TRAIT)


def _confidence() -> pl.Expr:
    share = pl.col("confidence").clip(0.01, 0.99)
    return (share / (1 - share)).log().clip(-CONFIDENCE_LIMIT, CONFIDENCE_LIMIT).fill_null(0.0).alias("confidence")


def _is_campaign() -> pl.Expr:
    return (pl.col("actor_user_uid").is_null() & (pl.col("actor_user_uids").list.len() >= CAMPAIGN_SIZE)).fill_null(
        False
    )
