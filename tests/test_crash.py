"""Real processes killed at random moments: resumed until done, a run is what it would have been without.

CNNEXP_CRASHES sets how many kills there are in all (default 32, and then each kind of moment is hit), CNNEXP_CRASH_SEED
which ones (default 0).
"""

from __future__ import annotations

import json
import math
import os
import random
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cnnexp.config.schema import Data
from cnnexp.data import load_digits
from cnnexp.runs.find import all_runs
from cnnexp.runs.record import RunRecord
from cnnexp.runs.store import open_store
from tests.conftest import working_in
from tests.data.conftest import idx_bytes
from tests.runs.conftest import migrated

__all__ = ["migrated"]
pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parent.parent
SEED = int(os.environ.get("CNNEXP_CRASH_SEED", "0"))
TINY = (
    "train", "data=folder", "model=small", "training.batch_size=50", "training.epochs=6", "evaluation.train_size=50",
    "figures.digits=[0,7]", "figures.max_channels=2",
)  # fmt: skip
NO_PICTURES = "figures.draw=false"
FEATURES = {
    "dropout and augmentation": ("model.dropout=0.5", "data.augmentation={shift: 2, rotate: 10, zoom: 0.1}"),
    "early stopping, best weights": (
        "training.early_stopping={monitor: accuracy/val, patience: 2}", "training.keep=best",
        "training.learning_rate=0.05", "training.epochs=30",
    ),
    "step": (
        "training.schedule={type: step, every: 2}", "training.optimizer={type: sgd, momentum: 0.9}", NO_PICTURES,
    ),
    "cosine with warm-up": ("training.schedule={type: cosine, warmup_epochs: 1.5}", NO_PICTURES),
    "one cycle": ("training.schedule=one_cycle", "training.optimizer=adamw", NO_PICTURES),
    "batch normalization": ("model.batch_normalization=true", NO_PICTURES),
    "mixed bfloat16": ("training.dtype=mixed_bfloat16", NO_PICTURES),
    "a checkpoint every third epoch": (
        "training.checkpoint_every=3", "training.optimizer=rmsprop", "training.epochs=8", NO_PICTURES,
    ),
}  # fmt: skip
KILLS = math.ceil(int(os.environ.get("CNNEXP_CRASHES", "32")) / len(FEATURES))
AT_MOST = 6
"""Kills of one run, before it is let go on to its end."""

PICTURE = "in a picture"
MOMENTS = {
    "in an epoch": (r"open .*events\.jsonl", 9, 0.15),
    "in a checkpoint": (r"open .*\.checkpoint_\d+\.npz", 6, 0.004),
    "between checkpoint and its name": (r"os\.rename .*\.checkpoint_\d+\.npz", 6, 0.0),
    "in the maps of an epoch": (r"open .*/probes/\.epoch_", 6, 0.004),
    "while it is published": (r"open .*\.mlflow\.json", 8, 0.01),
    "in the results": (r"open .*/\.(weights|predictions|pictures)\.npz", 3, 0.004),
    PICTURE: (r"open .*/figures/.*\.png", 20, 0.02),
    "while checkpoints are removed": (r"shutil\.rmtree .*/checkpoint", 1, 0.001),
    "in the model for MLflow": (r"open .*/model/", 3, 0.02),
    "at the end": (r"open .*events\.jsonl", 9, 1.5),
}
"""What the process is about to touch when it is shot, at most the how manyth time, and up to how many seconds later."""


@dataclass(frozen=True)
class Shot:
    """A moment of a kind; which one of it is drawn at random."""

    name: str
    moment: str
    count: int
    delay: float
    signal: str

    @classmethod
    def drawn(cls, rng: random.Random, name: str) -> Shot:
        moment, most, seconds = MOMENTS[name]
        number = rng.choices(["SIGKILL", "SIGTERM", "SIGINT"], weights=[6, 1, 1])[0]
        return cls(name, moment, rng.randint(1, most), rng.uniform(0, seconds), number)


def dealt() -> dict[str, list[str]]:
    """Feature → the kinds of moments that it is hit in: from one shuffled list, so that none is left out."""
    rng, deck = random.Random(SEED), list[str]()
    while len(deck) < KILLS * len(FEATURES):
        deck += rng.sample([name for name in MOMENTS if name != PICTURE], len(MOMENTS) - 1)
    hands = {feature: deck[KILLS * place : KILLS * (place + 1)] for place, feature in enumerate(FEATURES)}
    drawing = [feature for feature, words in FEATURES.items() if NO_PICTURES not in words]
    return hands | {feature: [PICTURE, *hands[feature][1:]] for feature in drawing}


