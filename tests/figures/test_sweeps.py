from __future__ import annotations

from dataclasses import replace

import pytest
from matplotlib.figure import Figure

from cnnexp.figures.glyphs import drawable
from cnnexp.figures.sweeps import PlottedRun, all_curves, cost_against_accuracy, metric_against_value, table_picture


def run(kernel: str, accuracy: float, rate: str = "0.1", cost: float = 1000) -> PlottedRun:
    return PlottedRun(f"k={kernel} rate={rate}", {"k": kernel, "rate": rate}, accuracy, cost, cost * 10, cost / 100)


def dots(figure: Figure, label: str = "one run") -> list[tuple[float, float]]:
    """What the marked lines of the first axes show, as (x, y)."""
    lines = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert any(line.get_label() == label for line in lines) or label == ""
    return [(float(x), float(y)) for line in lines for x, y in zip(*line.get_data(), strict=True)]


def test_every_run_is_a_dot_at_its_value_and_each_value_has_its_mean() -> None:
    figure = metric_against_value([run("3", 0.90), run("5", 0.95), run("3", 0.92)], "k")
    found = dots(figure)
    assert sorted(round(y, 6) for _, y in found) == [90, 92, 95]
    assert {round(x) for x, y in found if y < 93} == {0}
    means = [line for line in figure.axes[0].lines if line.get_marker() != "o"]
    assert [pytest.approx(line.get_ydata()[0]) for line in means] == [91, 95]
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["3", "5"]
    assert figure.axes[0].get_ylim()[1] <= 100.5


def test_many_numbers_stand_at_their_place() -> None:
    runs = [run("3", 0.5 + i / 100, rate=f"{10**-i:g}") for i in range(9)]
    figure = metric_against_value(runs, "rate")
    assert figure.axes[0].get_xscale() == "log"
    assert dots(figure) == [(pytest.approx(10**-i), pytest.approx(50 + i)) for i in range(9)]
    even = metric_against_value([run("3", 0.5, rate=str(i)) for i in range(10)], "rate")
    assert even.axes[0].get_xscale() == "linear"


def test_cost() -> None:
    figure = cost_against_accuracy([run("3", 0.9, cost=1000), run("5", 0.95, cost=2000)])
    costs = [[x for line in axes.lines for x in line.get_xdata()] for axes in figure.axes]
    assert costs == [[1000, 2000], [10_000, 20_000], [10, 20]]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["k=3 rate=0.1", "k=5 rate=0.1"]
    assert len({str(line.get_color()) for line in figure.axes[0].lines}) == 2
    many = cost_against_accuracy([run(str(kernel), 0.9) for kernel in range(13)])
    assert not many.legends
    labels = ["parameters", "multiply-adds a digit", "seconds of training"]
    assert [axes.get_xlabel() for axes in figure.axes] == labels
    one = cost_against_accuracy([run("3", 1.0)])
    assert not one.legends
    low, high = one.axes[0].get_xlim()
    assert low < 1000 < high


def legend_is_on_paper(figure: Figure) -> None:
    figure.canvas.draw()
    legend, paper = figure.legends[0].get_window_extent(), figure.bbox
    assert paper.x0 <= legend.x0 < legend.x1 <= paper.x1
    assert paper.y0 <= legend.y0 < legend.y1 <= paper.y1
    assert all(axes.bbox.height > 200 for axes in figure.axes)


@pytest.mark.slow
def test_names_are_shortened_on_paper_only() -> None:
    long = "a_long_key_of_a_layer=1 " * 4
    runs = [replace(run("3", 0.9), recipe=f"{long}filters={filters}") for filters in range(8)]
    figure = cost_against_accuracy(runs)
    legend_is_on_paper(figure)
    legend_is_on_paper(all_curves({one.recipe: [(0, 2.3)] for one in runs}))
    assert len(figure.axes[0].lines) == 8
    assert all(text.get_text().endswith("…") for text in figure.legends[0].get_texts())


def test_curves_of_all_runs_with_names_while_they_are_few() -> None:
    histories = {f"run {i}": [(0, 2.3), (1, 1 / (i + 1))] for i in range(12)}
    figure = all_curves(histories)
    assert len(figure.axes[0].lines) == 12
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list(histories)
    assert figure.axes[0].get_yscale() == "log"
    figure.canvas.draw()
    written = [label.get_text() for label in figure.axes[0].get_yticklabels(which="both") if label.get_text()]
    assert {f"{float(text):e}"[0] for text in written} <= set("125")  # more would run into each other
    many = all_curves(histories | {"one more": [(0, 0.0)], "none yet": []})
    assert not many.legends
    assert many.axes[0].get_yscale() == "linear"
    assert len({str(line.get_color()) for line in many.axes[0].lines}) == 1  # colours without names mean nothing


@pytest.mark.parametrize("last", [2.4, 3.1, 40, 7e29])
def test_losses_over_few_or_many_decades_have_numbers(last: float) -> None:
    figure = all_curves({"diverged": [(0, 2.3), (1, last)], "fine": [(0, 2.3), (1, 0.6)]})
    figure.canvas.draw()
    low, high = figure.axes[0].get_ylim()
    shown = [tick for tick in figure.axes[0].get_yticks() if low < tick < high]
    assert 2 <= len(shown) <= 12
    assert figure.axes[0].get_yscale() == ("log" if last > 3 else "linear")


def test_the_table() -> None:
    figure = table_picture(["kernel", "accuracy"], [["3", "95%"], ["5", "90%"]], title="한글", note="a note")
    texts = {text.get_text(): text for text in figure.findobj(match=lambda one: hasattr(one, "get_text"))}
    assert {"kernel", "accuracy", "3", "95%", "5", "90%", drawable("한글"), "a note"} <= set(texts)
    assert texts["95%"].get_weight() == "bold"
    assert texts["90%"].get_weight() == "normal"
