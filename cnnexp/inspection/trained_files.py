"""The inspection of a trained run as a folder of pictures and arrays, whole or not there."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnexp.config.identity import to_yaml
from cnnexp.inspection.files import whole, write_pictures
from cnnexp.inspection.passage import ARRAYS, CONFIG
from cnnexp.inspection.question import AskedOfRun
from cnnexp.inspection.trained import RunInspection, inspect_run
from cnnexp.runs.files import write_arrays, write_text
from cnnexp.runs.record import RunRecord


def inspect_trained(
    record: RunRecord, asked: AskedOfRun, overrides: Sequence[str] = (), folder: str | None = None, *,
    mlflow: bool = False,
) -> RunInspection:  # fmt: skip
    """One picture in a trained network, left in a folder and, with `mlflow`, as a run in the tracking store.

    Raises ConfigError, DataError, RunError or StoreError before anything is written.
    """
    found = inspect_run(record, asked, overrides, folder)
    if not mlflow:
        return write_run_inspection(found)
    from cnnexp.runs.inspections import publish_inspection
    from cnnexp.runs.store import check_who_names, open_store

    tracking, known = record.config.tracking, record.mlflow.get("uri")
    check_who_names(tracking, known)
    store = open_store(tracking, create=True, known=known)
    written = write_run_inspection(found)
    tags = {
        "mlflow.source.name": shlex.join(["cnnexp", "inspect", record.id, *overrides]),
        "mlflow.note.content": f"What run {record.id} makes of {found.subject.told}: pictures among the artifacts.",
        "cnnexp.inspected": record.id,
    }
    named = tracking.model_copy(update={"run_name": written.folder.name})
    return replace(written, mlflow=(store.shown, *publish_inspection(store, named, written.folder, tags)))


def write_run_inspection(found: RunInspection) -> RunInspection:
    """Write arrays, config and pictures; gives the inspection with the names of its pictures.

    Raises DataError when the folder cannot be written.
    """
    from cnnexp.inspection.trained_drawing import figures_of

    with whole(found.folder) as scratch:
        write_arrays(scratch / ARRAYS, arrays_of(found))
        write_text(scratch / CONFIG, to_yaml(found.record.config))
        names = write_pictures(scratch, figures_of(found))
    return replace(found, pictures=names)


def arrays_of(found: RunInspection) -> dict[str, NDArray[Any]]:
    """input, probabilities, occlusion/probabilities (rows, columns, classes), and by layer maps/, filters/,
    excite/LAYER/values and cells (of every picture and channel), epochs/NNN/LAYER."""
    arrays: dict[str, NDArray[Any]] = {
        "input": found.subject.image,
        "probabilities": found.probabilities,
        "occlusion/probabilities": found.occlusion.covered,
    }
    arrays |= {f"maps/{name}": array for name, array in found.maps.items()}
    arrays |= {f"filters/{name}": array for name, array in found.filters.items()}
    if found.excited is not None:
        name = found.excited.layer.name
        arrays |= {f"excite/{name}/values": found.excited.values,
                   f"excite/{name}/cells": found.excited.places.astype(np.int32)}  # fmt: skip
    for epoch, maps in found.epochs.items():
        arrays |= {f"epochs/{epoch:03d}/{name}": array for name, array in maps.items()}
    return arrays
