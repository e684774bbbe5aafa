"""A colour in MLflow for each run of a sweep, since MLflow's own choice may give two of a few runs the same."""

from __future__ import annotations

import colorsys

COLOUR_TAG = "mlflow.runColor"
_FIRST, _STEP = 0.58, 0.382  # of the hues' circle; steps of the golden section leave no two of many runs close
_LIGHTNESS, _SATURATION = (0.42, 0.62), 0.65


def colour_of(point: str) -> str:
    """The colour of a sweep's point by its number, as #rrggbb: neighbours differ in hue, and every other is lighter."""
    number = int(point[-6:]) if point.isdecimal() else 0
    hue = (_FIRST + number * _STEP) % 1
    parts = colorsys.hls_to_rgb(hue, _LIGHTNESS[number % 2], _SATURATION)
    return "#" + "".join(f"{round(255 * part):02x}" for part in parts)
