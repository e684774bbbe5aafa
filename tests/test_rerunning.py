"""Runs that are trained again: the same bits, what changed since, and what is refused before anything is written."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest

import cnnexp
from cnnexp.runs.record import RunRecord
from tests.conftest import Command, Done, Trained, working_in

QUIET = ("tracking.enabled=false", "figures.draw=false")


@pytest.fixture
def copied(trained: Trained, tmp_path: Path) -> RunRecord:
    """The trained run in an empty folder of its own, unknown to MLflow."""
    folder = tmp_path / "runs" / trained.record.id
    shutil.copytree(trained.record.folder, folder, ignore=shutil.ignore_patterns("mlflow.*", "lock"))
    return RunRecord(folder)


def rewritten(record: RunRecord, file: str, old: str, new: str) -> RunRecord:
    """The record with one text of one of its files replaced."""
    path = record.folder / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    return record.fresh()


def others(home: Path, record: RunRecord) -> list[RunRecord]:
    """The runs in the folder beside this one."""
    return [RunRecord(path) for path in sorted((home / "runs").iterdir()) if path != record.folder]


@pytest.mark.slow
def test_a_rerun_is_bit_identical_and_says_so(copied: RunRecord, command: Command, tmp_path: Path) -> None:
    done = command("rerun", "latest", "--verify", *QUIET)
    assert done.code == 0, done.err
    (again,) = others(tmp_path, copied)
    assert done.out.splitlines()[0] == "bit-identical"
    assert f"run {again.id} repeats {copied.id} over epochs 0 to 2" in done.out
    assert "equal after each of 3 epochs" in done.out
    assert [event["weights"] for event in again.epochs] == [event["weights"] for event in copied.epochs]
    assert again.result == copied.result
    assert again.header["links"] == {"rerun_of": copied.id}
    assert again.header["identity"] == copied.header["identity"]
    assert again.name == copied.name
    assert again.header["command"] == f"cnnexp rerun {copied.id} tracking.enabled=false figures.draw=false"
    assert again.config == copied.config.model_copy(
        update={
            "tracking": copied.config.tracking.model_copy(update={"enabled": False}),
            "figures": copied.config.figures.model_copy(update={"draw": False}),
        }
    )
    before = done.err.partition("run ")[2]
    assert all(f"\n{part:<10}the same\n" in done.err for part in ("code", "packages", "machine", "data"))
    assert before.index("data      the same") < before.index("before training")


@pytest.mark.slow
def test_the_command_of_a_rerun_works(copied: RunRecord, command: Command, tmp_path: Path) -> None:
    first = command("rerun", "latest", *QUIET)
    assert first.code == 0, first.err
    words = shlex.split(RunRecord(tmp_path / "runs" / first.out.strip()).header["command"])
    again = command(*words[1:], "--json")
    assert again.code == 0, again.err
    told = json.loads(again.out)
    assert (told["rerun_of"], told["status"]) == (copied.id, "FINISHED")
    assert told["changed"] == {"code": {}, "packages": {}, "machine": {}, "data": {}}


def verified(command: Command, *words: str) -> tuple[Done, dict[str, Any]]:
    done = command("rerun", "latest", "--verify", "--json", *QUIET, *words)
    return done, json.loads(done.out) if done.out else {}


@pytest.mark.slow
def test_weights_that_depart_differ_from_that_epoch(copied: RunRecord, command: Command, tmp_path: Path) -> None:
    hash_of_1 = copied.epochs[1]["weights"]
    rewritten(copied, "events.jsonl", hash_of_1, "0" * 64)
    done, told = verified(command)
    assert (done.code, told["verdict"], told["same"]) == (1, "differs from epoch 1", False)
    assert told["departs"]["weights"] == {"epoch": 1, "what": "weights", "then": "0" * 64, "now": hash_of_1}
    assert (told["departs"]["metric"], told["spread"]) == (None, None)
    assert told["rerun_of"] == copied.id
    assert told["run"] == others(tmp_path, copied)[0].id


@pytest.mark.slow
def test_a_rerun_that_diverges_differs_from_the_epoch_it_does_not_reach(copied: RunRecord, command: Command) -> None:
    rewritten(copied, "config.yaml", "learning_rate: 0.001", "learning_rate: 1.0e+38")
    done, told = verified(command)
    assert (done.code, told["verdict"]) == (1, "differs from epoch 1")
    assert told["departs"]["weights"]["now"] is None
    assert "expected a finite number" in done.err


@pytest.mark.slow
def test_what_changed_since_is_told_before_training(copied: RunRecord, command: Command) -> None:
    """A run of another time: packages, processor and code are not those of now; so the recorded ones are told too."""
    environment = copied.environment
    keras = environment["packages"]["keras"]
    rewritten(copied, "environment.json", f'"keras": "{keras}"', '"keras": "3.0.1"')
    rewritten(copied, "environment.json", f'"cpu": {json.dumps(environment["cpu"])}', '"cpu": "abacus"')
    rewritten(copied, "environment.json", f'"sources": "{environment["sources"]}"', '"sources": "0123"')
    done, told = verified(command)
    assert (done.code, told["verdict"]) == (0, "bit-identical")
    assert told["changed"]["packages"] == {"keras": ["3.0.1", keras]}
    assert told["changed"]["machine"] == {"cpu": ["abacus", environment["cpu"]]}
    assert told["changed"]["code"] == {"sources of data/ and nn/": ["0123", environment["sources"]]}
    assert f"packages  keras: 3.0.1 then, {keras} now" in done.err


@pytest.mark.slow
def test_seeds_make_a_spread(copied: RunRecord, command: Command, tmp_path: Path) -> None:
    """The run and three more seeds, made from its own record: what is measured again lies inside their spread."""
    loss, accuracy = copied.result["best/loss_val"], copied.result["best/accuracy_val"]
    for seed, more in ((1, -0.02), (2, 0.0), (3, 0.02)):
        folder = tmp_path / "runs" / f"{seed:08x}"
        shutil.copytree(copied.folder, folder)
        other = rewritten(RunRecord(folder), "config.yaml", "\nseed: 0\n", f"\nseed: {seed}\n")
        rewritten(other, "run.json", f'"id": "{copied.id}"', f'"id": "{folder.name}"')
        rewritten(other, "events.jsonl", f'"best/loss_val": {loss}', f'"best/loss_val": {loss + more}')
        rewritten(other, "events.jsonl", f'"best/accuracy_val": {accuracy}', f'"best/accuracy_val": {accuracy + more}')
    rewritten(copied, "events.jsonl", copied.epochs[2]["weights"], "0" * 64)
    done = command("rerun", copied.id, "--verify", *QUIET)
    assert (done.code, done.out.splitlines()[0]) == (0, "same within noise")
    assert "of the first run and 3 other seeds (1, 2, 3)" in done.out
    rows = [line.split() for line in done.out.splitlines() if line.startswith(("best/", "loss/", "accuracy/"))]
    assert [(row[0], row[-1]) for row in rows] == [
        ("best/loss_val", "inside"), ("best/accuracy_val", "inside"), ("loss/test", "inside"),
        ("accuracy/test", "inside"),
    ]  # fmt: skip


def test_changed_digits_are_refused(copied: RunRecord, command: Command, tmp_path: Path) -> None:
    rewritten(copied, "run.json", copied.data["digest"], "0" * 16)
    for words in ((), ("--verify",)):
        done = command("rerun", "latest", *words, *QUIET)
        assert (done.code, done.out) == (2, "")
        assert f"mnist_5k: got digest {copied.data['digest']}, expected {'0' * 16}" in done.err
    assert others(tmp_path, copied) == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("seed=1", "--verify"), "seed: got 1, expected 0, as the run had"),
        (("model.kernel_size=5", "--verify"), "model.kernel_size: got 5, expected 3, as the run had"),
        (("model.kernel_size=[1,7]", "--verify"), "model.kernel_size: got [1, 7], expected 3, as the run had"),
        (("model.padding=valid", "--verify"), "model.padding: got 'valid', expected 'same', as the run had"),
        (("training.epochs=3", "--verify"), "training.epochs: got 3, expected 2, as the run had"),
        (("data.limit=null", "--verify"), "data.limit: got null, expected 200, as the run had"),
        (("model=small",), "model: got `model=small`, expected single keys"),
        (("model.kernel_siz=5",), "Did you mean model.kernel_size?"),
        (("training.batch_size=900",), "at most 200, the number of training digits"),
    ],
)
def test_refusals_leave_nothing(
    words: tuple[str, ...], told: str, copied: RunRecord, command: Command, tmp_path: Path
) -> None:
    done = command("rerun", "latest", *words)
    assert (done.code, done.out) == (2, "")
    assert told in done.err
    assert others(tmp_path, copied) == []


def test_a_run_without_an_epoch_cannot_be_verified(copied: RunRecord, command: Command) -> None:
    journal = copied.folder / "events.jsonl"
    journal.write_text("".join(journal.read_text("utf-8").splitlines(keepends=True)[:2]), encoding="utf-8")
    done = command("rerun", "latest", "--verify")
    assert (done.code, done.out) == (2, "")
    assert "KILLED without an epoch that it finished" in done.err


@pytest.mark.slow
def test_other_keys_may_be_changed(copied: RunRecord, command: Command, tmp_path: Path) -> None:
    done = command("rerun", copied.id[:6], "training.epochs=1", "data.limit=100", *QUIET)
    assert done.code == 0, done.err
    (again,) = others(tmp_path, copied)
    assert done.out == f"{again.id}\n"
    assert again.name == f"{copied.name} epochs=1 limit=100"
    kept = [word for word in copied.overrides if word not in ("training.epochs=2", "data.limit=200")]
    assert len(kept) == len(copied.overrides) - 2
    assert (again.epochs_done, again.data["sizes"]["train"]) == (1, 100)
    assert again.overrides == (*kept, "training.epochs=1", "data.limit=100", *QUIET)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "overrides", "now", "called"),
    [
        ("limit=200 epochs=2", ("data.limit=200", "training.epochs=2"), ("+training.epochs=1",), "limit=200 epochs=1"),
        ("epochs=1 seed=0", ("training.epochs=1", "seed=0"), ("training.epochs=1",), "seed=0 epochs=1"),
        ("max_epochs=2", ("training.epochs=2",), ("training.epochs=3", "training.epochs=1"), "max_epochs=2 epochs=1"),
    ],
)
def test_the_last_value_of_a_key_replaces_the_earlier_in_name_and_overrides(
    name: str, overrides: tuple[str, ...], now: tuple[str, ...], called: str,
    copied: RunRecord, command: Command, tmp_path: Path,
) -> None:  # fmt: skip
    header = copied.header | {"name": name, "overrides": list(overrides)}
    (copied.folder / "run.json").write_text(json.dumps(header), encoding="utf-8")
    done = command("rerun", copied.id, *now, *QUIET)
    assert done.code == 0, done.err
    (again,) = others(tmp_path, copied)
    assert again.name == called
    kept = [word for word in overrides if "epochs" not in word]
    assert again.overrides == (*kept, now[-1], *QUIET)


@pytest.mark.slow
def test_from_mlflow_on_another_machine(trained: Trained, command: Command, tmp_path: Path) -> None:
    """The folder has neither runs/ nor a store; the other one's store is named."""
    uri = f"tracking.uri=sqlite:///{trained.home / 'mlflow.db'}"
    done = command("rerun", trained.record.id, "--verify", uri, *QUIET)
    assert done.code == 0, done.err
    assert done.out.splitlines()[0] == "bit-identical"
    assert "Downloading" not in done.err
    (folder,) = (tmp_path / "runs").iterdir()
    assert RunRecord(folder).header["links"] == {"rerun_of": trained.record.id}
    assert not (tmp_path / "mlflow.db").exists()


