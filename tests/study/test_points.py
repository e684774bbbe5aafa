"""Points are what Hydra's own composition of the same words gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from cnnexp.config.compose import compose_config
from cnnexp.errors import ConfigError
from tests.study.conftest import Request, names

SWEEPS = [
    ["model.kernel_size=3,5", "model.padding=same,valid", "seed=range(2)"],
    ["model=article,strided", "model.blocks.conv_1.filters=choice(4,8)"],
    ["data=mnist_5k", "training.optimizer=adam,{type:sgd,momentum:0.9}", "training.optimizer.weight_decay=0.1"],
    ["model.pool=none,max", "model.strides=2,[1,2]"],
    ["+model.blocks.new={filters:3},{filters:4}", "~model.dense.dense_2", "model.dropout=0.1,0.2"],
    ["model=small", "model.blocks={a:{filters:2}},{b:{filters:3}}"],
    ["model.kernel_size=5", "model.kernel_size=1,2", "model.padding=valid"],
    ["model=glob(a*)"],
    ["model.pool.pool_size=2,3", "model.blocks.conv_2.pool.type=average,max"],
]


FEW, MORE = SWEEPS[:2], SWEEPS[2:]


@pytest.mark.parametrize("words", [*FEW, *(pytest.param(words, marks=pytest.mark.slow) for words in MORE)], ids=str)
def test_every_point_is_what_its_words_compose_to(request_of: Request, words: list[str]) -> None:
    planned = request_of(*words).planned
    assert len(planned) > 1
    for one in planned:
        expected = compose_config(one.point.overrides)
        assert one.point.composed.config == expected.config
        assert one.point.composed.choices == expected.choices
    assert len({one.point.overrides for one in planned}) == len(planned)


@pytest.mark.slow
def test_order_and_names(request_of: Request) -> None:
    planned = request_of("model=small", "model.blocks.conv_1.filters=4,8", "seed=1,0").planned
    assert names(planned) == [
        "conv_1.filters=4 seed=1", "conv_1.filters=4 seed=0", "conv_1.filters=8 seed=1", "conv_1.filters=8 seed=0",
    ]  # fmt: skip
    assert [one.point.number for one in planned] == [0, 1, 2, 3]


@pytest.mark.slow
def test_fractions_of_a_range_are_as_a_person_would_write_them(request_of: Request) -> None:
    planned = request_of("model=small", "model.dropout=range(0,0.9,0.1)").planned
    assert names(planned) == ["dropout=0.0", *(f"dropout=0.{tenth}" for tenth in range(1, 9))]
    assert [one.point.composed.config.model.dropout for one in planned][3] == 0.3


def study(home: Path, text: str) -> None:
    (home / "experiments").mkdir(exist_ok=True)
    (home / "experiments" / "mine.yaml").write_text(f"# @package _global_\n{text}", encoding="utf-8")


@pytest.mark.slow
def test_a_study_multiplies_its_grid_and_pairs_its_variants(request_of: Request, tmp_path: Path) -> None:
    study(tmp_path, "sweep:\n  grid: {seed: [0, 1]}\n  variants:\n    pooled: {model.strides: 1, model.pool: max}\n"
                    "    strided: {model.strides: 2, model.pool: none}\n")  # fmt: skip
    planned = request_of("experiments=mine").planned
    assert names(planned) == [
        "variant=pooled seed=0", "variant=pooled seed=1", "variant=strided seed=0", "variant=strided seed=1",
    ]  # fmt: skip
    config = planned[2].point.composed.config
    assert (config.model.strides, config.model.pool.type) == ((2, 2), "none")
    assert request_of("experiments=mine").name == "mine"


@pytest.mark.slow
def test_what_varies_may_follow_what_it_replaces_and_a_choice_of_files(request_of: Request) -> None:
    alone = ("sweep.variants={}", "model.blocks.conv_1.filters=4")
    words = ("model.kernel_size=5", "model.kernel_size=1,2", "seed=0,1", "model=small", "tracking.tags={a: b}")
    assert names(request_of(*words).planned)[0] == "kernel_size=1 seed=0"
    assert len(request_of("experiments=filters", "data=mnist_5k", *alone).planned) == 3


@pytest.mark.slow
def test_a_typed_key_takes_the_place_of_the_studys(request_of: Request, tmp_path: Path) -> None:
    study(tmp_path, "sweep:\n  grid: {seed: [0, 1], model.kernel_size: [3, 5]}\n")
    assert names(request_of("experiments=mine", "seed=7").planned) == ["kernel_size=3", "kernel_size=5"]
    assert {one.point.composed.config.seed for one in request_of("experiments=mine", "seed=7").planned} == {7}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["model.kernel_size=3,0,-1"], "2 problems"),
        (["model.kernel_size=3,5", "model.kernal=1"], "model.kernal"),
        (["model=small,nosuch"], "nosuch"),
        (["model.kernel_size=3"], "no key with several values"),
        (["sweep.workers=1,2", "seed=0,1"], "one value: it holds for the whole sweep"),
        (["hydra/launcher=serial,parallel", "seed=0,1"], "one value: it holds for the whole sweep"),
        (["tracking=off,mlflow", "seed=0,1"], "one value: it holds for the whole sweep"),
        (["hydra/launcher=basic", "seed=0,1"], "one of parallel"),
        (["training.learning_rate=interval(0.1,1)"], "add sweep.search=random"),
        (["seed=0,"], "Hydra says"),
        (["model.kernel_size=range(3,3)"], "`model.kernel_size=range(3,3)`, expected at least one value"),
        (["model=glob(zzz*)", "seed=0,1"], "`model=glob(zzz*)`, expected at least one value"),
        (["model.kernel_size=glob(*)"], "expected at least one value"),
        (["training.batch_size=5000,6000"], "2 problems"),
        (["seed=0,1", "figures.digits=[12]"], "figures.digits: got 12"),
        (["model.kernel_size=3,5", "model.kernel_size=7"], "nothing that takes its place"),
        (["model.blocks.conv_1.filters=3,5", "model.blocks={a:{filters:2}}"], "nothing that takes its place"),
        (["model.kernel_size=3,5", "seed=0", "++model.kernel_size=7,9"], "`++model.kernel_size=9` after"),
        (["experiments=filters", "model.blocks.conv_1.filters=4"], "sweep.variants={}"),
    ],
)
def test_what_is_invalid_in_itself_refuses_the_whole_sweep(request_of: Request, words: list[str], message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        request_of(*words)
    assert message in str(refused.value)
    assert refused.value.exit_code == 2
