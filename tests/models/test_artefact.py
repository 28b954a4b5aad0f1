"""The artefact: same bytes again, and every way in which a folder can be wrong is refused with a remedy."""

from __future__ import annotations

import dataclasses
import io
import json
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models import artefact
from models.artefact import load, save
from models.core import Calibration
from models.score import score
from pipelines.errors import StorageError
from tests.models.days import MODEL, days, fitted


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save(fitted(), tmp_path / "m")
    return tmp_path / "m"


def _forged(folder: Path, change: Callable[[dict[str, np.ndarray], dict[str, object]], None]) -> None:
    """Changed by somebody who also writes hashes and fingerprint anew."""
    with np.load(folder / artefact.ARRAYS) as file:
        arrays = {name: file[name] for name in file.files}
    content = json.loads((folder / artefact.MANIFEST).read_text())["content"]
    change(arrays, content)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    _sealed(folder, buffer.getvalue(), content)


def _sealed(folder: Path, body: bytes, content: dict[str, object]) -> None:
    (folder / artefact.ARRAYS).write_bytes(body)
    content["arrays"] = {"sha256": artefact._hash(body), "bytes": len(body)}
    mark = artefact._hash(artefact._canonical(content))
    (folder / artefact.MANIFEST).write_text(json.dumps({"fingerprint": mark, "content": content}))


def test_a_loaded_model_scores_to_the_same_bytes_and_is_written_to_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    rows = days(seed=8)

    loaded = load(folder, model=MODEL)
    mark = save(loaded, tmp_path / "again")

    assert score(loaded, rows).equals(score(fitted(), rows))
    assert mark == artefact.fingerprint(fitted())
    for name in (artefact.ARRAYS, artefact.MANIFEST):
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes()


def test_the_manifest_says_window_features_units_versions_and_hashes(folder: Path) -> None:
    content = json.loads((folder / artefact.MANIFEST).read_text())["content"]

    assert (content["first_day"], content["last_day"], content["as_of"]) == ("2026-01-01", "2026-02-09", "2026-02-09")
    assert content["model"]["features"][1] == "bytes_out"
    assert content["model"]["units"][1] == "bytes"
    assert set(content["versions"]) == {"pyod", "scikit-learn", "numpy"}
    assert len(content["arrays"]["sha256"]) == 64


