"""One message of at most 12 lines, whatever is wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnexp.errors import (
    CnnexpError,
    ConfigError,
    DataError,
    Problem,
    RunError,
    StoreError,
    TrainingError,
    one_line,
    show,
)

TEXT = st.text(max_size=600)


def test_a_message_says_where_got_expected_and_hint() -> None:
    error = ConfigError("model.strides", "0", "a whole number from 1 up", "Try 1.")
    assert str(error) == "model.strides: got 0, expected a whole number from 1 up\n    Try 1."
    assert str(DataError("a", "b", "c")) == "a: got b, expected c"


def test_several_problems_are_told_together() -> None:
    error = ConfigError.of([Problem("a", "1", "2"), Problem("b", "3", "4", "Try 4.")])
    assert str(error) == "2 problems\n  a: got 1, expected 2\n  b: got 3, expected 4\n    Try 4."
    many = ConfigError.of([Problem(f"k{i}", "1", "2", "hint") for i in range(1000)])
    assert str(many).splitlines()[0] == "1000 problems"
    assert str(many).splitlines()[-1] == f"  … and 995 more: {', '.join(f'k{i}' for i in range(5, 20))}, …"
    assert len(str(many).splitlines()) == 12


def test_a_long_hint_leaves_fewer_problems_not_more_lines() -> None:
    error = ConfigError.of([Problem(f"k{i}", "1", "2", "one\ntwo\nthree\nfour") for i in range(3)])
    assert str(error).splitlines()[-1] == "  … and 1 more: k2"
    assert len(str(ConfigError("a", "b", "c", "x\n" * 50)).splitlines()) == 12


def test_where_the_others_are_is_told_once_each_and_in_short() -> None:
    long = "/home/somebody/" + "many/" * 60 + "pictures/of_digits/last/8.png"
    places = [*(f"{i}.png" for i in range(5)), *["http://me:pw@host/x"] * 2, long]
    error = ConfigError.of([Problem(place, "1", "2") for place in places])
    told = "  … and 3 more: http://…@host/x, …many/many/pictures/of_digits/last/8.png"
    assert str(error).splitlines()[-1] == told


@given(st.lists(st.builds(Problem, TEXT, TEXT, TEXT, st.just("")), min_size=1, max_size=30))
def test_no_text_makes_a_message_long_or_unprintable(problems: list[Problem]) -> None:
    lines = str(ConfigError.of(problems)).split("\n")
    assert len(lines) <= 12
    assert all(line.isprintable() and len(line) < 1000 for line in lines)
    "\n".join(lines).encode("utf-8")


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "null"), (True, "true"), (False, "false"), (1, "1"), ("a", "'a'"), ("x" * 100, "'" + "x" * 58 + "…")],
)
def test_values_are_shown_as_yaml_has_them(value: object, text: str) -> None:
    assert show(value) == text


def test_control_characters_are_written_as_escapes() -> None:
    assert one_line("a\n\x1b[31m한\x00", 50) == r"a\n\x1b[31m한\x00"
    assert one_line("abcdef", 4) == "abc…"


def test_exit_codes_tell_refusals_from_failures() -> None:
    codes = {
        kind: kind.exit_code for kind in (CnnexpError, ConfigError, DataError, RunError, StoreError, TrainingError)
    }
    assert codes == {CnnexpError: 1, ConfigError: 2, DataError: 2, RunError: 2, StoreError: 2, TrainingError: 1}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("tracking.uri=http://me:pw@host:5000/x", "tracking.uri=http://…@host:5000/x"),
        ("postgresql://host/db?user=me&Password=pw", "postgresql://host/db?user=me&Password=…"),
        ("tracking.uri=me:pw@host:5000", "tracking.uri=…@host:5000"),
        ("{uri: 'token@host.org:5000'}", "{uri: '…@host.org:5000'}"),
        ("'file:///me:pw@host/x'", "'file:///…@host/x'"),
        ("http://host/x?y=1 and me@home", "http://host/x?y=1 and me@home"),
        ("a key=value", "a key=value"),
    ],
)
def test_secrets_of_a_uri_are_never_told(text: str, shown: str) -> None:
    assert one_line(text, 200) == shown
    assert str(ConfigError(text, text, "c")) == f"{shown}: got {shown}, expected c"


def test_a_secret_is_not_told_where_the_text_is_cut() -> None:
    uri = "http://me:" + "secret" * 20 + "@host"
    assert "secret" not in show(uri)
    assert "secret" not in one_line(uri, 30)
