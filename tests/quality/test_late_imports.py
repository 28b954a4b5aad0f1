"""Great Expectations comes without what it is never asked for, and whoever asks for that later gets the real thing."""

from __future__ import annotations

import gc
import subprocess
import sys

import pytest

from pipelines.quality.judge import kept_for_good

SAID = """
import sys
from pipelines.quality.judge import great_expectations
gx = great_expectations()
assert "scipy.stats._stats_py" not in sys.modules, "scipy.stats was loaded"
assert "altair.vegalite" not in sys.modules, "altair was loaded"
assert "sqlalchemy" not in sys.modules, "sqlalchemy was loaded"
import sqlalchemy
assert sqlalchemy.create_engine("sqlite://").connect().execute(sqlalchemy.text("SELECT 7")).scalar() == 7
from scipy.stats import rankdata
assert rankdata([3, 1, 2]).tolist() == [3, 1, 2]
import altair, scipy.stats
assert altair.Chart and scipy.stats.norm.cdf(0) == 0.5
import pandas
batches = gx.get_context(mode="ephemeral").data_sources.add_pandas("s").add_dataframe_asset("a")
batch = batches.add_batch_definition_whole_dataframe("w").get_batch({"dataframe": pandas.DataFrame({"c": list("aab")})})
close = gx.expectations.ExpectColumnKLDivergenceToBeLessThan(
    column="c", partition_object={"values": ["a", "b"], "weights": [0.6, 0.4]}, threshold=0.5)
print(batch.validate(close).success)
"""


def test_what_great_expectations_does_not_load_is_there_for_whoever_asks() -> None:
    done = subprocess.run([sys.executable, "-c", SAID], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout.strip()) == (0, "True"), done.stderr[-2000:]


def _import_in_vain(made: list[list[int]]) -> None:
    with kept_for_good():
        made += [[n] for n in range(50_000)]
        assert not gc.isenabled()
        raise ImportError


@pytest.mark.parametrize("was_on", [True, False])
def test_what_stays_is_not_searched_for_garbage_and_the_search_goes_on_as_before(was_on: bool) -> None:
    frozen = gc.get_freeze_count()
    if not was_on:
        gc.disable()
    made: list[list[int]] = []
    try:
        with pytest.raises(ImportError):
            _import_in_vain(made)
        assert gc.isenabled() is was_on
        assert gc.get_freeze_count() >= frozen + len(made)
    finally:
        gc.unfreeze()
        gc.enable()
