"""How long a process waits for a store that does not answer: a few seconds in all, however many runs it trains."""

from __future__ import annotations

import time
from dataclasses import dataclass

COOLDOWN_SECONDS = 30.0
BUDGET_SECONDS = 6.0
SLOW_SECONDS = 1.0
SHARE = 20


@dataclass
class Waiting:
    """What one store has cost this process since it last answered, and when it is asked again.

    While a run goes on, a store that failed is left alone for 30 s, and until the end of the run once it has cost 6 s.
    At the end it is asked once more. Where that was in vain and it has cost 12 s, the runs that follow ask it only
    after 20 times what it has cost: a process that trains many runs loses at most 5 % of its time to it.
    One that takes more than 1 s to answer is left alone for 20 times that while a run goes on.
    """

    lost: float = 0.0
    retry_at: float = 0.0
    in_vain: bool = False

    @property
    def is_over(self) -> bool:
        """Whether the store may be asked while a run goes on."""
        return self.lost < BUDGET_SECONDS and time.monotonic() >= self.retry_at

    @property
    def is_over_at_the_end(self) -> bool:
        """Whether the store may be asked at the end of a run."""
        return not self.in_vain or self.lost < 2 * BUDGET_SECONDS or time.monotonic() >= self.retry_at

    def answered(self, seconds: float) -> None:
        """The store did what it was asked, in so many `seconds`."""
        slow = is_slow(seconds)
        self.lost, self.in_vain = 0.0, False
        self.retry_at = time.monotonic() + SHARE * seconds if slow else 0.0

    def failed(self, seconds: float, *, at_the_end: bool) -> None:
        """The store did not, and that took `seconds`."""
        self.lost += seconds
        self.retry_at = time.monotonic() + max(COOLDOWN_SECONDS, SHARE * self.lost)
        self.in_vain = self.in_vain or at_the_end


def is_slow(seconds: float) -> bool:
    """Whether a store that took so long to answer is left for later while a run goes on."""
    return seconds > SLOW_SECONDS


_WAITING: dict[str, Waiting] = {}


def waiting_for(uri: str) -> Waiting:
    """This process's waiting for the store at `uri`, shared by all its runs."""
    return _WAITING.setdefault(uri, Waiting())
