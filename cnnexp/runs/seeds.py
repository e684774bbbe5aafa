"""What other seeds of a run came to, as MLflow knows it: for a run whose own folder is on another machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cnnexp.config.schema import Tracking
from cnnexp.runs.journal import FINISHED
from cnnexp.runs.publication import RUN_TAG
from cnnexp.runs.record import RunRecord
from cnnexp.runs.store import open_store, told

if TYPE_CHECKING:
    from mlflow.entities import Run

MOST = 1000
"""Newest runs of a variant that are looked at."""


@dataclass(frozen=True)
class OtherSeed:
    """A FINISHED run that differs from another in nothing but the seed, and what it measured."""

    seed: int
    run: str
    result: Mapping[str, float]


def seeds_in_mlflow(first: RunRecord, tracking: Tracking) -> list[OtherSeed]:
    """The other seeds of a run's variant, epochs and data in the store, newest first.

    Raises StoreError where it cannot be asked.
    """
    variant = str(first.header["identity"]["variant"])
    if not variant.isalnum():
        return []
    store = open_store(tracking, create=False)
    with told(store.uri):
        experiments = [experiment.experiment_id for experiment in store.client.search_experiments()]
        wanted = f"tags.`cnnexp.variant` = '{variant}' and attributes.status = '{FINISHED}'"
        runs: Sequence[Run] = store.client.search_runs(experiments, wanted, max_results=MOST)
    return [_seed(run) for run in runs if _is_another_seed(run, first)]


def _is_another_seed(run: Run, first: RunRecord) -> bool:
    """Whether a run of the variant has the epochs and data of the first, and a seed of its own."""
    knobs = _knobs(run)
    seed = knobs.get("seed", "")
    digests = [one.dataset.digest for one in run.inputs.dataset_inputs] if run.inputs else []
    same = knobs.get("training.epochs") == str(first.config.training.epochs)
    return same and digests == [first.data["digest"]] and seed.isdecimal() and int(seed) != first.config.seed


def _seed(run: Run) -> OtherSeed:
    return OtherSeed(int(_knobs(run)["seed"]), run.data.tags.get(RUN_TAG, run.info.run_id), run.data.metrics)


def _knobs(run: Run) -> dict[str, str]:
    """What it tells of its config, in params and in tags."""
    return {**run.data.tags, **run.data.params}
