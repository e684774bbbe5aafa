"""The page is one file that fetches nothing, holds all that it promises, and lets no name break it."""

from __future__ import annotations

import re

import pytest

from tests.report.conftest import HOSTILE, Elements, Written

FETCHING = ("src", "srcset", "href", "action", "poster", "data", "xlink:href", "background", "formaction")


@pytest.fixture(params=["pair", pytest.param("ten", marks=pytest.mark.slow)])
def written(request: pytest.FixtureRequest) -> Written:
    found: Written = request.getfixturevalue(request.param)
    return found


def test_nothing_is_fetched(written: Written) -> None:
    elements = Elements(written.page)
    for _, attributes in elements.found:
        for key in FETCHING:
            address = attributes.get(key)
            assert address is None or address.startswith(("data:image/png;base64,", "#")), address
        assert "url(" not in (attributes.get("style") or "")
    assert not elements.of("link", "iframe", "object", "embed", "base")
    for text in re.findall(r"<(?:style|script)>(.*?)</(?:style|script)>", written.page, re.DOTALL):
        assert not re.search(r"url\(|@import|//|fetch|XMLHttp|import\s*\(", text)
    policies = [one["content"] for one in elements.of("meta") if one.get("http-equiv") == "Content-Security-Policy"]
    assert [(policy or "").split("; ")[:2] for policy in policies] == [["default-src 'none'", "img-src data:"]]


def test_every_part_is_there_and_links_lead_to_it(written: Written) -> None:
    elements = Elements(written.page)
    ids = [attributes["id"] for _, attributes in elements.found if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = [(attributes["href"] or "")[1:] for attributes in elements.of("a")]
    assert links == ["runs", "said", "differs", "layers", "curves", "cost", "maps", "disagree"]
    assert set(links) <= set(ids)


def test_pictures_and_charts_are_told_in_words_and_tables_have_headings(written: Written) -> None:
    elements = Elements(written.page)
    assert all(attributes.get("alt") for attributes in elements.of("img"))
    charts = [attributes for attributes in elements.of("svg") if attributes.get("class") == "chart"]
    assert len(charts) == 5
    assert all(attributes.get("aria-label") for attributes in charts)
    assert len(elements.of("caption")) == len(elements.of("table"))
    assert all(attributes.get("scope") for attributes in elements.of("th"))
    assert elements.of("html") == [{"lang": "en"}]


def test_names_are_text(pair: Written) -> None:
    assert "<script>alert" not in pair.page
    assert any(HOSTILE in text for text in Elements(pair.page).texts)
    assert len(Elements(pair.page).of("script")) == 1


@pytest.mark.slow
def test_ten_runs_of_noise_stay_below_three_megabytes(ten: Written) -> None:
    assert len(ten.page.encode()) < 3_000_000


def test_the_command_that_makes_it_again(pair: Written) -> None:
    ids = " ".join(run.record.id for run in pair.comparison.runs)
    assert f"cnnexp compare {ids}" in pair.page
