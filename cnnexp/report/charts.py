"""Charts as inline SVG, in the colours of the page: light, dark and in print."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from cnnexp.report.html import Markup, tag
from cnnexp.report.words import look_of

LEFT, RIGHT, TOP, BOTTOM = 62, 30, 14, 40
APART, LETTER = 13.0, 10.0  # between two letters at the right rim, and how high one is


@dataclass(frozen=True)
class Line:
    """Points (x, y) of one run; `run` counts from 0 and decides the colour, `name` is its letter."""

    run: int
    name: str
    points: Sequence[tuple[float, float]]
    dashed: bool = False


@dataclass(frozen=True)
class Dot:
    """A run as a point (x, y) with an interval of y."""

    run: int
    name: str
    x: float
    y: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class Axis:
    """From low to high; logarithmic, or of whole numbers, where said."""

    low: float
    high: float
    logarithmic: bool = False
    whole: bool = False

    def share(self, value: float) -> float:
        """Where a value stands: 0 at low, 1 at high."""
        if self.logarithmic:
            return (math.log(value) - math.log(self.low)) / (math.log(self.high) - math.log(self.low))
        return (value - self.low) / (self.high - self.low)

    def ticks(self, most: int = 6) -> list[float]:
        """Round values inside."""
        if self.logarithmic:
            decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            steps = (1, 2, 5) if self.high < 500 * self.low else (1,)
            values = [step * 10.0**decade for decade in decades for step in steps]
        else:
            step = _round_step(max((self.high - self.low) / most, float(self.whole)))
            values = [
                step * k for k in range(math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9) + 1)
            ]
        return [value for value in values if -1e-9 <= self.share(value) <= 1 + 1e-9]


def _round_step(least: float) -> float:
    scale = 10.0 ** math.floor(math.log10(least))
    return next(step * scale for step in (1, 2, 5, 10) if step * scale >= least * (1 - 1e-9))


def axis_of(values: Sequence[float], *, logarithmic: bool = False, room: float = 0.06) -> Axis:
    """An axis that holds the finite values, with a little room; logarithmic only where they span more than tenfold."""
    known = [value for value in values if math.isfinite(value)] or [0.0, 1.0]
    low, high = min(known), max(known)
    if logarithmic and low > 0 and high > 10 * low:
        more = (high / low) ** room
        return Axis(low / more, high * more, True)
    more = (high - low) * room or abs(high) * 0.1 or 1.0
    return Axis(low - more, high + more)


def apart(places: Sequence[float], low: float, high: float) -> list[float]:
    """Places in order, moved as little as need be so that neighbours are APART from each other, from low to high."""
    groups: list[list[float]] = []
    for place in places:
        groups.append([min(max(place, low), high)])
        while len(groups) > 1 and _first(groups[-1], low, high) < _first(groups[-2], low, high) + _height(groups[-2]):
            groups[-2:] = [groups[-2] + groups[-1]]
    return [_first(group, low, high) + APART * i for group in groups for i in range(len(group))]


def _height(group: Sequence[float]) -> float:
    return APART * len(group)


def _first(group: Sequence[float], low: float, high: float) -> float:
    """Where the first of a group stands whose middle is that of its places, as far as there is room."""
    reach = _height(group) - APART
    return max(min(sum(group) / len(group) - reach / 2, high - reach), low)


def without_failures(values: Sequence[float], least: float) -> list[float]:
    """The values but for those that lie far below the rest, such as networks that learned nothing.

    Far: lower than the highest by more than five times its distance to the median, and by more than `least`.
    """
    known = [value for value in values if math.isfinite(value)]
    if not known:
        return []
    highest = max(known)
    floor = highest - max(5 * (highest - statistics.median(known)), least)
    return [value for value in known if value >= floor]


@dataclass(frozen=True)
class Chart:
    """A chart of `width` × `height` units with both axes and their labels."""

    title: str
    x: Axis
    y: Axis
    x_label: str
    y_label: str
    width: int = 520
    height: int = 300

    def across(self, value: float) -> float:
        return round(LEFT + self.x.share(value) * (self.width - LEFT - RIGHT), 1)

    def down(self, value: float) -> float:
        return round(self.height - BOTTOM - self.y.share(value) * (self.height - TOP - BOTTOM), 1)

    def lines(self, lines: Sequence[Line], summary: str) -> Markup:
        """Lines from left to right, each with its letter at its end; outside the axes they are cut."""
        box = {
            "x": LEFT,
            "y": TOP - 6,
            "width": self.width - LEFT - RIGHT + 6,
            "height": self.height - TOP - BOTTOM + 6,
        }
        view = f"{box['x']} {box['y']} {box['width']} {box['height']}"
        drawn = tag("svg", [self._line(line) for line in lines], viewBox=view, overflow="hidden", **box)
        return self._svg([drawn, self._names([line for line in lines if line.points and not line.dashed])], summary)

    def dots(self, dots: Sequence[Dot], summary: str) -> Markup:
        """One dot a run with its interval, and its letter beside it; with ↓ on the rim where it lies below the axis."""
        return self._svg([self._dot(dot) for dot in dots] + self._letters_of(dots), summary)

    def _dot(self, dot: Dot) -> Markup:
        x, look = self.across(dot.x), look_of(dot.run)
        y, low, high = (self.down(max(value, self.y.low)) for value in (dot.y, *dot.interval))
        title = tag("title", f"{dot.name}: {_number(dot.x)}, {_number(dot.y)}")
        return tag(
            "g",
            tag("line", x1=x, x2=x, y1=low, y2=high, class_=f"line thin {look}"),
            tag("circle", title, cx=x, cy=y, r=5, class_=f"dot {look}"),
        )

    def _letters_of(self, dots: Sequence[Dot]) -> list[Markup]:
        """A letter beside each dot; right of dots that stand side by side, their letters one below the other."""
        columns: list[list[Dot]] = []
        for dot in sorted(dots, key=lambda dot: dot.x):
            if columns and self.across(dot.x) < self.across(columns[-1][0].x) + APART:
                columns[-1].append(dot)
            else:
                columns.append([dot])
        return [
            letter for column in columns for letter in self._apart([(dot, column[-1].x, dot.y) for dot in column], -6)
        ]

    def _line(self, line: Line) -> Markup:
        known = [(x, y) for x, y in line.points if math.isfinite(y) and (y > 0 or not self.y.logarithmic)]
        places = " ".join(f"{self.across(x)},{self.down(y)}" for x, y in known)
        look = f"line {look_of(line.run)}" + (" dashed" if line.dashed else "")
        marks = [] if line.dashed or len(known) > 16 else [
            tag("circle", tag("title", f"{line.name}, epoch {x:g}: {_number(y)}"), cx=self.across(x), cy=self.down(y),
                r=3, class_=f"dot {look_of(line.run)}") for x, y in known]  # fmt: skip
        return tag("g", tag("polyline", points=places, class_=look), marks)

    def _names(self, lines: Sequence[Line]) -> list[Markup]:
        """The letters where the lines end, moved apart where these are close together."""
        ends = [(line, *line.points[-1]) for line in lines]
        return [
            letter
            for last in sorted({x for _, x, _ in ends})
            for letter in self._apart([end for end in ends if end[1] == last], 4)
        ]

    def _apart(self, ends: Sequence[tuple[Line | Dot, float, float]], shift: float) -> list[Markup]:
        """The letters beside points (of whom, x, y), `shift` units lower, moved apart; ↓ or ↑ where y is outside."""
        ordered = sorted(ends, key=lambda end: -end[2])
        places = apart([self.down(y) for _, _, y in ordered], max(TOP, LETTER - shift), self.height - BOTTOM)
        return [
            tag(
                "text",
                one.name + (" ↓" if y < self.y.low else " ↑" if y > self.y.high else ""),
                x=self.across(x) + 8,
                y=round(place + shift, 1),
                class_=f"name {look_of(one.run)}",
            )
            for (one, x, y), place in zip(ordered, places, strict=True)
        ]

    def _svg(self, drawn: Sequence[Markup | list[Markup]], summary: str) -> Markup:
        label = f"{self.title}. {summary}"
        picture = tag(
            "svg",
            self._grid(),
            drawn,
            class_="chart",
            viewBox=f"0 0 {self.width} {self.height}",
            role="img",
            aria_label=label,
        )
        return tag("figure", tag("figcaption", self.title), picture, class_="chart-box")

    def _grid(self) -> list[Markup]:
        bottom, right = self.height - BOTTOM, self.width - RIGHT
        found = []
        for value in self.y.ticks():
            y = self.down(value)
            found.append(tag("line", x1=LEFT, x2=right, y1=y, y2=y, class_="grid"))
            found.append(tag("text", _number(value), x=LEFT - 7, y=y + 4, class_="tick end"))
        for value in self.x.ticks():
            x = self.across(value)
            found.append(tag("line", x1=x, x2=x, y1=bottom, y2=bottom + 4, class_="grid"))
            found.append(tag("text", _number(value), x=x, y=bottom + 17, class_="tick middle"))
        middle = (TOP + bottom) / 2
        found.append(tag("text", self.x_label, x=(LEFT + right) / 2, y=self.height - 6, class_="tick middle"))
        found.append(
            tag("text", self.y_label, x=12, y=middle, transform=f"rotate(-90 12 {middle})", class_="tick middle")
        )
        return found


def _number(value: float) -> str:
    """In few characters: `93.2`, `1.2 M`, `0.05`."""
    for size, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if abs(value) >= size:
            return f"{value / size:.4g}{unit}"
    return f"{value:.4g}"
