"""Names in any script: which installed fonts can draw them, and what stands in for those that none can."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

from matplotlib.font_manager import FontEntry, fontManager, get_font

BASE = "DejaVu Sans"  # comes with matplotlib
MISSING = "□"
_NOT_LETTERS = (
    "Last Resort",
    "LastResort",
    "Emoji",
)  # boxes for everything, and bitmaps that cannot be scaled


def drawable(text: str) -> str:
    """`text` in one line: what cannot be printed becomes a space, a glyph that no font has becomes a box."""
    printable = "".join(character if character.isprintable() else " " for character in str(text))
    line = " ".join(printable.split())
    return "".join(character if _family_of(character) else MISSING for character in line)


def class_labels(names: Iterable[str]) -> list[str]:
    """Names as labels; one that is empty, or that no installed font can draw, becomes "class <index>"."""
    labels = [drawable(name) for name in names]
    return [label if label.strip(MISSING + " ") else f"class {index}" for index, label in enumerate(labels)]


def families(texts: Iterable[str]) -> list[str]:
    """The font families that draw `texts` together, the base font first."""
    found = [family for text in texts for family in map(_family_of, drawable(text)) if family]
    return list(dict.fromkeys([BASE, *found]))


@cache
def _family_of(character: str) -> str | None:
    """The first font family with this glyph, None when no installed font has it."""
    if ord(character) in _base_glyphs():
        return BASE
    for entry in _regular_fonts():
        if ord(character) in _glyphs(entry.fname):
            return entry.name
    return None


@cache
def _base_glyphs() -> frozenset[int]:
    return _glyphs(fontManager.findfont(BASE))


@cache
def _glyphs(path: str) -> frozenset[int]:
    try:
        return frozenset(get_font(path).get_charmap())
    except (OSError, RuntimeError):  # a font file that is gone or broken has no glyphs
        return frozenset()


def _regular_fonts() -> Sequence[FontEntry]:
    """Upright fonts of normal weight, sans-serif ones first, always in the same order."""
    regular = [
        font
        for font in fontManager.ttflist
        if font.style == "normal" and font.weight in (400, "normal", "regular")
        if not any(word in font.name for word in _NOT_LETTERS)
    ]
    return sorted(regular, key=lambda font: ("Sans" not in font.name, "Serif" in font.name, font.name))
