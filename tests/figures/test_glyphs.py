from __future__ import annotations

import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib.font_manager import fontManager

from cnnexp.figures import confusion_matrix
from cnnexp.figures.glyphs import class_labels, drawable, families

RARE = "\U00013000"  # an Egyptian hieroglyph
RARER = "\U00013001"


@pytest.fixture
def font_with_rare(tmp_path):
    """A font that has one glyph, a square for RARE, known to matplotlib during the test."""
    pen = TTGlyphPen(None)
    pen.moveTo((100, 0))
    for corner in ((100, 700), (800, 700), (800, 0)):
        pen.lineTo(corner)
    pen.closePath()
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", "square"])
    builder.setupCharacterMap({ord(RARE): "square"})
    builder.setupGlyf({".notdef": TTGlyphPen(None).glyph(), "square": pen.glyph()})
    builder.setupHorizontalMetrics({".notdef": (900, 0), "square": (900, 100)})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "AAA Rare Sans", "styleName": "Regular"})
    builder.setupOS2(usWeightClass=400)
    builder.setupPost()
    path = tmp_path / "rare.ttf"
    builder.save(path)
    before = list(fontManager.ttflist)
    fontManager.addfont(path)
    yield "AAA Rare Sans"
    fontManager.ttflist[:] = before


@pytest.mark.slow
def test_an_installed_font_with_the_glyph_is_used(font_with_rare, check_figure):
    assert families([f"a {RARE}"]) == ["DejaVu Sans", font_with_rare]
    assert drawable(f"a {RARE}") == f"a {RARE}"
    texts = check_figure(confusion_matrix(np.eye(2), [RARE, "b"], title=f"run {RARE}"))
    assert texts.count(RARE) == 2
    assert f"run {RARE}" in texts


def test_plain_names_need_the_base_font_only():
    assert families(["conv_1", "Größe", "α → β"]) == ["DejaVu Sans"]


def test_a_glyph_that_no_font_has_becomes_a_box_and_a_class_its_index(check_figure):
    assert drawable(f"a{RARER}") == "a□"
    assert class_labels(["x", RARER, RARER * 2, "", "  ", f"{RARER}!"]) == [
        "x",
        "class 1",
        "class 2",
        "class 3",
        "class 4",
        "□!",
    ]
    texts = check_figure(confusion_matrix(np.eye(2), [RARER, "b"], title=f"run {RARER}"))
    assert "run □" in texts
    assert texts.count("class 0") == 2


def test_what_cannot_be_printed_becomes_one_space():
    assert drawable("a\n\tb\x00\ud800c\u200d") == "a b c"
    assert drawable("$\\frac{1}$ 100%") == "$\\frac{1}$ 100%"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["$", "$x^{", "\\alpha $$", "%s {0}", "_hidden", "셔츠", "👟", "قميص", "\x1b[0m"])
def test_no_name_breaks_a_figure(name, check_figure):
    check_figure(confusion_matrix(np.eye(2), [name, "b"], title=name))
