"""The networks: their layers side by side, how they learned, and what their accuracy costs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cnnexp.analysis.comparison import ComparedRun, Comparison
from cnnexp.analysis.differences import merged
from cnnexp.report.charts import Axis, Chart, Dot, Line, axis_of, without_failures
from cnnexp.report.html import Markup, scrolling, section, tag
from cnnexp.report.words import badge, percent, run_number, size
from cnnexp.shapes import Layer

FEW = 4  # runs whose training curves are drawn too
PARTS = ("output", "sees", "parameters", "multiply-adds")


def layers_section(comparison: Comparison) -> Markup:
    """Every layer of every network in one table; what differs from the first is marked."""
    networks = _networks(comparison.runs)
    names = merged([[layer.name for layer in runs[0].table.layers] for runs in networks])
    head = [
        tag(
            "tr",
            tag("th", "layer", scope="col", rowspan=2),
            [
                tag("th", [badge(run.letter) for run in runs], scope="colgroup", colspan=len(PARTS), class_="first")
                for runs in networks
            ],
        ),
        tag(
            "tr",
            [
                tag("th", part, scope="col", class_="first" if i == 0 else None)
                for _ in networks
                for i, part in enumerate(PARTS)
            ],
        ),
    ]
    firsts = [runs[0] for runs in networks]
    body = [_layer_row(name, firsts) for name in names]
    total = tag("tr", tag("th", "total", scope="row"), [_totals(run) for run in firsts], class_="total")
    grid = tag(
        "table",
        tag("caption", "Layers of one digit's way through each network"),
        tag("thead", head),
        tag("tbody", body, total),
        class_="numbers layers",
        style=f"--networks: {len(networks)}",
    )
    note = "sees: pixels (height × width) that one cell depends on; all: on every cell before. Marked: not as in A."
    return section("The networks", scrolling(grid, "Layers of all runs"), tag("p", note, class_="note"), id_="layers")


def _networks(runs: Sequence[ComparedRun]) -> list[list[ComparedRun]]:
    """The runs by what stands in the table: those whose layers look alike there are one network."""
    groups: dict[tuple[tuple[str, ...], ...], list[ComparedRun]] = {}
    for run in runs:
        look = tuple((layer.name, *_layer_texts(layer)) for layer in run.table.layers)
        groups.setdefault(look, []).append(run)
    return list(groups.values())


def _layer_row(name: str, runs: Sequence[ComparedRun]) -> Markup:
    layers = [{layer.name: layer for layer in run.table.layers}.get(name) for run in runs]
    first = _layer_texts(layers[0])
    cells = []
    for layer in layers:
        for i, (text, other) in enumerate(zip(_layer_texts(layer), first, strict=True)):
            look = " ".join(["first"] * (i == 0) + ["differs"] * (text != other))
            cells.append(tag("td", text, class_=look or None))
    return tag("tr", tag("th", name, scope="row"), cells)


def _layer_texts(layer: Layer | None) -> tuple[str, ...]:
    if layer is None:
        return ("–", "", "", "")
    sees = size(layer.receptive_field) if layer.receptive_field else "all"
    return size(layer.output), sees, _count(layer.parameters), _count(layer.multiply_adds)


def _count(number: int) -> str:
    return f"{number:,}" if number else ""


def _totals(run: ComparedRun) -> list[Markup]:
    texts = ("", size(run.receptive_field), f"{run.table.parameters:,}", f"{run.table.multiply_adds:,}")
    return [tag("td", text, class_="first" if i == 0 else None) for i, text in enumerate(texts)]


def curves_section(comparison: Comparison) -> Markup:
    """Loss and accuracy of all runs over the epochs, on one axis each."""
    charts = [
        _curves(comparison.runs, quantity, unit, label)
        for quantity, unit, label in (
            ("loss", 1.0, "cross-entropy (nats)"),
            ("accuracy", 100.0, "digits read correctly (%)"),
        )
    ]
    dashed = "; dashed: training digits with dropout off" if len(comparison.runs) <= FEW else ""
    note = f"Solid: validation digits{dashed}. Epoch 0 is before training; what lies outside the axis is cut."
    return section("How they learned", tag("div", charts, class_="charts"), tag("p", note, class_="note"), id_="curves")


def _curves(runs: Sequence[ComparedRun], quantity: str, unit: float, label: str) -> Markup:
    lines = [line for run in runs for line in _lines_of(run, quantity, unit, len(runs) <= FEW)]
    last = max([x for line in lines for x, _ in line.points] or [1])
    title = "Loss" if quantity == "loss" else "Accuracy"
    everything = [y for line in lines for _, y in line.points]
    y = axis_of(everything, logarithmic=True) if quantity == "loss" else _shares_axis(_of_those_that_learn(lines))
    chart = Chart(title, Axis(0, max(last, 1), whole=True), y, "epochs done", label)
    ends = [f"{line.name} ends at {line.points[-1][1]:.4g}" for line in lines if not line.dashed and line.points]
    return chart.lines(lines, f"{label}: {', '.join(ends)}")


def _of_those_that_learn(lines: Sequence[Line]) -> list[float]:
    """The best and the last value of each line that learned something, and their others where these are near."""
    found = [[y for x, y in line.points if x > 0] or [y for _, y in line.points] for line in lines]
    least = min(without_failures([max(values) for values in found], 5.0), default=0.0)
    learned = [values for values in found if max(values) >= least]
    near = without_failures([value for values in learned for value in values], 5.0)
    return [*near, *(end for values in learned for end in (max(values), values[-1]))]


def _lines_of(run: ComparedRun, quantity: str, unit: float, training: bool) -> Iterator[Line]:
    for key, dashed in ((f"{quantity}/train_eval", True), (f"{quantity}/val", False)):
        points = [(float(epoch), value * unit) for epoch, value in run.record.history.get(key, [])]
        if points and (training or not dashed):
            yield Line(run_number(run.letter), run.letter, points, dashed)


def cost_section(comparison: Comparison) -> Markup | None:
    """Accuracy on the shared digits against parameters, multiply-adds and seconds."""
    if comparison.shared is None:
        return None
    costs: dict[str, list[float]] = {
        "parameters": [run.table.parameters for run in comparison.readers],
        "multiply-adds a digit": [run.table.multiply_adds for run in comparison.readers],
        "seconds of training": [run.training_seconds for run in comparison.readers],
    }
    charts = [_cost(comparison, label, values) for label, values in costs.items()]
    note = (
        f"Accuracy on the same {comparison.shared.name}, with its 95 % interval. "
        "Seconds depend on the machine and on what else it did."
    )
    return section(
        "What accuracy costs", tag("div", charts, class_="charts"), tag("p", note, class_="note"), id_="cost"
    )


def _cost(comparison: Comparison, label: str, values: Sequence[float]) -> Markup:
    """Accuracy against one cost, a value a run."""
    dots = []
    for run, value in zip(comparison.readers, values, strict=True):
        score = comparison.scores[run.letter]
        low, high = (100 * end for end in score.interval)
        dots.append(Dot(run_number(run.letter), run.letter, value, 100 * score.accuracy, (low, high)))
    y = _shares_axis(without_failures([end for dot in dots for end in dot.interval], 5.0))
    x = axis_of(values, room=0.15)
    chart = Chart(f"Accuracy against {label}", x, y, label, "digits read correctly (%)", width=370, height=280)
    return chart.dots(dots, "; ".join(f"{dot.name} {dot.x:,.0f}, {percent(dot.y / 100)}" for dot in dots))


def _shares_axis(values: Sequence[float]) -> Axis:
    """An axis of per cent, up to 100."""
    found = axis_of(values)
    return Axis(found.low, min(found.high, 100.3))
