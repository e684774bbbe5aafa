from __future__ import annotations

from pathlib import Path

import pytest

from cnnexp.errors import RunError
from cnnexp.runs.choose import best_runs, chosen_runs
from cnnexp.runs.find import all_runs
from tests.report.made import made_run
from tests.runs.records import create_run, finish


def test_words_in_their_order_each_run_once(tmp_path: Path) -> None:
    first, second = made_run(tmp_path, "+-"), made_run(tmp_path, "++")
    found = chosen_runs([second.id, first.id[:6], "latest", "top:1"], tmp_path)
    assert [record.id for record in found] == [second.id, first.id]


def test_the_best_by_validation_accuracy_then_loss_then_newest(tmp_path: Path) -> None:
    worst, best, older = (made_run(tmp_path, right) for right in ("+---", "++++", "++--"))
    newer = made_run(tmp_path, "++--")
    assert [record.id for record in chosen_runs(["top:9"], tmp_path)] == [best.id, newer.id, older.id, worst.id]
    assert [record.id for record in chosen_runs(["top:2"], tmp_path)] == [best.id, newer.id]


def test_runs_that_did_not_finish_or_validate_are_not_among_the_best(tmp_path: Path) -> None:
    made_run(tmp_path, "+")
    finish(create_run(tmp_path))  # no validation accuracy
    create_run(tmp_path).close()  # never ended
    assert len(best_runs(all_runs(tmp_path), 5)) == 1


@pytest.mark.parametrize("word", ["top:0", "top:", "top:-1", "top:five", "top:2.5"])
def test_no_number_of_runs(tmp_path: Path, word: str) -> None:
    made_run(tmp_path, "+")
    with pytest.raises(RunError, match=r"top:N for the N best runs\n    As in: top:5"):
        chosen_runs([word], tmp_path)


def test_nothing_finished(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="a FINISHED run, but there is none"):
        chosen_runs(["top:3"], tmp_path)


def test_a_word_that_names_no_run(tmp_path: Path) -> None:
    made_run(tmp_path, "+")
    with pytest.raises(RunError, match="the id of a run, or latest"):
        chosen_runs(["zz"], tmp_path)
