"""Where a store is looked at. The server itself is tested through the verb that starts it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from cnnexp.runs.server import LOOPBACK, UiServer, address_of, free_port

FILE, RUN = "sqlite:///mlflow.db", "0cca"


def answering(text: bytes) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    return Handler


@contextmanager
def server(text: bytes) -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), answering(text)) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield http.server_port
        http.shutdown()
        thread.join()


def test_a_server_is_looked_at_where_it_is() -> None:
    assert address_of("https://mlflow.example.org", RUN) == "https://mlflow.example.org"


def test_a_file_is_looked_at_on_the_first_free_port(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
    monkeypatch.setattr("cnnexp.runs.server.FIRST_PORT", free)
    monkeypatch.setattr("cnnexp.runs.server.LAST_PORT", free)
    assert free_port("127.0.0.1") == free
    assert address_of(FILE, RUN) == f"http://127.0.0.1:{free}"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answer", "is_there"),
    [
        (b'{"run": {"info": {"run_id": "0cca"}}}', True),
        (b'{"run": {"info": {"run_id": "another"}}}', False),
        (b"[]", False),
        (b"AirPlay", False),
    ],
)
def test_a_port_that_is_taken_counts_where_the_run_is_known(
    answer: bytes, is_there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with server(answer) as port:
        monkeypatch.setattr("cnnexp.runs.server.FIRST_PORT", port)
        monkeypatch.setattr("cnnexp.runs.server.LAST_PORT", 65535)
        assert free_port("127.0.0.1") > port
        assert (address_of(FILE, RUN) == f"http://127.0.0.1:{port}") is is_there


@pytest.mark.slow
def test_a_port_is_lost_too_to_a_process_that_has_ended_since(home: Path) -> None:
    with UiServer(f"sqlite:///{home}/mlflow.db", LOOPBACK, free_port(LOOPBACK)) as ours:
        with socket.create_server((LOOPBACK, ours.port)):
            ours.wait()
        assert ours.lost_its_port()
