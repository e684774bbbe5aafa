"""Which page of which MLflow store to open. Needs neither MLflow nor a server that runs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from urllib.parse import quote
from urllib.request import urlopen

from cnnexp.config.schema import Tracking
from cnnexp.errors import RunError, StoreError
from cnnexp.runs.find import all_runs, find_run, runs_folder
from cnnexp.runs.links import VIEW, experiment_link, run_link
from cnnexp.runs.record import RunRecord
from cnnexp.runs.store import sqlite_file, tracking_uri, without_secrets
from cnnexp.runs.sweep_record import SweepRecord, find_sweep

ANSWER_SECONDS = 10


@dataclass(frozen=True)
class Page:
    """A run's page, or an experiment's (by id where known). `uri` may hold a password: only MLflow gets it."""

    uri: str
    experiment: str
    experiment_id: str | None = None
    run_id: str | None = None
    view: str = VIEW

    @property
    def server(self) -> str | None:
        """The address of a store that is a server, and so has a UI of its own."""
        return without_secrets(self.uri) if self.uri.startswith(("http://", "https://")) else None

    def links(self, base_url: str) -> dict[str, str]:
        """On a server that runs at `base_url`: `link` to the page; `charts` of the same runs, if they are several."""
        if self.run_id is not None and self.experiment_id is not None:
            return {"link": run_link(base_url, self.experiment_id, self.run_id)}
        experiment_id = self.experiment_id or experiment_id_at(base_url, self.experiment)
        where, view = ("0", None) if experiment_id is None else (experiment_id, self.view)
        return {
            "link": experiment_link(base_url, where, view),
            "charts": experiment_link(base_url, where, view, charts=True),
        }


def page_of(run: str | None, uri: str | None) -> Page:
    """The page of RUN, the view of a SWEEP, or the page of the experiment that was used last.

    Raises RunError for a run that is not there or was never published, StoreError where there is no store.
    """
    sweep = find_sweep(run, runs_folder()) if run else None
    if sweep is not None:
        return _view_of(sweep, uri)
    record = find_run(run, runs_folder()) if run else _newest_published()
    state = record.mlflow if record else {}
    if run and record and "run_id" not in state:
        hint = f"Publish it first: cnnexp sync {record.id}"
        raise RunError("RUN", f"{record.id}, not in MLflow", "a run that was published", hint)
    own = (record.config.tracking.uri or state["uri"]) if run and record else None
    found = tracking_uri(Tracking(uri=uri or own))
    _check_that_it_is_there(found)
    if record and state.get("uri") == without_secrets(found):
        experiment = record.config.tracking.experiment
        return Page(found, experiment, str(state["experiment_id"]), str(state["run_id"]) if run else None)
    if run:
        raise RunError("RUN", f"{run}, not in {without_secrets(found)}", "a run of that store")
    return Page(found, Tracking().experiment)


def _view_of(sweep: SweepRecord, uri: str | None) -> Page:
    """The saved view that shows a sweep's runs alone, in the store where they are."""
    state = sweep.mlflow
    if "run_id" not in state:
        hint = f"Publish it first: cnnexp sync {sweep.id}"
        raise RunError("RUN", f"sweep {sweep.id}, not in MLflow", "a sweep that was published", hint)
    found = tracking_uri(Tracking(uri=uri or sweep.tracking.uri or state["uri"]))
    _check_that_it_is_there(found)
    if state["uri"] != without_secrets(found):
        raise RunError("RUN", f"sweep {sweep.id}, not in {without_secrets(found)}", "a sweep of that store")
    return Page(found, sweep.tracking.experiment, str(state["experiment_id"]), view=sweep.id)


def _newest_published() -> RunRecord | None:
    return next((record for record in all_runs(runs_folder()) if "run_id" in record.mlflow), None)


def _check_that_it_is_there(uri: str) -> None:
    file = sqlite_file(uri)
    if file is not None and not (file.is_file() and file.stat().st_size > 0):
        raise StoreError("MLflow", f"no store at {file}", "a store", "The first run makes it: cnnexp train")


def experiment_id_at(base_url: str, name: str) -> str | None:
    """The id of an experiment by name, asked from a server; None if it does not tell."""
    query = f"{base_url}/api/2.0/mlflow/experiments/get-by-name?experiment_name={quote(name, safe='')}"
    try:
        with urlopen(query, timeout=ANSWER_SECONDS) as answer:
            return str(json.load(answer)["experiment"]["experiment_id"])
    except (OSError, ValueError, KeyError):
        return None
