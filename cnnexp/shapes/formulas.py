"""The formula behind each number of a layer, with its own numbers put in."""

from __future__ import annotations

from cnnexp.shapes.arithmetic import Axis, Shape
from cnnexp.shapes.table import Layer, LayerTable

AXES = (("height", "top", "bottom"), ("width", "left", "right"))
LABEL = 18


def explain(table: LayerTable) -> str:
    """Every layer that has formulas, with them below its name."""
    parts = []
    for layer in table.layers:
        if lines := formulas(layer):
            parts.append("\n  ".join([f"{layer.name} ({layer.kind})", *lines]))
    return "\n\n".join(parts)


def formulas(layer: Layer) -> tuple[str, ...]:
    """One line a number: output size, cells outside, receptive field and jump, parameters, multiply-adds."""
    lines = _window_lines(layer)
    if layer.kind == "Flatten":
        lines.append(("numbers", f"{_product(layer.input)} = {layer.output[0]:,}"))
    if layer.parameters:
        lines.append(("parameters", f"{_parameters(layer)} = {layer.parameters:,}"))
    if layer.kernel:
        factors = _product((*layer.output[:-1], *layer.kernel))
        lines.append(("multiply-adds", f"{factors} = {layer.multiply_adds:,}"))
    return tuple(f"{label:<{LABEL}}{text}" for label, text in lines)


def _window_lines(layer: Layer) -> list[tuple[str, str]]:
    """Height and width apart, or together where they are alike."""
    if layer.window is None or layer.receptive_field is None or layer.jump is None:
        return []
    numbers = list(zip(layer.window, layer.receptive_field, layer.jump, strict=True))
    if numbers[0] == numbers[1]:
        name, before, after = (" and ".join(words) for words in zip(*AXES, strict=True))
        return _axis_lines(layer.kind, *numbers[0], (name, before, after))
    return [
        line for axis, names in zip(numbers, AXES, strict=True) for line in _axis_lines(layer.kind, *axis, names)
    ]  # fmt: skip


def _axis_lines(kind: str, axis: Axis, field: int, jump: int, names: tuple[str, str, str]) -> list[tuple[str, str]]:
    name, before, after = names
    lines = [
        (name, output_formula(axis)),
        ("  padding", padding_formula(axis, kind, before, after)),
        ("  field", field_formula(axis, field, jump)),
    ]
    if axis.dilation > 1:
        lines.insert(1, ("  reach", f"({axis.kernel} - 1)·{axis.dilation} + 1 = {axis.reach} cells"))
    return lines


def output_formula(axis: Axis) -> str:
    """`ceil(28 / 2) = 14` or `floor((28 - 3) / 1) + 1 = 26`."""
    if axis.padding == "same":
        return f"ceil({axis.size} / {axis.stride}) = {axis.output}"
    return f"floor(({axis.size} - {axis.reach}) / {axis.stride}) + 1 = {axis.output}"


def padding_formula(axis: Axis, kind: str, before: str, after: str) -> str:
    """`(14 - 1)·2 + 3 - 28 = 1 cell of zeros: 0 left, 1 right`; a pool's cells outside hold no zeros."""
    if axis.padding == "valid":
        return "none (valid)"
    total = f"({axis.output} - 1)·{axis.stride} + {axis.reach} - {axis.size} = {axis.overhang}"
    if axis.overhang <= 0:
        return f"{total}{', so 0' if axis.overhang else ''} cells outside"
    what = {"Conv2D": "of zeros", "MaxPooling2D": "outside, never the largest"}.get(kind, "outside, not in the mean")
    cells = "cell" if axis.overhang == 1 else "cells"
    return f"{total} {cells} {what}: {axis.before} {before}, {axis.after} {after}"


def field_formula(axis: Axis, field: int, jump: int) -> str:
    """`4 + (3 - 1)·2 = 8 pixels; next cell 2·1 = 2 on`, from the receptive field and jump behind the window."""
    step = jump // axis.stride
    seen = field - (axis.reach - 1) * step
    pixels = "pixel" if field == 1 else "pixels"
    return f"{seen} + ({axis.reach} - 1)·{step} = {field} {pixels}; next cell {step}·{axis.stride} = {jump} on"


def _parameters(layer: Layer) -> str:
    channels = layer.output[-1]
    if not layer.kernel:
        return f"{layer.vectors + layer.moving}·{channels} (scale, shift, moving mean, moving variance)"
    return f"{_product(layer.kernel)} + {channels}" if layer.vectors else _product(layer.kernel)


def _product(numbers: Shape) -> str:
    return "·".join(map(str, numbers))
