"""A recorded run from Python: its history, maps and pictures, and its network put to work."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from cnnexp.config.schema import ExperimentConfig
from cnnexp.errors import RunError
from cnnexp.runs.record import RunRecord
from cnnexp.verbs.lifecycle import borrowed, seeds_beside

if TYPE_CHECKING:
    import keras
    from matplotlib.figure import Figure

    from cnnexp.analysis.verification import Verification
    from cnnexp.evaluation import Evaluation
    from cnnexp.inspection.trained import RunInspection
    from cnnexp.prediction import Answer


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

        return figures_of(self.record)

    def model(self) -> keras.Model:
        """The trained network; raw pixels in, logits out."""
        from cnnexp.evaluation import load_model

        return load_model(self.record)

    def predict(self, *paths: str | Path, as_is: bool = False) -> list[Answer]:
        """What the network says of picture files, or of folders of them; what is left out of those is told.

        Raises DataError with every file that is missing, broken or blank, RunError for a run without weights.
        """
        from cnnexp.prediction import ask, expected_by, read_pictures_for

        expected = expected_by([self.record], as_is=as_is)
        return ask(
            [self.record], read_pictures_for(expected, [*map(str, paths)], lambda text: print(text, file=sys.stderr))
        )

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
            return verify_rerun(record, self.record, seeds_beside(record))
