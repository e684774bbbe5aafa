"""An inspection's folder as an MLflow run: its files and a few tags, no active run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cnnexp.config.schema import Tracking
from cnnexp.runs.store import Store, told

KIND = {"cnnexp.kind": "inspection"}
NOTE = "One picture through the blocks, nothing trained. The pictures are among the artifacts."


def publish_inspection(store: Store, tracking: Tracking, folder: Path, tags: Mapping[str, str]) -> tuple[str, str]:
    """Log all files of `folder` to a new run of the tracking experiment; gives experiment id and run id.

    Raises StoreError when the store cannot take it.
    """
    with told(store.uri):
        store.check()
        experiment_id = store.experiment_id(tracking.experiment)
        all_tags = {**tracking.tags, **KIND, "mlflow.note.content": NOTE, **tags}
        run = store.client.create_run(experiment_id, run_name=tracking.run_name or folder.name, tags=all_tags)
        run_id, status = str(run.info.run_id), "FAILED"
        try:
            store.client.log_artifacts(run_id, str(folder))
            status = "FINISHED"
        finally:
            store.client.set_terminated(run_id, status=status)
        return experiment_id, run_id
