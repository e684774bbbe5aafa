"""Files of a record: written aside, flushed and renamed; arrays read without pickle."""

from __future__ import annotations

import io
import json
import os
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from cnnexp.errors import RunError, show

MAX_ARRAY_BYTES = 2**30
Arrays = dict[str, npt.NDArray[Any]]
DAMAGED = (
    OSError, ValueError, TypeError, AttributeError, KeyError, EOFError, MemoryError, RuntimeError, zipfile.BadZipFile,
    zlib.error,
)  # fmt: skip
"""What NumPy and zipfile raise for files that are cut off, changed, encrypted or something else."""


def write_bytes(path: Path, content: bytes) -> None:
    """Replace `path` in one step, so that a reader or a crash sees the old content or the new, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with scratch.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """The same for text, as UTF-8."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: object) -> None:
    """The same for a value as indented JSON; NaN and infinity are refused."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """The mapping in a JSON file.

    Raises RunError when the file is missing or is no JSON mapping.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RunError(str(path), "no such file", "a file that every record has") from None
    except (OSError, ValueError, RecursionError) as error:
        raise RunError(str(path), show(str(error)), "a JSON file that can be read") from None
    if not isinstance(value, dict):
        raise RunError(str(path), type(value).__name__, "a JSON mapping")
    return value


def write_arrays(path: Path, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Replace `path` by a compressed .npz with these arrays."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    write_bytes(path, buffer.getvalue())


def read_arrays(path: Path) -> Arrays:
    """All arrays of an .npz; pickled objects are never loaded.

    Raises RunError when the file is missing, damaged or holds anything but plain arrays.
    """
    try:
        with path.open("rb") as file:
            _refuse_absurd(file)
            file.seek(0)
            return _arrays_in(file)
    except FileNotFoundError:
        raise RunError(str(path), "no such file", "the arrays of this record") from None
    except DAMAGED as error:
        raise RunError(str(path), show(str(error)), "an .npz file with plain arrays") from None


def _refuse_absurd(file: IO[bytes]) -> None:
    """Raise ValueError for arrays that take more memory than any record's, however small they are packed."""
    with zipfile.ZipFile(file) as archive:
        size = sum(member.file_size for member in archive.infolist())
    if size > MAX_ARRAY_BYTES:
        raise ValueError(f"{size:,} bytes when unpacked, where {MAX_ARRAY_BYTES:,} are the most")


def _arrays_in(file: IO[bytes]) -> Arrays:
    with np.load(file, allow_pickle=False) as archive:
        found = {name: archive[name] for name in archive.files}
    if strange := [name for name, array in found.items() if not isinstance(array, np.ndarray)]:
        raise ValueError(f"{', '.join(strange)} is no array")
    return found
