"""The tracking store: where it is, made once under a lock, and why it cannot be used, in one sentence."""

from __future__ import annotations

import logging
import os
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from filelock import FileLock

from cnnexp.config.schema import Tracking
from cnnexp.errors import CnnexpError, StoreError
from cnnexp.interrupts import held_back

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

SQLITE = "sqlite:///"
DEFAULT_FILE = "mlflow.db"
ARTIFACTS = "mlruns"
LOCK_SECONDS = 120
BUSY_SECONDS = 3.0
QUICK_SECONDS, PATIENT_SECONDS = 3, 15
RETRIES = 1
CREDENTIALS = (
    "MLFLOW_TRACKING_TOKEN",
    "MLFLOW_TRACKING_USERNAME",
    "MLFLOW_TRACKING_PASSWORD",
    "PGPASSWORD",
    "MYSQL_PWD",
)
CREDENTIALS_FILE = "~/.mlflow/credentials"
CURE = "Nothing is lost: the record is in runs/. When the store is there again: cnnexp sync"


@dataclass(frozen=True)
class Store:
    """A tracking store that answered. `uri` may hold a password: only MLflow gets it, nobody is shown it."""

    uri: str
    client: MlflowClient
    inode: int = 0

    @property
    def shown(self) -> str:
        """The URI without its secrets."""
        return without_secrets(self.uri)

    @property
    def file(self) -> Path | None:
        """The file of a SQLite store."""
        return sqlite_file(self.uri)

    def experiment_id(self, name: str, *, create: bool = True) -> str:
        """The id of the experiment.

        Raises StoreError when it was deleted in MLflow, or is not there and must not be created.
        """
        from mlflow.exceptions import MlflowException

        found = self.client.get_experiment_by_name(name)
        if found is None and create:
            with suppress(MlflowException):  # another process was faster
                return str(self.client.create_experiment(name, artifact_location=self._artifacts_of(name)))
            found = self.client.get_experiment_by_name(name)
        if found is None:
            raise StoreError("tracking.experiment", repr(name), f"an experiment in {self.shown}")
        if found.lifecycle_stage == "deleted":
            hint = "Restore it in MLflow, or choose another: tracking.experiment=NAME"
            raise StoreError("tracking.experiment", f"{name!r}, deleted in MLflow", "an experiment that exists", hint)
        return str(found.experiment_id)

    def _artifacts_of(self, experiment: str) -> str | None:
        return str(self.file.parent / ARTIFACTS / quote(experiment, safe="")) if self.file else None

    def seconds_to_answer(self) -> float:
        """How long it takes to answer one small request; 0 for a SQLite store."""
        start = time.monotonic()
        if self.file is not None:
            return 0.0
        self.client.search_experiments(max_results=1)
        return time.monotonic() - start

    def gone(self) -> StoreError | None:
        """What to tell of a SQLite store that was deleted or replaced since it was opened; None for any other.

        An empty file is none: SQLite makes one, perhaps with the same inode, for who connects to a deleted store.
        """
        with suppress(OSError):
            if self.file is None or (_is_there(self.file) and self.file.stat().st_ino == self.inode):
                return None
        return StoreError(_where(self.uri), "deleted or replaced", "the store that was opened", CURE)

    def check(self) -> None:
        """Raise StoreError, soon, where a SQLite store was deleted, replaced or is locked."""
        if self.file is None:
            return
        if gone := self.gone():
            raise gone
        with closing(sqlite3.connect(self.file, timeout=BUSY_SECONDS, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")


def tracking_uri(tracking: Tracking, known: str | None = None) -> str:
    """The store's URI: tracking.uri, else $MLFLOW_TRACKING_URI, else `known`, else mlflow.db in the working folder.

    known: where a record says that it is; a SQLite file that is gone does not count. SQLite paths come out absolute.
    Raises StoreError for a file store, which MLflow no longer takes.
    """
    uri = tracking.uri or _named_by_environment() or _still_there(known) or SQLITE + DEFAULT_FILE
    scheme = urlsplit(uri).scheme if "://" in uri or uri.startswith("file:") else ""
    if scheme in ("", "file"):
        hint = f"Use {SQLITE}{DEFAULT_FILE}; old runs move over with: mlflow migrate-filestore"
        raise StoreError(
            "tracking.uri",
            repr(re.sub(r"[^/@]+@", "…@", uri)),
            "a database or a server: MLflow's file store is retired",
            hint,
        )
    file = sqlite_file(uri)
    return sqlite_uri(file) if file else uri


def _named_by_environment() -> str:
    return os.environ.get("MLFLOW_TRACKING_URI", "")


def _still_there(known: str | None) -> str | None:
    file = sqlite_file(known) if known else None
    return known if file is None or file.is_file() else None


def sqlite_file(uri: str, home: Path | None = None) -> Path | None:
    """The absolute path of the file of a SQLite URI, seen from `home` (else the working folder); None for any other."""
    if not uri.startswith(SQLITE):
        return None
    return Path(os.path.abspath((home or Path.cwd()) / unquote(uri[len(SQLITE) :].partition("?")[0])))


def sqlite_uri(file: Path) -> str:
    """The URI of a SQLite file."""
    return SQLITE + quote(str(file), safe="/:\\")


def is_named_here(uri: str) -> bool:
    """Whether the environment or the working folder names this store, and not a record or config alone."""
    named, file = _named_by_environment(), sqlite_file(uri)
    if file is not None:
        return file.is_relative_to(Path.cwd()) or file == sqlite_file(named)
    return _server(uri) == _server(named)


def _server(uri: str) -> tuple[str, str]:
    parts = urlsplit(uri)
    return parts.scheme, parts.netloc.rpartition("@")[2].lower()


def check_who_names(tracking: Tracking, known: str | None) -> None:
    """Raise StoreError for a SQLite store that only a record names and that is not there: it would be made anywhere."""
    uri = tracking_uri(tracking, known)
    file = sqlite_file(uri)
    if file is not None and not _is_there(file) and not is_named_here(uri):
        hint = f"To have it made there: MLFLOW_TRACKING_URI={uri} cnnexp sync"
        raise StoreError("MLflow", f"no store at {file}, which a record alone names", "one that is there", hint)


def _keep_credentials(uri: str) -> None:
    """Raise StoreError rather than send a password or token to a server that $MLFLOW_TRACKING_URI does not name."""
    given = [f"${name}" for name in CREDENTIALS if os.environ.get(name)]
    given += [CREDENTIALS_FILE] * Path(CREDENTIALS_FILE).expanduser().is_file()
    if given and sqlite_file(uri) is None and not is_named_here(uri):
        shown = without_secrets(uri)
        got = f"{given[0]}, which goes only where $MLFLOW_TRACKING_URI says"
        hint = f"If it is meant for this one: export MLFLOW_TRACKING_URI={shown}"
        raise StoreError(f"MLflow at {shown}", got, "that to name this store", hint)


def without_secrets(uri: str) -> str:
    """The URI without user, password and query."""
    parts = urlsplit(uri)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", "")) if parts.netloc else uri


def open_store(tracking: Tracking, *, create: bool, known: str | None = None) -> Store:
    """The store that `tracking` names. With create=False nothing is made.

    Raises StoreError when it is not there, cannot be reached or cannot be used, and where credentials would go to a
    server that they are not for.
    """
    uri = tracking_uri(tracking, known)
    file = sqlite_file(uri)
    with told(uri):
        _keep_credentials(uri)
        if file is not None:
            if not create and not _is_there(file):
                raise StoreError("MLflow", f"no store at {file}", "a store", "The first run makes it: cnnexp train")
            prepare(file)
        store = Store(uri, _client(uri), file.stat().st_ino if file else 0)
        if create:
            store.check()
        store.client.search_experiments(max_results=1)
        return store


@held_back()
def _client(uri: str) -> MlflowClient:
    quiet()
    patience(QUICK_SECONDS)
    from mlflow.tracking import MlflowClient

    silence()
    return MlflowClient(tracking_uri=uri)


def quiet() -> None:
    """What MLflow must find in the environment before it is imported: no telemetry, no connection kept open, no links
    or bars printed among results."""
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"
    os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
    os.environ.setdefault("MLFLOW_SQLALCHEMYSTORE_POOLCLASS", "NullPool")


def silence() -> None:
    """No log lines of MLflow and what it uses: what matters is told by cnnexp."""
    for name in ("mlflow", "alembic", "urllib3", "sqlalchemy"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def patience(seconds: int) -> None:
    """How long one request to a server may take, and that it is tried once more, at once, whatever the server asks."""
    os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] = str(seconds)
    os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = str(RETRIES)
    os.environ["MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR"] = "0"
    os.environ["MLFLOW_HTTP_REQUEST_BACKOFF_JITTER"] = "0"
    os.environ["MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER"] = "false"


@contextmanager
def only_once() -> Iterator[None]:
    """Requests inside are never repeated blindly: what they make would be there twice if only the answer was lost."""
    os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"
    try:
        yield
    finally:
        os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = str(RETRIES)


def _is_there(file: Path) -> bool:
    return file.is_file() and file.stat().st_size > 0


def prepare(file: Path) -> None:
    """Make a SQLite store unless it is there: migrated aside and renamed, so that nobody ever meets half a store."""
    if _is_there(file):
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{file}.lock", timeout=LOCK_SECONDS):
        if _is_there(file):
            return
        scratch = file.with_name(f".{file.name}.new")
        scratch.unlink(missing_ok=True)
        _migrate(scratch, file.parent / ARTIFACTS)
        for left in ("-wal", "-shm"):  # of a store that was deleted: SQLite would read them into the new one
            file.with_name(file.name + left).unlink(missing_ok=True)
        scratch.replace(file)


@held_back()
def _migrate(file: Path, artifacts: Path) -> None:
    quiet()
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    silence()
    store: Any = SqlAlchemyStore
    store(sqlite_uri(file), str(artifacts)).engine.dispose()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")


@contextmanager
def told(uri: str) -> Iterator[None]:
    """Whatever MLflow, its database or the network raises inside becomes one StoreError without secrets."""
    try:
        yield
    except CnnexpError:
        raise
    except ImportError as error:
        hint = f"Install it beside cnnexp. {CURE}"
        raise StoreError(_where(uri), str(error), "the driver of this kind of store", hint) from None
    except Exception as error:  # noqa: BLE001 (drivers, clouds and servers raise what they like)
        raise StoreError(_where(uri), reason(error, uri), "a store that answers and can be written", CURE) from None


def in_one_go(uri: str) -> AbstractContextManager[None]:
    """What a process does inside, and goes on after, is not interrupted: SIGINT and SIGTERM take effect at its end.

    For SQLite files: a connection that an exception left open keeps them locked for this process too. A server's
    requests can be broken off anywhere.
    """
    return held_back() if sqlite_file(uri) else nullcontext()


def _where(uri: str) -> str:
    return f"MLflow at {without_secrets(uri)}"


REASONS = (
    (r"\b401\b|Unauthorized|UNAUTHENTICATED", "not allowed in (user or password)"),
    (r"\b403\b|PERMISSION_DENIED", "not allowed"),
    ("readonly database|read-only|Read-only file|Permission denied|unable to open database", "not writable"),
    ("database is locked|could not be acquired", "locked by another process"),
    ("disk is full|No space left", "no space left on the disk"),
    ("disk I/O error", "an error of its disk: full, or failing"),
    ("not a database|malformed|no such table|Can't locate revision|out-of-date", "not a store of this MLflow version"),
    (r"too many \d+ error responses|\b50\d\b", "an error of the server's own"),
    ("Max retries|timed out|Connection|HTTPConnectionPool|HTTPSConnectionPool", "no answer"),
)  # fmt: skip


def reason(error: BaseException, uri: str) -> str:
    """Why it failed, in a few words; never with the password of `uri`."""
    text = str(error)
    for pattern, words in REASONS:
        if re.search(pattern, text):
            return words
    first = next(iter(text.splitlines()), "") or type(error).__name__
    secret = urlsplit(uri).password
    first = first.replace(uri, without_secrets(uri))
    return (first.replace(secret, "…") if secret else first)[:200]
