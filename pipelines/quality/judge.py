"""The one place that calls Great Expectations: a frame and its expectations in, verdicts out, no value kept.

GX is imported late (seconds) and kept quiet: no analytics, no progress bars, no log lines. Results are asked for as
booleans; only a failed expectation is asked again for the positions of its rows, never for their values.
"""

from __future__ import annotations

import gc
import importlib
import logging
import os
import sys
import threading
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    from great_expectations.expectations.expectation import Expectation

_importing = threading.Lock()
POSITIONS = {"result_format": "COMPLETE", "exclude_unexpected_values": True, "partial_unexpected_count": 0}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What GX said of one expectation; `failed` are row positions in the frame."""

    success: bool
    failed: tuple[int, ...] = ()


def judge(frame: pd.DataFrame, expectations: Sequence[Expectation]) -> list[Verdict]:
    """A verdict for each expectation, in their order, with the positions of the rows that fail."""
    if not expectations:
        return []
    verdicts = [Verdict(result.success) for result in _validate(frame, expectations, "BOOLEAN_ONLY")]
    again = [i for i, verdict in enumerate(verdicts) if not verdict.success]
    if again:
        results = _validate(frame, [expectations[i] for i in again], POSITIONS)
        for i, result in zip(again, results, strict=True):
            verdicts[i] = Verdict(False, tuple(result.result.get("unexpected_index_list") or ()))
    return verdicts


def _validate(frame: pd.DataFrame, expectations: Sequence[Expectation], result_format: Any) -> list[Any]:
    """GX's results in the order of `expectations`; what GX could not evaluate is an error of ours, never a pass."""
    gx = great_expectations()
    from great_expectations.validator.v1_validator import Validator

    for position, expectation in enumerate(expectations):
        expectation.meta = {"position": position}
    suite = gx.ExpectationSuite(name="partition", expectations=list(expectations))
    # what a ValidationDefinition runs: a batch's own validate() takes, and hashes, the frame twice
    found: list[Any] = (
        Validator(_frames(), result_format, {"dataframe": frame}).validate_expectation_suite(suite).results
    )
    for result in found:
        if problem := _problem(result.exception_info):
            raise RuntimeError(f"{result.expectation_config.type} could not be evaluated: {problem}")
    return sorted(found, key=lambda result: int(result.expectation_config.meta["position"]))


def _problem(info: dict[str, Any]) -> str:
    """GX nests the exception per metric or gives it flat."""
    for part in (info, *(p for p in info.values() if isinstance(p, dict))):
        if part.get("raised_exception"):
            return str(part.get("exception_message"))
    return ""


@cache
def _frames() -> Any:
    """The batch definition that takes any frame, in a context that lives in memory."""
    gx = great_expectations()
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    source = context.data_sources.add_pandas("partitions")
    return source.add_dataframe_asset("frame").add_batch_definition_whole_dataframe("whole")


@cache
def great_expectations() -> Any:
    """The package, imported on first use with analytics off and its loggers at WARNING."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    with _importing:  # a run imports it ahead in a thread
        for name in ("scipy.stats", "altair"):
            _import_on_use(name)
        with _without("rfc3987_syntax"), _without("sqlalchemy"), kept_for_good():
            import great_expectations as gx
    return gx


def _import_on_use(name: str) -> None:
    """Have a module imported when it is first asked for something: GX imports these two for a divergence and charts that
    we never ask for, 0.9 of its 2.3 seconds. `importlib.util.LazyLoader` would load at the second `import`."""
    if name in sys.modules:
        return
    waiting = ModuleType(name)

    def loaded(attribute: str) -> Any:
        if sys.modules.get(name) is waiting:
            del sys.modules[name]
        real = importlib.import_module(name)
        vars(waiting).update(vars(real))
        return getattr(real, attribute)

    vars(waiting)["__getattr__"] = loaded
    sys.modules[name] = waiting


@contextmanager
def kept_for_good() -> Iterator[None]:
    """Import without looking for garbage among what stays: 200,000 objects were searched four times during a run and once
    more at its exit, a second in all. One at a time: it takes and gives back a switch of the whole process."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()


@contextmanager
def _without(module: str) -> Iterator[None]:
    """Hide an optional import: jsonschema's `rfc3987_syntax` compiles a grammar for IRIs we never check, 1.6 of GX's 4 CPU seconds;
    `sqlalchemy` is for GX's SQL engine, 0.3 more, and we give it frames. Whoever has imported it already keeps it."""
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None  # type: ignore[assignment]  # the documented way to make an import fail
    try:
        yield
    finally:
        del sys.modules[module]
