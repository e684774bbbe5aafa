from __future__ import annotations

import math
import re
from itertools import pairwise

import pytest

from cnnexp.report.charts import APART, LETTER, Axis, Chart, Dot, Line, apart, axis_of, without_failures


def test_ticks_are_round() -> None:
    assert Axis(0, 8, whole=True).ticks() == [0, 2, 4, 6, 8]
    assert Axis(0, 2, whole=True).ticks() == [0, 1, 2]
    assert Axis(90.2, 95.1).ticks() == pytest.approx([91, 92, 93, 94, 95])
    assert Axis(0.05, 3, logarithmic=True).ticks() == pytest.approx([0.05, 0.1, 0.2, 0.5, 1, 2])
    assert Axis(1e-3, 10, logarithmic=True).ticks() == pytest.approx([1e-3, 1e-2, 0.1, 1, 10])


def test_axes_hold_all_finite_values() -> None:
    found = axis_of([1.0, math.nan, 3.0, math.inf])
    assert (found.low, found.high, found.logarithmic) == (pytest.approx(0.88), pytest.approx(3.12), False)
    assert axis_of([0.1, 2.3], logarithmic=True).logarithmic
    assert not axis_of([0.5, 2.3], logarithmic=True).logarithmic
    assert axis_of([5.0, 5.0]).share(5.0) == 0.5
    assert axis_of([]).low < axis_of([]).high


def test_letters_move_as_little_as_need_be() -> None:
    assert apart([10, 100], 0, 200) == [10, 100]
    assert apart([100, 101], 0, 200) == pytest.approx([100.5 - APART / 2, 100.5 + APART / 2])
    assert apart([198, 199, 200], 0, 200) == pytest.approx([200 - 2 * APART, 200 - APART, 200])
    assert apart([14, 14, 15], 14, 200) == [14, 14 + APART, 14 + 2 * APART]
    found = apart([5, 90, 91, 92, 104, 500], 0, 200)
    assert found[0] == 5
    assert all(b - a >= APART - 1e-9 for a, b in pairwise(found))


def test_a_network_that_learned_nothing_does_not_stretch_an_axis() -> None:
    assert without_failures([96, 95, 94, 10, math.nan], 5) == [96, 95, 94]
    assert without_failures([96, 10], 5) == [96, 10]
    assert without_failures([96, 96, 92], 5) == [96, 96, 92]
    assert without_failures([], 5) == []


def test_letters_of_dots_at_the_upper_rim_stay_inside() -> None:
    chart = Chart("T", Axis(0, 2), Axis(0, 100), "x", "y", width=192, height=154)
    svg = chart.dots([Dot(run, name, 1, 99, (98, 100)) for run, name in enumerate("ABCD")], "")
    assert min(float(y) for y in re.findall(r'<text [^>]*y="([\d.-]+)" class="name', svg)) >= LETTER


def test_lines_stand_where_their_values_are() -> None:
    chart = Chart("T", Axis(0, 2, whole=True), Axis(0, 100), "x", "y <", width=192, height=154)
    svg = chart.lines([Line(0, "A", [(0, 0), (1, 50), (2, 100)]), Line(1, "B", [(0, 1)], dashed=True)], "told")
    assert 'points="62.0,114.0 112.0,64.0 162.0,14.0" class="line run0"' in svg
    assert 'class="line run1 dashed"' in svg
    assert re.findall(r'class="name run\d">(.)<', svg) == ["A"]
    assert 'role="img" aria-label="T. told"' in svg
    assert "y &lt;" in svg


def test_values_that_are_no_numbers_leave_a_line_whole() -> None:
    chart = Chart("T", Axis(0, 2), Axis(1, 100, logarithmic=True), "x", "y", width=192, height=154)
    svg = chart.lines([Line(0, "A", [(0, 10), (1, math.nan), (1, 0), (2, 100)])], "")
    assert 'points="62.0,64.0 162.0,14.0"' in svg


def test_letters_of_dots_side_by_side_are_moved_apart() -> None:
    chart = Chart("T", Axis(0, 10), Axis(90, 100), "x", "y", width=192, height=154)
    dots = [Dot(i, "ABCD"[i], x, y, (y, y)) for i, (x, y) in enumerate([(5, 95), (5.5, 95.2), (5, 94.9), (9, 95)])]
    svg = chart.dots(dots, "")
    letters = re.findall(r'<text x="([\d.]+)" y="([\d.]+)" class="name run\d">(.)<', svg)
    assert [letter for _, _, letter in letters] == ["B", "A", "C", "D"]
    heights = [float(y) for _, y, _ in letters]
    assert all(b - a >= APART - 0.1 for a, b in pairwise(heights[:3]))
    assert heights[3] == chart.down(95) - 6


def test_a_line_that_ends_outside_the_axis_says_so() -> None:
    chart = Chart("T", Axis(0, 2), Axis(90, 100), "x", "y", width=192, height=154)
    svg = chart.lines([Line(0, "A", [(0, 95), (2, 96)]), Line(1, "B", [(0, 95), (2, 10)])], "")
    assert re.findall(r'class="name run\d">(.+?)<', svg) == ["A", "B ↓"]


def test_a_dot_below_the_axis_stands_on_its_rim_with_an_arrow() -> None:
    chart = Chart("T", Axis(0, 2), Axis(90, 100), "x", "y", width=192, height=154)
    svg = chart.dots([Dot(0, "A", 1, 95, (92, 98)), Dot(3, "B", 2, 10, (5, 15))], "")
    assert '<line x1="112.0" x2="112.0" y1="94.0" y2="34.0" class="line thin run0">' in svg
    assert 'cx="112.0" cy="64.0"' in svg
    assert 'cx="162.0" cy="114.0"' in svg
    assert re.findall(r'class="name run\d">(.+?)<', svg) == ["A", "B ↓"]
