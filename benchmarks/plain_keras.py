"""The shortest honest Keras script for the article's model: what `cnnexp train` is measured against.

With a number of runs it is the bare loop that a sweep is measured against: one process, one seed after another.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any


def main(folder: str, epochs: int, runs: int) -> None:
    import keras
    import numpy as np

    with np.load(f"{folder}/digits.npz") as digits:
        x, y, x_val, y_val, x_test, y_test = (digits[name] for name in ("x", "y", "x_val", "y_val", "x_test", "y_test"))
    x, x_val, x_test = (images.astype("float32") / 255 for images in (x, x_val, x_test))
    start = time.perf_counter()
    for seed in range(runs):
        keras.backend.clear_session()
        keras.utils.set_random_seed(seed)
        model = _model(x.shape[1:])
        model.fit(x, y, batch_size=100, epochs=epochs, validation_data=(x_val, y_val), verbose=0)
    seconds = time.perf_counter() - start
    accuracy = model.evaluate(x_test, y_test, batch_size=250, verbose=0)[1]
    print(json.dumps({"loop": seconds, "accuracy": accuracy}))


def _model(image_shape: tuple[int, ...]) -> Any:
    import keras

    layers = keras.layers
    model = keras.Sequential([
        keras.Input(image_shape),
        layers.Conv2D(32, 3, padding="same", activation="relu"), layers.MaxPooling2D(2, padding="same"),
        layers.Conv2D(64, 3, padding="same", activation="relu"), layers.MaxPooling2D(2, padding="same"),
        layers.Flatten(),
        layers.Dense(256, activation="relu"), layers.Dropout(0.25),
        layers.Dense(256, activation="relu"), layers.Dropout(0.25),
        layers.Dense(10),
    ])  # fmt: skip
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.001), loss, metrics=["accuracy"])
    return model


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