class Server:
    """Forks `cnnexp` commands that can be shot."""

    def __init__(self) -> None:
        hidden = ("MLFLOW_TRACKING_URI", "PYTHONPATH")
        own = {key: value for key, value in os.environ.items() if key not in hidden}
        self._process = subprocess.Popen(
            [sys.executable, str(ROOT / "tests" / "crashing.py")], env=own | {"PYTHONPATH": str(ROOT)}, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert self._answer() == "ready"

    def run(self, home: Path, words: tuple[str, ...], shot: Shot | None = None) -> int:
        """The exit code of a command in the folder `home`; below 0 the signal that ended it."""
        request: dict[str, Any] = {"home": str(home), "words": words, "moment": ""}
        if shot is not None:
            request |= {"moment": shot.moment, "count": shot.count, "delay": shot.delay, "signal": shot.signal}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return int(self._answer()["code"])

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        self._process.communicate()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The word that names few digits which are soon read: 135 to train on, 15 to validate, 50 to test."""
    folder, known = tmp_path_factory.mktemp("digits"), load_digits(Data())
    for split, name, per_class in ((known.train, "train", 15), (known.test, "t10k", 5)):
        chosen = np.concatenate([np.flatnonzero(split.labels == label)[:per_class] for label in range(10)])
        images, labels = split.images[chosen, ..., 0], split.labels[chosen].astype(np.uint8)
        (folder / f"{name}-images-idx3-ubyte").write_bytes(idx_bytes(images))
        (folder / f"{name}-labels-idx1-ubyte").write_bytes(idx_bytes(labels))
    return f"data.folder={folder}"


def new_home(folder: Path, migrated: Path) -> Path:
    """An empty folder with a store in it."""
    folder.mkdir()
    shutil.copy(migrated, folder / "mlflow.db")
    return folder


def next_words(home: Path, words: tuple[str, ...]) -> tuple[str, ...]:
    """What a person types next: the training, and once its record is there, that it is to go on."""
    return ("resume", "latest") if all_runs(home / "runs") else words


def crash_until_done(server: Server, home: Path, words: tuple[str, ...], shots: list[Shot]) -> Counter[str]:
    """Start, shoot, resume, shoot, … until it comes to its end; where it was hit, and how often."""
    hits: Counter[str] = Counter()
    for shot in shots:
        code = server.run(home, next_words(home, words), shot)
        told = (home / "stderr").read_text("utf-8")
        assert code in {"SIGKILL": (-9, 0), "SIGTERM": (143, 0), "SIGINT": (130, 0)}[shot.signal], f"{shot}\n{told}"
        assert "Traceback" not in told, f"{shot}\n{told}"
        if code == 0:  # it was faster than the shot
            break
        hits[shot.name] += 1
    else:
        assert server.run(home, next_words(home, words)) == 0, (home / "stderr").read_text("utf-8")
    assert server.run(home, ("resume", "latest")) == 0
    assert "nothing is left to train" in (home / "stderr").read_text("utf-8")
    return hits


def only_run(home: Path) -> RunRecord:
    (record,) = all_runs(home / "runs")
    return record


def arrays_of(folder: Path) -> dict[str, dict[str, tuple[str, bytes]]]:
    """Every array of a record by file and name."""
    found = {}
    for path in sorted(folder.rglob("*.npz")):
        if path.parent.name != "checkpoint":
            with np.load(path) as archive:
                arrays = {name: (str(archive[name].dtype), archive[name].tobytes()) for name in archive.files}
            found[path.relative_to(folder).as_posix()] = arrays
    return found


def pictures_of(folder: Path) -> dict[str, bytes]:
    """The pixels of every picture of a record."""
    found = {}
    for path in sorted(folder.rglob("*.png")):
        with Image.open(path) as image:
            found[path.relative_to(folder).as_posix()] = image.convert("RGBA").tobytes()
    return found


def without_time(metrics: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in metrics.items() if not key.startswith("time/")}


def in_the_record(record: RunRecord) -> dict[str, Any]:
    """All of a record that does not depend on clocks and names."""
    return {
        "status": (record.status, record.ending.outcome if record.ending else ""),
        "epochs": [
            [one["epoch"], one["weights"], without_time(one["metrics"]), one["signals"]] for one in record.epochs
        ],
        "result": record.result,
        "arrays": arrays_of(record.folder),
        "pictures": pictures_of(record.folder),
    }


def in_mlflow(home: Path) -> dict[str, Any]:
    """The same of MLflow: every metric's whole history, pictures, files, model."""
    record = only_run(home)
    with working_in(home):
        client = open_store(record.config.tracking, create=False).client
    (run,) = client.search_runs([record.mlflow["experiment_id"]])
    run = client.get_run(run.info.run_id)
    assert run.data.tags["cnnexp.run"] == record.id
    points = {key: client.get_metric_history(run.info.run_id, key) for key in run.data.metrics}
    own = {key: [(step, value) for step, value in pairs] for key, pairs in record.history.items()}
    assert {key: [(p.step, p.value) for p in points[key]] for key in own} == own  # times too: each was told once
    models = client.search_logged_models([record.mlflow["experiment_id"]])
    artifacts = Path(run.info.artifact_uri.removeprefix("file://"))
    files = [path.relative_to(artifacts).as_posix() for path in artifacts.rglob("*") if path.is_file()]
    return {
        "status": run.info.status,
        "outcome": run.data.tags["cnnexp.outcome"],
        "metrics": without_time({key: [(p.step, p.value) for p in history] for key, history in points.items()}),
        "times": [(p.step) for p in points["time/epoch_seconds"]],
        "params": run.data.params,
        "data": [(one.dataset.name, one.dataset.digest) for one in run.inputs.dataset_inputs],
        "models": [str(model.status) for model in models],
        "files": sorted(re.sub(r"\+timestamp\+\d+\+[0-9a-f-]+", "", name) for name in files),
    }


def left_aside(folder: Path) -> list[str]:
    """Files that should not be there once a run is done."""
    return sorted(path.name for path in folder.rglob("*") if path.name.startswith(".") or path.name == "checkpoint")


@pytest.mark.skipif(KILLS < 4, reason="fewer kills than it takes")
def test_every_kind_of_moment_is_dealt() -> None:
    assert {name for hand in dealt().values() for name in hand} == set(MOMENTS)


@pytest.mark.parametrize("feature", FEATURES)
def test_killed_at_random_moments_a_run_ends_as_if_it_never_was(
    feature: str, server: Server, digits: str, migrated: Path, tmp_path: Path
) -> None:
    rng = random.Random(f"{SEED} {feature}")
    words = (*TINY, digits, *FEATURES[feature])
    whole = new_home(tmp_path / "whole", migrated)
    assert server.run(whole, words) == 0, (whole / "stderr").read_text("utf-8")
    hits: Counter[str] = Counter()
    number = 0
    while left := list((Counter(dealt()[feature]) - hits).elements()):
        number += 1
        home = new_home(tmp_path / str(number), migrated)
        shots = [Shot.drawn(rng, name) for name in rng.sample(left, len(left))[:AT_MOST]]
        hits += crash_until_done(server, home, words, shots)
        context = f"CNNEXP_CRASH_SEED={SEED}: {shots}"
        assert in_the_record(only_run(home)) == in_the_record(only_run(whole)), context
        assert in_mlflow(home) == in_mlflow(whole), context
    print(f"CNNEXP_CRASH_SEED={SEED}, {feature}: {number} runs killed {dict(hits)}")


def test_a_damaged_checkpoint_costs_an_epoch_and_nothing_else(
    server: Server, digits: str, migrated: Path, tmp_path: Path
) -> None:
    whole, home = (new_home(tmp_path / name, migrated) for name in ("whole", "home"))
    assert server.run(whole, (*TINY, digits)) == 0
    assert server.run(home, (*TINY, digits), Shot("", r"open .*\.checkpoint_000005\.npz", 1, 0.0, "SIGKILL")) == -9
    newest = only_run(home).checkpoints[0]
    before = int(newest.stem.removeprefix("checkpoint_")) - 1
    newest.write_bytes(newest.read_bytes()[:-1000])
    assert server.run(home, ("resume", "latest")) == 0
    told = (home / "stderr").read_text("utf-8")
    assert f"note: {newest.name} is damaged: the checkpoint before it is taken\n" in told
    assert f"goes on after epoch {before} of 6; what it told of epoch {before + 1} and later is trained again\n" in told
    assert in_the_record(only_run(home)) == in_the_record(only_run(whole))
    assert in_mlflow(home) == in_mlflow(whole)
    assert left_aside(only_run(home).folder) == []
