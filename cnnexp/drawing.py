"""A record's pictures, drawn from its arrays: at the end of a run, or again at any time. No TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cnnexp.analysis.scores import class_scores, confusion_counts
from cnnexp.errors import DrawingError
from cnnexp.interrupts import in_whole_steps
from cnnexp.runs.files import Arrays, write_bytes
from cnnexp.runs.record import RunRecord

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Draw = Callable[[], "Figure"]
Content = Callable[[], bytes]
"""What gives a picture as PNG."""


def draw_all(record: RunRecord) -> list[Path]:
    """Draw every picture that the record has arrays for into its figures/; returns their paths.

    SIGINT and SIGTERM wait for the picture that is being drawn. Raises DrawingError for the pictures that cannot be
    drawn, once all others are; OSError where one cannot be written.
    """
    _ = record.config, record.events  # a record that cannot be read is refused before anything is drawn
    return _draw(record, chain(_named(record), _series(record)))


def draw_series(record: RunRecord) -> list[Path]:
    """Draw each layer's maps over the epochs alone, which MLflow's image cards show; returns their paths.

    Raises DrawingError and OSError as `draw_all` does.
    """
    return _draw(record, _series(record))


def _draw(record: RunRecord, pictures: Iterable[tuple[str, Content]]) -> list[Path]:
    undrawn: dict[str, Exception] = {}
    paths = list(in_whole_steps(_drawn(record, pictures, undrawn)))
    if undrawn:
        error = next(iter(undrawn.values()))
        raise DrawingError(", ".join(undrawn), f"{type(error).__name__}: {error}", "what can be drawn") from error
    return paths


def _drawn(record: RunRecord, pictures: Iterable[tuple[str, Content]], undrawn: dict[str, Exception]) -> Iterator[Path]:
    """Each picture's path once it is there. undrawn: takes the names of the others, with the reason."""
    for name, draw in pictures:
        path = record.folder / "figures" / f"{name}.png"
        try:
            picture = draw()
        except Exception as error:  # noqa: BLE001 (whatever a library raises costs this picture only)
            undrawn[f"figures/{name}.png"] = error
        else:
            write_bytes(path, picture)
            yield path


def _named(record: RunRecord) -> Iterator[tuple[str, Content]]:
    for name, draw in _figures(record):
        yield name, partial(_figure_png, draw)


def _figure_png(draw: Draw) -> bytes:
    from cnnexp.figures import png_bytes

    return png_bytes(draw())


def figures_of(record: RunRecord) -> dict[str, Figure]:
    """Each named picture's figure."""
    return {name: draw() for name, draw in _figures(record)}


def _figures(record: RunRecord) -> Iterator[tuple[str, Draw]]:
    from cnnexp.figures import learning_curves

    if record.epochs_done:
        yield "curves", partial(learning_curves, _history(record), title=record.name)
    yield from _figures_of_predictions(record)
    if pictures := record.pictures():
        yield from _figures_of_digits(record, pictures)
    yield from _figures_of_layers(record)


def _history(record: RunRecord) -> dict[str, list[tuple[int, float]]]:
    """The history with what was measured once at the kept epoch."""
    kept = int(record.result.get("best/epoch", record.epochs_done))
    once = {key: [(kept, value)] for key, value in record.result.items()}
    return record.history | once


def _figures_of_predictions(record: RunRecord) -> Iterator[tuple[str, Draw]]:
    from cnnexp.figures import confusion_matrix, per_class

    split = measured_split(record)
    found = record.predictions(split)
    if found:
        counts = confusion_counts(found["probabilities"], found["labels"])
        scores = class_scores(counts)
        title = f"{record.name}: {len(found['labels']):,} {split} digits"
        yield "confusion_matrix", partial(confusion_matrix, counts, record.class_names, title=title)
        yield "per_class", partial(per_class, scores.precision, scores.recall, scores.counts, record.class_names)


def measured_split(record: RunRecord) -> str:
    """The split that a record's pictures show: test where it was tested, else validation."""
    return "test" if record.predictions("test") else "validation"


def _figures_of_digits(record: RunRecord, pictures: Arrays) -> Iterator[tuple[str, Draw]]:
    from cnnexp.figures import sample_digits, surest_mistakes

    names, split = record.class_names, measured_split(record)
    yield "sample_digits", partial(sample_digits, pictures["samples/images"], pictures["samples/labels"], names,
                                   counts=(record.data.get("class_counts") or {}).get("train"))  # fmt: skip
    found = record.predictions(split)
    if found:
        images, labels, sure = (pictures[f"mistakes/{split}/{part}"] for part in ("images", "labels", "probabilities"))
        wrong = int((found["probabilities"].argmax(axis=1) != found["labels"]).sum())
        out_of = wrong, len(found["labels"])
        yield "surest_mistakes", partial(surest_mistakes, images, labels, sure, names, out_of=out_of)


def _figures_of_layers(record: RunRecord) -> Iterator[tuple[str, Draw]]:
    from cnnexp.figures import feature_maps, filters_before_after

    if not record.probed_epochs:
        return
    shown = shown_epoch(record)
    after, digits = record.probes(shown), record.digits()
    labels = [record.class_names[label] for label in digits["labels"]]
    channels = record.config.figures.max_channels
    before = record.filters_before if shown > 0 else {}
    for block in list(before)[:1]:
        yield f"filters_{block}", partial(filters_before_after, before[block], after.filters[block], layer=block)
    for layer, maps in after.maps.items():
        yield (
            f"feature_maps_{layer}",
            partial(
                feature_maps, maps, digits["images"], layer=layer, labels=labels, epoch=shown, max_channels=channels
            ),
        )


def shown_epoch(record: RunRecord) -> int:
    """The epoch that single pictures of maps and filters show: that of the kept weights, else the last one kept."""
    kept = int(record.result.get("best/epoch", -1))
    return kept if kept in record.probed_epochs else record.probed_epochs[-1]


def _series(record: RunRecord) -> Iterator[tuple[str, Content]]:
    """Each layer's maps over the epochs, on one colour scale a layer."""
    from cnnexp.figures import shared_limits

    probes = {epoch: record.probes(epoch).maps for epoch in record.probed_epochs}
    channels = record.config.figures.max_channels
    for layer in dict.fromkeys(name for maps in probes.values() for name in maps):
        limits = shared_limits([_shown(maps, layer, channels) for maps in probes.values()])
        for epoch, maps in probes.items():
            yield f"series/feature_maps/{layer}/epoch_{epoch:03d}", partial(_map_png, maps[layer], limits, channels)


def _shown(maps: Mapping[str, NDArray[Any]], layer: str, channels: int) -> NDArray[Any]:
    return maps[layer][..., :channels]


def _map_png(maps: NDArray[Any], limits: tuple[float, float], channels: int) -> bytes:
    from cnnexp.figures import feature_map_image

    return _as_square_png(feature_map_image(maps, limits=limits, max_channels=channels))


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
