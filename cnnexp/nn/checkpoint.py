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
from cnnexp.specs import Spec, believe, each, is_count, is_number, is_text, is_truth, mapping_of

KEPT = 2
PARTS = ("weights", "streams", "optimizer", "best")


def _is_metric(value: Any) -> bool:
    """Also one that is not finite, such as the best loss before the first epoch."""
    return isinstance(value, float) or is_number(value)


ABOUT: Spec = {
    "identity": is_text,
    "epoch": is_count,
    "progress": {
        "best_epoch": is_count, "best_loss": _is_metric, "watched": _is_metric, "waited": is_count, "stopped": is_truth,
    },
    "history": each(mapping_of(_is_metric)),
}  # fmt: skip


def save(folder: Path, state: TrainingState, identity: str) -> Path:
    """The state's file, `checkpoint_NNNNNN.npz`; `identity` says which training it belongs to (the run key)."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / _name(state.epoch)
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


def _name(epoch: int) -> str:
    return f"checkpoint_{epoch:06d}.npz"


def _newest_first(folder: Path) -> list[Path]:
    return sorted(folder.glob("checkpoint_*.npz"), reverse=True)


def _flat(state: TrainingState) -> dict[str, NDArray[Any]]:
    return {f"{part}/{name}": array for part in PARTS for name, array in getattr(state, part).items()}


def _about(state: TrainingState, identity: str) -> str:
    about = {"epoch": state.epoch, "progress": asdict(state.progress), "history": state.history}
    return json.dumps({"identity": identity, **about}, default=dict)


def _state(path: Path, arrays: Mapping[str, NDArray[Any]], identity: str) -> TrainingState:
    try:
        about = dict(json.loads(str(arrays["about"])))
        believe(about, ABOUT, str(path), "a checkpoint as cnnexp writes it")
        parts = {part: _part(part, arrays) for part in PARTS}
        state = TrainingState(
            about["epoch"], **parts, progress=Progress(**about["progress"]), history=tuple(about["history"])
        )
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise RunError(str(path), f"a file without {error}", "a checkpoint as cnnexp writes it") from error
    if _name(state.epoch) != path.name or len(state.history) != state.epoch:
        got = f"epoch {state.epoch} and the metrics of {len(state.history)}"
        raise RunError(str(path), got, "the epoch of its name and the metrics of each until then")
    if about["identity"] != identity:
        raise RunError(
            str(path), f"training {about['identity']}", identity, "a checkpoint serves its own training only"
        )
    return state


def _part(part: str, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {name.partition("/")[2]: array for name, array in arrays.items() if name.startswith(f"{part}/")}
