"""Show every layer of a network by arithmetic alone: sizes, padding, parameters, work, receptive field.

Nothing is built and TensorFlow is never imported. A network that cannot be built is shown up to its first
impossible layer, with changes that mend it (exit code 2).
"""

from __future__ import annotations

import argparse
import json
import shutil
from dataclasses import replace
from itertools import takewhile

from cnnexp.config.compose import compose_config
from cnnexp.config.schema import ExperimentConfig
from cnnexp.shapes import LayerTable, ShapeError, as_json, check_known_shapes, check_shapes, explain, render_table
from cnnexp.verbs.hydra_flags import add_flags, show_what_is_asked, wants_to_look

EXAMPLE = """  cnnexp shapes model.strides=2
  cnnexp shapes model=no_padding model.kernel_size=5 --explain
  cnnexp shapes experiments=toy --json"""
HEAD = ("Flatten", "GlobalMaxPooling2D", "GlobalAveragePooling2D")
NARROWEST, WIDEST = 80, 100


def configure(parser: argparse.ArgumentParser) -> None:
    add_flags(parser)
    parser.add_argument("--explain", action="store_true", help="the formula behind each number, numbers put in")
    parser.add_argument("--json", action="store_true", help="print JSON")


def main(args: argparse.Namespace) -> int:
    if wants_to_look(args):
        return show_what_is_asked(args)
    try:
        table = table_of(compose_config(args.overrides, args.config_dir).config)
    except ShapeError as error:
        _show(error.table, args, error.cures)
        raise
    _show(table, args)
    return 0


def table_of(config: ExperimentConfig) -> LayerTable:
    """The layers of a config's network; without labels in the data only its blocks.

    Raises ShapeError, which holds the table up to the first layer that cannot be built.
    """
    if (known := check_known_shapes(config)) is not None:
        return known
    from cnnexp.data import load_digits
    from cnnexp.inspection.passage import without_head

    digits = load_digits(config.data)
    if digits.classes:
        return check_shapes(config.model, digits.image_shape, digits.classes)
    table = check_shapes(without_head(config.model), digits.image_shape, 1)
    return replace(table, layers=tuple(takewhile(lambda layer: layer.kind not in HEAD, table.layers)))


def _show(table: LayerTable, args: argparse.Namespace, cures: tuple[str, ...] = ()) -> None:
    """Print the table; of what cannot be built only the layers before it: the message comes after, as an error."""
    if args.json:
        print(json.dumps(as_json(table) | {"cures": list(cures)}, ensure_ascii=False))
        return
    width = shutil.get_terminal_size((WIDEST, 0)).columns
    print(render_table(replace(table, misfit=None), min(max(width, NARROWEST), WIDEST)))
    if args.explain:
        print(f"\n{explain(table)}")
