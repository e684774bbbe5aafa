"""An inspection's pictures: what goes in, each layer's maps, its padding, and the arithmetic of one cell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cnnexp.inspection.passage import Inspection, Step
from cnnexp.inspection.words import after_the_sum, rows_read, where
from cnnexp.shapes import output_formula

if TYPE_CHECKING:
    from matplotlib.figure import Figure

OUTSIDE = {"Conv2D": "0", "MaxPooling2D": "\N{MINUS SIGN}∞", "AveragePooling2D": "not counted"}
"""What stands in the cells outside. TensorFlow gives a convolution zeros there and leaves them out of any pool."""


def figures_of(inspection: Inspection) -> Iterator[tuple[str, Figure]]:
    """Name and figure of each picture."""
    from cnnexp.figures.passage import input_figure, passage_figure

    most = inspection.composed.config.figures.max_channels
    shape, told = "×".join(map(str, inspection.picture.pixels.shape)), inspection.picture.told
    yield "input", input_figure(inspection.picture.pixels, title=told, note=f"{shape}, what goes in")
    for step in inspection.shown:
        title = f"{step.name}: maps of {told}"
        yield f"maps_{step.name}", passage_figure({step.name: step.values}, title=title, max_channels=most)
        if step.kernel is None:
            panels = {step.block.name: step.before, step.name: step.values}
            title = f"{step.block.name} before and after its pool"
            yield f"{step.block.name}_and_pool", passage_figure(panels, title=title, max_channels=most)
        yield f"padding_{step.name}", _padding(inspection, step)
        yield f"arithmetic_{step.name}", _convolution(inspection, step) if step.kernel is not None else _pool(step)


def _scale(inspection: Inspection, step: Step) -> Any:
    """Ink on paper for the picture that goes in; the colours of maps for what comes later."""
    from cnnexp.figures.passage import picture_scale
    from cnnexp.figures.scales import colour_scale, shared_limits

    if step is inspection.steps[0]:
        return picture_scale(step.before)
    return colour_scale(shared_limits([step.before]))


def _padding(inspection: Inspection, step: Step) -> Figure:
    from cnnexp.figures.padding import padding_figure

    channel = _channel_read(step)
    sizes = " and ".join(dict.fromkeys(output_formula(axis) for axis in step.window))
    channels = step.before.shape[-1]
    which = f"channel {channel} of {channels} going in; " if channels > 1 else ""
    return padding_figure(
        step.before[..., channel], step.window, _scale(inspection, step), layer=step.name,
        note=f"{step.padding}; {which}{sizes}", outside=OUTSIDE[step.layer.kind],
    )  # fmt: skip


def _channel_read(step: Step) -> int:
    """Of a pool the shown cell's channel; of a convolution the one that adds most to it."""
    if step.kernel is None:
        return step.cell[2]
    return int(np.nan_to_num(np.abs(step.products().sum(axis=(0, 1)))).argmax())


def _convolution(inspection: Inspection, step: Step) -> Figure:
    from cnnexp.figures.arithmetic import Product, convolution_figure
    from cnnexp.figures.cells import number

    patch, inside = step.patch()
    kernel = step.products() if step.kernel is None else step.kernel[..., step.cell[2]]
    after = [(name, number(value)) for name, value in after_the_sum(step)]
    product = Product(patch, inside, kernel, after, _scale(inspection, step))
    return convolution_figure(
        product, title=f"{step.name}: {where(step)}", note=f"reads {rows_read(step)} of its input"
    )


def _pool(step: Step) -> Figure:
    from cnnexp.figures.arithmetic import pool_figure
    from cnnexp.figures.cells import number
    from cnnexp.figures.scales import colour_scale, shared_limits

    patch, inside = step.patch()
    cells: NDArray[Any] = np.where(inside, patch[..., step.cell[2]], np.nan)
    count = int(inside.sum())
    if step.layer.kind == "MaxPooling2D":
        outside = ", those outside count as \N{MINUS SIGN}∞" if count < inside.size else ""
        lines = [(f"largest of {count} inside{outside}", number(step.output))]
    else:
        total = float(np.nansum(cells))
        lines = [(f"sum of the {count} inside", number(total)), (f"divided by {count}: mean", number(step.output))]
    return pool_figure(
        cells, colour_scale(shared_limits([step.before])), lines, title=f"{step.name}: {where(step)}",
        note=f"reads {rows_read(step)} of its input", outside=OUTSIDE[step.layer.kind],
    )  # fmt: skip
