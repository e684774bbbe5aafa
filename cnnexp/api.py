"""cnnexp from Python: `run = cnnexp.train("model.kernel_size=5")`, `run.history`, `run.maps("conv_1", digit=7)`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from cnnexp.config.schema import ExperimentConfig
from cnnexp.errors import RunError
from cnnexp.runs.find import runs_folder
from cnnexp.runs.record import RunRecord
from cnnexp.verbs.lifecycle import borrowed, bury_the_dead
from cnnexp.verbs.lifecycle import find as find_record
from cnnexp.verbs.progress import progress_for

if TYPE_CHECKING:
    import keras
    from matplotlib.figure import Figure

    from cnnexp.analysis.verification import Verification
    from cnnexp.evaluation import Evaluation
    from cnnexp.inspection import Inspection
    from cnnexp.prediction import Answer
    from cnnexp.shapes import LayerTable


class Run:
    """A recorded run: what it was, how it went, what its layers saw."""

    def __init__(self, record: RunRecord) -> None:
        self.record = record

    def __repr__(self) -> str:
        accuracy = self.metrics.get("accuracy/test", self.metrics.get("accuracy/val"))
        return f"<Run {self.id} {self.name!r} {self.status}{'' if accuracy is None else f' {accuracy:.2%}'}>"

    @property
    def id(self) -> str:
        return self.record.id

    @property
    def name(self) -> str:
        return self.record.name

    @property
    def status(self) -> str:
        """RUNNING, FINISHED, FAILED or KILLED."""
        return self.record.status

    @property
    def config(self) -> ExperimentConfig:
        return self.record.config

    @property
    def history(self) -> dict[str, list[tuple[int, float]]]:
        """Each metric as (epochs done, value) pairs."""
        return self.record.history

    @property
    def metrics(self) -> dict[str, float]:
        """The newest value of every metric."""
        return self.record.metrics

    @property
    def folder(self) -> Path:
        return self.record.folder

    def maps(self, layer: str, digit: int, epoch: int | None = None) -> NDArray[Any]:
        """Feature maps (height, width, channels) of a layer for the fixed digit of class `digit`.

        epoch: one of those kept (None: the last). Raises RunError for a layer, digit or epoch that was not kept.
        """
        kept = self.record.probed_epochs
        if not kept:
            raise RunError(self.id, "no feature maps", "a run that kept some")
        chosen = kept[-1] if epoch is None else epoch
        if chosen not in kept:
            raise RunError("epoch", str(epoch), f"one of those kept: {', '.join(map(str, kept))}")
        maps, labels = self.record.probes(chosen).maps, self.record.digits()["labels"].tolist()
        if layer not in maps:
            raise RunError("layer", layer, f"one of {', '.join(maps)}")
        if digit not in labels:
            raise RunError("digit", str(digit), f"one of those kept: {', '.join(map(str, sorted(labels)))}")
        chosen_maps: NDArray[Any] = maps[layer][labels.index(digit)]
        return chosen_maps

    def figures(self) -> dict[str, Figure]:
        """All pictures of the run, drawn from its record."""
        from cnnexp.drawing import figures_of

        return dict(figures_of(self.record))

    def model(self) -> keras.Model:
        """The trained network; raw pixels in, logits out."""
        from cnnexp.evaluation import load_model

        return load_model(self.record)

    def predict(self, *paths: str | Path, as_is: bool = False) -> list[Answer]:
        """What the network says of picture files, or of folders of them.

        Raises DataError with every file that is missing, broken or blank, RunError for a run without weights.
        """
        from cnnexp.prediction import ask, expected_by, read_pictures_for

        return ask([self.record], read_pictures_for(expected_by([self.record], as_is=as_is), [*map(str, paths)]))

    def evaluate(self, *overrides: str, split: str = "test") -> Evaluation:
        """The network on one split of its own digits (train, validation, test), or of those that `data…` words name.

        Raises DataError for digits that it was trained on, or whose shape or classes are not the network's.
        """
        from cnnexp.evaluation import data_of, evaluate_record

        return evaluate_record(self.record, data_of(self.record, overrides), split).evaluation

    def verify(self, first: Run | str | None = None) -> Verification:
        """Whether this run is the same as the one that it repeats, or as `first`: `.verdict`, with the evidence.

        Raises RunError where it repeats none, and where the two are no runs of one recipe.
        """
        from cnnexp.rerunning import repeated_by, verify_rerun

        word = first.id if isinstance(first, Run) else first
        with borrowed(word or repeated_by(self.record)) as record:
            return verify_rerun(record, self.record)


def train(*overrides: str) -> Run:
    """Train one network, as `cnnexp train` does, and return its run.

    Raises ConfigError or DataError before anything is written, TrainingError when the loss is no longer finite.
    """
    from cnnexp.config.compose import compose_config
    from cnnexp.experiment import run_experiment

    composed = compose_config(overrides)
    return Run(run_experiment(composed, progress_for(sys.stderr, composed.config)))


def rerun(run: Run | str = "latest", *overrides: str) -> Run:
    """Train a stored run again, as `cnnexp rerun` does; `.verify()` of what comes back says whether it is the same.

    Raises ConfigError, DataError or RunError before anything is written, TrainingError when the loss is not finite.
    """
    from cnnexp.rerunning import carry_out, plan_rerun

    with borrowed(run.id if isinstance(run, Run) else run, overrides) as first:
        plan = plan_rerun(first, overrides)
        return Run(carry_out(plan, progress_for(sys.stderr, plan.config)))


def find(run: str = "latest") -> Run:
    """The run that an id, an MLflow id, a unique prefix of either, or `latest` names.

    Raises RunError when there is none, or more than one.
    """
    return Run(find_record(run, runs_folder()))


def list_runs() -> list[Run]:
    """All runs of the working folder, newest first."""
    return [Run(record) for record in bury_the_dead(runs_folder())]


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
    from cnnexp.inspection_files import inspect as inspect_one
    from cnnexp.inspection_input import Asked

    asked = Asked(None if image is None else str(image), index, digit, split, cell, layer)
    place = None if folder is None else str(folder)
    return inspect_one(compose_config(overrides), asked, place, mlflow=mlflow)
