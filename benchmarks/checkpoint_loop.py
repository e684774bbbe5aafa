"""The training loop with a checkpoint and a hash of all weights every epoch, or `without` both, in its own process."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any


def main(mode: str, overrides: list[str]) -> None:
    from cnnexp.config.compose import compose_config
    from cnnexp.experiment import prepare
    from cnnexp.nn.seeding import make_deterministic

    config = compose_config(overrides).config
    digits = prepare(config)
    make_deterministic(config.seed, config.training.threads)
    from cnnexp.nn import training
    from cnnexp.nn.checkpoint import save
    from cnnexp.nn.model import build_model

    if mode == "without":
        leave_out(training)
    model = build_model(config.model, digits.image_shape, digits.classes, config.data.divisor, config.seed)
    wall, cpu = time.perf_counter(), time.process_time()
    for result in training.train(model, digits, config):
        if mode == "with":
            save(Path("checkpoint"), result.state, "recipe")
    print(json.dumps({"loop": time.perf_counter() - wall, "cpu": time.process_time() - cpu}))


def leave_out(training: Any) -> None:
    """No hash, and of the state only the weights, which the signals of a layer need in any case."""
    from cnnexp.nn.state import TrainingState
    from cnnexp.nn.weights import get_weights

    training.digest = lambda arrays: ""
    training.capture = lambda model, epoch: TrainingState(epoch, get_weights(model), {}, {})


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
