"""The inspection of a trained run as text and as JSON: the answer, every layer, pixels that matter, one unit."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

from cnnexp.inspection.trained import Excited, RunInspection
from cnnexp.inspection.trained_words import answer, by, covering, field, square
from cnnexp.inspection.units import Example, Unit
from cnnexp.verbs.inspection_report import link_of
from cnnexp.verbs.report import table

WIDTH, LABEL = 100, 10
JOINED = "\N{NO-BREAK SPACE}"  # a line is not broken here


def text_lines(found: RunInspection) -> Iterator[str]:
    """Everything that is printed, the folder at the end."""
    subject, record = found.subject, found.record
    heading = f"run {record.id}  {record.name}"
    yield heading if len(heading) <= WIDTH else f"{heading[: WIDTH - 1]}…"
    yield from _labelled("picture", subject.told + (f": {subject.note}" if subject.note else ""))
    yield from _labelled("read as", answer(found) + _verdict(found))
    if found.layers:
        yield ""
        yield from table(["layer", "output", "field", "step", "strongest (row,col,channel)", "value", "it sees"],
                         [_layer_row(unit) for unit in found.strongest.values()])  # fmt: skip
    yield ""
    yield from _labelled("covered", _covered(found))
    if found.unit is not None:
        where = f"row {found.unit.row}, column {found.unit.column} of channel {found.unit.channel}"
        told = f"{found.unit.layer.name}, {where}: {found.unit.value:.4g}; {field(found.unit)}"
        yield from _labelled("unit", told)
        channel = found.unit.channel if found.asked.filter is None else found.asked.filter
        yield from _labelled("excite", _excited(found, channel))
    if found.epochs:
        yield from _labelled("epochs", f"its maps were kept after {', '.join(map(str, found.epochs))} epochs")
    yield ""
    yield from _where_lines(found)


def _labelled(label: str, text: str) -> list[str]:
    indent = " " * LABEL
    lines = textwrap.wrap(text, WIDTH, initial_indent=label.ljust(LABEL), subsequent_indent=indent)
    return [line.replace(JOINED, " ") for line in lines]


def _verdict(found: RunInspection) -> str:
    label = found.subject.label
    if label is None or label == found.ranking[0]:
        return ""
    return f"; wrong: it is {found.record.class_names[label]} ({found.probabilities[label]:.2%})"


def _layer_row(unit: Unit) -> list[str]:
    layer = unit.layer
    seen = square(*unit.square) if unit.square is not None else "nothing"
    return [
        layer.name, by(layer.output), by(layer.receptive_field or ()), by(layer.jump or ()),
        f"{unit.row},{unit.column},{unit.channel}", f"{unit.value:.3g}", seen,
    ]  # fmt: skip


def _covered(found: RunInspection) -> str:
    """What the worst place of the patch does, with what covers it."""
    occlusion, names = found.occlusion, found.record.class_names
    place = occlusion.covered[occlusion.worst]
    before, after = float(occlusion.whole[occlusion.label]), float(place[occlusion.label])
    now = names[int(place.argmax())]
    read = f"still read as {now}" if int(place.argmax()) == found.ranking[0] else f"read as {now} ({place.max():.2%})"
    where = square(*occlusion.square(occlusion.worst))
    return (
        f"by {covering(occlusion)}: worst on {where}, where {names[occlusion.label]} goes from {before:.2%} to "
        f"{after:.2%}, {read}"
    )


def _excited(found: RunInspection, channel: int) -> str:
    """The pictures that excite a filter most."""
    excited = found.excited
    if excited is None or not (examples := excited.examples[channel]):
        return f"filter {channel}: no picture more than another"
    names = [f"{example.index}{JOINED}({found.record.class_names[example.label]})" for example in examples]
    of = f"of {len(excited.split):,} {excited.split_name} images"
    return f"filter {channel} most, {of}, by index (class): {', '.join(names)}"


def _where_lines(found: RunInspection) -> Iterator[str]:
    yield f"folder    {found.folder}"
    yield from _labelled("pictures", ", ".join(found.pictures))
    yield "arrays    arrays.npz"
    if link := link_of(found):
        yield "look      cnnexp ui"
        yield f"          {link}"


def as_json(found: RunInspection) -> dict[str, Any]:
    """The inspection as plain values.

    picture: {from, note, split, index, label}; layers: each with its strongest unit; occlusion: drops is (rows,
    columns) of the places, worst {rows, columns} (first and last pixel), …; unit; excited: by filter the pictures,
    strongest first; epochs: those whose maps are shown. A unit is {row, column, channel, value, rows, columns}.
    """
    subject, record = found.subject, found.record
    first, second = found.ranking[:2]
    return {
        "run": record.id,
        "picture": {
            "from": subject.told, "note": subject.note, "split": subject.split, "index": subject.index,
            "label": None if subject.label is None else record.class_names[subject.label],
        },
        "digit": record.class_names[first],
        "probability": float(found.probabilities[first]),
        "runner_up": record.class_names[second],
        "probabilities": dict(zip(record.class_names, map(float, found.probabilities), strict=True)),
        "layers": [_layer_json(unit) for unit in found.strongest.values()],
        "occlusion": _occlusion_json(found),
        "unit": None if found.unit is None else {"layer": found.unit.layer.name, **_unit_json(found.unit)},
        "excited": None if found.excited is None else _excited_json(found, found.excited),
        "epochs": list(found.epochs),
        "folder": str(found.folder),
        "pictures": list(found.pictures),
        "mlflow": link_of(found),
    }  # fmt: skip


def _layer_json(unit: Unit) -> dict[str, Any]:
    layer = unit.layer
    return {
        "name": layer.name, "kind": layer.kind, "output": list(layer.output),
        "receptive_field": list(layer.receptive_field or ()), "jump": list(layer.jump or ()),
        "strongest": _unit_json(unit),
    }  # fmt: skip


def _unit_json(unit: Unit) -> dict[str, Any]:
    seen = unit.square
    return {
        "row": unit.row, "column": unit.column, "channel": unit.channel, "value": unit.value,
        "rows": None if seen is None else _ends(seen[0]), "columns": None if seen is None else _ends(seen[1]),
    }  # fmt: skip


def _ends(pixels: slice) -> list[int]:
    return [pixels.start, pixels.stop - 1]


def _occlusion_json(found: RunInspection) -> dict[str, Any]:
    occlusion, names = found.occlusion, found.record.class_names
    there = occlusion.covered[occlusion.worst]
    rows, columns = occlusion.square(occlusion.worst)
    return {
        "label": names[occlusion.label], "patch": occlusion.patch, "step": occlusion.step,
        "fill": occlusion.fill.tolist(),
        "worst": {
            "rows": _ends(rows), "columns": _ends(columns), "probability": float(there[occlusion.label]),
            "drop": float(occlusion.drops[occlusion.worst]), "digit": names[int(there.argmax())],
        },
        "drops": occlusion.drops.tolist(),
    }  # fmt: skip


def _excited_json(found: RunInspection, excited: Excited) -> dict[str, Any]:
    def plain(example: Example) -> dict[str, Any]:
        return {"index": example.index, "label": found.record.class_names[example.label], **_unit_json(example.unit)}

    return {
        "layer": excited.layer.name, "split": excited.split_name, "images": len(excited.split),
        "filters": {str(channel): [plain(one) for one in examples] for channel, examples in excited.examples.items()},
    }  # fmt: skip
