"""Records of older versions are read step by step; a newer one is refused."""

from __future__ import annotations

import pytest

from cnnexp.errors import RunError
from cnnexp.runs.upgrades import RECORD_VERSION, STEPS, Values, upgraded


def test_there_is_a_step_from_every_released_version() -> None:
    assert set(STEPS) == set(range(1, RECORD_VERSION))


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
