"""Pictures over the epochs, as MLflow's image cards want them: file names that say layer and step, and a preview.

`MlflowClient.log_image` gives each picture a random name, so that logging twice shows it twice. Here the name is a
function of run, key and step: written again after a crash it lands on itself.
"""

from __future__ import annotations

import re
import shutil
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

FOLDER = "figures/series"
ARTIFACTS = "images"
LOGGED_TAG = "mlflow.loggedImages"
PREVIEW_PIXELS = 1280
NOT_ALLOWED = re.compile(r"[^a-zA-Z0-9_\-./ ]")


@dataclass(frozen=True)
class Picture:
    """One picture of a series: its file in the record, its key such as feature_maps/conv_1, its step."""

    path: Path
    key: str
    step: int

    def artifact(self, run_id: str, time: int) -> str:
        """Its name in MLflow, without suffix. time: milliseconds since 1970, the same each time."""
        name = uuid.uuid5(uuid.NAMESPACE_OID, f"{run_id}/{self.key}/{self.step}")
        return f"{self.key.replace('/', '~')}+step+{self.step}+timestamp+{time}+{name}"


def pictures(folder: Path) -> tuple[Picture, ...]:
    """The pictures in figures/series/KEY/epoch_NNN.png of a record's folder, by step."""
    root = folder / FOLDER
    found = [_picture(path, root) for path in root.rglob("epoch_*.png")]
    return tuple(sorted(found, key=lambda picture: (picture.step, picture.key)))


def _picture(path: Path, root: Path) -> Picture:
    key = NOT_ALLOWED.sub("_", path.parent.relative_to(root).as_posix())
    return Picture(path, key, int(path.stem.removeprefix("epoch_")))


def lay_out(shown: Sequence[Picture], folder: Path, run_id: str, time: int) -> None:
    """Write what MLflow's artifact folder `images` is to hold of these pictures into `folder`."""
    from PIL import Image

    for picture in shown:
        name = picture.artifact(run_id, time)
        shutil.copyfile(picture.path, folder / f"{name}.png")
        with Image.open(picture.path) as image:
            preview = image.convert("RGBA")
            preview.thumbnail((PREVIEW_PIXELS, PREVIEW_PIXELS))
            preview.save(folder / f"{name}+compressed.webp", lossless=True)
