"""`cnnexp VERB …`: finds the verb, turns errors into one message and an exit code."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from types import FrameType, ModuleType

from cnnexp.errors import DISK_ERRORS, CnnexpError, DiskError
from cnnexp.interrupts import Terminated, none_lost

VERBS = {
    "train": "train one network from a config",
    "shapes": "show every layer's size, padding and cost by arithmetic",
    "inspect": "see what one picture becomes, layer by layer",
    "resume": "go on with what was interrupted, or for more epochs",
    "runs": "list runs: filter, sort, newest first",
    "show": "tell everything about one run",
    "evaluate": "measure a trained network, also on other digits",
    "ui": "open the MLflow UI on these runs",
    "sync": "publish what MLflow does not have yet",
    "compare": "hold runs side by side, and write a report",
    "diff": "tell what differs between two runs, and only that",
    "rerun": "train a stored run again, and tell whether it is the same",
    "predict": "ask trained networks about pictures of your own",
    "gc": "show what nobody needs any more, and remove it",
    "explain": "say what a key does, what set it here, and its formula",
    "completion": "print the tab completion for bash or zsh",
}
EXIT_INTERRUPTED, EXIT_TERMINATED = 130, 143


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code (0 done, 1 failed, 2 refused, 130 / 143 ended by a signal)."""
    words = list(sys.argv[1:] if argv is None else argv)
    signal.signal(signal.SIGTERM, _terminate)
    try:
        with none_lost():
            return _dispatch(words)
    except CnnexpError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except Terminated:
        return EXIT_TERMINATED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if error.errno not in DISK_ERRORS:
            raise
        print(f"error: {DiskError.of(error, str(error.filename or 'a file'))}", file=sys.stderr)
        return DiskError.exit_code


def _terminate(signum: int, frame: FrameType | None) -> None:
    raise Terminated


def _dispatch(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        print(_help())
        return 0
    if words[0] == "--version":
        print(f"cnnexp {_version()}")
        return 0
    if words[0] == "__complete":
        return int(import_module("cnnexp.verbs.completion").complete(words[1:]))
    if words[0] not in VERBS:
        raise _unknown_verb(words[0])
    module = import_module(f"cnnexp.verbs.{words[0]}")
    args = parser_of(words[0], module).parse_intermixed_args(words[1:])
    return int(module.main(args))


def _version() -> str:
    try:
        return version("cnnexp")
    except PackageNotFoundError:
        return "(not installed)"


def _unknown_verb(word: str) -> CnnexpError:
    import difflib

    from cnnexp.errors import ConfigError

    close = difflib.get_close_matches(word, VERBS, n=1)
    hint = f"Did you mean cnnexp {close[0]}?" if close else "See cnnexp --help."
    return ConfigError("cnnexp", f"`{word}`", f"one of {', '.join(VERBS)}", hint)


def parser_of(verb: str, module: ModuleType) -> argparse.ArgumentParser:
    """The parser of one verb, from its module."""
    parser = argparse.ArgumentParser(
        prog=f"cnnexp {verb}",
        description=(module.__doc__ or "").split("\n\n")[0],
        epilog=f"example:\n{module.EXAMPLE}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.configure(parser)
    return parser


def _help() -> str:
    verbs = "\n".join(f"  {name:<11} {text}" for name, text in VERBS.items())
    return (
        "usage: cnnexp VERB …\n\n"
        "YAML in, a compared and repeatable CNN experiment out.\n\n"
        f"{verbs}\n\n"
        "example:\n"
        "  cnnexp train model.kernel_size=5 training.learning_rate=0.003\n\n"
        "cnnexp VERB --help tells more, with an example."
    )


if __name__ == "__main__":
    sys.exit(main())
