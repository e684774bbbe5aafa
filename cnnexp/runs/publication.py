"""One record in one MLflow store: finds or makes its run, and sends what the run does not have yet."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnnexp.errors import StoreError
from cnnexp.runs.colours import COLOUR_TAG, colour_of
from cnnexp.runs.description import describe
from cnnexp.runs.find import problem_of
from cnnexp.runs.journal import RUNNING, milliseconds
from cnnexp.runs.knobs import knob_tags, knobs
from cnnexp.runs.links import save_view
from cnnexp.runs.place import write_place
from cnnexp.runs.record import RunRecord
from cnnexp.runs.series import ARTIFACTS, FOLDER, LOGGED_TAG, lay_out, pictures
from cnnexp.runs.store import Store, only_once
from cnnexp.runs.sweep_record import SWEEP_FILE, SweepRecord, columns_of, member_tag, parent_in_mlflow

if TYPE_CHECKING:
    import keras
    from mlflow.entities import DatasetInput, Metric, Param, Run, RunTag

RUN_TAG = "cnnexp.run"
BATCH = 1000
NAME_LENGTH = 250
AT_ONCE = ("config.yaml", "environment.json", "code.patch", "run.json")
IN_THE_END = ("events.jsonl", "predictions.npz", "weights.npz", "probes/*.npz", "figures/*.png")


@dataclass
class Publication:
    """What MLflow has of a record. `points`: (metric, step); `files`: path in the record → size and time it had."""

    store: Store
    folder: Path
    run_id: str
    experiment_id: str
    status: str
    points: set[tuple[str, int]] = field(default_factory=set)
    files: dict[str, str] = field(default_factory=dict)
    model_id: str | None = None

    @classmethod
    def of(cls, store: Store, record: RunRecord) -> Publication:
        """The record's MLflow run in `store`, made if there is none.

        Raises StoreError when a person deleted that run in MLflow.
        """
        state = state_in(store, record)
        experiment_id = store.experiment_id(record.config.tracking.experiment)
        found = find_run(store, record, experiment_id, state.get("run_id"))
        run = found or _create_run(store, record, experiment_id)
        if run.info.lifecycle_stage == "deleted":
            hint = "Restore it there, in the experiment's list of deleted runs."
            raise StoreError(f"MLflow at {store.shown}", f"run {record.id}, deleted there", "a run that exists", hint)
        same = run.info.run_id == state.get("run_id")
        publication = cls(
            store, record.folder, run.info.run_id, run.info.experiment_id, run.info.status,
            points=_points_of(store, run) if found else set(),
            files=dict(state["files"]) if same else {},
            model_id=state.get("model_id") if same else None,
        )  # fmt: skip
        publication._save(record)  # first: a run that nobody knows of would go on in MLflow for ever
        publication._describe(record, run)
        save_view(store.client, run.info.experiment_id)
        return publication

    def send(self, record: RunRecord) -> None:
        """What is new of a run that goes on: metrics and pictures, and that it does where it had ended before."""
        if record.status != self.status:
            self._send_status(record)
        self._send_metrics(record)
        self._send_files(AT_ONCE)
        self._send_pictures(record)
        self._save(record)

    def send_all(self, record: RunRecord) -> None:
        """Everything: metrics, how it ended, the report, all files."""
        self._send_metrics(record)
        self._send_status(record)
        self._send_pictures(record)
        self._send_files(AT_ONCE + IN_THE_END)
        self._save(record)

    def send_model(self, record: RunRecord, model: keras.Model) -> None:
        """The trained Keras model, once."""
        from cnnexp.runs.models import log_model

        self.model_id = log_model(self.store.client, self.run_id, self.experiment_id, model)
        self._save(record)

    def _describe(self, record: RunRecord, run: Run) -> None:
        """Params and dataset, which never change: where a crash came between making the run and this, they follow."""
        if not run.data.params:
            self.store.client.log_batch(self.run_id, params=_params(record), synchronous=True)
        if run.inputs is None or not run.inputs.dataset_inputs:
            self.store.client.log_inputs(self.run_id, datasets=[_dataset(record)])

    def _send_metrics(self, record: RunRecord) -> None:
        known = {key for key, _ in self.points}
        new = [metric for metric in _of_epochs(record) if (metric.key, metric.step) not in self.points]
        new += [metric for metric in _measured_once(record) if metric.key not in known]
        for start in range(0, len(new), BATCH):
            part = new[start : start + BATCH]
            self.store.client.log_batch(self.run_id, metrics=part, synchronous=True)
            self.points.update((metric.key, metric.step) for metric in part)

    def _send_status(self, record: RunRecord) -> None:
        client = self.store.client
        client.log_batch(self.run_id, tags=as_tags(_telling(record)), synchronous=True)
        if record.status == self.status:
            return
        if record.ended is None:
            client.update_run(self.run_id, status=record.status)
        else:
            client.set_terminated(self.run_id, status=record.status, end_time=milliseconds(record.ended))
        self.status = record.status

    def _send_files(self, patterns: Sequence[str]) -> None:
        for path in files_of(self.folder, patterns):
            name, stamp = path.relative_to(self.folder), stamp_of(path)
            if self.files.get(name.as_posix()) != stamp:
                parent = name.parent.as_posix()
                self.store.client.log_artifact(self.run_id, str(path), None if parent == "." else parent)
                self.files[name.as_posix()] = stamp

    def _send_pictures(self, record: RunRecord) -> None:
        names = {picture: picture.path.relative_to(self.folder).as_posix() for picture in pictures(self.folder)}
        stamps = {picture: stamp_of(picture.path) for picture in names}
        new = [picture for picture, name in names.items() if self.files.get(name) != stamps[picture]]
        if not new:
            return
        with tempfile.TemporaryDirectory(prefix="cnnexp-") as folder:
            lay_out(new, Path(folder), self.run_id, milliseconds(record.created))
            self.store.client.log_artifacts(self.run_id, folder, ARTIFACTS)
        self.store.client.set_tag(self.run_id, LOGGED_TAG, "True", synchronous=True)
        self.files |= {names[picture]: stamps[picture] for picture in new}

    def _save(self, record: RunRecord) -> None:
        state = {
            "uri": self.store.shown,
            "experiment_id": self.experiment_id,
            "run_id": self.run_id,
            "status": self.status,
            "epochs": sum(event["epoch"] > 0 for event in record.epochs),
            "model_id": self.model_id,
            "files": self.files,
        }
        if state != record.fresh().mlflow:
            with suppress(OSError):  # only a shortcut: without it MLflow is asked
                write_place(self.folder, state)


def state_in(store: Store, record: RunRecord) -> dict[str, Any]:
    """What mlflow.json says, if it speaks of this store."""
    return record.mlflow if record.mlflow.get("uri") == store.shown else {}


def find_tagged(store: Store, record_id: str, experiment_id: str, known: str | None = None) -> Run | None:
    """The run of an experiment that is tagged with a record's id, deleted ones included; of several the `known` one."""
    runs = sorted(_tagged(store, record_id, experiment_id), key=lambda run: _rank(run, known), reverse=True)
    return store.client.get_run(runs[0].info.run_id) if runs else None


