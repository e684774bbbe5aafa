"""A run's record from MLflow's artifacts: what it takes to train it again on another machine."""

from __future__ import annotations

import re
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from cnnexp.config.schema import Tracking
from cnnexp.errors import RunError, show
from cnnexp.runs.find import few
from cnnexp.runs.publication import RUN_TAG
from cnnexp.runs.publish_comparison import KIND_TAG
from cnnexp.runs.publish_sweep import SWEEP_KIND
from cnnexp.runs.record import RunRecord
from cnnexp.runs.store import Store, open_store, sqlite_file, told, tracking_uri
from cnnexp.runs.sweep_record import member_tag

if TYPE_CHECKING:
    from mlflow.entities import Run

NEEDED = ("run.json", "config.yaml", "environment.json")
FILES = (*NEEDED, "code.patch", "events.jsonl")
"""Plain text under fixed names: nothing that the store says decides where a file is written."""

MAX_BYTES = 100_000_000
AN_ID = re.compile(r"[0-9a-f]{1,32}")
IDS_IN_FILE = """
    SELECT tags.value FROM tags JOIN runs USING (run_uuid)
    WHERE tags.key = :run AND runs.lifecycle_stage = 'active' AND (tags.value GLOB :word OR run_uuid GLOB :word)
    AND run_uuid NOT IN (SELECT run_uuid FROM tags WHERE key = :kind)
"""


@contextmanager
def fetched(word: str, tracking: Tracking) -> Iterator[RunRecord | None]:
    """What MLflow keeps of a run, for as long as it is needed; None where there is no such run, or no store.

    word: MLflow's id or cnnexp's, or the beginning of either. Config, environment, code and journal; no arrays.
    Raises RunError where MLflow has several such runs, a sweep or not the record; StoreError where it cannot be asked.
    """
    if not can_be_asked(word, tracking):
        yield None
        return
    store = open_store(tracking, create=False)
    with tempfile.TemporaryDirectory(prefix="cnnexp-") as folder:
        with told(store.uri):
            named = _named(store, word)
            run = _one(word, [run for run in named if KIND_TAG not in run.data.tags])
            if run is None:
                _refuse_sweep(store, word, named)
            else:
                _download(store, run, Path(folder))
        yield RunRecord(Path(folder)) if run else None


def can_be_asked(word: str, tracking: Tracking) -> bool:
    """Whether a word may be an id, and there is a store to ask for it."""
    file = sqlite_file(tracking_uri(tracking))
    return AN_ID.fullmatch(word) is not None and (file is None or file.is_file())


def ids_in_file(file: Path, word: str) -> list[str] | None:
    """cnnexp's ids of the runs in a SQLite store whose id, or MLflow's, begins with a word; None if that is not known.

    The file is read without MLflow, which takes seconds to import, and nothing is waited for.
    """
    asked = {"run": RUN_TAG, "kind": KIND_TAG, "word": f"{word}*"}
    try:
        with closing(sqlite3.connect(f"file:{quote(str(file))}?mode=rw", uri=True, timeout=0)) as connection:
            return [str(value) for (value,) in connection.execute(IDS_IN_FILE, asked)]
    except sqlite3.Error:
        return None


def _named(store: Store, word: str) -> list[Run]:
    """All that cnnexp published, also sweeps and comparisons, whose id, or MLflow's, begins with a word."""
    asked = (f"tags.`{RUN_TAG}` LIKE '{word}%'", f"attributes.run_id LIKE '{word}%'")
    runs = {run.info.run_id: run for each in asked for run in _searched(store, each)}
    return [run for run in runs.values() if RUN_TAG in run.data.tags]


def _searched(store: Store, asked: str) -> list[Run]:
    experiments = [experiment.experiment_id for experiment in store.client.search_experiments()]
    return list(store.client.search_runs(experiments, asked))


def _one(word: str, runs: list[Run]) -> Run | None:
    found = [run for run in runs if word in (run.data.tags[RUN_TAG], run.info.run_id)] or runs
    if len(found) > 1:
        ids = few([run.data.tags[RUN_TAG] for run in found])
        raise RunError("RUN", show(word), "an id that matches one run", f"In MLflow it matches {len(found)}: {ids}")
    return found[0] if found else None


def _refuse_sweep(store: Store, word: str, named: list[Run]) -> None:
    """Raise RunError where a word names nothing but a sweep: one of its runs is wanted."""
    ids = [run.data.tags[RUN_TAG] for run in named if run.data.tags.get(KIND_TAG) == SWEEP_KIND]
    if len(ids) != 1 or not AN_ID.fullmatch(ids[0]):
        return
    runs = [run.data.tags[RUN_TAG] for run in _searched(store, f"tags.`{member_tag(ids[0])}` = '1'")]
    there = few(runs) or "none"
    hint = f"Its runs there: {there}\n    To go on with all of it, where its runs/ is: cnnexp resume {ids[0]}"
    raise RunError("RUN", f"{show(word)}, a sweep in MLflow at {store.shown}", "one run", hint)


def _download(store: Store, run: Run, folder: Path) -> None:
    sizes = {file.path: file.file_size or 0 for file in store.client.list_artifacts(run.info.run_id)}
    where = f"run {run.data.tags[RUN_TAG]} in MLflow at {store.shown}"
    if missing := [name for name in NEEDED if name not in sizes]:
        raise RunError(where, f"no {', '.join(missing)} among its artifacts", "what cnnexp publishes of a run")
    for name in FILES:
        if sizes.get(name, 0) > MAX_BYTES:
            raise RunError(where, f"{name} of {sizes[name]:,} bytes", f"at most {MAX_BYTES:,}")
        if name in sizes:
            store.client.download_artifacts(run.info.run_id, name, str(folder))
