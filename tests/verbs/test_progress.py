"""How a run is told while it goes."""

from __future__ import annotations

import os
from io import StringIO

import pytest

from cnnexp.config.compose import compose_config
from cnnexp.verbs.progress import AFTER_TRAINING, BarProgress, LineProgress, epoch_line, progress_for
from tests.conftest import Trained

METRICS = {
    "loss/train": 0.10214, "accuracy/train": 0.969, "loss/val": 0.131, "accuracy/val": 1.0, "time/epoch_seconds": 0.64,
}  # fmt: skip


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def told(epochs: int, every: int, last: int | None = None) -> list[str]:
    stream = StringIO()
    progress = LineProgress(stream, epochs, every)
    for epoch in range((last or epochs) + 1):
        progress.epoch(epoch, METRICS)
    progress.ended()
    return [line.partition(" |")[0] for line in stream.getvalue().splitlines()]


def test_epoch_line() -> None:
    assert epoch_line(3, 12, METRICS) == (
        "epoch  3/12 | loss 0.1021  accuracy 96.90% | validation 0.1310  100.00% | 0.6 s"
    )
    assert epoch_line(0, 12, {"loss/val": 2.3, "accuracy/val": 0.08}) == "before training | validation 2.3000   8.00%"
    assert epoch_line(1, 3, {"loss/train": 1.0, "accuracy/train": 0.5}) == "epoch 1/3 | loss 1.0000  accuracy 50.00%"


def test_an_epoch_of_hundreds_fits_a_terminal() -> None:
    assert len(epoch_line(100, 100, METRICS | {"accuracy/val": 0.5})) <= 80


def test_a_loss_that_has_run_away_is_short() -> None:
    assert "loss 1.235e+30  accuracy" in epoch_line(1, 3, METRICS | {"loss/train": 1.2349e30})
    assert "loss 9999.0000  accuracy" in epoch_line(1, 3, METRICS | {"loss/train": 9999.0})


def test_a_pipe_that_nobody_reads_any_more_ends_no_training() -> None:
    """As after `2>&1 | head -3`."""
    read, write = os.pipe()
    with open(write, "w", encoding="utf-8") as stream:
        progress = LineProgress(stream, 3, 1)
        progress.say("one")
        os.close(read)
        for epoch in range(4):
            progress.epoch(epoch, METRICS)
        progress.ended()


def test_a_line_an_epoch() -> None:
    assert told(3, 1) == ["before training", "epoch 1/3", "epoch 2/3", "epoch 3/3"]


def test_report_every_tells_the_first_and_the_last_always() -> None:
    assert told(7, 3) == ["before training", "epoch 1/7", "epoch 3/7", "epoch 6/7", "epoch 7/7"]


def test_the_last_epoch_of_a_run_that_stopped_is_told() -> None:
    assert told(50, 20, last=22) == ["before training", "epoch  1/50", "epoch 20/50", "epoch 22/50"]
    assert told(50, 20, last=20) == ["before training", "epoch  1/50", "epoch 20/50"]


def test_the_stream_decides() -> None:
    config = compose_config(()).config
    assert type(progress_for(StringIO(), config)) is LineProgress
    assert type(progress_for(Terminal(), config)) is BarProgress


def test_a_bar_below_the_lines(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "60")  # narrower than a line: the terminal wraps it, nobody else
    stream = Terminal()
    progress = BarProgress(stream, 1, 1)
    progress.started(trained.record)
    progress.epoch(0, {"loss/val": 2.3, "accuracy/val": 0.1})
    progress.batch(40, 40, 0.5)
    progress._progress.refresh()
    assert "epoch 1/1  loss 0.5000" in stream.getvalue()
    assert "40/40" in stream.getvalue()
    progress.epoch(1, METRICS)
    progress._progress.refresh()
    assert AFTER_TRAINING in stream.getvalue()
    progress.ended()
    lines = stream.getvalue()
    assert "before training | validation 2.3000  10.00%" in lines
    assert epoch_line(1, 1, METRICS) in lines
