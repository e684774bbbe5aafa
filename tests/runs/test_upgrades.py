"""Records of older versions are read step by step; a newer one is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from cnnexp.config.schema import SCHEMA_VERSION
from cnnexp.errors import RunError
from cnnexp.runs.upgrades import CONFIG_STEPS, RECORD_VERSION, STEPS, Values, upgraded
from tests.runs.records import create_run


def test_there_is_a_step_from_every_released_version() -> None:
    assert set(STEPS) == set(range(1, RECORD_VERSION))
    assert set(CONFIG_STEPS) == set(range(1, SCHEMA_VERSION))


def test_steps_are_taken_one_after_the_other() -> None:
    """As two later versions would: one renames a key, the next adds one."""

    def first(header: Values) -> Values:
        return {"who": header["name"]}

    def second(header: Values) -> Values:
        return {**header, "where": f"{header['who']}'s"}

    header = {"schema_version": 1, "name": "a"}
    done = upgraded(header, "run.json", {1: first, 2: second}, newest=3)
    assert done == {"schema_version": 3, "who": "a", "where": "a's"}
    assert header == {"schema_version": 1, "name": "a"}


@pytest.mark.parametrize("version", [RECORD_VERSION + 1, 99])
def test_a_newer_version_is_refused_with_the_cure(version: int) -> None:
    with pytest.raises(RunError) as caught:
        upgraded({"schema_version": version}, "run.json")
    (problem,) = caught.value.problems
    assert (problem.got, problem.expected) == (f"schema_version {version}", f"at most {RECORD_VERSION}")
    assert "pip install --upgrade cnnexp" in problem.hint


@pytest.mark.parametrize("version", [0, -1, None, "1", True, 1.0])
def test_what_never_was_a_version_is_refused(version: object) -> None:
    with pytest.raises(RunError) as caught:
        upgraded({"schema_version": version}, "run.json")
    assert "upgrade" not in str(caught.value)


def test_a_config_of_a_newer_version_is_refused_with_the_cure(tmp_path: Path) -> None:
    record = create_run(tmp_path).read()
    path = record.folder / "config.yaml"
    newer = path.read_text("utf-8").replace(
        f"schema_version: {SCHEMA_VERSION}", f"schema_version: {SCHEMA_VERSION + 1}"
    )
    path.write_text(newer, encoding="utf-8")
    with pytest.raises(RunError, match=r"config\.yaml: got schema_version 2, expected at most 1\n.*--upgrade cnnexp"):
        _ = record.config


def test_a_config_of_an_older_version_is_upgraded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = create_run(tmp_path).read()
    path = record.folder / "config.yaml"
    older = path.read_text("utf-8").replace(f"schema_version: {SCHEMA_VERSION}", "schema_version: 0")
    path.write_text(older, encoding="utf-8")
    monkeypatch.setattr("cnnexp.runs.record.CONFIG_STEPS", {0: lambda config: {**config, "seed": 77}})
    assert record.config.seed == 77
