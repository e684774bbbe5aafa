"""`cnnexp compare` as a person types it, on made records; the report itself in a real browser."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from cnnexp.runs.record import RunRecord
from cnnexp.verbs.compare import _short
from tests.conftest import run_command
from tests.report.made import made_run

CHROMIUM = shutil.which("chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@pytest.fixture
def two(tmp_path: Path) -> tuple[RunRecord, RunRecord]:
    """Two recipes; the first is right on 12 digits, the second on 3 of them."""
    first = made_run(tmp_path / "runs", "+" * 12)
    return first, made_run(tmp_path / "runs", "+" * 3 + "-" * 9, "model.kernel_size=5", seed=1, kept=(0, 1, 2))


def test_the_table_the_statements_and_the_report(tmp_path: Path, two: tuple[RunRecord, RunRecord]) -> None:
    done = run_command(tmp_path, "compare", *(record.id for record in two))
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert lines[0].split() == ["A", two[0].id, "B", two[1].id]
    told = {line.strip().split("  ")[0]: line.split()[-2:] for line in lines[1:] if line}
    assert told["model.kernel_size"] == ["3", "5"]
    assert told["accuracy, 12 test"] == ["100.00%", "25.00%"]
    assert told["95 % interval"] == ["75.8–100.0%", "8.9–53.2%"]
    assert "model.strides" not in told
    assert "A reads these 12 test digits better than B" in done.out
    path = Path(lines[-1].partition("report")[2].strip())
    assert path.parent.parent == tmp_path / "comparisons"
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert done.err == ""


@pytest.mark.slow
def test_as_json(tmp_path: Path, two: tuple[RunRecord, RunRecord]) -> None:
    done = run_command(tmp_path, "compare", *(record.id for record in two), "--json", "--folder", "here")
    found = json.loads(done.out)
    assert found["report"] == str(tmp_path / "here" / "report.html")
    assert found["differing"] == {"model.kernel_size": ["3", "5"]}
    assert [run["accuracy"] for run in found["runs"]] == [1.0, 0.25]
    assert found["shared"] == {"digits": 12, "split": "test", "left_out": {}}
    (pair,) = found["pairs"]
    assert (pair["only_first"], pair["only_second"], pair["least_lead"]) == (9, 0, 7)
    assert found["recipe_differences"][0]["interval"] is None
    assert list(found["statements"]) == ["These weights", "These recipes", "This many digits"]


@pytest.mark.slow
def test_the_best_runs_have_a_table_of_pairs(tmp_path: Path, two: tuple[RunRecord, RunRecord]) -> None:
    made_run(tmp_path / "runs", "+" * 10 + "--", "seed=3")
    done = run_command(tmp_path, "compare", "top:3")
    assert done.code == 0, done.err
    assert "A B   2            0  +2    –           p = 0.5     p = 0.5       not distinguishable" in done.out
    assert "A C   9            0  +9    7           p = 0.0039  p = 0.0078    distinguishable" in done.out


@pytest.mark.slow
def test_many_runs_are_told_in_a_row_each(tmp_path: Path, two: tuple[RunRecord, RunRecord]) -> None:
    for seed in range(2, 6):
        made_run(tmp_path / "runs", "+" * 11 + "-", f"seed={seed}", f"tracking.run_name=run-{seed}")
    done = run_command(tmp_path, "compare", "top:6")
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert lines[0] == "measured on 12 test digits"
    header = "run         seed  kernel_size  accuracy  95 % interval  loss    parameters  multiply-adds  seconds"
    assert lines[2] == header
    assert (
        lines[3] == f"A {two[0].id}  0     3            100.00%   75.8–100.0%    0.1054  890,250     4,709,376      3.0"
    )
    assert "run_name" not in done.out


def test_a_short_name_stands_for_one_key_alone() -> None:
    keys = ["model.kernel_size", "training.threads", "threads", "evaluation.test", "training.loss"]
    assert _short(keys) == ["kernel_size", "training.threads", "threads", "evaluation.test", "training.loss"]


@pytest.mark.slow
def test_runs_of_other_classes_are_compared_in_the_rest(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    made_run(runs, "++", class_names=["a", "b"])
    made_run(runs, "++")
    done = run_command(tmp_path, "compare", "top:2")
    assert done.code == 0, done.err
    assert "Unknown: these runs have read no digit in common." in done.out
    assert "parameters" in done.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["latest"], "only one run"),
        (["latest", "latest"], "only one run"),
        (["latest", "zz"], "the id of a run, or latest"),
        (["top:x"], "top:N for the N best runs"),
    ],
)
def test_refusals(tmp_path: Path, two: tuple[RunRecord, RunRecord], words: list[str], message: str) -> None:
    done = run_command(tmp_path, "compare", *words)
    assert done.code == 2
    assert message in done.err
    assert done.out == ""
    assert not (tmp_path / "comparisons").exists()


@pytest.mark.slow
def test_in_mlflow_too(home: Path) -> None:
    first, second = made_run(home / "runs", "+-"), made_run(home / "runs", "--")
    done = run_command(home, "compare", first.id, second.id, "--mlflow")
    assert done.code == 0, done.err
    assert "look  cnnexp ui\n      http://127.0.0.1:" in done.err
    again = run_command(home, "compare", first.id, second.id, "--mlflow", "--json")
    assert json.loads(again.out)["mlflow"].partition("/#/")[2] in done.err


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
@pytest.mark.parametrize(("mode", "width"), [("light", 1280), ("dark", 1280), ("light", 420)])
def test_the_report_opens_from_disk_and_its_slider_works(
    tmp_path: Path, two: tuple[RunRecord, RunRecord], mode: Any, width: int
) -> None:
    from playwright.sync_api import expect, sync_playwright

    run_command(tmp_path, "compare", *(record.id for record in two), "--folder", "here")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(color_scheme=mode, viewport={"width": width, "height": 900})
        problems: list[str] = []
        asked: list[str] = []
        page.on("console", lambda message: problems.append(message.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto((tmp_path / "here" / "report.html").as_uri())
        expect(page.get_by_role("heading", level=1)).to_have_text("kernel_size 3 vs 5")
        slider = page.get_by_role("slider")
        slider.focus()
        page.keyboard.press("ArrowLeft")
        expect(page.locator("#epoch-told")).to_have_text("1")
        expect(page.get_by_alt_text("run B, conv_1 after 1 epoch: 6 channels, 28×28")).to_be_visible()
        expect(page.get_by_alt_text("run A, conv_1 before training: 6 channels, 28×28")).to_be_visible()
        expect(page.get_by_alt_text("run A, conv_1 after 2 epochs: 6 channels, 28×28")).to_be_hidden()
        moved = "() => getComputedStyle(document.querySelector('.tiles img:not([hidden])')).transform"
        before = page.evaluate(moved)
        page.get_by_role("radio", name="digit 7").focus()
        page.keyboard.press("ArrowRight")
        assert page.evaluate("document.body.style.getPropertyValue('--digit')") == "8"
        assert page.evaluate(moved) != before
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 24, 29)"
        assert dark == (mode == "dark")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.emulate_media(media="print")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        expect(slider).to_be_hidden()
        browser.close()
    assert problems == []
    assert [url for url in asked if not url.startswith(("file://", "data:"))] == []
