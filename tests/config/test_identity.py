"""What makes two runs the same: variant, recipe, run key; and canonical YAML."""

from __future__ import annotations

from dataclasses import asdict

import pytest
import yaml

from cnnexp.config import identity as module
from cnnexp.config.compose import compose_config
from cnnexp.config.identity import code_digest, difference, flattened, identity, normalized_source, to_yaml
from cnnexp.config.problems import checked
from cnnexp.config.schema import ExperimentConfig
from cnnexp.config.stored import changed

DEFAULT = compose_config([]).config


def same(word: str, *more: str, base: ExperimentConfig = DEFAULT) -> tuple[bool, bool, bool]:
    """Whether variant, recipe and run key are those of `base`."""
    ours, theirs = (asdict(identity(config, "d" * 16)) for config in (base, changed(base, [word, *more])))
    return tuple(ours[name] == theirs[name] for name in ("variant", "recipe", "run_key"))  # type: ignore[return-value]


@pytest.mark.parametrize(
    "word",
    [
        "tracking.run_name=other", "tracking.tags.a=b", "figures.draw=false", "figures.max_channels=3",
        "training.threads=1", "training.report_every=5", "training.checkpoint_every=3",
        "training.keep_checkpoints=true", "evaluation.train_size=100",
        "model.blocks.conv_1.kernel_size=3", "model.blocks.conv_2.padding=same", "model.pool.strides=null",
        "model.dense.dense_1.dropout=0.25", "training.optimizer={type: adam}", "data.scale=255", "sweep.trials=3",
        "model.kernel_size=[3,3]",
    ],
)  # fmt: skip
def test_what_changes_nothing_that_is_learned_is_in_no_identity(word: str) -> None:
    assert same(word) == (True, True, True)


def test_where_the_data_lie_is_in_no_identity() -> None:
    assert same("data.folder=elsewhere", base=changed(DEFAULT, ["data.source=mnist"])) == (True, True, True)


@pytest.mark.parametrize(
    "word",
    [
        "model.kernel_size=5", "model.blocks.conv_1.filters=33", "model.dropout=0.5", "model.use_bias=false",
        "model.global_pooling=max", "model.output.kernel_initializer=zeros", "training.batch_size=99",
        "training.learning_rate=0.002", "training.optimizer=adamw", "training.keep=best",
        "training.dtype=mixed_bfloat16", "data.limit=100", "data.augmentation.shift=1",
        "data.validation_size=400", "data.scale=1",
    ],
)  # fmt: skip
def test_what_changes_the_numbers_is_in_all_identities(word: str) -> None:
    assert same(word) == (False, False, False)


def test_the_seed_is_in_the_recipe_and_epochs_in_the_run_key() -> None:
    assert same("seed=1") == (True, False, False)
    assert same("training.epochs=6") == (True, True, False)


@pytest.mark.parametrize("schedule", ["cosine", "one_cycle"])
def test_epochs_are_in_the_variant_where_the_schedule_is_bound_to_them(schedule: str) -> None:
    base = compose_config([f"training.schedule={schedule}"]).config
    assert same(f"training.schedule={schedule}", "training.epochs=6", base=base) == (False, False, False)


def test_the_data_is_in_the_recipe_and_the_code_in_the_run_key(monkeypatch: pytest.MonkeyPatch) -> None:
    first, other = identity(DEFAULT, "a" * 16), identity(DEFAULT, "b" * 16)
    assert (first.variant == other.variant, first.recipe == other.recipe) == (True, False)
    monkeypatch.setattr(module, "code_digest", lambda: "other code")
    newer = identity(DEFAULT, "a" * 16)
    assert (newer.recipe, newer.run_key) == (first.recipe, identity(DEFAULT, "a" * 16).run_key)
    assert newer.run_key != first.run_key


def test_the_order_of_blocks_matters() -> None:
    ab, ba = ("{a: {filters: 3}, b: {filters: 4}}", "{b: {filters: 4}, a: {filters: 3}}")
    base = compose_config([f"model.blocks={ab}"]).config
    assert same(f"model.blocks={ba}", base=base) == (False, False, False)


SOURCE = '''
"""Module."""
# a comment
def f(a, b):
    """What it does."""
    return (a +
            b)  # the sum
class C:
    """Only words."""
'''


def test_comments_docstrings_and_layout_are_no_code() -> None:
    plain = "def f(a, b): return a + b\nclass C: pass"
    assert normalized_source(SOURCE) == normalized_source(plain)
    assert normalized_source(SOURCE) != normalized_source(plain.replace("+", "-"))
    assert normalized_source("x = 'text'") != normalized_source("x = 'other'")
    assert len(code_digest()) == 12


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["model=deep", "training.optimizer={type: sgd, momentum: 0.9}", "training.schedule={type: step, every: 3}"],
        ["experiments=toy"],
        ["training.early_stopping={patience: 2}", "training.gradient_clip=1.5", "model.strides=[2,1]", "data.limit=9"],
        ['tracking.run_name="첫 실행: #1"', "tracking.tags={a: '1', b: 'null'}", "figures.digits=[0,7]"],
    ],
    ids=["default", "choices", "toy", "options", "names"],
)
def test_yaml_gives_the_same_config_again(words: list[str]) -> None:
    config = compose_config(words).config
    text = to_yaml(config)
    assert checked(yaml.safe_load(text)) == config
    assert to_yaml(checked(yaml.safe_load(text))) == text


def test_the_difference_of_two_configs_is_told_by_key() -> None:
    other = compose_config(["model.kernel_size=5", "~model.blocks.conv_2", "training.optimizer=sgd"]).config
    told = difference(DEFAULT, other)
    assert told["model.kernel_size"] == (3, 5)
    assert told["model.blocks.conv_2.filters"] == (64, None)
    assert not any(key.startswith("data") for key in told)
    assert difference(DEFAULT, DEFAULT) == {}
    assert flattened({"a": {"b": [1], "c": {}}, "d": 2}) == {"a.b": [1], "a.c": {}, "d": 2}
