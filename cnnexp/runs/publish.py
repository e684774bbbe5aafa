"""The record goes to MLflow: again and again, only what is new, and each thing once whatever crashed in between."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from cnnexp.config.schema import Tracking
from cnnexp.errors import CnnexpError, DiskError
from cnnexp.runs.publication import Publication, is_whole, model_is_there, published_run, remove_twins
from cnnexp.runs.record import RunRecord
from cnnexp.runs.store import PATIENT_SECONDS, QUICK_SECONDS, Store, in_one_go, open_store, patience, told, tracking_uri
from cnnexp.runs.waiting import Waiting, is_slow, waiting_for

if TYPE_CHECKING:
    import keras

LOCK, LOCK_SECONDS = "mlflow.lock", 2.0


@dataclass
class Publisher:
    """Publishes one run while it goes on: best effort, never an exception, never a long wait.

    warn: told in one message, once, why MLflow cannot be used. How often it is asked again: see `Waiting`.
    """

    tracking: Tracking
    folder: Path
    warn: Callable[[str], None]
    _store: Store | None = None
    _publication: Publication | None = None
    _warned: bool = False

    def publish(self, record: RunRecord) -> bool:
        """Send what is new of a run that goes on; whether all is there."""
        if not self.tracking.enabled or not self._waiting().is_over:
            return False
        return self._attempt(lambda: self._send_soon(record))

    def finish(self, record: RunRecord, model: keras.Model | None = None) -> bool:
        """Send everything of a run that has ended, the trained model too where it is given; whether all is there."""
        if not self.tracking.enabled or not self._waiting().is_over_at_the_end:
            return False

        def send() -> bool:
            send_whole(self._opened(record), record, lambda _: model)
            self._waiting().answered(0.0)
            return True

        return self._attempt(send, at_the_end=True) and model_is_there(record)

    def _waiting(self) -> Waiting:
        return waiting_for(self.tracking.uri or os.environ.get("MLFLOW_TRACKING_URI") or os.getcwd())

    def _send_soon(self, record: RunRecord) -> bool:
        """Send what is new unless the store is slow; whether it was sent."""
        store = self._checked_store()
        seconds = store.seconds_to_answer()
        if sent := not is_slow(seconds):
            publication, start = self._opened(record), time.monotonic()
            publication.send(record)
            seconds = time.monotonic() - start if store.file is None else 0.0
        self._waiting().answered(seconds)
        return sent

    def _attempt(self, send: Callable[[], bool], *, at_the_end: bool = False) -> bool:
        start = time.monotonic()
        try:
            uri = tracking_uri(self.tracking)
            with in_one_go(uri), told(uri), alone(self.folder):
                return send()
        except CnnexpError as error:
            self._waiting().failed(time.monotonic() - start, at_the_end=at_the_end)
            gone = self._store and self._store.gone()  # what MLflow missed in it then is not the reason
            self._failed(gone or error)
            return False

    def _checked_store(self) -> Store:
        """The store, opened anew after a failure: it may be another one by now."""
        if self._store is None:
            self._store = open_store(self.tracking, create=True)
        self._store.check()
        return self._store

    def _opened(self, record: RunRecord) -> Publication:
        store = self._checked_store()
        if self._publication is None:
            self._publication = Publication.of(store, record)
        return self._publication

    def _failed(self, error: CnnexpError) -> None:
        self._store = self._publication = None
        if not self._warned and not isinstance(error, DiskError):  # its writer tells that it cannot be written
            self.warn(str(error))
            self._warned = True


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """While one process publishes a record, no other does.

    Raises DiskError where the record's folder cannot be written, Timeout when another process publishes it.
    """
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=LOCK_SECONDS)
    except Timeout:
        raise
    except OSError as error:
        raise DiskError.of(error, str(folder)) from None
    try:
        yield
    finally:
        lock.release()


def send_whole(publication: Publication, record: RunRecord, made: Callable[[RunRecord], keras.Model | None]) -> None:
    """Send everything, with time for large files once the server answered; the model, unless it is there, as `made`."""
    run = publication.store.client.get_run(publication.run_id)
    patience(PATIENT_SECONDS)
    try:
        remove_twins(publication.store, record.id, run)
        publication.send_all(record)
        if not model_is_there(record) and (model := made(record)) is not None:
            publication.send_model(record, model)
    finally:
        patience(QUICK_SECONDS)


def publish_whole(store: Store, record: RunRecord, rebuild: Callable[[RunRecord], keras.Model]) -> None:
    """Bring all of a record to `store`, the model too, which `rebuild` makes from the record where it is missing.

    Raises StoreError when the store cannot take it.
    """
    with told(store.uri), alone(record.folder):
        store.check()
        send_whole(Publication.of(store, record), record, rebuild)


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
