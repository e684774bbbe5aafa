from __future__ import annotations

import socket
from pathlib import Path

import pytest

from cnnexp.data.download import download
from cnnexp.errors import DataError

SECONDS = (5.0, 5.0)


def accept(path: Path) -> None:
    """Nothing is wrong with any file."""


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_file_is_fetched_into_a_new_folder(tmp_path, served):
    served.content = bytes(range(256)) * 1000
    path = tmp_path / "cache" / "datasets" / "file.bin"
    download(served.url, path, accept, "the cure", SECONDS)
    assert path.read_bytes() == served.content
    assert left_in(tmp_path) == ["file.bin"]


def test_what_the_check_refuses_is_not_kept(tmp_path, served):
    served.content = b"a page that says: please log in"

    def refuse(path: Path) -> None:
        raise DataError(str(path), path.read_bytes().decode(), "digits")

    message = rf"^{served.url}: got something else \(a page that says.*\), expected digits\n    the cure$"
    with pytest.raises(DataError, match=message):
        download(served.url, tmp_path / "file", refuse, "the cure", SECONDS)
    assert left_in(tmp_path) == []


def test_a_file_that_is_not_there(tmp_path, served):
    with pytest.raises(DataError, match=r"got no file \(HTTP Error 404.*expected an answer.*\n    the cure$"):
        download(served.url, tmp_path / "file", accept, "the cure", SECONDS)
    assert left_in(tmp_path) == []


@pytest.mark.slow
def test_a_server_that_never_answers(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/file"
        with pytest.raises(DataError, match=rf"^{url}: got no file \(.*timed out\).*\n    the cure$"):
            download(url, tmp_path / "file", accept, "the cure", (0.2, 5.0))
    assert left_in(tmp_path) == []


def test_no_server(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/file"
    with pytest.raises(DataError, match=r"got no file \(.*refused.*\n    the cure$"):
        download(url, tmp_path / "file", accept, "the cure", SECONDS)


@pytest.mark.slow
def test_a_server_that_drips(tmp_path, served):
    served.content, served.seconds_a_byte = bytes(10_000), 0.02
    with pytest.raises(DataError, match=r"got no file \(not done after 0.2 s\)"):
        download(served.url, tmp_path / "file", accept, "the cure", (5.0, 0.2))
    assert left_in(tmp_path) == []


def test_a_cache_that_cannot_be_written(tmp_path, served):
    (tmp_path / "file").write_text("", encoding="utf-8")
    message = r"file/datasets: got .*, expected a folder that can be written\n    Set KERAS_HOME"
    with pytest.raises(DataError, match=message):
        download(served.url, tmp_path / "file" / "datasets" / "mnist.npz", accept, "the cure", SECONDS)
    assert served.asked == []
