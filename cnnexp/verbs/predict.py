"""Ask trained networks about pictures of your own: photos, scans or drawings, files or folders.

For runs on MNIST's digits each picture is made like MNIST's first: grey, light ink on black, in 20×20 pixels, centred.
A folder with one sub-folder for each class gives the accuracy too.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cnnexp.errors import ConfigError
from cnnexp.runs.find import runs_folder
from cnnexp.runs.record import RunRecord
from cnnexp.shares import interval
from cnnexp.verbs.report import table

if TYPE_CHECKING:
    from cnnexp.prediction import Answer

EXAMPLE = """  cnnexp predict latest my7.png
  cnnexp predict 3f9a photos/ --json
  cnnexp predict --runs top:5 my7.png photos/"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.usage = "cnnexp predict [-h] [--runs top:5] [--as-is] [--folder FOLDER] [--json] RUN IMAGE [IMAGE ...]"
    told = "RUN: id, MLflow id, a unique prefix of either, or latest; IMAGE: picture files or folders of them"
    parser.add_argument("words", nargs="+", metavar="RUN IMAGE ...", help=told)
    parser.add_argument("--runs", metavar="top:5", help="ask several runs: top:N, or RUN,RUN,…; RUN is then left out")
    parser.add_argument("--as-is", action="store_true", help="only bring pictures to the network's size and channels")
    parser.add_argument("--folder", type=Path, help="where the pictures go (default: a folder in predictions/)")
    parser.add_argument("--json", action="store_true", help="print JSON: one object for each picture")


def main(args: argparse.Namespace) -> int:
    from cnnexp.prediction import as_json, ask, expected_by, prediction_folder, read_pictures_for, write_sheets

    runs, images = _runs_and_images(args.runs, args.words)
    records = _records(runs)
    expected = expected_by(records, as_is=args.as_is)
    pictures = read_pictures_for(expected, images, lambda text: print(text, file=sys.stderr))
    answers = ask(records, pictures)
    folder = (args.folder or prediction_folder(records, pictures, Path.cwd())).expanduser().resolve()
    sheets = write_sheets(answers, _title(records), folder)
    if args.json:
        print(json.dumps([as_json(answer) for answer in answers], ensure_ascii=False))
        print(f"pictures  {folder}", file=sys.stderr)
        return 0
    print("\n".join(lines(answers, len(records))))
    print(f"\npictures  {sheets[0] if len(sheets) == 1 else folder}")
    return 0


def _runs_and_images(several: str | None, words: Sequence[str]) -> tuple[list[str], list[str]]:
    """RUN words and IMAGE words. With --runs, a first word that cannot be a picture is one more RUN."""
    first, *others = words
    asked = several.split(",") if several is not None else []
    names_a_run = several is None or not (Path(first).expanduser().exists() or Path(first).suffix)
    runs, images = ([first, *asked], others) if names_a_run else (asked, list(words))
    if not images:
        hint = "As in: cnnexp predict latest my7.png"
        raise ConfigError("IMAGE", f"none after the run `{first}`", "picture files, or folders of them", hint)
    return runs, images


def _records(runs: Sequence[str]) -> list[RunRecord]:
    from cnnexp.runs.choose import chosen_runs
    from cnnexp.verbs.lifecycle import bury_the_dead

    bury_the_dead(runs_folder())
    return chosen_runs(runs, runs_folder())


def _title(records: Sequence[RunRecord]) -> str:
    if len(records) == 1:
        return f"Run {records[0].id}, {records[0].name}"
    return f"The mean of {len(records)} runs: {', '.join(record.id for record in records)}"


def lines(answers: Sequence[Answer], runs: int) -> list[str]:
    """A table of answers; below it the accuracy, where folders say what the pictures are."""
    from cnnexp.prediction import UNSURE_BELOW, accuracy

    rows = [_row(answer, runs) for answer in answers]
    header = ["image", "digit", "probability", "runner-up", *(["votes"] if runs > 1 else []), ""]
    printed = table(header, rows)
    unsure, measured = sum(answer.unsure for answer in answers), accuracy(answers)
    if unsure or measured:
        printed.append("")
    if unsure:
        printed.append(f"unsure    {unsure} of {len(answers)}: a probability below {UNSURE_BELOW}")
    if measured:
        right, known = measured
        printed.append(f"accuracy  {interval(right / known, known)}: {right} of {known} right")
    return printed


def _row(answer: Answer, runs: int) -> list[str]:
    wrong = f"wrong: in folder {answer.picture.label}" if answer.right is False else ""
    notes = [text for text in ("unsure" if answer.unsure else "", wrong, answer.picture.note) if text]
    votes = [f"{answer.votes[answer.ranking[0]]} of {runs}"] if runs > 1 else []
    second = f"{answer.runner_up} {_share(answer.runner_up_probability)}"
    return [str(answer.picture.path), answer.digit, _share(answer.probability), second, *votes, ", ".join(notes)]


def _share(probability: float) -> str:
    return f"{probability:.1%}"
