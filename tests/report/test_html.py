from __future__ import annotations

from cnnexp.report.html import Markup, join, section, table, tag


def test_text_is_escaped_and_markup_is_not() -> None:
    assert tag("p", "a < b & 'c'", tag("b", "<"), None, ["x", ["y"]]) == (
        "<p>a &lt; b &amp; &#x27;c&#x27;<b>&lt;</b>xy</p>"
    )
    assert join(["<", Markup("<br>")]) == "&lt;<br>"


def test_attributes() -> None:
    assert tag("img", alt='say "x"', class_="a", data_step=0, hidden=True, width=None, checked=False) == (
        '<img alt="say &quot;x&quot;" class="a" data-step="0" hidden>'
    )
    assert tag("meta", name="n") == '<meta name="n">'


def test_a_table_has_headings_for_columns_and_rows() -> None:
    found = table("what", ["", "A"], [["key", "1"], ["other", tag("td", "2", class_="good")]])
    assert '<caption>what</caption><thead><tr><th scope="col"></th><th scope="col">A</th>' in found
    assert '<tr><th scope="row">key</th><td>1</td></tr>' in found
    assert '<tr><th scope="row">other</th><td class="good">2</td></tr>' in found
    assert found.startswith('<div class="scroll" tabindex="0" role="region" aria-label="what">')


def test_a_section_is_named_by_its_heading() -> None:
    assert section("T", id_="x") == '<section id="x" aria-labelledby="x-title"><h2 id="x-title">T</h2></section>'
