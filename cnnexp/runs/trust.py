"""What a record must be before it is believed: plain files, values of the right kind, arrays that fit one another."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cnnexp.errors import RunError, show
from cnnexp.specs import LARGEST, Spec, all_of, believe, each, is_count, is_number, is_text, mapping_of, optional

MAX_TEXT_BYTES = 500_000_000
MAX_THREADS = 1024
MAX_PIXELS = 100_000_000
LAYER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
RUN_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
STATUSES = ("FINISHED", "FAILED", "KILLED")


def is_time(value: Any) -> bool:
    """A time in ISO 8601 with its zone."""
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except (TypeError, ValueError):
        return False


def is_id(value: Any) -> bool:
    """Something that may be the name of a folder."""
    return is_text(value) and RUN_ID.fullmatch(value) is not None


def _is_run(value: Any) -> bool:
    """The id of a run, or none yet."""
    return value == "" or is_id(value)


def are_metrics(value: Any) -> bool:
    """Finite numbers by name, accuracies between 0 and 1."""
    if not mapping_of(is_number)(value):
        return False
    return all(0 <= share <= 1 for key, share in value.items() if key.startswith(("accuracy/", "best/accuracy")))


def _is_shape(value: Any) -> bool:
    sizes = value if isinstance(value, list) and all(map(is_count, value)) else []
    return len(sizes) == 3 and 0 < sizes[0] * sizes[1] * sizes[2] <= MAX_PIXELS


def _are_names(value: Any) -> bool:
    return each(is_text)(value) and 2 <= len(value) == len(set(value))


HEADER: Spec = {
    "schema_version": is_count, "id": is_id, "name": is_text, "created": is_time, "overrides": each(is_text),
    "command": is_text, "links": mapping_of(is_text),
    "identity": {"variant": is_text, "recipe": is_text, "run_key": is_text},
    "data": {
        "source": is_text, "digest": is_text, "image_shape": _is_shape, "class_names": _are_names,
        "sizes": {"train": is_count, "validation": is_count, "test": is_count},
        "class_counts": optional(mapping_of(each(is_count))),
    },
}  # fmt: skip
ENVIRONMENT: Spec = {
    "threads": optional(lambda value: is_count(value) and 0 < value <= MAX_THREADS),
    "packages": optional(mapping_of(is_text)),
    "git": optional(lambda value: isinstance(value, dict) and is_text(value.get("commit", ""))),
}
MLFLOW: Spec = {"uri": is_text, "run_id": is_text, "experiment_id": is_text}
PUBLISHED: Spec = {
    **MLFLOW, "status": is_text, "files": mapping_of(is_text), "model_id": optional(is_text), "epochs": is_count,
}  # fmt: skip
POINT: Spec = {
    "number": is_count, "name": is_text, "varied": mapping_of(is_text), "sets": optional(mapping_of(is_text)),
    "overrides": optional(each(is_text)), "verdict": is_text, "reason": is_text, "run": _is_run, "run_key": is_text,
    "variant": is_text, "parameters": is_count, "multiply_adds": is_count,
}  # fmt: skip
SWEEP: Spec = {
    "schema_version": is_count, "id": is_id, "name": is_text, "created": is_time, "overrides": each(is_text),
    "command": is_text, "tracking": {}, "points": each(all_of(POINT)), "study": optional(is_text),
    "config_dir": optional(is_text),
}  # fmt: skip
EVENTS: Mapping[str, Spec] = {
    "started": {"after": optional(is_count), "changed": optional(each(is_text))},
    "epoch": {
        "epoch": is_count, "metrics": are_metrics, "weights": optional(is_text),
        "signals": optional(mapping_of(mapping_of(is_number))),
    },
    "result": {"metrics": are_metrics},
    "found": {"findings": each(is_text)},
    "ended": {"status": STATUSES.__contains__, "outcome": is_text, "message": optional(is_text)},
}  # fmt: skip
"""What the events of a kind must say, beside `event` and `time`."""
SWEEP_EVENTS: Mapping[str, Spec] = {
    "result": {"run": is_id, "name": is_text, "metrics": are_metrics},
    "drawn": {"point": POINT},
    "point": {
        "number": is_count, "run": _is_run, "status": STATUSES.__contains__, "outcome": is_text, "message": is_text,
        "log": is_text,
    },
    "ended": EVENTS["ended"],
}  # fmt: skip
"""The same of a sweep's events."""


def believe_header(header: Mapping[str, Any], where: str) -> None:
    """Raise RunError unless this is the header of a record, with as many counts of training digits as classes."""
    believe(header, HEADER, where, "the header of a record")
    data = header["data"]
    counts = data.get("class_counts")
    if counts is not None and len(counts.get("train", ())) != len(data["class_names"]):
        raise RunError(where, f"class_counts {show(counts)}", f"train: {len(data['class_names'])} numbers")


