"""Send one picture through the blocks of a network, nothing trained, and show the arithmetic: arrays and pictures.

Standard output is what happened, layer by layer, with the folder that holds it all at the end.
"""

from __future__ import annotations

import argparse
import json
import sys

from cnnexp.errors import ConfigError
from cnnexp.verbs.hydra_flags import add_flags, show_what_is_asked, wants_to_look

EXAMPLE = """  cnnexp inspect experiments=toy
  cnnexp inspect experiments=first_look --digit 7
  cnnexp inspect model.kernel_size=5 --image my.png --layer conv_2 --cell 3,4,0"""


def configure(parser: argparse.ArgumentParser) -> None:
    add_flags(parser)
    parser.add_argument("--image", metavar="PATH", help="a picture file (PNG or JPEG)")
    parser.add_argument("--index", type=int, metavar="N", help="a position in the data (default 0)")
    parser.add_argument("--digit", metavar="D", help="a class: its first picture")
    parser.add_argument("--split", choices=["train", "validation", "test"], help="where from (default train)")
    parser.add_argument("--cell", metavar="ROW,COLUMN[,CHANNEL]", help="the output cell whose arithmetic is shown")
    parser.add_argument("--layer", metavar="NAME", help="show this layer only; --cell is one of its cells")
    parser.add_argument("--folder", metavar="DIR", help="where to put it (default inspections/NAME-HASH)")
    parser.add_argument("--mlflow", action="store_true", help="also as a run in MLflow")
    parser.add_argument("--json", action="store_true", help="print JSON")


def main(args: argparse.Namespace) -> int:
    if wants_to_look(args):
        return show_what_is_asked(args)
    from cnnexp.config.compose import compose_config
    from cnnexp.inspection.files import inspect
    from cnnexp.inspection.question import Asked
    from cnnexp.verbs.inspection_report import as_json, text_lines

    asked = Asked(args.image, args.index, args.digit, args.split, cell_of(args.cell), args.layer)
    inspection = inspect(compose_config(args.overrides, args.config_dir), asked, args.folder, mlflow=args.mlflow)
    print(f"{len(inspection.pictures)} pictures and the arrays are in {inspection.folder}", file=sys.stderr)
    if args.json:
        print(json.dumps(as_json(inspection), ensure_ascii=False, allow_nan=False))
    else:
        print("\n".join(text_lines(inspection)))
    return 0


def cell_of(text: str | None) -> tuple[int, ...] | None:
    """`3,4` or `3,4,0` as numbers. Raises ConfigError for anything else."""
    if text is None:
        return None
    parts = text.split(",")
    if len(parts) not in (2, 3) or not all(part.strip().isdecimal() for part in parts):
        raise ConfigError("cell", f"`{text}`", "ROW,COLUMN or ROW,COLUMN,CHANNEL, each from 0 up")
    return tuple(int(part) for part in parts)
