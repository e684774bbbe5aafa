"""How soon a command answers that needs no training, against `import hydra`."""

from __future__ import annotations

from benchmarks.measure import cnnexp, pairs, python

COMMANDS = {
    "cnnexp --help": ["--help"],
    "cnnexp train --help": ["train", "--help"],
    "cnnexp train --cfg job": ["train", "--cfg", "job"],
    "a mistyped key": ["train", "model.kernl_size=3"],
    "a kernel that does not fit": ["train", "model.kernel_size=40", "model.padding=valid"],
    "cnnexp shapes": ["shapes"],
}


def startup(count: int) -> None:
    """Each command against `python -c "import hydra"`."""
    for name, words in COMMANDS.items():
        pairs(name, cnnexp(*words), python("-c", "import hydra"), count,
              {"seconds": lambda measured: measured.seconds})  # fmt: skip
