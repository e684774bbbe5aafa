"""The pool itself, with jobs that end before TensorFlow is needed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from cnnexp.study.jobs import job_of
from cnnexp.study.pool import run_in_pool
from cnnexp.study.worker import Job
from tests.study.conftest import Request
from tests.study.made import TINY


@pytest.fixture
def jobs(request_of: Request, tmp_path: Path) -> list[Job]:
    """Four jobs whose digits are not there: each fails at once."""
    made = [job_of(tmp_path / "runs" / "5weep", one, 1) for one in request_of(*TINY, "seed=range(4)").planned]
    return [_without_digits(job) for job in made]


def _without_digits(job: Job) -> Job:
    config = job.composed.config
    data = config.data.model_copy(update={"source": "folder", "folder": "nosuch"})
    return replace(job, composed=replace(job.composed, config=config.model_copy(update={"data": data})))


@pytest.mark.slow
def test_a_job_is_taken_when_a_worker_is_free_and_tells_its_error(jobs: list[Job]) -> None:
    taken = []

    def one_after_another() -> Iterator[Job]:
        for job in jobs:
            taken.append(job.number)
            yield job

    outcomes = run_in_pool(one_after_another(), workers=1)
    first = next(outcomes)
    assert taken == [0]
    assert (first.number, first.run, first.status) == (0, "", "FAILED")
    assert "nosuch" in first.message
    assert "nosuch" in jobs[0].log.read_text(encoding="utf-8")
    assert next(outcomes).number == 1
    workers = [one for one in psutil.Process().children() if "spawn_main" in " ".join(one.cmdline())]
    assert workers
    outcomes.close()
    assert not any(worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE for worker in workers)
    assert taken == [0, 1]


def die(*_: object) -> None:
    """What a worker does that ends before its first job."""
    os._exit(3)


@pytest.mark.slow
def test_workers_that_die_at_their_start_fail_the_jobs_and_no_more(
    jobs: list[Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cnnexp.study.pool.start_worker", die)
    outcomes = list(run_in_pool(iter(jobs), workers=2))
    assert sorted(outcome.number for outcome in outcomes) == [0, 1, 2, 3]
    assert {outcome.message for outcome in outcomes} == {"its workers died before they began"}
