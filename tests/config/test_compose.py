"""Merging: what an override, a choice and a file change, and where files are looked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cnnexp.config.choices import Adam, Constant
from cnnexp.config.compose import compose_config, compose_tree
from cnnexp.config.layers import conv_blocks
from cnnexp.config.schema import ExperimentConfig, Model
from cnnexp.config.sources import shipped
from tests.config.conftest import Refused

PRESETS = sorted(
    f"{file.parent.name}={file.stem}" for file in shipped("conf").glob("*/*.yaml") if file.parent.name != "hydra"
)
GIVEN = {"data=folder": "data.folder=somewhere", "data=arrays": "data.images=[[[1]]]"}
"""What a preset leaves to be given."""


def composed(*words: str) -> ExperimentConfig:
    return compose_config(words).config


def test_the_default_is_the_schemas_and_the_articles_layers() -> None:
    config, plain = composed(), ExperimentConfig()
    assert config.model_copy(update={"model": Model()}) == plain
    assert config.model.model_copy(update={"blocks": {}, "dense": {}}) == Model()
    assert {name: block.filters for name, block in config.model.blocks.items()} == {"conv_1": 32, "conv_2": 64}
    assert {name: layer.units for name, layer in config.model.dense.items()} == {"dense_1": 256, "dense_2": 256}


@pytest.mark.slow
@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_composes(preset: str) -> None:
    group, name = preset.split("=")
    done = compose_config([word for word in (preset, GIVEN.get(preset, "")) if word])
    assert done.choices[group] == name


@pytest.mark.slow
def test_every_shipped_study_composes() -> None:
    names = [file.stem for file in shipped("experiments").glob("*.yaml")]
    assert {"seed", "toy", "first_look", "article_repaired"} <= {*names}
    for name in names:
        assert compose_config([f"experiments={name}"]).choices["experiments"] == name


def sizes(config: ExperimentConfig) -> dict[str, tuple[int, int]]:
    return {block.name: block.kernel_size for block in conv_blocks(config.model)}


def test_a_knob_turns_all_blocks_and_a_block_its_own() -> None:
    assert sizes(composed("model.kernel_size=5")) == {"conv_1": (5, 5), "conv_2": (5, 5)}
    both = composed("model.blocks.conv_2.kernel_size=[1,7]", "model.kernel_size=5")
    assert sizes(both) == {"conv_1": (5, 5), "conv_2": (1, 7)}


@pytest.mark.slow
def test_blocks_are_added_removed_and_replaced() -> None:
    added = composed("model.blocks.conv_3.filters=128")
    assert [(b.name, b.filters) for b in conv_blocks(added.model)] == [("conv_1", 32), ("conv_2", 64), ("conv_3", 128)]
    assert [*composed("~model.blocks.conv_1").model.blocks] == ["conv_2"]
    assert [*composed("model.blocks={a: {filters: 3}, b: {filters: 4}}").model.blocks] == ["a", "b"]
    assert composed("model.dense={}").model.dense == {}
    assert [*composed("model.dense={a: {units: 3}}", "model.dense.b.units=4").model.dense] == ["a", "b"]


@pytest.mark.parametrize("plus", ["", "+", "++"])
def test_plus_signs_change_nothing(plus: str) -> None:
    words = [f"{plus}model=small", f"{plus}seed=3", f"{plus}model.blocks.c.filters=7", f"{plus}experiments=first_look"]
    same = composed("model=small", "seed=3", "model.blocks.c.filters=7", "experiments=first_look")
    assert composed(*words) == same
    assert [*same.model.blocks] == ["conv_1", "conv_2", "c"]


@pytest.mark.slow
def test_a_choice_given_as_a_word_keeps_no_option_of_the_old_one() -> None:
    sgd = "training.optimizer={type: sgd, momentum: 0.9, nesterov: true}"
    assert composed(sgd).training.optimizer.model_dump() == {
        "type": "sgd", "momentum": 0.9, "nesterov": True, "weight_decay": 0.0,
    }  # fmt: skip
    assert composed(sgd, "training.optimizer=rmsprop").training.optimizer.type == "rmsprop"
    assert (
        composed(sgd, "training.optimizer=sgd").training.optimizer
        == composed("training.optimizer=sgd").training.optimizer
    )
    assert composed("training.optimizer=sgd", "training.optimizer.momentum=0.5").training.optimizer.model_dump()[
        "momentum"
    ] == 0.5  # fmt: skip


@pytest.mark.slow
def test_a_partial_pool_merges() -> None:
    config = composed("model.pool.pool_size=3", "model.blocks.conv_2.pool.padding=valid")
    first, second = (block.pool for block in conv_blocks(config.model))
    assert first is not None
    assert second is not None
    assert (first.kind, first.pool_size, first.padding) == ("max", (3, 3), "same")
    assert (second.kind, second.pool_size, second.padding) == ("max", (3, 3), "valid")
    assert conv_blocks(composed("model.blocks.conv_2.pool=none").model)[1].pool is None
    together = composed("model.pool={pool_size: 3, padding: valid}").model.pool
    assert together == composed("model.pool.pool_size=3", "model.pool.padding=valid").model.pool
    with_word = composed("model=strided", "model.pool=average")
    assert [block.pool and block.pool.kind for block in conv_blocks(with_word.model)] == ["average", "average"]


def test_options_of_the_default_optimizer_and_schedule_are_set_by_their_key() -> None:
    config = composed("training.optimizer.weight_decay=0.01", "training.schedule.warmup_epochs=1")
    assert (config.training.optimizer, config.training.schedule) == (Adam(weight_decay=0.01), Constant(warmup_epochs=1))
    assert composed("training.schedule=cosine", "training.schedule.warmup_epochs=1").training.schedule.type == "cosine"


def test_values_of_the_command_line_win_over_files_whatever_the_order() -> None:
    assert composed("seed=3", "experiments=seed", "training.epochs=1").training.epochs == 1
    assert composed("training.epochs=1", "experiments=seed").training.epochs == 1


def test_interpolations_and_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CNNEXP_TEST_NAME", "a b")
    config = composed("tracking.run_name=${oc.env:CNNEXP_TEST_NAME}", "seed=${training.epochs}")
    assert (config.tracking.run_name, config.seed) == ("a b", 5)


@pytest.mark.parametrize(
    ("word", "where", "got"),
    [
        ("seed=???", "seed", "???"),
        ("model.blocks.conv_3.filters=???", "model.blocks.conv_3.filters", "???"),
        ("seed=${seed}", "seed", "Recursive interpolation detected"),
        ("tracking.run_name=${nosuch}", "tracking.run_name", "Interpolation key 'nosuch' not found"),
        ("tracking.run_name=${nosuch:1}", "tracking.run_name", "Unsupported interpolation type nosuch"),
        ("tracking.run_name=${oc.env:CNNEXP_NOT_SET}", "tracking.run_name", "'CNNEXP_NOT_SET' not found"),
        ("~model.blocks.conv_9", "model.blocks.conv_9", "~ before it"),
        ("model=nosuch", "model", "'nosuch'"),
        ("experiments=sed", "experiments", "'sed'"),
        ("hydra/launcher=nosuch", "hydra/launcher", "'nosuch'"),
        ("hydra/launcher=submitit_local", "hydra/launcher", "'submitit_local'"),
        ("hydra/sweeper=optuna", "hydra/sweeper", "optuna"),
    ],
)
def test_what_cannot_be_composed_is_told_with_its_key(word: str, where: str, got: str, refused: Refused) -> None:
    (problem,) = refused(word).problems
    assert problem.where == where
    assert got in problem.got


def test_keys_that_cannot_be_taken_away_are_told_together_with_the_names_there(refused: Refused) -> None:
    problems = refused("~model.blocks.conv_9", "~model.dense.x", "~model.kernl_size", "~model.blocks.conv_2").problems
    assert [(problem.where, problem.got, problem.hint) for problem in problems] == [
        ("model.blocks.conv_9", "~ before it", "Did you mean model.blocks.conv_2?"),
        ("model.dense.x", "~ before it", "Known here: dense_1, dense_2."),
        ("model.kernl_size", "~ before it", "Did you mean model.kernel_size?"),
    ]


def test_an_unknown_choice_is_told_with_all_and_the_nearest(refused: Refused) -> None:
    (problem,) = refused("model=articl").problems
    assert problem.expected.startswith("one of article, average_pool, deep, ")
    assert problem.hint == "Did you mean article?"


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


@pytest.mark.slow
def test_ones_own_files_are_found_first_and_stray_ones_never(home: Path) -> None:
    write(home, {
        "conf/model/small.yaml": "blocks: {own: {filters: 3}}\n",
        "conf/model/mine.yaml": "blocks: {mine: {filters: 4}}\n",
        "experiments/seed.yaml": "defaults:\n  - override /model: strided\nseed: 9\n",
        "model/article.yaml": "blocks: {stray: {filters: 5}}\n",
        "experiments/nested/x.yaml": "seed: 8\n",
        "config.yaml": "seed: 7\n",
    })  # fmt: skip
    assert [*composed("model=small").model.blocks] == ["own"]
    assert [*composed("model=mine").model.blocks] == ["mine"]
    assert [*composed().model.blocks] == ["conv_1", "conv_2"]
    study = compose_config(["experiments=seed"])
    assert (study.config.seed, study.config.model.strides, study.choices["model"]) == (9, (2, 2), "strided")
    assert composed("experiments=seed", "model=small").model.strides == (1, 1)
    assert compose_config(["experiments=toy"]).choices["data"] == "arrays"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["plain", "a'b", "a b,c=d", "한글"])
def test_a_further_folder_is_looked_into_last(name: str, home: Path) -> None:
    write(home / name, {
        "model/more.yaml": "kernel_size: 9\n",
        "model/small.yaml": "kernel_size: 9\n",
        "experiments/more.yaml": "seed: 9\n",
    })  # fmt: skip
    more = compose_config(["model=more", "experiments=more"], name).config
    assert (more.model.kernel_size, more.seed) == ((9, 9), 9)
    assert compose_config(["model=small"], name).config.model.kernel_size == (3, 3)


@pytest.mark.parametrize("folder", ["", "nosuch", "file"])
def test_a_further_folder_must_be_one(folder: str, home: Path, refused: Refused) -> None:
    (home / "file").touch()
    (problem,) = refused(config_dir=folder).problems
    assert (problem.where, problem.expected) == ("--config-dir", "a folder that exists")


@pytest.mark.slow
def test_the_overrides_are_kept_as_typed_and_as_hydra_takes_them() -> None:
    done = compose_config(["+seed=1", "model=small"])
    assert done.overrides == ("+seed=1", "model=small")
    assert done.hydra_overrides == ("++seed=1", "model=small")
    _, tree = compose_tree(["seed=1"])
    assert tree.seed == 1
    assert "launcher" in tree.hydra


@pytest.mark.slow
def test_a_choice_of_a_launcher_passes() -> None:
    values: Any = compose_config(["hydra/launcher=serial"]).config
    assert values == ExperimentConfig.model_validate(composed().model_dump(mode="json"), strict=False)
