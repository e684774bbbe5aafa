"""The check before anything is built: a model's layers, or one error that says what to change."""

from __future__ import annotations

from cnnexp.config.schema import Model
from cnnexp.errors import ConfigError
from cnnexp.shapes.cures import find_cures
from cnnexp.shapes.misfits import Misfit
from cnnexp.shapes.table import LayerTable, layer_table


class ShapeError(ConfigError):
    """A layer that cannot be built: `table` has the layers before it, `cures` the changes that mend it, for a shell."""

    table: LayerTable
    cures: tuple[str, ...]

    @classmethod
    def at(cls, misfit: Misfit, table: LayerTable, cures: tuple[str, ...]) -> ShapeError:
        """The error at the first impossible layer of a model."""
        problem = misfit.problem
        lines = ["Any one of these makes it fit:", *(f"  {cure}" for cure in cures)] if cures else []
        error = cls(problem.where, problem.got, problem.expected, "\n    ".join(lines))
        error.table, error.cures = table, cures
        return error


def check_shapes(model: Model, image_shape: tuple[int, int, int], classes: int) -> LayerTable:
    """The layers of `model` on images of (height, width, channels).

    Raises ShapeError at the first layer that cannot be built, with up to three changes that were tried and work.
    """
    table = layer_table(model, image_shape, classes)
    if table.misfit is None:
        return table
    raise ShapeError.at(table.misfit, table, find_cures(model, image_shape, classes, table.misfit))