@pytest.mark.slow
def test_a_run_that_is_nowhere_is_refused(trained: Trained, command: Command, tmp_path: Path) -> None:
    uri = f"tracking.uri=sqlite:///{trained.home / 'mlflow.db'}"
    for words in (("0123abcd",), ("0123abcd", uri), ("latest", uri)):
        done = command("rerun", *words)
        assert (done.code, done.out) == (2, "")
        assert f"expected a run, but there is none in {tmp_path / 'runs'}" in done.err
        asked = words[0] != "latest" and uri in words
        assert (f"MLflow at sqlite:///{trained.home / 'mlflow.db'} has no such run either" in done.err) == asked
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_does_not_answer_is_told(command: Command) -> None:
    done = command("rerun", "0123abcd", "tracking.uri=http://127.0.0.1:9")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("note: MLflow at http://127.0.0.1:9: got no answer")
    assert "expected a run, but there is none" in done.err


@pytest.mark.slow
def test_from_python(copied: RunRecord, tmp_path: Path) -> None:
    with working_in(tmp_path):
        first = cnnexp.find(copied.id)
        again = cnnexp.rerun(first, *QUIET)
        found = again.verify()
        assert (found.verdict, found.again.id, found.first.id) == ("bit-identical", again.id, first.id)
        assert first.verify(again).verdict == "bit-identical"
        with pytest.raises(cnnexp.RunError, match="repeats no other"):
            first.verify()
        rewritten(copied, "config.yaml", "\nseed: 0\n", "\nseed: 1\n")
        with pytest.raises(cnnexp.RunError, match="another experiment: seed"):
            again.verify()
