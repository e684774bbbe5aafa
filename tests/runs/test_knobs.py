"""Few params, short, and what differs is among them."""

from __future__ import annotations

import pytest

from cnnexp.config.compose import compose_config
from cnnexp.runs.knobs import knobs

PLAIN = {
    "seed": "0",
    "model.kernel_size": "3",
    "model.strides": "1",
    "model.padding": "same",
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


def test_the_default_tells_the_main_knobs_and_the_size_of_each_layer() -> None:
    assert knobs(compose_config([]).config) == PLAIN


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
    found = knobs(compose_config([override]).config)
    assert {**PLAIN, key: text} == found


def test_what_a_sweep_varied_is_told_also_at_its_default() -> None:
    varied = {"model": "article", "variant": "plain", "training.label_smoothing": "0", "model.kernel_size": "[3,3]"}
    found = knobs(compose_config(["model.kernel_size=[3,3]"]).config, varied)
    assert found == {**PLAIN, "model": "article", "variant": "plain", "training.label_smoothing": "0"}


def test_a_deep_network_is_cut_to_twenty_and_keeps_what_differs() -> None:
    blocks = [f"model.blocks.more_{number}.filters=8" for number in range(20)]
    found = knobs(compose_config([*blocks, "model.activation=tanh", "model.pool=none"]).config)
    assert len(found) == 20
    assert found["model.activation"] == "tanh"


def test_long_values_are_cut() -> None:
    images = [[[0.0] * 30] * 30]
    found = knobs(compose_config(["data.source=arrays", f"data.images={images}", "data.labels=[0]"]).config)
    assert max(map(len, found.values())) == 60
