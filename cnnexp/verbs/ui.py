"""Start the MLflow UI on these runs and print a link that opens on them.

Standard output is the link alone. Ctrl-C ends it (exit code 0). A store on a server needs no UI of its own: its link
is printed, and that is all.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import webbrowser
from types import FrameType

from cnnexp.errors import StoreError
from cnnexp.interrupts import Terminated

EXAMPLE = """  cnnexp ui                      the runs of the store in this folder
  cnnexp ui latest --open        one run, in a browser
  cnnexp ui 81c2                 exactly the runs of one sweep, best first
  cnnexp ui --port 8080 --uri sqlite:////data/mlflow.db"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", nargs="?", metavar="RUN", help="open on this run or sweep: an id, a prefix, latest")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, help="port (default: the first free one from 5000 up)")
    parser.add_argument("--uri", help="the store (default: the run's, $MLFLOW_TRACKING_URI, mlflow.db in this folder)")
    parser.add_argument("--open", action="store_true", help="open the link in a browser")
    parser.add_argument("--json", action="store_true", help="print links and process ids as JSON")


def main(args: argparse.Namespace) -> int:
    from cnnexp.runs.page import page_of
    from cnnexp.runs.server import serving

    page = page_of(args.run, args.uri)
    if page.server is not None:
        _tell(args, page.links(page.server), None)
        return 0
    signal.signal(signal.SIGHUP, _hang_up)
    print("Starting the MLflow UI: a few seconds.", file=sys.stderr)
    try:
        with serving(page.uri, args.host, args.port) as server:
            _tell(args, page.links(server.address), server.pid)
            print("Ctrl-C ends it.", file=sys.stderr)
            code = server.wait()
    except KeyboardInterrupt:
        print("The MLflow UI has ended.", file=sys.stderr)
        return 0
    raise StoreError("mlflow server", f"ended by itself with exit code {code}", "a server that goes on until Ctrl-C")


def _tell(args: argparse.Namespace, links: dict[str, str], pid: int | None) -> None:
    if args.json:
        print(json.dumps({"charts": None, **links, "pid": pid, "cnnexp_pid": os.getpid()}), flush=True)
    else:
        print(links["link"], flush=True)
        if "charts" in links:
            print(f"Charts of the same runs: {links['charts']}", file=sys.stderr)
    if args.open:
        webbrowser.open(links["link"])


def _hang_up(signum: int, frame: FrameType | None) -> None:
    raise Terminated
