from __future__ import annotations

from pathlib import Path

import pytest

from cnnexp.config.compose import compose_config
from cnnexp.config.identity import identity
from cnnexp.runs.record import RunRecord
from cnnexp.runs.writer import RunWriter
from cnnexp.shapes import layer_table
from cnnexp.study.jobs import as_child, job_of
from cnnexp.study.plan import PlannedPoint, Verdict, estimates, half_turned_knobs
from tests.study.conftest import Request
from tests.study.made import TINY, record


def test_verdicts(request_of: Request, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    done = record(runs, *TINY, "seed=0")
    record(runs, *TINY, "seed=1", ending="FAILED")
    killed = record(runs, *TINY, "seed=2", ending="KILLED", checkpoint=True)
    record(runs, *TINY, "seed=3", ending="KILLED")
    gone = record(runs, *TINY, "seed=4", ending="", checkpoint=True)
    pruned = record(runs, *TINY, "seed=5", ending="pruned", checkpoint=True)
    record(runs, *TINY, "seed=6", "training.epochs=2")
    record(runs, *TINY, "seed=7", "model.kernel_size=5")
    planned = request_of(*TINY, "seed=0,1,2,3,4,5,6,7,0").planned
    run, goes_on = Verdict.RUN, Verdict.RESUME
    assert [one.verdict for one in planned] == [
        Verdict.DONE, run, goes_on, run, goes_on, goes_on, run, run, Verdict.SAME,
    ]  # fmt: skip
    assert [one.run for one in planned] == [done, "", killed, "", gone, pruned, "", "", ""]
    assert [one.epochs for one in planned[:4]] == [3, 3, 1, 3]
    assert planned[-1].reason == "#0"
    again = request_of(*TINY, "seed=0,2", "sweep.again=true").planned
    assert [one.verdict for one in again] == [run, run]


@pytest.mark.slow
def test_names_tracking_and_threads_make_no_other_run(request_of: Request, tmp_path: Path) -> None:
    record(tmp_path / "runs", *TINY, "tracking=off", "training.threads=1", "figures=off", "evaluation.test=false")
    planned = request_of(*TINY, "seed=0,1").planned
    assert [one.verdict for one in planned] == [Verdict.DONE, Verdict.RUN]


@pytest.mark.slow
def test_a_run_that_is_still_written_does_not_go_on_here(request_of: Request, tmp_path: Path) -> None:
    name = record(tmp_path / "runs", *TINY, "seed=0", ending="", checkpoint=True)
    writer = RunWriter.reopen(tmp_path / "runs" / name)
    assert request_of(*TINY, "seed=0,1").planned[0].verdict is Verdict.RUN
    writer.close()
    assert request_of(*TINY, "seed=0,1").planned[0].verdict is Verdict.RESUME


@pytest.mark.slow
def test_the_impossible_is_told_with_its_layer_and_costs_nothing(request_of: Request) -> None:
    planned = request_of("model.padding=valid", "model.kernel_size=3,31").planned
    assert [one.verdict for one in planned] == [Verdict.RUN, Verdict.IMPOSSIBLE]
    table = layer_table(planned[0].point.composed.config.model, (28, 28, 1), 10)
    assert (planned[0].parameters, planned[0].multiply_adds) == (table.parameters, table.multiply_adds)
    assert planned[1].reason.startswith("model.kernel_size: got a kernel of 31×31, where conv_1 meets 28×28 cells")
    assert (planned[1].parameters, planned[1].seconds) == (0, None)


@pytest.mark.slow
def test_a_network_too_large_to_be_trained_is_impossible(request_of: Request) -> None:
    planned = request_of(*TINY, "model.blocks.conv_1.filters=2,1000000", "model=article").planned
    assert [one.verdict for one in planned] == [Verdict.RUN, Verdict.IMPOSSIBLE]
    assert "parameters, expected at most 250,000,000" in planned[1].reason


@pytest.mark.slow
def test_a_combination_that_does_not_go_with_its_data_costs_only_itself(request_of: Request) -> None:
    planned = request_of("model=small", "training.batch_size=100,200", "data.limit=100,200").planned
    assert [one.verdict is Verdict.IMPOSSIBLE for one in planned] == [False, False, True, False]
    reason = "training.batch_size: got 200, expected at most 100, the number of training digits"
    assert planned[2].reason == reason
    search = ("sweep.search=bayes", "training.batch_size=100,200", "data.limit=100")
    assert request_of("model=small", *search).expected == 20


@pytest.mark.slow
def test_time_is_scaled_by_multiply_adds_digits_and_epochs(request_of: Request, tmp_path: Path) -> None:
    unknown = request_of(*TINY, "model.kernel_size=3,5").planned
    assert [one.seconds for one in unknown] == [None, None]
    for seconds in (1.0, 2.0, 30.0):  # the median tells
        record(tmp_path / "runs", *TINY, "seed=9", seconds=seconds)
    small, large, longer = (
        request_of(*TINY, "seed=0,1").planned[0],
        request_of(*TINY, "model.kernel_size=5,7").planned[0],
        request_of("model=small", "data.limit=200", "training.epochs=6", "seed=0,1").planned[0],
    )
    assert small.seconds == pytest.approx(2.0 * 3)
    assert large.seconds == pytest.approx(2.0 * 3 * large.multiply_adds / small.multiply_adds)
    assert longer.seconds == pytest.approx(2.0 * 6 * 2)
    much_larger = request_of("model=small", "data.limit=3000", "seed=0,1").planned[0]
    assert much_larger.seconds is None
    assert estimates([], []) == []


@pytest.mark.slow
def test_a_single_epoch_tells_nothing_because_tensorflow_warms_up_in_it(request_of: Request, tmp_path: Path) -> None:
    record(tmp_path / "runs", *TINY, "seed=9", epochs=1)
    assert request_of(*TINY, "seed=0,1").planned[0].seconds is None


@pytest.mark.slow
def test_a_knob_that_moves_only_part_of_the_network_is_pointed_out(request_of: Request) -> None:
    words = ("model.blocks.conv_2.kernel_size=5", "model.kernel_size=3,7", "model.dropout=0,0.5")
    assert half_turned_knobs([one.point for one in request_of(*words).planned]) == {"model.kernel_size": ["conv_2"]}
    plain = request_of("model.kernel_size=3,7").planned
    assert half_turned_knobs([one.point for one in plain]) == {}


@pytest.mark.slow
def test_workers_and_threads(request_of: Request, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("cnnexp.study.request.usable_cores", lambda: 8)

    def shared(*words: str) -> tuple[int, int]:
        request = request_of(*TINY, *words)
        return request.workers, request.threads

    assert shared("seed=range(10)") == (8, 1)
    assert shared("seed=0,1,2") == (3, 2)
    assert shared("seed=range(10)", "sweep.workers=2") == (2, 4)
    assert shared("seed=range(10)", "hydra/launcher=serial") == (1, 8)
    assert shared("seed=range(10)", "hydra/launcher=parallel", "sweep.workers=3") == (3, 2)
    record(tmp_path / "runs", *TINY, "seed=0")
    assert shared("seed=0,1") == (1, 4)  # as if the one that is done ran beside it


def job_config(one: PlannedPoint, threads: int) -> tuple[bool, bool | str, str | None, int | str]:
    config = as_child(one.point, threads).config
    return config.evaluation.test, config.figures.draw, config.tracking.run_name, config.training.threads


@pytest.mark.slow
def test_a_child_is_one_run_that_is_not_tested(request_of: Request, tmp_path: Path) -> None:
    (tmp_path / "experiments").mkdir()
    text = "# @package _global_\nsweep: {grid: {seed: [0, 1]}}\n"
    (tmp_path / "experiments" / "mine.yaml").write_text(text, encoding="utf-8")
    one = request_of(*TINY, "experiments=mine", "sweep.workers=1", "hydra/launcher=serial").planned[1]
    assert job_config(one, 3) == (False, False, "seed=1", 3)
    child = as_child(one.point, 3)
    alone = compose_config(child.overrides).config
    assert not alone.sweep.describes_many
    assert identity(alone, "d") == identity(child.config, "d")
    fixed = request_of(*TINY, "seed=0,1", "training.threads=2").planned[0]
    assert job_config(fixed, 3) == (False, False, "seed=0", 2)


@pytest.mark.slow
def test_a_child_draws_where_that_is_asked_for(request_of: Request) -> None:
    drawing = request_of(*TINY, "seed=0,1", "figures.draw=true").planned[0]
    assert as_child(drawing.point, 3).config.figures.draw is True


@pytest.mark.slow
def test_a_run_that_goes_on_keeps_its_config_and_threads(request_of: Request, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    killed = record(runs, *TINY, "tracking.run_name=mine", ending="KILLED", checkpoint=True)
    one = request_of(*TINY, "seed=0,1").planned[0]
    job = job_of(runs / "5weep", one, threads=7)
    assert (job.resume, job.threads) == (killed, 2)
    assert job.composed.config.training.threads == 2
    assert job.composed.config.tracking.run_name == "mine"
    assert job.links == {"sweep": "5weep", "point": "0"}
    assert RunRecord(runs / killed).config.evaluation.test
