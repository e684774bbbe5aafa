"""The command as a person meets it: processes, signals, terminals, other data, stores that are away."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from cnnexp.runs.record import RunRecord
from cnnexp.runs.store import open_store
from tests.conftest import SMALL, Trained, run_command, train_in, working_in

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parent.parent
CNNEXP = (sys.executable, "-m", "cnnexp.cli")
LONG = ("train", *SMALL, "training.epochs=100000", "training.report_every=1", "figures=off")


def environment() -> dict[str, str]:
    hidden = ("MLFLOW_TRACKING_URI", "PYTHONPATH")
    return {key: value for key, value in os.environ.items() if key not in hidden} | {"PYTHONPATH": str(ROOT)}


def listen() -> None:
    """A process started by one that ignores Ctrl-C would ignore it too."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A training that has done two epochs and would go on for hours."""
    process = subprocess.Popen(
        [*CNNEXP, *LONG], cwd=tmp_path, env=environment(), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        preexec_fn=listen,
    )  # fmt: skip
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("epoch ") and line.split("/")[0].split()[-1] == "2":
            break
    yield process
    process.kill()
    process.communicate()


def only_record(home: Path) -> RunRecord:
    (folder,) = (home / "runs").iterdir()
    return RunRecord(folder)


def status_in_mlflow(home: Path, record: RunRecord) -> str:
    with working_in(home):
        store = open_store(record.config.tracking, create=False)
        return str(store.client.get_run(record.mlflow["run_id"]).info.status)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_run_killed_with_what_it_has(
    running: subprocess.Popen[str], tmp_path: Path, number: signal.Signals, code: int
) -> None:
    running.send_signal(number)
    out, err = running.communicate(timeout=120)
    record = only_record(tmp_path)
    assert running.returncode == code
    assert out == ""
    assert "Traceback" not in err
    assert (
        f"run {record.id} is KILLED after {record.epochs_done} of 100000 epochs; go on: cnnexp resume {record.id}"
        in err
    )
    assert (record.status, record.ending.outcome) == ("KILLED", "killed")  # type: ignore[union-attr]
    assert record.epochs_done >= 2
    assert list((record.folder / "checkpoint").glob("*.npz"))
    assert status_in_mlflow(tmp_path, record) == "KILLED"
    shown = run_command(tmp_path, "show", "latest", "--draw")
    assert shown.code == 0
    assert "KILLED" in shown.out
    assert (record.folder / "figures" / "curves.png").is_file()
    refused = run_command(tmp_path, "evaluate", "latest")
    assert refused.code == 2
    assert "KILLED without weights" in refused.err


def test_a_run_killed_outright_is_found_by_the_next_command(running: subprocess.Popen[str], tmp_path: Path) -> None:
    assert only_record(tmp_path).status == "RUNNING"
    assert "KILLED" not in run_command(tmp_path, "runs").out
    running.kill()
    running.communicate()
    done = run_command(tmp_path, "runs")
    record = only_record(tmp_path)
    assert f"run {record.id} is marked KILLED: its process is gone" in done.err
    assert "KILLED" in done.out
    assert record.status == "KILLED"
    assert list((record.folder / "checkpoint").glob("*.npz"))
    assert status_in_mlflow(tmp_path, record) == "KILLED"


def test_ctrl_c_while_tensorflow_starts_leaves_nothing_running(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*CNNEXP, *LONG], cwd=tmp_path, env=environment(), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        preexec_fn=listen,
    )  # fmt: skip
    assert process.stderr is not None
    assert process.stderr.readline().startswith("run ")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (130, "")
    assert "Traceback" not in err
    assert only_record(tmp_path).status == "KILLED"


def test_a_bar_on_a_terminal(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*CNNEXP, "train", *SMALL, "training.epochs=2", "tracking=off", "figures=off"],
        cwd=tmp_path, env=environment() | {"TERM": "xterm-256color", "COLUMNS": "100"},
        stdout=subprocess.PIPE, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    written = b""
    while chunk := read_terminal(ours):
        written += chunk
    os.close(ours)
    out, _ = process.communicate()
    shown = written.decode()
    assert process.returncode == 0
    assert out.decode().strip() == only_record(tmp_path).id
    assert "starting" in shown
    assert "4/4" in shown
    assert "epoch 2/2 | loss" in shown
    assert "measuring, drawing, publishing" in shown
    assert shown.rstrip().endswith(f"cnnexp show {out.decode().strip()}")


def read_terminal(end: int) -> bytes:
    """What a terminal shows next; nothing once the other side has closed it."""
    try:
        return os.read(end, 65536)
    except OSError:
        return b""


