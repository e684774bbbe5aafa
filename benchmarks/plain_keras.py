"""The shortest honest Keras script for the article's model: what `cnnexp train` is measured against."""

from __future__ import annotations

import json
import sys
import time


def main(folder: str, epochs: int) -> None:
    import keras
    import numpy as np

    with np.load(f"{folder}/digits.npz") as digits:
        x, y, x_val, y_val, x_test, y_test = (digits[name] for name in ("x", "y", "x_val", "y_val", "x_test", "y_test"))
    x, x_val, x_test = (images.astype("float32") / 255 for images in (x, x_val, x_test))
    keras.utils.set_random_seed(0)
    layers = keras.layers
    model = keras.Sequential([
        keras.Input(x.shape[1:]),
        layers.Conv2D(32, 3, padding="same", activation="relu"), layers.MaxPooling2D(2, padding="same"),
        layers.Conv2D(64, 3, padding="same", activation="relu"), layers.MaxPooling2D(2, padding="same"),
        layers.Flatten(),
        layers.Dense(256, activation="relu"), layers.Dropout(0.25),
        layers.Dense(256, activation="relu"), layers.Dropout(0.25),
        layers.Dense(10),
    ])  # fmt: skip
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.001), loss, metrics=["accuracy"])
    start = time.perf_counter()
    model.fit(x, y, batch_size=100, epochs=epochs, validation_data=(x_val, y_val), verbose=0)
    seconds = time.perf_counter() - start
    accuracy = model.evaluate(x_test, y_test, batch_size=250, verbose=0)[1]
    print(json.dumps({"loop": seconds, "accuracy": accuracy}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
