from __future__ import annotations

import pytest

from cnnexp.config.compose import compose_config
from cnnexp.config.stored import changed
from cnnexp.errors import ConfigError

STORED = ["model=small", "training.optimizer={type: sgd, momentum: 0.9}"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        [],
        ["model.kernel_size=5", "seed=3"],
        ["training.optimizer=adam"],
        ["training.optimizer.momentum=0.5"],
        ["model.pool=none", "model.blocks.conv_3={filters: 4, pool: average}"],
        ["~model.blocks.conv_1"],
        ["+tracking.tags.why=so", "model.blocks={a: {filters: 2}}"],
    ],
)
def test_it_is_what_composing_them_together_gives(changes: list[str]) -> None:
    assert changed(compose_config(STORED).config, changes) == compose_config([*STORED, *changes]).config


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("model=deep", r"^model: got `model=deep`, expected single keys, as in model\.KEY=VALUE\n"),
        ("experiments=seed", "no file of a group can be chosen"),
        ("model.kernal_size=5", "Did you mean model.kernel_size?"),
        ("training.epochs=0", "training.epochs: got 0, expected a whole number from 1 to 100000"),
        ("seed=1,2", "seed: got `1,2`, expected one value\n.* cnnexp train -m"),
        ("training.epochs=range(1,3)", "training.epochs: got `range.1,3.`, expected one value"),
        (
            "~model.blocks.conv_7",
            "model.blocks.conv_7: got ~ before it, expected a key that exists in the run's config",
        ),
        ("~a.b", "a.b: got ~ before it"),
        ("hydra.run.dir=x", "Other keys of Hydra's own node can run code"),
    ],
)
def test_refusals(word: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        changed(compose_config(STORED).config, [word])
