"""`cnnexp ui`: a real server on a real store, the right link, no process left; refusals create nothing."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import numpy as np
import psutil
import pytest
from PIL import Image

from cnnexp.cli import main
from cnnexp.figures import feature_map_image
from cnnexp.runs.links import run_link
from cnnexp.runs.publish import Publisher
from cnnexp.runs.record import RunRecord
from cnnexp.runs.server import free_port
from tests.conftest import run_command
from tests.report.made import made_run
from tests.runs.records import create_run, finish
from tests.study.conftest import Request
from tests.study.made import TINY, made_sweep

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
PICTURE = "img.rc-image-img"
ROOM_BELOW = """picture => {
    let card = picture
    while (getComputedStyle(card).overflowY === "visible") card = card.parentElement
    return card.getBoundingClientRect().bottom - picture.getBoundingClientRect().bottom
}"""


def publish(record: RunRecord) -> RunRecord:
    assert Publisher(record.config.tracking, record.folder, print).finish(record)
    return record.fresh()


def _listen() -> None:
    """A process started by one that ignores Ctrl-C would ignore it too."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def start(folder: Path, *words: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-m", "cnnexp.cli", "ui", *words]
    return subprocess.Popen(
        command, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        preexec_fn=_listen,
    )  # fmt: skip


@contextmanager
def printed(process: subprocess.Popen[str]) -> Iterator[str]:
    """The one line it prints; it is ended at the end."""
    try:
        assert process.stdout is not None
        line = process.stdout.readline().strip()
        assert line, process.communicate(timeout=30)[1]
        yield line
    finally:
        process.terminate()
        process.communicate(timeout=30)


