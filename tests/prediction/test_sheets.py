from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnexp.errors import RunError
from cnnexp.prediction import as_json, prediction_folder, write_sheets
from tests.prediction.made import answer
from tests.runs.records import create_run


def test_json_has_numbers_for_digits_and_names_for_other_classes() -> None:
    told = as_json(answer(0.25, 0.75, label="0"))
    assert json.loads(json.dumps(told)) == told
    assert told == {
        "image": "folder/a.png", "digit": 1, "probability": 0.75, "runner_up": 0, "runner_up_probability": 0.25,
        "unsure": True, "label": 0, "votes": {"1": 1},
        "probabilities": {"0": 0.25, "1": 0.75, **{str(digit): 0.0 for digit in range(2, 10)}}, "note": "",
    }  # fmt: skip
    named = as_json(answer(0.25, 0.75, names=("coat", "boot")))
    assert (named["digit"], named["runner_up"], named["label"]) == ("boot", "coat", None)


def test_the_folder_is_the_same_for_the_same_pictures(tmp_path: Path) -> None:
    one, other = (create_run(tmp_path / "runs", [f"seed={seed}"]) for seed in (1, 2))
    records = [one.read(), other.read()]
    picture = answer(1).picture
    folder = prediction_folder(records[:1], [picture], tmp_path)
    assert folder.parent == tmp_path / "predictions"
    assert folder.name.startswith(f"{records[0].id}-")
    assert prediction_folder(records[:1], [picture], tmp_path) == folder
    changed = replace(picture, image=np.ones_like(picture.image))
    named = replace(picture, path=Path("b.png"))
    several = {prediction_folder(records, [picture], tmp_path)} | {
        prediction_folder(records[:1], [other], tmp_path) for other in (picture, changed, named)
    }
    assert len(several) == 4
    one.close()
    other.close()


@pytest.mark.slow
def test_sheets_of_twelve(tmp_path: Path) -> None:
    answers = [answer(0.95, 0.05, name=f"{number}.png") for number in range(13)]
    paths = write_sheets(answers, "Run x", tmp_path / "new")
    assert [path.name for path in paths] == ["sheet_01.png", "sheet_02.png"]
    heights = [Image.open(io.BytesIO(path.read_bytes())).height for path in paths]
    assert heights[0] > 2 * heights[1]
    assert [one["image"] for one in json.loads((tmp_path / "new" / "answers.json").read_text("utf-8"))] == [
        str(one.picture.path) for one in answers
    ]


def test_of_too_many_the_wrong_and_the_unsure_are_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cnnexp.figures import predictions as figure

    seen: list[str] = []
    drawn = figure.predictions
    monkeypatch.setattr("cnnexp.prediction.sheets.SHEETS", 1)
    monkeypatch.setattr("cnnexp.prediction.sheets.A_SHEET", 3)
    monkeypatch.setattr(
        figure, "predictions", lambda shown, *words: seen.extend(one.name for one in shown) or drawn(shown, *words)
    )
    sure, unsure, wrong = (1.0, 0.0), (0.6, 0.4), (0.0, 1.0)
    answers = [
        answer(*shares, label="0", name=f"{i}.png") for i, shares in enumerate([sure, unsure, sure, wrong, sure])
    ]
    write_sheets(answers, "Run x", tmp_path)
    assert seen == ["0/3.png", "0/1.png", "0/0.png"]


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(RunError, match="Name another: --folder FOLDER"):
        write_sheets([answer(1)], "Run x", tmp_path / "file" / "below")
