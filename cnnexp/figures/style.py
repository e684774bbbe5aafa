"""One look for all figures: colours, sizes and fonts, in force only while a figure is made or rendered."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl

from cnnexp.figures.glyphs import families

# The colours of Okabe and Ito, told apart with every kind of colour blindness.
BLUE, SKY, ORANGE, GREEN, RED = "#0072B2", "#56B4E9", "#E69F00", "#009E73", "#D55E00"
PAPER, INK, MUTED, RULE = "#FFFFFF", "#1F2933", "#5B6673", "#DDE2E8"

TITLE, BODY, SMALL = 13.0, 10.0, 9.0  # font sizes in points
MARGIN = 0.25  # inches between the edge of a figure and what it shows

_LOOK: dict[str, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": MUTED,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.labelsize": BODY,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": BODY + 1,
    "figure.facecolor": PAPER,
    "font.size": BODY,
    "grid.color": RULE,
    "grid.linewidth": 0.8,
    "legend.fontsize": SMALL,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "savefig.facecolor": PAPER,
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": MUTED,
    "xtick.labelcolor": INK,
    "xtick.labelsize": SMALL,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
    "ytick.labelsize": SMALL,
}


@contextmanager
def styled(*names: str) -> Iterator[None]:
    """Draw in this look, whatever style is set outside, with fonts that have the glyphs of `names`."""
    plain = {key: value for key, value in mpl.rcParamsDefault.items() if not key.startswith("backend")}
    with mpl.rc_context({**plain, **_LOOK, "font.family": families(names)}):  # type: ignore[dict-item]
        yield
