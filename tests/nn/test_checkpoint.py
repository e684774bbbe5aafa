from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from cnnexp.errors import RunError
from cnnexp.nn.arrays import read_arrays, write_arrays
from cnnexp.nn.checkpoint import load_latest, save
from cnnexp.nn.state import Progress, TrainingState


def state(epoch: int) -> TrainingState:
    return TrainingState(
        epoch,
        weights={"conv_1/kernel": np.full((2, 2), epoch, np.float32)},
        streams={"dense_1_dropout": np.array([epoch, 4])},
        optimizer={"optimizer/iteration": np.array(epoch * 10)},
        best={"conv_1/kernel": np.ones((2, 2), np.float32)},
        progress=Progress(best_epoch=1, best_loss=0.1, watched=math.inf, waited=2, stopped=True),
        history=tuple({"loss/val": 1 / 3, "time/epoch_seconds": float(e)} for e in range(epoch)),
    )


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_state_comes_back_whole(tmp_path: Path) -> None:
    save(tmp_path / "checkpoint", state(3), "key")
    found = load_latest(tmp_path / "checkpoint", "key")
    assert found is not None
    expected = state(3)
    assert (found.epoch, found.progress, found.history) == (3, expected.progress, expected.history)
    for part in ("weights", "streams", "optimizer", "best"):
        ours, theirs = getattr(found, part), getattr(expected, part)
        assert ours.keys() == theirs.keys()
        for name in ours:
            assert ours[name].dtype == theirs[name].dtype
            np.testing.assert_array_equal(ours[name], theirs[name])


def test_the_last_two_are_kept_and_what_a_kill_left_goes(tmp_path: Path) -> None:
    (tmp_path / ".checkpoint_000001.npz.77.tmp").write_bytes(b"half")
    for epoch in (1, 2, 3):
        save(tmp_path, state(epoch), "key")
    assert names(tmp_path) == ["checkpoint_000002.npz", "checkpoint_000003.npz"]


def test_nothing_there_is_none(tmp_path: Path) -> None:
    assert load_latest(tmp_path / "nowhere", "key") is None


def test_a_damaged_newest_falls_back_to_the_one_before(tmp_path: Path) -> None:
    first, second = (save(tmp_path, state(epoch), "key") for epoch in (1, 2))
    content = second.read_bytes()
    second.write_bytes(content[: len(content) // 2])
    found = load_latest(tmp_path, "key")
    assert found is not None
    assert found.epoch == 1
    first.write_bytes(b"")
    with pytest.raises(RunError, match=r"checkpoint_000002\.npz"):
        load_latest(tmp_path, "key")


def test_a_checkpoint_of_another_training_is_refused(tmp_path: Path) -> None:
    save(tmp_path, state(1), "key")
    with pytest.raises(RunError, match="got training key, expected other"):
        load_latest(tmp_path, "other")


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("identity", None, "identity null"), ("epoch", "1", "epoch '1'"), ("epoch", -1, "epoch -1"),
        ("epoch", 10**20, "epoch 1000"), ("epoch", 2, "epoch 2 and the metrics of 1"), ("progress", [], "progress"),
        ("progress", {}, "no progress.best_epoch"), ("history", [{"loss/val": "x"}], "history"),
        ("history", [], "epoch 1 and the metrics of 0"),
    ],
)  # fmt: skip
def test_what_a_checkpoint_says_of_itself_is_not_believed_blindly(
    key: str, value: object, said: str, tmp_path: Path
) -> None:
    path = save(tmp_path, state(1), "key")
    arrays = read_arrays(path)
    about = json.loads(str(arrays["about"])) | {key: value}
    write_arrays(path, arrays | {"about": np.array(json.dumps(about))})
    with pytest.raises(RunError, match=rf"checkpoint_000001\.npz: got .*{said}"):
        load_latest(tmp_path, "key")


def test_arrays_that_are_no_checkpoint_are_refused(tmp_path: Path) -> None:
    write_arrays(tmp_path / "checkpoint_000001.npz", {"a": np.zeros(2)})
    with pytest.raises(RunError, match="without 'about'"):
        load_latest(tmp_path, "key")
