"""The pictures of a trained run's inspection: maps, pixels that matter, kernels, one unit, what excites filters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cnnexp.inspection.trained import Excited, RunInspection
from cnnexp.inspection.trained_words import answer, by, covering, field
from cnnexp.inspection.units import Example

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from cnnexp.figures.excitation import Excitement

MOST = 64
"""Channels of a layer that are shown, and filters in a sheet."""


def figures_of(found: RunInspection) -> Iterator[tuple[str, Figure]]:
    """Name and figure of each picture."""
    from cnnexp.figures.passage import passage_figure

    yield "input", _input(found)
    yield "occlusion", _occlusion(found)
    for layer in found.shown:
        title = f"{layer.name}: maps of {found.subject.told}, run {found.record.id}"
        yield f"maps_{layer.name}", passage_figure({layer.name: found.maps[layer.name]}, title=title, max_channels=MOST)
    yield from _filters(found)
    if found.unit is not None:
        yield f"field_{found.unit.layer.name}", _field(found)
    if found.excited is not None:
        yield from _excited(found, found.excited)
    yield from _epochs(found)


def _input(found: RunInspection) -> Figure:
    """A file beside what the network sees of it; a digit of the data alone."""
    subject, names = found.subject, found.record.class_names
    if subject.original is not None:
        from cnnexp.figures.predictions import Shown, predictions

        shown = Shown(subject.told, subject.original, subject.image, found.probabilities, names, False)
        return predictions([shown], f"Run {found.record.id}, {found.record.name}", f"read as {names[found.ranking[0]]}")
    from cnnexp.figures.passage import input_figure

    return input_figure(subject.image, title=subject.told, note=f"{by(subject.image.shape)}, read as {answer(found)}")


def _occlusion(found: RunInspection) -> Figure:
    from cnnexp.figures.occlusion import Covered, occlusion_figure

    occlusion, names = found.occlusion, found.record.class_names
    square = occlusion.square(occlusion.worst)
    covered = occlusion.image.copy()
    covered[square] = occlusion.fill
    whole, there = occlusion.whole, occlusion.covered[occlusion.worst]
    texts = tuple(
        f"{what}: {names[int(shares.argmax())]}, {shares.max():.2%}"
        for what, shares in (("as it is", whole), ("covered in the frame", there))
    )
    of = names[occlusion.label]
    return occlusion_figure(
        Covered(occlusion.image, covered, occlusion.drops_by_pixel, square, (texts[0], texts[1])),
        title=f"Which pixels matter for {of}: {found.subject.told}, run {found.record.id}",
        note=covering(occlusion), label=f"drop of the probability of {of}",
    )  # fmt: skip


def _filters(found: RunInspection) -> Iterator[tuple[str, Figure]]:
    """The first block's kernels beside those it started with, where they were kept; of later blocks the norms."""
    from cnnexp.figures.filters import filters_before_after, kernel_norms

    shown = [layer.owner for layer in found.shown]
    names = [layer.name for layer in found.layers]
    initial = found.record.filters_before
    for place, (block, kernels) in enumerate(found.filters.items()):
        if block not in shown:
            continue
        if place == 0:
            yield f"filters_{block}", filters_before_after(initial.get(block), kernels, layer=block)
        else:
            reads = names[names.index(block) - 1]
            yield f"filters_{block}", kernel_norms(kernels, layer=block, reads=reads)


def _field(found: RunInspection) -> Figure:
    from cnnexp.figures.field import Field, field_figure

    unit, subject = found.unit, found.subject
    if unit is None:  # pragma: no cover
        raise ValueError(subject.told)
    seen = np.zeros(subject.image.shape[:2], np.bool_)
    seen[np.ix_(unit.rows, unit.columns)] = True
    shown = Field(subject.image, found.maps[unit.layer.name][..., unit.channel], (unit.row, unit.column), seen,
                  unit.square)  # fmt: skip
    where = f"row {unit.row}, column {unit.column} of channel {unit.channel}"
    title = f"{unit.layer.name}: what the unit at {where} sees, run {found.record.id}"
    return field_figure(shown, title=title, note=f"output {unit.value:.4g}; {field(unit)}")


def _excited(found: RunInspection, excited: Excited) -> Iterator[tuple[str, Figure]]:
    from cnnexp.figures.excitation import excitement_figure, excitement_sheet

    layer, chosen = excited.layer, found.asked.filter
    note = f"of {len(excited.split):,} {excited.split_name} images, strongest first; framed: what the unit sees"
    if chosen is not None:
        one = _excitement(found, excited, chosen)
        title = f"What excites filter {chosen} of {layer.name} most, run {found.record.id}"
        yield f"excite_{layer.name}_filter_{chosen}", excitement_figure(one, title=title, note=note)
        return
    filters = list(excited.examples)[:MOST]
    some = f"{len(filters)} of {len(excited.examples)} filters; " if len(filters) < len(excited.examples) else ""
    title = f"What excites each filter of {layer.name} most, run {found.record.id}"
    rows = [_excitement(found, excited, each) for each in filters]
    yield f"excite_{layer.name}", excitement_sheet(rows, title=title, note=f"{some}{note}")


def _excitement(found: RunInspection, excited: Excited, chosen: int) -> Excitement:
    from cnnexp.figures.excitation import Excitement

    examples = excited.examples[chosen]
    images = excited.split.images[[example.index for example in examples]]
    squares = [example.unit.square for example in examples]
    return Excitement(str(chosen), images, squares, [_caption(found, example) for example in examples])


def _caption(found: RunInspection, example: Example) -> str:
    return f"image {example.index}: {found.record.class_names[example.label]}, {example.unit.value:.3g}"


def _epochs(found: RunInspection) -> Iterator[tuple[str, Figure]]:
    from cnnexp.figures.maps import maps_over_epochs

    most, kept = found.record.config.figures.max_channels, dict[str, dict[int, NDArray[Any]]]()
    for epoch, maps in found.epochs.items():
        for name, array in maps.items():
            kept.setdefault(name, {})[epoch] = array
    for layer in found.shown:
        if layer.name in kept:
            title = f"{layer.name}: how the maps of {found.subject.told} grew, run {found.record.id}"
            yield (
                f"epochs_{layer.name}",
                maps_over_epochs(
                    kept[layer.name], found.subject.image, layer=layer.name, title=title, max_channels=most
                ),
            )
