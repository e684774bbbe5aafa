"""What ends a run from outside as an exception, so that it can end truly: at moments when an exception does no harm."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import TypeVar

SOON_SECONDS = 0.02
T = TypeVar("T")
Handler = Callable[[int, FrameType | None], object]


class Terminated(BaseException):
    """SIGTERM arrived: like KeyboardInterrupt, no error of the run's own."""


class Pruned(BaseException):
    """A search gave the run up: it looked hopeless beside the others."""


class _Held:
    """Signals that wait for their handlers; a second one does not, because who sends it will not wait."""

    def __init__(self, handlers: Mapping[int, Handler]) -> None:
        self._handlers, self._came = handlers, list[int]()

    def came(self, number: int, frame: FrameType | None) -> None:
        self._came.append(number)
        if len(self._came) > 1:
            self.answer()

    def answer(self) -> None:
        """What came reaches its handler, which usually raises."""
        if self._came:
            number = self._came[0]
            self._came.clear()
            self._handlers[number](number, None)


_HELD: list[_Held] = []
"""The innermost last. Of the main thread, which alone is sent signals."""


@contextmanager
def held_back() -> Iterator[None]:
    """SIGINT and SIGTERM that come inside reach their handlers at its end, or at a `safe_point` before.

    For steps in libraries that call back and forth between C and Python: there an exception that a handler raises may
    come out as another one, end the process, or be lost. In other threads, and for signals that Python does not handle,
    nothing changes.
    """
    handlers = _handlers()
    held = _Held(handlers)
    try:
        with ExitStack() as stack:
            for number, handler in handlers.items():
                signal.signal(number, held.came)
                stack.callback(signal.signal, number, handler)
            if handlers:
                _HELD.append(held)
                stack.callback(_HELD.remove, held)
            yield
    finally:
        held.answer()


def safe_point() -> None:
    """Here what `held_back` keeps back may end the run."""
    if _HELD and threading.current_thread() is threading.main_thread():
        _HELD[-1].answer()


def in_whole_steps(items: Iterator[T]) -> Iterator[T]:
    """The same items; SIGINT and SIGTERM that come while one is made wait until it is there."""
    while True:
        with held_back():
            try:
                item = next(items)
            except StopIteration:
                return
        safe_point()
        yield item


@contextmanager
def none_lost() -> Iterator[None]:
    """SIGINT and SIGTERM that raise where Python ignores what is raised come once more, a moment later.

    Python does so in callbacks of its own, such as those of every import.
    """
    before = sys.unraisablehook
    numbers = {KeyboardInterrupt: signal.SIGINT, Terminated: signal.SIGTERM}

    def hook(ignored: sys.UnraisableHookArgs) -> None:
        if ignored.exc_type in numbers:
            threading.Timer(SOON_SECONDS, os.kill, (os.getpid(), numbers[ignored.exc_type])).start()
        else:
            before(ignored)

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = before


def _handlers() -> dict[int, Handler]:
    if threading.current_thread() is not threading.main_thread():
        return {}
    found = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    return {number: handler for number, handler in found.items() if callable(handler)}
