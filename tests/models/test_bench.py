"""The benchmark runs at a small size, and what it claims about equality holds there too."""

from __future__ import annotations

import json

import pytest

from bench.models.run import main


def test_the_benchmark_tells_three_figures_and_finds_no_inversion(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--rows", "9000", "--features", "6", "--trees", "10", "--explained", "200"])

    told = {line["name"]: line for line in map(json.loads, capsys.readouterr().out.splitlines())}
    assert set(told) == {"train", "score", "attribute"}
    assert told["score"]["inversions"] == 0
    assert told["attribute"]["largest_gap_of_sums"] < 1e-6
