"""An inspection as a folder: whole or not there; written again, it takes the place of the earlier one."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cnnexp.config.compose import Composed
from cnnexp.config.identity import to_yaml
from cnnexp.errors import DataError
from cnnexp.inspection.passage import ARRAYS, CONFIG, Inspection, inspect_picture
from cnnexp.inspection.question import Asked
from cnnexp.runs.files import write_arrays, write_bytes, write_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SMALL = "arrays.json"
SMALL_NUMBERS = 10_000
"""Arrays of up to so many numbers stand in arrays.json too."""


def inspect(composed: Composed, asked: Asked, folder: str | None = None, *, mlflow: bool = False) -> Inspection:
    """One picture through the blocks, left in a folder and, with `mlflow`, as a run in the tracking store.

    Raises ConfigError, DataError or StoreError before anything is written.
    """
    inspection = inspect_picture(composed, asked, folder)
    if not mlflow:
        return write_inspection(inspection)
    from cnnexp.runs.inspections import publish_inspection
    from cnnexp.runs.store import open_store

    tracking = composed.config.tracking
    store = open_store(tracking, create=True)
    written = write_inspection(inspection)
    command = {"mlflow.source.name": shlex.join(["cnnexp", "inspect", *composed.overrides])}
    return replace(written, mlflow=(store.shown, *publish_inspection(store, tracking, written.folder, command)))


def write_inspection(inspection: Inspection) -> Inspection:
    """Write arrays, config and pictures; gives the inspection with the names of its pictures.

    Raises DataError when the folder cannot be written.
    """
    from cnnexp.inspection.drawing import figures_of

    with whole(inspection.folder) as scratch:
        _write_arrays(scratch, arrays_of(inspection))
        write_text(scratch / CONFIG, to_yaml(inspection.composed.config))
        names = write_pictures(scratch, figures_of(inspection))
    return replace(inspection, pictures=names)


@contextmanager
def whole(folder: Path) -> Iterator[Path]:
    """A folder to write to, which takes the place of `folder` in one step, and not at all where anything fails.

    Raises DataError when it cannot be written.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        try:
            yield scratch
            _put_in_place(scratch, folder)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    except OSError as error:
        raise DataError(str(folder), error.strerror or str(error), "a folder that can be written") from error


def write_pictures(folder: Path, figures: Iterable[tuple[str, Figure]]) -> tuple[str, ...]:
    """Each figure as NAME.png; returns these names."""
    from cnnexp.figures import png_bytes

    names = []
    for name, figure in figures:
        names.append(f"{name}.png")
        write_bytes(folder / names[-1], png_bytes(figure))
    return tuple(names)


def _put_in_place(scratch: Path, folder: Path) -> None:
    scratch.chmod(0o777 & ~_umask())
    old = scratch.with_name(f"{scratch.name}.old")
    if folder.exists():
        folder.rename(old)
    scratch.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def arrays_of(inspection: Inspection) -> dict[str, NDArray[Any]]:
    """input (pixels), scaled (what enters the first block), and maps/NAME, kernels/NAME, biases/NAME."""
    arrays: dict[str, NDArray[Any]] = {"input": inspection.picture.pixels, "scaled": inspection.picture.scaled}
    for step in inspection.steps:
        arrays[f"maps/{step.name}"] = step.values
        if step.kernel is not None:
            arrays[f"kernels/{step.name}"] = step.kernel
        if step.bias is not None:
            arrays[f"biases/{step.name}"] = step.bias
    return arrays


def _write_arrays(folder: Path, arrays: dict[str, NDArray[Any]]) -> None:
    write_arrays(folder / ARRAYS, arrays)
    small = {name: plain(array) for name, array in arrays.items() if array.size <= SMALL_NUMBERS}
    write_text(folder / SMALL, json.dumps(small, ensure_ascii=False, allow_nan=False) + "\n")


def plain(array: NDArray[Any]) -> Any:
    """Nested lists of whole numbers where all are whole, else of floats; null for what is not finite."""
    values = array.astype(np.float64)
    if np.isfinite(values).all():
        whole = bool((values == np.rint(values)).all() and np.abs(values).max(initial=0) < 2**53)
        return (values.astype(np.int64) if whole else values).tolist()
    kept = values.astype(object)
    kept[~np.isfinite(values)] = None
    return kept.tolist()
