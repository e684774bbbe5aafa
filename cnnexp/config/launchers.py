"""What may stand below `hydra.launcher`: the settings that conf/hydra/launcher/ gives their values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, ValidationError

from cnnexp.config.choices import Strict
from cnnexp.errors import ConfigError, Problem, show

RemoteOption = Literal[
    "accelerator_type", "max_calls", "max_retries", "memory", "num_cpus", "num_gpus", "resources", "runtime_env",
    "scheduling_strategy",
]  # fmt: skip
SlurmOption = Literal[
    "account", "additional_parameters", "array_parallelism", "comment", "constraint", "cpus_per_gpu", "exclude",
    "gpus_per_task", "gres", "max_num_timeout", "mem_per_cpu", "mem_per_gpu", "partition", "qos", "setup",
    "signal_delay_s",
]  # fmt: skip


class OnThisMachine(Strict):
    """Worker processes here."""

    name: str


class RayArguments(Strict):
    """What Ray is called with."""

    init: dict[str, Any]
    remote: dict[RemoteOption, Any]


class Ray(OnThisMachine):
    """Hydra's launcher for Ray."""

    ray: RayArguments


class Slurm(OnThisMachine):
    """Hydra's launcher for Slurm, by submitit."""

    executor: Literal["slurm", "local"]
    timeout_min: int = Field(ge=1)
    cpus_per_task: int | None = Field(ge=1)
    gpus_per_node: int | None = Field(ge=0)
    mem_gb: int | None = Field(ge=1)
    tasks_per_node: int = Field(ge=1)
    nodes: int = Field(ge=1)
    stderr_to_stdout: bool
    slurm: dict[SlurmOption, Any]


LAUNCHER = "hydra/launcher"
LAUNCHERS: dict[str, type[OnThisMachine]] = {
    "parallel": OnThisMachine, "serial": OnThisMachine, "ray": Ray, "slurm": Slurm,
}  # fmt: skip


def check_settings(name: str, settings: Mapping[str, Any]) -> None:
    """Raise ConfigError with every setting that the launcher does not have, or that has no such value."""
    if name not in LAUNCHERS:
        return
    try:
        LAUNCHERS[name].model_validate(settings)
    except ValidationError as error:
        raise ConfigError.of([_problem(name, detail) for detail in error.errors(include_url=False)]) from None


def _problem(name: str, detail: Any) -> Problem:
    path = [str(part) for part in detail["loc"] if part != "[key]"]
    got = "nothing" if detail["type"] == "missing" else show(detail["input"])
    is_unknown = detail["type"] == "extra_forbidden"
    expected = f"a setting of {name}" if is_unknown else detail["msg"].removeprefix("Input should be ")
    return Problem(".".join(["hydra.launcher", *path]), got, expected, f"See conf/hydra/launcher/{name}.yaml")
