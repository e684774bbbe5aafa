"""cnnexp from Python, as the package's docstring and a notebook use it."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pytest

import cnnexp
from cnnexp.errors import ConfigError, RunError
from tests.conftest import SMALL, run_command, working_in
from tests.report.made import made_run


def test_public_names() -> None:
    assert cnnexp.__all__ == [
        "CnnexpError", "Comparison", "ConfigError", "DataError", "Run", "RunError", "StoreError", "Sweep",
        "TrainingError", "compare", "compose", "diff", "find", "find_sweep", "inspect", "layers", "list_runs", "rerun",
        "resume", "sweep", "train",
    ]  # fmt: skip
    assert dir(cnnexp) == cnnexp.__all__
    assert {name: getattr(cnnexp, name).__name__ for name in cnnexp.__all__} == {name: name for name in cnnexp.__all__}
    with pytest.raises(AttributeError, match="no attribute 'tran'"):
        _ = cnnexp.tran


def test_train_gives_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with working_in(tmp_path):
        run = cnnexp.train(*SMALL, "training.epochs=1", "tracking=off", "figures=off")
        assert cnnexp.find().id == cnnexp.find(run.id[:6]).id == run.id
        assert [each.id for each in cnnexp.list_runs()] == [run.id]
        assert cnnexp.resume().id == cnnexp.resume(run).id == run.id
        with pytest.raises(RunError, match="no checkpoints"):
            cnnexp.resume(run.id, "training.epochs=2")
    assert run.status == "FINISHED"
    assert 0 <= run.metrics["accuracy/test"] <= 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "epoch 1/1" in printed.err


def test_a_study_is_no_single_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"cnnexp\.sweep\('experiments=kernel_size'\)"):
        cnnexp.train("experiments=kernel_size")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_sweep_gives_its_runs_and_its_choice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tried = cnnexp.sweep(*SMALL, "training.epochs=1", "tracking=off", "seed=0,1", "model.kernel_size=3,31",
                         "model.padding=valid", "hydra/launcher=serial")  # fmt: skip
    assert [run.name for run in tried.runs] == ["seed=0 kernel_size=3", "seed=1 kernel_size=3"]
    assert tried.chosen is not None
    assert [run.id for run in tried.runs if "accuracy/test" in run.metrics] == [tried.chosen.id]
    assert {"table", "curves", "contact_sheet_conv_1"} <= set(tried.figures())
    assert cnnexp.find_sweep(tried.id).chosen is not None
    assert repr(tried) == f"<Sweep {tried.id} 'sweep of seed, kernel_size' FINISHED 2 runs>"


@pytest.mark.slow
def test_the_chosen_run_is_tested_whatever_threads_this_process_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = (*SMALL, "training.epochs=1", "tracking=off", "figures=off")
    cnnexp.train(*words)
    tried = cnnexp.sweep(*words, "seed=0,1", "training.threads=3", "hydra/launcher=serial")
    assert tried.chosen is not None
    assert "accuracy/test" in tried.chosen.metrics


@pytest.mark.parametrize("name", ["train", "sweep", "resume", "rerun"])
def test_a_worker_that_reads_its_script_trains_nothing(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(multiprocessing.current_process(), "_inheriting", True, raising=False)
    with pytest.raises(ConfigError, match=rf'if __name__ == "__main__": cnnexp\.{name}\(') as refused:
        getattr(cnnexp, name)(*SMALL)
    assert refused.value.exit_code == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_script_without_its_guard_is_told_and_makes_one_sweep_only(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    words = [*SMALL, "training.epochs=1", "tracking=off", "seed=0,1", "sweep.workers=2"]
    script.write_text(f"import cnnexp\ntried = cnnexp.sweep(*{words})\nprint(tried.status)", encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": str(Path(cnnexp.__file__).parents[1])}
    done = subprocess.run([sys.executable, script], cwd=tmp_path, env=environment, capture_output=True, text=True,
                          check=False)  # fmt: skip
    assert done.stdout == "FAILED\n"
    assert 'Write it as:  if __name__ == "__main__": cnnexp.sweep(...)' in done.stderr
    assert "RuntimeError" not in done.stderr
    assert len(list((tmp_path / "runs").iterdir())) == 1


@pytest.mark.slow
def test_compose() -> None:
    assert cnnexp.compose("model.kernel_size=5").model.kernel_size == (5, 5)
    with pytest.raises(ConfigError, match="kernel_size"):
        cnnexp.compose("model.kernel_siz=5")


def test_refusals_leave_nothing(tmp_path: Path) -> None:
    with working_in(tmp_path):
        with pytest.raises(ConfigError):
            cnnexp.train("training.epochs=0")
        with pytest.raises(RunError, match="there is none"):
            cnnexp.find()
        assert cnnexp.list_runs() == []
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """The ids of two recipes in the working folder; the first is right on 12 digits, the second on 3 of them."""
    monkeypatch.chdir(tmp_path)
    first = made_run(tmp_path / "runs", "+" * 12)
    return first.id, made_run(tmp_path / "runs", "+" * 3 + "-" * 9, "model.kernel_size=5", seed=1).id


def test_compare(two: tuple[str, str], tmp_path: Path) -> None:
    comparison = cnnexp.compare(cnnexp.find(two[0]), two[1])
    assert [run.id for run in comparison.runs] == [*two]
    assert comparison.differing == {"model.kernel_size": ("3", "5")}
    assert comparison.statements["These weights"][0].startswith("A reads these 12 test digits better than B")
    assert comparison.details.scores["B"].accuracy == 0.25
    printed = run_command(tmp_path, "compare", *two)
    path = comparison.report()
    assert printed.out == f"{comparison}\n\n{'report':<18}{path}\n"
    assert comparison.report("elsewhere").read_bytes() == path.read_bytes()
    assert repr(comparison) == f"<Comparison of {two[0]}, {two[1]}>"
    with pytest.raises(RunError, match="only one run"):
        cnnexp.compare(two[0], two[0])


def test_diff(two: tuple[str, str]) -> None:
    found = cnnexp.diff(cnnexp.find(two[0]), two[1])
    assert [one.key for one in found.sections["config"]] == ["model.kernel_size"]
    assert not found.is_nothing
    assert cnnexp.diff(two[0], two[0]).is_nothing


def test_what_is_no_sweep_is_not_found_as_one(two: tuple[str, str]) -> None:
    with pytest.raises(RunError, match=f"SWEEP: got '{two[0]}', expected the id of a sweep"):
        cnnexp.find_sweep(two[0])
