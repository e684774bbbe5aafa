"""Whatever a record holds: a command that reads it succeeds or refuses with the reason, and nothing else happens."""

from __future__ import annotations

import json
import shutil
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from cnnexp.checkpoints import Checkpoints
from cnnexp.config.schema import Tracking
from cnnexp.errors import CnnexpError
from cnnexp.rerunning import plan_rerun
from cnnexp.resuming import EPOCHS, changed_since, what_is_left
from cnnexp.runs.record import RunRecord
from cnnexp.runs.sweep_writer import SweepHeader, SweepWriter
from cnnexp.runs.writer import RunWriter
from cnnexp.verbs.lifecycle import borrowed, find
from tests.cases import MANY, cases
from tests.conftest import Done, run_command, working_in
from tests.hostile import DAMAGES, IN_CHECKPOINT, IN_SWEEP, OUTSIDE, Damage, as_other, in_arrays, in_bytes, in_text

WORDS = (
    "train", "data=folder", "data.folder=pictures", "model=empty", "model.blocks.conv_1.filters=2", "tracking=off",
    "training.epochs=1", "training.batch_size=4", "figures=off", "training.threads=2",
    "training.keep_checkpoints=true",
)  # fmt: skip
PUBLISHED = {"uri": "sqlite:////nowhere/mlflow.db", "experiment_id": "1", "run_id": "0" * 32, "status": "FINISHED",
             "epochs": 1, "model_id": None, "files": {"run.json": "1-1"}}  # fmt: skip
