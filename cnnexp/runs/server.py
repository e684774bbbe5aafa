"""MLflow's own server as a child process: few processes, quiet, gone when its parent leaves."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPException
from types import TracebackType
from typing import Self
from urllib.parse import urlencode
from urllib.request import urlopen

import psutil

from cnnexp.errors import StoreError
from cnnexp.runs.store import ARTIFACTS, sqlite_file, without_secrets

FIRST_PORT, LAST_PORT = 5000, 5999
START_SECONDS, END_SECONDS, POLL_SECONDS = 120.0, 5.0, 0.1
KNOCK_SECONDS = 0.5
PORT_TAKEN = "address already in use"
LOOPBACK = "127.0.0.1"
ANY_ADDRESS = ("0.0.0.0", "::")


def free_port(host: str) -> int:
    """The first port from 5000 up that nobody listens on."""
    for port in range(FIRST_PORT, LAST_PORT + 1):
        if _is_free(host, port):
            return port
    raise StoreError("--port", f"none free on {host}", f"a free port from {FIRST_PORT} to {LAST_PORT}", "Give --port.")


def address_of(uri: str, run_id: str) -> str:
    """Where a run of a store is looked at: on the store's own server, else where `cnnexp ui` shows it, or would."""
    if uri.startswith(("http://", "https://")):
        return uri
    ports = range(FIRST_PORT, LAST_PORT + 1)
    port = next((port for port in ports if _is_free(LOOPBACK, port) or _knows(port, run_id)), FIRST_PORT)
    return f"http://{LOOPBACK}:{port}"


def _is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _knows(port: int, run_id: str) -> bool:
    """Whether an MLflow that has this run listens there, and not that of another store, or no MLflow at all."""
    query = f"http://{LOOPBACK}:{port}/api/2.0/mlflow/runs/get?{urlencode({'run_id': run_id})}"
    try:
        with urlopen(query, timeout=KNOCK_SECONDS) as answer:
            return bool(json.load(answer)["run"]["info"]["run_id"] == run_id)
    except (OSError, HTTPException, ValueError, KeyError, TypeError):
        return False


@contextmanager
def serving(uri: str, host: str, port: int | None = None) -> Iterator[UiServer]:
    """A server that answers: on `port`, or on the first free one; the next where another process was faster.

    Raises StoreError for a port that is taken, and for a server that does not start.
    """
    while True:
        with UiServer(uri, host, port or free_port(host)) as server:
            try:
                server.wait_until_it_answers()
            except StoreError:
                if port is None and server.lost_its_port():
                    continue
                raise
            yield server
            return


class UiServer:
    """`mlflow server` on a store; a context manager that leaves no process behind."""

    def __init__(self, uri: str, host: str, port: int) -> None:
        self.host, self.port = host, port
        self._uri = uri

    @property
    def address(self) -> str:
        """Where a browser on this machine finds it."""
        return f"http://{LOOPBACK if self.host in ANY_ADDRESS else self.host}:{self.port}"

    @property
    def pid(self) -> int:
        return self._process.pid

    def __enter__(self) -> Self:
        if not _is_free(self.host, self.port):
            raise StoreError("--port", f"{self.port}, taken on {self.host}", "a free port", "Leave --port out.")
        self._log = tempfile.TemporaryFile()
        command = [sys.executable, "-m", "mlflow", "server", "--host", self.host, "--port", str(self.port),
                   "--workers", "1"]  # fmt: skip
        self._process = subprocess.Popen(
            command, env=self._environment(), stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log,
            start_new_session=True,
        )  # fmt: skip
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End the whole group: MLflow's server starts workers of its own."""
        for number, seconds in ((signal.SIGTERM, END_SECONDS), (signal.SIGKILL, END_SECONDS)):
            try:
                os.killpg(self._process.pid, number)
            except ProcessLookupError:
                break
            self._wait_for_group(seconds)
        self._process.wait()
        self._log.close()

    def wait_until_it_answers(self) -> None:
        """Raises StoreError when it ends or does not answer in time."""
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if self._process.poll() is not None:
                break
            if self._answers():
                return
            time.sleep(POLL_SECONDS)
        where = f"the MLflow UI on {without_secrets(self._uri)}"
        raise StoreError(where, self._last_words(), "a server that answers", "The store may be of another MLflow.")

    def lost_its_port(self) -> bool:
        """Whether it ended because another process listened where it was to; that may have ended since then."""
        return self._process.poll() is not None and PORT_TAKEN in self._told().lower()

    def wait(self) -> int:
        """Wait until the server ends by itself; its exit code."""
        return self._process.wait()

    def _environment(self) -> dict[str, str]:
        """The store's URI goes here, not into the command line, which everybody on the machine can read."""
        file = sqlite_file(self._uri)
        artifacts = {"MLFLOW_DEFAULT_ARTIFACT_ROOT": str(file.parent / ARTIFACTS)} if file else {}
        return {
            **os.environ,
            **artifacts,
            "MLFLOW_BACKEND_STORE_URI": self._uri,
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }

    def _answers(self) -> bool:
        """Whether this server answers, and not another one that took the port before it."""
        if not self._listens():
            return False
        try:
            with urlopen(f"{self.address}/health", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def _listens(self) -> bool:
        with suppress(psutil.Error):
            server = psutil.Process(self._process.pid)
            for process in (server, *server.children(recursive=True)):
                for one in process.net_connections("tcp"):
                    if one.status == psutil.CONN_LISTEN and one.laddr.port == self.port:
                        return True
        return False

    def _last_words(self) -> str:
        told = [line.strip() for line in self._told().split("\n") if line.strip()]
        return told[-1][:200] if told else "no answer"

    def _told(self) -> str:
        """What the server printed, without the store's secrets."""
        self._log.seek(0)
        return self._log.read().decode("utf-8", "replace").replace(self._uri, without_secrets(self._uri))

    def _wait_for_group(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._process.poll()
            try:
                os.killpg(self._process.pid, 0)
            except ProcessLookupError:
                return
            time.sleep(POLL_SECONDS)
