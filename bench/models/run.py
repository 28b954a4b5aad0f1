"""Training, scoring and attributions of a million user-days with 30 features, against PyOD and shap; one JSON line per figure.

    python -m bench.models.run [--rows 1000000] [--features 30] [--trees 100] [--explained 20000] [--shap-python PYTHON]

CPU seconds of all threads, imports and compilation apart (each side runs once on a few rows before). `--shap-python` is an
interpreter with shap, pyod and numpy, in an environment of its own; without it attributions have no ratio.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from bench.models.made import SEED, values
from models.attribution import attribute
from models.core import Fitted, Model
from models.grow import flattened
from models.score import score
from models.shapley import shapley
from models.train import train
from models.walk import depths
from pipelines.contracts import contract
from pipelines.contracts.table import Dtype

AS_OF = date(2026, 3, 31)
FITTED_ON = 25_600


def declared(features: int, trees: int) -> Model:
    """As the declared models are by default, over the first columns of the profile, with one group."""
    names = [field.name for field in contract("feat__user_day_profile").fields if field.dtype is Dtype.FLOAT64]
    return Model(
        id="user_day", title="Bench", table="feat__user_day_profile", key=("event_date", "user_uid"),
        features=tuple(names[:features]), trees=trees, seed=SEED,
    )  # fmt: skip


def framed(made: np.ndarray, what: Model) -> pa.Table:
    """Beside the features: 50 people a day for every thousand rows of 90 days."""
    rows = np.arange(len(made))
    day = (np.datetime64("2026-01-01") + rows % 90).astype("datetime64[D]")
    who = pa.array((rows // 90).astype(np.int32)).cast(pa.string())
    columns = {"event_date": pa.array(day), "user_uid": who}
    return pa.table({**columns, **{name: pa.array(made[:, i]) for i, name in enumerate(what.features)}})


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    cpu = time.process_time()
    found = work()
    return found, time.process_time() - cpu


def training(made: np.ndarray, frame: pa.Table, what: Model) -> tuple[dict[str, Any], Fitted]:
    from pyod.models.iforest import IForest

    champion = train(what, frame.slice(0, 2_000), instance="bench", as_of=AS_OF)
    ours, first = timed(lambda: train(what, frame, instance="bench", as_of=AS_OF))
    _, again = timed(lambda: train(what, frame, instance="bench", as_of=AS_OF, reference=champion))
    _, theirs = timed(lambda: IForest(n_estimators=what.trees, random_state=SEED).fit(made))
    told = {
        "ours_cpu_s": round(first, 2),
        "ours_with_a_reference_cpu_s": round(again, 2),
        "pyod_cpu_s": round(theirs, 2),
    }
    return {**told, "pyod_over_ours": round(theirs / first, 1)}, ours


def scoring(made: np.ndarray, frame: pa.Table, what: Model, one_view: Fitted) -> dict[str, Any]:
    from pyod.models.iforest import IForest

    theirs = IForest(n_estimators=what.trees, max_samples=256, random_state=SEED).fit(
        made[:FITTED_ON].astype(np.float32)
    )
    forest = flattened(theirs, None)
    depths(forest, made[:100].astype(np.float32))
    expected, pyod_s = timed(lambda: theirs.decision_function(made))
    path, walk_s = timed(lambda: depths(forest, made.astype(np.float32)))
    steps = np.diff(expected[np.argsort(-path, kind="stable")])
    scores, all_s = timed(lambda: score(one_view, frame))
    two_views = train(
        what,
        frame,
        instance="bench",
        as_of=AS_OF,
        reference=train(what, frame.slice(0, 9_000), instance="bench", as_of=AS_OF),
    )
    _, both_s = timed(lambda: score(two_views, frame))
    return {
        "pyod_cpu_s": round(pyod_s, 2), "forest_cpu_s": round(walk_s, 2), "forest_over_pyod": round(walk_s / pyod_s, 2),
        "inversions": int((steps < 0).sum()), "table_cpu_s": round(all_s, 2), "table_over_pyod": round(all_s / pyod_s, 2),
        "two_views_cpu_s": round(both_s, 2), "two_views_over_pyod": round(both_s / pyod_s, 2),
        "result_mb": scores.nbytes >> 20, "numpy_peak_mb": _peak_mb(one_view, frame) ,
    }  # fmt: skip


def _peak_mb(fitted: Fitted, frame: pa.Table) -> int:
    """Of numpy's arrays while the frame is scored, the result included only as far as numpy made it."""
    tracemalloc.start()
    score(fitted, frame)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak >> 20


def explaining(
    made: np.ndarray, frame: pa.Table, fitted: Fitted, what: Model, rows: int, python: str
) -> dict[str, Any]:
    from pyod.models.iforest import IForest

    learned = values(FITTED_ON, len(what.features)).astype(np.float32)
    forest = flattened(IForest(n_estimators=what.trees, max_samples=256, random_state=SEED).fit(learned), None)
    few = learned[:rows]
    shapley(forest, few[:10])
    (found, expected), ours = timed(lambda: shapley(forest, few))
    _, table_s = timed(lambda: attribute(fitted, frame.slice(0, rows)))
    told = {"rows": rows, "ours_cpu_s": round(ours, 2), "table_cpu_s": round(table_s, 2)}
    told["largest_gap_of_sums"] = float(np.abs(found.sum(axis=1) + expected - depths(forest, few)).max())
    if not python:
        return told
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "shap.npz"
        script = Path(__file__).with_name("with_shap.py")
        arguments = [rows, len(what.features), what.trees, FITTED_ON, out]
        said = subprocess.run(
            [python, script, *map(str, arguments)], check=True, capture_output=True, text=True
        ).stdout.split()
        with np.load(out) as file:
            gap = float(np.abs(file["values"] - found).max())
    return {
        **told,
        "shap_cpu_s": round(float(said[0]), 2),
        "shap": said[1],
        "shap_over_ours": round(float(said[0]) / ours, 1),
        "largest_difference": gap,
    }


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    for name, usual in (("rows", 1_000_000), ("features", 30), ("trees", 100), ("explained", 20_000)):
        parser.add_argument(f"--{name}", type=int, default=usual)
    parser.add_argument("--shap-python", default="")
    chosen = parser.parse_args(arguments)
    what = declared(chosen.features, chosen.trees)
    made = values(chosen.rows, chosen.features)
    frame = framed(made, what)
    trained, fitted = training(made, frame, what)
    _told("train", chosen.rows, trained)
    _told("score", chosen.rows, scoring(made, frame, what, fitted))
    _told("attribute", chosen.rows, explaining(made, frame, fitted, what, chosen.explained, chosen.shap_python))


def _told(name: str, rows: int, facts: dict[str, Any]) -> None:
    print(json.dumps({"name": name, "rows_in_table": rows, **facts}), flush=True)


if __name__ == "__main__":
    main()
