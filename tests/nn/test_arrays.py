from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from cnnexp.errors import RunError
from cnnexp.nn.arrays import digest, read_arrays, write_arrays

ARRAYS = {"a/kernel": np.arange(6, dtype=np.float32).reshape(2, 3), "step": np.array(7), "none": np.zeros((0, 2))}


def member(array: np.ndarray, **options: bool) -> bytes:
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


def archive(path: Path, members: dict[str, bytes], kind: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", kind) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_arrays(tmp_path / "x.npz", ARRAYS)
    found = read_arrays(tmp_path / "x.npz")
    assert found.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)
    assert [path.name for path in tmp_path.iterdir()] == ["x.npz"]


def test_digest_is_sha256_over_names_types_shapes_and_bytes() -> None:
    text = b"a <f4 (2,)\n" + np.array([1, 2], "<f4").tobytes() + b"b <i8 ()\n" + np.array(3, "<i8").tobytes()
    arrays = {"b": np.array(3), "a": np.array([1, 2], np.float32)}
    assert digest(arrays) == hashlib.sha256(text).hexdigest()


@pytest.mark.parametrize("at", [0.0, 0.3, 0.6, 0.95])
def test_a_changed_byte_or_a_cut_is_noticed(tmp_path: Path, at: float) -> None:
    path = tmp_path / "x.npz"
    write_arrays(path, {"w": np.random.default_rng(0).normal(size=500)})
    whole = path.read_bytes()
    place = int(at * len(whole))
    for damaged in (whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :], whole[:place]):
        path.write_bytes(damaged)
        try:
            found = read_arrays(path)
        except RunError:
            continue
        np.testing.assert_array_equal(found["w"], np.random.default_rng(0).normal(size=500))  # a byte nobody reads


def test_missing_and_foreign_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="No such file"):
        read_arrays(tmp_path / "x.npz")
    np.savez(tmp_path / "y.npz", a=np.zeros(3))
    with pytest.raises(RunError, match="digest"):
        read_arrays(tmp_path / "y.npz")


def test_pickles_bombs_and_absurd_sizes_are_refused(tmp_path: Path) -> None:
    pickled = archive(tmp_path / "p.npz", {"a.npy": member(np.array([{}], object), allow_pickle=True)})
    with pytest.raises(RunError, match="objects"):
        read_arrays(pickled)
    bomb = archive(tmp_path / "b.npz", {"a.npy": member(np.zeros(10**6))}, zipfile.ZIP_DEFLATED)
    with pytest.raises(RunError, match="compressed"):
        read_arrays(bomb)
    header = member(np.zeros(3)).replace(b"(3,)", b"(9999999999999,)".ljust(16))
    with pytest.raises(RunError, match="expected a file of arrays"):
        read_arrays(archive(tmp_path / "h.npz", {"a.npy": header}))


def test_an_array_larger_than_its_bytes_is_refused_before_memory_is_taken(tmp_path: Path) -> None:
    file = io.BytesIO()
    shape = {"descr": "<f8", "fortran_order": False, "shape": (2**40, 2**20)}
    np.lib.format.write_array_header_1_0(file, shape)
    with pytest.raises(RunError, match="claims 9223372036854775808 bytes"):
        read_arrays(archive(tmp_path / "x.npz", {"a.npy": file.getvalue() + bytes(24)}))
