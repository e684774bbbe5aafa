"""cnnexp's training loop alone, in a process of its own: no record, no MLflow, no pictures."""

from __future__ import annotations

import json
import sys
import time


def main(overrides: list[str]) -> None:
    from cnnexp.config.compose import compose_config
    from cnnexp.experiment import prepare
    from cnnexp.nn.seeding import make_deterministic

    config = compose_config(overrides).config
    digits = prepare(config)
    make_deterministic(config.seed, config.training.threads)
    from cnnexp.nn.model import build_model
    from cnnexp.nn.training import train

    model = build_model(config.model, digits.image_shape, digits.classes, config.data.divisor, config.seed)
    start = time.perf_counter()
    results = list(train(model, digits, config))
    print(json.dumps({"loop": time.perf_counter() - start, "accuracy": results[-1].metrics["accuracy/val"]}))


if __name__ == "__main__":
    main(sys.argv[1:])
