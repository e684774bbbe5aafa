from __future__ import annotations

from pathlib import Path

from cnnexp.analysis.comparison import compare
from cnnexp.report.maps import first_shown, maps_section
from cnnexp.report.seen import what_layers_saw
from tests.report.conftest import Elements
from tests.report.made import made_run


def test_slider_digits_and_a_picture_for_each_run_layer_and_epoch(tmp_path: Path) -> None:
    seen = what_layers_saw(compare([made_run(tmp_path, "+-"), made_run(tmp_path, "+-", kept=(0, 1, 2))]).runs)
    assert seen is not None
    found = Elements(maps_section(seen))
    (slider,) = [one for one in found.of("input") if one["type"] == "range"]
    assert (slider["min"], slider["max"], slider["value"], slider["data-steps"]) == ("0", "2", "2", "0 1 2")
    digits = [one for one in found.of("input") if one["type"] == "radio"]
    assert [one["value"] for one in digits if "checked" in one] == ["7"]
    assert first_shown(seen) == 7
    pictures = [one for one in found.of("img") if "data-from" in one]
    assert len(pictures) == (2 + 3) * (4 + 2)  # epochs of both runs, four layers of maps and two of kernels
    told = {one["alt"]: (one["data-from"], one["data-to"], "hidden" in one) for one in pictures}
    assert told["run A, conv_1 before training: 6 channels, 28×28"] == ("0", "1", True)
    assert told["run A, conv_1 after 2 epochs: 6 channels, 28×28"] == ("2", "2", False)
    assert told["run B, conv_2_pool after 1 epoch: 6 channels, 7×7"] == ("1", "1", True)


def test_a_layer_that_one_does_not_have(tmp_path: Path) -> None:
    more = "model.blocks.conv_3={filters: 8}"
    seen = what_layers_saw(compare([made_run(tmp_path, "+-", more), made_run(tmp_path, "+-", kept=())]).runs)
    page = maps_section(seen)
    assert "B</b> is not shown: it kept no maps." in page
    assert "no such layer" not in page


def test_no_maps_at_all() -> None:
    assert "These runs kept no maps." in maps_section(None)
