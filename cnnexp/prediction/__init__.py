"""What trained networks say about a person's own pictures."""

from __future__ import annotations

from cnnexp.prediction.answers import UNSURE_BELOW, Answer, accuracy, ask
from cnnexp.prediction.pictures import Expected, Picture, expected_by, read_pictures_for
from cnnexp.prediction.sheets import as_json, prediction_folder, write_sheets

__all__ = [
    "UNSURE_BELOW",
    "Answer",
    "Expected",
    "Picture",
    "accuracy",
    "as_json",
    "ask",
    "expected_by",
    "prediction_folder",
    "read_pictures_for",
    "write_sheets",
]
