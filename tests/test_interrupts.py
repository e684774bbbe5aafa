from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from types import FrameType

import pytest

from cnnexp.interrupts import Terminated, in_whole_steps


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
