"""A step of an inspection in words: what it is, which cells it reads, what follows its sum."""

from __future__ import annotations

from cnnexp.inspection.passage import Step

KINDS = {"Conv2D": "convolution", "MaxPooling2D": "max pool", "AveragePooling2D": "average pool"}


def sentence(step: Step) -> str:
    """What the step is, in a line."""
    height, width = step.window
    parts = [f"{KINDS[step.layer.kind]} {_by(height.kernel, width.kernel)}"]
    if step.kernel is not None:
        kernels = step.layer.output[-1]
        parts.append(f"{kernels} kernel{'s' if kernels > 1 else ''}")
    parts.append(f"step {_by(height.stride, width.stride)}")
    if max(height.dilation, width.dilation) > 1:
        parts.append(f"dilation {_by(height.dilation, width.dilation)}")
    return ", ".join([*parts, step.padding, *followed_by(step)])


def followed_by(step: Step) -> list[str]:
    """What happens to a convolution's sums: bias, batch normalization, activation; nothing for a pool."""
    if step.kernel is None:
        return []
    normalized = ["batch normalization"] if step.block.batch_normalization else []
    return [*(["bias"] if step.bias is not None else []), *normalized, step.block.activation]


def _by(height: int, width: int) -> str:
    return f"{height}×{width}"


def where(step: Step) -> str:
    row, column, channel = step.cell
    return f"row {row}, column {column}, channel {channel}"


def rows_read(step: Step) -> str:
    """The cells of the input that the shown cell's window spans."""
    spans = []
    for name, axis, index in zip(("rows", "columns"), step.window, step.cell[:2], strict=True):
        first = index * axis.stride - axis.before
        every = f" (every {axis.dilation}.)" if axis.dilation > 1 else ""
        spans.append(f"{name} {first} to {first + axis.reach - 1}{every}".replace("-", "\N{MINUS SIGN}"))
    return " and ".join(spans)


def after_the_sum(step: Step) -> list[tuple[str, float]]:
    """Bias, batch normalization and activation of the shown cell, each with the number that it leads to or adds."""
    lines: list[tuple[str, float]] = []
    if step.bias is not None:
        lines.append(("bias", float(step.bias[step.cell[2]])))
    names = [name for name in followed_by(step) if name not in ("bias", "linear")]
    if names or lines:
        lines.append((f"{' and '.join(names)}: output" if names else "output", step.output))
    return lines