def _tagged(store: Store, record_id: str, experiment_id: str) -> list[Run]:
    from mlflow.entities import ViewType

    return list(store.client.search_runs([experiment_id], f"tags.`{RUN_TAG}` = '{record_id}'", ViewType.ALL))


def _rank(run: Run, known: str | None) -> tuple[bool, bool, int]:
    return run.info.run_id == known, run.info.lifecycle_stage == "active", len(run.data.params)


def remove_twins(store: Store, record_id: str, run: Run) -> None:
    """Delete the empty runs beside a record's `run`: made by a server whose answer was lost on its way."""
    for twin in _tagged(store, record_id, run.info.experiment_id):
        alive = twin.info.run_id != run.info.run_id and twin.info.lifecycle_stage == "active"
        if alive and not twin.data.params and not twin.data.metrics:
            store.client.delete_run(twin.info.run_id)


def find_run(store: Store, record: RunRecord, experiment_id: str, run_id: str | None) -> Run | None:
    """The record's run: the one that is known, else the one that is tagged with the record's id."""
    from mlflow.exceptions import MlflowException

    if run_id is not None:
        try:
            run = store.client.get_run(run_id)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
        else:
            if run.data.tags.get(RUN_TAG) == record.id:
                return run
    return find_tagged(store, record.id, experiment_id)


def published_run(store: Store, record: RunRecord) -> Run | None:
    """The run that a record has in `store`, deleted ones included; None where it has none."""
    state = state_in(store, record)
    known = store.client.get_experiment_by_name(record.config.tracking.experiment)
    experiment_id = state.get("experiment_id") or (known.experiment_id if known else None)
    return find_run(store, record, str(experiment_id), state.get("run_id")) if experiment_id else None


def is_whole(store: Store, record: RunRecord) -> bool:
    """Whether MLflow has all of a record, as far as mlflow.json and the store's list of runs tell."""
    state = record.mlflow
    if state.get("uri") != store.shown or state.get("status") != record.status or not model_is_there(record):
        return False
    run = find_run(store, record, str(state["experiment_id"]), str(state["run_id"]))
    if run is None or run.info.run_id != state["run_id"]:
        return False
    folder = record.folder
    wanted = [*files_of(folder, AT_ONCE + IN_THE_END), *(picture.path for picture in pictures(folder))]
    return all(state["files"].get(path.relative_to(folder).as_posix()) == stamp_of(path) for path in wanted)


