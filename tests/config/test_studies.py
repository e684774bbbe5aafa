from __future__ import annotations

from pathlib import Path

import pytest

from cnnexp.config.studies import Study, studies

SWEPT = """\
# @package _global_
# What a kernel size does.
#
#   cnnexp train -m experiments=kernels training.epochs=2     an hour on two cores
defaults:
  - override /model: small
training: {epochs: 3}
sweep:
  grid: {model.kernel_size: [3, 5], seed: [0, 1]}
  variants:
    plain: {model.padding: same}
    pooled: {model.blocks.conv_1.pool.pool_size: 3}
  trials: 4
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "experiments").mkdir()


def named(name: str) -> Study:
    return next(study for study in studies() if study.name == name)


def test_what_a_study_varies_and_what_it_only_sets(tmp_path: Path) -> None:
    (tmp_path / "experiments" / "kernels.yaml").write_text(SWEPT, encoding="utf-8")
    study = named("kernels")
    assert study == Study(
        "kernels",
        "What a kernel size does.",
        "cnnexp train -m experiments=kernels training.epochs=2",
        ("model.kernel_size", "seed", "model.padding", "model.blocks.conv_1.pool.pool_size"),
        ("training.epochs",),
    )
    assert study.shows("model.kernel_size") == "varies"
    assert study.shows("model.blocks.conv_9.kernel_size") == "varies"  # inherited there
    assert study.shows("model.blocks.conv_9.pool") == "varies"  # the same key of another block
    assert study.shows("model.blocks.conv_1.filters") == ""
    assert study.shows("training.epochs") == "sets"
    assert study.shows("model.strides") == study.shows("sweep.trials") == ""


def test_shipped_studies_are_found_from_anywhere() -> None:
    seed = named("seed")
    assert seed.command == "cnnexp train experiments=seed"
    assert seed.title.startswith("The article's training, as it was")
    assert seed.shows("training.learning_rate") == "sets"
    assert seed.shows("model.strides") == ""


def test_a_study_of_ones_own_hides_the_shipped_one(tmp_path: Path) -> None:
    (tmp_path / "experiments" / "seed.yaml").write_text("seed: 7\n", encoding="utf-8")
    assert named("seed") == Study("seed", "", "cnnexp train experiments=seed", (), ("seed",))


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "a: [", "sweep: 3\n", "sweep: {grid: [1], variants: {a: 1}}\n"])
def test_files_that_are_no_study_do_no_harm(tmp_path: Path, text: str) -> None:
    (tmp_path / "experiments" / "odd.yaml").write_text(text, encoding="utf-8")
    assert [study.varies for study in studies() if study.name == "odd"] in ([], [()])
