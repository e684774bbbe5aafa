"""The record goes to MLflow: again and again, only what is new, and each thing once whatever crashed in between."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from cnnexp.config.schema import Tracking
from cnnexp.errors import CnnexpError
from cnnexp.runs.publication import Publication, is_whole, model_is_there, published_run
from cnnexp.runs.record import RunRecord
from cnnexp.runs.store import PATIENT_SECONDS, QUICK_SECONDS, Store, open_store, patience, told, tracking_uri

if TYPE_CHECKING:
    import keras

LOCK, LOCK_SECONDS = "mlflow.lock", 2.0
COOLDOWN_SECONDS, BUDGET_SECONDS = 30.0, 6.0


@dataclass
class Publisher:
    """Publishes one run while it goes on: best effort, never an exception, never a long wait.

    warn: told in one message, once, why MLflow cannot be used. After a failure the store is left alone for 30 s, and
    until the end of the run once 6 s were lost to it in all.
    """

    tracking: Tracking
    folder: Path
    warn: Callable[[str], None]
    _store: Store | None = None
    _publication: Publication | None = None
    _retry_at: float = 0.0
    _lost: float = 0.0
    _warned: set[str] = field(default_factory=set)

    def publish(self, record: RunRecord) -> bool:
        """Send what is new of a run that goes on; whether all is there."""
        if time.monotonic() < self._retry_at or self._lost > BUDGET_SECONDS:
            return False
        return self._attempt(lambda publication: publication.send(record), record)

    def publish_model(self, record: RunRecord, model: keras.Model) -> bool:
        """Log the trained Keras model once; whether it is there."""
        if time.monotonic() < self._retry_at:
            return False
        return self._attempt(lambda publication: publication.send_model(record, model), record)

    def finish(self, record: RunRecord) -> bool:
        """Send everything of a run that has ended; whether all is there."""
        return self._attempt(lambda publication: patiently(publication, record), record) and model_is_there(record)

    def _attempt(self, send: Callable[[Publication], None], record: RunRecord) -> bool:
        if not self.tracking.enabled:
            return False
        start = time.monotonic()
        try:
            with told(tracking_uri(self.tracking)), FileLock(self.folder / LOCK, timeout=LOCK_SECONDS):
                send(self._opened(record))
        except CnnexpError as error:
            self._failed(error, time.monotonic() - start)
            return False
        self._retry_at = 0.0
        return True

    def _opened(self, record: RunRecord) -> Publication:
        """The publication, opened anew after a failure: the store may be another one by now."""
        if self._store is None or self._publication is None:
            self._store = open_store(self.tracking, create=True)
            self._publication = Publication.of(self._store, record)
        self._store.check()
        return self._publication

    def _failed(self, error: CnnexpError, seconds: float) -> None:
        self._store = self._publication = None
        self._lost += seconds
        self._retry_at = time.monotonic() + COOLDOWN_SECONDS
        if not self._warned:
            self.warn(str(error))
        self._warned.add(str(error))


def patiently(publication: Publication, record: RunRecord) -> None:
    """Send everything, with time for large files once the server answered."""
    publication.store.client.get_run(publication.run_id)
    patience(PATIENT_SECONDS)
    try:
        publication.send_all(record)
    finally:
        patience(QUICK_SECONDS)


def publish_whole(store: Store, record: RunRecord, rebuild: Callable[[RunRecord], keras.Model]) -> None:
    """Bring all of a record to `store`, the model too, which `rebuild` makes from the record where it is missing.

    Raises StoreError when the store cannot take it.
    """
    with told(store.uri), FileLock(record.folder / LOCK, timeout=LOCK_SECONDS):
        store.check()
        publication = Publication.of(store, record)
        patiently(publication, record)
        if not model_is_there(record):
            publication.send_model(record, rebuild(record))


def is_published(store: Store, record: RunRecord) -> bool:
    """Whether all of a record is in `store`, its model included. Raises StoreError when the store cannot tell."""
    with told(store.uri):
        return is_whole(store, record)


def withdraw(store: Store, record: RunRecord) -> None:
    """Delete a record's run in `store`, where it has one: as MLflow's UI does, so that it can be restored there.

    Raises StoreError when the store cannot do so.
    """
    with told(store.uri):
        run = published_run(store, record)
        if run is not None and run.info.lifecycle_stage != "deleted":
            store.client.delete_run(run.info.run_id)
