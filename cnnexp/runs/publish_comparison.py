"""A comparison's report goes to MLflow, as a run of its own beside the runs that it compares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cnnexp.runs.journal import FINISHED
from cnnexp.runs.links import run_link
from cnnexp.runs.publication import NAME_LENGTH
from cnnexp.runs.server import address_of
from cnnexp.runs.store import Store, told

if TYPE_CHECKING:
    from mlflow.entities import Run

KIND_TAG, KEY_TAG, RUNS_TAG = "cnnexp.kind", "cnnexp.comparison", "cnnexp.compared"
KIND = "comparison"


@dataclass(frozen=True)
class PublishedComparison:
    """What MLflow is told: `key` stands for the compared runs, in their order; `note` is Markdown."""

    key: str
    name: str
    note: str
    runs: Sequence[str]
    report: Path


def publish_comparison(store: Store, experiment: str, comparison: PublishedComparison) -> str:
    """Put the report into the experiment, replacing that of the same runs; returns its link in the UI.

    Raises StoreError when the store cannot take it.
    """
    with told(store.uri):
        store.check()
        experiment_id = store.experiment_id(experiment)
        run = _found(store, experiment_id, comparison.key) or _created(store, experiment_id, comparison)
        run_id = run.info.run_id
        store.client.set_tag(run_id, "mlflow.note.content", comparison.note, synchronous=True)
        store.client.log_artifact(run_id, str(comparison.report))
        store.client.set_terminated(run_id, status=FINISHED)
    page = f"{run_id}/artifacts/{comparison.report.name}"
    return run_link(address_of(store.shown, run_id), experiment_id, page)


def _found(store: Store, experiment_id: str, key: str) -> Run | None:
    runs = store.client.search_runs([experiment_id], f"tags.`{KEY_TAG}` = '{key}'", max_results=1)
    return runs[0] if runs else None


def _created(store: Store, experiment_id: str, comparison: PublishedComparison) -> Run:
    tags = {
        KIND_TAG: KIND,
        KEY_TAG: comparison.key,
        RUNS_TAG: " ".join(comparison.runs),
        "mlflow.source.name": "cnnexp",
    }
    return store.client.create_run(experiment_id, tags=tags, run_name=comparison.name[:NAME_LENGTH])
