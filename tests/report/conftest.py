"""Reports of made runs, each written once."""

from __future__ import annotations

from dataclasses import dataclass
from html.parser import HTMLParser

import pytest

from cnnexp.analysis.comparison import Comparison, compare
from cnnexp.report import report_page
from tests.report.made import made_run

HOSTILE = "<script>alert(1)</script> \"quoted\" 'n' & co"


@dataclass(frozen=True)
class Written:
    """A comparison and its page."""

    comparison: Comparison
    page: str


class Elements(HTMLParser):
    """Every element of a page with its attributes, and whether each one that is opened is closed."""

    VOID = frozenset({"br", "col", "img", "input", "link", "meta"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def of(self, *tags: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.found if tag in tags]


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """Two runs; one has a name that would break a page."""
    runs = tmp_path_factory.mktemp("pair")
    first = made_run(runs, "+" * 12, name=HOSTILE)
    second = made_run(runs, "+" * 3 + "-" * 9, "model.kernel_size=5", seed=1)
    comparison = compare([first, second])
    return Written(comparison, report_page(comparison))


@pytest.fixture(scope="session")
def ten(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """Ten runs that kept a dozen epochs of noise."""
    runs = tmp_path_factory.mktemp("ten")
    made = [made_run(runs, "+" * (20 - i) + "-" * (10 + i), f"seed={i}", seed=i, kept=range(12)) for i in range(10)]
    comparison = compare(made)
    return Written(comparison, report_page(comparison))