@contextmanager
def ui(folder: Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`cnnexp ui` as a process of its own, and the link it printed."""
    process = start(folder, *words)
    with printed(process) as line:
        yield process, line


def test_without_a_store_it_is_refused_and_nothing_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    assert main(["ui"]) == 2
    assert "cnnexp train" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_was_never_published_is_refused_with_a_cure(
    home: Path, finished: RunRecord, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ui", finished.id]) == 2
    assert f"cnnexp sync {finished.id}" in capsys.readouterr().err


@pytest.mark.slow
def test_a_taken_port_is_refused(home: Path, finished: RunRecord, capsys: pytest.CaptureFixture[str]) -> None:
    publish(finished)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert main(["ui", "--port", str(taken.getsockname()[1])]) == 2
    assert "--port" in capsys.readouterr().err


def test_the_first_free_port_is_taken() -> None:
    port = free_port("127.0.0.1")
    with socket.create_server(("127.0.0.1", port)):
        assert free_port("127.0.0.1") > port


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 143)])
def test_it_answers_with_few_processes_and_leaves_none(
    home: Path, finished: RunRecord, number: signal.Signals, code: int
) -> None:
    state = publish(finished).mlflow
    with ui(home, "latest", "--json") as (process, told):
        answer = json.loads(told)
        link = answer["link"]
        server = psutil.Process(answer["pid"])
        family = [server, *server.children(recursive=True)]
        address = link.partition("/#")[0]
        expected = f"/#/experiments/{state['experiment_id']}/runs/{state['run_id']}?workflowType=machine_learning"
        assert link == address + expected
        assert address.startswith("http://127.0.0.1:")
        with urlopen(f"{address}/health", timeout=10) as response:
            assert response.status == 200
        assert len(family) == 2
        assert listening(family) == {"127.0.0.1"}
        process.send_signal(number)
        assert process.wait(timeout=30) == code
        assert [member for member in family if member.is_running()] == []


def listening(family: list[psutil.Process]) -> set[str]:
    """The addresses on which processes listen."""
    connections = [one for member in family for one in member.net_connections("inet")]
    return {one.laddr.ip for one in connections if one.status == psutil.CONN_LISTEN}


@pytest.mark.slow
def test_it_listens_elsewhere_only_when_asked(home: Path, finished: RunRecord) -> None:
    publish(finished)
    with ui(home, "--host", "0.0.0.0", "--json") as (_, told):
        server = psutil.Process(json.loads(told)["pid"])
        assert listening([server, *server.children(recursive=True)]) == {"0.0.0.0"}


@pytest.mark.slow
def test_two_that_start_at_once_show_each_its_own_store(home: Path, migrated: Path) -> None:
    """Both find the same port free: who loses it takes the next."""
    folders, states = [home / "one", home / "other"], []
    for folder in folders:
        record = finish(create_run(folder / "runs", [f"tracking.uri=sqlite:///{folder}/mlflow.db"]))
        shutil.copy(migrated, folder / "mlflow.db")
        states.append(publish(record).mlflow)
    with ExitStack() as stack:
        links = [stack.enter_context(printed(process)) for process in [start(folder, "latest") for folder in folders]]
        addresses = [link.partition("/#")[0] for link in links]
        assert len({*addresses}) == 2
        for address, state in zip(addresses, states, strict=True):
            with urlopen(f"{address}/ajax-api/2.0/mlflow/runs/get?run_id={state['run_id']}", timeout=30) as answer:
                assert answer.status == 200


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
@pytest.mark.parametrize("mode", ["light", "dark"])
def test_the_printed_links_open_on_the_right_things(home: Path, mode: Any) -> None:
    from playwright.sync_api import expect

    for kernel in (3, 5):
        record = finish(create_run(home / "runs", [f"model.kernel_size={kernel}"], name=f"kernel_size={kernel}"))
        state = publish(with_maps_as_drawn(record)).mlflow
    with ui(home, "--json") as (_, told), browsing(mode) as show:
        answer = json.loads(told)
        page = show(run_link(address(answer), str(state["experiment_id"]), str(state["run_id"])))
        see(page, "test accuracy 98.00% (95 % interval 96.36% to 98.91%)")
        page = show(answer["link"])
        page.set_viewport_size({"width": 2200, "height": 1000})  # columns out of sight are not in the page
        see(page, "accuracy/test", "loss/val", "model.kernel_size", "model.dropout", "kernel_size=3", "kernel_size=5")
        page = show(answer["charts"])
        see(page, "accuracy/val", "kernel_size=3", "kernel_size=5")
        validation, test = (
            page.get_by_text(f"accuracy/{name}", exact=True).first.bounding_box() for name in ("val", "test")
        )
        assert validation["y"] == test["y"]
        assert validation["x"] < test["x"], "in the order of cnnexp, not of the alphabet"
        page.get_by_text("feature_maps", exact=True).first.scroll_into_view_if_needed()
        see(page, "feature_maps/conv_1")
        picture = page.locator(PICTURE).first
        picture.wait_for()
        assert picture.evaluate(ROOM_BELOW) >= 0, "all of it is seen"
        card = page.get_by_text("feature_maps/conv_1", exact=True).locator("xpath=ancestor::div[.//button][1]")
        card.get_by_role("button").first.click()
        pictures = page.get_by_role("dialog").locator(PICTURE)
        expect(pictures).to_have_count(2)
        pictures.last.wait_for()
        left, right = (pictures.nth(number).bounding_box() for number in (0, 1))
        assert left["y"] == right["y"]
        assert left["x"] + left["width"] <= right["x"]


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
def test_a_sweep_opens_on_its_runs_alone_and_a_comparison_on_its_report(home: Path, request_of: Request) -> None:
    words = (*TINY, "tracking.enabled=true", "model.kernel_size=3,5")
    sweep = made_sweep(request_of(*words), home / "runs", [0.8, 0.9])
    compared = [made_run(home / "runs", marks).id for marks in ("+-", "--")]
    assert run_command(home, "sync").code == 0
    with ui(home, sweep.id, "--json") as (_, told), browsing("light") as show:
        answer = json.loads(told)
        page = show(answer["link"])
        see(page, "best/accuracy_val", "model.kernel_size", "kernel_size=5", "kernel_size=3")
        names = page.get_by_role("link").filter(has_text="kernel_size=").all_inner_texts()
        assert names == ["kernel_size=5", "kernel_size=3"], "best first, and no others"
        report = json.loads(run_command(home, "compare", *compared, "--mlflow", "--json").out)
        page = show(f"{address(answer)}/#{report['mlflow'].partition('/#')[2]}")
        page.frame_locator("iframe").get_by_text("These weights").first.wait_for()


def address(answer: dict[str, Any]) -> str:
    return str(answer["link"].partition("/#")[0])


def with_maps_as_drawn(record: RunRecord) -> RunRecord:
    """The record with pictures of its layers as large as they are of ten digits and sixteen channels."""
    maps = np.random.default_rng(0).random((10, 28, 28, 16))
    picture = Image.fromarray(feature_map_image(maps, limits=(0, 1)))
    for path in (record.folder / "figures" / "series").rglob("*.png"):
        picture.save(path)
    return record


@contextmanager
def browsing(mode: Any) -> Iterator[Callable[[str], Any]]:
    """Opens a link in a new page of a Chromium of its own."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        context = browser.new_context(color_scheme=mode, viewport={"width": 1600, "height": 1000})
        context.set_default_timeout(90_000)

        def show(link: str) -> Any:
            page = context.new_page()
            page.goto(link, wait_until="domcontentloaded")
            return page

        yield show
        browser.close()


def see(page: Any, *texts: str) -> None:
    from playwright.sync_api import expect

    for text in texts:
        expect(page.get_by_text(text, exact=True).first).to_be_visible(timeout=90_000)
