"""Counts, galleries and matrices against answers that were made by hand."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from cnnexp.analysis.comparison import Comparison, compare
from cnnexp.data import load_digits
from cnnexp.report.disagreement import Pixels, disagreement_section, gallery_size, pixels_of, wanted_digits
from tests.report.conftest import Elements
from tests.report.made import composed, made_run

NOTHING = Pixels({}, ())


@pytest.fixture
def comparison(tmp_path: Path) -> Comparison:
    return compare([made_run(tmp_path, "+++--+"), made_run(tmp_path, "+-+-+-", "model.strides=2")])


def cells(page: str, caption: str) -> list[str]:
    """The texts of the cells of the table with this caption."""
    found = page[page.index(caption) :].split("</table>")[0]
    return [part.partition(">")[2].partition("<")[0] for part in found.split("<td")[1:]]


def test_counts_of_both(comparison: Comparison) -> None:
    page = disagreement_section(comparison, NOTHING)
    assert cells(page, "Answers of both on the same 6 digits") == ["2", "2", "1", "1"]


def test_who_is_right_alone_with_both_answers(comparison: Comparison) -> None:
    page = disagreement_section(comparison, NOTHING)
    first, second = page.split("<h3>")[1:3]
    assert "A</b> right, <b" in first
    assert " wrong: 2 digits" in first
    assert first.count("<li") == 2
    assert 'title="index test 1"' in first
    assert 'class="answer right"><b class="badge run0">A</b> ✓ 1 · 90 %' in first
    assert 'class="answer"><b class="badge run1">B</b> ✗ 2 · 90 %' in first
    assert " wrong: 1 digit<" in second
    assert "true 4" in second


def test_confusion_matrices_and_their_difference(comparison: Comparison) -> None:
    page = disagreement_section(comparison, NOTHING)
    first = np.array([int(text or 0) for text in cells(page, "Run A: true class")]).reshape(10, 10)
    change = cells(page, "Difference: B minus A")
    assert np.diag(first).tolist() == [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]
    assert (first[3, 4], first[4, 5]) == (1, 1)
    told = {divmod(place, 10): text for place, text in enumerate(change) if text}
    assert told == {(1, 1): "−1", (1, 2): "+1", (4, 4): "+1", (4, 5): "−1", (5, 5): "−1", (5, 6): "+1"}


def test_a_difference_has_the_colour_of_the_run_that_does_better_there(comparison: Comparison) -> None:
    page = disagreement_section(comparison, NOTHING)
    grid = page[page.index("Difference: B minus A") :].split("</table>")[0]
    told = re.findall(r'<td class="heat run(\d)" style="--heat: 50%">(.+?)</td>', grid)
    assert told == [("0", "−1"), ("0", "+1"), ("1", "+1"), ("1", "−1"), ("0", "−1"), ("0", "+1")]


def test_who_is_right_alone_has_its_colour_and_mistakes_have_none(comparison: Comparison) -> None:
    page = disagreement_section(comparison, NOTHING)
    assert '<td class="heat run0" style="--heat: 37%">2</td>' in page
    assert '<td class="heat run1" style="--heat: 23%">1</td>' in page
    mistakes = page[page.index("Run B: true class") :].split("</table>")[0]
    assert '<td class="heat" style="--heat: 50%">1</td>' in mistakes
    assert "run1" not in mistakes


def test_many_classes_are_told_by_their_largest_changes(tmp_path: Path) -> None:
    names = [f"class {i}" for i in range(30)]
    records = [made_run(tmp_path, right, class_names=names) for right in ("+" * 30, "+" * 29 + "-")]
    page = disagreement_section(compare(records), NOTHING)
    assert "Run A: true class" not in page
    assert '<th scope="row">class 29 read as class 0</th><td>0</td><td>1</td>' in page


def test_several_runs_have_a_matrix_and_their_pairs_folded(tmp_path: Path) -> None:
    page = disagreement_section(compare([made_run(tmp_path, right) for right in ("++++", "++--", "---+")]), NOTHING)
    assert cells(page, "how many the row reads right") == ["", "2", "3", "0", "", "2", "0", "1", ""]
    assert len(Elements(page).of("details")) == 2


def test_no_digit_in_common(tmp_path: Path) -> None:
    found = compare([made_run(tmp_path, "+"), made_run(tmp_path, "+", digests=[9])])
    assert wanted_digits(found) == []
    assert "No digit was read by two of these runs" in disagreement_section(found, NOTHING)


def test_galleries_begin_with_what_is_furthest_apart_and_end_in_time(tmp_path: Path) -> None:
    first, second = made_run(tmp_path, "+" * 40), made_run(tmp_path, "-" * 40)
    path = first.folder / "predictions.npz"
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    arrays["test/probabilities"][17, 7] = 0.99
    np.savez(path, **arrays)
    found = compare([first, second])
    wanted = wanted_digits(found)
    assert (len(wanted), wanted[0]) == (gallery_size(found), 117)
    assert "40 digits, the 24 furthest apart" in disagreement_section(found, NOTHING)


@pytest.mark.slow
def test_pixels_come_from_the_data_source(tmp_path: Path) -> None:
    test = load_digits(composed(()).data).test
    records = [made_run(tmp_path, right, digests=test.digests[:3].tolist()) for right in ("+++", "++-")]
    found = pixels_of([int(test.digests[2]), 5], records)
    assert list(found.pictures) == [int(test.digests[2])]
    assert np.array_equal(found.pictures[int(test.digests[2])], test.images[2, ..., 0] / np.float32(255))
    assert found.problems == (
        "1 of these digits are no longer in the data that the runs name, so only their class is shown.",
    )


def test_a_data_source_that_is_gone_is_said(tmp_path: Path) -> None:
    record = made_run(tmp_path, "+", "data.source=folder", f"data.folder={tmp_path / 'gone'}")
    found = pixels_of([1], [record, record])
    assert found.pictures == {}
    assert len(found.problems) == 1
    assert "the source folder could not be read" in found.problems[0]
    page = disagreement_section(compare([record, made_run(tmp_path, "-")]), found)
    assert "The digits cannot be shown" in page
    assert 'class="no-picture"' in page
