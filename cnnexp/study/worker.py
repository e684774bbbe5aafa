"""One point of a sweep, trained in a worker process. Workers are reused: TensorFlow is imported once in each."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import FrameType
from typing import TypeVar

from filelock import FileLock

from cnnexp.config.compose import Composed
from cnnexp.config.schema import Data
from cnnexp.data import Digits, load_digits
from cnnexp.errors import CnnexpError
from cnnexp.interrupts import Pruned, Terminated
from cnnexp.nn.seeding import GPU_MEMORY
from cnnexp.runs.journal import FAILED, KILLED, PRUNED
from cnnexp.runs.record import RunRecord
from cnnexp.study.gpus import GpuShare, claim

A = TypeVar("A")
T = TypeVar("T")
EXIT_TERMINATED = 143
WATCH_SECONDS = 1.0
GRACE_SECONDS = 20.0
"""What a run is given to end truly before its process is ended anyway."""


@dataclass(frozen=True)
class TrialRef:
    """A trial of a search by its number: where its journal is, and whether the run may be given up early."""

    journal: Path
    number: int
    prune: bool


@dataclass(frozen=True)
class Job:
    """A point as a worker gets it. resume: the id of the unfinished run to go on with, or empty for a new one."""

    number: int
    composed: Composed
    threads: int
    links: Mapping[str, str]
    runs: Path
    log: Path
    resume: str = ""
    trial: TrialRef | None = None

    def made(self) -> str:
        """The id of the record that this job has made so far, or empty."""
        from cnnexp.runs.find import all_runs

        mine = (record for record in all_runs(self.runs) if record.header["links"] == dict(self.links))
        return self.resume or next((record.id for record in mine), "")


@dataclass(frozen=True)
class Outcome:
    """How a job ended; `run` is empty where no record was made, `message` where all went well."""

    number: int
    run: str
    status: str
    message: str = ""
    outcome: str = ""


class Told:
    """The listener in a worker: what a run tells goes to its log, and to the search that it is a trial of."""

    def __init__(self, trial: TrialRef | None) -> None:
        self._trial = trial

    def started(self, record: RunRecord) -> None:
        print(f"run {record.id}  {record.name}", flush=True)

    def batch(self, done: int, total: int, loss: float) -> None:
        """Not told."""

    def epoch(self, epoch: int, metrics: Mapping[str, float]) -> None:
        told = "  ".join(f"{key} {value:.4g}" for key, value in metrics.items())
        print(f"epoch {epoch}  {told}", flush=True)
        if self._trial is not None and epoch > 0:
            from cnnexp.study.search import looks_hopeless

            if looks_hopeless(self._trial, epoch, metrics["accuracy/val"]):
                raise Pruned(f"given up after epoch {epoch}: worse than half of the trials before it")

    def say(self, text: str) -> None:
        print(text, flush=True)

    def ended(self) -> None:
        """Nothing to put away."""


_IN_A_JOB = threading.Event()
_HELD: list[FileLock] = []
"""The lock on this worker's share of a GPU, held as long as the process lives."""


def start_worker(parent: int, shares: tuple[GpuShare, ...]) -> None:
    """Prepare a worker process: SIGTERM ends its run truly, and it never outlives the process `parent`.

    shares: of GPUs, one for each worker; this one takes the first that is free.
    """
    end_truly_on_sigterm()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    claimed = claim(shares, parent)
    if claimed is not None:
        share, lock = claimed
        _HELD.append(lock)
        os.environ["CUDA_VISIBLE_DEVICES"] = share.device
        if share.memory is not None:
            os.environ[GPU_MEMORY] = str(share.memory)
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def end_truly_on_sigterm() -> None:
    """From now on SIGTERM ends the run of this process as KILLED, and then the process."""
    signal.signal(signal.SIGTERM, _terminate)


def alone(function: Callable[[A], T], argument: A) -> T:
    """What the function gives in a new process: there TensorFlow takes any number of threads."""
    start = (os.getpid(), ())
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), start_worker, start) as process:
        return process.submit(function, argument).result()


def _terminate(signum: int, frame: FrameType | None) -> None:
    """In a job the run ends truly; a worker that waits for one has nothing to end."""
    if not _IN_A_JOB.is_set():
        os._exit(EXIT_TERMINATED)
    raise Terminated


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(WATCH_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os._exit(EXIT_TERMINATED)


def run_job(job: Job) -> Outcome:
    """Train one point (or go on with its unfinished run). Errors of the run are its outcome, not an exception."""
    with _output_to(job.log):
        _IN_A_JOB.set()
        try:
            return _run(job)
        except Pruned as reason:
            return Outcome(job.number, job.made(), KILLED, str(reason), PRUNED)
        except CnnexpError as error:
            print(f"error: {error}", flush=True)
            return Outcome(job.number, job.made(), FAILED, str(error).splitlines()[0])
        except Exception as error:  # noqa: BLE001 (whatever a run raises costs this run only)
            traceback.print_exc()
            return Outcome(job.number, job.made(), FAILED, f"{type(error).__name__}: {error}")
        except Terminated:
            os._exit(EXIT_TERMINATED)
        finally:
            _IN_A_JOB.clear()
            _forget_the_model()


def _run(job: Job) -> Outcome:
    from cnnexp.experiment import create_run, train_and_record
    from cnnexp.runs.writer import RunWriter

    digits = _digits(job.composed.config.data.model_dump_json())
    run = RunWriter.reopen(job.runs / job.resume) if job.resume else create_run(job.composed, digits, job.links)
    try:
        record = train_and_record(run, job.composed.config, digits, Told(job.trial))
    finally:
        run.close()
    return Outcome(job.number, record.id, record.status, outcome=record.ending.outcome if record.ending else "")


@lru_cache(maxsize=2)
def _digits(data: str) -> Digits:
    return load_digits(Data.model_validate_json(data))


def _forget_the_model() -> None:
    """Give back the memory of a model, where one was built."""
    if "keras" in sys.modules:
        from cnnexp.nn.model import forget_models

        forget_models()


@contextmanager
def _output_to(log: Path) -> Iterator[None]:
    """Everything that this process prints meanwhile, at any level, goes to the file `log`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    kept = os.dup(1), os.dup(2)
    with log.open("ab", buffering=0) as file:
        try:
            for number in (1, 2):
                os.dup2(file.fileno(), number)
            yield
        finally:
            with suppress(OSError):  # the log's disk is full
                sys.stdout.flush()
                sys.stderr.flush()
            for number, old in zip((1, 2), kept, strict=True):
                os.dup2(old, number)
                os.close(old)
