"""Sweeps as a person meets them: real processes, a real store, signals, deaths."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
from pathlib import Path

import pytest

from cnnexp.runs.journal import milliseconds
from cnnexp.runs.record import RunRecord
from cnnexp.runs.sweep_record import SweepRecord, all_sweeps, member_tag
from tests.conftest import run_command
from tests.study.sweeping import (
    TINY,
    hashes,
    mlflow_runs,
    only_sweep,
    processes_in,
    resume,
    runs_of,
    start,
    sweep,
    under_way,
    until,
    workers_in,
)

pytestmark = pytest.mark.slow
OFF = "tracking=off"
LONG = ("training.epochs=100000", "sweep.workers=2")


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SweepRecord, str]:
    """Two seeds of one network, and one that cannot be, in a folder without a store."""
    home = tmp_path_factory.mktemp("first")
    words = ("model.padding=valid", "model.kernel_size=3,31", "seed=0,1", "training.epochs=2", "sweep.workers=2")
    record, err = sweep(home, *words, MLFLOW_RUN_ID="0123456789abcdef")
    return home, record, err


def test_one_parent_and_its_children(first: tuple[Path, SweepRecord, str]) -> None:
    home, record, err = first
    assert "4 points: 2 will run, 2 impossible; 2 at a time" in err
    assert "impossible  kernel_size=31 seed=0 and 1 more: model.kernel_size: got a kernel of 31×31" in err
    runs = {run.name: run for run in runs_of(home)}
    assert set(runs) == {"kernel_size=3 seed=0", "kernel_size=3 seed=1"}
    assert {run.config.training.threads for run in runs.values()} == {
        run.environment["threads"] for run in runs.values()
    }
    published = mlflow_runs(home)
    assert set(published) == {record.id, *(run.id for run in runs.values())}
    parent = published.pop(record.id)
    assert parent.info.status == "FINISHED"
    assert {run.data.tags["mlflow.parentRunId"] for run in published.values()} == {parent.info.run_id}
    assert all(run.data.tags[member_tag(record.id)] == "1" for run in published.values())
    assert all(run.info.status == "FINISHED" for run in published.values())


def test_only_the_chosen_run_is_tested_and_both_it_and_the_parent_say_so(first: tuple[Path, SweepRecord, str]) -> None:
    home, record, _ = first
    best = max(runs_of(home), key=lambda run: (run.result["best/accuracy_val"], -run.result["best/loss_val"]))
    least_loss = min(runs_of(home), key=lambda run: run.result["best/loss_val"])
    assert record.result["run"] == least_loss.id  # one recipe: of its seeds the one with the lowest loss
    assert [run.id for run in runs_of(home) if "accuracy/test" in run.result] == [least_loss.id]
    accuracy = least_loss.result["accuracy/test"]
    published = mlflow_runs(home)
    assert published[record.id].data.metrics["accuracy/test"] == accuracy
    assert published[least_loss.id].data.metrics["accuracy/test"] == accuracy
    assert best.status == "FINISHED"


def test_what_it_leaves_to_look_at(first: tuple[Path, SweepRecord, str]) -> None:
    _, record, err = first
    header, *rows = (record.folder / "sweep.csv").read_text(encoding="utf-8").splitlines()
    assert header == "model.kernel_size,seed,run,ended,accuracy_val,loss_val,seconds,parameters,multiply_adds"
    assert [row.split(",")[:2] for row in rows if ",finished," in row] == [["3", "0"], ["3", "1"]]
    drawn = {path.name for path in (record.folder / "figures").glob("*.png")}
    assert {"table.png", "curves.png", "accuracy_by_seed.png", "contact_sheet_conv_1.png"} <= drawn
    assert f"cnnexp ui {record.id}" in err
    assert all((record.folder / "logs" / f"{number}.txt").stat().st_size for number in (0, 1))


def test_what_is_done_joins_and_the_rest_is_trained_alike_in_series(first: tuple[Path, SweepRecord, str]) -> None:
    home, before, _ = first
    words = ("model.padding=valid", "model.kernel_size=3", "seed=1,2,0", "training.epochs=2", "hydra/launcher=serial")
    plan = run_command(home, "train", "-m", *TINY, *words, "--plan", "--json")
    assert [point["verdict"] for point in json.loads(plan.out)["points"]] == ["done", "will run", "done"]
    record, err = sweep(home, *words)
    assert "3 points: 1 finished, 2 done before" in err
    assert len(runs_of(home)) == 3
    published = mlflow_runs(home)
    assert len(published) == 5
    parents = {run_id: run.data.tags.get("mlflow.parentRunId") for run_id, run in published.items()}
    new = next(run for run in runs_of(home) if run.name == "seed=2")
    assert parents[new.id] == published[record.id].info.run_id
    old = [run.id for run in runs_of(home) if run.id != new.id]
    assert {parents[run_id] for run_id in old} == {published[before.id].info.run_id}
    assert all(published[run_id].data.tags[member_tag(record.id)] == "1" for run_id in [new.id, *old])
    shown = run_command(home, "show", record.id[:7])
    assert "Chosen by validation: seed=" in shown.out
    assert run_command(home, "ui", record.id, "--uri", "http://127.0.0.1:1").code == 2


def test_bits_do_not_depend_on_launcher_or_place(first: tuple[Path, SweepRecord, str], tmp_path: Path) -> None:
    home, record, _ = first
    threads = RunRecord(home / "runs" / record.result["run"]).environment["threads"]
    words = ("model.padding=valid", "model.kernel_size=5,3", "seed=1,0", "training.epochs=2", OFF)
    sweep(tmp_path, *words, "hydra/launcher=serial", f"training.threads={threads}", "sweep.again=true")
    alone, together = hashes(tmp_path), hashes(home)
    same = set(alone) & set(together)
    assert len(same) == 6  # two seeds, epochs 0 to 2
    assert all(alone[key] == together[key] for key in same)
    assert len(set(alone.values())) == len(alone)  # and hashes tell runs apart
    assert record.status == "FINISHED"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_everything_and_what_is_missing_goes_on(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    words = ("seed=0,1,2", "training.epochs=80", "sweep.workers=2", "figures.epochs=[0]")
    process = start(tmp_path, *words)
    until(lambda: len(under_way(tmp_path, epochs=2)) == 2, process)
    process.send_signal(number)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (code, ""), err
    assert "Traceback" not in err
    until(lambda: not processes_in(tmp_path))
    killed = {run.id: run.epochs_done for run in runs_of(tmp_path)}
    assert {run.status for run in runs_of(tmp_path)} == {"KILLED"}
    assert only_sweep(tmp_path).status == "KILLED"
    assert {run.info.status for run in mlflow_runs(tmp_path).values()} == {"KILLED"}
    record, err = sweep(tmp_path, *words)
    assert "3 points: 1 will run, 2 go on" in err
    assert {run.status for run in runs_of(tmp_path)} == {"FINISHED"}
    assert len(runs_of(tmp_path)) == 3
    for run_id, epochs in killed.items():
        run = RunRecord(tmp_path / "runs" / run_id)
        told = [event["epoch"] for event in run.of_kind("epoch")]
        assert all(told.count(epoch) == 1 for epoch in range(epochs))  # none that had a checkpoint is trained again
        assert run.epochs_done == 80
    statuses = {sweep.id: sweep.status for sweep in all_sweeps(tmp_path / "runs")}
    assert sorted(statuses.values()) == ["FINISHED", "KILLED"]
    assert {run.info.status for run in mlflow_runs(tmp_path).values()} == {"KILLED", "FINISHED"}
    tags = [run.data.tags for run in mlflow_runs(tmp_path).values()]
    assert sum(member_tag(record.id) in each for each in tags) == 3


def test_workers_end_with_a_parent_that_is_killed_and_the_next_command_says_so(tmp_path: Path) -> None:
    process = start(tmp_path, "seed=0,1", *LONG, "figures.epochs=[0]")
    until(lambda: len(under_way(tmp_path)) == 2, process)
    process.kill()
    process.communicate()
    until(lambda: not processes_in(tmp_path))
    shown = run_command(tmp_path, "show", only_sweep(tmp_path).id)
    assert shown.code == 0
    assert f"sweep {only_sweep(tmp_path).id} is marked KILLED: its process is gone" in shown.err
    assert "2 points: 2 killed" in shown.out
    assert {run.status for run in runs_of(tmp_path)} == {"KILLED"}
    assert {run.info.status for run in mlflow_runs(tmp_path).values()} == {"KILLED"}


def test_a_whole_sweep_killed_outright_is_marked_by_the_next_command(tmp_path: Path) -> None:
    process = start(tmp_path, "seed=0,1", *LONG, "figures.epochs=[0]")
    until(lambda: len(under_way(tmp_path)) == 2, process)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    until(lambda: not processes_in(tmp_path))
    assert {run.status for run in runs_of(tmp_path)} == {"RUNNING"}
    listed = run_command(tmp_path, "runs")
    ids = [f"run {run.id}" for run in runs_of(tmp_path)] + [f"sweep {only_sweep(tmp_path).id}"]
    assert sorted(listed.err.splitlines()) == sorted(f"{one} is marked KILLED: its process is gone" for one in ids)
    published = mlflow_runs(tmp_path)
    for record in [*runs_of(tmp_path), only_sweep(tmp_path)]:
        assert record.status == published[record.id].info.status == "KILLED"
    last = {run.id: milliseconds(run.epochs[-1]["time"]) for run in runs_of(tmp_path)}
    assert {run_id: published[run_id].info.end_time for run_id in last} == last
    assert published[only_sweep(tmp_path).id].info.end_time == max(last.values())
    assert run_command(tmp_path, "runs").err == ""


def test_a_sweep_that_was_killed_goes_on_by_its_id(tmp_path: Path) -> None:
    process = start(tmp_path, "seed=0,1,2", "training.epochs=100", "sweep.workers=2", "sweep.again=true", OFF)
    until(lambda: len(under_way(tmp_path, epochs=2)) == 2, process)
    lives = resume(tmp_path, only_sweep(tmp_path).id)
    assert lives.returncode == 2
    assert f"It is process {process.pid} on " in lives.stderr
    process.kill()
    process.communicate()
    until(lambda: not processes_in(tmp_path))
    begun, killed = {run.id for run in runs_of(tmp_path)}, only_sweep(tmp_path)
    done = resume(tmp_path, killed.id)
    assert done.returncode == 0, done.stderr
    assert "3 points: 1 will run, 2 go on" in done.stderr
    after = SweepRecord(tmp_path / "runs" / done.stdout.strip())
    assert (after.status, len(runs_of(tmp_path))) == ("FINISHED", 3)
    assert begun < {run.id for run in runs_of(tmp_path)}
    assert {(run.status, run.epochs_done) for run in runs_of(tmp_path)} == {("FINISHED", 100)}
    assert after.result["run"] in {run.id for run in runs_of(tmp_path)}
    again = resume(tmp_path, after.id)
    assert (again.returncode, again.stdout) == (0, f"{after.id}\n")
    assert again.stderr == f"sweep {after.id} is FINISHED: nothing is left to train\n"


def test_a_worker_that_dies_costs_its_run_only(tmp_path: Path) -> None:
    process = start(tmp_path, "seed=0,1", "training.epochs=80", "sweep.workers=1")
    until(lambda: bool(under_way(tmp_path)), process)
    (victim,) = under_way(tmp_path)
    (worker,) = workers_in(tmp_path, process.pid)
    worker.kill()
    out, err = process.communicate(timeout=240)
    assert process.returncode == 1, err
    assert f"1/2  KILLED  {victim.name}: its worker died (signal 9)" in err
    assert (
        f"KILLED  {victim.name}: its worker died (signal 9)\n    log: {tmp_path}/runs/{out.strip()}/logs/0.txt" in err
    )
    assert {run.name: run.status for run in runs_of(tmp_path)} == {"seed=0": "KILLED", "seed=1": "FINISHED"}
    assert only_sweep(tmp_path).status == "FAILED"
    published = mlflow_runs(tmp_path)
    assert published[victim.id].info.status == "KILLED"
    assert published[out.strip()].info.status == "FAILED"


def test_the_first_failure_can_stop_all(tmp_path: Path) -> None:
    words = ("training.learning_rate=1e38,0.001", "training.epochs=30", "sweep.workers=1", "sweep.on_error=stop", OFF)
    record, err = sweep(tmp_path, *words, code=1)
    assert "2 points: 1 failed, 1 not started" in err
    assert "FAILED  learning_rate=1e" in err
    assert "loss/train" in record.outcomes[0]["message"]
    assert record.status == "FAILED"
    assert len(runs_of(tmp_path)) == 1


def test_a_timed_plan_measures_and_leaves_nothing(tmp_path: Path) -> None:
    process = start(tmp_path, "training.learning_rate=1e38,0.001", "--plan=timed", "--json")  # the first one diverges
    out, err = process.communicate(timeout=300)
    assert (process.returncode, err) == (0, "")
    assert all(point["seconds"] > 0 for point in json.loads(out)["points"])
    assert list(tmp_path.iterdir()) == []


SEARCH = ("sweep.search=bayes", "training.learning_rate=tag(log,interval(0.00000001,0.02))", "training.epochs=3", OFF)


def test_a_search_gives_up_what_is_hopeless_and_goes_on_after_a_kill(tmp_path: Path) -> None:
    words = (*SEARCH, "sweep.trials=12", "hydra/launcher=serial")
    process = start(tmp_path, *words)
    until(lambda: len(runs_of(tmp_path)) >= 7, process)
    process.kill()
    process.communicate()
    until(lambda: not processes_in(tmp_path))
    finished = {run.id for run in runs_of(tmp_path) if run.status == "FINISHED"}
    assert finished
    record, err = sweep(tmp_path, *words)
    done = {point["run"] for point in record.points if point["verdict"] == "done"}
    assert done == finished
    assert "12/12  " in err
    assert re.search(r"needed no training: \d+ done before", err)
    outcomes = [run.ending.outcome for run in runs_of(tmp_path) if run.ending]
    assert len(runs_of(tmp_path)) in (12, 13)  # one more where the kill came before a checkpoint
    assert "pruned" in outcomes
    pruned = [run for run in runs_of(tmp_path) if run.ending and run.ending.outcome == "pruned"]
    assert all(run.status == "KILLED" and run.epochs_done < 3 and not run.result for run in pruned)
    assert record.status == "FINISHED"
    assert record.result["run"] not in {run.id for run in pruned}
    best = max(run.result["best/accuracy_val"] for run in runs_of(tmp_path) if run.status == "FINISHED")
    assert record.result["metrics"]["best/accuracy_val"] == best
    again, err = sweep(tmp_path, *words)
    assert "done before" in err
    assert "finished" not in err.split("points:")[1]  # nothing was left to try
    assert again.result["run"] == record.result["run"]
    assert f"{len(pruned)} pruned before" in err.split("points:")[1]
    shutil.rmtree(tmp_path / "runs" / record.result["run"])
    told = resume(tmp_path, again.id)
    assert told.returncode == 0
    assert "12 points: 1 finished" in told.stderr
    assert best == SweepRecord(tmp_path / "runs" / told.stdout.strip()).result["metrics"]["best/accuracy_val"]
    assert "nothing is left to train" in resume(tmp_path, told.stdout.strip()).stderr
