from __future__ import annotations

import errno
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnexp import cli
from tests.conftest import Done, run_command

CONV = [[[12, 120, -12], [16, 160, -16]], [[24, 240, -24], [28, 280, -28]]]
POOL = [[[28, 280, -12], [28, 280, -16]], [[28, 280, -24], [28, 280, -28]]]
TOY_FILES = {
    "arrays.npz", "arrays.json", "config.yaml", "input.png", "maps_conv_1.png", "maps_conv_1_pool.png",
    "conv_1_and_pool.png", "padding_conv_1.png", "padding_conv_1_pool.png", "arithmetic_conv_1.png",
    "arithmetic_conv_1_pool.png",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Done]:
    """The toy, looked at once: where, and what was printed."""
    home = tmp_path_factory.mktemp("toy")
    return home, run_command(home, "inspect", "experiments=toy")


def left_here() -> list[str]:
    return sorted(str(path) for path in Path().rglob("*"))


def test_the_toy_gives_the_articles_arrays_as_json(capsys):
    assert cli.main(["inspect", "experiments=toy", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    conv, pool = found["layers"]
    assert found["input"] == {"from": "train image 0 of arrays", "shape": [3, 3, 1], "divided_by": 1.0,
                              "values": np.arange(1, 10).reshape(3, 3, 1).tolist()}  # fmt: skip
    assert (conv["name"], conv["kind"], conv["output"], conv["values"]) == ("conv_1", "Conv2D", [2, 2, 3], CONV)
    assert (pool["name"], pool["kind"], pool["output"]) == ("conv_1_pool", "MaxPooling2D", [2, 2, 3])
    assert pool["values"] == POOL
    assert conv["padding"] == {"top": 0, "bottom": 0, "left": 0, "right": 0}
    assert pool["padding"] == {"top": 0, "bottom": 1, "left": 0, "right": 1}
    assert conv["kernel"] == [[[[1, 10, -1]]] * 2] * 2
    assert conv["cell"] == {"row": 1, "column": 1, "channel": 0, "output": 28}
    assert found["mlflow"] is None


def test_the_toy_in_words_states_the_rules(toy):
    out = toy[1].out
    for text in (
        "floor((3 - 2) / 1) + 1 = 2", "5·1 + 6·1 + 8·1 + 9·1 = 28", "as (height, width, channels): "
        "[[12, 120, -12], [16, 160, -16]], [[24, 240, -24], [28, 280, -28]]",
        "as (height, width, channels): [[28, 280, -12], [28, 280, -16]], [[28, 280, -24], [28, 280, -28]]",
        "(2 - 1)·1 + 2 - 2 = 1 cell outside, never the largest: 0 top and left, 1 bottom and right",
        "the one more is at the bottom and right", "Cells outside count as minus infinity, never as zero",
        "largest of -28, and 3 outside = -28", "rounded down, and the rest at the right or bottom",
    ):  # fmt: skip
        assert text in out
    assert max(map(len, out.splitlines())) <= 120


@pytest.mark.slow
def test_everything_that_is_shown_is_stored_in_the_folder_that_is_named(toy):
    home, told = toy
    assert told.code == 0
    (folder,) = (home / "inspections").iterdir()
    assert folder.name.startswith("toy-")
    assert str(folder.resolve()) in told.err
    assert f"folder    {folder.resolve()}" in told.out
    assert {path.name for path in folder.iterdir()} == TOY_FILES
    with np.load(folder / "arrays.npz", allow_pickle=False) as arrays:
        assert arrays["maps/conv_1"].tolist() == CONV
        assert arrays["maps/conv_1_pool"].tolist() == POOL
        assert arrays["input"][..., 0].tolist() == [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
        assert arrays["kernels/conv_1"].shape == (2, 2, 1, 3)
    small = json.loads((folder / "arrays.json").read_text(encoding="utf-8"))
    assert small["maps/conv_1_pool"] == POOL
    assert "filters: 3" in (folder / "config.yaml").read_text(encoding="utf-8")
    for path in folder.glob("*.png"):
        with Image.open(path) as picture:
            assert picture.convert("L").getextrema()[0] < 100
    assert all(name in told.out for name in TOY_FILES - {"config.yaml"})


@pytest.mark.slow
def test_the_same_again_takes_the_place_of_the_first_and_another_question_stands_beside_it(capsys):
    for words in (["conv_1_pool"], ["conv_1_pool"], ["conv_1"], ["conv_1_pool", "--cell", "0,0"]):
        assert cli.main(["inspect", "experiments=toy", "--layer", *words]) == 0
    assert len(list(Path("inspections").iterdir())) == 3


@pytest.mark.slow
def test_first_look_at_a_seven_without_a_download(capsys):
    assert cli.main(["inspect", "experiments=first_look", "--digit", "7", "--folder", "seven", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    conv, pool = found["layers"]
    assert found["input"]["from"].endswith("of mnist_5k, class 7")
    assert found["input"]["divided_by"] == 255
    assert (conv["output"], pool["output"]) == ([14, 14, 5], [7, 7, 5])
    assert conv["padding"] == {"top": 0, "bottom": 1, "left": 0, "right": 1}
    before = np.array(conv["values"])
    assert (np.array(pool["values"]) == before.reshape(7, 2, 7, 2, 5).max(axis=(1, 3))).all()
    assert Path("seven/conv_1_and_pool.png").is_file()


@pytest.mark.slow
def test_averages_leave_out_what_is_outside(capsys):
    words = ["experiments=toy", "model.pool.type=average", "--layer", "conv_1_pool", "--cell", "1,1,1"]
    assert cli.main(["inspect", *words]) == 0
    out = capsys.readouterr().out
    assert "Cells outside are not counted" in out
    assert "mean of 280, and 3 outside = 280" in out
    assert "[[180, " not in out
    assert "conv_1: " not in out
    (folder,) = Path("inspections").iterdir()
    assert (folder / "padding_conv_1_pool.png").is_file()
    assert not (folder / "padding_conv_1.png").exists()
    with np.load(folder / "arrays.npz") as arrays:
        assert arrays["maps/conv_1_pool"][..., 0].tolist() == [[20, 22], [26, 28]]


ONE = ("model=empty", "model.blocks={a: {filters: 1, pool: none}}")
"""A network that is soon drawn."""


def saved(path: str, pixels: np.ndarray) -> str:
    Image.fromarray(pixels).save(path)
    return path


@pytest.mark.slow
def test_a_picture_file_is_made_as_mnist_is_and_that_is_said(capsys):
    colour = np.full((40, 20, 3), (0, 255, 0), np.uint8)
    assert cli.main(["inspect", *ONE, "--image", saved("my.png", colour)]) == 0
    assert "input: my.png, made grey and resized from 40×20 to 28×28 (stretched)" in capsys.readouterr().out
    (folder,) = Path("inspections").iterdir()
    with np.load(folder / "arrays.npz") as arrays:
        assert arrays["input"].shape == (28, 28, 1)
        assert set(arrays["input"].ravel()) == {150}  # 0.587 · 255
        assert arrays["scaled"] == pytest.approx(150 / 255)


@pytest.mark.slow
def test_a_picture_of_mnists_own_kind_is_left_as_it_is(capsys):
    grey = np.arange(784, dtype=np.uint16).reshape(28, 28).astype(np.uint8)
    assert cli.main(["inspect", *ONE, "--image", saved("my.png", grey), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["input"]
    assert found["from"] == "my.png"
    assert np.array(found["values"])[..., 0] == pytest.approx(grey / 255)


@pytest.mark.slow
def test_for_other_sources_a_picture_file_keeps_its_size_and_colours(capsys):
    colour = np.random.default_rng(0).integers(0, 256, (5, 9, 3), dtype=np.uint8)
    words = ["experiments=toy", "model.kernel_initializer=ones", "--image", saved("my.png", colour), "--json"]
    assert cli.main(["inspect", *words]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["input"]["shape"], found["input"]["divided_by"]) == ([5, 9, 3], 255)
    sums = sum(colour[i : i + 4, j : j + 8].astype(float) for i in (0, 1) for j in (0, 1)).sum(axis=2) / 255
    for channel in range(3):
        assert np.array(found["layers"][0]["values"])[..., channel] == pytest.approx(sums, rel=1e-5)


REFUSALS = [
    (["--image", "no.png"], ["no.png", "no such file"]),
    (["--image", "broken.png"], ["broken.png", "a broken picture"]),
    (["--index", "1"], ["index: got 1, expected 0 to 0, a position in the train data"]),
    (["--index", "-1"], ["index: got -1"]),
    (["--digit", "3"], ["digit: got 3, expected data with labels"]),
    (["--split", "test"], ["split: got test, expected one that has pictures: train"]),
    (["--cell", "2,0"], ["cell: got 2,0, expected ROW,COLUMN[,CHANNEL] from 0,0,0 to 1,1,2, the output of conv_1"]),
    (["--cell", "0,0,3"], ["cell: got 0,0,3"]),
    (["--cell", "one"], ["cell: got `one`"]),
    (["--cell", "1"], ["cell: got `1`"]),
    (["--layer", "conv_9"], ["layer: got 'conv_9', expected one of conv_1, conv_1_pool"]),
    (["--layer", "conv_1_pool", "--cell", "0,2"], ["the output of conv_1_pool"]),
    (["--index", "0", "--digit", "3"], ["digit: got index as well, expected one of image, index and digit"]),
    (["--image", "no.png", "--index", "0"], ["index: got image as well"]),
    (["--image", "no.png", "--split", "train"], ["split: got train together with an image"]),
    (["~model.blocks.conv_1"], ["model.blocks: got no blocks", "model=article"]),
    (["model.kernel_size=4"], ["model.kernel_size: got a kernel of 4×4", "Any one of these makes it fit:"]),
    (["model.kernel_siez=4"], ["model.kernel_size"]),
    (["--folder", "full"], ["full", "a folder with other files in it", "--folder DIR"]),
    (["--folder", "broken.png"], ["broken.png: got a file"]),
]  # fmt: skip


@pytest.mark.parametrize(("words", "texts"), REFUSALS, ids=[" ".join(words) for words, _ in REFUSALS])
def test_refusals_are_one_message_and_leave_nothing(words, texts, capsys):
    Path("broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno picture")
    Path("full").mkdir()
    Path("full/mine.txt").write_text("mine", encoding="utf-8")
    before = left_here()
    assert cli.main(["inspect", "experiments=toy", *words]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("error: ")
    assert told.err.count("error: ") == 1
    for text in texts:
        assert text in told.err
    assert left_here() == before


@pytest.mark.slow
@pytest.mark.parametrize("digit", ["10", "-1", "seven"])
def test_a_digit_that_is_no_class_is_refused(digit, capsys):
    assert cli.main(["inspect", f"--digit={digit}"]) == 2
    assert f"digit: got {digit}, expected a class: one of 0, 1, 2" in capsys.readouterr().err
    assert left_here() == []


@pytest.mark.slow
def test_a_picture_that_would_fill_the_memory_is_refused(capsys):
    saved("big.png", np.zeros((3000, 3000), np.uint8))
    assert cli.main(["inspect", "data=arrays", "data.images=[[0]]", "--image", "big.png"]) == 2
    assert "Make the picture smaller first." in capsys.readouterr().err


@pytest.mark.slow
def test_a_full_disk_leaves_the_earlier_inspection_as_it_was(capsys, monkeypatch):
    assert cli.main(["inspect", "experiments=toy", "--layer", "conv_1_pool"]) == 0
    before = left_here()
    stamps = {name: Path(name).stat().st_mtime_ns for name in before}

    def full(figure: object, dpi: float = 0) -> bytes:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("cnnexp.figures.png_bytes", full)
    assert cli.main(["inspect", "experiments=toy", "--layer", "conv_1_pool"]) == 2
    assert "got No space left on device, expected a folder that can be written" in capsys.readouterr().err
    assert left_here() == before
    assert {name: Path(name).stat().st_mtime_ns for name in before if name != "inspections"} == {
        name: stamp for name, stamp in stamps.items() if name != "inspections"
    }


@pytest.mark.slow
def test_mlflow_gets_the_same_files_without_an_active_run(home, capsys):
    import mlflow

    words = ["experiments=toy", "tracking.tags={who: me}", "--mlflow", "--json"]
    assert cli.main(["inspect", *words]) == 0
    found = json.loads(capsys.readouterr().out)
    client = mlflow.MlflowClient(f"sqlite:///{home / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("cnnexp")
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.data.tags["cnnexp.kind"] == "inspection"
    assert run.data.tags["who"] == "me"
    assert run.info.run_name == Path(found["folder"]).name
    assert run.info.status == "FINISHED"
    assert {file.path for file in client.list_artifacts(run.info.run_id)} == TOY_FILES
    assert found["mlflow"].endswith(f"/runs/{run.info.run_id}?workflowType=machine_learning")
    assert mlflow.active_run() is None


@pytest.mark.slow
def test_a_store_that_cannot_be_used_is_refused_before_anything_is_written(capsys):
    assert cli.main(["inspect", "experiments=toy", "tracking.uri=file:store", "--mlflow"]) == 2
    assert "MLflow's file store is retired" in capsys.readouterr().err
    assert left_here() == []
