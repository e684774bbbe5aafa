"""The verbs as functions."""

from __future__ import annotations

import multiprocessing
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cnnexp.api.comparison import Comparison
from cnnexp.api.run import Run
from cnnexp.api.sweep import Sweep
from cnnexp.config.schema import ExperimentConfig
from cnnexp.errors import ConfigError, RunError, show
from cnnexp.runs.find import runs_folder
from cnnexp.verbs.lifecycle import borrowed, bury_the_dead
from cnnexp.verbs.lifecycle import find as find_record
from cnnexp.verbs.progress import progress_for

if TYPE_CHECKING:
    from cnnexp.analysis.run_differences import RunDifferences
    from cnnexp.inspection.passage import Inspection
    from cnnexp.shapes import LayerTable


def train(*overrides: str) -> Run:
    """Train one network, as `cnnexp train` does, and return its run.

    Raises ConfigError (also for what describes a sweep) or DataError before anything is written, TrainingError when
    the loss is no longer finite.
    """
    from cnnexp.config.compose import compose_config
    from cnnexp.experiment import run_experiment

    _check_guard("train")
    composed = compose_config(overrides)
    if composed.config.sweep.describes_many:
        words = ", ".join(map(repr, overrides))
        raise ConfigError("sweep", "a study of many networks", "one network", f"Train them all: cnnexp.sweep({words})")
    return Run(run_experiment(composed, progress_for(sys.stderr, composed.config)))


def sweep(*overrides: str) -> Sweep:
    """Train every point of a sweep, as `cnnexp train -m` does: `cnnexp.sweep("model.kernel_size=3,5", "seed=0,1,2")`.

    A run that fails costs only itself: see `Sweep.status`. Workers are new processes, so that a script needs the usual
    `if __name__ == "__main__":` around its call. Raises ConfigError or DataError before anything is written.
    """
    from cnnexp.verbs.sweeping import carry_out

    _check_guard("sweep")
    return Sweep(carry_out(overrides))


def _check_guard(name: str) -> None:
    """Raise ConfigError in a worker that still reads the script which started it: that would start it all again."""
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        hint = f'Write it as:  if __name__ == "__main__": cnnexp.{name}(...)'
        raise ConfigError(f"cnnexp.{name}", "a script that calls it whenever it is read, as each worker does",
                          "a call in the script's own process alone", hint)  # fmt: skip


def resume(run: Run | str = "latest", *overrides: str) -> Run:
    """Go on with a run that was interrupted, or with a finished one for more epochs, as `cnnexp resume` does.

    The run itself where nothing is left. Raises ConfigError, DataError or RunError where it cannot, before anything is
    written; RunError also where this process runs TensorFlow with other threads than the run did.
    """
    from cnnexp.resuming import go_on, what_is_left

    _check_guard("resume")
    record = find_record(_word(run), runs_folder())
    config = what_is_left(record, overrides)
    return Run(record if config is None else go_on(record, config, progress_for(sys.stderr, config)))


def rerun(run: Run | str = "latest", *overrides: str) -> Run:
    """Train a stored run again, as `cnnexp rerun` does; `.verify()` of what comes back says whether it is the same.

    Raises ConfigError, DataError or RunError before anything is written, TrainingError when the loss is not finite.
    """
    from cnnexp.rerunning import carry_out, plan_rerun

    _check_guard("rerun")
    with borrowed(_word(run), overrides) as first:
        plan = plan_rerun(first, overrides)
        return Run(carry_out(plan, progress_for(sys.stderr, plan.config)))


def find(run: str = "latest") -> Run:
    """The run that an id, an MLflow id, a unique prefix of either, or `latest` names.

    Raises RunError when there is none, or more than one.
    """
    return Run(find_record(run, runs_folder()))


def find_sweep(sweep: str) -> Sweep:
    """The sweep that an id, an MLflow id or a unique prefix of either names.

    Raises RunError when there is none, or more than one.
    """
    from cnnexp.runs import sweep_record

    bury_the_dead(runs_folder())
    found = sweep_record.find_sweep(sweep, runs_folder())
    if found is None:
        raise RunError("SWEEP", show(sweep), f"the id of a sweep in {runs_folder()}", "List its runs: cnnexp runs")
    return Sweep(found)


def list_runs() -> list[Run]:
    """All runs of the working folder, newest first."""
    return [Run(record) for record in bury_the_dead(runs_folder())]


def compare(*runs: Run | Sweep | str) -> Comparison:
    """Runs side by side, as `cnnexp compare` holds them: `cnnexp.compare("top:5").report()`.

    A sweep of more runs than fit side by side stands for its ten best. Raises RunError for fewer than two runs, for too
    many, and for a run without results.
    """
    from cnnexp.comparing import comparison_of, runs_to_compare

    everything = bury_the_dead(runs_folder())
    chosen, _ = runs_to_compare([*map(_word, runs)], runs_folder())
    return Comparison(comparison_of(chosen, everything))


def diff(first: Run | str, second: Run | str) -> RunDifferences:
    """Only what differs between two runs, as `cnnexp diff` tells it: `.sections`, `.weights`, `.is_nothing`.

    Raises RunError where one of them cannot be found.
    """
    from cnnexp.analysis.run_differences import run_differences

    with borrowed(_word(first)) as one, borrowed(_word(second)) as other:
        return run_differences(one, other)


def _word(named: Run | Sweep | str) -> str:
    return named if isinstance(named, str) else named.id


def compose(*overrides: str) -> ExperimentConfig:
    """The checked config that overrides lead to.

    Raises ConfigError with all problems together.
    """
    from cnnexp.config.compose import compose_config

    return compose_config(overrides).config


def layers(*overrides: str) -> LayerTable:
    """Every layer of a config's network by arithmetic alone, as `cnnexp shapes` shows them; no TensorFlow.

    Raises ConfigError for a network that cannot be built.
    """
    from cnnexp.config.compose import compose_config
    from cnnexp.verbs.shapes import table_of

    return table_of(compose_config(overrides).config)


def inspect(
    *overrides: str,
    image: str | Path | None = None,
    index: int | None = None,
    digit: int | str | None = None,
    split: str | None = None,
    cell: tuple[int, ...] | None = None,
    layer: str | None = None,
    folder: str | Path | None = None,
    mlflow: bool = False,
) -> Inspection:
    """One picture through the blocks of a config, nothing trained, as `cnnexp inspect` does: arrays, and a folder.

    Raises ConfigError, DataError or StoreError before anything is written.
    """
    from cnnexp.config.compose import compose_config
    from cnnexp.inspection.files import inspect as inspect_one
    from cnnexp.inspection.question import Asked

    asked = Asked(None if image is None else str(image), index, digit, split, cell, layer)
    place = None if folder is None else str(folder)
    return inspect_one(compose_config(overrides), asked, place, mlflow=mlflow)
