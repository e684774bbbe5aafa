from __future__ import annotations

import contextlib
import gzip
import struct
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
Arrays = tuple[NDArray[np.uint8], ...]


def idx_bytes(array: NDArray[Any]) -> bytes:
    """The IDX format, written here from its description and not by the code under test."""
    sizes = b"".join(struct.pack(">i", size) for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.astype(np.uint8).tobytes()


@pytest.fixture
def small() -> Arrays:
    """40 + 10 images of 6 x 5 pixels, of classes 0 to 3: all different, each class a tenth to four tenths."""
    labels = np.array([0, 1, 1, 2, 2, 2, 3, 3, 3, 3] * 5, dtype=np.uint8)
    images = np.arange(50 * 30, dtype=np.int64).reshape(50, 6, 5)
    pixels = (images * 7 % 251).astype(np.uint8)
    return pixels[:40], labels[:40], pixels[40:], labels[40:]


@pytest.fixture
def write_idx(tmp_path: Path) -> Callable[..., Path]:
    """Writes four arrays as IDX files: `sign` and `end` choose their spelling."""

    def write(arrays: Arrays, sign: str = "-", end: str = "") -> Path:
        folder = tmp_path / "idx"
        folder.mkdir()
        for name, array in zip(NAMES, arrays, strict=True):
            content = idx_bytes(array)
            spelled = f"{sign}idx".join(name.rsplit("-idx", 1)) + end
            (folder / spelled).write_bytes(gzip.compress(content) if end else content)
        return folder

    return write


class Served:
    """What a real server on this machine answers with, and the paths that it was asked for."""

    def __init__(self) -> None:
        self.content: bytes | None = None  # None: 404
        self.missing_bytes = 0  # promised in the header, never sent
        self.seconds_a_byte = 0.0
        self.silent = threading.Event()
        self.asked: list[str] = []
        self.url = ""

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.asked.append(handler.path)
        if self.content is None:
            handler.send_error(404)
            return
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(self.content) + self.missing_bytes))
        handler.end_headers()
        if not self.seconds_a_byte:
            handler.wfile.write(self.content)
            return
        with contextlib.suppress(OSError):  # the client has gone
            for value in self.content:
                handler.wfile.write(bytes([value]))
                self.silent.wait(self.seconds_a_byte)


@pytest.fixture
def served() -> Iterator[Served]:
    state = Served()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.answer(self)

        def log_message(self, *words: object) -> None:
            """Nothing on standard error."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}/mnist.npz"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield state
    state.silent.set()
    server.shutdown()
    thread.join()
    server.server_close()
