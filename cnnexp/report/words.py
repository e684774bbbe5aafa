"""Short words that all parts of the report use."""

from __future__ import annotations

from collections.abc import Sequence

from cnnexp.analysis.comparison import ComparedRun, Comparison
from cnnexp.config.keys import short_key
from cnnexp.report.html import Markup, tag

COLOURS = 10
LINE = 70


def badge(letter: str) -> Markup:
    """The letter of a run in its colour."""
    return tag("b", letter, class_=f"badge {look_of(run_number(letter))}")


def look_of(run: int) -> str:
    """The class of what belongs to a run: its colour; after COLOURS runs the same again, but drawn hollow."""
    return f"run{run % COLOURS}" + (" again" if run >= COLOURS else "")


def run_number(letter: str) -> int:
    """0 for A."""
    return ord(letter) - ord("A")


def named(run: ComparedRun) -> list[Markup]:
    """A run's letter and its name."""
    return [badge(run.letter), tag("span", run.record.name, class_="name")]


def size(shape: Sequence[int]) -> str:
    """`28×28×32`"""
    return "×".join(f"{number:,}" for number in shape)


def percent(share: float, digits: int = 1) -> str:
    """`93.0 %`"""
    return f"{100 * share:.{digits}f} %"


def headline(comparison: Comparison) -> str:
    """What was compared, in a line: `kernel_size 3 vs 7, strides 1 vs 2`; names where that is long, else how many."""
    line = ", ".join(f"{short_key(one.key)} {' vs '.join(dict.fromkeys(one.values))}" for one in comparison.settings)
    names = " vs ".join(run.record.name for run in comparison.runs)
    return next((text for text in (line, names) if 0 < len(text) <= LINE), f"{len(comparison.runs)} runs compared")
