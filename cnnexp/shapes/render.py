"""A layer table as text and as plain values for JSON."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

from cnnexp.shapes.arithmetic import Pair, by
from cnnexp.shapes.formulas import formulas
from cnnexp.shapes.table import Layer, LayerTable

HEADER = ("layer", "input", "output", "pad tblr", "parameters", "mult-adds", "field", "jump", "memory")
NAME, INPUT, NUMBERS = 0, 1, 5
GAP = 2
SHORTEST_NAME = 12


def render_table(table: LayerTable, width: int = 100) -> str:
    """The table as text of lines up to `width` (at least 80) characters.

    Long names are cut, and input sizes (each the output before it) left out, where they do not fit.
    """
    rows = [HEADER, *map(_cells, table.layers), _total(table)]
    if _width(_cut(rows, SHORTEST_NAME)) > width:
        rows = [(*row[:INPUT], *row[INPUT + 1 :]) for row in rows]
    others = _width(rows) - max(len(row[NAME]) for row in rows)
    rows = _cut(rows, max(width - others, SHORTEST_NAME))
    lines = _aligned(rows)
    lines = [lines[0], "─" * len(lines[0]), *lines[1:-1], "─" * len(lines[0]), lines[-1]]
    if table.parameters != table.trainable_parameters:
        lines.append(f"of the parameters {table.trainable_parameters:,} are trainable")
    if table.misfit:
        problem = table.misfit.problem
        text = f"{table.misfit.layer} cannot be built: {problem.got}; expected {problem.expected}."
        lines += textwrap.wrap(text, width)
    return "\n".join(line.rstrip() for line in lines)


def _cells(layer: Layer) -> tuple[str, ...]:
    field, jump = layer.receptive_field, layer.jump
    return (
        layer.name,
        by(layer.input),
        by(layer.output),
        " ".join(map(str, layer.padding)) if layer.window else "",
        _count(layer.parameters),
        _count(layer.multiply_adds),
        by(field) if field else "all",
        _size(jump) if jump else "",
        _memory(layer.activation_bytes),
    )


def _total(table: LayerTable) -> tuple[str, ...]:
    numbers = (_count(table.parameters), _count(table.multiply_adds))
    return ("total", "", "", "", *numbers, "", "", _memory(table.activation_bytes))


def _count(number: int) -> str:
    """With thousands marked; rounded from 10¹² up; nothing for 0."""
    if number >= 10**12:
        return f"{number:.3e}"
    return f"{number:,}" if number else ""


def _size(pair: Pair) -> str:
    return str(pair[0]) if pair[0] == pair[1] else by(pair)


def _memory(size: int) -> str:
    """Bytes in the largest unit of which there is at least one."""
    for power, unit in ((3, "GiB"), (2, "MiB"), (1, "KiB")):
        if size >= 1024**power:
            return f"{size / 1024**power:.1f} {unit}"
    return f"{size} B"


def _width(rows: Sequence[Sequence[str]]) -> int:
    return sum(max(map(len, column)) for column in zip(*rows, strict=True)) + GAP * (len(rows[0]) - 1)


def _cut(rows: Sequence[tuple[str, ...]], length: int) -> list[tuple[str, ...]]:
    return [(name if len(name) <= length else f"{name[: length - 1]}…", *rest) for name, *rest in rows]


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of equal length; the last columns, which hold numbers, are set to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    first = len(widths) - NUMBERS
    return [
        (" " * GAP).join(
            cell.rjust(w) if i >= first else cell.ljust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]


def as_json(table: LayerTable) -> dict[str, Any]:
    """The table as plain values.

    layers: each {name, kind (Keras class), input, output ([height, width, channels], or [numbers]),
        padding ({top, bottom, left, right} in cells, or null), parameters, trainable_parameters, multiply_adds,
        receptive_field, jump ([height, width] in pixels, or null: all cells), activation_bytes, formulas}
    parameters, trainable_parameters, multiply_adds, activation_bytes: the totals, for one digit
    misfit: null, or {layer, key, got, expected} of the first layer that cannot be built; `layers` ends before it
    """
    misfit = table.misfit
    return {
        "layers": [_layer_json(layer) for layer in table.layers],
        "parameters": table.parameters,
        "trainable_parameters": table.trainable_parameters,
        "multiply_adds": table.multiply_adds,
        "activation_bytes": table.activation_bytes,
        "misfit": misfit
        and {
            "layer": misfit.layer,
            "key": misfit.problem.where,
            "got": misfit.problem.got,
            "expected": misfit.problem.expected,
        },
    }


def _layer_json(layer: Layer) -> dict[str, Any]:
    sides = zip(("top", "bottom", "left", "right"), layer.padding, strict=True)
    return {
        "name": layer.name,
        "kind": layer.kind,
        "input": list(layer.input),
        "output": list(layer.output),
        "padding": dict(sides) if layer.window else None,
        "parameters": layer.parameters,
        "trainable_parameters": layer.trainable_parameters,
        "multiply_adds": layer.multiply_adds,
        "receptive_field": list(layer.receptive_field) if layer.receptive_field else None,
        "jump": list(layer.jump) if layer.jump else None,
        "activation_bytes": layer.activation_bytes,
        "formulas": list(formulas(layer)),
    }
