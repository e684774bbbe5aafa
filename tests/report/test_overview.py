from __future__ import annotations

from pathlib import Path

from cnnexp.analysis.comparison import compare
from cnnexp.report.overview import runs_section, settings_section, verdict_section
from tests.report.conftest import Elements
from tests.report.made import made_run


def test_each_run_with_its_interval_and_who_is_not_measured(tmp_path: Path) -> None:
    records = [made_run(tmp_path, "++++-----+"), made_run(tmp_path, "+" * 10), made_run(tmp_path, "+", digests=[9])]
    page = runs_section(compare(records))
    assert "Runs, measured on the same 10 test digits" in page
    assert "23.7 % to 76.3 %" in page
    assert "<b>100.0 %</b>" in page
    assert "C</b> is not measured here: none of the digits that it held out" in page
    assert "2 of 2</td><td>3 s" in page


def test_a_run_far_below_the_others_stands_outside_the_axis_with_an_arrow(tmp_path: Path) -> None:
    records = [made_run(tmp_path, "+" * (100 - few) + "-" * few) for few in (4, 5, 90)]
    bars = runs_section(compare(records)).split("<svg")[1:]
    assert ["←" in bar for bar in bars] == [False, False, True]
    assert ["<circle" in bar for bar in bars] == [True, True, False]


def test_three_statements_stand_apart(tmp_path: Path) -> None:
    page = verdict_section(compare([made_run(tmp_path, "+" * 12), made_run(tmp_path, "+--" * 4)]))
    cards = page.split("<article")[1:]
    assert [card.partition("<h3>")[2].partition("</h3>")[0] for card in cards] == [
        "These weights",
        "These recipes",
        "This many digits",
    ]
    assert "McNemar" in cards[0]
    assert "McNemar" not in cards[1] + cards[2]
    assert "<table" not in page


def test_several_pairs_have_a_table_and_recipes_one_by_seed(tmp_path: Path) -> None:
    first = [made_run(tmp_path, "+" * 12, f"seed={seed}") for seed in range(3)]
    second = [
        made_run(tmp_path, "+" * (3 + seed) + "-" * (9 - seed), "model.strides=2", f"seed={seed}") for seed in range(3)
    ]
    page = verdict_section(compare([first[0], second[0], second[1]], [*first, *second]))
    assert (
        "<td>9</td><td>0</td><td>+9</td><td>7</td><td>p = 0.0039</td><td>p = 0.0078</td><td>distinguishable</td>"
        in page
    )
    assert "recipe of A minus recipe of B+C: seed 0 +75.00 points, seed 1 +66.67 points, seed 2 +58.33 points" in page
    assert first[2].id in page


def test_only_what_differs(tmp_path: Path) -> None:
    page = settings_section(compare([made_run(tmp_path, "+-"), made_run(tmp_path, "+-", "seed=4", digest="f" * 16)]))
    rows = [text for text in Elements(page).texts if text in ("seed", "digest of the data", "model.padding")]
    assert rows == ["seed", "digest of the data"]
    same = settings_section(compare([made_run(tmp_path, "+-"), made_run(tmp_path, "+-")]))
    assert "The configs are the same in every key that decides a number." in same
