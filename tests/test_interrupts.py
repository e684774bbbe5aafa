from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any

import pytest
from hydra import compose

from cnnexp.config.compose import Composed, compose_config, hydra_session
from cnnexp.interrupts import Terminated, held_back, in_whole_steps, none_lost, safe_point
from cnnexp.study.points import Composer


@pytest.fixture
def handler() -> Iterator[None]:
    """SIGTERM raises Terminated, as in a command."""

    def terminate(number: int, frame: FrameType | None) -> None:
        raise Terminated

    before = signal.signal(signal.SIGTERM, terminate)
    yield
    assert signal.signal(signal.SIGTERM, before) is terminate, "the handler is as it was"


def steps(number: int, done: list[str]) -> Iterator[int]:
    """Two steps; the first is sent a signal half-way, and turns whatever that raises into another error."""
    for step in (1, 2):
        try:
            if step == 1:
                signal.raise_signal(number)
            done.append(f"step {step}")
        except BaseException:  # noqa: BLE001
            raise ValueError("something else") from None
        yield step


@pytest.mark.usefixtures("handler")
@pytest.mark.parametrize(("number", "expected"), [(signal.SIGTERM, Terminated), (signal.SIGINT, KeyboardInterrupt)])
def test_a_signal_waits_for_the_step_that_is_under_way(number: int, expected: type[BaseException]) -> None:
    done = list[str]()
    with pytest.raises(expected):
        list(in_whole_steps(steps(number, done)))
    assert done == ["step 1"]


@pytest.mark.usefixtures("handler")
def test_a_signal_is_not_lost_where_the_step_fails() -> None:
    def failing() -> Iterator[int]:
        signal.raise_signal(signal.SIGTERM)
        yield 1 // 0

    with pytest.raises(Terminated):
        list(in_whole_steps(failing()))


@pytest.mark.usefixtures("handler")
def test_without_signals_and_in_other_threads_nothing_changes() -> None:
    found = list[int]()
    thread = threading.Thread(target=lambda: found.extend(in_whole_steps(iter([1, 2]))))
    thread.start()
    thread.join()
    assert found == list(in_whole_steps(iter([1, 2]))) == [1, 2]


@pytest.mark.usefixtures("handler")
@pytest.mark.parametrize(("number", "expected"), [(signal.SIGTERM, Terminated), (signal.SIGINT, KeyboardInterrupt)])
def test_a_signal_that_is_held_back_takes_effect_at_a_safe_point(number: int, expected: type[BaseException]) -> None:
    done = list[str]()

    def batches() -> None:
        safe_point()
        signal.raise_signal(number)
        with held_back():
            done.append("a whole step in it")
        done.append("the rest of the batch")
        safe_point()
        done.append("the next batch")

    with pytest.raises(expected), held_back():
        batches()
    assert done == ["a whole step in it", "the rest of the batch"]


@pytest.mark.usefixtures("handler")
def test_a_second_signal_does_not_wait() -> None:
    done = list[str]()

    def twice() -> None:
        signal.raise_signal(signal.SIGINT)
        done.append("waits")
        signal.raise_signal(signal.SIGTERM)
        done.append("does not")

    with pytest.raises(KeyboardInterrupt), held_back():
        twice()
    assert done == ["waits"]


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with held_back():
            signal.raise_signal(signal.SIGINT)
            safe_point()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


class Callback:
    """Python ignores what is raised while it is destroyed."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __del__(self) -> None:
        signal.raise_signal(self.number)


@pytest.mark.usefixtures("handler")
@pytest.mark.parametrize(("number", "expected"), [(signal.SIGTERM, Terminated), (signal.SIGINT, KeyboardInterrupt)])
def test_a_signal_where_python_ignores_what_is_raised_comes_again(number: int, expected: type[BaseException]) -> None:
    before = sys.unraisablehook

    def destroy_one() -> None:
        callback = Callback(number)
        del callback
        time.sleep(60)

    with pytest.raises(expected), none_lost():
        destroy_one()
    assert sys.unraisablehook is before


@pytest.mark.usefixtures("handler")
def test_a_signal_while_hydra_composes_is_no_error_of_the_config(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*words: Any, **options: Any) -> Any:
        try:
            signal.raise_signal(signal.SIGTERM)
        except BaseException:  # noqa: BLE001 (as OmegaConf's clean-up does, which finds what it expects missing)
            raise AttributeError("something else") from None
        return compose(*words, **options)

    monkeypatch.setattr("cnnexp.config.compose.compose", interrupted)
    with pytest.raises(Terminated):
        compose_config([])


@pytest.mark.usefixtures("handler")
def test_between_two_points_of_a_sweep_a_signal_takes_effect() -> None:
    points = list[Composed]()

    def compose_two() -> None:
        with hydra_session(None) as loader:
            composer = Composer(tuple(loader))
            points.append(composer.compose(["seed=0"]))
            signal.raise_signal(signal.SIGTERM)
            points.append(composer.compose(["seed=1"]))

    with pytest.raises(Terminated):
        compose_two()
    assert len(points) == 1
