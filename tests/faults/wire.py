"""A wire between cnnexp and a real MLflow server that does to requests what networks and servers do."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

LOST, LATE = "lost", "late"
"""What a rule may say of a request: the server gets it and its answer is lost; the server gets it only when told."""
Rule = Callable[[str, str], str | int | None]
"""(method, path) → LOST, LATE, a status to answer with in the server's stead, or None: let it through."""


class Wire:
    """Passes requests on to the server at `port`, unless `rule` says otherwise. `seen`: all of them, in order.

    delay: seconds before each request reaches the server.
    """

    def __init__(self, port: int, rule: Rule = lambda method, path: None, delay: float = 0.0) -> None:
        self.rule, self.delay = rule, delay
        self.seen: list[str] = []
        self.authorization: set[str | None] = set()
        self._late: list[Callable[[], None]] = []
        self._server = _Server(("127.0.0.1", 0), self, port)
        self._thread = threading.Thread(target=self._server.serve_forever)

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def deliver(self) -> None:
        """The late requests reach the server now; nobody waits for their answers any more."""
        while self._late:
            self._late.pop(0)()

    def keep_back(self, deliver: Callable[[], None]) -> None:
        self._late.append(deliver)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], wire: Wire, port: int) -> None:
        super().__init__(address, _Handler)
        self.wire, self.port = wire, port

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no news."""


class _Handler(BaseHTTPRequestHandler):
    """One request a connection, so that none is left open."""

    server: _Server

    def _handle(self) -> None:
        wire, port, method, path = self.server.wire, self.server.port, self.command, self.path
        wire.seen.append(f"{method} {path.partition('?')[0]}")
        wire.authorization.add(self.headers.get("Authorization"))
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {key: value for key, value in self.headers.items() if key.lower() not in ("host", "connection")}
        verdict = wire.rule(method, path)
        self.close_connection = True
        time.sleep(wire.delay)
        if verdict == LATE:
            wire.keep_back(lambda: _forward(port, method, path, headers, body) and None)
        elif isinstance(verdict, int):
            self._answer(verdict, {"Retry-After": "600"}, b"the server is not well")
        else:
            status, answered, content = _forward(port, method, path, headers, body)
            if verdict != LOST:
                self._answer(status, answered, content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _handle

    def _answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response(status)
        for key, value in headers.items():
            if key.lower() not in ("content-length", "transfer-encoding", "connection"):
                self.send_header(key, value)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is printed."""


def _forward(
    port: int, method: str, path: str, headers: dict[str, str], body: bytes
) -> tuple[int, dict[str, str], bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read()
    finally:
        connection.close()
