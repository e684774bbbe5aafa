"""cnnexp from Python: `run = cnnexp.train("model.kernel_size=5")`, `run.history`, `run.maps("conv_1", digit=7)`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from cnnexp.config.schema import ExperimentConfig
from cnnexp.errors import ConfigError, RunError
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
    from cnnexp.inspection.passage import Inspection
    from cnnexp.inspection.trained import RunInspection
    from cnnexp.prediction import Answer
    from cnnexp.runs.sweep_record import SweepRecord
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

    def inspect(
        self,
        *overrides: str,
        image: str | Path | None = None,
        index: int | None = None,
        digit: int | str | None = None,
        split: str | None = None,
        layer: str | None = None,
        cell: tuple[int, ...] | None = None,
        filter: int | None = None,
        patch: int | None = None,
        epochs: bool = False,
        as_is: bool = False,
        folder: str | Path | None = None,
        mlflow: bool = False,
    ) -> RunInspection:
        """One picture in the trained network, as `cnnexp inspect RUN` shows it: arrays, and a folder of pictures.

        overrides: other digits than its own (`data…`). Raises ConfigError, DataError, RunError or StoreError before
        anything is written.
        """
        from cnnexp.inspection.question import AskedOfRun
        from cnnexp.inspection.trained_files import inspect_trained

        picture = None if image is None else str(image)
        asked = AskedOfRun(picture, index, digit, split, cell, layer, filter, epochs, patch, as_is)
        place = None if folder is None else str(folder)
        return inspect_trained(self.record, asked, overrides, place, mlflow=mlflow)

    def verify(self, first: Run | str | None = None) -> Verification:
        """Whether this run is the same as the one that it repeats, or as `first`: `.verdict`, with the evidence.

        Raises RunError where it repeats none, and where the two are no runs of one recipe.
        """
        from cnnexp.rerunning import repeated_by, verify_rerun

        word = first.id if isinstance(first, Run) else first
        with borrowed(word or repeated_by(self.record)) as record:
            return verify_rerun(record, self.record)


class Sweep:
    """A recorded sweep: what it tried, and which run it chose by validation."""

    def __init__(self, record: SweepRecord) -> None:
        self.record = record

    def __repr__(self) -> str:
        return f"<Sweep {self.id} {self.record.name!r} {self.status} {len(self.runs)} runs>"

    @property
    def id(self) -> str:
        return self.record.id

    @property
    def status(self) -> str:
        """RUNNING, FINISHED, FAILED (also where a single run of it failed) or KILLED."""
        return self.record.status

    @property
    def runs(self) -> list[Run]:
        """The runs of its points, in the order of the points; impossible points have none."""
        return [Run(record) for _, record in self.record.runs()]

    @property
    def chosen(self) -> Run | None:
        """The run that validation chose, which alone met the test digits; None where no run finished."""
        run = self.record.result.get("run")
        return next((one for one in self.runs if one.id == run), None)

    def figures(self) -> dict[str, Figure]:
        """The pictures of its answer, contact sheets among them, drawn from the records."""
        from cnnexp.study.summary import figures_of, swept_runs

        return dict(figures_of(self.record, swept_runs(self.record)))


def train(*overrides: str) -> Run:
    """Train one network, as `cnnexp train` does, and return its run.

    Raises ConfigError (also for what describes a sweep) or DataError before anything is written, TrainingError when
    the loss is no longer finite.
    """
    from cnnexp.config.compose import compose_config
    from cnnexp.experiment import run_experiment

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

    return Sweep(carry_out(overrides))


def resume(run: str = "latest", *overrides: str) -> Run:
    """Go on with a run that was interrupted, or with a finished one for more epochs, as `cnnexp resume` does.

    The run itself where nothing is left. Raises ConfigError, DataError or RunError where it cannot, before anything is
    written; RunError also where this process runs TensorFlow with other threads than the run did.
    """
    from cnnexp.resuming import go_on, what_is_left
    from cnnexp.verbs.progress import progress_for

    record = find_record(run, runs_folder())
    config = what_is_left(record, overrides)
    return Run(record if config is None else go_on(record, config, progress_for(sys.stderr, config)))


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
    from cnnexp.inspection.files import inspect as inspect_one
    from cnnexp.inspection.question import Asked

    asked = Asked(None if image is None else str(image), index, digit, split, cell, layer)
    place = None if folder is None else str(folder)
    return inspect_one(compose_config(overrides), asked, place, mlflow=mlflow)
