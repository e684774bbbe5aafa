"""Send one picture through a network and show what it becomes, layer by layer: arrays and pictures.

With a RUN its trained network: maps, the pixels that matter, kernels, what a unit sees and what excites a filter.
Without one the blocks of a config, nothing trained, with the arithmetic of a cell. The folder is named at the end.
"""

from __future__ import annotations

import argparse
import json
import sys

from cnnexp.errors import ConfigError
from cnnexp.verbs.hydra_flags import add_flags, show_what_is_asked, wants_to_look

EXAMPLE = """  cnnexp inspect experiments=toy
  cnnexp inspect experiments=first_look --digit 7
  cnnexp inspect model.kernel_size=5 --image my.png --layer conv_2 --cell 3,4,0
  cnnexp inspect latest --digit 7
  cnnexp inspect latest --image my.png --layer conv_1 --filter 3
  cnnexp inspect latest --digit 7 --epochs"""
OF_RUN = ("filter", "epochs", "patch", "as_is")
"""What only a trained network can show."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.usage = "cnnexp inspect [RUN] [KEY=VALUE ...] [--digit D | --index N | --image PATH] [options]"
    told = (
        "a trained run (id, MLflow id, a unique prefix of either, or latest); keys of the config, for a RUN of its data"
    )
    add_flags(parser, "RUN | KEY=VALUE", told)
    picture = parser.add_argument_group("the picture")
    picture.add_argument("--image", metavar="PATH", help="a picture file; for a RUN normalised as predict does")
    picture.add_argument("--index", type=int, metavar="N", help="a position in the data (without a RUN default 0)")
    picture.add_argument(
        "--digit", metavar="D", help="a class: its first picture; for a RUN the first that it reads right"
    )
    picture.add_argument("--split", choices=["train", "validation", "test"],
                         help="where from (default train; for a RUN test)")  # fmt: skip
    picture.add_argument(
        "--as-is", action="store_true", help="RUN: only bring a file to the network's size and channels"
    )
    shown = parser.add_argument_group("what is shown")
    shown.add_argument("--layer", metavar="NAME", help="this layer only; --cell is one of its cells")
    shown.add_argument("--cell", "--unit", metavar="ROW,COLUMN[,CHANNEL]", action=_Cell,
                       help="the cell whose arithmetic is shown; RUN: the unit whose pixels are framed")  # fmt: skip
    shown.add_argument("--filter", type=int, metavar="N", help="RUN: this filter, and the digits that excite it, large")
    shown.add_argument("--patch", type=int, metavar="N", help="RUN: pixels of the square that covers the picture")
    shown.add_argument("--epochs", action="store_true", help="RUN: also how the maps of a kept digit grew in training")
    left = parser.add_argument_group("what is left")
    left.add_argument("--folder", metavar="DIR", help="where to put it (default inspections/NAME-HASH)")
    left.add_argument("--mlflow", action="store_true", help="also as a run in MLflow")
    left.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(cell_word="cell")


class _Cell(argparse.Action):
    """Keeps the text, and which of its names was typed: a refusal says that one."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: object, option: str | None = None
    ) -> None:
        namespace.cell, namespace.cell_word = values, (option or "cell").lstrip("-")


def main(args: argparse.Namespace) -> int:
    runs = [word for word in args.overrides if "=" not in word and not word.startswith("~")]
    if runs:
        return _of_run(runs, args)
    _refuse_without_run(args)
    if wants_to_look(args):
        return show_what_is_asked(args)
    from cnnexp.config.compose import compose_config
    from cnnexp.inspection.files import inspect
    from cnnexp.inspection.question import Asked
    from cnnexp.verbs.inspection_report import as_json, text_lines

    cell = cell_of(args.cell, args.cell_word)
    asked = Asked(args.image, args.index, args.digit, args.split, cell, args.layer, cell_word=args.cell_word)
    inspection = inspect(compose_config(args.overrides, args.config_dir), asked, args.folder, mlflow=args.mlflow)
    print(f"{len(inspection.pictures)} pictures and the arrays are in {inspection.folder}", file=sys.stderr)
    if args.json:
        print(json.dumps(as_json(inspection), ensure_ascii=False, allow_nan=False))
    else:
        print("\n".join(text_lines(inspection)))
    return 0


def _of_run(runs: list[str], args: argparse.Namespace) -> int:
    if len(runs) > 1:
        raise ConfigError("RUN", f"`{' '.join(runs)}`", "one run", "To hold several side by side: cnnexp compare")
    if wants_to_look(args) or args.config_dir:
        hint = f"Its whole config: cnnexp show {runs[0]}"
        raise ConfigError("RUN", f"`{runs[0]}` beside --cfg, --info or --config-dir", "a RUN or these flags", hint)
    from cnnexp.inspection.question import AskedOfRun
    from cnnexp.inspection.trained_files import inspect_trained
    from cnnexp.runs.find import runs_folder
    from cnnexp.verbs.lifecycle import find
    from cnnexp.verbs.run_inspection_report import as_json, text_lines

    asked = AskedOfRun(
        args.image, args.index, args.digit, args.split, cell_of(args.cell, args.cell_word), args.layer, args.filter,
        args.epochs, args.patch, args.as_is, cell_word=args.cell_word,
    )  # fmt: skip
    overrides = [word for word in args.overrides if word not in runs]
    found = inspect_trained(find(runs[0], runs_folder()), asked, overrides, args.folder, mlflow=args.mlflow)
    print(f"{len(found.pictures)} pictures and the arrays are in {found.folder}", file=sys.stderr)
    if args.json:
        print(json.dumps(as_json(found), ensure_ascii=False, allow_nan=False))
    else:
        print("\n".join(text_lines(found)))
    return 0


def _refuse_without_run(args: argparse.Namespace) -> None:
    given = [name for name in OF_RUN if getattr(args, name) not in (None, False)]
    if given:
        hint = "As in: cnnexp inspect latest --digit 7"
        raise ConfigError(given[0].replace("_", "-"), "no RUN beside it", "a trained run to look into", hint)


def cell_of(text: str | None, key: str) -> tuple[int, ...] | None:
    """`3,4` or `3,4,0` as numbers. Raises ConfigError, of that key, for anything else."""
    if text is None:
        return None
    parts = text.split(",")
    if len(parts) not in (2, 3) or not all(part.strip().isdecimal() for part in parts):
        raise ConfigError(key, f"`{text}`", "ROW,COLUMN or ROW,COLUMN,CHANNEL, each from 0 up")
    return tuple(int(part) for part in parts)
