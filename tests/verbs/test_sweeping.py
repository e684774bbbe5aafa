"""What a person is told of sweeps: plans, answers, progress. Nothing is trained here."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import NoReturn

import pytest

from cnnexp.runs.colours import colour_of
from cnnexp.runs.find import all_runs
from cnnexp.runs.publish import publish_whole
from cnnexp.runs.publish_sweep import publish_sweep, view_of
from cnnexp.runs.record import RunRecord
from cnnexp.runs.store import open_store
from cnnexp.runs.sweep_record import SweepRecord, member_tag
from cnnexp.study.request import request_sweep
from cnnexp.study.worker import Outcome
from cnnexp.verbs.completion import matches
from cnnexp.verbs.sweep_plan import duration
from cnnexp.verbs.sweep_progress import SweepBar, SweepLines
from cnnexp.verbs.sweep_report import where_to_look
from tests.conftest import Command, run_command
from tests.study.made import TINY, made_sweep, record

WORDS = (*TINY, "model.padding=valid", "model.kernel_size=3,31", "seed=0,1,2", "tracking=off")


@pytest.fixture
def swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SweepRecord:
    """Two runs that finished, one that failed, three points that are impossible; never published."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return made_sweep(request_sweep(WORDS, None), tmp_path / "runs", [0.9, 0.8, "FAILED", "", "", ""])


def test_a_plan_creates_nothing(command: Command, tmp_path: Path) -> None:
    done = command("train", "-m", *WORDS, "--plan")
    assert done.code == 0
    assert list(tmp_path.iterdir()) == []
    lines = done.out.splitlines()
    assert lines[0].split() == ["#", "point", "verdict", "parameters", "mult-adds", "time"]
    assert lines[1].split()[:5] == ["0", "kernel_size=3", "seed=0", "will", "run"]
    assert lines[4].split() == ["3", "kernel_size=31", "seed=0", "impossible"]
    assert "impossible  kernel_size=31 seed=0 and 2 more: model.kernel_size: got a kernel of 31×31" in done.out
    assert lines[-2:] == [
        "6 points: 3 will run, 3 impossible",
        "time: unknown (no earlier run to go by; --plan=timed tries a few batches)",
    ]


def test_a_plan_with_what_is_done_and_how_long_the_rest_takes(command: Command, tmp_path: Path) -> None:
    run = record(tmp_path / "runs", *TINY, "seed=0", seconds=20.0)
    done = command("train", "-m", *TINY, "seed=0,1,2", "sweep.workers=2", "--plan")
    assert f"done {run}" in done.out
    assert "3 points: 2 will run, 1 done" in done.out
    assert "time: about 2 min of training in all, with 2 at a time at best 60 s" in done.out  # 2 runs, 3 epochs of 20 s
    assert "nothing is left to train" in command("train", "-m", *TINY, "seed=0,0", "--plan").out
    points = json.loads(command("train", "-m", *TINY, "seed=0,1", "--plan", "--json").out)["points"]
    assert [(point["verdict"], point["run"], point["seconds"]) for point in points] == [
        ("done", run, None), ("will run", None, 60.0),
    ]  # fmt: skip


@pytest.mark.slow
def test_a_plan_of_many_points_is_cut_and_notes_half_turned_knobs(command: Command) -> None:
    words = ("model.blocks.conv_2.kernel_size=5", "model.kernel_size=3,7", "seed=range(25)")
    done = command("train", "-m", *TINY, *words, "--plan")
    assert "and 11 more" in done.out
    assert len(done.out.splitlines()) < 50
    assert "note: model.kernel_size does not reach conv_2: a kernel_size of its own stands there" in done.out


@pytest.mark.slow
def test_a_plan_of_a_search(command: Command) -> None:
    words = ("sweep.search=bayes", "training.learning_rate=tag(log,interval(0.001,0.1))", "sweep.trials=7")
    done = command("train", "-m", *TINY, *words, "--plan")
    assert done.out.splitlines()[:2] == [
        "7 trials, each proposed from those before it; what looks hopeless is given up early",
        "  training.learning_rate from 0.001 to 0.1 (log)",
    ]
    assert "impossible" not in done.out


