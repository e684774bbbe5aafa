"""MLflow servers as a team has them: a database (SQLite or PostgreSQL), a folder for artifacts, passwords."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.request import Request, urlopen

DATABASE_PASSWORD, ADMIN_PASSWORD, PASSWORD = "database-5f2c9e", "administrator-83d1", "person-b71e04d6"
PATIENCE = 180.0


def postgres_programs() -> Path | None:
    """The folder of PostgreSQL's server programs: on the path, or where Debian puts them."""
    on_path = [Path(folder) for folder in os.environ["PATH"].split(os.pathsep)]
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    needed = ("initdb", "postgres", "createdb")
    return next((one for one in [*on_path, *debian] if all((one / name).is_file() for name in needed)), None)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def postgres(programs: Path) -> Iterator[str]:
    """A new database cluster; the URI of the database `mlflow` with its password. PostgreSQL refuses to run as root."""
    folder = Path(tempfile.mkdtemp(prefix="cnnexp-postgres-"))
    who = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
    if who:
        shutil.chown(folder, "postgres", "postgres")
    secret, port = folder / "password", free_port()
    secret.write_text(DATABASE_PASSWORD, encoding="utf-8")
    secret.chmod(0o644)
    own = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "PGPASSWORD": DATABASE_PASSWORD}
    data = str(folder / "data")
    subprocess.run([programs / "initdb", "--pgdata", data, "--username", "mlflow", "--auth", "scram-sha-256",
                    "--pwfile", secret], env=own, cwd=folder, check=True, capture_output=True, **who)  # fmt: skip
    command = [programs / "postgres", "-D", data, "-k", folder, "-h", "127.0.0.1", "-p", str(port)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=own, cwd=folder, stdout=log, stderr=log, **who)
    try:
        create = [programs / "createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "mlflow", "mlflow"]
        until(lambda: subprocess.run(create, env=own, capture_output=True, check=False).returncode == 0, process)
        yield f"postgresql+psycopg2://mlflow:{DATABASE_PASSWORD}@127.0.0.1:{port}/mlflow"
    finally:
        process.send_signal(signal.SIGINT)  # a fast end
        process.wait(PATIENCE)
        shutil.rmtree(folder, ignore_errors=True)


class MlflowServer:
    """`mlflow server` on a database, with a folder for artifacts that only it writes; it prints into `log`."""

    def __init__(self, folder: Path, database: str, port: int, *words: str, **environment: str) -> None:
        self.uri, self.artifacts, self.log = f"http://127.0.0.1:{port}", folder / "artifacts", folder / "server.log"
        own = {"MLFLOW_BACKEND_STORE_URI": database, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
               "MLFLOW_DISABLE_TELEMETRY": "true"}  # fmt: skip
        command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port),
                   "--artifacts-destination", str(self.artifacts), *words]  # fmt: skip
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, env=os.environ | own | environment, cwd=folder, stdout=log,
                                            stderr=log, start_new_session=True)  # fmt: skip

    def send(self, number: signal.Signals) -> None:
        """Signal all of its processes."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def __enter__(self) -> Self:
        until(self._answers, self.process)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.send(signal.SIGCONT)
        self.send(signal.SIGTERM)
        self.process.wait(PATIENCE)

    def _answers(self) -> bool:
        with suppress(OSError), urlopen(f"{self.uri}/health", timeout=2) as answer:
            return bool(answer.status == 200)
        return False


def plain_server(folder: Path, port: int) -> MlflowServer:
    """A server on a SQLite store in `folder`, without passwords."""
    return MlflowServer(folder, f"sqlite:///{folder}/server.db", port, "--workers", "1")


@contextmanager
def team_server(folder: Path, database: str) -> Iterator[MlflowServer]:
    """A server with passwords, and its user `ada`."""
    access = folder / "access.ini"
    access.write_text(f"[mlflow]\ndefault_permission = EDIT\ndatabase_uri = {database}\nadmin_username = admin\n"
                      "auth_cache_ttl_seconds = 60\n", encoding="utf-8")  # fmt: skip
    own = {
        "MLFLOW_AUTH_CONFIG_PATH": str(access),
        "MLFLOW_AUTH_ADMIN_PASSWORD": ADMIN_PASSWORD,
        "MLFLOW_FLASK_SERVER_SECRET_KEY": "a-secret-of-this-test",
    }
    with MlflowServer(folder, database, free_port(), "--app-name", "basic-auth", "--workers", "2", **own) as server:
        _create_user(server.uri)
        yield server


def _create_user(uri: str) -> None:
    admin = base64.b64encode(f"admin:{ADMIN_PASSWORD}".encode()).decode()
    headers = {"Authorization": f"Basic {admin}", "Content-Type": "application/json"}
    body = json.dumps({"username": "ada", "password": PASSWORD}).encode()
    with urlopen(Request(f"{uri}/api/2.0/mlflow/users/create", body, headers), timeout=PATIENCE) as answer:
        assert answer.status == 200


def until(holds: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert process.poll() is None, "it ended by itself"
        assert time.monotonic() < deadline
        time.sleep(0.2)
