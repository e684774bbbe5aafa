"""How long a store that does not answer is waited for, on a clock that the test sets."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from cnnexp.runs.waiting import Waiting, waiting_for


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("cnnexp.runs.waiting.time.monotonic", clock)
    return clock


def test_a_store_that_refuses_at_once_is_asked_every_half_minute_and_at_the_end(clock: Clock) -> None:
    waiting = Waiting()
    assert waiting.is_over
    waiting.failed(0.01, at_the_end=False)
    assert not waiting.is_over
    assert waiting.is_over_at_the_end
    clock.now += 29.9
    assert not waiting.is_over
    clock.now += 0.2
    assert waiting.is_over


def test_a_store_that_hangs_is_asked_once_and_once_more_at_the_end(clock: Clock) -> None:
    waiting = Waiting()
    waiting.failed(6.1, at_the_end=False)
    clock.now += 100_000
    assert not waiting.is_over
    assert waiting.is_over_at_the_end


def test_the_runs_that_follow_lose_a_twentieth_of_their_time_at_most(clock: Clock) -> None:
    waiting, lost = Waiting(), 0.0
    began = clock.now
    for _ in range(10_000):
        clock.now += 1.0  # a run of one second
        if waiting.is_over_at_the_end:
            clock.now, lost = clock.now + 6.0, lost + 6.0
            waiting.failed(6.0, at_the_end=True)
    assert 12.0 < lost <= 12.0 + (clock.now - began) / 20


def test_an_answer_ends_all_waiting(clock: Clock) -> None:
    waiting = Waiting()
    waiting.failed(50.0, at_the_end=True)
    assert not waiting.is_over_at_the_end
    waiting.answered(0.1)
    assert waiting.is_over
    assert waiting.is_over_at_the_end


def test_a_store_that_answers_slowly_takes_a_twentieth_of_the_time_at_most(clock: Clock) -> None:
    waiting = Waiting()
    waiting.answered(2.0)
    assert not waiting.is_over
    assert waiting.is_over_at_the_end
    clock.now += 40.0
    assert waiting.is_over


def test_the_runs_of_a_process_wait_together_for_each_store() -> None:
    assert waiting_for("http://one") is waiting_for("http://one")
    assert waiting_for("http://one") is not waiting_for("http://another")
