"""A process that has imported what cnnexp needs and forks a real `cnnexp` command for each request, to be killed.

Importing TensorFlow and MLflow takes longer than a small training: they are imported once. A request is a line of JSON
on standard input, its answer one on standard output. Where a request names a moment (what the command is about to open,
rename or remove, and the how manyth time), the command gets a signal so many seconds after it.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import time
from importlib import import_module
from typing import Any

MODULES = (
    "tensorflow", "mlflow.keras", "mlflow.store.tracking.sqlalchemy_store", "alembic.command", "cnnexp.nn.training",
    "cnnexp.nn.probes", "cnnexp.config.compose", "cnnexp.config.stored", "cnnexp.figures", "cnnexp.drawing",
    "cnnexp.resuming", "cnnexp.runs.models", "cnnexp.verbs.resume", "cnnexp.verbs.sync", "cnnexp.verbs.train",
)  # fmt: skip
WATCHED = ("open", "os.rename", "shutil.rmtree")


class Tripwire:
    """An audit hook that writes one byte to a pipe when the process touches a path that matches for the nth time."""

    def __init__(self, pattern: str, count: int, pipe: int) -> None:
        self._pattern, self._left, self._pipe = re.compile(pattern), count, pipe

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        if self._left and event in WATCHED and self._pattern.search(f"{event} {args[0]}"):
            self._left -= 1
            if not self._left:
                os.write(self._pipe, b"!")


def main() -> None:
    """Answer requests until standard input ends."""
    from cnnexp.runs.store import quiet

    quiet()
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    for name in MODULES:
        import_module(name)
    print(json.dumps("ready"), flush=True)
    for line in iter(sys.stdin.readline, ""):
        print(json.dumps(carry_out(json.loads(line))), flush=True)


def carry_out(request: dict[str, Any]) -> dict[str, Any]:
    """The exit code of one command (negative: the signal that ended it), and whether its moment came."""
    heard, tell = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(heard)
        run(request, tell)
    os.close(tell)
    came = os.read(heard, 1) == b"!"
    if came:
        time.sleep(request["delay"])
        os.kill(child, signal.Signals[request["signal"]])
    _, status = os.waitpid(child, 0)
    os.close(heard)
    return {"code": os.waitstatus_to_exitcode(status), "came": came}


def run(request: dict[str, Any], tell: int) -> None:
    """The command, in the forked process; it ends as the installed script does."""
    from cnnexp.cli import main as cnnexp

    os.chdir(request["home"])
    for number, name in ((0, os.devnull), (1, "stdout"), (2, "stderr")):
        file = os.open(name, os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.dup2(file, number)
        os.close(file)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if request["moment"]:
        sys.addaudithook(Tripwire(request["moment"], request["count"], tell))
    code = cnnexp(request["words"])
    for number in (signal.SIGINT, signal.SIGTERM):  # while the interpreter ends there is nothing left to interrupt
        signal.signal(number, signal.SIG_IGN)
    sys.exit(code)


if __name__ == "__main__":
    main()
