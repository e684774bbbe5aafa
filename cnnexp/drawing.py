"""A record's pictures, drawn from its arrays: at the end of a run, or again at any time. No TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cnnexp.analysis.scores import class_scores, confusion_counts
from cnnexp.runs.files import Arrays, write_bytes
from cnnexp.runs.record import RunRecord

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_all(record: RunRecord) -> list[Path]:
    """Draw every picture that the record has arrays for into its figures/; returns their paths."""
    from cnnexp.figures import png_bytes

    _ = record.config, record.events  # a record that cannot be read is refused before anything is drawn
    paths = []
    for name, figure in figures_of(record):
        paths.append(record.folder / "figures" / f"{name}.png")
        write_bytes(paths[-1], png_bytes(figure))
    return paths + draw_series(record)


def draw_series(record: RunRecord) -> list[Path]:
    """Draw each layer's maps over the epochs alone, which MLflow's image cards show; returns their paths."""
    paths = []
    for key, epoch, image in series_of(record):
        paths.append(record.folder / "figures" / "series" / key / f"epoch_{epoch:03d}.png")
        write_bytes(paths[-1], _as_square_png(image))
    return paths


def figures_of(record: RunRecord) -> Iterator[tuple[str, Figure]]:
    """Name and figure of each named picture."""
    from cnnexp.figures import learning_curves

    if record.epochs_done:
        yield "curves", learning_curves(_history(record), title=record.name)
    yield from _figures_of_predictions(record)
    if pictures := record.pictures():
        yield from _figures_of_digits(record, pictures)
    yield from _figures_of_layers(record)


def _history(record: RunRecord) -> dict[str, list[tuple[int, float]]]:
    """The history with what was measured once at the kept epoch."""
    kept = int(record.result.get("best/epoch", record.epochs_done))
    once = {key: [(kept, value)] for key, value in record.result.items()}
    return record.history | once


def _figures_of_predictions(record: RunRecord) -> Iterator[tuple[str, Figure]]:
    from cnnexp.figures import confusion_matrix, per_class

    split = measured_split(record)
    found = record.predictions(split)
    if found:
        counts = confusion_counts(found["probabilities"], found["labels"])
        scores = class_scores(counts)
        title = f"{record.name}: {len(found['labels']):,} {split} digits"
        yield "confusion_matrix", confusion_matrix(counts, record.class_names, title=title)
        yield "per_class", per_class(scores.precision, scores.recall, scores.counts, record.class_names)


def measured_split(record: RunRecord) -> str:
    """The split that a record's pictures show: test where it was tested, else validation."""
    return "test" if record.predictions("test") else "validation"


def _figures_of_digits(record: RunRecord, pictures: Arrays) -> Iterator[tuple[str, Figure]]:
    from cnnexp.figures import sample_digits, surest_mistakes

    names, split = record.class_names, measured_split(record)
    yield "sample_digits", sample_digits(pictures["samples/images"], pictures["samples/labels"], names,
                                         counts=record.data["class_counts"]["train"])  # fmt: skip
    found = record.predictions(split)
    if found:
        images, labels, sure = (pictures[f"mistakes/{split}/{part}"] for part in ("images", "labels", "probabilities"))
        wrong = int((found["probabilities"].argmax(axis=1) != found["labels"]).sum())
        yield "surest_mistakes", surest_mistakes(images, labels, sure, names, out_of=(wrong, len(found["labels"])))


def _figures_of_layers(record: RunRecord) -> Iterator[tuple[str, Figure]]:
    from cnnexp.figures import feature_maps, filters_before_after

    if not record.probed_epochs:
        return
    shown = shown_epoch(record)
    after, digits = record.probes(shown), record.digits()
    labels = [record.class_names[label] for label in digits["labels"]]
    channels = record.config.figures.max_channels
    if 0 in record.probed_epochs and shown > 0:
        before = record.probes(0).filters
        for block in list(after.filters)[:1]:
            yield f"filters_{block}", filters_before_after(before[block], after.filters[block], layer=block)
    for layer, maps in after.maps.items():
        figure = feature_maps(maps, digits["images"], layer=layer, labels=labels, epoch=shown, max_channels=channels)
        yield f"feature_maps_{layer}", figure


def shown_epoch(record: RunRecord) -> int:
    """The epoch that single pictures of maps and filters show: that of the kept weights, else the last one kept."""
    kept = int(record.result.get("best/epoch", -1))
    return kept if kept in record.probed_epochs else record.probed_epochs[-1]


def series_of(record: RunRecord) -> Iterator[tuple[str, int, NDArray[np.uint8]]]:
    """Key, epoch and picture (h, w, 3) of each layer's maps over the epochs, on one colour scale a layer."""
    from cnnexp.figures import feature_map_image, shared_limits

    probes = {epoch: record.probes(epoch).maps for epoch in record.probed_epochs}
    channels = record.config.figures.max_channels
    for layer in dict.fromkeys(name for maps in probes.values() for name in maps):
        limits = shared_limits([_shown(maps, layer, channels) for maps in probes.values()])
        for epoch, maps in probes.items():
            yield f"feature_maps/{layer}", epoch, feature_map_image(maps[layer], limits=limits, max_channels=channels)


def _shown(maps: Mapping[str, NDArray[Any]], layer: str, channels: int) -> NDArray[Any]:
    return maps[layer][..., :channels]


def _as_square_png(image: NDArray[np.uint8]) -> bytes:
    """The picture at the top of a transparent square: MLflow's image cards centre anything else out of sight."""
    import io

    from PIL import Image

    picture = Image.fromarray(image)
    square = Image.new("RGBA", (max(picture.size),) * 2)
    square.paste(picture)
    buffer = io.BytesIO()
    square.save(buffer, format="PNG")
    return buffer.getvalue()
