"""Where keys come from: worked cases, and Hydra itself as the judge of what is in force."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hydra import compose

from cnnexp.config import overrides as words
from cnnexp.config.compose import CONFIG_NAME, compose_config, hydra_session, is_group, job_part, job_values
from cnnexp.config.provenance import Provenance, Source, shown_path, trace, trace_stored
from cnnexp.config.sources import shipped

ARTICLE = Source("file", "conf/model/article.yaml (shipped)")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def told(provenance: Provenance, key: str) -> list[tuple[str, Any, str, bool]]:
    return [(s.key, None if s.removes else s.value, s.source.where, s.in_force) for s in provenance.of(key)]


def test_an_override_wins_over_the_file() -> None:
    assert told(trace(["model.kernel_size=7"]), "model.kernel_size") == [
        ("model.kernel_size", 3, ARTICLE.where, False),
        ("model.kernel_size", 7, "model.kernel_size=7", True),
    ]


def test_a_file_names_who_chose_it() -> None:
    chosen = trace(["model=strided"]).in_force("model.pool")
    assert [s.source for s in chosen] == [Source("file", "conf/model/strided.yaml (shipped)", "model=strided")]
    by_study = trace(["experiments=seed"]).in_force("data.source")
    assert [s.source for s in by_study] == [Source("file", "conf/data/mnist.yaml (shipped)", "experiments/seed.yaml")]


def test_a_study_wins_over_the_preset_that_it_chooses() -> None:
    assert told(trace(["experiments=toy"]), "model.kernel_size") == [
        ("model.kernel_size", 3, "conf/model/empty.yaml (shipped)", False),
        ("model.kernel_size", 2, "experiments/toy.yaml (shipped)", True),
    ]


def test_a_choice_that_is_replaced_takes_its_options_away() -> None:
    provenance = trace(["model.pool=average"])
    assert told(provenance, "model.pool.pool_size") == [
        ("model.pool.pool_size", 2, ARTICLE.where, False),
        ("model.pool", None, "model.pool=average", False),
    ]
    assert provenance.in_force("model.pool.pool_size") == ()
    assert [(s.key, s.value) for s in provenance.in_force("model.pool")] == [("model.pool.type", "average")]


def test_an_empty_mapping_is_a_value() -> None:
    assert told(trace(["training.early_stopping={}"]), "training.early_stopping") == [
        ("training.early_stopping", "none", "conf/training/default.yaml (shipped)", False),
        ("training.early_stopping", {}, "training.early_stopping={}", True),
    ]
    assert trace(["training.early_stopping={patience: 2}", "training.early_stopping={}"]).in_force(
        "training.early_stopping.patience"
    )


def test_nothing_was_given_to_a_key_at_its_default() -> None:
    assert trace([]).of("model.bias_initializer") == ()


def test_a_key_that_was_taken_away_is_not_in_force() -> None:
    provenance = trace(["~model.blocks.conv_2"])
    assert provenance.in_force("model.blocks.conv_2.filters") == ()
    assert told(provenance, "model.blocks.conv_2.filters")[-1] == (
        "model.blocks.conv_2", None, "~model.blocks.conv_2", False
    )  # fmt: skip


@pytest.mark.parametrize(
    ("overrides", "key", "decides"),
    [
        ([], "model.blocks.conv_1.kernel_size", "model.kernel_size"),
        (["model.blocks.conv_1.kernel_size=5"], "model.blocks.conv_1.kernel_size", "model.blocks.conv_1.kernel_size"),
        (["model.blocks.conv_1.kernel_size=null"], "model.blocks.conv_1.kernel_size", "model.kernel_size"),
        ([], "model.blocks.conv_1.filters", "model.blocks.conv_1.filters"),
        ([], "model.blocks.conv_1.dropout", "model.blocks.conv_1.dropout"),
        ([], "model.dense.dense_1.dropout", "model.dropout"),
        ([], "model.dense.dense_1.kernel_initializer", "model.dense.dense_1.kernel_initializer"),
        ([], "model.blocks.conv_1.pool.strides", "model.pool.strides"),
        (["model.blocks.conv_1.pool.pool_size=3"], "model.blocks.conv_1.pool.strides", "model.pool.strides"),
        (["model.blocks.conv_1.pool=average"], "model.blocks.conv_1.pool.strides", "model.blocks.conv_1.pool.strides"),
        (["model.blocks.conv_1.pool=average"], "model.blocks.conv_2.pool.strides", "model.pool.strides"),
    ],
)
def test_which_key_decides(overrides: list[str], key: str, decides: str) -> None:
    assert trace(overrides).decides(key) == decides


CASES = [
    [],
    ["model=deep", "training.epochs=3"],
    ["experiments=seed", "model.kernel_size=[3,5]"],
    ["experiments=first_look", "model.pool.pool_size=3", "data=mnist"],
    ["experiments=toy", "model.blocks.conv_2={filters: 4, pool: none}"],
    ["model.pool=average", "model.pool.pool_size=3", "model.blocks.conv_1.pool={pool_size: 4}"],
    ["training.optimizer={type: sgd, momentum: 0.9}", "training.optimizer.nesterov=true"],
    ["model.blocks={a: {filters: 1}}", "model.blocks.b.filters=2", "~model.blocks.a"],
    ["~training.epochs", "~figures", "tracking.tags={who: me}", "+tracking.tags.why=so"],
    ["training.early_stopping={}", "model=empty", "model.blocks.a.filters=1"],
    ["training.early_stopping={patience: 2}", "training.early_stopping.min_delta=0.1"],
    ["model=strided", "model.pool.type=max", "model.blocks.conv_1.pool.pool_size=3", "model.blocks.conv_1.pool=none"],
    ["model=own", "experiments=mine"],
]


@pytest.mark.slow
@pytest.mark.parametrize("overrides", CASES, ids=lambda overrides: " ".join(overrides) or "default")
def test_what_is_in_force_is_what_hydra_composes(overrides: list[str], tmp_path: Path) -> None:
    write(tmp_path / "conf/model/own.yaml", "kernel_size: 5\nblocks: {a: {filters: 3}}\n")
    write(tmp_path / "conf/training/default.yaml", "epochs: 2\n")
    study = "# @package _global_\ndefaults:\n  - override /tracking: 'off'\nmodel: {blocks: {b: {filters: 7}}}\n"
    write(tmp_path / "experiments/mine.yaml", study)
    with hydra_session(None):
        forced = words.rewritten(words.parse(overrides), is_group)
        composed = job_values(job_part(compose(CONFIG_NAME, forced, return_hydra_config=True)))
    assert rebuilt(trace(overrides)) == leaves(composed)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def rebuilt(provenance: Provenance) -> dict[str, Any]:
    return {s.key: s.value for s in provenance.settings if s.in_force and s.value != {}}


def leaves(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Everything that is no mapping, by dotted key; empty mappings hold nothing that anyone gave."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= leaves(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat


def test_files_of_ones_own_are_found_below_the_working_folder(tmp_path: Path) -> None:
    write(tmp_path / "conf/model/own.yaml", "kernel_size: 5\n")
    write(tmp_path / "experiments/mine.yaml", "# @package _global_\nseed: 4\n")
    provenance = trace(["model=own", "experiments=mine"])
    assert provenance.in_force("model.kernel_size")[0].source == Source("file", "conf/model/own.yaml", "model=own")
    assert provenance.in_force("seed")[0].source == Source("file", "experiments/mine.yaml", "experiments=mine")


@pytest.mark.slow
def test_a_further_folder_is_named_whole(tmp_path: Path) -> None:
    write(tmp_path / "experiments/none.yaml", "")
    write(tmp_path / "more/model/other.yaml", "kernel_size: 9\n")
    provenance = trace(["model=other"], str(tmp_path / "more"))
    where = provenance.in_force("model.kernel_size")[0].source.where
    assert where == "more/model/other.yaml"


def test_in_a_checkout_shipped_files_are_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    path = shipped("conf") / "model" / "article.yaml"
    assert shown_path(path) == "conf/model/article.yaml (shipped)"
    monkeypatch.chdir(shipped("conf").parent)
    assert shown_path(path) == "conf/model/article.yaml"


def test_a_stored_run_is_whole_and_its_overrides_tell_more() -> None:
    overrides = ["model.kernel_size=7", "model=small", "training.epochs=2"]
    config = compose_config(overrides).config
    provenance = trace_stored(config, overrides, ["training.epochs=9"], "3f9a")
    assert told(provenance, "model.kernel_size") == [
        ("model.kernel_size", 7, "runs/3f9a/config.yaml", False),
        ("model.kernel_size", 7, "model.kernel_size=7 of run 3f9a", True),
    ]
    assert told(provenance, "training.epochs")[-1] == ("training.epochs", 9, "training.epochs=9", True)
    assert provenance.in_force("seed")[0].source == Source("run", "runs/3f9a/config.yaml")
