"""The settings of launchers are judged like any config: before anything runs, all together, each with its key."""

from __future__ import annotations

import pytest

from cnnexp.config.compose import compose_tree, launcher_settings
from cnnexp.errors import ConfigError


@pytest.mark.parametrize("sign", ["", "+", "++"])
def test_settings_that_a_launcher_has(sign: str) -> None:
    words = ("hydra/launcher=slurm", f"{sign}hydra.launcher.slurm.partition=gpu", f"{sign}hydra.launcher.timeout_min=5")
    settings = launcher_settings(compose_tree(words)[1])
    assert (settings["slurm"], settings["timeout_min"]) == ({"partition": "gpu"}, 5)
    ray = launcher_settings(compose_tree(("hydra/launcher=ray", f"{sign}hydra.launcher.ray.remote.num_cpus=2"))[1])
    assert ray["ray"]["remote"] == {"num_cpus": 2}


@pytest.mark.parametrize(
    ("launcher", "word", "told"),
    [
        ("slurm", "executor=locl", "hydra.launcher.executor: got 'locl', expected 'slurm' or 'local'"),
        ("slurm", "timeout_min=abc", "hydra.launcher.timeout_min: got 'abc', expected a valid integer"),
        ("slurm", "nodes=0", "hydra.launcher.nodes: got 0, expected greater than or equal to 1"),
        ("slurm", "partition=gpu", "hydra.launcher.partition: got 'gpu', expected a setting of slurm"),
        ("slurm", "slurm.partiton=gpu", "hydra.launcher.slurm.partiton: got 'partiton', expected 'account', "),
        ("ray", "ray.remote.cpus=1", "hydra.launcher.ray.remote.cpus: got 'cpus', expected 'accelerator_type', "),
        ("parallel", "timeout_min=5", "hydra.launcher.timeout_min: got 5, expected a setting of parallel"),
    ],
)
def test_settings_that_it_has_not(launcher: str, word: str, told: str) -> None:
    with pytest.raises(ConfigError) as refused:
        compose_tree((f"hydra/launcher={launcher}", f"hydra.launcher.{word}"))
    assert str(refused.value).startswith(told)
    assert f"See conf/hydra/launcher/{launcher}.yaml" in str(refused.value)


def test_all_are_told_together() -> None:
    with pytest.raises(ConfigError, match="2 problems"):
        compose_tree(("hydra/launcher=slurm", "hydra.launcher.nodes=0", "hydra.launcher.mem_gb=2.5"))
