"""What every verb that reads runs does first: runs whose process is gone are ended as KILLED, and it says so."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from cnnexp.config.schema import Tracking
from cnnexp.errors import RunError, StoreError
from cnnexp.runs.find import all_runs, find_run, matching_runs, runs_folder
from cnnexp.runs.journal import RUNNING
from cnnexp.runs.record import RunRecord
from cnnexp.runs.store import is_named_here, sqlite_file, tracking_uri
from cnnexp.runs.sweep_record import SweepRecord, all_sweeps
from cnnexp.runs.sweep_writer import SweepWriter
from cnnexp.runs.writer import AnyRecord, began_here, is_alive, mark_if_gone


def bury_the_dead(runs: Path) -> list[RunRecord]:
    """All records, newest first; those that say RUNNING without a process are marked KILLED.

    MLflow is told too, also of runs that were killed between their end and telling it, where the environment or this
    folder names the store, or the record began on this machine. A store that does not answer is asked once.
    """
    records, answers = [], True
    for record in all_runs(runs):
        marked = _marked("run", record)
        if marked is not record:
            print(f"run {marked.id} is marked KILLED: its process is gone", file=sys.stderr)
        if answers and _goes_on_in_mlflow(marked) and not is_alive(marked.folder):
            answers = _tell_mlflow(marked)
        records.append(marked)
    for sweep in all_sweeps(runs):
        if _marked("sweep", sweep) is not sweep:
            print(f"sweep {sweep.id} is marked KILLED: its process is gone", file=sys.stderr)
            _close(sweep, answers=answers)
    return records


def _marked(what: str, record: AnyRecord) -> AnyRecord:
    try:
        return mark_if_gone(record)
    except OSError as error:
        told = f"its process is gone, but its record cannot say so ({error.strerror})"
        print(f"{what} {record.id}: {told}", file=sys.stderr)
        return record


def find(word: str, runs: Path) -> RunRecord:
    """The record that a person names, after the dead were marked."""
    bury_the_dead(runs)
    return find_run(word, runs)


@contextmanager
def borrowed(word: str, overrides: Sequence[str] = ()) -> Iterator[RunRecord]:
    """The record that a person names, from runs/ or else, for as long as it is needed, from MLflow's artifacts.

    overrides: their tracking.uri says which MLflow. Raises RunError where neither has it.
    """
    bury_the_dead(runs_folder())
    with ExitStack() as stack:
        try:
            record = find_run(word, runs_folder())
        except RunError as missing:
            if matching_runs(word, runs_folder()):
                raise
            record = stack.enter_context(_from_mlflow(word, overrides, missing))
        yield record


@contextmanager
def _from_mlflow(word: str, overrides: Sequence[str], missing: RunError) -> Iterator[RunRecord]:
    from cnnexp.config.compose import compose_config
    from cnnexp.runs.fetch import fetched

    tracking = compose_config([text for text in overrides if text.startswith("tracking.")]).config.tracking
    with ExitStack() as stack:
        try:
            record = stack.enter_context(fetched(word, tracking))
        except StoreError as error:
            print(f"note: {error}", file=sys.stderr)
            raise missing from None
        if record is None:
            raise missing
        yield record


def _close(sweep: SweepRecord, *, answers: bool) -> None:
    """What became of its points, for itself and (best effort) for MLflow."""
    writer = SweepWriter.reopen(sweep.folder)
    try:
        writer.account_for_the_rest()
    finally:
        writer.close()
    if not sweep.mlflow or not answers:
        return
    from cnnexp.runs.publish_sweep import publish_sweep

    try:
        if _may_be_asked(sweep, _store_of(sweep, sweep.tracking)):
            publish_sweep(sweep.fresh(), sweep.tracking)
    except (RunError, StoreError) as error:
        print(f"sweep {sweep.id}: {error}", file=sys.stderr)


def _goes_on_in_mlflow(record: RunRecord) -> bool:
    return record.ending is not None and record.mlflow.get("status") == RUNNING


def _store_of(record: RunRecord | SweepRecord, tracking: Tracking) -> str:
    return tracking_uri(tracking, record.mlflow.get("uri"))


def _may_be_asked(record: RunRecord | SweepRecord, uri: str) -> bool:
    """Whether its store is there, and more than a record of somebody else's names it."""
    file = sqlite_file(uri)
    return (file is None or file.exists()) and (began_here(record) or is_named_here(uri))


def _tell_mlflow(record: RunRecord) -> bool:
    from cnnexp.runs.publish import Publisher

    try:
        tracking = record.config.tracking
        uri = _store_of(record, tracking)
    except (RunError, StoreError) as error:  # a damaged record keeps no other from being told
        print(f"run {record.id}: {error}", file=sys.stderr)
        return True
    if not _may_be_asked(record, uri):
        return True
    publisher = Publisher(
        tracking.model_copy(update={"uri": uri}), record.folder, lambda text: print(text, file=sys.stderr)
    )
    publisher.finish(record)
    return not _goes_on_in_mlflow(record.fresh())
