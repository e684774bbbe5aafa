"""Where the runs disagree: counts, the digits that one reads and the other does not, and confusion matrices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnexp.analysis.comparison import ComparedRun, Comparison, Pair
from cnnexp.analysis.scores import Counts
from cnnexp.analysis.shared_digits import SharedDigits
from cnnexp.figures.pictures import as_pictures
from cnnexp.report.html import Child, Markup, section, table, tag
from cnnexp.report.images import digit_uri
from cnnexp.report.words import badge, look_of, percent, run_number

GALLERY = 24  # digits a direction of one pair; of many pairs together about as many as of four
MOST_CLASSES = 15  # a matrix of more does not fit beside another


@dataclass(frozen=True)
class Pixels:
    """Digest → picture (h, w[, 3]) of values 0..1; problems: why some are missing."""

    pictures: Mapping[int, NDArray[np.float32]]
    problems: tuple[str, ...]


def wanted_digits(comparison: Comparison) -> list[int]:
    """The digests of all digits that the galleries show."""
    if comparison.shared is None:
        return []
    shown = [
        place
        for pair in comparison.pairs
        for one, other in _directions(pair)
        for place in _most_apart(one, other, gallery_size(comparison))
    ]
    return [int(comparison.shared.digests[place]) for place in dict.fromkeys(shown)]


def gallery_size(comparison: Comparison) -> int:
    """Digits a direction."""
    return max(4, GALLERY * 4 // max(4, len(comparison.pairs)))


def _directions(pair: Pair) -> tuple[tuple[ComparedRun, ComparedRun], ...]:
    return (pair.first, pair.second), (pair.second, pair.first)


def _most_apart(one: ComparedRun, other: ComparedRun, most: int) -> list[int]:
    """Places of the digits that `one` alone reads right, those first where its probability is higher by most."""
    if one.readings is None or other.readings is None:
        return []
    places = np.flatnonzero(one.readings.right & ~other.readings.right)
    labels = one.readings.labels[places]
    apart = one.readings.probabilities[places, labels] - other.readings.probabilities[places, labels]
    found: list[int] = places[np.argsort(-apart, kind="stable")][:most].tolist()
    return found


def disagreement_section(comparison: Comparison, pixels: Pixels) -> Markup:
    """The whole part, or why there is none."""
    title = "Where they disagree"
    if comparison.shared is None:
        why = "No digit was read by two of these runs without being trained on, so answers cannot be held side by side."
        return section(title, tag("p", why), id_="disagree")
    matrix = _matrix(comparison) if len(comparison.readers) > 2 else None
    problems = [tag("p", text, class_="problem") for text in pixels.problems]
    parts = [_pair(comparison, pair, pixels, folded=len(comparison.pairs) > 1) for pair in comparison.pairs]
    return section(title, matrix, problems, parts, id_="disagree")


def _matrix(comparison: Comparison) -> Markup:
    """How many digits each run reads right that each other run gets wrong."""
    runs, scores = comparison.readers, comparison.scores
    counts = {
        (a.letter, b.letter): int((scores[a.letter].right & ~scores[b.letter].right).sum()) for a in runs for b in runs
    }
    highest = max(1, *counts.values())
    rows: list[list[Child]] = []
    for one in runs:
        found = [counts[one.letter, other.letter] for other in runs]
        cells = [
            tag("td") if other is one else _heat(str(count), count / highest, one)
            for other, count in zip(runs, found, strict=True)
        ]
        rows.append([badge(one.letter), *cells])
    name = comparison.shared.name if comparison.shared else ""
    header = ["right ↓ wrong →", *(badge(run.letter) for run in runs)]
    return table(f"Of {name}: how many the row reads right and the column gets wrong", header, rows, class_="matrix")


def _pair(comparison: Comparison, pair: Pair, pixels: Pixels, *, folded: bool) -> Markup:
    """Everything about one pair; folded away but for its counts where there are several."""
    heading = [badge(pair.first.letter), " and ", badge(pair.second.letter)]
    shared = comparison.shared
    galleries = [_gallery(one, other, comparison, pixels) for one, other in _directions(pair)] if shared else []
    body: list[Child] = [_counts(pair), galleries, _confusions(comparison, pair)]
    if not folded:
        return tag("div", body, class_="pair")
    told = [": ", badge(pair.first.letter), f" alone right on {pair.test.only_first} digits, "]
    told += [badge(pair.second.letter), f" on {pair.test.only_second}"]
    return tag("details", tag("summary", heading, told), body, class_="pair")


def _counts(pair: Pair) -> Markup:
    """McNemar's table."""
    first, second, test = badge(pair.first.letter), badge(pair.second.letter), pair.test
    most = max(1, test.disagreements)
    alone = [
        _heat(f"{count:,}", count / most, run)
        for count, run in ((test.only_first, pair.first), (test.only_second, pair.second))
    ]
    rows: list[list[Child]] = [
        [[first, " right"], f"{test.both:,}", alone[0]],
        [[first, " wrong"], alone[1], f"{test.neither:,}"],
    ]
    return table(
        f"Answers of both on the same {test.digits:,} digits",
        ["", [second, " right"], [second, " wrong"]],
        rows,
        class_="matrix",
    )


