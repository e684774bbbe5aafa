"""MNIST's own file format: IDX, plain or compressed with gzip."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cnnexp.errors import DataError

Bytes = NDArray[np.uint8]
GZIP_MAGIC = b"\x1f\x8b"
UNSIGNED_BYTE = 8  # the IDX code of the only type that is read


@dataclass(frozen=True)
class IdxFolder:
    """The training images and labels, the test images and labels, and the files that they were read from."""

    arrays: tuple[Bytes, ...]
    files: tuple[Path, ...]


def idx_spellings(stem: str, rank: int) -> tuple[str, ...]:
    """The names that a file may have, such as train-images-idx3-ubyte and train-images.idx3-ubyte.gz."""
    return tuple(f"{stem}{sign}idx{rank}-ubyte{end}" for sign in "-." for end in ("", ".gz"))


IDX_FILES = tuple(
    idx_spellings(f"{part}-{kind}", rank) for part in ("train", "t10k") for kind, rank in (("images", 3), ("labels", 1))
)
EXPECTED_FILES = "train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte"


def has_idx_files(folder: Path) -> bool:
    """Whether any of the four files is there."""
    return any((folder / name).is_file() for names in IDX_FILES for name in names)


def read_idx_folder(folder: Path, hint: str) -> IdxFolder:
    """Images (n, height, width) of one size, and as many labels (n,).

    Raises DataError, with `hint` as the cure where the folder or one of the four files is not there.
    """
    if not folder.is_dir():
        raise DataError(str(folder), "no such folder", "a folder with IDX files", hint)
    found = [[folder / name for name in names if (folder / name).is_file()] for names in IDX_FILES]
    missing = [names[0] for names, paths in zip(IDX_FILES, found, strict=True) if not paths]
    if missing:
        expected = f"{EXPECTED_FILES} (or .idx3-ubyte, .idx1-ubyte; plain or .gz)"
        raise DataError(str(folder), f"no {', no '.join(missing)}", expected, hint)
    files = tuple(paths[0] for paths in found)
    train = _read_pair(files[0], files[1])
    test = _read_pair(files[2], files[3])
    if train[0].shape[1:] != test[0].shape[1:]:
        got, expected = (f"images of {' x '.join(map(str, a.shape[1:]))}" for a in (test[0], train[0]))
        raise DataError(str(files[2]), got, f"{expected}, as in {files[0].name}")
    return IdxFolder((*train, *test), files)


def _read_pair(images_file: Path, labels_file: Path) -> tuple[Bytes, Bytes]:
    images, labels = read_idx(images_file, 3), read_idx(labels_file, 1)
    if images.size == 0:
        raise DataError(str(images_file), "no images", "at least one")
    if len(images) != len(labels):
        hint = "Take both files from the same place."
        raise DataError(str(labels_file), f"{len(labels)} labels", f"{len(images)}, one for each image", hint)
    return images, labels


def read_idx(path: Path, rank: int) -> Bytes:
    """The array of an IDX file of unsigned bytes with `rank` axes. Raises DataError."""
    content = _unpacked(path)
    expected = f"an IDX file of unsigned bytes with {rank} axes"
    hint = "Get the file again, or check that it has the right name."
    start = bytes([0, 0, UNSIGNED_BYTE, rank])
    if content[:4] != start:
        raise DataError(str(path), f"{content[:4].hex()} as its first bytes", f"{start.hex()}, {expected}", hint)
    header = 4 + 4 * rank
    if len(content) < header:
        raise DataError(str(path), f"a header of {len(content)} bytes", f"{header} bytes of header", hint)
    shape = struct.unpack(f">{rank}I", content[4:header])
    if len(content) != header + math.prod(shape):
        sizes = f"{header + math.prod(shape)}, as its header says ({' x '.join(map(str, shape))})"
        raise DataError(str(path), f"{len(content)} bytes", sizes, hint)
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def idx_header(array: Bytes) -> bytes:
    """What stands before the bytes of `array` in its IDX file."""
    return struct.pack(f">4B{array.ndim}I", 0, 0, UNSIGNED_BYTE, array.ndim, *array.shape)


def _unpacked(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if content.startswith(GZIP_MAGIC) else content
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        hint = "The file is cut off or damaged: get it again."
        raise DataError(str(path), f"broken gzip data ({error})", "a whole gzip file", hint) from error
    except OSError as error:
        raise DataError(str(path), error.strerror or str(error), "a file that can be read") from error
