"""Layer tables by pure arithmetic: what a model config leads to, and what to change where it leads nowhere."""

from __future__ import annotations

from cnnexp.shapes.arithmetic import Axis, broadcasts, nested_shape
from cnnexp.shapes.check import ShapeError, check_shapes
from cnnexp.shapes.formulas import explain, formulas, output_formula, padding_formula
from cnnexp.shapes.known import KNOWN_SHAPES, KNOWN_SIZES, check_known_shapes
from cnnexp.shapes.misfits import MAX_NUMBERS, Misfit
from cnnexp.shapes.render import as_json, render_table
from cnnexp.shapes.table import Layer, LayerTable, layer_table

__all__ = [
    "KNOWN_SHAPES",
    "KNOWN_SIZES",
    "MAX_NUMBERS",
    "Axis",
    "Layer",
    "LayerTable",
    "Misfit",
    "ShapeError",
    "as_json",
    "broadcasts",
    "check_known_shapes",
    "check_shapes",
    "explain",
    "formulas",
    "layer_table",
    "nested_shape",
    "output_formula",
    "padding_formula",
    "render_table",
]
