"""Whatever is thrown at the border: a checked config or a ConfigError of at most 12 lines, and nothing else."""

from __future__ import annotations

import string
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cnnexp.config.compose import compose_config
from cnnexp.config.identity import to_yaml
from cnnexp.config.keys import schema_keys
from cnnexp.config.problems import checked
from cnnexp.config.reading import check_yaml
from cnnexp.config.schema import ExperimentConfig
from cnnexp.errors import ConfigError
from tests.cases import MANY, cases

KEYS = [key.path.replace("<name>", "conv_1") for key in schema_keys()]
HOSTILE = [
    "", "null", "true", "nan", "inf", "-1", "0", "1", "2.5", "1e999", "'3'", "[]", "[1,2,3]", "{}", "{a: 1}", "???",
    "${seed}", "${nosuch}", "${oc.env:HOME}", "${nosuch:1}", "1,2", "range(1,3)", "[[1],[2,3]]", "'", "\"", "\\", "{",
    "}", "${", "a=b", "\x00", "\n", "한글", "../x", "/etc/passwd", "{_target_: os.system}", "pkg://os",
    "adam", "none", "small", "9" * 400, "x" * 300, "[" * 50 + "]" * 50, "glob(*)", "extend_list(1)",
    "int('3')", "choice(1,2)",
]  # fmt: skip
OWN_KEYS = [
    "model", "data", "experiments", "training", "hydra/launcher", "hydra.callbacks.x._target_", "_target_", "nosuch",
    "model.blocks", "model.blocks.conv_1", "model.blocks.new.filters", "model.dense", "defaults", "hydra", "x@y",
    "a.b.c",
]  # fmt: skip
KEY = st.one_of(st.sampled_from(KEYS), st.sampled_from(OWN_KEYS), st.text(string.printable, max_size=12))
VALUE = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=12), st.integers().map(str), st.floats().map(str))
SIGNED = st.builds(
    "{}{}{}{}".format, st.sampled_from(["", "+", "++", "~"]), KEY, st.sampled_from(["=", "=", "=", ""]), VALUE
)
WORDS = st.lists(st.one_of(SIGNED, st.text(max_size=20)), min_size=1, max_size=4)

LEAF = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=6), st.sampled_from(["adam", "none", "same"])
)
NAME = st.one_of(
    st.sampled_from(sorted({part for key in KEYS for part in key.split(".")})), st.text(max_size=5), st.just("type")
)
TREE: st.SearchStrategy[Any] = st.recursive(
    LEAF, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAME, inner, max_size=4)), max_leaves=12
)
TOP = st.dictionaries(st.sampled_from([*ExperimentConfig.model_fields, "nosuch"]), TREE, max_size=4)
FEW = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


T = TypeVar("T")


def outcome(make: Callable[[], T]) -> tuple[T | None, ConfigError | None]:
    """What `make` gives, or the ConfigError that it raises."""
    try:
        return make(), None
    except ConfigError as error:
        return None, error


def is_short(error: ConfigError | None) -> bool:
    return error is not None and 1 <= len(str(error).splitlines()) <= 12 and len(str(error)) < 8000


def config_or_refusal(words: Sequence[str]) -> None:
    config, refusal = outcome(lambda: compose_config(words).config)
    if config is None:
        assert is_short(refusal)
    else:
        assert checked(yaml.safe_load(to_yaml(config))) == config


@pytest.mark.parametrize("word", ["hydra/launcher=[]", "hydra/launcher=[serial]", "~hydra/launcher"])
def test_a_launcher_that_is_no_name_is_refused(word: str) -> None:
    _, refusal = outcome(lambda: compose_config([word]))
    assert "expected hydra/launcher=NAME" in str(refusal)


@pytest.mark.slow
@FEW
@given(WORDS)
def test_words_give_a_config_or_a_refusal(words: list[str]) -> None:
    config_or_refusal(words)


@pytest.mark.slow
@cases(MANY // 2)
@given(WORDS)
def test_many_words_give_a_config_or_a_refusal(words: list[str]) -> None:
    config_or_refusal(words)


@settings(FEW, max_examples=50)
@given(TOP)
def test_values_give_a_config_or_a_refusal(values: dict[str, Any]) -> None:
    config, refusal = outcome(lambda: checked(values))
    if config is None:
        assert is_short(refusal)
    else:
        assert checked(yaml.safe_load(to_yaml(config))) == config


PIECES = ["a: ", "- ", "&x ", "*x", "!!set ", "{", "}", "[", "]", "\n", "  ", "? ", ": ", "|", ">", "1"]
YAML_TEXT = st.one_of(
    TOP.map(lambda values: yaml.dump(values, allow_unicode=True)),
    st.text(max_size=60),
    st.lists(st.sampled_from(PIECES), max_size=14).map("".join),
)  # fmt: skip


@settings(FEW, max_examples=50)
@given(YAML_TEXT)
def test_yaml_text_is_harmless_or_refused(text: str) -> None:
    _, refusal = outcome(lambda: check_yaml(text, "x.yaml"))
    assert is_short(refusal) if refusal else isinstance(yaml.safe_load(text), dict | None)


def file_gives_a_config_or_a_refusal(home: Path, text: str) -> None:
    (home / "experiments").mkdir(exist_ok=True)
    (home / "experiments" / "x.yaml").write_text(text, encoding="utf-8", newline="")
    config_or_refusal(["experiments=x"])


@pytest.mark.slow
@settings(FEW, max_examples=10)
@given(YAML_TEXT)
def test_files_give_a_config_or_a_refusal(home: Path, text: str) -> None:
    file_gives_a_config_or_a_refusal(home, text)


@pytest.mark.slow
@cases(MANY // 2)
@given(YAML_TEXT)
def test_many_files_give_a_config_or_a_refusal(home: Path, text: str) -> None:
    file_gives_a_config_or_a_refusal(home, text)
