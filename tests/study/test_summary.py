from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from cnnexp.runs.files import write_arrays
from cnnexp.runs.sweep_record import SweepRecord
from cnnexp.study.summary import (
    as_csv,
    as_markdown,
    counts_line,
    figures_of,
    recipe_rows,
    swept_recipes,
    swept_runs,
    write_summary,
)
from tests.study.conftest import Request
from tests.study.made import TINY, made_sweep, record, study_of_variants


@pytest.fixture
def swept(request_of: Request, tmp_path: Path) -> SweepRecord:
    """Two kernel sizes, two seeds; one run failed, one was killed; a third kernel size is impossible."""
    request = request_of(*TINY, "model.padding=valid", "model.kernel_size=3,5,31", "seed=0,1")
    return made_sweep(request, tmp_path / "runs", [0.9, 0.94, 0.8, "FAILED", "", ""])


def test_only_what_finished_counts(swept: SweepRecord) -> None:
    runs = swept_runs(swept)
    assert [run.name for run in runs] == ["kernel_size=3 seed=0", "kernel_size=3 seed=1", "kernel_size=5 seed=0"]
    assert [run.accuracy for run in runs] == [0.9, 0.94, 0.8]
    assert runs[0].recipe == runs[1].recipe != runs[2].recipe
    assert runs[0].seconds == 3.0  # two epochs
    assert counts_line(swept) == "6 points: 3 finished, 1 failed, 2 impossible"


def test_csv(swept: SweepRecord) -> None:
    rows = list(csv.DictReader(as_csv(swept, swept_runs(swept)).splitlines()))
    assert [row["model.kernel_size"] for row in rows] == ["3", "3", "5", "5", "31", "31"]
    assert [row["accuracy_val"] for row in rows] == ["0.9", "0.94", "0.8", "", "", ""]
    assert [row["ended"] for row in rows] == [*["finished"] * 3, "failed", *["impossible"] * 2]
    assert set(rows[0]) == {
        "model.kernel_size", "seed", "run", "ended", "accuracy_val", "loss_val", "seconds", "parameters",
        "multiply_adds",
    }  # fmt: skip


@pytest.mark.slow
def test_the_csv_tells_what_a_variant_stands_for(request_of: Request, tmp_path: Path) -> None:
    sweep = made_sweep(request_of(*TINY, study_of_variants(tmp_path)), tmp_path / "runs", ["FAILED", "", "", ""])
    rows = list(csv.DictReader(as_csv(sweep, []).splitlines()))
    assert [row["variant"] for row in rows] == ["plain", "plain", "smooth", "smooth"]
    assert [row["training.label_smoothing"] for row in rows] == ["0", "0", "0.1", "0.1"]
    assert [row["training.optimizer"] for row in rows] == ["", "", *["{type:sgd,momentum:0.9}"] * 2]
    header, _ = recipe_rows(sweep, [])
    assert header[:2] == ["variant", "accuracy"]


def test_recipes_with_mean_and_spread_over_seeds(swept: SweepRecord) -> None:
    header, rows = recipe_rows(swept, swept_recipes(swept, swept_runs(swept)))
    assert header == ["kernel_size", "accuracy", "spread", "loss", "seeds", "seconds", "parameters", "unfinished"]
    assert [row[-1] for row in rows] == ["0", "1"]
    assert rows[0][:5] == ["3", "92.00%", "2.83%", "0.0800", "2"]  # spread: 0.04 / sqrt(2)
    assert rows[1][:5] == ["5", "80.00%", "unknown", "0.2000", "1"]


@pytest.mark.slow
def test_swept_epochs_are_no_seeds(request_of: Request, tmp_path: Path) -> None:
    sweep = made_sweep(request_of(*TINY, "training.epochs=1,2,4"), tmp_path / "runs", [0.35, 0.5, 0.69])
    _, rows = recipe_rows(sweep, swept_recipes(sweep, swept_runs(sweep)))
    assert [row[:3] for row in rows] == [
        ["4", "69.00%", "unknown"],
        ["2", "50.00%", "unknown"],
        ["1", "35.00%", "unknown"],
    ]
    assert [row[4] for row in rows] == ["1", "1", "1"]


