"""What a record must be before it is believed: plain files, values of the right kind, arrays that fit one another."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cnnexp.errors import RunError, show

MAX_TEXT_BYTES = 500_000_000
MAX_THREADS = 1024
MAX_PIXELS = 100_000_000
LARGEST = 1e300
LAYER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
RUN_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
STATUSES = ("FINISHED", "FAILED", "KILLED")

Check = Callable[[Any], bool]
Spec = Mapping[str, Any]
"""Key → what its value must pass: a Check, or a Spec for a mapping of its own."""


def is_text(value: Any) -> bool:
    return isinstance(value, str)


def is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**53


def is_number(value: Any) -> bool:
    """A finite number that a float can hold."""
    return type(value) in (int, float) and abs(value) <= LARGEST


def is_time(value: Any) -> bool:
    """A time in ISO 8601 with its zone."""
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except (TypeError, ValueError):
        return False


def is_id(value: Any) -> bool:
    """Something that may be the name of a folder."""
    return is_text(value) and RUN_ID.fullmatch(value) is not None


def is_point(value: Any) -> bool:
    """A point of a sweep: its number, what varies in it, and the run that it was found to be, or none yet."""
    words = mapping_of(is_text)
    plain = isinstance(value, dict) and is_count(value.get("number")) and words(value.get("varied"))
    plain = plain and words(value.get("sets", {}))
    return plain and (value.get("run") in (None, "") or is_id(value["run"]))


def each(check: Check) -> Check:
    return lambda value: isinstance(value, list) and all(map(check, value))


def mapping_of(check: Check) -> Check:
    return lambda value: isinstance(value, dict) and all(map(check, value.values()))


def optional(check: Check) -> Check:
    return lambda value: value is None or check(value)


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
SWEEP: Spec = {
    "schema_version": is_count, "id": is_id, "name": is_text, "created": is_time, "overrides": each(is_text),
    "command": is_text, "tracking": {}, "points": each(is_point),
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


def wrong_keys(values: Mapping[str, Any], spec: Spec, above: str = "") -> Iterator[str]:
    """Each dotted key whose value is not what it must be, with what was got."""
    for key, check in spec.items():
        value = values.get(key)
        if isinstance(check, Mapping) and isinstance(value, dict):
            yield from wrong_keys(value, check, f"{above}{key}.")
        elif isinstance(check, Mapping) or not check(value):
            yield f"{above}{key} {show(value)}" if key in values else f"no {above}{key}"


def believe(values: Mapping[str, Any], spec: Spec, where: str, what: str) -> None:
    """Raise RunError for values that are not what `spec` says; `what` they should have been."""
    if wrong := list(wrong_keys(values, spec)):
        raise RunError(where, ", ".join(wrong), what)


def believe_folder(folder: Path) -> None:
    """Raise RunError for a record with anything but files and folders of its own: a link may lead anywhere."""
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
    fits = array.shape == (count,) and array.dtype.kind == "f"
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