def believe_folder(folder: Path) -> None:
    """Raise RunError for a record with anything but files and folders of its own: a link may lead anywhere."""
    if folder.is_symlink():
        raise RunError(str(folder), "a symbolic link", "a folder of its own in runs/")
    for entry in _entries(folder):
        plain = entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False)
        if not plain and os.path.lexists(entry.path):  # else it was a file that its writer has just renamed
            got = "a symbolic link" if entry.is_symlink() else "no plain file"
            raise RunError(entry.path, got, "only files and folders inside a record")
        if entry.name.endswith((".json", ".jsonl", ".yaml", ".patch")) and entry.stat().st_size > MAX_TEXT_BYTES:
            raise RunError(entry.path, f"{entry.stat().st_size:,} bytes", f"at most {MAX_TEXT_BYTES:,}")


def _entries(folder: Path | str) -> Iterator[os.DirEntry[str]]:
    """All that lies in a folder and below it; nothing of one that has just gone."""
    try:
        entries = list(os.scandir(folder))
    except FileNotFoundError:
        return
    except OSError as error:
        raise RunError(str(folder), error.strerror or str(error), "a folder that can be read") from None
    for entry in entries:
        yield entry
        if entry.is_dir(follow_symlinks=False):
            yield from _entries(entry.path)


Arrays = Mapping[str, npt.NDArray[Any]]


def believe_predictions(arrays: Arrays, classes: int, where: str) -> None:
    """Raise RunError unless probabilities (n, classes), labels, losses and digests (n,) fit, as far as they are there.

    Older records have no losses.
    """
    digests = arrays.get("digests", np.zeros(0))
    fits = digests.ndim == 1 and digests.dtype == np.uint64
    if fits and set(arrays) != {"digests"}:
        shares = _are_shares(arrays.get("probabilities"), (len(digests), classes))
        fits = shares and _are_labels(arrays.get("labels"), classes, len(digests))
        fits = fits and ("losses" not in arrays or _are_losses(arrays["losses"], len(digests)))
    if not fits:
        raise RunError(where, _told(arrays), f"probabilities of {classes} classes, labels, losses and digests that fit")


def _are_labels(labels: npt.NDArray[Any] | None, classes: int, count: int) -> bool:
    """Whether `labels` (count,) are classes."""
    if labels is None or labels.shape != (count,) or labels.dtype.kind not in "iu":
        return False
    return count == 0 or (int(labels.min()) >= 0 and int(labels.max()) < classes)


def _are_shares(array: npt.NDArray[Any] | None, shape: tuple[int, ...]) -> bool:
    if array is None or array.shape != shape or array.dtype.kind != "f":
        return False
    return bool(np.all((array >= 0) & (array <= 1.001)))


def _are_losses(array: npt.NDArray[Any], count: int) -> bool:
    """Whether `array` (count,) are losses, none of them below 0."""
    fits = array.shape == (count,) and array.dtype == np.float64
    return fits and bool(np.all((array >= 0) & (array <= LARGEST)))


def believe_pictures(arrays: Arrays, classes: int, where: str, needed: str = "labels") -> None:
    """Raise RunError unless images (n, h, w, channels), labels, digests and probabilities fit, as far as there are any.

    needed: what must be there beside images and labels.
    """
    images = arrays.get("images")
    fits = images is not None and images.ndim == 4 and 0 not in images.shape[1:] and images.dtype.kind in "uif"
    count = len(images) if images is not None and fits else 0
    fits = fits and needed in arrays and _are_labels(arrays.get("labels"), classes, count)
    if "digests" in arrays:
        fits = fits and arrays["digests"].shape == (count,) and arrays["digests"].dtype == np.uint64
    if "probabilities" in arrays:
        fits = fits and _are_shares(arrays["probabilities"], (count, classes))
    if not fits:
        raise RunError(where, _told(arrays), f"pictures, and for each its class of {classes}")


def believe_probes(arrays: Arrays, digits: int | None, where: str) -> None:
    """Raise RunError unless maps are (digits, h, w, channels) and filters (kh, kw, in, out), by a layer's name."""
    for name, array in arrays.items():
        kind, _, layer = name.partition("/")
        four = array.ndim == 4 and array.size > 0 and array.dtype.kind == "f"
        counted = kind != "maps" or digits in (None, len(array)) if four else False
        if not (counted and kind in ("maps", "filters") and LAYER_NAME.fullmatch(layer)):
            raise RunError(where, _told({name: array}), "maps/LAYER and filters/LAYER of four dimensions")


def _told(arrays: Arrays) -> str:
    """Such as "labels int64 [500], digests uint64 [500]"."""
    return ", ".join(f"{show(name)} {array.dtype} {list(array.shape)}" for name, array in arrays.items()) or "nothing"