GOOD, BAD, SWEEP = "00000000", "11111111", "22222222"


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with pictures of two classes, and two records of one network that was trained on them."""
    home = tmp_path_factory.mktemp("originals")
    generator = np.random.default_rng(0)
    for label in ("a", "b"):
        (home / "pictures" / label).mkdir(parents=True)
        for number in range(12):
            pixels = generator.integers(0, 256, (6, 6), dtype=np.uint8)
            Image.fromarray(pixels).save(home / "pictures" / label / f"{number}.png")
    done = run_command(home, *WORDS)
    assert done.code == 0, done.err
    first = home / "runs" / done.out.strip()
    for name in (GOOD, BAD):
        shutil.copytree(first, home / "runs" / name)
        text = (home / "runs" / name / "run.json").read_text(encoding="utf-8")
        (home / "runs" / name / "run.json").write_text(text.replace(first.name, name), encoding="utf-8")
        (home / "runs" / name / "mlflow.json").write_text(json.dumps(PUBLISHED), encoding="utf-8")
    shutil.rmtree(first)
    put_sweep(home / "runs")
    return home


def put_sweep(runs: Path) -> None:
    """A search that came upon both runs and chose one; a third point failed, a fourth is impossible."""

    def point(number: int, verdict: str = "will run", reason: str = "") -> dict[str, Any]:
        return {"number": number, "name": f"seed={number}", "varied": {"seed": str(number)}, "overrides": [], "run": "",
                "verdict": verdict, "reason": reason, "run_key": "k", "variant": "v", "parameters": 9,
                "multiply_adds": 9}  # fmt: skip

    points = [point(0), point(1), point(2, "impossible", "too small")]
    writer = SweepWriter.create(runs, SweepHeader("mine", ("seed=0,1",), "cnnexp train -m", points, Tracking()))
    writer.event("started")
    writer.event("drawn", point=point(3))
    for number, run in ((0, GOOD), (1, BAD)):
        writer.point(number, run, "FINISHED", "complete", "", "logs/0.txt")
    writer.point(3, "", "FAILED", "failed", "why", "logs/3.txt")
    writer.event("result", run=GOOD, name="seed=0", metrics={"accuracy/test": 0.5})
    writer.event("ended", status="FAILED", outcome="failed", message="1 failed")
    writer.close()
    text = (writer.folder / "sweep.json").read_text(encoding="utf-8").replace(writer.folder.name, SWEEP)
    writer.folder.rename(runs / SWEEP)
    (runs / SWEEP / "sweep.json").write_text(text, encoding="utf-8")
    place = {key: PUBLISHED[key] for key in ("uri", "experiment_id", "run_id")}
    (runs / SWEEP / "mlflow.json").write_text(json.dumps(place), encoding="utf-8")


@pytest.fixture
def home(originals: Path, tmp_path: Path) -> Path:
    """The same pictures; the records are put there for each case."""
    shutil.copytree(originals / "pictures", tmp_path / "pictures")
    return tmp_path


def planned(home: Path) -> Done:
    """What `rerun` does before it trains: a config that was tampered with may be a valid one of any cost."""
    with working_in(home):
        try:
            with borrowed(BAD) as record:
                plan_rerun(record, verify=True)
        except CnnexpError as error:
            return Done(error.exit_code, "", f"error: {error}\n")
    return Done(0, "", "")


def to_go_on(home: Path) -> Done:
    """What `resume` does with more epochs before it trains."""
    with working_in(home):
        try:
            record = find(BAD, home / "runs")
            config = what_is_left(record, [f"{EPOCHS}={record.config.training.epochs + 1}"])
            changed_since(record, "")
            run = RunWriter.reopen(record.folder)
            try:
                assert config is not None
                assert Checkpoints(run, config.training).after in (None, 0, 1)
            finally:
                run.close()
        except CnnexpError as error:
            return Done(error.exit_code, "", f"error: {error}\n")
    return Done(0, "", "")


Ask = Callable[[Path], Done]
LIGHT: dict[str, Ask] = {
    "runs": lambda home: run_command(home, "runs"),
    "show": lambda home: run_command(home, "show", BAD),
    "show --json": lambda home: run_command(home, "show", BAD, "--json"),
    "diff": lambda home: run_command(home, "diff", GOOD, BAD),
    "rerun": planned,
    "resume": to_go_on,
}
HEAVY: dict[str, Ask] = {
    "show --draw": lambda home: run_command(home, "show", BAD, "--draw"),
    "compare": lambda home: run_command(home, "compare", GOOD, BAD),
    "evaluate": lambda home: run_command(home, "evaluate", BAD),
    "predict": lambda home: run_command(home, "predict", BAD, "pictures/a/0.png"),
}
OF_A_SWEEP: dict[str, Ask] = {
    "runs": lambda home: run_command(home, "runs"),
    "show": lambda home: run_command(home, "show", SWEEP),
    "show --json": lambda home: run_command(home, "show", SWEEP, "--json"),
    "runs --sweep": lambda home: run_command(home, "runs", "--sweep", SWEEP),
    "compare": lambda home: run_command(home, "compare", SWEEP),
}
ASKS = LIGHT | HEAVY


def asked_of_a_damaged_record(
    originals: Path, home: Path, damages: list[Damage], ask: Ask, damaged: str = BAD
) -> Done:  # fmt: skip
    shutil.rmtree(home / "runs", ignore_errors=True)
    shutil.copytree(originals / "runs", home / "runs")
    (home / OUTSIDE).write_text("as it was", encoding="utf-8")
    for damage in damages:
        try:
            damage(home / "runs" / damaged)
        except (
            OSError,
            ValueError,
            LookupError,
            zipfile.BadZipFile,
            zlib.error,
        ):  # the damage before it left nothing of it
            continue
    return ask(home)


def check(home: Path, done: Done, word: str) -> None:
    """Success or a refusal, and nothing outside the record was run, written or left behind."""
    assert done.code in (0, 2), done
    if done.code == 2:
        errors = done.err[done.err.index("error: ") :]
        assert len(errors.splitlines()) <= 12
        assert len(errors) < 8000
    assert "Traceback" not in done.err
    assert (home / OUTSIDE).read_text(encoding="utf-8") == "as it was"
    assert not (home / "was_run").exists()
    allowed = {"runs", "pictures", OUTSIDE, "comparisons", "predictions"}
    assert {path.name for path in home.iterdir()} <= allowed, word


def succeeds_or_refuses(originals: Path, home: Path, damages: list[Damage], word: str) -> None:
    check(home, asked_of_a_damaged_record(originals, home, damages, ASKS[word]), word)


SOME = st.lists(DAMAGES, min_size=1, max_size=2)


@pytest.mark.slow
@cases(MANY * 4 // 5)
@given(damages=SOME, word=st.sampled_from([*LIGHT]))
def test_many_damaged_records_are_read_or_refused(
    originals: Path, home: Path, damages: list[Damage], word: str
) -> None:  # fmt: skip
    succeeds_or_refuses(originals, home, damages, word)


@pytest.mark.slow
@pytest.mark.parametrize("word", OF_A_SWEEP)
def test_an_undamaged_sweep_is_read(word: str, originals: Path, home: Path) -> None:
    done = asked_of_a_damaged_record(originals, home, [], OF_A_SWEEP[word])
    check(home, done, word)
    assert done.code == 0, done.err


@pytest.mark.slow
@cases(MANY // 2)
@given(damages=st.lists(IN_SWEEP, min_size=1, max_size=2), word=st.sampled_from([*OF_A_SWEEP]))
def test_many_damaged_sweeps_are_read_or_refused(
    originals: Path, home: Path, damages: list[Damage], word: str
) -> None:  # fmt: skip
    check(home, asked_of_a_damaged_record(originals, home, damages, OF_A_SWEEP[word], SWEEP), word)


@pytest.mark.slow
@cases(MANY // 5)
@given(damage=IN_CHECKPOINT)
def test_many_checkpoints_that_lie_are_read_or_refused(originals: Path, home: Path, damage: Damage) -> None:
    succeeds_or_refuses(originals, home, [damage], "resume")


@pytest.mark.slow
@cases(MANY // 5)
@given(damages=SOME, word=st.sampled_from([*HEAVY, "compare", "evaluate", "predict"]))
def test_arrays_of_many_damaged_records_are_read_or_refused(
    originals: Path, home: Path, damages: list[Damage], word: str
) -> None:  # fmt: skip
    succeeds_or_refuses(originals, home, damages, word)


@pytest.mark.slow
@pytest.mark.parametrize("word", ASKS)
def test_an_undamaged_record_is_read(word: str, originals: Path, home: Path) -> None:
    done = asked_of_a_damaged_record(originals, home, [], ASKS[word])
    check(home, done, word)
    assert done.code == 0, done.err


TAMPERED: dict[str, tuple[Damage, str]] = {
    "an unknown key": (in_text("config.yaml", 0, "insert", 1), "nosuch: got 1, expected a key that exists"),
    "a tag": (in_bytes("config.yaml", 0, "replace", b"seed: !!python/name:os.system"), "plain YAML without tags"),
    "a _target_": (in_text("config.yaml", 0, "target", "os.system"), "no _target_ anywhere"),
    "a path as an id": (in_text("run.json", 0, "replace", "../../outside"), "id '../../outside'"),
    "a link": (as_other("environment.json", "link"), "a symbolic link"),
    "a link to a folder": (as_other("run.json", "link to a folder"), "a symbolic link"),
    "a pipe": (as_other("events.jsonl", "pipe"), "no plain file"),
    "a journal cut off": (in_bytes("events.jsonl", 0, "replace", b'{"event": "epoch"}\n'), "events.jsonl:1"),
    "junk": (in_bytes("run.json", 0, "replace", b"\x00\x01\x02"), "a JSON file that can be read"),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("kind", TAMPERED)
@pytest.mark.parametrize("word", [word for word in ASKS if word != "runs"])
def test_each_verb_tells_what_is_wrong_with_a_record(kind: str, word: str, originals: Path, home: Path) -> None:
    damage, reason = TAMPERED[kind]
    done = asked_of_a_damaged_record(originals, home, [damage], ASKS[word])
    check(home, done, word)
    assert (done.code, done.out) == (2, "")
    assert reason in done.err


ARRAYS: dict[str, tuple[str, Damage, str]] = {
    "objects as weights": ("evaluate", in_arrays("weights.npz", 0, "array", 16), "holds objects, not numbers"),
    "a pickle as weights": ("predict", in_bytes("weights.npz", 0, "replace", b"\x80\x04"), "a file of arrays"),
    "weights of another shape": ("evaluate", in_arrays("weights.npz", 0, "array", 2), "weights.npz"),
    "too few predictions": ("compare", in_arrays("predictions.npz", 0, "array", 4), "that fit"),
    "losses below 0": ("compare", in_arrays("predictions.npz", 2, "array", 10), "that fit"),
    "losses of half the bits": ("show --draw", in_arrays("predictions.npz", 2, "array", 12), "that fit"),
    "objects as predictions": ("compare", in_arrays("predictions.npz", 0, "array", 16), "plain arrays"),
    "a name that leaves": ("show --draw", in_arrays("probes/epoch_001.npz", 1, "name", 2), "maps/LAYER"),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ARRAYS)
def test_arrays_that_do_not_fit_are_refused(kind: str, originals: Path, home: Path) -> None:
    word, damage, reason = ARRAYS[kind]
    done = asked_of_a_damaged_record(originals, home, [damage], ASKS[word])
    check(home, done, word)
    assert (done.code, done.out) == (2, "")
    assert reason in done.err


@pytest.mark.slow
def test_a_network_larger_than_its_weights_is_not_built(originals: Path, home: Path) -> None:
    """A billion filters would take all memory before the weights were found not to fit."""

    def enlarge(folder: Path) -> None:
        path = folder / "config.yaml"
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("filters: 2\n", "filters: 1000000000\n"), encoding="utf-8")

    done = asked_of_a_damaged_record(originals, home, [enlarge], ASKS["evaluate"])
    check(home, done, "evaluate")
    assert (done.code, done.out) == (2, "")
    assert RunRecord(home / "runs" / BAD).config.model.blocks["conv_1"].filters == 1_000_000_000
