"""The same digits through the same layers of each run, and the kernels that did it; a slider goes over the epochs."""

from __future__ import annotations

from collections.abc import Mapping

from cnnexp.analysis.comparison import ComparedRun
from cnnexp.figures.pictures import as_pictures
from cnnexp.figures.scales import Limits
from cnnexp.report.html import Child, Markup, scrolling, section, tag
from cnnexp.report.images import digit_uri, pitch, scale_colours
from cnnexp.report.seen import COLUMNS, Seen, Strip
from cnnexp.report.words import badge, named, size

WIDE = 240  # CSS pixels that a strip of tiles is wide at most, a whole multiple of its own pixels where that fits


def maps_section(seen: Seen | None) -> Markup:
    """The whole part, or why there is none."""
    title = "The same digits through every layer"
    if seen is None:
        return section(title, tag("p", "These runs kept no maps."), id_="maps")
    left_out = [tag("li", badge(letter), f" is not shown: {why}.") for letter, why in seen.left_out.items()]
    maps = _grid(seen, seen.layers, seen.maps, "Maps of the chosen digit")
    blocks = tuple(layer for layer in seen.layers if any((run.letter, layer) in seen.kernels for run in seen.runs))
    kernels = _grid(seen, blocks, seen.kernels, "Kernels of the same channels, for the first channel that comes in")
    note = (
        "Of each block the channels that respond most are shown, a kernel at the place of its map. Channels of two runs"
        " at the same place have nothing in common but the place. One colour scale for each layer over all runs, epochs"
        " and digits."
    )
    return section(
        title,
        tag("ul", left_out) if left_out else None,
        tag("p", note, class_="note"),
        _controls(seen),
        maps,
        kernels,
        id_="maps",
    )


def _controls(seen: Seen) -> Markup:
    """The slider and the digits to choose from; both work by keyboard."""
    last = len(seen.steps) - 1
    steps = " ".join(map(str, seen.steps))
    slider = tag(
        "input",
        type="range",
        min=0,
        max=last,
        value=last,
        step=1,
        id="epoch",
        data_steps=steps,
        aria_valuetext=f"{seen.steps[-1]} epochs done",
        disabled=last == 0,
    )
    play = tag("button", "▶ play", type="button", id="play", disabled=last == 0)
    epoch = tag(
        "div",
        tag("label", "epochs done ", tag("output", str(seen.steps[-1]), for_="epoch", id="epoch-told"), for_="epoch"),
        slider,
        play,
        class_="epoch",
    )
    return tag("div", epoch, _digit_choice(seen), class_="controls")


def _digit_choice(seen: Seen) -> Markup:
    names = seen.runs[0].record.class_names
    start = first_shown(seen)
    choices = [
        tag(
            "label",
            tag("input", type="radio", name="digit", value=i, checked=i == start),
            tag("img", src=digit_uri(picture), alt=f"digit {names[label]}", class_="ink", width=34, height=34),
        )
        for i, (picture, label) in enumerate(zip(as_pictures(seen.images), seen.labels, strict=True))
    ]
    return tag("fieldset", tag("legend", "digit"), choices, class_="digits")


def first_shown(seen: Seen) -> int:
    """The digit that is shown first: a 7 if there is one, for it shows edges in two directions."""
    names = [seen.runs[0].record.class_names[label] for label in seen.labels]
    return names.index("7") if "7" in names else 0


def _grid(seen: Seen, layers: tuple[str, ...], strips: Mapping[tuple[str, str], Strip], caption: str) -> Markup | None:
    """One row a run, one column a layer."""
    if not layers:
        return None
    head = tag(
        "tr", tag("th", "run", scope="col"), [tag("th", _layer_head(layer, strips), scope="col") for layer in layers]
    )
    body = [
        tag(
            "tr",
            tag("th", named(run), _when(seen, run), scope="row"),
            [tag("td", _strip(seen, run, layer, strips.get((run.letter, layer)))) for layer in layers],
        )
        for run in seen.runs
    ]
    grid = tag(
        "table",
        tag("caption", caption),
        tag("thead", head),
        tag("tbody", body),
        class_="tiles-table",
    )
    return scrolling(grid, caption)


def _layer_head(layer: str, strips: Mapping[tuple[str, str], Strip]) -> list[Child]:
    strip = next(strip for (_, name), strip in strips.items() if name == layer)
    return [layer, _scale(strip.limits, is_cut=strip.is_cut)]


def _scale(limits: Limits, *, is_cut: bool) -> Markup:
    """A colour scale with its ends."""
    low, high = (f"{limit:.3g}".replace("-", "−") for limit in limits)
    high = f"≥ {high}" if is_cut else high
    colours = ", ".join(scale_colours(limits))
    bar = tag("span", class_="bar", style=f"background: linear-gradient(to right, {colours})")
    return tag(
        "span",
        tag("span", low),
        bar,
        tag("span", high),
        class_="scale",
        role="img",
        aria_label=f"colours from {low} to {high}",
    )


def _when(seen: Seen, run: ComparedRun) -> list[Markup]:
    """After how many epochs a run is shown at each step."""
    return [
        tag("span", _after(epoch), class_="when", hidden=not is_last, **_range(seen, run, epoch))
        for epoch, is_last in _epochs(seen, run)
    ]


def _strip(seen: Seen, run: ComparedRun, layer: str, strip: Strip | None) -> Markup:
    if strip is None:
        return tag("span", "no such layer", class_="faint")
    down, across = pitch(strip.size)
    columns = min(COLUMNS, strip.channels)
    lines = -(-strip.channels // COLUMNS)
    width, height = COLUMNS * across, lines * down
    wide = min(WIDE, width * max(1, round(WIDE / width)))
    images = [
        tag(
            "img",
            src=strip.uris[epoch],
            alt=f"run {run.letter}, {layer} {_after(epoch)}: {strip.channels} channels, {size(strip.size)}",
            hidden=not is_last,
            **_range(seen, run, epoch),
        )
        for epoch, is_last in _epochs(seen, run)
    ]
    style = f"width: {wide}px; aspect-ratio: {width} / {height}; --rows: {strip.rows}"
    shown = f"clip-path: inset(0 {100 - 100 * columns / COLUMNS:g}% 0 0)" if columns < COLUMNS else ""
    look = "tiles" if strip.rows > 1 else "tiles still"
    return tag("div", images, class_=look, style="; ".join(filter(None, [style, shown])))


def _after(epoch: int) -> str:
    return "before training" if epoch == 0 else f"after {epoch} epoch{'' if epoch == 1 else 's'}"


def _epochs(seen: Seen, run: ComparedRun) -> list[tuple[int, bool]]:
    """Each epoch of a run that is shown, and whether it is the last."""
    epochs = sorted(set(seen.kept[run.letter].values()))
    return [(epoch, epoch == epochs[-1]) for epoch in epochs]


def _range(seen: Seen, run: ComparedRun, epoch: int) -> dict[str, int]:
    """The slider's positions at which a run's epoch is shown."""
    at = [place for place, step in enumerate(seen.steps) if seen.kept[run.letter][step] == epoch]
    return {"data_from": at[0], "data_to": at[-1]}
