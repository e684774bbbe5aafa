"""A local Ray and submitit's local executor, really; jobs as files."""

from __future__ import annotations

import importlib.util
import signal
from pathlib import Path

import psutil
import pytest

from cnnexp.errors import ConfigError
from cnnexp.runs.files import read_json
from cnnexp.study.clusters import PLUGINS, check_installed, read_job, write_job
from cnnexp.study.jobs import job_of, log_of, output_of
from tests.study.conftest import Request
from tests.study.made import TINY
from tests.study.sweeping import hashes, only_sweep, processes_in, runs_of, start, sweep, under_way, until

LOCAL = ("hydra/launcher=slurm", "hydra.launcher.executor=local", "tracking=off")
needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="the extra ray is not installed")
needs_submitit = pytest.mark.skipif(
    importlib.util.find_spec("submitit") is None, reason="the extra slurm is not installed"
)


@pytest.mark.slow
def test_a_job_is_read_as_it_was_written(request_of: Request, tmp_path: Path) -> None:
    words = (*TINY, "seed=3,4", "model.kernel_initializer={type: random_normal, stddev: 1}")
    for one in request_of(*words).planned:
        job = job_of(tmp_path / "runs" / "5weep", one, threads=2)
        assert read_job(write_job(job, tmp_path / "jobs")) == job


def test_only_a_log_that_exists_is_named(tmp_path: Path) -> None:
    assert output_of(tmp_path, 3) == ""
    (tmp_path / ".submitit").mkdir()
    assert output_of(tmp_path, 3) == str(tmp_path / ".submitit")
    log_of(tmp_path, 3).parent.mkdir()
    log_of(tmp_path, 3).touch()
    assert output_of(tmp_path, 3) == str(tmp_path / "logs" / "3.txt")


@pytest.mark.slow
def test_a_job_that_was_changed_is_checked_like_any_config(request_of: Request, tmp_path: Path) -> None:
    file = write_job(job_of(tmp_path / "runs" / "5weep", request_of(*TINY, "seed=3,4").planned[0], 2), tmp_path)
    text = file.read_text(encoding="utf-8").replace("epochs: 3", "epochs: -3")
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"training\.epochs"):
        read_job(file)


@pytest.mark.parametrize("name", ["ray", "slurm"])
def test_an_extra_that_is_not_installed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PLUGINS, name, "nosuch")
    with pytest.raises(ConfigError, match=rf"pip install 'cnnexp\[{name}\]'"):
        check_installed(name)


@needs_ray
def test_a_search_that_waits_for_each_run_needs_this_machine(request_of: Request) -> None:
    words = ("sweep.search=bayes", "model.kernel_size=3,5", "hydra/launcher=ray")
    with pytest.raises(ConfigError, match=r"parallel or serial beside sweep\.search=bayes"):
        request_of(*TINY, *words)


@pytest.mark.slow
@needs_submitit
def test_settings_of_a_launcher_are_no_part_of_its_jobs(request_of: Request) -> None:
    request = request_of(*TINY, "seed=0,1", "hydra/launcher=slurm", "hydra.launcher.slurm.partition=gpu")
    assert request.launcher.settings["slurm"] == {"partition": "gpu"}
    assert [one.point.name for one in request.planned] == ["seed=0", "seed=1"]


@pytest.mark.slow
@needs_ray
@needs_submitit
def test_on_a_cluster_as_many_run_at_a_time_as_was_said_and_with_one_thread(request_of: Request) -> None:
    def shared(*words: str) -> tuple[int, int]:
        request = request_of(*TINY, "seed=range(50)", *words)
        return request.workers, request.threads

    assert shared("hydra/launcher=ray") == shared("hydra/launcher=slurm") == (50, 1)
    assert shared("hydra/launcher=ray", "sweep.workers=3") == shared(*LOCAL, "sweep.workers=3") == (3, 1)


@pytest.mark.slow
@needs_ray
@needs_submitit
def test_the_same_bits_on_ray_on_submitit_and_in_the_pool(tmp_path: Path) -> None:
    found = []
    for name, words in {
        "ray": ("hydra/launcher=ray",),
        "slurm": LOCAL[:2],
        "serial": ("hydra/launcher=serial",),
    }.items():
        home = tmp_path / name
        home.mkdir()
        more = () if name == "ray" else ("tracking=off",)  # Ray's children find their parent in a new store
        record, err = sweep(home, "seed=0,1", "training.epochs=2", "training.threads=1", *words, *more)
        assert "2 points: 2 finished" in err
        assert record.status == "FINISHED"
        assert {run.header["links"]["sweep"] for run in runs_of(home)} == {record.id}
        found.append(hashes(home))
        until(lambda home=home: not processes_in(home))  # type: ignore[misc]
    assert found[0] == found[1] == found[2]
    assert len(found[0]) == 6
    parents = {run.mlflow["experiment_id"] for run in runs_of(tmp_path / "ray")}
    assert len(parents) == 1


