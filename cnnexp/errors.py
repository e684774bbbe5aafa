"""Everything that cnnexp refuses or loses, as one small tree of exceptions.

CnnexpError
├── ConfigError      a key, value or combination that cannot be (exit code 2)
├── DataError        images or labels that are missing, broken or not what they claim to be (exit code 2)
├── RunError         a run or record that cannot be found, read or trusted (exit code 2)
├── StoreError       a tracking store that cannot be reached or used (exit code 2)
├── DiskError        a file or folder that cannot be written any more (exit code 1)
├── DrawingError     pictures that could not be drawn (exit code 1)
└── TrainingError    a training that cannot go on (exit code 1)
"""

from __future__ import annotations

import errno
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

MAX_PROBLEMS = 5
MAX_LINES = 12
MAX_PLACES, SHORT = 15, 40
MAX_LENGTHS = {"where": 200, "got": 200, "expected": 500}


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: where, what was got, what was expected, and what to do about it."""

    where: str
    got: str
    expected: str
    hint: str = ""

    def __str__(self) -> str:
        where, got, expected = (one_line(getattr(self, part), limit) for part, limit in MAX_LENGTHS.items())
        text = f"{where}: got {got}, expected {expected}"
        return f"{text}\n    {self.hint}" if self.hint else text


SECRETS = (
    re.compile(r"(://)[^/@\s]+(?=@)"),
    re.compile(r"(^|[\s/='\"`])[^\s/@:='\"`]+:[^\s/@'\"`]+(?=@)"),
    re.compile(r"(^|[\s/='\"`])[^\s/@:='\"`]+(?=@[\w.-]+:\d)"),
    re.compile(r"([?&][^=&\s]*(?:pass|token|secret|key)[^=&\s]*=)[^&\s'\"`]+", re.IGNORECASE),
)


def masked(text: str) -> str:
    """The text with `…` for the user and password of a URI, and for its parameters that are called like secrets.

    Also of a URI whose scheme was forgotten.
    """
    for secret in SECRETS:
        text = secret.sub(r"\1…", text)
    return text


def one_line(text: str, limit: int) -> str:
    """The text without secrets, cut to `limit` characters, with line ends and other control characters as escapes."""
    text = masked(text)
    cut = text if len(text) <= limit else f"{text[: limit - 1]}…"
    return printable(cut)


def printable(text: str) -> str:
    """The text with line ends and other control characters as escapes: a terminal obeys them."""
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def show(value: object, limit: int = 60) -> str:
    """The value as a person wrote it (strings quoted), cut to `limit` characters."""
    words = {None: "null", True: "true", False: "false"}
    simple = isinstance(value, bool) or value is None
    text = words[value] if simple else masked(repr(value))  # type: ignore[index]
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


class CnnexpError(Exception):
    """Base of all errors that are told to a person as one message, without a traceback."""

    exit_code: ClassVar[int] = 1

    def __init__(self, where: str, got: str, expected: str, hint: str = "") -> None:
        self.problems: tuple[Problem, ...] = (Problem(where, got, expected, hint),)
        super().__init__(where, got, expected, hint)

    def __str__(self) -> str:
        """The message: at most 12 lines, however many problems there are; the last says where the others are."""
        if len(self.problems) == 1:
            return "\n".join(str(self.problems[0]).splitlines()[:MAX_LINES])
        lines, shown = [f"{len(self.problems)} problems"], 0
        for problem in self.problems[:MAX_PROBLEMS]:
            told = f"  {problem}".splitlines()
            if len(lines) + len(told) >= MAX_LINES:
                break
            lines, shown = [*lines, *told], shown + 1
        rest = self.problems[shown:]
        return "\n".join([*lines, f"  … and {len(rest)} more: {_in_short(rest)}"] if rest else lines)


def _in_short(problems: Sequence[Problem]) -> str:
    """Where they are, each once, the first few; of long ones the end, which tells files apart."""
    places = dict.fromkeys(one_line(problem.where, len(problem.where)) for problem in problems)
    told = [text if len(text) <= SHORT else f"…{text[1 - SHORT :]}" for text in places]
    shown = told[:MAX_PLACES]
    return ", ".join([*shown, "…"] if len(told) > len(shown) else shown)


class ConfigError(CnnexpError):
    """A configuration that cannot be: every problem in it, each with its key and a cure."""

    exit_code = 2

    @classmethod
    def of(cls, problems: Sequence[Problem]) -> ConfigError:
        """One error for all `problems` (at least one) together."""
        first = problems[0]
        error = cls(first.where, first.got, first.expected, first.hint)
        error.problems = tuple(problems)
        return error


class DataError(CnnexpError):
    """Images or labels that are missing, broken or not what they claim to be."""

    exit_code = 2


class RunError(CnnexpError):
    """A run or record that cannot be found, read or trusted."""

    exit_code = 2


class StoreError(CnnexpError):
    """A tracking store that cannot be reached or used."""

    exit_code = 2


DISK_ERRORS = {getattr(errno, name) for name in ("EACCES", "EDQUOT", "EFBIG", "EIO", "ENOSPC", "EPERM", "EROFS")}
"""What the system says of a disk that is full, read-only, not ours or broken."""


class DiskError(CnnexpError):
    """A file or folder that cannot be written any more: the disk is full, read-only or broken."""

    @classmethod
    def of(cls, error: OSError, where: str, hint: str = "") -> DiskError:
        return cls(where, error.strerror or str(error), "a place that can be read and written", hint)


class DrawingError(CnnexpError):
    """Pictures that could not be drawn; all others were."""


class TrainingError(CnnexpError):
    """A training that cannot go on, such as a loss that is no longer finite."""
