"""Real runs small enough to share: each is trained once a test session, in this process."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import settings

from cnnexp.cli import main
from cnnexp.runs.record import RunRecord

# The rings draw the same cases each time; $CNNEXP_CASES (tests/cases.py) asks for others.
settings.register_profile("cnnexp", derandomize="CNNEXP_CASES" not in os.environ)
settings.load_profile("cnnexp")

SMALL = ("data.limit=200", "training.batch_size=50", "model=small", "evaluation.train_size=100")
HANGUL = "첫 실행"


@dataclass(frozen=True)
class Done:
    """What one command gave."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Trained:
    """A run, the folder it was started in, and what the command printed."""

    home: Path
    record: RunRecord
    printed: Done


Command = Callable[..., Done]


def pytest_collection_finish() -> None:
    """What was imported stays: Python need not look through it again and again for garbage."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test depends on the terminal or on an MLflow of whoever runs it."""
    for name in [name for name in os.environ if name == "COLUMNS" or name.startswith("MLFLOW_")]:
        monkeypatch.delenv(name)


@contextmanager
def working_in(folder: Path) -> Iterator[None]:
    """The working folder is `folder`, no store is named by the environment, and signals are as before afterwards."""
    before, store, handler = Path.cwd(), os.environ.pop("MLFLOW_TRACKING_URI", None), signal.getsignal(signal.SIGTERM)
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
        signal.signal(signal.SIGTERM, handler)
        if store is not None:
            os.environ["MLFLOW_TRACKING_URI"] = store


def run_command(home: Path, *words: str) -> Done:
    """`cnnexp WORDS` in the folder `home`, in this process."""
    out, err = StringIO(), StringIO()
    with working_in(home), redirect_stdout(out), redirect_stderr(err):
        code = main(words)
    return Done(code, out.getvalue(), err.getvalue())


def train_in(home: Path, *words: str) -> Trained:
    """A small run; it must succeed."""
    done = run_command(home, "train", *SMALL, *words)
    assert done.code == 0, done.err
    return Trained(home, RunRecord(home / "runs" / done.out.strip()), done)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Two epochs, published to a store, all pictures drawn, a name in Hangul."""
    home = tmp_path_factory.mktemp("trained")
    return train_in(home, "training.epochs=2", f'tracking.run_name="{HANGUL}"')


@pytest.fixture(scope="session")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """The same recipe; name, pictures, tracking and telling are others."""
    home = tmp_path_factory.mktemp("twin")
    return train_in(home, "training.epochs=2", "tracking=off", "figures=off", "training.report_every=2")


@pytest.fixture(scope="session")
def best(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Stopped early, with the weights of a better epoch before: so few digits are soon learned by heart."""
    return train_in(
        tmp_path_factory.mktemp("best"), "tracking=off", "figures=off", "training.epochs=40", "training.keep=best",
        "training.learning_rate=0.02", "training.early_stopping={patience: 1}", "training.report_every=40",
    )  # fmt: skip


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """Runs `cnnexp` in an empty folder."""
    return lambda *words: run_command(tmp_path, *words)
