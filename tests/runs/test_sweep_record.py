from __future__ import annotations

import json
from pathlib import Path

import pytest

from cnnexp.config.schema import Tracking
from cnnexp.errors import RunError
from cnnexp.runs.choose import chosen_runs
from cnnexp.runs.files import write_json
from cnnexp.runs.record import RunRecord
from cnnexp.runs.sweep_record import SweepRecord, all_sweeps, find_sweep
from cnnexp.runs.sweep_writer import SweepHeader, SweepWriter
from cnnexp.runs.writer import RunWriter, mark_if_gone
from tests.runs.records import POINT
from tests.study.made import TINY, record


def started(runs: Path, *points: dict[str, object]) -> SweepWriter:
    numbered = [POINT | {"number": number} | point for number, point in enumerate(points)]
    header = SweepHeader("mine", ("a=1,2",), "cnnexp train -m", numbered, Tracking(uri="sqlite:///x.db"))
    writer = SweepWriter.create(runs, header)
    writer.event("started")
    return writer


def test_what_is_written_is_read(tmp_path: Path) -> None:
    writer = started(tmp_path, {}, {})
    writer.event("drawn", point=POINT | {"number": 2})
    writer.point(1, "", "FAILED", "failed", "why", "log.txt")
    sweep = writer.read()
    assert [point["number"] for point in sweep.points] == [0, 1, 2]
    assert sweep.outcomes[1]["message"] == "why"
    assert (sweep.status, sweep.name, sweep.tracking.uri) == ("RUNNING", "mine", "sqlite:///x.db")
    assert all_sweeps(tmp_path) == [SweepRecord(writer.folder)]
    assert all_sweeps(tmp_path / "nowhere") == []
    writer.close()
    gone = mark_if_gone(sweep)
    assert (gone.status, gone.ending.outcome) == ("KILLED", "killed")  # type: ignore[union-attr]


def test_accounting_for_runs_that_never_told(tmp_path: Path) -> None:
    before = record(tmp_path, *TINY, "seed=3", ending="KILLED", checkpoint=True)
    writer = started(tmp_path, {}, {}, {}, {"verdict": "goes on", "run": before}, {"verdict": "done", "run": "x"}, {})
    own = {"sweep": writer.folder.name}
    told = record(tmp_path, *TINY, "seed=0", links=own | {"point": "0"})
    writer.point(0, told, "FINISHED", "complete", "", "")
    lost = record(tmp_path, *TINY, "seed=1", links=own | {"point": "1"}, ending="")
    record(tmp_path, *TINY, "seed=1", links={"sweep": "another", "point": "2"})
    alive = record(tmp_path, *TINY, "seed=2", links=own | {"point": "5"}, ending="")
    goes_on = RunWriter.reopen(tmp_path / alive)
    assert [one.id for one in writer.account_for_the_rest()] == [lost, before]
    outcomes = writer.read().outcomes
    assert {number: event["status"] for number, event in outcomes.items()} == {0: "FINISHED", 1: "KILLED", 3: "KILLED"}
    assert RunRecord(tmp_path / lost).status == "KILLED"
    assert RunRecord(tmp_path / alive).status == "RUNNING"
    assert outcomes[1]["log"].endswith(f"{writer.folder.name}/logs/1.txt")
    assert writer.account_for_the_rest() == []  # each once
    assert [run.id for _, run in writer.read().runs()] == [told, lost, before]
    goes_on.close()
    writer.close()


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ({"event": "point", "number": 0}, "no run"),
        ({"event": "point", "number": 7, "run": "", "status": "FAILED", "outcome": "", "message": "", "log": ""},
         "point 7, expected one of the sweep's 1 points"),
        ({"event": "point", "number": 0, "run": "../../w1/runs/aa", "status": "FAILED", "outcome": "", "message": "",
          "log": ""}, "run '../../w1/runs/aa'"),
        ({"event": "drawn", "point": {"number": 1}}, "no point.name, no point.varied"),
        ({"event": "result", "metrics": {}}, "no run, no name"),
    ],
)  # fmt: skip
def test_an_event_that_does_not_say_all_is_refused(event: dict[str, object], said: str, tmp_path: Path) -> None:
    writer = started(tmp_path, {})
    writer.event(str(event.pop("event")), **event)
    writer.close()
    with pytest.raises(RunError) as caught:
        _ = writer.read().events
    assert said in str(caught.value)
    assert all_sweeps(tmp_path) == []


@pytest.mark.parametrize(("key", "value"), [("variant", None), ("run", "a" * 300), ("parameters", -1), ("varied", [])])
def test_a_point_that_is_none_is_refused(key: str, value: object, tmp_path: Path) -> None:
    writer = started(tmp_path, {key: value})
    writer.close()
    with pytest.raises(RunError, match="points"):
        _ = writer.read().header


@pytest.mark.slow
def test_words_that_name_a_sweep(tmp_path: Path) -> None:
    writer = started(tmp_path, {})
    run = record(tmp_path, *TINY)
    folder = writer.folder.rename(tmp_path / "zz12")
    header = json.loads((folder / "sweep.json").read_text(encoding="utf-8"))
    write_json(folder / "sweep.json", header | {"id": "zz12"})
    write_json(folder / "mlflow.json", {"run_id": "yy34", "uri": "x", "experiment_id": "1"})
    for word in ("zz12", "zz", "yy34", "yy3"):
        assert find_sweep(word, tmp_path) == SweepRecord(folder)
    assert find_sweep(run, tmp_path) is None
    assert find_sweep("", tmp_path) is None
    assert find_sweep("latest", tmp_path) is None
    folder = folder.rename(tmp_path / f"{run[:4]}zz")
    write_json(folder / "sweep.json", header | {"id": folder.name})
    with pytest.raises(RunError, match="matches one run or sweep"):
        find_sweep(run[:3], tmp_path)
    writer.close()


def test_a_sweep_stands_for_its_finished_runs(tmp_path: Path) -> None:
    writer = started(tmp_path, {}, {})
    with pytest.raises(RunError, match="a sweep with a FINISHED run"):
        chosen_runs([writer.folder.name], tmp_path)
    good = record(tmp_path, *TINY, "seed=0")
    bad = record(tmp_path, *TINY, "seed=1", ending="FAILED")
    writer.point(0, good, "FINISHED", "complete", "", "")
    writer.point(1, bad, "FAILED", "failed", "", "")
    assert [run.id for run in chosen_runs([writer.folder.name], tmp_path)] == [good]
    writer.close()
