"""One file from the network into a cache, never left half there."""

from __future__ import annotations

import http.client
import os
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from cnnexp.errors import DataError

CHUNK_BYTES = 1 << 16


def download(url: str, path: Path, check: Callable[[Path], object], hint: str, seconds: tuple[float, float]) -> None:
    """Writes the file aside, lets `check` raise what is wrong with it, and only then gives it its name.

    `seconds`: how long the server may be silent, and how long all may take. Raises DataError with `hint`.
    """
    aside = _file_aside(path)
    try:
        with aside.open("wb") as file:
            _copy(url, file.write, hint, seconds)
        try:
            check(aside)
        except DataError as error:
            got = f"something else ({error.problems[0].got})"
            raise DataError(url, got, error.problems[0].expected, hint) from error
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def _file_aside(path: Path) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.", suffix=".part")
    except OSError as error:
        hint = "Set KERAS_HOME to a folder that can be written."
        raise DataError(str(path.parent), error.strerror or str(error), "a folder that can be written", hint) from error
    os.close(handle)
    return Path(name)


def _copy(url: str, write: Callable[[bytes], int], hint: str, seconds: tuple[float, float]) -> None:
    silence, whole = seconds
    end = time.monotonic() + whole
    try:
        with urllib.request.urlopen(url, timeout=silence) as response:
            while chunk := response.read1(CHUNK_BYTES):
                write(chunk)
                if time.monotonic() > end:
                    raise TimeoutError(f"not done after {whole:g} s")
    except (OSError, http.client.HTTPException) as error:
        raise DataError(
            url, f"no file ({error or type(error).__name__})", "an answer from the network", hint
        ) from error
