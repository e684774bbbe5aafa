"""What cnnexp claims about speed and memory, measured here: `python -m benchmarks [NAME …]`.

Each benchmark runs two things in turn, several times, and prints the ratio of each pair and their median.
Without CNNEXP_MNIST_DIR the embedded 4,000 training digits stand in for the 55,000; fixed costs weigh more then.
"""

from __future__ import annotations

import argparse
import os
import platform

from benchmarks import startup, store, sweeps, training

BENCHMARKS = {
    "loop": training.loop,
    "loop_measured": training.loop_measured,
    "process": training.process,
    "checkpoints": training.checkpoints,
    "startup": startup.startup,
    "sweep": sweeps.sweep,
    "sweep_memory": sweeps.sweep_memory,
    "sweep_store": store.sweep_store,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which: {', '.join(BENCHMARKS)} (default all)")
    parser.add_argument("--pairs", type=int, default=5, help="pairs of each (default 5)")
    args = parser.parse_args()
    print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    for name in args.names or BENCHMARKS:
        BENCHMARKS[name](args.pairs)


if __name__ == "__main__":
    main()