@pytest.mark.slow
def test_other_data_are_comparable_where_their_validation_digits_are_the_same(
    request_of: Request, tmp_path: Path
) -> None:
    words = ("model=small", "training.epochs=3", "data.limit=100,200")
    sweep = made_sweep(request_of(*words), tmp_path / "runs", [0.5, 0.6])
    assert len({record.data["digest"] for _, record in sweep.runs()}) == 2
    assert len({run.validation for run in swept_runs(sweep)}) == 2  # no predictions tell
    for digests in ([[1, 2], [2, 1]], [[1, 2], [1, 3]]):
        for (_, one), own in zip(sweep.runs(), digests, strict=True):
            shares = np.full((2, 10), 0.1, np.float32)
            arrays = {"probabilities": shares, "labels": np.zeros(2, int), "digests": np.array(own, np.uint64)}
            write_arrays(one.folder / "predictions.npz", {f"validation/{key}": of for key, of in arrays.items()})
        assert (len({run.validation for run in swept_runs(sweep)}) == 1) == (set(digests[0]) == set(digests[1]))


def test_words_for_mlflow(swept: SweepRecord) -> None:
    text = as_markdown(swept, swept_runs(swept))
    assert "| 3 | 92.00% | 2.83% |" in text
    assert "unknown whether that is more than chance (2 seeds of the best, one of the other" in text
    assert "500 validation digits alone tell apart" in text


@pytest.mark.slow
def test_all_pictures(swept: SweepRecord) -> None:
    write_summary(swept)
    drawn = {path.stem for path in (swept.folder / "figures").glob("*.png")}
    assert drawn == {
        "table", "accuracy_by_kernel_size", "accuracy_by_seed", "cost_against_accuracy", "curves",
        "contact_sheet_conv_1", "contact_sheet_conv_2",
    }  # fmt: skip
    assert (swept.folder / "sweep.csv").is_file()
    assert (swept.folder / "summary.md").is_file()


@pytest.mark.slow
def test_nothing_finished(request_of: Request, tmp_path: Path) -> None:
    sweep = made_sweep(request_of(*TINY, "seed=0,1"), tmp_path / "runs", ["KILLED", "pruned"])
    write_summary(sweep)
    assert counts_line(sweep) == "2 points: 1 killed, 1 pruned"
    assert not (sweep.folder / "figures").exists()
    assert "No run finished, so nothing can be said." in (sweep.folder / "summary.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_what_was_done_before_counts_with_the_others(request_of: Request, tmp_path: Path) -> None:
    record(tmp_path / "runs", *TINY, "seed=0", accuracy=0.7)
    sweep = made_sweep(request_of(*TINY, "seed=0,1,1"), tmp_path / "runs", ["", 0.8, ""], end=False)
    assert [run.accuracy for run in swept_runs(sweep)] == [0.7, 0.8]
    assert counts_line(sweep) == "3 points: 1 finished, 1 done before, 1 the same as another"


@pytest.mark.slow
def test_a_sheet_needs_two_runs_with_the_layer(request_of: Request, tmp_path: Path) -> None:
    sweep = made_sweep(request_of(*TINY, "seed=0,1"), tmp_path / "runs", [0.8, "FAILED"])
    assert not any(name.startswith("contact_sheet") for name, _ in figures_of(sweep, swept_runs(sweep)))


@pytest.mark.slow
def test_many_recipes_are_cut_where_a_description_ends_and_it_says_so(
    request_of: Request, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates = ",".join(f"0.{number:03}" for number in range(1, 46))
    request = request_of(*TINY, f"training.learning_rate={rates}")
    sweep = made_sweep(request, tmp_path / "runs", [number / 100 for number in range(45)])
    text = as_markdown(sweep, swept_runs(sweep))
    assert "\n\n… and 15 more in sweep.csv\n" in text
    assert "- 44 recipes: 1.00 to 44.00 percentage points behind; unknown" in text
    assert text.endswith("\n`cnnexp train -m …`\n")
    monkeypatch.setattr("cnnexp.study.summary.LONGEST", 1500)
    short = as_markdown(sweep, swept_runs(sweep))
    assert 1400 < len(short) <= 1500
    assert "more in sweep.csv" in short
    assert short.endswith("\n`cnnexp train -m …`\n")
