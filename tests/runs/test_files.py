"""Files of a record: whole or not at all, and never code."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from cnnexp.errors import RunError
from cnnexp.runs.files import read_arrays, read_json, write_arrays, write_bytes, write_json, write_text


def test_values_come_back(tmp_path: Path) -> None:
    write_json(tmp_path / "a" / "x.json", {"이름": [1, None, True]})
    assert read_json(tmp_path / "a" / "x.json") == {"이름": [1, None, True]}
    arrays = {"a/b": np.arange(6, dtype=np.float16).reshape(2, 3), "n": np.array([2**63], np.uint64)}
    write_arrays(tmp_path / "x.npz", arrays)
    back = read_arrays(tmp_path / "x.npz")
    assert all(np.array_equal(back[name], arrays[name]) and back[name].dtype == arrays[name].dtype for name in arrays)


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    write_text(path, "old")
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, {"a": float("nan")})
    with pytest.raises(TypeError):
        write_bytes(path, "no bytes")  # type: ignore[arg-type]
    assert path.read_text("utf-8") == "old"
    write_text(path, "new")
    assert [file.name for file in tmp_path.iterdir()] == ["x.json"]


@pytest.mark.parametrize(
    ("content", "got"),
    [(b"", "Expecting"), (b"{", "Expecting"), (b"[1]", "list"), (b"\xff", "codec"), (b"[" * 99_999, "recursion")],
)  # fmt: skip
def test_what_is_no_json_mapping_is_refused(content: bytes, got: str, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(RunError) as caught:
        read_json(tmp_path / "x.json")
    assert got in str(caught.value)
    assert str(tmp_path / "x.json") in caught.value.problems[0].where


@pytest.mark.parametrize("read", [read_json, read_arrays])
def test_a_missing_file_is_told(read: object, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no such file"):
        read(tmp_path / "x")  # type: ignore[operator]


def npz() -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, a=np.arange(1000))
    return buffer.getvalue()


def with_member(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (Path.touch, (Path("was_run"),))  # type: ignore[return-value]


def objects() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, a=np.array([Evil()], dtype=object))
    return buffer.getvalue()


def single() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.arange(3))
    return buffer.getvalue()


HEADER = b"\x93NUMPY\x01\x00v\x00"
HOSTILE = {
    "empty": b"",
    "text": b"nothing",
    "cut": npz()[:-30],
    "changed": npz()[:60] + b"\x00\x01\x02" + npz()[63:],
    "pickle": pickle.dumps(Evil()),
    "objects": objects(),
    "pickle inside": with_member("a.npy", pickle.dumps(Evil())),
    "one array": single(),
    "huge": with_member(
        "a.npy", HEADER + b"{'descr': '<f8', 'fortran_order': False, 'shape': (10**15,), }".ljust(117) + b"\n"
    ),
    "huge literal": with_member(
        "a.npy", HEADER + b"{'descr': '<f8', 'fortran_order': False, 'shape': (999999999999999,), }".ljust(117) + b"\n"
    ),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_holds_no_plain_arrays_is_refused(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.npz").write_bytes(HOSTILE[kind])
    with pytest.raises(RunError, match="an \\.npz file with plain arrays"):
        read_arrays(tmp_path / "x.npz")
    assert not (tmp_path / "was_run").exists()