@pytest.fixture(scope="module")
def shapes_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Colour pictures, 12 x 10, of two classes with names in Hangul: bars that stand and bars that lie."""
    folder = tmp_path_factory.mktemp("pictures")
    for name, box in (("가로", (0, 3, 11, 5)), ("세로", (3, 0, 5, 9))):
        (folder / name).mkdir()
        for number in range(40):
            image = Image.new("RGB", (12, 10), (number, 2 * number, 60))
            move = number % 4
            left, top, right, bottom = box
            shift = (0, move) if name == "가로" else (move, 0)
            place = (left + shift[0], top + shift[1], right + shift[0], bottom + shift[1])
            ImageDraw.Draw(image).rectangle(place, fill=(200 + number, 180, 90))
            image.save(folder / name / f"{number:02d}.png")
    return folder


def test_a_folder_of_colour_pictures_from_end_to_end(shapes_folder: Path, tmp_path: Path) -> None:
    words = ("data=folder", f"data.folder={shapes_folder}", "model=small", "training.batch_size=16", "tracking=off")
    done = run_command(tmp_path, "train", *words, "training.epochs=6", "training.learning_rate=0.01")
    assert done.code == 0, done.err
    record = only_record(tmp_path)
    assert record.class_names == ("가로", "세로")
    assert record.data["image_shape"] == [10, 12, 3]
    assert record.metrics["accuracy/test"] == 1.0
    assert {path.stem for path in (record.folder / "figures").glob("*.png")} >= {
        "curves",
        "sample_digits",
        "filters_conv_1",
    }
    told = run_command(tmp_path, "evaluate", "latest")
    assert told.code == 0
    assert "가로" in told.out
    assert run_command(tmp_path, "show", "latest").code == 0
    refused = run_command(tmp_path, "evaluate", "latest", "data=mnist_5k")
    assert refused.code == 2
    assert "which the network knows" in refused.err
    moved = run_command(tmp_path, "evaluate", "latest", "data.split_seed=1")
    assert moved.code == 2, "another split holds digits that were trained on"
    assert "it was trained on" in moved.err


def test_few_validation_digits(tmp_path: Path) -> None:
    done = train_in(tmp_path, "data.validation_size=10", "training.epochs=1", "tracking=off")
    assert done.record.data["sizes"]["validation"] == 10
    assert (done.record.folder / "figures" / "feature_maps_conv_1.png").is_file()


def test_no_digits_for_validation_or_test(tmp_path: Path) -> None:
    words = (
        "data=arrays", "data.images=[[[0,1],[1,0]],[[1,0],[0,1]],[[0,1],[1,1]],[[1,0],[1,1]]]", "data.labels=[0,1,0,1]",
        "model=empty", "training.batch_size=2", "training.epochs=2", "tracking=off",
    )  # fmt: skip
    done = run_command(tmp_path, "train", *words)
    assert done.code == 0, done.err
    assert "weights of epoch 2 of 2" in done.err
    assert {path.stem for path in (only_record(tmp_path).folder / "figures").glob("*.png")} == {
        "curves",
        "sample_digits",
    }
    assert run_command(tmp_path, "show", "latest").code == 0
    assert run_command(tmp_path, "evaluate", "latest").code == 2


def test_a_store_that_is_away_does_not_stop_a_run_and_sync_publishes_it(tmp_path: Path) -> None:
    done = train_in(tmp_path, "training.epochs=2", "figures=off", "tracking.uri=http://127.0.0.1:9")
    record = done.record
    assert (record.status, record.epochs_done, record.mlflow) == ("FINISHED", 2, {})
    assert done.printed.err.count("MLflow at http://127.0.0.1:9") == 1
    assert f"publish   cnnexp sync {record.id}" in done.printed.err
    config = record.folder / "config.yaml"
    config.write_text(config.read_text("utf-8").replace("http://127.0.0.1:9", "sqlite:///back.db"), encoding="utf-8")
    synced = run_command(tmp_path, "sync")
    assert synced.code == 0, synced.err
    assert status_in_mlflow(tmp_path, record.fresh()) == "FINISHED"


def test_nothing_is_published_twice(trained: Trained) -> None:
    assert status_in_mlflow(trained.home, trained.record) == "FINISHED"
    done = run_command(trained.home, "sync")
    assert (done.code, done.out) == (0, f"{trained.record.id}  there already\n")


def test_two_processes_give_the_same_bits(twin: Trained, tmp_path: Path) -> None:
    words = ("train", *SMALL, "training.epochs=2", "tracking=off", "figures=off")
    done = subprocess.run(
        [*CNNEXP, *words], cwd=tmp_path, env=environment(), text=True, capture_output=True, check=True
    )
    record = RunRecord(tmp_path / "runs" / done.stdout.strip())
    assert [event["weights"] for event in record.epochs] == [event["weights"] for event in twin.record.epochs]
    assert record.result == twin.record.result
