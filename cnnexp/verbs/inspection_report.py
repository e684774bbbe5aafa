"""An inspection as text and as JSON: what goes in, each layer's rule with its numbers, the arrays themselves."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnexp.inspection.files import plain
from cnnexp.inspection.passage import Inspection, Step
from cnnexp.inspection.trained import RunInspection
from cnnexp.inspection.words import after_the_sum, rows_read, sentence, where
from cnnexp.shapes import output_formula, padding_formula

SMALL = (8, 8, 4)
WIDTH = 100
MOST_PRODUCTS = 9
MOST_NUMBERS = 1_000_000
"""Larger arrays are null in JSON; arrays.npz has them."""

OUTSIDE = {
    "Conv2D": "Cells outside hold zeros.",
    "MaxPooling2D": (
        "Cells outside count as minus infinity, never as zero: the largest of the cells inside is taken, so pooled "
        "values can stay negative."
    ),
    "AveragePooling2D": "Cells outside are not counted: the sum of the cells inside is divided by their number.",
}
RULE = (
    "The rule of same padding: (output - 1)·stride + window - input cells lie outside (none if that is below 0), half "
    "of them at the left or top, rounded down, and the rest at the right or bottom."
)


def text_lines(inspection: Inspection) -> Iterator[str]:
    """Everything that is printed, the folder at the end."""
    picture = inspection.picture
    yield f"input: {picture.told}"
    yield f"  {_by(picture.pixels.shape)}, divided by {picture.divisor:g}"
    yield from _indented(_array_lines(picture.scaled))
    for step in inspection.shown:
        yield ""
        yield from _step_lines(step)
    if any(step.padding == "same" for step in inspection.shown):
        yield ""
        yield from textwrap.wrap(RULE, WIDTH)
    yield ""
    yield from _where_lines(inspection)


def _step_lines(step: Step) -> Iterator[str]:
    yield f"{step.name}: {sentence(step)}"
    yield f"  {_by(step.before.shape)} → {_by(step.values.shape)}"
    for name, rule in _rules(step):
        yield f"  {name:<17} {rule}"
    if any(step.layer.padding):
        yield from _indented(textwrap.wrap(OUTSIDE[step.layer.kind], WIDTH - 2))
    yield from _indented(_arithmetic_lines(step))
    if step.kernel is not None and step.kernel.shape[2] == 1 and _is_small(step.kernel[:, :, 0]):
        yield "  kernels"
        yield from _indented(_array_lines(step.kernel[:, :, 0]), 4)
    yield "  output"
    yield from _indented(_array_lines(step.values), 4)


def _indented(lines: Iterable[str], by: int = 2) -> Iterator[str]:
    return (" " * by + line for line in lines)


def _rules(step: Step) -> Iterator[tuple[str, str]]:
    """Size and padding along height and width, together where they are alike."""
    height, width = step.window
    if height == width:
        axes = [("height and width", height, ("top and left", "bottom and right"))]
    else:
        axes = [("height", height, ("top", "bottom")), ("width", width, ("left", "right"))]
    for name, axis, (before, after) in axes:
        yield name, output_formula(axis)
        yield "  padding", padding_formula(axis, step.layer.kind, before, after)
        if axis.after > axis.before:
            yield "  uneven", f"the one more is at the {after}"
        if axis.overhang < 0:
            yield "  never read", f"the last {-axis.overhang} at the {after}"


def _arithmetic_lines(step: Step) -> Iterator[str]:
    """The shown cell worked out: every product if they are few."""
    yield f"cell {where(step)}, which reads {rows_read(step)}:"
    if step.kernel is None:
        yield f"  {_pooled(step)} = {_number(step.output)}"
        return
    products = step.products()
    patch, _ = step.patch()
    if products.size <= MOST_PRODUCTS:
        pairs = zip(patch.ravel(), step.kernel[..., step.cell[2]].ravel(), strict=True)
        shown = " + ".join(f"{_number(cell)}·{_factor(weight)}" for cell, weight in pairs)
    else:
        shown = f"the sum of {products.size:,} products"
    yield from _hanging(f"{shown} = {_number(float(products.sum()))}")
    for name, value in after_the_sum(step):
        yield f"  {name} {_number(value)}"


def _pooled(step: Step) -> str:
    patch, inside = step.patch()
    cells = patch[..., step.cell[2]][inside]
    outside = int(inside.size - inside.sum())
    shown = ", ".join(map(_number, cells)) if cells.size <= MOST_PRODUCTS else f"{cells.size} cells inside"
    more = f", and {outside} outside" if outside else ""
    return f"{'largest' if step.layer.kind == 'MaxPooling2D' else 'mean'} of {shown}{more}"


def _factor(value: Any) -> str:
    return f"({_number(value)})" if value < 0 else _number(value)


def _hanging(line: str) -> list[str]:
    return textwrap.wrap(line, WIDTH - 2, initial_indent="  ", subsequent_indent="    ")


def _array_lines(array: NDArray[Any]) -> list[str]:
    """(height, width, channels): a small one number by number, a channel beside the other; else what it is like."""
    if not _is_small(array):
        finite = array[np.isfinite(array)]
        if not finite.size:
            return ["no finite number"]
        return [f"{array.size:,} numbers: min {_number(finite.min())}, max {_number(finite.max())}, "
                f"mean {_number(finite.mean())}"]  # fmt: skip
    texts = [[_number(value) for value in channel.ravel()] for channel in np.moveaxis(array, -1, 0)]
    blocks = [
        _block(channel, array.shape[1], f"channel {i}" if len(texts) > 1 else "") for i, channel in enumerate(texts)
    ]
    if sum(len(block[0]) + 3 for block in blocks) > WIDTH - 4:
        return [line for block in blocks for line in block if line.strip()]
    lines = ["   ".join(parts).rstrip() for parts in zip(*blocks, strict=True)]
    nested = ", ".join(map(str, plain(array)))
    short = array.shape[-1] > 1 and len(nested) <= WIDTH - 34
    return [*(line for line in lines if line), *([f"as (height, width, channels): {nested}"] if short else [])]


def _block(texts: list[str], columns: int, title: str) -> list[str]:
    """One channel as lines of equal length below its title."""
    wide = max(map(len, texts))
    rows = [" ".join(text.rjust(wide) for text in texts[i : i + columns]) for i in range(0, len(texts), columns)]
    width = max(len(rows[0]), len(title))
    return [title.ljust(width), *(row.ljust(width) for row in rows)]


def _is_small(array: NDArray[Any]) -> bool:
    return all(n <= most for n, most in zip(array.shape, SMALL, strict=True))


def _number(value: Any) -> str:
    number = float(value)
    if number.is_integer() and abs(number) < 1e6:
        return str(int(number))
    return f"{number:.4g}"


def _where_lines(inspection: Inspection) -> Iterator[str]:
    yield f"folder    {inspection.folder}"
    yield from textwrap.wrap(
        ", ".join(inspection.pictures), WIDTH, initial_indent="pictures  ", subsequent_indent=" " * 10
    )
    yield "arrays    arrays.npz, arrays.json"
    if link := link_of(inspection):
        yield "look      cnnexp ui"
        yield f"          {link}"


def link_of(inspection: Inspection | RunInspection) -> str | None:
    """The page of its MLflow run, on the address of `cnnexp ui` where the store is a file."""
    if inspection.mlflow is None:
        return None
    from cnnexp.runs.links import run_link
    from cnnexp.runs.server import address_of

    uri, experiment_id, run_id = inspection.mlflow
    return run_link(address_of(uri, run_id), experiment_id, run_id)


def as_json(inspection: Inspection) -> dict[str, Any]:
    """The inspection as plain values.

    input: {from, shape, divided_by, values}; layers: each {name, kind, input, output ([height, width, channels]),
    padding ({top, bottom, left, right}), activation, values, cell ({row, column, channel, output}), kernel, bias};
    values are nested lists (height, width, channels), null above a million numbers.
    """
    picture = inspection.picture
    return {
        "input": {
            "from": picture.told,
            "shape": list(picture.pixels.shape),
            "divided_by": picture.divisor,
            "values": _values(picture.scaled),
        },
        "layers": [_step_json(step) for step in inspection.shown],
        "folder": str(inspection.folder),
        "pictures": list(inspection.pictures),
        "mlflow": link_of(inspection),
    }


def _step_json(step: Step) -> dict[str, Any]:
    row, column, channel = step.cell
    return {
        "name": step.name,
        "kind": step.layer.kind,
        "input": list(step.before.shape),
        "output": list(step.values.shape),
        "padding": dict(zip(("top", "bottom", "left", "right"), step.layer.padding, strict=True)),
        "activation": step.block.activation if step.kernel is not None else None,
        "values": _values(step.values),
        "cell": {"row": row, "column": column, "channel": channel, "output": plain(np.array(step.output))},
        "kernel": None if step.kernel is None else _values(step.kernel),
        "bias": None if step.bias is None else _values(step.bias),
    }


def _values(array: NDArray[Any]) -> Any:
    return plain(array) if array.size <= MOST_NUMBERS else None


def _by(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))
