from __future__ import annotations

from cnnexp.config.schema import EarlyStopping
from cnnexp.nn.state import Progress


def follow(values: list[float], stopping: EarlyStopping | None, key: str = "loss/val") -> list[Progress]:
    progress, seen = Progress(), []
    for epoch, value in enumerate(values, start=1):
        progress = progress.after(epoch, {"loss/val": 1.0} | {key: value}, stopping)
        seen.append(progress)
    return seen


def test_the_best_epoch_is_the_first_of_the_lowest_loss() -> None:
    seen = follow([3.0, 2.0, 2.0, 2.5], None)
    assert [progress.best_epoch for progress in seen] == [1, 2, 2, 2]
    assert seen[-1].best_loss == 2.0
    assert not seen[-1].stopped


def test_patience_counts_epochs_without_a_better_value() -> None:
    seen = follow([3.0, 2.0, 2.0, 1.9, 2.0, 2.0], EarlyStopping(patience=2))
    assert [progress.waited for progress in seen] == [0, 0, 1, 0, 1, 2]
    assert [progress.stopped for progress in seen] == [False] * 5 + [True]


def test_a_change_smaller_than_min_delta_is_not_better() -> None:
    seen = follow([3.0, 2.75, 2.5], EarlyStopping(patience=1, min_delta=0.25))
    assert [progress.stopped for progress in seen] == [False, True, True]


def test_accuracy_is_better_when_it_is_higher() -> None:
    seen = follow([0.5, 0.75, 0.25], EarlyStopping(monitor="accuracy/val", patience=1), "accuracy/val")
    assert [progress.stopped for progress in seen] == [False, False, True]
