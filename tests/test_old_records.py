"""Records as each released version wrote them: today's cnnexp reads, shows, compares and measures them.

records/vN was trained once by the version that wrote schema N; only the machine's name and a process id were replaced.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml

from cnnexp.config.identity import variant_of
from cnnexp.rerunning import plan_rerun
from cnnexp.runs.record import RunRecord
from cnnexp.runs.upgrades import RECORD_VERSION
from tests.conftest import run_command

RECORDS = Path(__file__).parent / "records"
VERSIONS = sorted(path.name for path in RECORDS.iterdir())
NEWER_KEYS = ("seed", "data.augmentation", "training.label_smoothing", "training.early_stopping", "sweep", "evaluation")
"""Keys at their default, left out as if their schema had not known them yet."""


@pytest.fixture(params=VERSIONS)
def old(request: pytest.FixtureRequest, tmp_path: Path) -> RunRecord:
    """The record of one version, in a runs/ of its own."""
    return put(tmp_path, str(request.param), "00000000")


def put(home: Path, version: str, name: str) -> RunRecord:
    """A copy of a record under another id."""
    folder = home / "runs" / name
    shutil.copytree(RECORDS / version, folder)
    header = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    (folder / "run.json").write_text(json.dumps(header | {"id": name}), encoding="utf-8")
    return RunRecord(folder)


def test_every_version_has_its_record() -> None:
    assert [f"v{number}" for number in range(1, RECORD_VERSION + 1)] == VERSIONS


def test_everything_of_it_is_read(old: RunRecord) -> None:
    assert old.header["schema_version"] == RECORD_VERSION
    assert (old.status, old.epochs_done, old.threads, old.patch) == ("FINISHED", 2, 2, "")
    assert old.config.model.blocks["conv_1"].filters == 2
    assert [epoch for epoch, _ in old.history["loss/val"]] == [0, 1, 2]
    assert set(old.result) == {"best/epoch", "best/loss_val", "best/accuracy_val", "loss/test", "accuracy/test"}
    found = old.predictions("test")
    assert (found["probabilities"].argmax(axis=1) == found["labels"]).mean() == old.result["accuracy/test"]
    assert old.probes(2).maps["conv_1_pool"].shape == (2, 14, 14, 2)
    assert set(old.pictures()) >= {"samples/images", "samples/labels"}


def test_it_is_still_a_run_of_its_variant(old: RunRecord) -> None:
    """Else its seeds would make no spread with those of today, and a sweep would group it apart."""
    assert variant_of(old.config) == old.header["identity"]["variant"]


def test_a_config_without_keys_of_today_has_their_defaults(old: RunRecord) -> None:
    path = old.folder / "config.yaml"
    values = yaml.safe_load(path.read_text(encoding="utf-8"))
    for key in NEWER_KEYS:
        *above, last = key.split(".")
        node = values
        for part in above:
            node = node[part]
        del node[last]
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    assert old.fresh().config == old.config


def test_it_is_shown_compared_and_told_apart(old: RunRecord, tmp_path: Path) -> None:
    shown = run_command(tmp_path, "show", old.id)
    assert shown.code == 0, shown.err
    assert f"test      {old.result['accuracy/test']:.2%} (95 % interval" in shown.out
    other = put(tmp_path, f"v{RECORD_VERSION}", "11111111")
    compared = run_command(tmp_path, "compare", old.id, other.id)
    assert compared.code == 0, compared.err
    assert "Not distinguishable" in compared.out
    told = run_command(tmp_path, "diff", old.id, other.id)
    assert (told.code, told.err) == (0, "")


def test_it_can_be_trained_again(old: RunRecord) -> None:
    plan = plan_rerun(old, verify=True)
    assert plan.config == old.config
    assert plan.changed["data"] == ()


@pytest.mark.slow
def test_its_network_is_measured_again(old: RunRecord, tmp_path: Path) -> None:
    done = run_command(tmp_path, "evaluate", old.id, "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["accuracy"] == pytest.approx(old.result["accuracy/test"], abs=0.004)  # two digits
