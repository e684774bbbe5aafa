"""Runs and sweeps that were never trained, with identities that are true."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from cnnexp.config.compose import compose_config
from cnnexp.config.identity import identity, to_yaml
from cnnexp.config.schema import Data, ExperimentConfig
from cnnexp.data import Digits, load_digits
from cnnexp.runs.files import write_json
from cnnexp.runs.journal import FAILED, Ending
from cnnexp.runs.sweep_record import SweepRecord
from cnnexp.runs.sweep_writer import SweepHeader, SweepWriter
from cnnexp.runs.writer import Header, RunWriter
from cnnexp.study.jobs import as_recorded, log_of
from cnnexp.study.request import SweepRequest

TINY = ("model=small", "data.limit=100", "training.epochs=3")
ENDINGS = {"pruned": ("KILLED", "pruned"), "FINISHED": ("FINISHED", "complete")}


@cache
def composed(overrides: tuple[str, ...]) -> ExperimentConfig:
    return compose_config(overrides).config


@cache
def loaded(data: str) -> Digits:
    return load_digits(Data.model_validate_json(data))


def record(
    runs: Path, *overrides: str, ending: str = "FINISHED", checkpoint: bool = False, seconds: float = 1.5,
    epochs: int = 2, accuracy: float = 0.5, links: Mapping[str, str] | None = None, name: str = "x",
) -> str:  # fmt: skip
    """A run of this config; ending: a status, `pruned`, or nothing where it never ended. Its id."""
    config = composed(overrides)
    digits = loaded(config.data.model_dump_json())
    own = identity(config, digits.digest)
    sizes = {name: len(split) for name, split in digits.splits.items()}
    data = {"source": "mnist_5k", "digest": digits.digest, "sizes": sizes, "image_shape": [28, 28, 1],
            "class_names": list("0123456789")}  # fmt: skip
    ids = {"variant": own.variant, "recipe": own.recipe, "run_key": own.run_key}
    header = Header(name, overrides, "cnnexp train", ids, data, links or {})
    writer = RunWriter.create(runs, header, {"config.yaml": to_yaml(config), "code.patch": ""})
    write_json(writer.folder / "environment.json", {"threads": 2})
    writer.event("started")
    for number in range(1, epochs + 1):
        metrics = {"time/epoch_seconds": seconds, "accuracy/val": accuracy, "loss/val": 1 - accuracy}
        writer.epoch(number, metrics, "w" * 64, {})
    if checkpoint:
        (writer.folder / "checkpoint").mkdir()
        (writer.folder / "checkpoint" / "epoch_2.npz").write_bytes(b"x")
    if ending == "FINISHED":
        _leave_results(writer, accuracy)
    if ending:
        status, outcome = ENDINGS.get(ending, (ending, ending.lower()))
        writer.event("ended", status=status, outcome=outcome, message="")
    writer.close()
    return writer.folder.name


VARIANTS = """sweep:
  grid: {seed: [0, 1]}
  variants:
    plain: {training.label_smoothing: 0}
    smooth: {training.label_smoothing: 0.1, training.optimizer: {type: sgd, momentum: 0.9}}
"""


def study_of_variants(home: Path) -> str:
    """The word for a study of two variants and two seeds, which now is in the folder `home`."""
    (home / "experiments").mkdir()
    (home / "experiments" / "two.yaml").write_text(f"# @package _global_\n{VARIANTS}", encoding="utf-8")
    return "experiments=two"


def _leave_results(writer: RunWriter, accuracy: float) -> None:
    maps = np.random.default_rng(0).random((10, 14, 14, 4)).astype(np.float16)
    writer.arrays("probes/epoch_002.npz", {"maps/conv_1": maps, "maps/conv_2": maps[:, ::2, ::2]})
    images = np.random.default_rng(1).integers(0, 256, (10, 28, 28, 1), dtype=np.uint8)
    writer.arrays(
        "probes/digits.npz", {"images": images, "labels": np.arange(10), "digests": np.arange(10, dtype=np.uint64)}
    )
    metrics = {"best/epoch": 2.0, "best/accuracy_val": accuracy, "best/loss_val": 1 - accuracy, "accuracy/test": 0.25}
    writer.event("result", metrics=metrics)


def made_sweep(
    request: SweepRequest, runs: Path, accuracies: Sequence[float | str], *, end: bool = True
) -> SweepRecord:
    """The sweep of a request: its points in order became runs of these accuracies, or ended with these statuses."""
    points = [as_recorded(one) for one in request.planned]
    header = SweepHeader(request.name, request.overrides, "cnnexp train -m …", points, request.config.tracking)
    writer = SweepWriter.create(runs, header)
    writer.event("started")
    for one, what in zip(request.planned, accuracies, strict=True):
        number, log = one.point.number, str(log_of(writer.folder, one.point.number))
        links = {"sweep": writer.folder.name, "point": str(number)}
        if isinstance(what, float):
            run = record(runs, *one.point.overrides, accuracy=what, links=links, name=one.point.name)
            writer.point(number, run, "FINISHED", "complete", "", log)
        elif what:
            run = record(runs, *one.point.overrides, ending=what, links=links, name=one.point.name)
            status, outcome = ENDINGS.get(what, (what, what.lower()))
            writer.point(number, run, status, outcome, f"it {what.lower()}", log)
    if end:
        bad = any(isinstance(what, str) for what in accuracies)
        ending = Ending(FAILED, "failed", "some") if bad else Ending("FINISHED", "complete")
        writer.event("ended", status=ending.status, outcome=ending.outcome, message=ending.message)
    writer.close()
    return writer.read()