def _heat(text: str, share: float, run: ComparedRun | None = None) -> Markup:
    """A cell in the colour of a run, or of ink, of a strength 0..1."""
    look = ["heat", look_of(run_number(run.letter))] if run else ["heat"]
    strength = f"--heat: {10 + 40 * min(share, 1):.0f}%" if share else None
    return tag("td", text, class_=" ".join(look), style=strength)


def _gallery(one: ComparedRun, other: ComparedRun, comparison: Comparison, pixels: Pixels) -> Markup:
    """The digits that `one` reads right and `other` wrong."""
    places = _most_apart(one, other, gallery_size(comparison))
    scores = comparison.scores
    total = int((scores[one.letter].right & ~scores[other.letter].right).sum())
    heading = [badge(one.letter), " right, ", badge(other.letter), f" wrong: {total} digit{'' if total == 1 else 's'}"]
    if 0 < len(places) < total:
        heading.append(f", the {len(places)} furthest apart")
    cards = [_card(place, one, other, comparison, pixels) for place in places]
    empty = tag("p", "None.", class_="faint")
    return tag("div", tag("h3", heading), tag("ul", cards, class_="gallery") if cards else empty)


def _card(place: int, one: ComparedRun, other: ComparedRun, comparison: Comparison, pixels: Pixels) -> Markup | None:
    """A digit with what both read in it."""
    shared = comparison.shared
    if shared is None or one.readings is None or other.readings is None:
        return None
    name = shared.class_names[shared.labels[place]]
    picture = pixels.pictures.get(int(shared.digests[place]))
    shown = (
        tag("img", src=digit_uri(picture), alt=f"a {name}", class_="ink")
        if picture is not None
        else tag("span", name, class_="no-picture", title="its picture is not there")
    )
    where = str(one.readings.places[place])
    answers = [_answer(run, place, shared) for run in (one, other)]
    return tag("li", shown, tag("span", f"true {name}", class_="true"), answers, title=f"index {where}")


def _answer(run: ComparedRun, place: int, shared: SharedDigits) -> Markup | None:
    if run.readings is None:
        return None
    probabilities = run.readings.probabilities[place]
    read = int(probabilities.argmax())
    right = read == shared.labels[place]
    text = f" {'✓' if right else '✗'} {shared.class_names[read]} · {percent(float(probabilities[read]), 0)}"
    return tag("span", badge(run.letter), text, class_="answer right" if right else "answer")