def model_is_there(record: RunRecord) -> bool:
    """Whether MLflow has the model, or the record has no weights to make it from."""
    return record.mlflow.get("model_id") is not None or not (record.folder / "weights.npz").is_file()


def files_of(folder: Path, patterns: Sequence[str]) -> list[Path]:
    """The files of a record that match, in a fixed order; empty ones and series are left out."""
    found = [path for pattern in patterns for path in sorted(folder.glob(pattern))]
    return [path for path in found if path.is_file() and path.stat().st_size > 0 and FOLDER not in path.as_posix()]


def stamp_of(path: Path) -> str:
    """A file's size in bytes and time in nanoseconds."""
    stat = path.stat()
    return f"{stat.st_size}-{stat.st_mtime_ns}"


def _create_run(store: Store, record: RunRecord, experiment_id: str) -> Run:
    header, client = record.header, store.client
    links = _link_tags(record)
    tags = {RUN_TAG: record.id, **{f"cnnexp.{key}": header["identity"][key] for key in ("variant", "recipe")}}
    tags |= links | record.config.tracking.tags | {"mlflow.source.name": header["command"]} | _telling(record)
    with only_once():
        return client.create_run(
            experiment_id, start_time=milliseconds(record.created), tags=tags, run_name=record.name[:NAME_LENGTH]
        )


def _link_tags(record: RunRecord) -> dict[str, str]:
    """What a run is part of or comes from; a sweep's parent as MLflow names it, where the parent was published."""
    links = record.header["links"]
    tags = {f"cnnexp.{key}": str(value) for key, value in links.items()}
    if "sweep" in links:
        tags[member_tag(links["sweep"])] = "1"
        tags |= {COLOUR_TAG: colour_of(links["point"])} if "point" in links else {}
        if parent := parent_in_mlflow(record.folder.parent / links["sweep"]):
            tags["mlflow.parentRunId"] = parent
    return tags


def _params(record: RunRecord) -> list[Param]:
    return as_params(knobs(record.config, _varied_in(record)))


def as_params(texts: Mapping[str, str]) -> list[Param]:
    """What MLflow takes as params."""
    from mlflow.entities import Param

    return [Param(key, text) for key, text in texts.items()]


def _varied_in(record: RunRecord) -> dict[str, str]:
    """What varied in a run's point of the sweep that trains it, where the sweep's record is beside the run's."""
    links = record.header["links"]
    sweep = SweepRecord(record.folder.parent / links.get("sweep", ""))
    if not (sweep.folder / SWEEP_FILE).is_file() or problem_of(sweep) is not None:
        return {}
    return next((columns_of(point) for point in sweep.points if str(point["number"]) == links.get("point")), {})


def _telling(record: RunRecord) -> dict[str, str]:
    outcome = record.ending.outcome if record.ending else RUNNING.lower()
    return {**knob_tags(record.config), "cnnexp.outcome": outcome, "mlflow.note.content": describe(record)}


def as_tags(tags: Mapping[str, str]) -> list[RunTag]:
    """Tags as MLflow takes them."""
    from mlflow.entities import RunTag

    return [RunTag(key, value) for key, value in tags.items()]


def _points_of(store: Store, run: Run) -> set[tuple[str, int]]:
    histories: Iterable[list[Metric]] = (
        store.client.get_metric_history(run.info.run_id, key) for key in run.data.metrics
    )
    return {(point.key, point.step) for history in histories for point in history}


def _of_epochs(record: RunRecord) -> Iterator[Metric]:
    """Every value of an epoch with its time and the number of epochs done."""
    from mlflow.entities import Metric

    for event in record.epochs:
        for key, value in event["metrics"].items():
            yield Metric(key, value, milliseconds(event["time"]), event["epoch"])


def _measured_once(record: RunRecord) -> Iterator[Metric]:
    """The results, at step 0: MLflow draws a value at any other step as a dot in an empty chart, not as a bar."""
    from mlflow.entities import Metric

    for event in record.of_kind("result")[-1:]:
        for key, value in event["metrics"].items():
            yield Metric(key, value, milliseconds(event["time"]), 0)


def _dataset(record: RunRecord) -> DatasetInput:
    from mlflow.entities import Dataset, DatasetInput, InputTag

    data = record.data
    dataset = Dataset(
        name=str(data["source"]),
        digest=str(data["digest"]),
        source_type="cnnexp",
        source=json.dumps({"source": data["source"]}),
        schema=json.dumps({"image_shape": data["image_shape"], "class_names": data["class_names"]}),
        profile=json.dumps(data.get("sizes", {})),
    )
    return DatasetInput(dataset, tags=[InputTag("mlflow.data.context", "training")])
