from __future__ import annotations

from pathlib import Path

from cnnexp.analysis.comparison import compare
from cnnexp.report.words import badge, headline, percent, size
from tests.report.made import made_run


def test_what_was_compared_in_a_line(tmp_path: Path) -> None:
    words = [("model.kernel_size=3", "tracking.run_name=a"), ("model.kernel_size=7", "model.strides=2")]
    records = [made_run(tmp_path, "+-", *each) for each in words]
    assert headline(compare(records)) == "kernel_size 3 vs 7, strides 1 vs 2"


def test_names_where_the_settings_are_too_long_or_the_same(tmp_path: Path) -> None:
    records = [made_run(tmp_path, "+-", name="one"), made_run(tmp_path, "+-", name="two")]
    assert headline(compare(records)) == "one vs two"
    long = [made_run(tmp_path, "+-", name="n" * 40) for _ in range(3)]
    assert headline(compare(long)) == "3 runs compared"


def test_small_words() -> None:
    assert (size((28, 28, 1200)), percent(0.9312)) == ("28×28×1,200", "93.1 %")
    assert badge("B") == '<b class="badge run1">B</b>'
    assert badge("L") == '<b class="badge run1 again">L</b>'
