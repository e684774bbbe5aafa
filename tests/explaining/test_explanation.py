from __future__ import annotations

import pytest

from cnnexp.config.keys import schema_keys
from cnnexp.errors import ConfigError
from cnnexp.explaining import explain, rows_of


def test_an_override_with_a_block_in_its_way(explained):
    found = explained("model.kernel_size", "model.kernel_size=7", "model.blocks.conv_2.kernel_size=[1,5]")
    assert (found.value, found.plain, found.default, found.decided_by) == ("7", 7, "3", "model.kernel_size")
    assert found.own == (("model.blocks.conv_2.kernel_size", "[1, 5]"),)
    assert [(s.value, s.in_force) for s in found.settings] == [(3, False), (7, True)]


def test_what_a_block_inherits_is_told_with_the_key_that_decides(explained):
    found = explained("model.blocks.conv_1.kernel_size", "model.kernel_size=7")
    assert (found.value, found.default, found.decided_by) == ("7", "null", "model.kernel_size")
    assert [s.source.where for s in found.settings if s.in_force] == ["model.kernel_size=7"]


@pytest.mark.slow
def test_a_key_of_all_blocks(explained):
    found = explained("model.blocks.<name>.filters", "model.blocks.conv_2.filters=8")
    assert (found.value, found.default) == ("conv_1: 32, conv_2: 8", "(must be given)")
    in_force = [(s.key, s.value) for s in found.settings if s.in_force]
    assert in_force == [("model.blocks.conv_1.filters", 32), ("model.blocks.conv_2.filters", 8)]


@pytest.mark.slow
def test_an_option_of_a_choice_that_is_not_made(explained):
    found = explained("training.optimizer.momentum")
    assert found.value == "(no option of adam, which training.optimizer is here)"
    assert (found.plain, found.default) == (None, "0")
    assert explained("training.early_stopping.patience").value.startswith("(no option of none")


@pytest.mark.slow
def test_the_default_is_that_of_the_choice_made(explained):
    assert explained("training.optimizer.weight_decay", "training.optimizer=adamw").default == "0.004"
    assert explained("training.optimizer.weight_decay", "training.optimizer=sgd").default == "0"


def test_studies_that_vary_a_key_come_alone(explained, tmp_path):
    (tmp_path / "experiments").mkdir()
    text = "# @package _global_\n# Three kernels.\nsweep: {grid: {model.kernel_size: [3, 5, 7]}}\n"
    (tmp_path / "experiments" / "aaa.yaml").write_text(text, encoding="utf-8")
    shown = [(s.name, s.title, how) for s, how in explained("model.kernel_size").studies]
    assert shown[0] == ("aaa", "Three kernels.", "varies")
    assert {(name, how) for name, _, how in shown[1:]} == {("kernel_size", "varies")}
    assert {how for _, how in explained("training.optimizer").studies} <= {"sets"}


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("model.kernal_size", "Did you mean model.kernel_size?"),
        ("learning_rate", "Did you mean training.learning_rate?"),
        ("model.blocks.conv_1.filter", "Did you mean model.blocks.conv_1.filters?"),
        ("trainin", "Did you mean training?"),
        ("qqq.zzz", "See all keys with: cnnexp explain"),
    ],
)
def test_a_mistyped_key_is_told_the_nearest(explained, key, hint):
    with pytest.raises(ConfigError) as caught:
        explained(key)
    assert caught.value.problems[0].hint == hint
    assert caught.value.exit_code == 2


def test_a_block_that_is_not_there(explained):
    with pytest.raises(ConfigError, match=r"model\.blocks: got 'conv_9', expected one of conv_1, conv_2"):
        explained("model.blocks.conv_9.filters")
    with pytest.raises(ConfigError, match=r"model\.dense: got 'a', expected none: this config has no dense"):
        explained("model.dense.a.units", "model=empty")


@pytest.mark.slow
@pytest.mark.parametrize("overrides", [(), ("model=deep",), ("model=empty",), ("experiments=toy",),
                                       ("training.early_stopping={}", "training.schedule=one_cycle"),
                                       ("model.kernel_size=30", "model.padding=valid")])  # fmt: skip
def test_every_key_of_the_schema_can_be_explained(overrides, composed):
    facts, provenance = composed(*overrides)
    for key in schema_keys():
        found = explain(facts, provenance, key.path)
        assert found.what == key.description or key.choice
        assert found.value != "" or key.path.startswith(("model.blocks", "model.dense"))


def test_the_rows_of_a_group_and_of_the_options_behind_it(composed):
    facts, provenance = composed("training.epochs=9", "training.optimizer={type: sgd, momentum: 0.9}")
    found = rows_of(facts.config, provenance, "training")
    assert [group.name for group, _ in found] == ["training", "optimizers", "schedules"]
    rows = {row.key: row for _, rows in found for row in rows}
    assert (rows["training.epochs"].value, rows["training.epochs"].default) == ("9", "5")
    assert rows["training.optimizer"].value == "{type: sgd, momentum: 0.9}"
    assert rows["training.early_stopping.patience"].value == "–"
    assert rows["momentum (sgd, rmsprop)"].default == "0"


@pytest.mark.parametrize(
    ("word", "names", "keys"),
    [
        ("data.augmentation", ["data.augmentation"], 3),
        ("model.blocks.conv_1", ["model.blocks.conv_1"], 12),
        ("model.output", ["model.output"], 2),
        ("experiment", ["experiment"], 2),
        ("schedules", ["schedules"], 7),
        ("training.epochs", [], 0),
        ("nosuch", [], 0),
    ],
)
def test_words_that_name_a_group(composed, word, names, keys):
    facts, provenance = composed()
    found = rows_of(facts.config, provenance, word)
    assert [group.name for group, _ in found] == names
    assert sum(len(rows) for _, rows in found) == keys
    if word == "model.blocks.conv_1":
        values = {row.key: row.value for row in found[0][1]}
        assert values["model.blocks.conv_1.filters"] == "32"
        assert values["model.blocks.conv_1.activation"] == "relu"


def test_all_groups(composed):
    facts, provenance = composed()
    found = rows_of(facts.config, provenance, "")
    assert {"experiment", "data", "model", "model.blocks.<name>", "optimizers", "figures"} <= {g.name for g, _ in found}
    with pytest.raises(ConfigError, match="got 'conv_9'"):
        rows_of(facts.config, provenance, "model.blocks.conv_9")
