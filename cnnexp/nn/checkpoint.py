"""Training states in a folder: each whole or not there, the last two kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnexp.errors import RunError
from cnnexp.nn.arrays import read_arrays, write_arrays
from cnnexp.nn.state import Progress, TrainingState

KEPT = 2
PARTS = ("weights", "streams", "optimizer", "best")


def save(folder: Path, state: TrainingState, identity: str) -> Path:
    """The state's file, `checkpoint_NNNNNN.npz`; `identity` says which training it belongs to (the run key)."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"checkpoint_{state.epoch:06d}.npz"
    write_arrays(path, {**_flat(state), "about": np.array(_about(state, identity))})
    for old in [*_newest_first(folder)[KEPT:], *folder.glob(".checkpoint_*.tmp")]:  # .tmp: left by a kill
        old.unlink()
    return path


def load_latest(folder: Path, identity: str) -> TrainingState | None:
    """The newest state that is whole; None where there is no checkpoint.

    Raises RunError where all are damaged, or where the one found belongs to another training.
    """
    damaged: RunError | None = None
    for path in _newest_first(folder):
        try:
            arrays = read_arrays(path)
        except RunError as error:
            damaged = damaged or error
            continue
        return _state(path, arrays, identity)
    if damaged is not None:
        found = damaged.problems[0]
        hint = f"Without them it trains from the beginning: remove the folder {folder}"
        raise RunError(found.where, found.got, found.expected, hint)
    return None


def _newest_first(folder: Path) -> list[Path]:
    return sorted(folder.glob("checkpoint_*.npz"), reverse=True)


def _flat(state: TrainingState) -> dict[str, NDArray[Any]]:
    return {f"{part}/{name}": array for part in PARTS for name, array in getattr(state, part).items()}


def _about(state: TrainingState, identity: str) -> str:
    about = {"epoch": state.epoch, "progress": asdict(state.progress), "history": state.history}
    return json.dumps({"identity": identity, **about}, default=dict)


def _state(path: Path, arrays: Mapping[str, NDArray[Any]], identity: str) -> TrainingState:
    try:
        about = json.loads(str(arrays["about"]))
        parts = {part: _part(part, arrays) for part in PARTS}
        state = TrainingState(
            about["epoch"], **parts, progress=Progress(**about["progress"]), history=tuple(about["history"])
        )
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(str(path), f"a file without {error}", "a checkpoint as cnnexp writes it") from error
    if about["identity"] != identity:
        raise RunError(
            str(path), f"training {about['identity']}", identity, "a checkpoint serves its own training only"
        )
    return state


def _part(part: str, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {name.partition("/")[2]: array for name, array in arrays.items() if name.startswith(f"{part}/")}
