"""The schema as a tree of dotted keys."""

from __future__ import annotations

import pytest

from cnnexp.config.keys import (
    find_field,
    in_words,
    is_choice,
    keys_below,
    nearest_key,
    schema_keys,
    short_key,
    what_is_allowed,
    words_of,
)


def test_every_key_is_described_and_known_by_its_path() -> None:
    keys = schema_keys()
    assert len({(key.path, key.choice) for key in keys}) == len(keys) > 100
    for key in keys:
        assert key.description, key.path
        assert key.allowed, key.path
        assert find_field(key.path.split(".")) is not None, key.path
        assert what_is_allowed(key.path.split(".")) != "a key that exists", key.path


@pytest.mark.parametrize(
    ("key", "allowed"),
    [
        ("seed", "a whole number from 0 to 2147483647"),
        ("model.dropout", "a number from 0 and below 1"),
        ("model.blocks.any_name.filters", "a whole number from 1 up"),
        ("model.blocks.any_name.padding", "one of same, valid, or null"),
        ("training.threads", "a whole number from 1 up, or auto"),
        ("training.gradient_clip", "a number above 0, or none"),
        ("model.pool", "one of none, max, average, or a mapping with one of them as type"),
        ("figures.digits", "a list of whole numbers from 0 up, or all"),
        ("figures.digits.0", "a whole number from 0 up"),
        ("tracking.tags", "a mapping of names to values"),
        ("tracking.tags.any", "text"),
        ("tracking.uri", "text that is not empty, or null"),
        ("tracking.enabled", "true or false"),
        ("nosuch", "a key that exists"),
        ("seed.nosuch", "a key that exists"),
    ],
)
def test_what_is_allowed_is_told_in_words(key: str, allowed: str) -> None:
    assert what_is_allowed(key.split(".")) == allowed


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("model.kernal_size", "model.kernel_size"),
        ("model.blocks.a.filtres", "model.blocks.a.filters"),
        ("modle", "model"),
        ("momentum", "training.optimizer.momentum"),
        ("qqqqqqqq", ""),
    ],
)
def test_the_nearest_key(key: str, nearest: str) -> None:
    assert nearest_key(key.split(".")) == nearest


def test_choices_and_their_words() -> None:
    assert is_choice(["training", "optimizer"])
    assert is_choice(["model", "blocks", "a", "pool"])
    assert not is_choice(["model", "padding"])
    assert not is_choice(["nosuch"])
    field = find_field(["training", "schedule"])
    assert field is not None
    assert words_of(field.annotation) == ("constant", "step", "cosine", "one_cycle")
    assert keys_below(["model", "output"]) == ["kernel_initializer", "bias_initializer"]
    assert "seed" in keys_below([])


@pytest.mark.parametrize(
    ("key", "short"),
    [
        ("seed", "seed"),
        ("model", "model"),
        ("model.kernel_size", "kernel_size"),
        ("model.blocks.conv_1.filters", "conv_1.filters"),
        ("model.dense.dense_1.units", "dense_1.units"),
        ("training.optimizer.momentum", "optimizer.momentum"),
        ("model.blocks", "blocks"),
    ],
)
def test_short_keys(key: str, short: str) -> None:
    assert short_key(key) == short


def test_what_varied_in_words() -> None:
    varied = {"model.blocks.conv_1.filters": "4", "model.blocks.conv_2.filters": "16", "seed": "1"}
    assert in_words(varied.items()) == "conv_1.filters=4 conv_2.filters=16 seed=1"
    assert in_words(()) == ""
