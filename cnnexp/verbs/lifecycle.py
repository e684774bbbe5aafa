"""What every verb that reads or makes runs does first: runs without a process are ended as KILLED, and it says so."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cnnexp.config.schema import Tracking
from cnnexp.errors import RunError, StoreError
from cnnexp.runs.find import all_runs, find_run, matching_runs, runs_folder
from cnnexp.runs.journal import RUNNING
from cnnexp.runs.one import one_run, refuse_sweep
from cnnexp.runs.record import RunRecord
from cnnexp.runs.store import is_named_here, sqlite_file, tracking_uri, without_secrets
from cnnexp.runs.sweep_record import SweepRecord, all_sweeps
from cnnexp.runs.sweep_writer import SweepWriter
from cnnexp.runs.writer import AnyRecord, began_here, is_alive, mark_if_gone

if TYPE_CHECKING:
    from cnnexp.runs.seeds import OtherSeed


def bury_the_dead(runs: Path) -> list[RunRecord]:
    """All records, newest first; those that say RUNNING without a process are marked KILLED.

    MLflow is told too, also of runs that were killed between their end and telling it, where the environment or this
    folder names the store, or the record began on this machine. A store that does not answer is asked once.
    """
    records, sweeps = mark_the_dead(runs)
    answers = True
    for record in records:
        if answers and _goes_on_in_mlflow(record) and not is_alive(record.folder):
            answers = _tell_mlflow(record)
    for sweep in sweeps:
        if answers and sweep.mlflow:
            _tell_mlflow_of(sweep)
    return records


def mark_the_dead(runs: Path) -> tuple[list[RunRecord], list[SweepRecord]]:
    """All records, newest first, and the sweeps that were marked now; only the folder is told."""
    records = [_marked("run", record) for record in all_runs(runs)]
    gone = [marked for sweep in all_sweeps(runs) if (marked := _marked("sweep", sweep)) is not sweep]
    return records, [_accounted_for(sweep) for sweep in gone]


def _marked(what: str, record: AnyRecord) -> AnyRecord:
    """The record; where it is marked KILLED now, or should be and cannot, that is said."""
    try:
        marked = mark_if_gone(record)
    except OSError as error:
        told = f"its process is gone, but its record cannot say so ({error.strerror})"
        print(f"{what} {record.id}: {told}", file=sys.stderr)
        return record
    if marked is not record:
        print(f"{what} {record.id} is marked KILLED: its process is gone", file=sys.stderr)
    return marked


def find(word: str, runs: Path) -> RunRecord:
    """The record that a person names, after the dead were marked."""
    bury_the_dead(runs)
    return one_run(word, runs)


@contextmanager
def borrowed(word: str, overrides: Sequence[str] = ()) -> Iterator[RunRecord]:
    """The record that a person names, from runs/ or else, for as long as it is needed, from MLflow's artifacts.

    overrides: their tracking.uri says which MLflow. Raises RunError where neither has it, or it is a sweep.
    """
    bury_the_dead(runs_folder())
    with ExitStack() as stack:
        try:
            record = find_run(word, runs_folder())
        except RunError as missing:
            refuse_sweep(word, runs_folder())
            if matching_runs(word, runs_folder()):
                raise
            record = stack.enter_context(_from_mlflow(word, overrides, missing))
        yield record


@contextmanager
def _from_mlflow(word: str, overrides: Sequence[str], missing: RunError) -> Iterator[RunRecord]:
    from cnnexp.runs.fetch import can_be_asked, fetched

    tracking = _tracking_of(overrides)
    asked = can_be_asked(word, tracking)
    with ExitStack() as stack:
        try:
            record = stack.enter_context(fetched(word, tracking))
        except StoreError as error:
            print(f"note: {error}", file=sys.stderr)
            raise missing from None
        if record is None:
            raise _neither_in_mlflow(missing, without_secrets(tracking_uri(tracking))) if asked else missing
        yield record


def _tracking_of(overrides: Sequence[str]) -> Tracking:
    from cnnexp.config.compose import compose_config

    return compose_config([text for text in overrides if text.startswith("tracking.")]).config.tracking


def is_at_home(record: RunRecord) -> bool:
    """Whether a record lies in runs/; else it was borrowed from MLflow."""
    return record.folder.parent == runs_folder()


def seeds_beside(record: RunRecord, overrides: Sequence[str] = ()) -> list[OtherSeed]:
    """The other seeds of a borrowed record that lie beside it in MLflow; none for a record in runs/."""
    if is_at_home(record):
        return []
    from cnnexp.runs.seeds import seeds_in_mlflow

    try:
        return seeds_in_mlflow(record, _tracking_of(overrides))
    except StoreError as error:
        print(f"note: {error}", file=sys.stderr)
        return []


def _neither_in_mlflow(missing: RunError, store: str) -> RunError:
    problem = missing.problems[0]
    hint = f"MLflow at {store} has no such run either. {problem.hint}"
    return RunError(problem.where, problem.got, problem.expected, hint)


def _accounted_for(sweep: SweepRecord) -> SweepRecord:
    """The sweep, after it was recorded what became of its points."""
    writer = SweepWriter.reopen(sweep.folder)
    try:
        writer.account_for_the_rest()
    finally:
        writer.close()
    return sweep.fresh()


def _tell_mlflow_of(sweep: SweepRecord) -> None:
    from cnnexp.runs.publish_sweep import publish_sweep

    try:
        if _may_be_asked(sweep, _store_of(sweep, sweep.tracking)):
            publish_sweep(sweep, sweep.tracking)
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
