"""Other seeds as MLflow knows them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cnnexp.config.schema import Tracking
from cnnexp.runs.publish import Publisher
from cnnexp.runs.record import RunRecord
from cnnexp.runs.seeds import OtherSeed, seeds_in_mlflow
from tests.runs.records import finish

pytestmark = pytest.mark.slow


def published(make_run: Any, *overrides: str) -> RunRecord:
    record = finish(make_run(*overrides))
    assert Publisher(record.config.tracking, record.folder, pytest.fail).finish(record)
    return record


def test_only_other_seeds_of_the_same_epochs_are_found_with_what_they_measured(home: Path, make_run: Any) -> None:
    first, other = published(make_run, "seed=0"), published(make_run, "seed=1")
    published(make_run, "seed=2", "training.epochs=4")
    published(make_run, "seed=0")
    found = seeds_in_mlflow(first, Tracking())
    assert [(one.seed, one.run) for one in found] == [(1, other.id)]
    assert isinstance(found[0], OtherSeed)
    assert {key: found[0].result[key] for key in ("accuracy/test", "loss/test")} == {
        "accuracy/test": 0.98, "loss/test": 0.07,
    }  # fmt: skip