@pytest.mark.slow
@pytest.mark.parametrize(("low", "told"), [(3, "an end of the space is impossible  kernel_size=40"),
                                           (29, "every end of the space is impossible  kernel_size=29")])  # fmt: skip
def test_a_plan_of_a_search_whose_ends_cannot_be(command: Command, tmp_path: Path, low: int, told: str) -> None:
    words = (*TINY, "sweep.search=bayes", f"model.kernel_size=int(interval({low},40))", "model.padding=valid")
    done = command("train", "-m", *words, "--plan")
    assert (done.code, list(tmp_path.iterdir())) == (0, [])
    (line,) = [line for line in done.out.splitlines() if "impossible" in line]
    assert line.startswith(f"note: {told}: model.kernel_size: got a kernel of")
    assert line in json.loads(command("train", "-m", *words, "--plan", "--json").out)["notes"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "words", [["model.kernel_size=3,0"], ["model.kernel_size=3"], ["hydra/launcher=nosuch", "seed=0,1"]]
)
def test_refused(command: Command, tmp_path: Path, words: list[str]) -> None:
    for more in ([], ["--plan"]):
        done = command("train", "-m", *words, *more)
        assert done.code == 2
        assert done.err.startswith("error: ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_show(swept: SweepRecord, tmp_path: Path) -> None:
    done = run_command(tmp_path, "show", swept.id[:7])
    assert done.code == 0
    text = done.out
    assert f"sweep {swept.id}  sweep of kernel_size, seed: FAILED" in text
    assert "6 points: 2 finished, 1 failed, 3 impossible" in text
    assert "85.00%" in text
    assert f"FAILED  kernel_size=3 seed=2: it failed\n    log: {swept.folder}/logs/2.txt" in text
    assert "impossible  kernel_size=31 seed=0 and 2 more" in text
    assert f"pictures  none yet; draw them: cnnexp show {swept.id} --draw" in text
    drawn = run_command(tmp_path, "show", swept.id, "--draw")
    assert "pictures drawn in" in drawn.err
    assert (swept.folder / "figures" / "contact_sheet_conv_1.png").is_file()
    told = json.loads(run_command(tmp_path, "show", swept.id, "--json").out)
    assert [point["status"] for point in told["points"]] == ["FINISHED", "FINISHED", "FAILED", None, None, None]
    assert told["points"][0]["metrics"]["best/accuracy_val"] == 0.9
    newest = all_runs(tmp_path / "runs")[0]
    assert run_command(tmp_path, "show", "latest").out.startswith(f"run       {newest.id}")  # a run, never a sweep


@pytest.mark.slow
def test_runs_and_completion_know_sweeps(swept: SweepRecord, tmp_path: Path) -> None:
    record(tmp_path / "runs", *TINY, "seed=9")
    listed = json.loads(run_command(tmp_path, "runs", "--sweep", swept.id, "--json").out)
    assert [run["name"] for run in listed] == ["kernel_size=3 seed=0", "kernel_size=3 seed=1", "kernel_size=3 seed=2"]
    refused = run_command(tmp_path, "runs", "--sweep", "nosuch")
    assert refused.code == 2
    assert f"The newest are {swept.id}" in refused.err
    for verb in ("show", "ui", "sync", "compare"):
        assert f"{swept.id} " in matches([verb, swept.id[:4]])
    assert f"{swept.id} " not in matches(["evaluate", swept.id[:4]])


@pytest.mark.slow
def test_a_sweep_that_was_never_published(swept: SweepRecord, tmp_path: Path) -> None:
    refused = run_command(tmp_path, "ui", swept.id)
    assert refused.code == 2
    assert f"sweep {swept.id}, not in MLflow" in refused.err


def no_model(_: RunRecord) -> NoReturn:
    pytest.fail("no weights, no model")


@pytest.mark.slow
def test_sync_makes_the_parent_and_its_children(home: Path) -> None:
    sweep = made_sweep(request_sweep((*TINY, "seed=0,1"), None), home / "runs", [0.9, 0.8])
    old = record(home / "runs", *TINY, "seed=2")
    store = open_store(sweep.tracking, create=True)
    for run in all_runs(home / "runs"):  # while the parent was not there yet
        publish_whole(store, run, no_model)
    done = run_command(home, "sync", sweep.id)
    assert done.code == 0, done.err
    assert f"{sweep.id}  published: sweep, 2 runs" in done.out
    state = sweep.fresh().mlflow
    parent = store.client.get_run(state["run_id"])
    assert parent.info.status == "FINISHED"
    assert parent.data.tags["cnnexp.run"] == sweep.id
    for _, run in sweep.runs():
        tags = store.client.get_run(run.fresh().mlflow["run_id"]).data.tags
        assert (tags["mlflow.parentRunId"], tags[member_tag(sweep.id)]) == (state["run_id"], "1")
        assert tags["mlflow.runColor"] == colour_of(run.header["links"]["point"])
    assert member_tag(sweep.id) not in store.client.get_run(RunRecord(home / "runs" / old).mlflow["run_id"]).data.tags
    publish_sweep(sweep.fresh(), sweep.tracking)  # again: nothing twice
    found = store.client.search_runs([state["experiment_id"]], f"tags.`cnnexp.run` = '{sweep.id}'")
    assert len(found) == 1
    view = store.client.get_experiment(state["experiment_id"]).tags[f"mlflow.sharedViewState.{sweep.id}"]
    assert f"sweep {sweep.id}" in view


@pytest.mark.slow
def test_the_columns_of_the_link_are_params_of_all_its_runs(home: Path) -> None:
    """A run of the sweep, one that is trained while it goes on, and one that an earlier sweep trained."""
    record(home / "runs", *TINY, "training.optimizer={type: sgd, momentum: 0}", "seed=0")
    (old,) = all_runs(home / "runs")
    store = open_store(old.config.tracking, create=True)
    publish_whole(store, old, no_model)
    optimizers = "training.optimizer={type: sgd, momentum: 0},{type: sgd, momentum: 0.9}"
    words = (*TINY, "model=small,one_block", "training.label_smoothing=0,0.1", optimizers, "seed=0")
    sweep = made_sweep(request_sweep(words, None), home / "runs", ["", 0.9, *[""] * 6])
    (child,) = (run for _, run in sweep.runs() if run.id != old.id)
    publish_whole(store, child, no_model)
    wanted = {"model", "training.label_smoothing", "training.optimizer"}
    assert wanted <= set(store.client.get_run(child.fresh().mlflow["run_id"]).data.params)
    publish_sweep(sweep.fresh(), sweep.tracking)
    assert wanted <= set(store.client.get_run(old.fresh().mlflow["run_id"]).data.params)
    assert {f"params.`{key}`" for key in wanted} < set(view_of(sweep).columns)


@pytest.mark.slow
def test_many_go_on_and_one_goes_on(command: Command, tmp_path: Path) -> None:
    for seed in (0, 1):
        record(tmp_path / "runs", *TINY, f"seed={seed}", ending="KILLED", checkpoint=True)
    assert "2 points: 2 go on" in command("train", "-m", *TINY, "seed=0,1", "--plan").out
    assert "2 points: 1 will run, 1 goes on" in command("train", "-m", *TINY, "seed=0,2", "--plan").out


@pytest.mark.slow
def test_pictures_are_offered_where_there_are_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    request = request_sweep((*TINY, "seed=0,1", "tracking=off"), None)
    for accuracies, offers in ((["", ""], False), ([0.5, ""], True)):
        told = where_to_look(made_sweep(request, tmp_path / "runs", accuracies))
        assert any(line.startswith("pictures") for line in told) is offers


def test_what_was_said_is_not_said_again() -> None:
    out = StringIO()
    lines = SweepLines(out)
    for text in ("no answer", "other", "no answer"):
        lines.say(text)
    assert out.getvalue().splitlines() == ["no answer", "other"]


def outcome(run: str, status: str, kind: str, message: str = "") -> Outcome:
    return Outcome(0, run, status, message, kind)


@pytest.mark.slow
def test_a_line_a_run(swept: SweepRecord, tmp_path: Path) -> None:
    out = StringIO()
    lines = SweepLines(out)
    lines.planned(swept, request_sweep(WORDS, None))
    good = swept.runs()[0][1].id
    lines.point("kernel_size=3 seed=0", outcome(good, "FINISHED", "complete"), "log.txt")
    lines.point("kernel_size=3 seed=1", outcome("", "FAILED", "failed", "no memory"), "log.txt")
    lines.point("kernel_size=3 seed=2", outcome("abc", "KILLED", "pruned", "given up"), "log.txt")
    lines.point("kernel_size=3 seed=3", outcome("", "KILLED", "killed", "its job was lost"), "")
    lines.ended()
    told = out.getvalue().splitlines()
    assert told[0].startswith(f"sweep {swept.id}  sweep of kernel_size, seed: 6 points: ")
    assert told[1].startswith("impossible  kernel_size=31 seed=0 and 2 more")
    total = lines.total
    assert told[2:] == [
        f"1/{total}  kernel_size=3 seed=0  validation 90.00%  ({good})",
        f"2/{total}  FAILED  kernel_size=3 seed=1: no memory  (log: log.txt)",
        f"3/{total}  pruned  kernel_size=3 seed=2: given up  (abc)",
        f"4/{total}  KILLED  kernel_size=3 seed=3: its job was lost",
    ]
    assert (lines.failed, lines.best) == (2, (0.9, "kernel_size=3 seed=0"))


@pytest.mark.slow
@pytest.mark.usefixtures("swept")
def test_trials_that_need_no_training_count_but_cost_no_time(tmp_path: Path) -> None:
    words = (*TINY, "sweep.search=bayes", "model.padding=same,valid", "sweep.trials=6")
    out, request = StringIO(), request_sweep(words, None)
    lines = SweepLines(out)
    lines.planned(made_sweep(request, tmp_path / "runs", []), request)
    run = record(tmp_path / "runs", *TINY)
    lines.impossible("padding=a", "no room")
    lines.impossible("padding=b", "no room")
    for trials in ({"done before": 1}, {"done before": 1}):
        lines.spared(trials)
        lines.point("padding=same", outcome(run, "FINISHED", "complete"), "log.txt")
    lines.spared({"done before": 1, "pruned before": 1, "the same as another": 2})
    assert [line.split("  ")[:2] for line in out.getvalue().splitlines()[1:]] == [
        ["impossible", "padding=a: no room"],
        ["1/6", "1 trial needed no training: 1 done before"],
        ["2/6", "padding=same"], ["3/6", "padding=same"],
        ["6/6", "3 trials needed no training: 1 pruned before, 2 the same as another"],
    ]  # fmt: skip
    assert (lines.trained, lines.ended_runs) == (2, 6)


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.slow
@pytest.mark.usefixtures("swept")
def test_the_bar_shows_how_far_and_what_is_under_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("cnnexp.verbs.sweep_progress.REFRESH_SECONDS", 0.05)
    request = request_sweep((*TINY, "seed=0,1"), None)
    sweep = made_sweep(request, tmp_path / "runs", ["", ""], end=False)
    bar = SweepBar(Terminal())
    bar.planned(sweep, request)
    record(tmp_path / "runs", *TINY, "seed=0", ending="", name="seed=0")
    shown = [str(part) for part in bar.picture().renderables]  # type: ignore[attr-defined]
    assert shown[0] == "0 of 2  time left unknown"
    assert shown[2:] == ["  seed=0  epoch 2/3  validation 50.00%"]
    run = record(tmp_path / "runs", *TINY, "seed=1", accuracy=0.75, name="seed=1")
    bar.point("seed=1", outcome(run, "FINISHED", "complete"), "")
    bar.point("seed=0", outcome("", "FAILED", "failed", "x"), "")
    first = str(bar.picture().renderables[0])  # type: ignore[attr-defined]
    assert first == "2 of 2  1 failed  best 75.00% (seed=1)  about 0 s left"
    bar.ended()


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0 s"), (89, "89 s"), (150, "2 min"), (5400, "1.5 h")])
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_compare_takes_a_sweep(swept: SweepRecord, tmp_path: Path) -> None:
    from cnnexp.runs.choose import chosen_runs

    assert [run.name for run in chosen_runs([swept.id], tmp_path / "runs")] == [
        "kernel_size=3 seed=0", "kernel_size=3 seed=1",
    ]  # fmt: skip
