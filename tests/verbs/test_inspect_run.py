"""What `cnnexp inspect RUN` prints and leaves."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnexp.runs.record import RunRecord
from tests.conftest import Done, Trained, run_command


@pytest.fixture(scope="module")
def told(trained: Trained) -> Done:
    """A seven whose maps were kept, shown in full."""
    return run_command(trained.home, "inspect", "latest", "--digit", "7", "--epochs")


def folder_of(done: Done) -> Path:
    (line,) = [line for line in done.out.splitlines() if line.startswith("folder")]
    return Path(line.removeprefix("folder").strip())


@pytest.mark.slow
def test_one_page_names_everything(told: Done, trained: Trained) -> None:
    assert told.code == 0
    lines = told.out.splitlines()
    assert lines[0] == f"run {trained.record.id}  {trained.record.name}"
    assert max(map(len, lines)) <= 120
    assert len(lines) < 40
    rows = [line.split() for line in lines if line.startswith("conv_")]
    assert [row[:4] for row in rows] == [
        ["conv_1", "28×28×8", "3×3", "1×1"], ["conv_1_pool", "14×14×8", "4×4", "2×2"],
        ["conv_2", "14×14×16", "8×8", "2×2"], ["conv_2_pool", "7×7×16", "10×10", "4×4"],
    ]  # fmt: skip
    for text in (
        "validation image",
        "a 5×5 patch of the picture's median (0)",
        "its maps were kept after 0, 1, 2 epochs",
    ):
        assert text in told.out


@pytest.mark.slow
def test_the_folder_holds_what_is_named(told: Done, trained: Trained) -> None:
    folder = folder_of(told)
    assert folder.parent == trained.home / "inspections"
    assert folder.name.startswith(f"{trained.record.id}-")
    names = {path.name for path in folder.iterdir()}
    layers = ("conv_1", "conv_1_pool", "conv_2", "conv_2_pool")
    assert names == {
        "arrays.npz", "config.yaml", "input.png", "occlusion.png", "filters_conv_1.png", "filters_conv_2.png",
        "field_conv_2.png", "excite_conv_2.png", *(f"maps_{layer}.png" for layer in layers),
        *(f"epochs_{layer}.png" for layer in layers),
    }  # fmt: skip
    assert all(name in told.out for name in names - {"config.yaml"})
    for path in folder.glob("*.png"):
        with Image.open(path) as picture:
            assert picture.convert("L").getextrema()[0] < 100, path.name
    with np.load(folder / "arrays.npz", allow_pickle=False) as arrays:
        assert arrays["maps/conv_2"].shape == (14, 14, 16)
        assert arrays["occlusion/probabilities"].shape == (28, 28, 10)
        assert arrays["excite/conv_2/values"].shape == (500, 16)
        assert arrays["epochs/002/conv_1"].shape == (28, 28, 8)


def test_numbers_as_json(trained: Trained, tmp_path: Path) -> None:
    words = ["--index", "3", "--layer", "conv_2", "--unit", "0,13", "--filter", "5", "--json"]
    done = run_command(trained.home, "inspect", trained.record.id, *words, "--folder", str(tmp_path / "see"))
    found = json.loads(done.out)
    assert str(tmp_path / "see") in done.err
    assert (found["run"], found["picture"]["split"], found["picture"]["index"]) == (trained.record.id, "test", 3)
    recorded = trained.record.predictions("test")["probabilities"][3]
    assert found["probability"] == pytest.approx(float(recorded.max()), abs=1e-5)
    assert [layer["receptive_field"] for layer in found["layers"]] == [[3, 3], [4, 4], [8, 8], [10, 10]]
    unit = found["unit"]
    assert (unit["layer"], unit["row"], unit["column"], unit["channel"]) == ("conv_2", 0, 13, 5)
    assert (unit["rows"], unit["columns"]) == ([0, 4], [23, 27])
    drops = np.array(found["occlusion"]["drops"])
    assert drops.shape == (28, 28)
    assert found["occlusion"]["worst"]["drop"] == drops.max()
    assert list(found["excited"]["filters"]) == ["5"]
    values = [one["value"] for one in found["excited"]["filters"]["5"]]
    assert values == sorted(values, reverse=True)
    assert found["pictures"] == [
        "input.png", "occlusion.png", "maps_conv_2.png", "filters_conv_2.png", "field_conv_2.png",
        "excite_conv_2_filter_5.png",
    ]  # fmt: skip


@pytest.mark.slow
def test_a_file_is_shown_beside_what_the_network_saw(trained: Trained, tmp_path: Path) -> None:
    drawn = np.full((120, 90), 255, np.uint8)
    drawn[20:100, 40:52] = 30
    Image.fromarray(drawn).save(tmp_path / "one.png")
    words = ["--image", str(tmp_path / "one.png"), "--layer", "conv_1", "--filter", "0", "--unit", "9,9,5"]
    done = run_command(trained.home, "inspect", "latest", *words)
    assert "picture   one.png: normalised as MNIST's digits were" in done.out
    assert "unit      conv_1, row 9, column 9 of channel 5: " in done.out
    assert re.search(
        r"excite    filter 0 (most, of 500 test images, by index \(class\): \d+ \(|: no picture more)", done.out
    )
    with Image.open(folder_of(done) / "input.png") as picture:
        assert picture.width > 600


@pytest.mark.slow
def test_of_an_animation_the_first_picture_is_shown_and_it_is_said(trained: Trained, tmp_path: Path) -> None:
    drawn = np.full((40, 30), 255, np.uint8)
    drawn[5:35, 12:18] = 30
    frame = Image.fromarray(drawn)
    frame.save(tmp_path / "one.gif", save_all=True, append_images=[frame.rotate(90)])
    words = ("--image", str(tmp_path / "one.gif"), "--folder", str(tmp_path / "see"))
    done = run_command(trained.home, "inspect", "latest", *words)
    assert "picture   one.gif: first of 2 frames, normalised as MNIST's digits were" in done.out
    done = run_command(trained.home, "inspect", "model=small", *words)
    assert done.code == 0, done.err
    assert "one.gif, first of 2 frames, " in done.out


REFUSALS = [
    (["nosuchrun"], "RUN: got 'nosuchrun', expected the id of a run, or latest"),
    (["latest", "other"], "RUN: got `latest other`, expected one run"),
    (["latest", "--cfg", "job"], "RUN: got `latest` beside --cfg"),
    (["latest", "model.kernel_size=5"], "never the network"),
    (["latest", "--unit", "x"], "unit: got `x`"),
    (["latest", "--cell", "1"], "cell: got `1`"),
    (["latest", "--cell", "99,0"], "cell: got 99,0"),
    (["latest", "--unit=99,0"], "unit: got 99,0"),
    (["--unit", "1"], "unit: got `1`"),
    (["--unit", "99,0"], "unit: got 99,0"),
    (["latest", "--patch", "0"], "patch: got 0, expected 1 to 28 pixels\n    Without --patch it is about a sixth"),
    (["latest", "--patch", "29"], "patch: got 29, expected 1 to 28 pixels\n    The picture is no larger."),
    (["latest", "--digit", "7", "--split", "test", "--epochs"], "a digit whose maps were kept: 0 (validation image"),
    (["--filter", "3"], "filter: got no RUN beside it, expected a trained run to look into"),
    (["--epochs"], "epochs: got no RUN beside it"),
    (["--as-is", "--image", "x.png"], "as-is: got no RUN beside it"),
]


@pytest.mark.parametrize(("words", "message"), REFUSALS, ids=[" ".join(words) for words, _ in REFUSALS])
def test_refusals_are_one_message_and_leave_nothing(trained: Trained, words: list[str], message: str) -> None:
    before = sorted(trained.home.rglob("*"))
    done = run_command(trained.home, "inspect", *words)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: ")
    assert message in done.err
    assert sorted(trained.home.rglob("*")) == before


@pytest.mark.slow
def test_the_same_question_has_the_same_folder(trained: Trained, told: Done) -> None:
    again = run_command(trained.home, "inspect", trained.record.id, "--digit", "7", "--layer", "conv_1_pool")
    assert folder_of(again) != folder_of(told)
    once_more = run_command(trained.home, "inspect", trained.record.id, "--digit", "7", "--layer", "conv_1_pool")
    assert once_more.out == again.out


@pytest.mark.slow
def test_mlflow_gets_the_same_files(trained: Trained) -> None:
    import mlflow

    words = ["--digit", "3", "--layer", "conv_1_pool", "--filter", "0", "--mlflow", "--json"]
    found = json.loads(run_command(trained.home, "inspect", "latest", *words).out)
    client = mlflow.MlflowClient(RunRecord(trained.record.folder).mlflow["uri"])
    run = client.get_run(found["mlflow"].split("/runs/")[1].split("?")[0])
    assert run.data.tags["cnnexp.inspected"] == trained.record.id
    assert run.info.run_name == Path(found["folder"]).name
    assert {file.path for file in client.list_artifacts(run.info.run_id)} == {
        path.name for path in Path(found["folder"]).iterdir()
    }
