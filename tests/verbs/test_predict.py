"""What `cnnexp predict` prints."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from PIL import Image

from cnnexp.cli import main
from tests.conftest import Trained, run_command, working_in
from tests.drawn_digits import CLEAN, KINDS, draw, draw_folder

ROW = re.compile(r"(\S+)  +(\d)  +(\d+\.\d)%  +(\d) (\d+\.\d)%(?:  +(.+))?")


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_folder(tmp_path_factory.mktemp("drawn") / "digits", KINDS["tiny canvas"], 1)


def test_text(trained: Trained, digits: Path) -> None:
    done = run_command(trained.home, "predict", "latest", str(digits / "0" / "0_0.png"), str(digits / "1"))
    header, *rows = done.out.splitlines()
    assert (done.code, done.err) == (0, "")
    assert header.split() == ["image", "digit", "probability", "runner-up"]
    found = [match for match in map(ROW.fullmatch, rows) if match]
    assert [match[1] for match in found] == [str(digits / "0" / "0_0.png"), str(digits / "1" / "1_0.png")]
    for match in found:
        assert (float(match[3]) < 90) == (match[6] == "unsure")
        assert float(match[3]) >= float(match[5])
    unsure = sum(match[6] == "unsure" for match in found)
    assert (f"unsure    {unsure} of 2: a probability below 0.9" in rows) == bool(unsure)
    sheet = Path(rows[-1].removeprefix("pictures  "))
    assert sheet.parent.parent == trained.home / "predictions"
    assert sheet.parent.name.startswith(f"{trained.record.id}-")
    assert sheet.read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_a_folder_for_each_digit_gives_the_accuracy(trained: Trained, digits: Path) -> None:
    text = run_command(trained.home, "predict", "latest", str(digits)).out
    done = run_command(trained.home, "predict", "latest", str(digits), "--json")
    told = json.loads(done.out)
    right = sum(one["digit"] == one["label"] for one in told)
    assert [one["label"] for one in told] == list(range(10))
    assert re.search(rf"accuracy  {right}0\.00% \(95 % interval .+\): {right} of 10 right", text)
    assert text.count("wrong: in folder") == 10 - right
    assert done.err.startswith("pictures  ")


@pytest.mark.slow
def test_what_is_left_out_is_noted_on_standard_error(trained: Trained, digits: Path, tmp_path: Path) -> None:
    for name in ("4", "other", "other/deep"):
        shutil.copytree(digits / "4", tmp_path / name)
    done = run_command(trained.home, "predict", "latest", str(tmp_path), "--json", "--folder", str(tmp_path / "out"))
    assert [one["label"] for one in json.loads(done.out)] == [4, None]
    assert done.err.splitlines()[:2] == [
        f"note: {tmp_path}: one level of folders is looked into, so not into {Path('other/deep')}",
        f"note: {tmp_path}: other: no class, left out of the accuracy",
    ]
    done = run_command(trained.home, "predict", "latest", str(tmp_path), "--folder", str(tmp_path / "out"))
    assert re.search(r"^accuracy .* of 1 right$", done.out, re.MULTILINE)


def test_json(trained: Trained, digits: Path) -> None:
    (one,) = json.loads(run_command(trained.home, "predict", "latest", str(digits / "7"), "--json").out)
    assert one["image"] == str(digits / "7" / "7_0.png")
    ordered = sorted(one["probabilities"].items(), key=lambda item: -item[1])
    assert (str(one["digit"]), one["probability"]) == ordered[0]
    assert (str(one["runner_up"]), one["runner_up_probability"]) == ordered[1]
    assert sum(one["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert one["unsure"] == (one["probability"] < 0.9)
    assert one["votes"] == {str(one["digit"]): 1}


@pytest.mark.slow
@pytest.mark.parametrize("words", [["--runs", "top:5"], ["--runs", "latest"], ["latest", "--runs", "top:1"]])
def test_the_runs_that_are_asked(trained: Trained, digits: Path, words: list[str]) -> None:
    alone = run_command(trained.home, "predict", "latest", str(digits / "3"), "--json")
    done = run_command(trained.home, "predict", *words, str(digits / "3"), "--json")
    assert (done.code, done.out) == (0, alone.out)


@pytest.mark.slow
def test_several_runs_vote(trained: Trained, best: Trained, digits: Path, tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    for other in (trained, best):
        shutil.copytree(other.record.folder, tmp_path / "runs" / other.record.id)
    runs = f"{trained.record.id},{best.record.id}"
    text = run_command(tmp_path, "predict", "--runs", runs, str(digits / "3")).out
    assert text.splitlines()[0].split() == ["image", "digit", "probability", "runner-up", "votes"]
    assert re.search(r"3_0\.png .* [12] of 2", text)
    (one,) = json.loads(run_command(tmp_path, "predict", "--runs", "top:2", str(digits / "3"), "--json").out)
    assert sum(one["votes"].values()) == 2
    singles = [
        json.loads(run_command(tmp_path, "predict", name, str(digits / "3"), "--json").out)[0]["probabilities"]
        for name in runs.split(",")
    ]
    for digit, share in one["probabilities"].items():
        assert share == pytest.approx((singles[0][digit] + singles[1][digit]) / 2, abs=1e-6)


def test_a_folder_of_ones_own(trained: Trained, digits: Path, tmp_path: Path) -> None:
    done = run_command(trained.home, "predict", "latest", str(digits / "5"), "--folder", str(tmp_path / "가"))
    assert f"pictures  {tmp_path / '가' / 'sheet_01.png'}" in done.out
    assert sorted(path.name for path in (tmp_path / "가").iterdir()) == ["answers.json", "sheet_01.png"]


def test_as_is_a_picture_is_only_resized(trained: Trained, digits: Path) -> None:
    done = run_command(trained.home, "predict", "latest", str(digits / "5"), "--as-is")
    assert "resized from 40×40 to 28×28" in done.out


def test_refusals_name_every_file_and_leave_nothing(trained: Trained, digits: Path, tmp_path: Path) -> None:
    Image.new("RGB", (80, 80), "white").save(tmp_path / "blank.png")
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    before = sorted(trained.home.rglob("*"))
    done = run_command(
        trained.home, "predict", "latest", str(digits / "3"), str(tmp_path), str(tmp_path / "missing.png")
    )
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: 3 problems\n")
    for name in ("blank.png", "broken.jpg", "missing.png"):
        assert f"{name}: got " in done.err
    assert sorted(trained.home.rglob("*")) == before


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["latest"], "error: IMAGE: got none after the run `latest`"),
        (["--runs", "top:5", "latest"], "error: IMAGE: got none"),
        (["nosuchrun", "a.png"], "error: RUN: got 'nosuchrun'"),
        (["--runs", "top:none", "a.png"], "error: RUN: got 'top:none'"),
    ],
)
def test_words_that_name_nothing(trained: Trained, words: list[str], told: str) -> None:
    done = run_command(trained.home, "predict", *words)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(told)


@pytest.mark.slow
def test_a_default_network_reads_nine_of_ten_drawn_digits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The promise: `cnnexp train`, then digits drawn with pens, colours and formats of all kinds, 30 of each kind."""
    for number, kind in enumerate(CLEAN.values()):
        draw_folder(tmp_path / f"kind_{number}", kind, 3, seed=10_000 + 100 * number)
    with working_in(tmp_path):
        assert main(["train", "tracking=off", "figures=off"]) == 0
        capsys.readouterr()
        assert main(["predict", "latest", *(f"kind_{number}" for number in range(len(CLEAN))), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    right = [one["digit"] == one["label"] for one in told]
    sure = [good for good, one in zip(right, told, strict=True) if not one["unsure"]]
    assert len(right) == 30 * len(CLEAN)
    assert sum(right) >= 0.9 * len(right)
    assert sum(sure) >= 0.97 * len(sure)
    assert 0.02 * len(right) < len(right) - len(sure) < 0.25 * len(right)


def test_help_shows_the_words(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["predict", "--help"])
    assert "RUN IMAGE [IMAGE ...]" in capsys.readouterr().out


def test_drawings_can_be_asked_for_by_kind(tmp_path: Path) -> None:
    folder = draw_folder(tmp_path / "x", KINDS["JPEG"], 1, seed=4)
    assert sorted(path.name for path in folder.rglob("*.jpg")) == [f"{digit}_0.jpg" for digit in range(10)]
    assert (folder / "6" / "6_0.jpg").read_bytes() == draw(KINDS["JPEG"], 6, 4)
