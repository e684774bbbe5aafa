"""Publish what MLflow does not have yet: whole runs, or the rest of runs that lost their store on the way.

Published twice, a run is there once. Runs with tracking off are published when they are named.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from cnnexp.errors import CnnexpError, StoreError

if TYPE_CHECKING:
    import keras

    from cnnexp.runs.record import RunRecord
    from cnnexp.runs.store import Store
    from cnnexp.runs.sweep_record import SweepRecord

EXAMPLE = """  cnnexp sync              every run of this folder
  cnnexp sync latest       one run, also with tracking off
  cnnexp sync 81c2         a sweep's id: its runs and their parent"""


@dataclass(frozen=True)
class Synced:
    """What became of one run: published, there already, failed."""

    run: str
    outcome: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.run}  {self.outcome}{': ' if self.detail else ''}{self.detail}"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("runs", nargs="*", metavar="RUN", help="only these runs or sweeps (default: all tracked)")
    parser.add_argument("--json", action="store_true", help="print a JSON list instead of lines")


def main(args: argparse.Namespace) -> int:
    from cnnexp.runs.find import runs_folder
    from cnnexp.verbs.lifecycle import mark_the_dead

    mark_the_dead(runs_folder())  # MLflow hears of it below
    done = []
    for synced in _sync(args.runs):
        done.append(synced)
        if not args.json:
            print(synced, flush=True)
    if args.json:
        print(json.dumps([asdict(synced) for synced in done], ensure_ascii=False))
    elif not done:
        print("There is nothing to publish; a run with tracking off goes by its name: cnnexp sync RUN", file=sys.stderr)
    return 1 if any(synced.outcome == "failed" for synced in done) else 0


def _sync(words: list[str]) -> Iterable[Synced]:
    records, sweeps = _named(words) if words else _all()
    stores = Stores()
    for record in records:
        try:
            if words or record.config.tracking.enabled:
                yield publish(record, stores)
        except CnnexpError as error:
            yield Synced(record.folder.name, "failed", str(error))
    for sweep in sweeps:
        try:
            if words or sweep.tracking.enabled:
                yield _publish_parent(sweep)
        except CnnexpError as error:
            yield Synced(sweep.folder.name, "failed", str(error))


def _all() -> tuple[list[RunRecord], list[SweepRecord]]:
    """Everything in this folder that no process is writing."""
    from cnnexp.runs.find import all_runs, runs_folder
    from cnnexp.runs.sweep_record import all_sweeps
    from cnnexp.runs.writer import is_alive

    runs = [record for record in all_runs(runs_folder()) if not is_alive(record.folder)]
    return runs, [sweep for sweep in all_sweeps(runs_folder()) if not is_alive(sweep.folder)]


def _named(words: list[str]) -> tuple[list[RunRecord], list[SweepRecord]]:
    """The runs that the words name, and the sweeps with their runs."""
    from cnnexp.runs.find import find_run, runs_folder
    from cnnexp.runs.sweep_record import find_sweep

    found = {word: find_sweep(word, runs_folder()) for word in words}
    sweeps = [sweep for sweep in found.values() if sweep is not None]
    runs = [find_run(word, runs_folder()) for word, sweep in found.items() if sweep is None]
    runs += [record for sweep in sweeps for _, record in sweep.runs()]
    return list({record.id: record for record in runs}.values()), sweeps


class Stores:
    """The stores that were opened, each once; one that could not be is not tried again.

    create: whether one that is not there is made.
    """

    def __init__(self, *, create: bool = True) -> None:
        self._create = create
        self._opened: dict[str, Store | StoreError] = {}

    def of(self, record: RunRecord) -> Store:
        """Raises StoreError when the record's store cannot be reached."""
        from cnnexp.runs.store import check_who_names, open_store, tracking_uri

        tracking, known = record.config.tracking, record.mlflow.get("uri")
        uri = tracking_uri(tracking, known)
        if uri not in self._opened:
            try:
                if self._create:
                    check_who_names(tracking, known)
                self._opened[uri] = open_store(tracking, create=self._create, known=known)
            except StoreError as error:
                self._opened[uri] = error
        found = self._opened[uri]
        if isinstance(found, StoreError):
            raise found
        return found


def _publish_parent(sweep: SweepRecord) -> Synced:
    """The parent run of a sweep, and the tags that make its runs its children."""
    from cnnexp.runs.publish_sweep import publish_sweep
    from cnnexp.runs.store import check_who_names

    check_who_names(sweep.tracking, sweep.mlflow.get("uri"))
    publish_sweep(sweep, sweep.tracking)
    return Synced(sweep.id, "published", f"sweep, {len(sweep.runs())} runs")


def publish(record: RunRecord, stores: Stores) -> Synced:
    """Bring all of a run to its store.

    Raises StoreError when that cannot take it.
    """
    from cnnexp.runs.publish import is_published, publish_whole

    store = stores.of(record)
    if is_published(store, record):
        return Synced(record.id, "there already")
    publish_whole(store, record, _rebuilt)
    return Synced(record.id, "published")


def _rebuilt(record: RunRecord) -> keras.Model:
    """Its trained model; weights are the same under any number of threads, and this process can have one only."""
    from cnnexp.evaluation import load_model
    from cnnexp.nn.seeding import resolve_threads

    return load_model(record, resolve_threads("auto"))
