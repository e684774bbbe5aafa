"""The run record: a folder `runs/<id>/` that a run writes as it goes, and that everything else reads.

run.json          who: id, name, time, overrides, identity, data (written once)
config.yaml       the whole checked config
environment.json  machine, packages, git commit; code.patch: what differs from that commit
events.jsonl      what happened, in order: started, epoch, result, ended, found (only ever appended to)
                  started says `after` which epoch it goes on (null: none), and what `changed` since the start before it
predictions.npz   probabilities, losses, labels and image digests of validation and test
probes/           epoch_NNN.npz: maps and filters of the fixed digits, float16; filters_before.npz: the filters before
                  training, where the maps of epoch 0 were not kept
weights.npz       the final weights
checkpoint/       the last two training states while the run goes on, and longer where the config keeps them
figures/          the pictures
lock              held by the process that writes, so that a record knows whether its writer lives
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from cnnexp.config.problems import checked
from cnnexp.config.reading import yaml_text
from cnnexp.config.schema import SCHEMA_VERSION, ExperimentConfig
from cnnexp.errors import ConfigError, RunError, printable
from cnnexp.runs.files import Arrays, read_arrays, read_json
from cnnexp.runs.journal import (
    EVENTS_FILE,
    RUNNING,
    Ending,
    changes_told,
    ending_of,
    epochs_told,
    milliseconds,
    read_events,
)
from cnnexp.runs.place import read_place
from cnnexp.runs.trust import (
    ENVIRONMENT,
    PUBLISHED,
    believe_folder,
    believe_header,
    believe_pictures,
    believe_predictions,
    believe_probes,
)
from cnnexp.runs.upgrades import CONFIG_STEPS, upgraded
from cnnexp.specs import believe

CHECKPOINT = "checkpoint"
FILTERS_BEFORE = "probes/filters_before.npz"


@dataclass(frozen=True)
class RunRecord:
    """One record, read from its folder. Values are read when they are asked for and kept."""

    folder: Path

    @cached_property
    def header(self) -> dict[str, Any]:
        """Who it is. Raises RunError for a record that is not to be trusted, or of a newer version."""
        believe_folder(self.folder)
        where = str(self.folder / "run.json")
        header = upgraded(read_json(self.folder / "run.json"), where)
        believe_header(header, where)
        return header

    @property
    def id(self) -> str:
        return str(self.header["id"])

    @property
    def name(self) -> str:
        return printable(self.header["name"])

    @property
    def command(self) -> str:
        """The command that began it, to be shown."""
        return printable(self.header["command"])

    @property
    def created(self) -> str:
        return str(self.header["created"])

    @property
    def overrides(self) -> tuple[str, ...]:
        return tuple(self.header["overrides"])

    @property
    def data(self) -> dict[str, Any]:
        """Source, digest, sizes, image_shape and class_names of the digits."""
        return dict(self.header["data"])

    @property
    def class_names(self) -> tuple[str, ...]:
        return tuple(self.data["class_names"])

    @cached_property
    def config(self) -> ExperimentConfig:
        """The checked config; reading it never runs code.

        Raises RunError with all problems of a file that is missing, broken, of a newer version or no config.
        """
        path = self.folder / "config.yaml"
        try:
            values = yaml.safe_load(yaml_text(path))
            if isinstance(values, dict) and "schema_version" in values:
                values = upgraded(values, str(path), CONFIG_STEPS, SCHEMA_VERSION)
            return checked(values)
        except ConfigError as error:
            first = error.problems[0]
            where = first.where if first.where.startswith(str(path)) else f"{path}: {first.where}"
            raise RunError(where, first.got, first.expected, first.hint) from None

    @cached_property
    def environment(self) -> dict[str, Any]:
        """Machine, packages and code. Raises RunError where they are not told as cnnexp tells them."""
        path = self.folder / "environment.json"
        found = read_json(path)
        believe(found, ENVIRONMENT, str(path), "what a run ran on")
        return {key: value for key, value in found.items() if value is not None}

    @property
    def threads(self) -> int:
        """Threads inside one operation, on which bits depend."""
        if "threads" not in self.environment:
            raise RunError(str(self.folder / "environment.json"), "no threads", "how many threads the run had")
        return int(self.environment["threads"])

    @cached_property
    def patch(self) -> str:
        """What differed from the commit; empty where nothing did, and outside a git checkout."""
        path = self.folder / "code.patch"
        try:
            return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        except OSError as error:
            raise RunError(str(path), error.strerror or str(error), "a file that can be read") from None

    @cached_property
    def events(self) -> tuple[dict[str, Any], ...]:
        """All events in order, as `read_events` gives them."""
        return read_events(self.folder / EVENTS_FILE)

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        """The events of one kind, in order."""
        return [event for event in self.events if event["event"] == kind]

    @property
    def ending(self) -> Ending | None:
        """How it ended; None while it runs (or since its process is gone)."""
        return ending_of(self.events)

    @property
    def status(self) -> str:
        return self.ending.status if self.ending else RUNNING

    @cached_property
    def epochs(self) -> tuple[dict[str, Any], ...]:
        """The epoch events that it went through, by epoch, each epoch once."""
        return epochs_told(self.events)

    @property
    def changed(self) -> tuple[str, ...]:
        """What changed between its starts that its bits may depend on; empty unless it was resumed elsewhere."""
        return changes_told(self.events)

    @property
    def checkpoints(self) -> tuple[Path, ...]:
        """The files of its training states, newest first."""
        return tuple(sorted((self.folder / CHECKPOINT).glob("*.npz"), reverse=True))

    @property
    def epochs_done(self) -> int:
        return max((event["epoch"] for event in self.epochs), default=0)

    @property
    def history(self) -> dict[str, list[tuple[int, float]]]:
        """Each metric as (epochs done, value) pairs in order."""
        history: dict[str, list[tuple[int, float]]] = {}
        for event in self.epochs:
            for key, value in event["metrics"].items():
                history.setdefault(key, []).append((event["epoch"], value))
        return history

    @property
    def result(self) -> dict[str, float]:
        """What was measured once, with the kept weights: loss/test, accuracy/test, best/epoch, …; empty before."""
        results = self.of_kind("result")
        return dict(results[-1]["metrics"]) if results else {}

    @property
    def metrics(self) -> dict[str, float]:
        """The newest value of every metric, results included."""
        return {key: points[-1][1] for key, points in self.history.items()} | self.result

    @property
    def ended(self) -> str | None:
        """When it ended (the last event's time where it never said so); None while it runs."""
        ended = self.of_kind("ended")
        return str(ended[-1]["time"]) if ended and self.ending else None

    @property
    def last_seen(self) -> str:
        """When its process last wrote an event."""
        return max([self.created, *(str(event["time"]) for event in self.events)], key=milliseconds)

    @property
    def seconds(self) -> float:
        """Wall-clock seconds from each start to its end, or to the last event where it never ended, added up."""
        total, began, last = 0, None, 0
        for event in self.events:
            last = milliseconds(event["time"])
            if event["event"] == "started":
                began = last
            elif event["event"] == "ended" and began is not None:
                total, began = total + last - began, None
        return (total + (last - began if began is not None else 0)) / 1000

    @property
    def mlflow(self) -> dict[str, Any]:
        """Where MLflow keeps it (run_id, experiment_id, uri); empty if it was never published."""
        return read_place(self.folder, PUBLISHED)

    def predictions(self, split: str) -> Arrays:
        """`probabilities` (n, classes), `labels` (n,) and `digests` (n,) of validation or test; empty if not there.

        `losses` (n,) too, in nats, which older records do not have.
        """
        path = self.folder / "predictions.npz"
        arrays = read_arrays(path) if path.is_file() else {}
        found = {k.removeprefix(f"{split}/"): v for k, v in arrays.items() if k.startswith(f"{split}/")}
        if found:
            believe_predictions(found, len(self.class_names), f"{path}: {split}")
        return found

    @property
    def probed_epochs(self) -> tuple[int, ...]:
        """The epochs whose maps and filters were kept."""
        names = (path.stem.removeprefix("epoch_") for path in self.folder.glob("probes/epoch_*.npz"))
        return tuple(sorted(int(name) for name in names if name.isascii() and name.isdigit()))

    def probes(self, epoch: int) -> Probes:
        """Maps and filters after `epoch` epochs.

        Raises RunError when none were kept then, and where they are not those of the same digits and layers as others.
        """
        return self._probes(_probe_file(epoch), self._probed_shapes)

    @property
    def filters_before(self) -> Arrays:
        """Before training, float32, by block; empty where they were not kept. Raises RunError as `probes` does."""
        if 0 in self.probed_epochs:
            return self.probes(0).filters
        if not self.probed_epochs or not (self.folder / FILTERS_BEFORE).is_file():
            return {}
        shapes = {name: shape for name, shape in self._probed_shapes.items() if name.startswith("filters/")}
        return self._probes(FILTERS_BEFORE, shapes).filters

    def _probes(self, file: str, shapes: dict[str, tuple[int, ...]]) -> Probes:
        arrays = self._probe_arrays(file)
        if {name: array.shape for name, array in arrays.items()} != shapes:
            where = str(self.folder / file)
            raise RunError(where, "other layers or shapes", f"those of epoch {self.probed_epochs[-1]}")
        parts: dict[str, Arrays] = {"maps": {}, "filters": {}}
        for name, array in arrays.items():
            kind, _, layer = name.partition("/")
            parts.get(kind, {})[layer] = array.astype("float32")
        return Probes(parts["maps"], parts["filters"])

    @cached_property
    def _probed_shapes(self) -> dict[str, tuple[int, ...]]:
        """Of the maps and filters that every kept epoch has."""
        newest = self._probe_arrays(_probe_file(self.probed_epochs[-1]))
        return {name: array.shape for name, array in newest.items()}

    def _probe_arrays(self, file: str) -> Arrays:
        path = self.folder / file
        arrays = read_arrays(path)
        shown = len(self.digits()["labels"]) if (self.folder / "probes" / "digits.npz").is_file() else None
        believe_probes(arrays, shown, str(path))
        return arrays

    def digits(self) -> Arrays:
        """The fixed digits that the maps show: `images` (n, h, w, c), `labels` (n,), `digests` (n,)."""
        path = self.folder / "probes" / "digits.npz"
        found = read_arrays(path)
        believe_pictures(found, len(self.class_names), str(path), needed="digests")
        return found

    def pictures(self) -> Arrays:
        """The digits behind single pictures: samples/images, samples/labels, and mistakes/<split>/…; or none.

        Raises RunError for arrays that do not fit one another.
        """
        path = self.folder / "pictures.npz"
        found = read_arrays(path) if path.is_file() else {}
        for group in sorted({name.rpartition("/")[0] for name in found}):
            part = {name.rpartition("/")[2]: array for name, array in found.items() if name.startswith(f"{group}/")}
            believe_pictures(part, len(self.class_names), f"{path}: {group}")
        return found

    def fresh(self) -> RunRecord:
        """The same record, read anew."""
        return RunRecord(self.folder)


def _probe_file(epoch: int) -> str:
    return f"probes/epoch_{epoch:03d}.npz"


@dataclass(frozen=True)
class Probes:
    """maps: layer → (digits, h, w, channels); filters: block → (kh, kw, in, out); float32."""

    maps: Arrays
    filters: Arrays
