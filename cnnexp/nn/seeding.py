"""Everything that must be settled before the first operation: TensorFlow's threads, determinism, and seeds."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from cnnexp.errors import RunError
from cnnexp.interrupts import held_back

GPU_MEMORY = "CNNEXP_GPU_MEMORY_MIB"
"""Environment variable with the most memory that this process may take of a GPU, in MiB."""


def derive(seed: int, *path: str | int) -> int:
    """A seed of its own for each `path`, 0 to 2**31 - 1: the first 31 bits of SHA-256 over seed and path."""
    digest = hashlib.sha256(json.dumps([seed, *path]).encode("ascii")).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def resolve_threads(threads: int | Literal["auto"]) -> int:
    """The number itself, or for `auto` one for each core that this process may use."""
    if threads != "auto":
        return threads
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def make_deterministic(seed: int, threads: int | Literal["auto"]) -> None:
    """TensorFlow started with these threads; also what draws without a seed of its own depends on `seed` alone."""
    start_tensorflow(resolve_threads(threads))
    import keras

    keras.utils.set_random_seed(seed)


@held_back()
def start_tensorflow(threads: int) -> None:
    """TensorFlow imported without its start-up lines, with determinism on and `threads` inside one operation.

    Bits depend on the number of threads, and TensorFlow cannot change it once it runs: asked for another
    number than the process already has, this raises RunError. Called again with the same number it does nothing.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    with _silenced():
        import keras
        import tensorflow as tf

        if keras.backend.backend() != "tensorflow":
            raise RunError("KERAS_BACKEND", keras.backend.backend(), "tensorflow", "start a new process without it")
        tf.get_logger().setLevel("ERROR")  # many short trainings in one process are no mistake
        _pin_threads(threads)
        tf.config.experimental.enable_op_determinism()
        for gpu in tf.config.list_physical_devices("GPU"):
            _bound_memory(tf, gpu)
        tf.config.list_logical_devices()  # opens the devices here, where what they print is hidden


def _bound_memory(tf: Any, gpu: Any) -> None:
    """A GPU's memory is taken as it is needed, or at most as much as the environment's GPU_MEMORY says (MiB)."""
    if GPU_MEMORY in os.environ:
        limit = tf.config.LogicalDeviceConfiguration(memory_limit=int(os.environ[GPU_MEMORY]))
        tf.config.set_logical_device_configuration(gpu, [limit])
    else:
        tf.config.experimental.set_memory_growth(gpu, True)


def _pin_threads(threads: int) -> None:
    import tensorflow as tf

    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    except RuntimeError as error:
        running = tf.config.threading.get_intra_op_parallelism_threads() or "its own number of"
        raise RunError(
            "training.threads",
            str(threads),
            f"what this process already runs TensorFlow with: {running} threads",
            "one process serves one number of threads: start a new process for another",
        ) from error


@contextmanager
def _silenced() -> Iterator[None]:
    """Nothing reaches file descriptor 2 meanwhile; what was held back is shown if an error leaves."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except RunError:
            raise
        except Exception:
            held.seek(0)
            with open(kept, "wb", closefd=False) as stderr:
                shutil.copyfileobj(held, stderr)
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
