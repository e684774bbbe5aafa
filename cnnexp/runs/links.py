"""Links into MLflow's UI that open on the right thing: machine-learning mode, filtered, sorted, with columns."""

from __future__ import annotations

import base64
import json
import time
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

MODE = {"workflowType": "machine_learning"}
COLUMNS = (
    "metrics.`accuracy/test`", "metrics.`accuracy/val`", "metrics.`loss/val`", "params.`model.kernel_size`",
    "params.`model.strides`", "params.`model.padding`", "tags.`model.pool`", "tags.`model.dropout`",
    "tags.`training.learning_rate`", "tags.`training.epochs`", "tags.`cnnexp.outcome`",
)  # fmt: skip
VIEW = "cnnexp"
SECTIONS = ("accuracy", "loss")
"""Sections of charts that are laid out here: in two columns, train (dropout off) and validation first, side by side."""
FIRST_IN_SECTION = ("train_eval", "val", "train", "test")
AS_MLFLOW_LAYS_OUT = ("Model metrics", "System metrics")
"""Sections that the UI drops where a view has sections without them."""


@dataclass(frozen=True)
class View:
    """What a saved view of MLflow's runs table shows: a filter, an order and columns."""

    name: str
    filter: str = ""
    order_by: str = "attributes.start_time"
    ascending: bool = False
    columns: Sequence[str] = COLUMNS


DEFAULT_VIEW = View("cnnexp: knobs and results")


def run_link(base_url: str, experiment_id: str, run_id: str) -> str:
    """The page of one run."""
    return f"{base_url.rstrip('/')}/#/experiments/{experiment_id}/runs/{run_id}?{urlencode(MODE)}"


def experiment_link(base_url: str, experiment_id: str, view: str | None = VIEW, *, charts: bool = False) -> str:
    """The runs of an experiment with the filter, order and columns of a saved view, by default the newest first.

    charts: opened on the charts of these runs, else on their table.
    """
    shown = {"viewStateShareKey": view} if view else {"orderByKey": "attributes.start_time", "orderByAsc": "false"}
    mode = {"compareRunsMode": "CHART"} if charts else {}
    return f"{base_url.rstrip('/')}/#/experiments/{experiment_id}/runs?{urlencode({**MODE, **shown, **mode})}"


def save_view(client: MlflowClient, experiment_id: str, key: str = VIEW, view: View = DEFAULT_VIEW) -> None:
    """Write a view where the UI's own Views > Save writes it (an experiment tag); the same view is written once.

    The format is the UI's own and not documented: best effort, a store that refuses it does without.
    """
    from mlflow.exceptions import MlflowException

    tag, state = f"mlflow.sharedViewState.{key}", _view_state(view)
    with suppress(MlflowException, ValueError):
        saved = client.get_experiment(experiment_id).tags.get(tag)
        if saved is None or json.loads(saved).get("state") != state:
            now = int(time.time() * 1000)
            value = {"name": view.name, "createdAt": now, "updatedAt": now, "state": state}
            client.set_experiment_tag(experiment_id, tag, json.dumps(value))


def column_width(column: str) -> int:
    """Pixels that a column needs to show its own name."""
    return 46 + 7 * len(column.partition("`")[2].rstrip("`"))


def _charts() -> dict[str, list[dict[str, object]]]:
    """The charts of SECTIONS in their order; the UI adds those of all other metrics, and hides what nobody measured."""
    look: dict[str, object] = {"display": True, "isReordered": False, "deleted": False, "isGenerated": True}
    told = [{**look, "uuid": name, "name": name, "columns": 2, "isReordered": True} for name in SECTIONS]
    told += [{**look, "uuid": name, "name": name} for name in AS_MLFLOW_LAYS_OUT]
    charts: list[dict[str, object]] = [
        {
            "uuid": f"{section}/{name}", "type": "BAR", "metricKey": f"{section}/{name}", "displayName": name,
            "metricSectionId": section, "isGenerated": True, "deleted": False, "runsCountToCompare": 10,
        }
        for section in SECTIONS
        for name in FIRST_IN_SECTION
    ]  # fmt: skip
    return {"compareRunSections": told, "compareRunCharts": charts}


def _view_state(view: View) -> str:
    state = _charts() | {
        "searchFilter": view.filter, "orderByKey": view.order_by, "orderByAsc": view.ascending, "startTime": "ALL",
        "lifecycleFilter": "Active", "datasetsFilter": [], "modelVersionFilter": "All Runs",
        "selectedColumns": list(view.columns), "columnOrder": list(view.columns),
        "columnWidths": {column: column_width(column) for column in view.columns}, "runsHiddenMode": "SHOWALL",
        "viewMaximized": False, "runListHidden": False, "isAccordionReordered": False,
        "useGroupedValuesInCharts": True, "hideEmptyCharts": True, "groupBy": None, "groupsExpanded": {},
        "globalLineChartConfig": {"xAxisKey": "step", "lineSmoothness": 0, "selectedXAxisMetricKey": ""},
    }  # fmt: skip
    return "deflate;" + base64.b64encode(zlib.compress(json.dumps(state).encode())).decode()
