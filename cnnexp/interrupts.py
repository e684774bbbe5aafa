"""What ends a run from outside as an exception, so that it can end truly."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TypeVar

T = TypeVar("T")


class Terminated(BaseException):
    """SIGTERM arrived: like KeyboardInterrupt, no error of the run's own."""


class Pruned(BaseException):
    """A search gave the run up: it looked hopeless beside the others."""


def in_whole_steps(items: Iterator[T]) -> Iterator[T]:
    """The same items; SIGINT and SIGTERM that come while one is made reach their handlers once it is made.

    For steps in libraries that call back and forth between C and Python: there an exception that a handler raises may
    come out as another one, or be lost.
    """
    while True:
        with held_back():
            try:
                item = next(items)
            except StopIteration:
                return
        yield item


@contextmanager
def held_back() -> Iterator[None]:
    """SIGINT and SIGTERM that come inside reach their handlers at its end.

    Outside the main thread, which alone is sent signals, nothing changes.
    """
    came: list[int] = []
    try:
        with ExitStack() as handlers:
            for number in _held_signals():
                handler = signal.signal(number, lambda number, frame: came.append(number))
                handlers.callback(signal.signal, number, handler)
            yield
    finally:
        if came:
            signal.raise_signal(came[0])


def _held_signals() -> list[signal.Signals]:
    """None where a signal's handler is not Python's: it could not be put back."""
    if threading.current_thread() is not threading.main_thread():
        return []
    return [number for number in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(number) is not None]
