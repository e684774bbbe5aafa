"""What `cnnexp evaluate` prints."""

from __future__ import annotations

import json
import re

import pytest

from tests.conftest import Trained, run_command


def test_text(trained: Trained) -> None:
    done = run_command(trained.home, "evaluate", "latest")
    lines = done.out.splitlines()
    metrics = trained.record.metrics
    assert (done.code, done.err) == (0, "")
    assert lines[0] == "mnist_5k, test: 500 digits"
    assert lines[1].startswith(f"accuracy  {metrics['accuracy/test']:.2%} (95 % interval ")
    assert lines[2] == f"loss      {metrics['loss/test']:.4f}"
    assert lines[4] == "class  digits  precision  recall"
    assert [line.split()[:2] for line in lines[5:]] == [[str(digit), "50"] for digit in range(10)]
    assert all(re.fullmatch(r"\d  +50 +(\d+\.\d\d%|–) +\d+\.\d\d%", line) for line in lines[5:])


def test_json(trained: Trained) -> None:
    told = json.loads(run_command(trained.home, "evaluate", trained.record.id, "--json").out)
    assert told["accuracy"] == trained.record.metrics["accuracy/test"]
    assert (told["run"], told["source"], told["split"]) == (trained.record.id, "mnist_5k", "test")
    assert (told["digits"], told["trained_on"]) == (500, 0)
    assert sum(map(sum, told["confusion"])) == 500
    assert list(told["classes"]) == list("0123456789")
    recall = told["confusion"][3][3] / 50
    assert told["classes"]["3"]["recall"] == pytest.approx(recall)


def test_trained_digits_are_refused_with_the_cure(trained: Trained) -> None:
    done = run_command(trained.home, "evaluate", "latest", "--split", "train")
    assert (done.code, done.out) == (2, "")
    assert "200 of 200 digits it was trained on" in done.err
    assert "--trained" in done.err


@pytest.mark.slow
def test_trained_digits_are_said_aloud_when_asked_for(trained: Trained) -> None:
    done = run_command(trained.home, "evaluate", "latest", "--split", "train", "--trained")
    assert done.code == 0
    assert done.err == "note: the network was trained on 200 of these 200 digits\n"
    assert done.out.startswith("mnist_5k, train: 200 digits\n")


@pytest.mark.parametrize("words", [["nosuchrun"], ["latest", "model.kernel_size=5"], ["latest", "data=nowhere"]])
def test_refusals(trained: Trained, words: list[str]) -> None:
    done = run_command(trained.home, "evaluate", *words)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: ")
