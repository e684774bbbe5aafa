"""Named arrays in a file that is whole or not there: written aside, flushed, renamed, with a digest; no pickle."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from cnnexp.errors import RunError

Arrays = Mapping[str, NDArray[Any]]
DIGEST = "sha256"


def digest(arrays: Arrays) -> str:
    """64 hex characters: SHA-256 over each array's name, type, shape and bytes, in the order of names."""
    hasher = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        hasher.update(f"{name} {array.dtype.str} {arrays[name].shape}\n".encode())
        hasher.update(array.data)
    return hasher.hexdigest()


def write_arrays(path: Path, arrays: Arrays) -> None:
    """An `.npz` file with `arrays` and their digest. A crash at any moment leaves the old file or the new one."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(aside, "wb") as file:
            np.savez(file, allow_pickle=False, **arrays, **{DIGEST: np.array(digest(arrays))})
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)
    _flush_folder(path.parent)


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """What `write_arrays` wrote. Raises RunError where the file is missing, damaged, or not of that kind."""
    try:
        with zipfile.ZipFile(path) as archive:
            arrays = {info.filename.removesuffix(".npy"): _member(archive, info) for info in archive.infolist()}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise RunError(str(path), str(error), "a file of arrays as cnnexp writes it") from error
    written = arrays.pop(DIGEST, np.array("no digest"))
    if str(written) != digest(arrays):
        raise RunError(str(path), "arrays that do not match their digest", "the file as it was written")
    return arrays


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> NDArray[Any]:
    """One array. Its size is compared with the bytes that are there before any memory is asked for."""
    if info.compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"{info.filename} is compressed")
    with archive.open(info) as file:
        shape, _, dtype = _header(file)
        if dtype.hasobject:
            raise ValueError(f"{info.filename} holds objects, not numbers")
        claimed = dtype.itemsize * int(np.prod([int(n) for n in shape], dtype=object))
        if claimed > info.file_size:
            raise ValueError(f"{info.filename} claims {claimed} bytes and has {info.file_size}")
    with archive.open(info) as file:
        array: NDArray[Any] = npy.read_array(file, allow_pickle=False)
    return array


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = npy.read_magic(file)
    return npy.read_array_header_1_0(file) if version == (1, 0) else npy.read_array_header_2_0(file)


def _flush_folder(folder: Path) -> None:
    """So that the new name itself survives a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
