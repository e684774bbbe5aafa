from __future__ import annotations

import pytest

from cnnexp.analysis.differences import differences, merged, told, without_secrets


@pytest.mark.parametrize(
    ("value", "text"),
    [([3, 3], "3"), ([1, 7], "1×7"), ([True, True], "[True, True]"), ([1, 2, 3], "[1, 2, 3]"), (None, "none"),
     ({}, "none"), (False, "false"), (True, "true"), (0.001, "0.001"), (1e-7, "1e-07"), ("adam", "adam"),
     ("http://me:secret@host/x", "http://host/x")],
)  # fmt: skip
def test_values_in_few_characters(value: object, text: str) -> None:
    assert told(value) == text


def test_passwords_in_the_middle_of_a_command_are_left_out() -> None:
    command = "cnnexp train tracking.uri=postgresql://me:p@ss@host:5/db seed=1"
    assert without_secrets(command) == "cnnexp train tracking.uri=postgresql://host:5/db seed=1"


def test_missing_keys_are_dashes() -> None:
    assert [(one.key, one.values) for one in differences([{"x": 1, "z": 0}, {"y": 2, "z": 0}])] == [
        ("y", ("–", "2")),
        ("x", ("1", "–")),
    ]


def test_merged_lists_keep_each_order() -> None:
    assert merged([["a", "c", "d"], ["a", "b", "c"], ["x", "d", "e"]]) == ["x", "a", "b", "c", "d", "e"]
