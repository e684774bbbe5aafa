from __future__ import annotations

from pathlib import Path

from cnnexp.config.keys import NAME, schema_keys
from cnnexp.config.reference import as_yaml, default_text, group_of, groups, is_section, markdown, presets
from cnnexp.config.schema import ExperimentConfig

ROOT = Path(__file__).resolve().parent.parent.parent


def test_the_page_in_docs_is_the_one_that_the_schema_makes() -> None:
    written = (ROOT / "docs" / "config.md").read_text(encoding="utf-8")
    assert written == markdown(), "write it anew: cnnexp explain --markdown > docs/config.md"


def test_every_key_of_the_schema_is_told_once() -> None:
    told = [key.path for group in groups() for key in group.keys if not key.choice]
    assert sorted(told) == sorted(k.path for k in schema_keys() if not k.choice and not is_section(k))
    for key in schema_keys():
        if key.choice:
            options = next(group for group in groups() if group.name == group_of(key)).keys
            matching = [o for o in options if o.path == key.path.rpartition(".")[2]
                        and set(key.choice.split("/")) <= set(o.choice.split("/"))]  # fmt: skip
            assert [(o.allowed, o.default, o.description) for o in matching] == [
                (key.allowed, key.default, key.description)
            ]


def test_options_that_differ_by_choice_stand_apart() -> None:
    optimizers = next(group for group in groups() if group.name == "optimizers")
    decay = [(key.choice, default_text(key)) for key in optimizers.keys if key.path == "weight_decay"]
    assert decay == [("adam/sgd/rmsprop", "0"), ("adamw", "0.004")]
    assert optimizers.part_of == "training"


def test_defaults_as_one_writes_them() -> None:
    texts = {key.path: default_text(key) for key in schema_keys()}
    assert texts["model.kernel_size"] == "3"
    assert texts["model.pool"] == "{type: max, pool_size: 2, strides: 2, padding: same}"
    assert texts["training.optimizer"] == "adam"
    assert texts["training.gradient_clip"] == "none"
    assert texts["data.limit"] == "null"
    assert texts[f"model.blocks.{NAME}.filters"] == "(must be given)"
    assert texts["model.kernel_initializer.values"] == "(must be given)"


def test_values_as_one_writes_them() -> None:
    values = {"training": {"optimizer": {"type": "sgd", "momentum": 0.9}}, "model": {"kernel_size": [1, 7]}}
    config = ExperimentConfig.model_validate(values)
    assert as_yaml(config.training.optimizer) == "{type: sgd, momentum: 0.9}"
    assert as_yaml(config.model.kernel_size) == "[1, 7]"
    assert as_yaml({"a": [1, None, True], "b": 1e-7}) == "{a: [1, null, true], b: 1e-07}"
    assert as_yaml(None, none="none") == "none"


def test_the_files_of_conf_with_their_first_comment() -> None:
    found = {f"{group}={path.stem}": about for group, path, about in presets()}
    assert found["model=one_block"] == "A single block before the dense layers."
    assert {"data=mnist_5k", "tracking=off", "figures=default"} <= set(found)
