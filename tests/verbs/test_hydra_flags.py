"""--cfg, --package, --resolve, --info, --config-dir: looking at a config instead of running it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from cnnexp.config.compose import compose_config
from cnnexp.config.problems import checked
from tests.conftest import Command


@pytest.mark.slow
def test_the_job_is_shown_as_yaml_that_composes_to_the_same(command: Command) -> None:
    done = command("train", "--cfg", "job", "model=small", "training.optimizer=sgd")
    assert (done.code, done.err) == (0, "")
    assert checked(yaml.safe_load(done.out)) == compose_config(["model=small", "training.optimizer=sgd"]).config


@pytest.mark.slow
def test_hydras_part_and_all_are_shown(command: Command) -> None:
    assert [*yaml.safe_load(command("train", "--cfg", "hydra").out)] == ["hydra"]
    assert {"hydra", "model", "seed"} <= {*yaml.safe_load(command("train", "-c", "all").out)}


@pytest.mark.parametrize(
    ("package", "shown"),
    [("training.epochs", "5\n"), ("model.blocks", "conv_1:\n  filters: 32\nconv_2:\n  filters: 64\n")],
)
def test_a_part_is_shown(package: str, shown: str, command: Command) -> None:
    assert command("train", "--cfg", "job", "--package", package).out == shown
    assert command("train", "--cfg", "job", "-p", "_global_").out == command("train", "--cfg", "job").out


@pytest.mark.slow
def test_interpolations_are_shown_as_written_or_resolved(command: Command) -> None:
    words = ("train", "--cfg", "job", "-p", "seed", "seed=${training.epochs}")
    whole = ("train", "--cfg", "job", "seed=${training.epochs}")
    assert command(*words).out == "5\n"
    assert "seed: ${training.epochs}\n" in command(*whole).out
    assert "seed: 5\n" in command(*whole, "--resolve").out


@pytest.mark.parametrize("part", ["all", "hydra"])
def test_hydras_own_part_has_no_values_to_resolve(part: str, command: Command) -> None:
    done = command("train", "--cfg", part, "--resolve")
    assert (done.code, done.out) == (2, "")
    assert f"--resolve: got --cfg {part}, expected --cfg job" in done.err


@pytest.mark.parametrize("package", ["modl", "model.nosuch", "data.limit", "seed.x", "a..b", "["])
def test_a_part_that_is_not_there_is_refused(package: str, command: Command) -> None:
    done = command("train", "--cfg", "job", "--package", package)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"error: --package: got {package!r}, expected a key of the config that has a value")


def test_a_config_that_cannot_be_is_not_shown(command: Command) -> None:
    done = command("train", "--cfg", "job", "model.kernal_size=5")
    assert (done.code, done.out) == (2, "")
    assert "Did you mean model.kernel_size?" in done.err


@pytest.mark.slow
def test_what_hydra_found_is_shown(command: Command, tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "conf").mkdir()
    done = command("train", "--info", "searchpath", "--config-dir", "more")
    assert done.code == 0
    assert str(tmp_path / "conf") in done.out
    assert str(tmp_path / "more") in done.out
    assert "model: small" in command("train", "--info", "defaults-tree", "model=small").out
