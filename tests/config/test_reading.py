"""YAML of a person's own, before anything is made of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from cnnexp.config.compose import compose_config
from cnnexp.config.reading import check_yaml, yaml_text
from cnnexp.errors import ConfigError
from tests.config.conftest import Refused

HARMLESS = [
    "", "# only a comment\n", "seed: 1\n", "a: &x {b: 1}\nc: {<<: *x}\n", "a: [1, 2.5, null, true, text, 2020-01-01]\n",
    "defaults:\n  - override /model: small\nhydra: {verbose: true, launcher: {n: 2}}\n", "'1': x\n", "키: 값\n",
]  # fmt: skip
LAUGHS = "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"{b}: &{b} [{', '.join([f'*{a}'] * 10)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)
HARMFUL = {
    "- a\n- b\n": "got a list, expected a mapping",
    "text\n": "got 'text', expected a mapping",
    "5\n": "got '5', expected a mapping",
    "a: {b: [1\n": "line 2: got broken YAML",
    "a:\n\tb: 1\n": "line 2: got broken YAML",
    "a: 1\n---\nb: 2\n": "another document",
    "a: 1\nb: 2\na: 3\n": "line 3: a: got the same key twice",
    "a: !!python/object/apply:os.system [true]\n": "line 1: a: got the tag tag:yaml.org,2002:python/object",
    "a: !!python/name:os.system x\n": "expected plain YAML without tags",
    "a: !mine 3\n": "got the tag !mine",
    "a: !!binary aGk=\n": "expected plain YAML without tags",
    "a: !!set {b}\n": "expected plain YAML without tags",
    "a: {1: 2}\n": "a: got the key '1', expected keys that are text",
    "null: 1\n": "got the key 'null'",
    "on: 1\n": "got the key 'on'",
    "? [a]\n: 1\n": "got the key a list",
    "a: &x [*x]\n": "more than 40 levels",
    "a: " + "[" * 3000 + "]" * 3000: "more than 40 levels",
    LAUGHS: "more than 100,000 values",
    "a: \x00\n": "broken YAML (unacceptable character #x0000",
    "model:\n  _target_: os.system\n": "line 2: model._target_: got 'os.system', expected no _target_ anywhere",
    "a: [{_target_: b}]\n": "a.0._target_: got 'b'",
    "_target_partial_: b\n": "expected no _target_ anywhere",
    "hydra: {callbacks: {x: 1}}\n": "hydra.callbacks: got a key of Hydra's own",
    "hydra: {job_logging: {handlers: {x: {(): os.system}}}}\n": "hydra.job_logging: got a key of Hydra's own",
    "hydra: {searchpath: ['pkg://os']}\n": "hydra.searchpath: got a key of Hydra's own",
    "hydra: {run: {dir: elsewhere}}\n": "hydra.run: got a key of Hydra's own",
    "hydra: {launcher: {_target_: os.system}}\n": "hydra.launcher._target_",
    "hydra: [1]\n": "hydra: got a list",
    "defaults:\n  - override /tracking: off\n": "line 2: defaults.0.override /tracking: got a truth value",
}


@pytest.mark.parametrize("text", HARMLESS)
def test_plain_yaml_passes(text: str) -> None:
    check_yaml(text, "x.yaml")


@pytest.mark.parametrize("text", HARMFUL, ids=[text[:20] for text in HARMFUL])
def test_other_yaml_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_yaml(text, "x.yaml")
    message = str(caught.value)
    assert message.startswith("x.yaml")
    assert HARMFUL[text] in message
    assert len(message.splitlines()) <= 12


def test_all_that_is_wrong_in_a_file_is_told_together() -> None:
    with pytest.raises(ConfigError) as caught:
        check_yaml("a: 1\na: 2\nb: !x 3\nc: {_target_: d}\n", "x.yaml")
    assert [p.where for p in caught.value.problems] == [
        "x.yaml, line 2: a",
        "x.yaml, line 3: b",
        "x.yaml, line 4: c._target_",
    ]


@pytest.mark.parametrize("content", ["é".encode("latin-1"), "seed: 4\n".encode("utf-16")])
def test_what_is_no_utf_8_is_refused(content: bytes, home: Path) -> None:
    (home / "x.yaml").write_bytes(content)
    with pytest.raises(ConfigError, match=r"x\.yaml: got byte 0 that is no UTF-8"):
        yaml_text(home / "x.yaml")


def test_a_byte_order_mark_does_no_harm(home: Path) -> None:
    (home / "x.yaml").write_bytes(b"\xef\xbb\xbfseed: 4\n")
    assert yaml_text(home / "x.yaml") == "seed: 4\n"


def test_a_folder_is_no_file(home: Path) -> None:
    with pytest.raises(ConfigError, match=r"^: got|^\S+: got Is a directory"):
        yaml_text(home)


@pytest.fixture
def write(home: Path) -> Path:
    for name in ("conf/model", "experiments"):
        (home / name).mkdir(parents=True)
    return home


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "text", "word", "told"),
    [
        ("experiments/x.yaml", "model: {kernal_size: 5}\n", "experiments=x", "kernal_size: got 5 in experiments/x"),
        ("experiments/x.yaml", "seed: true\n", "experiments=x", "seed: got true in experiments/x.yaml"),
        ("experiments/x.yaml", "a: [\n", "experiments=x", "experiments/x.yaml, line 2"),
        ("experiments/x.yaml", "hydra: {callbacks: {}}\n", "experiments=x", "experiments/x.yaml, line 1: hydra.callb"),
        ("experiments/x.yaml", "# @package hydra\nverbose: 1\n", "experiments=x", "# @package hydra"),
        ("experiments/x.yaml", "# @package 1 2 3\n", "experiments=x", "Too many components"),
        ("experiments/x.yaml", "defaults: [x]\n", "experiments=x", "contain themselves|Could not load"),
        ("experiments/x.yaml", "defaults: 3\n", "experiments=x", "defaults must be a list"),
        ("experiments/x.yaml", "defaults: [3]\n", "experiments=x", "Unsupported type in defaults"),
        ("experiments/x.yaml", "defaults: [override /model: nosuch]\n", "experiments=x", "got 'nosuch', expected one"),
        ("experiments/x.yaml", "tracking: {run_name: '${nosuch:1}'}\n", "experiments=x", "Unsupported interpolation"),
        ("experiments/x.yaml", "seed: ${\n", "experiments=x", "no viable alternative"),
        ("conf/model/x.yaml", "kernal_size: 5\n", "model=x", "model.kernal_size: got 5 in conf/model/x.yaml"),
        ("conf/model/x.yaml", "- 5\n", "model=x", "conf/model/x.yaml: got a list"),
        ("conf/model/x.yaml", "a: !!python/name:os.system x\n", "model=x", "conf/model/x.yaml, line 1"),
    ],
)  # fmt: skip
def test_the_file_is_named(file: str, text: str, word: str, told: str, write: Path, refused: Refused) -> None:
    (write / file).write_text(text, encoding="utf-8")
    error = refused(word)
    assert any(part in str(error) for part in told.split("|")), str(error)


def test_a_study_needs_no_header(write: Path) -> None:
    (write / "experiments" / "x.yaml").write_text("seed: 7\n", encoding="utf-8")
    assert compose_config(["experiments=x"]).config.seed == 7
