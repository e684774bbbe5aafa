"""Which states a run saves: on its turn, at the end, and when it is interrupted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from cnnexp.checkpoints import Checkpoints
from cnnexp.config.schema import Training
from cnnexp.errors import RunError, TrainingError
from cnnexp.interrupts import Pruned, Terminated
from cnnexp.nn.state import Progress, TrainingState
from cnnexp.runs.writer import RunWriter
from tests.runs.records import create_run


@pytest.fixture
def run(tmp_path: Path) -> Iterator[RunWriter]:
    writer = create_run(tmp_path / "runs")
    yield writer
    writer.close()


def state(epoch: int, *, stopped: bool = False) -> TrainingState:
    weights = {"conv_1/kernel": np.full(3, epoch, np.float32)}
    history = ({"loss/val": 0.5},) * epoch
    return TrainingState(epoch, weights, {}, {}, progress=Progress(stopped=stopped), history=history)


def saved(run: RunWriter) -> list[int]:
    return sorted(int(path.stem.removeprefix("checkpoint_")) for path in run.read().checkpoints)


@pytest.mark.parametrize(
    ("every", "epochs", "kept"), [(1, 5, [4, 5]), (2, 5, [4, 5]), (3, 5, [3, 5]), (5, 10, [5, 10]), (9, 5, [0, 5])]
)
def test_every_so_many_epochs_and_the_last(every: int, epochs: int, kept: list[int], run: RunWriter) -> None:
    checkpoints = Checkpoints(run, Training(epochs=epochs, checkpoint_every=every))
    for epoch in range(epochs + 1):
        checkpoints.keep(state(epoch))
    assert saved(run) == kept
    assert Checkpoints(run, Training(epochs=epochs)).after == epochs


def test_an_epoch_that_stops_early_is_the_last(run: RunWriter) -> None:
    checkpoints = Checkpoints(run, Training(epochs=100, checkpoint_every=100))
    checkpoints.keep(state(7, stopped=True))
    assert saved(run) == [7]


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, Terminated, Pruned])
def test_an_interruption_saves_what_waited(interruption: type[BaseException], run: RunWriter) -> None:
    checkpoints = Checkpoints(run, Training(epochs=100, checkpoint_every=100))
    assert checkpoints.start is None
    for epoch in range(5):
        checkpoints.keep(state(epoch))
    with pytest.raises(interruption), checkpoints.saved_when_interrupted():
        raise interruption
    assert saved(run) == [0, 4]
    assert Checkpoints(run, Training()).after == 4


def test_what_cannot_go_on_saves_nothing_more(run: RunWriter) -> None:
    checkpoints = Checkpoints(run, Training(epochs=100, checkpoint_every=100))
    checkpoints.keep(state(3))
    with pytest.raises(TrainingError), checkpoints.saved_when_interrupted():
        raise TrainingError("loss", "nan", "a number")
    assert saved(run) == []


def test_an_interrupted_save_is_made_good(run: RunWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while the state is being written: it is written once more on the way out."""
    import cnnexp.nn.arrays

    checkpoints = Checkpoints(run, Training(epochs=100))
    write, calls = cnnexp.nn.arrays.np.savez, []

    def interrupted(*parts: object, **arrays: object) -> None:
        calls.append(1)
        if len(calls) == 1:
            raise KeyboardInterrupt
        write(*parts, **arrays)  # type: ignore[arg-type]

    monkeypatch.setattr(cnnexp.nn.arrays.np, "savez", interrupted)
    with pytest.raises(KeyboardInterrupt), checkpoints.saved_when_interrupted():
        checkpoints.keep(state(3))
    assert saved(run) == [3]
    assert [path.name for path in (run.folder / "checkpoint").iterdir()] == ["checkpoint_000003.npz"]


@pytest.mark.parametrize(("keep", "left"), [(False, []), (True, [4, 5])])
def test_once_finished_none_is_left_unless_asked_for(keep: bool, left: list[int], run: RunWriter) -> None:
    checkpoints = Checkpoints(run, Training(epochs=5, keep_checkpoints=keep))
    for epoch in range(6):
        checkpoints.keep(state(epoch))
    checkpoints.clear()
    assert saved(run) == left
    assert (run.folder / "checkpoint").exists() == keep


def test_a_newest_one_that_is_damaged_is_named(run: RunWriter) -> None:
    checkpoints = Checkpoints(run, Training(epochs=9))
    for epoch in (1, 2):
        checkpoints.keep(state(epoch))
    assert Checkpoints(run, Training(epochs=9)).damaged == []
    newest = run.read().checkpoints[0]
    newest.write_bytes(newest.read_bytes()[:-100])
    again = Checkpoints(run, Training(epochs=9))
    assert (again.after, again.damaged) == (1, ["checkpoint_000002.npz"])


def test_damaged_ones_are_refused_with_a_cure(run: RunWriter) -> None:
    checkpoints = Checkpoints(run, Training())
    for epoch in (1, 2):
        checkpoints.keep(state(epoch))
    newest, before = run.read().checkpoints
    newest.write_bytes(newest.read_bytes()[:-100])
    assert Checkpoints(run, Training()).after == 1
    before.write_bytes(b"")
    with pytest.raises(RunError) as caught:
        Checkpoints(run, Training())
    assert caught.value.problems[0].where == str(newest)
    assert caught.value.problems[0].hint.endswith(f"remove the folder {run.folder / 'checkpoint'}")


def test_one_of_more_epochs_than_the_run_has_is_refused(run: RunWriter) -> None:
    training = Training(epochs=3)
    Checkpoints(run, training).keep(state(3))
    with pytest.raises(RunError, match=r"got a checkpoint of epoch 3, expected at most the 2 of training\.epochs"):
        Checkpoints(run, Training(epochs=2))
