from __future__ import annotations

import os
import subprocess
import sys

import pytest

from cnnexp.errors import RunError
from cnnexp.nn.seeding import derive, make_deterministic, resolve_threads, start_tensorflow


def test_derived_seeds_are_fixed_for_all_time_and_differ_by_every_part() -> None:
    # sha256('[0, "conv_1", "kernel"]') starts with the bytes whose first 31 bits this is
    assert derive(0, "conv_1", "kernel") == 0x8BCA06DF >> 1
    seeds = {derive(s, name, e) for s in (0, 1) for name in ("a", "b") for e in range(50)}
    assert len(seeds) == 200
    assert all(0 <= seed < 2**31 for seed in seeds)
    assert derive(0, "a", "b") != derive(0, "ab")
    assert derive(0, 1) != derive(0, "1")


def test_auto_is_one_thread_a_core() -> None:
    assert resolve_threads(3) == 3
    assert resolve_threads("auto") == len(os.sched_getaffinity(0))


def test_another_number_of_threads_is_refused_with_the_reason() -> None:
    running = resolve_threads("auto")
    start_tensorflow(running)
    with pytest.raises(RunError, match=f"already runs TensorFlow with: {running} threads") as refusal:
        start_tensorflow(running + 1)
    assert "start a new process" in str(refusal.value)


def test_what_has_no_seed_of_its_own_depends_on_the_seed() -> None:
    import keras

    drawn = []
    for seed in (5, 5, 6):
        make_deterministic(seed, "auto")
        drawn.append(float(keras.random.uniform(())))
    assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.slow
def test_tensorflow_starts_without_a_word_and_with_the_threads_asked_for() -> None:
    code = (
        "from cnnexp.nn.seeding import start_tensorflow; start_tensorflow(1)\n"
        "import tensorflow as tf, os; tf.zeros(3) + 1; os.write(2, b'after')\n"
        "print(tf.config.threading.get_intra_op_parallelism_threads())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("1\n", "after")
