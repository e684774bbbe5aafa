"""Pictures from records alone."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

import cnnexp.figures
from cnnexp.drawing import draw_all, figures_of, measured_split, shown_epoch
from cnnexp.errors import DrawingError, TrainingError
from cnnexp.runs.record import RunRecord
from cnnexp.runs.writer import RunWriter
from tests.conftest import HANGUL, Command, Trained, run_command

LAYERS = ("conv_1", "conv_1_pool", "conv_2", "conv_2_pool")
NAMED = {"curves", "confusion_matrix", "per_class", "sample_digits", "surest_mistakes", "filters_conv_1"}


def copied(record: RunRecord, folder: Path) -> RunRecord:
    """The record without its pictures, to be damaged or drawn anew."""
    shutil.copytree(record.folder, folder / record.id, ignore=shutil.ignore_patterns("figures"))
    return RunRecord(folder / record.id)


def texts_of(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(Text)]


def pictures_below(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.png")}


def test_a_run_leaves_these_pictures(trained: Trained) -> None:
    named = {f"{name}.png" for name in NAMED | {f"feature_maps_{layer}" for layer in LAYERS}}
    series = {f"series/feature_maps/{layer}/epoch_{epoch:03d}.png" for layer in LAYERS for epoch in (0, 1, 2)}
    pictures = pictures_below(trained.record.folder / "figures")
    assert set(pictures) == named | series
    for content in pictures.values():
        assert content.startswith(b"\x89PNG")


def test_a_series_changes_with_the_epochs_and_keeps_its_size(trained: Trained) -> None:
    folder = trained.record.folder / "figures" / "series" / "feature_maps" / "conv_2"
    first, second, third = (np.asarray(Image.open(folder / f"epoch_{epoch:03d}.png")) for epoch in (0, 1, 2))
    assert first.shape == second.shape == third.shape
    side, width, _ = first.shape
    assert side == width  # what MLflow's cards show at their top
    rows = third[..., 3].any(axis=1)
    assert 0 < rows.sum() < side
    assert rows[: rows.sum()].all()
    assert (first != second).any()
    assert (second != third).any()


@pytest.mark.slow
def test_drawn_again_without_tensorflow_they_are_the_same(trained: Trained, tmp_path: Path) -> None:
    record = copied(trained.record, tmp_path)
    code = (
        "import sys; from pathlib import Path; from cnnexp.drawing import draw_all\n"
        "from cnnexp.runs.record import RunRecord; draw_all(RunRecord(Path(sys.argv[1])))\n"
        "assert not {'tensorflow', 'keras', 'mlflow', 'matplotlib.pyplot'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(record.folder)], check=True, cwd=Path(__file__).parent.parent)
    assert pictures_below(record.folder / "figures") == pictures_below(trained.record.folder / "figures")


def test_figures_carry_the_names_of_run_and_classes(trained: Trained, tmp_path: Path) -> None:
    record = copied(trained.record, tmp_path)
    header = (record.folder / "run.json").read_text(encoding="utf-8")
    names = ["영", "일", "둘", "셋", "넷", "다섯", "여섯", "일곱", "여덟", "아홉"]
    for digit, name in enumerate(names):
        header = header.replace(f'"{digit}"', f'"{name}"')
    (record.folder / "run.json").write_text(header, encoding="utf-8")
    written = texts_of(figures_of(record.fresh())["confusion_matrix"])
    (title,) = [text for text in written if text.endswith(": 500 test digits")]
    font_has_hangul = title.startswith(HANGUL)
    assert font_has_hangul or set(title.split(":")[0]) == {"□", " "}
    assert not font_has_hangul or set(names) <= set(written)


@pytest.mark.slow
def test_the_maps_shown_are_those_of_the_kept_weights(best: Trained) -> None:
    kept = int(best.record.result["best/epoch"])
    assert 0 < kept < best.record.epochs_done
    assert shown_epoch(best.record) == kept
    figure = figures_of(best.record)["feature_maps_conv_1"]
    assert any(f"after {kept} epoch" in text for text in texts_of(figure))


@pytest.mark.slow
def test_a_run_killed_before_its_first_epoch_still_draws(trained: Trained, tmp_path: Path) -> None:
    record = copied(trained.record, tmp_path)
    for name in ("predictions.npz", "pictures.npz", "probes/epoch_001.npz", "probes/epoch_002.npz"):
        (record.folder / name).unlink()
    events = record.folder / "events.jsonl"
    events.write_text("".join(events.read_text("utf-8").splitlines(keepends=True)[:2]), encoding="utf-8")
    record = record.fresh()
    assert record.status == "RUNNING"
    assert record.epochs_done == 0
    names = {path.name for path in draw_all(record)}
    assert names == {f"feature_maps_{layer}.png" for layer in LAYERS} | {"epoch_000.png"}


@pytest.mark.slow
def test_a_run_killed_in_between_draws_what_it_has(trained: Trained, tmp_path: Path) -> None:
    record = copied(trained.record, tmp_path)
    for name in ("predictions.npz", "pictures.npz", "probes/epoch_002.npz"):
        (record.folder / name).unlink()
    events = record.folder / "events.jsonl"
    events.write_text("".join(events.read_text("utf-8").splitlines(keepends=True)[:3]), encoding="utf-8")
    names = {path.stem for path in draw_all(record.fresh())}
    assert {"curves", "filters_conv_1", "feature_maps_conv_1", "epoch_001"} <= names
    assert shown_epoch(record.fresh()) == 1


def test_a_record_without_arrays_draws_nothing(trained: Trained, tmp_path: Path) -> None:
    record = copied(trained.record, tmp_path)
    shutil.rmtree(record.folder / "probes")
    for name in ("predictions.npz", "pictures.npz", "events.jsonl"):
        (record.folder / name).unlink()
    assert draw_all(record.fresh()) == []


@pytest.mark.slow
def test_a_picture_that_cannot_be_drawn_costs_only_itself(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    def broken(*args: object, **more: object) -> Figure:
        raise ValueError("singular matrix")

    monkeypatch.setattr(cnnexp.figures, "per_class", broken)
    monkeypatch.setattr(cnnexp.figures, "png_bytes", lambda figure: b"")
    record = copied(trained.record, tmp_path)
    with pytest.raises(DrawingError, match=r"^figures/per_class.png: got ValueError: singular matrix, expected"):
        draw_all(record)
    assert {path.stem for path in (record.folder / "figures").glob("*.png")} >= NAMED - {"per_class"}
    assert (record.folder / "figures" / "series" / "feature_maps" / "conv_2" / "epoch_002.png").is_file()


@pytest.mark.slow
def test_a_diverged_run_has_pictures(command: Command, tmp_path: Path) -> None:
    done = command(
        "train", "data.limit=60", "training.batch_size=20", "model=one_block", "model.blocks.conv_1.filters=2",
        "tracking=off", "training.optimizer=sgd", "training.learning_rate=1e20",
    )  # fmt: skip
    assert done.code == TrainingError.exit_code
    (folder,) = (tmp_path / "runs").iterdir()
    assert (folder / "figures" / "feature_maps_conv_1.png").is_file()


@pytest.mark.slow
def test_test_digits_are_shown_where_they_were_measured(trained: Trained, tmp_path: Path) -> None:
    assert measured_split(trained.record) == "test"
    record = copied(trained.record, tmp_path)
    writer = RunWriter.reopen(record.folder)
    arrays = {f"validation/{key}": array for key, array in record.predictions("validation").items()}
    writer.arrays("predictions.npz", arrays)
    writer.close()
    assert measured_split(record.fresh()) == "validation"
    assert set(figures_of(record.fresh())) >= NAMED


@pytest.mark.slow
def test_show_draws_what_was_not_drawn(twin: Trained) -> None:
    folder = twin.record.folder / "figures"
    assert not folder.exists()
    told = run_command(twin.home, "show", twin.record.id)
    assert f"cnnexp show {twin.record.id} --draw" in told.out
    assert not folder.exists(), "a verb that only reads makes nothing"
    done = run_command(twin.home, "show", twin.record.id, "--draw")
    assert done.code == 0
    assert "pictures drawn in" in done.err
    assert (folder / "curves.png").is_file()
    shutil.rmtree(folder)