def _confusions(comparison: Comparison, pair: Pair) -> Markup | None:
    """Both confusion matrices and the second minus the first."""
    names = comparison.shared.class_names if comparison.shared else ()
    first, second = (comparison.scores[run.letter].confusion for run in (pair.first, pair.second))
    if len(names) > MOST_CLASSES:
        return _largest_changes(names, first, second, pair)
    highest = max(1, int((first - np.diag(np.diag(first))).max()), int((second - np.diag(np.diag(second))).max()))
    grids = [_confusion(run, names, counts, highest) for run, counts in ((pair.first, first), (pair.second, second))]
    change = second - first
    rows = [
        [names[i], *(_change_cell(pair, change, (i, j), int(np.abs(change).max())) for j in range(len(names)))]
        for i in range(len(names))
    ]
    title = f"Difference: {pair.second.letter} minus {pair.first.letter}, same rows and columns"
    difference = table(title, ["", *names], rows, class_="matrix confusion")
    note = tag("p", "In the colour of the run that does better there.", class_="note")
    return tag("div", [*grids, tag("div", difference, note)], class_="confusions")


def _confusion(run: ComparedRun, names: Sequence[str], counts: Counts, highest: int) -> Markup:
    rows = []
    for i, name in enumerate(names):
        cells = []
        for j in range(len(names)):
            count = int(counts[i, j])
            text = str(count) if count else ""
            cells.append(tag("td", text, class_="right") if i == j else _heat(text, count / highest))
        rows.append([name, *cells])
    return table(
        f"Run {run.letter}: true class (row) read as (column)",
        ["", *names],
        rows,
        class_="matrix confusion",
    )


def _change_cell(pair: Pair, changes: Counts, cell: tuple[int, int], highest: int) -> Markup:
    """What the second run has more or less than the first in a cell of the matrix, in the better one's colour."""
    change, on_diagonal = int(changes[cell]), cell[0] == cell[1]
    text = "" if change == 0 else f"{change:+d}".replace("-", "−")
    better = pair.second if (change > 0) == on_diagonal else pair.first
    return _heat(text, abs(change) / max(1, highest), better)


def _largest_changes(names: Sequence[str], first: Counts, second: Counts, pair: Pair) -> Markup:
    """Where many classes make matrices too large: the confusions that differ most."""
    change = second - first
    places = np.argsort(-np.abs(change), axis=None, kind="stable")[:20]
    rows: list[list[Child]] = [
        [
            f"{names[i]} read as {names[j]}",
            str(first[i, j]),
            str(second[i, j]),
            _change_cell(pair, change, (int(i), int(j)), 1),
        ]
        for i, j in (np.unravel_index(place, change.shape) for place in places)
        if change[i, j]
    ]
    header = ["classes", badge(pair.first.letter), badge(pair.second.letter), "difference"]
    return table("The confusions that differ most", header, rows, class_="numbers")


def pixels_of(digests: Sequence[int], records: Sequence[Any]) -> Pixels:
    """The pictures of these digits, from the data sources that the records name, read anew."""
    from cnnexp.data import load_digits
    from cnnexp.errors import CnnexpError

    wanted = set(digests)
    found: dict[int, NDArray[np.float32]] = {}
    problems: list[str] = []
    for data in {record.config.data.model_dump_json(): record.config.data for record in records}.values():
        if wanted <= found.keys():
            break
        try:
            splits = load_digits(data).splits
        except CnnexpError as error:
            problems.append(f"The digits cannot be shown: the source {data.source} could not be read ({error}).")
            continue
        for split in (splits["test"], splits["validation"]):
            places = [i for i, digest in enumerate(split.digests.tolist()) if digest in wanted - found.keys()]
            if places:
                found |= zip(split.digests[places].tolist(), as_pictures(split.images[places]), strict=True)
    missing = len(wanted - found.keys())
    if missing and not problems:
        problems.append(
            f"{missing} of these digits are no longer in the data that the runs name, so only their class is shown."
        )
    return Pixels(found, tuple(problems))