@pytest.mark.parametrize("name", [artefact.ARRAYS, artefact.MANIFEST])
def test_a_missing_a_cut_off_and_a_flipped_file_are_refused(folder: Path, name: str) -> None:
    path = folder / name
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1

    for body in (None, b"", whole[: len(whole) // 2], whole[:-3], bytes(flipped)):
        if body is None:
            path.unlink()
        else:
            path.write_bytes(body)
        with pytest.raises(StorageError, match=r"fix: (restore|train)"):
            load(folder, model=MODEL)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from([artefact.ARRAYS, artefact.MANIFEST]),
    at=st.floats(0, 1, exclude_max=True),
    mask=st.integers(1, 255),
)
def test_a_flipped_byte_anywhere_is_refused_or_changes_nothing(folder: Path, name: str, at: float, mask: int) -> None:
    whole = (folder / name).read_bytes()
    flipped = bytearray(whole)
    flipped[int(at * len(whole))] ^= mask
    (folder / name).write_bytes(bytes(flipped))

    try:
        found = artefact.fingerprint(load(folder, model=MODEL))
    except StorageError:
        found = None
    finally:
        (folder / name).write_bytes(whole)

    assert found in {None, artefact.fingerprint(fitted())}


def test_an_edited_manifest_is_refused_and_so_is_another_model_than_the_recorded_one(folder: Path) -> None:
    path = folder / artefact.MANIFEST
    with pytest.raises(StorageError, match="not the model that was recorded"):
        load(folder, model=MODEL, fingerprint="0" * 64)

    path.write_text(path.read_text().replace('"alert_budget": 5.0', '"alert_budget": 50.0'))

    with pytest.raises(StorageError, match="was changed after it was written"):
        load(folder, model=MODEL)


def test_a_pickle_in_place_of_arrays_is_refused_and_not_run(folder: Path, tmp_path: Path) -> None:
    content = json.loads((folder / artefact.MANIFEST).read_text())["content"]
    objects = io.BytesIO()
    np.savez(objects, allow_pickle=True, **{"view0.roots": np.array([_Bomb(tmp_path / "ran")], dtype=object)})  # type: ignore[arg-type]

    for body in (pickle.dumps(_Bomb(tmp_path / "ran")), objects.getvalue()):
        _sealed(folder, body, content)
        with pytest.raises(StorageError, match="something else than plain arrays"):
            load(folder, model=MODEL)

    assert not (tmp_path / "ran").exists()


class _Bomb:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return (Path.touch, (self.path,))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda arrays, _: arrays["view0.children"].__setitem__((0, 0), 10**6), "leads out of its tree"),
        (lambda arrays, _: arrays["view0.children"].__setitem__((1, 0), 0), "leads out of its tree"),
        (lambda arrays, _: arrays["view0.feature"].__setitem__(0, 99), "impossible"),
        (lambda arrays, _: arrays["view0.feature"].__setitem__(0, -1), "impossible"),
        (lambda arrays, _: arrays["view0.rows"].__setitem__(0, 0), "impossible"),
        (lambda arrays, _: arrays["view0.depth"].__setitem__(0, np.nan), "view0.depth"),
        (lambda arrays, _: arrays["view0.roots"].__setitem__(1, 0), "roots"),
        (lambda arrays, _: arrays.pop("view0.tail.knots"), "view0.tail.knots"),
        (lambda arrays, _: arrays.update({"group0.knots": arrays["group0.knots"][:, :3]}), "group0.knots"),
        (lambda arrays, _: arrays.update({"view0.depth": arrays["view0.depth"].astype("f4")}), "view0.depth"),
        (lambda arrays, _: arrays["group0.opinion.knots"].__setitem__(0, 1e9), "does not fall"),
        (lambda _, content: content["groups"][0].update(shift=-1.0), "a shift of -1.0"),
        (lambda _, content: content["groups"][0].update(rolling=77), "no view 77"),
        (lambda _, content: content["groups"].reverse(), "does not come first"),
        (lambda _, content: content.pop("calibration"), "calibration"),
        (lambda _, content: content.update(format=2), "format 2, this version reads 1"),
        (lambda _, content: content["model"].update(features=["files"]), "other features"),
        (lambda _, content: content["model"].update(units=["km"] * 8), "other units"),
        (lambda _, content: content["model"].update(group_by=""), "other rows or groups"),
    ],
)
def test_a_forged_folder_that_would_trip_scoring_is_refused(
    folder: Path, change: Callable[[dict[str, np.ndarray], dict[str, object]], None], said: str
) -> None:
    _forged(folder, change)

    with pytest.raises(StorageError, match=said):
        load(folder, model=MODEL)


def test_features_in_another_order_are_refused_with_the_remedy_to_train(folder: Path) -> None:
    other = dataclasses.replace(MODEL, features=MODEL.features[::-1])

    with pytest.raises(StorageError, match=r"their order \(fix: train it again"):
        load(folder, model=other)


def test_a_calibration_and_a_hostile_group_name_survive_the_way(tmp_path: Path) -> None:
    hostile = "../../etc\x00'\u202e"
    groups = {**fitted().groups, hostile: dataclasses.replace(fitted().groups["d0"], name=hostile)}
    model = dataclasses.replace(fitted(), calibration=Calibration(-2.0, 0.5), groups=groups)

    save(model, tmp_path)
    loaded = load(tmp_path, model=MODEL)

    assert loaded.calibration == Calibration(-2.0, 0.5)
    assert list(loaded.groups) == list(groups)
    assert sorted(path.name for path in tmp_path.iterdir()) == [artefact.ARRAYS, artefact.MANIFEST]
