from __future__ import annotations

import re
from pathlib import Path

from cnnexp.analysis.comparison import compare
from cnnexp.report.charts import Line
from cnnexp.report.network import _of_those_that_learn, cost_section, curves_section, layers_section
from tests.report.conftest import Elements
from tests.report.made import made_run


def test_layers_side_by_side_with_what_differs_marked(tmp_path: Path) -> None:
    page = layers_section(compare([made_run(tmp_path, "+-"), made_run(tmp_path, "+-", "model.strides=2")]))
    assert (
        '<th scope="row">conv_1</th><td class="first">28×28×32</td><td>3×3</td><td>320</td><td>225,792</td>'
        '<td class="first differs">14×14×32</td><td>3×3</td><td>320</td><td class="differs">56,448</td>'
    ) in page
    assert "<td>10×10</td><td>890,250</td><td>4,709,376</td>" in page


def test_runs_of_one_network_share_its_columns(tmp_path: Path) -> None:
    made = [("model.strides=1",), ("model.strides=2",), ("seed=1",), ("model.strides=2", "seed=1")]
    page = layers_section(compare([made_run(tmp_path, "+-", *words) for words in made]))
    heads = page.split("<thead>")[1].split('scope="colgroup"')[1:]
    assert [re.findall(r"run(\d)", head) for head in heads] == [["0", "2"], ["1", "3"]]
    assert "--networks: 2" in page


def test_a_layer_that_the_first_does_not_have(tmp_path: Path) -> None:
    more = "model.blocks.conv_3={filters: 8}"
    page = layers_section(compare([made_run(tmp_path, "+-"), made_run(tmp_path, "+-", more)]))
    row = page[page.index('<th scope="row">conv_3</th>') :].split("</tr>")[0]
    assert row.startswith('<th scope="row">conv_3</th><td class="first">–</td><td></td><td></td><td></td>')
    assert "4,616" in row  # 3·3·64·8 + 8


def test_curves_of_few_runs_show_training_too(tmp_path: Path) -> None:
    records = [made_run(tmp_path, "+-"), made_run(tmp_path, "--")]
    found = Elements(curves_section(compare(records)))
    lines = [one["class"] for one in found.of("polyline")]
    drawn = ["line run0", "line run1"] * 2 + ["line run0 dashed", "line run1 dashed"]
    assert sorted(map(str, lines)) == sorted(drawn)
    many = Elements(curves_section(compare(records + [made_run(tmp_path, "+-") for _ in range(3)])))
    assert not [one for one in many.of("polyline") if "dashed" in str(one["class"])]


def test_a_short_run_of_a_network_that_learns_is_in_view() -> None:
    long = Line(0, "A", [(0, 10.0), *((epoch, 90 + epoch / 4) for epoch in range(1, 31))])
    short = Line(1, "B", [(0, 9.0), (1, 40.0), (2, 66.0)])
    lost = Line(2, "C", [(0, 10.0), (1, 10.0), (2, 11.0)])
    assert min(_of_those_that_learn([long, short, lost])) <= 66
    assert min(_of_those_that_learn([long, long, lost])) > 80


def test_costs_are_of_the_runs_that_share_digits(tmp_path: Path) -> None:
    comparison = compare([made_run(tmp_path, "+-"), made_run(tmp_path, "--"), made_run(tmp_path, "+", digests=[9])])
    page = str(cost_section(comparison))
    dots = [one["class"] for one in Elements(page).of("circle")]
    assert dots == ["dot run0", "dot run1"] * 3
    assert "A 890,250, 50.0 %; B 890,250, 0.0 %" in page
    assert cost_section(compare([made_run(tmp_path, "+"), made_run(tmp_path, "+", digests=[9])])) is None
