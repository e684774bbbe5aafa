"""Many jobs on this machine: a pool of reused worker processes in which a worker that dies costs its own job only."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import time
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import Any, cast

from pebble import ProcessExpired, ProcessPool
from pebble.pool.process import WORKERS_NAME

from cnnexp.runs.journal import FAILED, KILLED
from cnnexp.study.gpus import gpu_shares
from cnnexp.study.worker import GRACE_SECONDS, Job, Outcome, run_job, start_worker

JOBS_PER_WORKER = 25
"""A job leaves about 10 MB behind in TensorFlow, so that a worker is replaced before it holds a quarter of a GB."""
ATTEMPTS = 3
"""Pools that may break in a row without a single job coming to its end."""


def run_in_pool(jobs: Iterable[Job], workers: int) -> Generator[Outcome, None, None]:
    """Outcomes as jobs end, in any order. A job is taken from `jobs` when a worker is free for it.

    Jobs with other threads than those before get other workers: a process cannot change its threads. Closing the
    generator stops all workers; none outlives it.
    """
    for _, group in itertools.groupby(jobs, key=lambda job: job.threads):
        yield from _run_group(group, workers)


def _run_group(jobs: Iterator[Job], workers: int) -> Iterator[Outcome]:
    """The jobs in a pool, and what was under way in a pool that broke (a worker died at its start) in the next one."""
    waiting, in_vain = jobs, 0
    while True:
        broken, ended = list[Job](), 0
        for job, future in _run_in_one_pool(waiting, workers):
            if isinstance(future.exception(), BrokenProcessPool):
                broken.append(job)
            else:
                ended += 1
                yield _outcome(job, future)
        if not broken:
            return
        in_vain = 0 if ended else in_vain + 1
        if in_vain >= ATTEMPTS:
            yield from (Outcome(job.number, "", FAILED, "its workers died before they began") for job in broken)
            broken = []
        waiting = itertools.chain(broken, jobs)


def _run_in_one_pool(jobs: Iterator[Job], workers: int) -> Iterator[tuple[Job, Future[Outcome]]]:
    """Each job with its future once that is done; after the first broken one no further job is taken."""
    running: dict[Future[Outcome], Job] = {}
    is_whole = True
    with _pool(workers) as pool:
        while True:
            while is_whole and len(running) < workers and (job := next(jobs, None)) is not None:
                running[_submitted(pool, job)] = job
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                is_whole = is_whole and not isinstance(future.exception(), BrokenProcessPool)
                yield running.pop(future), future


def _submitted(pool: Any, job: Job) -> Future[Outcome]:
    try:
        return cast("Future[Outcome]", pool.submit(run_job, None, job))
    except RuntimeError:  # the pool broke while it had nothing to do
        future: Future[Outcome] = Future()
        future.set_exception(BrokenProcessPool())
        return future


@contextmanager
def _pool(workers: int) -> Iterator[Any]:
    pool: Any = ProcessPool(
        max_workers=workers,
        max_tasks=JOBS_PER_WORKER,
        initializer=start_worker,
        initargs=(os.getpid(), gpu_shares(workers)),
        context=multiprocessing.get_context("spawn"),
    )
    try:
        with _ctrl_c_held_back():
            if not pool.active:  # asking starts it
                raise BrokenProcessPool
        yield pool
    finally:
        pool.stop()
        _end_workers()
        pool.join()


@contextmanager
def _ctrl_c_held_back() -> Iterator[None]:
    """Threads and processes that start meanwhile never get SIGINT: Ctrl-C is for this process, which ends them."""
    resource_tracker.ensure_running()  # it would let SIGINT through again when it starts
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end_workers() -> None:
    """Ask all workers at once to end, and give their runs time to end truly."""
    workers = [child for child in multiprocessing.active_children() if child.name == WORKERS_NAME]
    for worker in workers:
        worker.terminate()
    deadline = time.monotonic() + GRACE_SECONDS
    for worker in workers:
        worker.join(max(0.0, deadline - time.monotonic()))


def _outcome(job: Job, future: Future[Outcome]) -> Outcome:
    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, ProcessExpired):
        code = cast(int, error.exitcode)
        how = f"exit code {code}" if code >= 0 else f"signal {-code}"
        return Outcome(job.number, job.made(), KILLED, f"its worker died ({how})")
    return Outcome(job.number, job.made(), FAILED, f"{type(error).__name__}: {error}")
