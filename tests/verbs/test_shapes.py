from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnexp import cli


def test_the_default_network_has_the_parameters_of_the_article_with_biases(capsys):
    assert cli.main(["shapes"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:3] == ["layer", "input", "output"]
    assert lines[3].split()[:6] == ["conv_1", "28×28×1", "28×28×32", "1", "1", "1"]
    assert lines[-1].split()[:2] == ["total", f"{890_154 + 32 + 64:,}"]


@pytest.mark.slow
@pytest.mark.parametrize(("columns", "most"), [("60", 80), ("80", 80), ("100", 100), ("200", 100)])
def test_the_table_fits_the_terminal_but_is_never_wider_than_100_columns(columns, most, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", columns)
    assert cli.main(["shapes", "model=deep"]) == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) <= most


def test_json_holds_layers_and_totals(capsys):
    assert cli.main(["shapes", "model=small", "model.strides=2", "--json"]) == 0
    table = json.loads(capsys.readouterr().out)
    by_name = {layer["name"]: layer for layer in table["layers"]}
    assert by_name["conv_1"]["output"] == [14, 14, 8]
    assert by_name["conv_1"]["padding"] == {"top": 0, "bottom": 1, "left": 0, "right": 1}
    assert by_name["output"]["output"] == [10]
    assert table["parameters"] == 9 * 8 + 8 + 9 * 8 * 16 + 16 + (2 * 2 * 16 + 1) * 64 + 65 * 10
    assert table["misfit"] is None
    assert table["cures"] == []


def test_explain_puts_numbers_into_the_formulas(capsys):
    assert cli.main(["shapes", "experiments=first_look", "--explain"]) == 0
    out = capsys.readouterr().out
    assert "ceil(28 / 2) = 14" in out
    assert "(14 - 1)·2 + 3 - 28 = 1 cell of zeros: 0 top and left, 1 bottom and right" in out


def test_without_labels_only_the_blocks_are_shown(capsys):
    assert cli.main(["shapes", "experiments=toy", "--json"]) == 0
    table = json.loads(capsys.readouterr().out)
    assert [layer["name"] for layer in table["layers"]] == ["rescaling", "conv_1", "conv_1_pool"]
    assert table["layers"][1]["input"] == [3, 3, 1]
    assert table["parameters"] == 2 * 2 * 1 * 3


def test_size_and_classes_of_a_folder_come_from_its_pictures(tmp_path, capsys):
    for number, name in enumerate(("cat", "dog", "owl")):
        (tmp_path / name).mkdir()
        for i in range(4):
            pixels = np.full((6, 5, 3), 10 * number + i, np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{i}.png")
    assert cli.main(["shapes", "data=folder", f"data.folder={tmp_path}", "model=one_block", "--json"]) == 0
    layers = json.loads(capsys.readouterr().out)["layers"]
    assert layers[1]["input"] == [6, 5, 3]
    assert layers[-1]["output"] == [3]


IMPOSSIBLE = ["shapes", "model=no_padding", "model.kernel_size=11"]


def test_what_cannot_be_built_is_shown_up_to_the_failing_layer_with_three_changes(capsys):
    assert cli.main(IMPOSSIBLE) == 2
    told = capsys.readouterr()
    names = [line.split()[0] for line in told.out.splitlines()]
    assert names[2:5] == ["rescaling", "conv_1", "conv_1_pool"]
    assert "conv_2" not in names
    message = told.err.splitlines()
    assert message[0].startswith("error: model.kernel_size: got ")
    assert message[1].strip() == "Any one of these makes it fit:"
    assert len(message) == 5


@pytest.mark.slow
def test_each_of_the_three_changes_makes_it_fit(capsys):
    assert cli.main([*IMPOSSIBLE, "--json"]) == 2
    table = json.loads(capsys.readouterr().out)
    assert table["misfit"]["layer"] == "conv_2"
    assert len(table["cures"]) == 3
    for cure in table["cures"]:
        assert cli.main([*IMPOSSIBLE, *cure.replace("'", "").split()]) == 0


def test_a_bad_key_is_refused_before_anything_is_shown(capsys):
    assert cli.main(["shapes", "model.kernel_siez=3"]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "model.kernel_size" in told.err


def test_the_composed_config_can_be_shown(capsys):
    assert cli.main(["shapes", "--cfg", "job", "-p", "model", "model.strides=2"]) == 0
    assert "strides: 2" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("words", [["experiments=toy", "--explain"], IMPOSSIBLE[1:]])
def test_no_heavy_library_is_ever_imported(words, tmp_path):
    code = (
        "import sys; from cnnexp import cli; cli.main(['shapes', *sys.argv[1:]]);"
        "print(sorted({'tensorflow', 'keras', 'mlflow', 'matplotlib', 'sklearn'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, encoding="utf-8", cwd=tmp_path,
        check=True, env={**os.environ, "PYTHONPATH": str(Path(cli.__file__).parents[1])},
    )  # fmt: skip
    assert done.stderr.splitlines()[-1] == "[]"
    assert done.stdout
    assert list(tmp_path.iterdir()) == []
