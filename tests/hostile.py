"""Ways to damage a record, or to plant something in it."""

from __future__ import annotations

import io
import json
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from hypothesis import strategies as st

from cnnexp.errors import RunError
from cnnexp.nn.arrays import read_arrays, write_arrays

TEXTS = ("run.json", "environment.json", "config.yaml", "events.jsonl", "mlflow.json")
ARRAYS = ("predictions.npz", "pictures.npz", "weights.npz", "probes/digits.npz", "probes/epoch_001.npz")
SWEEP_TEXTS = ("sweep.json", "events.jsonl", "mlflow.json")
CHECKPOINT = "checkpoint/checkpoint_000001.npz"
OUTSIDE = "outside"
"""A file beside runs/ that no command may write to."""

Damage = Callable[[Path], None]


def own_file(folder: Path, name: str) -> Path:
    """A file of the record. Raises OSError where an earlier damage made a link of it, which is not to be written to."""
    path = folder / name
    if path.is_symlink() or path.parent.is_symlink() or not path.is_file():
        raise OSError(f"{name} is no file any more")
    return path


class Planted:
    """Leaves a file in the working folder when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("was_run"),))


VALUES: list[Any] = [
    None, True, False, 0, -1, 1, 2, 2.5, -0.0, 1e-320, 1e300, 10**30, "", "0", "x", "../../outside", "/etc/passwd",
    "none", "한글", "\x00", "\x1b[2J", "<script>", "a" * 5000, [], [0], [1, 2, 3], [[]], ["a", "a"], {}, {"a": 1},
    {"_target_": "os.system"}, {"epoch": {"epoch": []}}, float("nan"), float("inf"), [28, 28, 1], [10**9, 10**9, 1],
    "FINISHED", "RUNNING", "2024-01-02", "2024-01-02T03:04:05+00:00", "9999-12-31T23:59:59-23:59",
]  # fmt: skip
CONTENTS = [
    b"", b"\x00", b"{}", b"[]", b"null", b"{", b"\xff\xfe", b"a: [", b"[" * 5000, b"x" * 5000, b"PK\x03\x04",
    b"a: &x [*x]", b"a: !!python/object/apply:pathlib.Path.touch [was_run]", b"seed: !!python/name:os.system",
    b'{"event": "ended"}\n', b"\n\n\n", pickle.dumps(Planted()),
]  # fmt: skip


def places(value: Any, above: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value inside a value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path for key, item in inner for path in [(*above, key), *places(item, (*above, key))]]


def changed(value: Any, which: int, how: str, new: Any) -> Any:
    """The value with the `which`-th place in it replaced, taken away, or given a neighbour."""
    paths = places(value)
    if not paths:
        return new
    *above, last = paths[which % len(paths)]
    node = value
    for key in above:
        node = node[key]
    if how == "replace":
        node[last] = new
    elif how == "remove":
        del node[last]
    elif isinstance(node, dict):
        node["_target_" if how == "target" else "nosuch"] = new
    else:
        node.insert(last, new)
    return value


def in_text(name: str, which: int, how: str, new: Any) -> Damage:
    """One value of one text file."""

    def damage(folder: Path) -> None:
        path = own_file(folder, name)
        text = path.read_text(encoding="utf-8")
        if name.endswith(".yaml"):
            path.write_text(yaml.dump(changed(yaml.safe_load(text), which, how, new)), encoding="utf-8")
        elif name.endswith(".jsonl"):
            events = changed([json.loads(line) for line in text.splitlines()], which, how, new)
            path.write_text("".join(f"{json.dumps(event)}\n" for event in events), encoding="utf-8")
        else:
            path.write_text(json.dumps(changed(json.loads(text), which, how, new)), encoding="utf-8")

    return damage


def in_bytes(name: str, where: int, how: str, content: bytes) -> Damage:
    """The bytes of one file: cut off, overwritten in the middle, gone or others."""

    def damage(folder: Path) -> None:
        path = own_file(folder, name)
        old = path.read_bytes()
        at = where % (len(old) + 1)
        if how == "cut":
            path.write_bytes(old[:at])
        elif how == "overwrite":
            path.write_bytes(old[:at] + content + old[at + len(content) :])
        elif how == "remove":
            path.unlink()
        else:
            path.write_bytes(content)

    return damage


OTHERS = ["folder", "pipe", "link", "loop", "link to nothing", "link to a folder"]


def as_other(name: str, kind: str) -> Damage:
    """Something else than a file in the place of one."""

    def damage(folder: Path) -> None:
        path = own_file(folder, name)
        outside = folder.parent.parent / OUTSIDE
        if kind == "link to a folder":
            shutil.rmtree(folder / "probes")
            (folder / "probes").symlink_to(outside.parent, target_is_directory=True)
            return
        path.unlink()
        if kind == "folder":
            path.mkdir()
        elif kind == "pipe":
            os.mkfifo(path)
        else:
            path.symlink_to({"link": outside, "loop": path, "link to nothing": folder / "nosuch"}[kind])

    return damage


ODD_ARRAYS: list[Callable[[Any], Any]] = [
    lambda a: a[..., :0], lambda a: a[:0], lambda a: a[None], lambda a: a.reshape(-1), lambda a: a[:-1],
    lambda a: np.concatenate([a, a]) if a.ndim else a, lambda a: a.astype(np.float64), lambda a: a.astype(np.int8),
    lambda a: a.astype("U8"), lambda a: a.astype(np.complex64), lambda a: np.full_like(a, -1, dtype=np.int64),
    lambda a: np.full(a.shape, np.nan, np.float32), lambda a: np.full(a.shape, np.inf, np.float32),
    lambda a: np.full(a.shape, 10**9), lambda a: np.zeros(a.shape, bool), lambda a: np.array(3),
    lambda a: np.array([Planted()], object), lambda a: a.astype("datetime64[s]"), lambda a: np.zeros(2**22, np.int8),
]  # fmt: skip
ODD_NAMES = ["", "x", "maps/../../../outside", "filters/", "maps/a b", "test/", "../outside", "maps/conv_1/x", "sha256"]


def in_arrays(name: str, which: int, how: str, odd: Any) -> Damage:
    """One array of one file: another shape, type or content, another name, gone; written as the file was."""

    def damage(folder: Path) -> None:
        path = own_file(folder, name)
        with path.open("rb") as file, np.load(file) as archive:  # NumPy leaves a path's file open where it is no .npz
            arrays = {key: archive[key] for key in archive.files}
        key = sorted(arrays)[which % len(arrays)]
        array = arrays.pop(key)
        if how == "array":
            try:
                with np.errstate(invalid="ignore"):  # infinity as a whole number, for one
                    arrays[key] = ODD_ARRAYS[odd % len(ODD_ARRAYS)](array)
            except (TypeError, ValueError):  # an array that cannot be made so odd
                arrays[key] = np.zeros(3)
        elif how == "name":
            arrays[ODD_NAMES[odd % len(ODD_NAMES)]] = array
        buffer = io.BytesIO()
        save: Any = np.savez if name == "weights.npz" else np.savez_compressed
        save(buffer, **arrays)
        path.write_bytes(buffer.getvalue())

    return damage


def in_about(which: int, how: str, new: Any) -> Damage:
    """One value of what a checkpoint says of itself, under a digest that is right."""

    def damage(folder: Path) -> None:
        path = own_file(folder, CHECKPOINT)
        try:
            arrays = read_arrays(path)
            about = json.loads(str(arrays["about"]))
        except (RunError, KeyError) as error:
            raise ValueError(error) from None
        told = json.dumps(changed(about, which, how, new))
        write_arrays(path, {**arrays, "about": np.array(told)})

    return damage


HOW = st.sampled_from(["replace", "replace", "remove", "insert", "target"])
NEW = st.one_of(st.sampled_from(VALUES), st.integers(), st.text(max_size=5))
ANY, FILES = st.integers(0, 10**6), st.sampled_from([*TEXTS, *ARRAYS, CHECKPOINT])
OF_A_SWEEP = st.sampled_from(SWEEP_TEXTS)
IN_SWEEP: st.SearchStrategy[Damage] = st.one_of(
    st.builds(in_text, OF_A_SWEEP, ANY, HOW, st.one_of(NEW, st.sampled_from(["../../outside", "a" * 300]))),
    st.builds(in_text, OF_A_SWEEP, ANY, HOW, NEW),
    st.builds(in_bytes, OF_A_SWEEP, ANY, st.sampled_from(["cut", "overwrite", "remove"]), st.binary(max_size=20)),
)
IN_CHECKPOINT: st.SearchStrategy[Damage] = st.builds(in_about, ANY, HOW, NEW)
DAMAGES: st.SearchStrategy[Damage] = st.one_of(
    st.builds(in_text, st.sampled_from(TEXTS), ANY, HOW, NEW),
    st.builds(in_bytes, FILES, ANY, st.sampled_from(["cut", "overwrite", "remove", "replace"]),
              st.one_of(st.sampled_from(CONTENTS), st.binary(max_size=20))),
    st.builds(as_other, FILES, st.sampled_from(OTHERS)),
    st.builds(in_arrays, st.sampled_from([*ARRAYS, CHECKPOINT]), ANY,
              st.sampled_from(["array", "array", "name", "remove"]), ANY),
)  # fmt: skip