@pytest.mark.slow
@needs_ray
def test_a_killed_sweep_goes_on_on_ray_each_run_with_its_threads_and_one_at_a_time(tmp_path: Path) -> None:
    words = ("seed=0,1,2", "training.epochs=40", "figures.epochs=[0]", "tracking=off")
    process = start(tmp_path, *words, "training.threads=2", "hydra/launcher=serial")
    until(lambda: bool(under_way(tmp_path, epochs=2)), process)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=120)
    _, err = sweep(tmp_path, *words, "training.threads=1", "hydra/launcher=ray", "sweep.workers=1")
    assert "2 will run, 1 goes on; 1 at a time" in err
    runs = runs_of(tmp_path)
    assert {run.name: (run.status, run.threads) for run in runs} == {
        "seed=0": ("FINISHED", 2), "seed=1": ("FINISHED", 1), "seed=2": ("FINISHED", 1),
    }  # fmt: skip
    began, ended = ({run.name: run.events[at]["time"] for run in runs} for at in (0, -1))
    assert ended["seed=1"] <= began["seed=2"]


@pytest.mark.slow
@needs_submitit
def test_a_lost_job_is_found_from_its_record_and_goes_on_at_the_next_start(tmp_path: Path) -> None:
    words = ("seed=0,1", "training.epochs=60", "sweep.workers=2", "figures.epochs=[0]", *LOCAL)
    process = start(tmp_path, *words)
    until(lambda: bool(under_way(tmp_path, epochs=2)), process)
    victim = under_way(tmp_path, epochs=2)[-1]  # the one that the launcher waits for first
    pid = next(event["pid"] for event in victim.events if event["event"] == "started")
    psutil.Process(pid).kill()
    out, err = process.communicate(timeout=300)
    assert process.returncode == 1, err
    assert f"KILLED  {victim.name}: its job was lost" in err
    assert {run.name: run.status for run in runs_of(tmp_path)}[victim.name] == "KILLED"
    record, err = sweep(tmp_path, *words)
    assert "1 goes on" in err
    assert {run.status for run in runs_of(tmp_path)} == {"FINISHED"}
    assert len(runs_of(tmp_path)) == 2
    assert record.id != out.strip()


@pytest.mark.slow
@needs_submitit
def test_ctrl_c_ends_the_jobs_too(tmp_path: Path) -> None:
    process = start(tmp_path, "seed=0,1,2", "training.epochs=100000", "figures.epochs=[0]", "sweep.workers=2", *LOCAL)
    until(lambda: len(under_way(tmp_path)) == 2, process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    until(lambda: not processes_in(tmp_path))
    assert [run.status for run in runs_of(tmp_path)] == ["KILLED", "KILLED"]  # and what had not begun does not begin
    assert only_sweep(tmp_path).status == "KILLED"


@pytest.mark.slow
@needs_submitit
def test_jobs_that_outlive_their_sweep_are_ended_and_go_on(tmp_path: Path) -> None:
    words = ("seed=0,1", "training.epochs=100", "figures.epochs=[0]", "sweep.workers=2", *LOCAL)
    process = start(tmp_path, *words)
    until(lambda: len(under_way(tmp_path, epochs=2)) == 2, process)
    process.kill()
    process.wait()  # not for its output: the jobs hold it open
    assert len(under_way(tmp_path)) == 2
    record, err = sweep(tmp_path, *words)
    for pipe in (process.stdout, process.stderr):
        assert pipe is not None
        pipe.close()
    assert "2 go on" in err
    assert {run.status for run in runs_of(tmp_path)} == {"FINISHED"}
    assert len(runs_of(tmp_path)) == 2
    assert record.status == "FINISHED"


@pytest.mark.slow
@needs_submitit
def test_without_slurm_every_job_is_lost_with_the_reason(tmp_path: Path) -> None:
    record, err = sweep(tmp_path, "seed=0,1", "hydra/launcher=slurm", "tracking=off", code=1)
    assert err.count("its job was lost: RuntimeError") >= 2
    assert "/logs/" not in err
    assert (record.status, runs_of(tmp_path)) == ("FAILED", [])
    assert [point["number"] for point in record.points] == [0, 1]
    assert read_json(record.folder / "jobs" / "0.json")["links"]["sweep"] == record.id
