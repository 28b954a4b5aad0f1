"""Named random substreams: what one part draws never depends on what another part drew."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import numpy.typing as npt
import polars as pl

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Streams:
    """A tree of generators under one seed; a generator is found by its path of names."""

    seed: int

    def of(self, *path: object) -> np.random.Generator:
        digest = blake2b("\x1f".join(map(str, path)).encode(), digest_size=16).digest()
        return np.random.default_rng(np.random.SeedSequence([self.seed, *np.frombuffer(digest, dtype="<u4").tolist()]))

    def sys_id(self, *path: object) -> str:
        """32 lower-case hex digits that depend on the seed and the path alone."""
        return blake2b("\x1f".join(map(str, (self.seed, *path))).encode(), digest_size=16).hexdigest()


def sys_ids(rng: np.random.Generator, count: int) -> pl.Series:
    """`count` fresh sys_ids."""
    digits = rng.bytes(16 * count).hex()
    return pl.Series("sys_id", [digits[at : at + 32] for at in range(0, 32 * count, 32)], dtype=pl.String)


def choose(rng: np.random.Generator, weights: npt.ArrayLike, count: int) -> Ints:
    """Indexes drawn with the given weights, which need not sum to one."""
    edges = np.cumsum(np.asarray(weights, dtype=np.float64))
    drawn: Ints = (
        np.searchsorted(edges, rng.random(count) * edges[-1], side="right").clip(0, len(edges) - 1).astype(np.int64)
    )
    return drawn
