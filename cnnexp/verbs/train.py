"""Train one network from a config, and leave a record, pictures and an MLflow run.

Standard output is the run's id alone; everything else goes to standard error.
"""

from __future__ import annotations

import argparse
import json
import sys

from cnnexp.verbs.hydra_flags import add_flags, show_what_is_asked, wants_to_look

EXAMPLE = """  cnnexp train model.kernel_size=5 training.epochs=3
  cnnexp train model=strided data=mnist
  cnnexp train --cfg job model.blocks.conv_3.filters=128
  cnnexp train -m model.kernel_size=3,5,7 seed=0,1,2 --plan"""


def configure(parser: argparse.ArgumentParser) -> None:
    add_flags(parser)
    parser.add_argument("-m", "--multirun", action="store_true", help="a sweep over every combination of KEY=A,B,C")
    parser.add_argument("--plan", nargs="?", const="quick", choices=["quick", "timed"],
                        help="tell what a sweep would do and cost, and train nothing")  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print the result as JSON instead of the id")


def main(args: argparse.Namespace) -> int:
    if wants_to_look(args):
        return show_what_is_asked(args)
    if args.multirun:
        return _sweep(args)
    from cnnexp.checks import check_unread
    from cnnexp.config.compose import compose_config

    composed = compose_config(args.overrides, args.config_dir)
    if composed.config.sweep.describes_many or args.plan:
        return _sweep(args)
    check_unread(composed.config)  # a config that is refused needs nothing heavier
    from cnnexp.experiment import run_experiment
    from cnnexp.verbs.progress import progress_for
    from cnnexp.verbs.report import as_json, ending_lines

    record = run_experiment(composed, progress_for(sys.stderr, composed.config))
    print(ending_lines(record), file=sys.stderr)
    print(json.dumps(as_json(record), ensure_ascii=False) if args.json else record.id)
    return 0


def _sweep(args: argparse.Namespace) -> int:
    from cnnexp.verbs.sweeping import sweep

    return sweep(args)
