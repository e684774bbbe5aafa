"""Many jobs on this machine: a pool of reused worker processes in which a worker that dies costs its own job only."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, cast

from pebble import ProcessExpired, ProcessPool

from cnnexp.study.gpus import gpu_shares
from cnnexp.study.worker import Job, Outcome, run_job, start_worker

JOBS_PER_WORKER = 25
"""A job leaves about 10 MB behind in TensorFlow, so that a worker is replaced before it holds a quarter of a GB."""
JOIN_SECONDS = 30


def run_in_pool(jobs: Sequence[Job], workers: int) -> Iterator[Outcome]:
    """Outcomes as jobs end, in any order. Closing the generator stops all workers; none outlives it."""
    pool: Any = ProcessPool(
        max_workers=workers,
        max_tasks=JOBS_PER_WORKER,
        initializer=start_worker,
        initargs=(os.getpid(), gpu_shares(workers)),
        context=multiprocessing.get_context("spawn"),
    )
    try:
        futures: dict[concurrent.futures.Future[Outcome], Job] = {pool.submit(run_job, None, job): job for job in jobs}
        for future in concurrent.futures.as_completed(futures):
            yield _outcome(futures[future], future)
    finally:
        pool.stop()
        with suppress(TimeoutError):
            pool.join(timeout=JOIN_SECONDS)


def _outcome(job: Job, future: concurrent.futures.Future[Outcome]) -> Outcome:
    try:
        return future.result()
    except ProcessExpired as error:
        code = cast(int, error.exitcode)
        return Outcome(job.number, job.made(), "KILLED", f"its worker died (exit code {code})")
    except Exception as error:  # noqa: BLE001 (whatever a job raises costs this job only)
        return Outcome(job.number, job.made(), "FAILED", f"{type(error).__name__}: {error}")
