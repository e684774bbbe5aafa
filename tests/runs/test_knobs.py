"""Few params, short, and what differs is among them."""

from __future__ import annotations

import pytest

from cnnexp.config.compose import compose_config
from cnnexp.runs.knobs import knob_tags, knobs

PLAIN = {"model.kernel_size": "3", "model.strides": "1", "model.padding": "same", "seed": "0"}
PLAIN_TAGS = PLAIN | {
    "model.pool": "max 2 /2 same",
    "model.dropout": "0.25",
    "training.epochs": "5",
    "training.batch_size": "100",
    "training.optimizer": "adam",
    "training.learning_rate": "0.001",
    "model.blocks.conv_1.filters": "32",
    "model.blocks.conv_2.filters": "64",
    "model.dense.dense_1.units": "256",
    "model.dense.dense_2.units": "256",
}


def test_the_default_tells_four_knobs_and_the_others_as_tags() -> None:
    config = compose_config([]).config
    assert knobs(config) == PLAIN
    assert knob_tags(config) == PLAIN_TAGS


@pytest.mark.parametrize(
    ("override", "key", "text"),
    [
        ("model.kernel_size=[1,7]", "model.kernel_size", "1×7"),
        ("model.pool=none", "model.pool", "none"),
        ("model.pool={type: average, pool_size: 3, padding: valid}", "model.pool", "average 3 /3 valid"),
        ("training.optimizer={type: sgd, momentum: 0.9}", "training.optimizer", "sgd momentum=0.9"),
        ("training.schedule=cosine", "training.schedule", "cosine"),
        ("training.learning_rate=0.00012345678", "training.learning_rate", "0.00012345678"),
        ("model.activation=tanh", "model.activation", "tanh"),
        ("model.blocks.conv_2.kernel_size=5", "model.blocks.conv_2.kernel_size", "5"),
        ("data.augmentation.shift=2", "data.augmentation.shift", "2"),
        ("model.kernel_initializer={type: random_normal, stddev: 1}", "model.kernel_initializer",
         "random_normal stddev=1"),
    ],
)  # fmt: skip
def test_what_was_changed_is_told(override: str, key: str, text: str) -> None:
    config = compose_config([override]).config
    assert knobs(config) == {**PLAIN, key: text}
    assert knob_tags(config) == {**PLAIN_TAGS, key: text}


def test_what_a_sweep_varied_is_told_also_at_its_default() -> None:
    varied = {"model": "article", "variant": "plain", "training.label_smoothing": "0", "model.kernel_size": "[3,3]"}
    found = knobs(compose_config(["model.kernel_size=[3,3]"]).config, varied)
    assert found == {**PLAIN, "model": "article", "variant": "plain", "training.label_smoothing": "0"}


@pytest.mark.slow
def test_of_a_deep_network_with_many_changes_eight_params_and_forty_tags_are_told() -> None:
    blocks = [f"model.blocks.more_{number}.{key}" for number in range(40) for key in ("filters=8", "strides=2")]
    config = compose_config([*blocks, "model.activation=tanh", "model.pool=none"]).config
    assert len(knobs(config)) == 8
    assert knobs(config)["model.pool"] == "none"
    assert len(knob_tags(config)) == 40
    assert knob_tags(config)["model.activation"] == "tanh"


@pytest.mark.slow
def test_long_values_are_cut() -> None:
    images = [[[0.0] * 30] * 30]
    found = knobs(compose_config(["data.source=arrays", f"data.images={images}", "data.labels=[0]"]).config)
    assert max(map(len, found.values())) == 60
