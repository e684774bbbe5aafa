"""A sweep's parent run in MLflow: made before its children, given the answer at the end; joined by finished runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from cnnexp.config.schema import Tracking
from cnnexp.runs.journal import RUNNING, milliseconds
from cnnexp.runs.knobs import knobs
from cnnexp.runs.links import View, save_view
from cnnexp.runs.place import write_place
from cnnexp.runs.publication import NAME_LENGTH, RUN_TAG, as_params, as_tags, find_tagged, remove_twins
from cnnexp.runs.record import RunRecord
from cnnexp.runs.store import Store, in_one_go, only_once, open_store, told, tracking_uri
from cnnexp.runs.sweep_record import SweepRecord, columns_of, member_tag

if TYPE_CHECKING:
    from mlflow.entities import Run


PARENT = "mlflow.parentRunId"
SWEEP_KIND = "sweep"
PAGE = 1000


def publish_sweep(sweep: SweepRecord, tracking: Tracking) -> None:
    """Bring the sweep's parent run to MLflow as it now is: name, tags, metrics of the choice, files, status.

    Its runs that were published get its tag, and those that it trained their parent. Again and again does no harm.
    Raises StoreError when the store cannot take it.
    """
    uri = tracking_uri(tracking, sweep.mlflow.get("uri"))
    with in_one_go(uri), told(uri):
        store = open_store(tracking, create=True, known=sweep.mlflow.get("uri"))
        experiment_id = store.experiment_id(tracking.experiment)
        known = sweep.mlflow.get("run_id")
        run = find_tagged(store, sweep.id, experiment_id, known) or _create(store, sweep, tracking, experiment_id)
        remove_twins(store, sweep.id, run)
        state = {"uri": store.shown, "experiment_id": experiment_id, "run_id": run.info.run_id}
        write_place(sweep.folder, state)
        _join(store, sweep, run.info.run_id)
        _send(store, sweep, run)
        save_view(store.client, experiment_id, sweep.id, view_of(sweep))


def withdraw_sweep(sweep: SweepRecord) -> None:
    """Delete the sweep's parent run in MLflow, as its UI does, so that it can be restored there; its runs stay.

    Raises StoreError when the store cannot do so.
    """
    known, tracking = sweep.mlflow, sweep.tracking
    with told(tracking_uri(tracking, known.get("uri"))):
        store = open_store(tracking, create=False, known=known.get("uri"))
        run = find_tagged(store, sweep.id, str(known["experiment_id"]), known.get("run_id"))
        if run is not None and run.info.lifecycle_stage != "deleted":
            store.client.delete_run(run.info.run_id)


def _join(store: Store, sweep: SweepRecord, parent: str) -> None:
    """Tags and params for the runs that do not have them: trained before the sweep, or while the store was away."""
    published = [(point, record) for point, record in sweep.runs() if record.mlflow.get("uri") == store.shown]
    ids = {str(record.mlflow["experiment_id"]) for _, record in published}
    joined = {run.info.run_id: run for run in _search(store, sorted(ids), _member(sweep))} if ids else {}
    for point, record in published:
        run_id = str(record.mlflow["run_id"])
        run = joined.get(run_id) or store.client.get_run(run_id)
        tags = {member_tag(sweep.id): "1"}
        if record.header["links"].get("sweep") == sweep.id:
            tags[PARENT] = parent
        missing = {key: value for key, value in tags.items() if key not in run.data.tags}
        params = _missing_params(run, record, columns_of(point))
        if missing or params:
            store.client.log_batch(run_id, tags=as_tags(missing), params=as_params(params), synchronous=True)


def _missing_params(run: Run, record: RunRecord, columns: Mapping[str, str]) -> dict[str, str]:
    """The columns that MLflow does not know of a run; what it knows cannot be changed."""
    missing = [key for key in columns if key not in run.data.params]
    texts = knobs(record.config, columns) if missing else {}
    return {key: texts[key] for key in missing}


def _search(store: Store, experiments: list[str], text: str) -> Iterator[Run]:
    """All runs that a filter finds."""
    token: str | None = None
    while token != "":
        page = store.client.search_runs(experiments, text, max_results=PAGE, page_token=token)
        yield from page
        token = page.token or ""


def _member(sweep: SweepRecord) -> str:
    return f"tags.`{member_tag(sweep.id)}` = '1'"


def view_of(sweep: SweepRecord) -> View:
    """The saved view of a sweep: its runs alone, best validation accuracy first, what varied as columns."""
    metrics = ["metrics.`best/accuracy_val`", "metrics.`best/loss_val`", "metrics.`accuracy/test`"]
    return View(
        name=f"sweep {sweep.id}: {sweep.name}",
        filter=_member(sweep),
        order_by="metrics.`best/accuracy_val`",
        columns=[*(f"params.`{key}`" for key in sweep.columns), *metrics],
    )


def _create(store: Store, sweep: SweepRecord, tracking: Tracking, experiment_id: str) -> Run:
    tags = {RUN_TAG: sweep.id, "cnnexp.kind": SWEEP_KIND, "mlflow.source.name": str(sweep.header["command"])}
    with only_once():
        return store.client.create_run(
            experiment_id, start_time=milliseconds(sweep.created), tags=tags | tracking.tags,
            run_name=sweep.name[:NAME_LENGTH],
        )  # fmt: skip


def _send(store: Store, sweep: SweepRecord, run: Run) -> None:
    run_id, client = run.info.run_id, store.client
    metrics: Mapping[str, float] = sweep.result.get("metrics", {})
    for key, value in metrics.items():
        client.log_metric(run_id, key, value, timestamp=milliseconds(sweep.result["time"]), step=0)
    for pattern, place in (("sweep.*", None), ("figures/*.png", "figures"), ("summary.md", None)):
        for path in sorted(sweep.folder.glob(pattern)):
            client.log_artifact(run_id, str(path), place)
    note = sweep.folder / "summary.md"
    if note.is_file():
        client.set_tag(run_id, "mlflow.note.content", note.read_text(encoding="utf-8"))
    if sweep.status != RUNNING:
        client.set_tag(run_id, "cnnexp.outcome", sweep.ending.outcome if sweep.ending else "")
        ended = next(event["time"] for event in reversed(sweep.events) if event["event"] == "ended")
        client.set_terminated(run_id, status=sweep.status, end_time=milliseconds(ended))
