from __future__ import annotations

from pathlib import Path

import pytest

from cnnexp.config.schema import Tracking
from cnnexp.errors import StoreError
from cnnexp.runs.publish_comparison import PublishedComparison, publish_comparison
from cnnexp.runs.store import open_store


def comparison(folder: Path, text: str = "<p>one</p>", key: str = "abc") -> PublishedComparison:
    report = folder / "report.html"
    report.write_text(text, encoding="utf-8")
    return PublishedComparison(key, "a vs b", "**note**", ["1", "2"], report)


@pytest.mark.slow
def test_a_run_of_its_own_that_is_there_once(home: Path) -> None:
    store = open_store(Tracking(), create=True)
    link = publish_comparison(store, "cnnexp", comparison(home))
    publish_comparison(store, "cnnexp", comparison(home, "<p>two</p>"))
    publish_comparison(store, "cnnexp", comparison(home, key="other"))
    runs = store.client.search_runs([store.experiment_id("cnnexp")], "tags.`cnnexp.comparison` = 'abc'")
    (run,) = runs
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "a vs b"
    tags = run.data.tags
    assert (tags["cnnexp.kind"], tags["cnnexp.compared"], tags["mlflow.note.content"]) == (
        "comparison",
        "1 2",
        "**note**",
    )
    downloaded = store.client.download_artifacts(run.info.run_id, "report.html")
    assert Path(downloaded).read_text(encoding="utf-8") == "<p>two</p>"
    experiment = store.experiment_id("cnnexp")
    place = f"experiments/{experiment}/runs/{run.info.run_id}/artifacts/report.html?workflowType=machine_learning"
    assert link.partition("/#/")[2] == place


def test_a_store_that_was_deleted_meanwhile(home: Path) -> None:
    store = open_store(Tracking(), create=True)
    (home / "mlflow.db").unlink()
    with pytest.raises(StoreError, match="deleted or replaced"):
        publish_comparison(store, "cnnexp", comparison(home))
