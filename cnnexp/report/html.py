"""HTML from nested calls. Whatever is no Markup is text, and is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


Child = str | None | Iterable["Child"]
VOID = frozenset({"br", "col", "img", "input", "link", "meta"})


def tag(name: str, /, *children: Child, **attributes: str | float | bool | None) -> Markup:
    """`<name attributes>children</name>`.

    Attributes: `class_` is class, `data_step` is data-step; True stands without a value, False and None are left out.
    """
    words = "".join(_attribute(key.rstrip("_").replace("_", "-"), value) for key, value in attributes.items())
    return Markup(f"<{name}{words}>" if name in VOID else f"<{name}{words}>{join(children)}</{name}>")


def join(children: Iterable[Child]) -> Markup:
    """Children one after another, texts escaped."""
    return Markup("".join(map(_inner, children)))


def _inner(child: Child) -> str:
    if child is None or isinstance(child, Markup):
        return child or ""
    return escape(child) if isinstance(child, str) else join(child)


def _attribute(name: str, value: str | float | bool | None) -> str:
    if value is None or value is False:
        return ""
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'


def section(title: str, *children: Child, id_: str) -> Markup:
    """A part of the page with its heading."""
    return tag("section", tag("h2", title, id=f"{id_}-title"), *children, id=id_, aria_labelledby=f"{id_}-title")


def table(caption: str, header: Sequence[Child], rows: Iterable[Sequence[Child]], *, class_: str = "") -> Markup:
    """A table that scrolls sideways where it is too wide; the first cell of each row is its heading."""
    head = tag("tr", [tag("th", cell, scope="col") for cell in header])
    body = [tag("tr", tag("th", row[0], scope="row"), [as_cell(cell) for cell in row[1:]]) for row in rows]
    return scrolling(
        tag("table", tag("caption", caption), tag("thead", head), tag("tbody", body), class_=class_), caption
    )


def as_cell(cell: Child) -> Markup:
    """A cell of a table; one that was made with its own `td` stays."""
    return cell if isinstance(cell, Markup) and cell.startswith("<td") else tag("td", cell)


def scrolling(content: Markup, label: str) -> Markup:
    """A box that scrolls sideways, also by the keyboard."""
    return tag("div", content, class_="scroll", tabindex=0, role="region", aria_label=label)
