"""Links open in machine-learning mode; the saved view is written once."""

from __future__ import annotations

import base64
import json
import zlib
from pathlib import Path
from urllib.parse import parse_qs

from cnnexp.config.schema import Tracking
from cnnexp.runs.links import COLUMNS, experiment_link, run_link, save_view
from cnnexp.runs.store import open_store


def query(link: str) -> dict[str, list[str]]:
    return parse_qs(link.partition("?")[2])


def test_a_run_has_its_page() -> None:
    expected = "http://h:5000/#/experiments/1/runs/abc?workflowType=machine_learning"
    assert run_link("http://h:5000/", "1", "abc") == expected


def test_an_experiment_opens_on_the_saved_view_or_newest_first() -> None:
    assert query(experiment_link("http://h", "1")) == {
        "workflowType": ["machine_learning"],
        "viewStateShareKey": ["cnnexp"],
    }
    assert query(experiment_link("http://h", "1", None))["orderByKey"] == ["attributes.start_time"]


def test_the_charts_are_those_of_the_same_view() -> None:
    assert query(experiment_link("http://h", "1", "81c2", charts=True)) == {
        "workflowType": ["machine_learning"],
        "viewStateShareKey": ["81c2"],
        "compareRunsMode": ["CHART"],
    }


def test_the_view_is_written_once(home: Path) -> None:
    store = open_store(Tracking(), create=False)
    experiment_id = store.experiment_id("cnnexp")
    tags = []
    for _ in range(2):
        save_view(store.client, experiment_id)
        tags.append(store.client.get_experiment(experiment_id).tags["mlflow.sharedViewState.cnnexp"])
    assert tags[0] == tags[1]
    packed = json.loads(tags[0])["state"].removeprefix("deflate;")
    state = json.loads(zlib.decompress(base64.b64decode(packed)))
    assert state["selectedColumns"] == list(COLUMNS)
    assert state["startTime"] == "ALL"
    first = [chart["metricKey"] for chart in state["compareRunCharts"] if chart["metricSectionId"] == "loss"][:2]
    assert first == ["loss/train_eval", "loss/val"]
