from __future__ import annotations

import stat
from pathlib import Path

import pytest

from cnnexp.comparing import (
    MOST,
    comparison_folder,
    comparison_key,
    comparison_of,
    note,
    runs_to_compare,
    write_report,
)
from cnnexp.config.schema import Tracking
from cnnexp.errors import RunError
from cnnexp.runs.sweep_writer import SweepHeader, SweepWriter
from tests.report.made import made_run
from tests.runs.records import POINT, create_run


def test_the_folder_says_what_was_compared_and_is_the_same_again(tmp_path: Path) -> None:
    records = [made_run(tmp_path, "+-"), made_run(tmp_path, "--", "model.kernel_size=[1,7]")]
    found = comparison_of(records, [])
    folder = comparison_folder(found, tmp_path)
    assert folder == tmp_path / "comparisons" / f"kernel_size-3-vs-1-7-{comparison_key(found)}"
    assert comparison_key(comparison_of(records, [])) == comparison_key(found)
    assert comparison_key(comparison_of(records[::-1], [])) != comparison_key(found)


@pytest.mark.parametrize("name", ["../../etc/x", "/", "..", "a" * 300, "첫 실행 <&>"])
def test_a_name_never_leads_out_of_its_folder(tmp_path: Path, name: str) -> None:
    folder = comparison_folder(
        comparison_of([made_run(tmp_path, "+", name=name), made_run(tmp_path, "+", name=name)], []), tmp_path
    )
    assert folder.resolve().parent == tmp_path.resolve() / "comparisons"
    assert len(folder.name.encode()) < 200


@pytest.mark.slow
def test_a_report_is_written_and_written_again(tmp_path: Path) -> None:
    found = comparison_of([made_run(tmp_path, "+-"), made_run(tmp_path, "--")], [])
    path = write_report(found, tmp_path / "new" / "folder")
    first = path.read_bytes()
    assert path == tmp_path / "new" / "folder" / "report.html"
    assert write_report(found, tmp_path / "new" / "folder").read_bytes() == first


@pytest.mark.slow
def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    found = comparison_of([made_run(tmp_path, "+-"), made_run(tmp_path, "--")], [])
    with pytest.raises(RunError, match="Name another: --folder FOLDER"):
        write_report(found, tmp_path / "file" / "below")
    assert stat.S_ISREG((tmp_path / "file").stat().st_mode)


def test_one_run_too_many_and_none_without_results(tmp_path: Path) -> None:
    record = made_run(tmp_path, "+-")
    with pytest.raises(RunError, match=f"only one run, {record.id}, expected at least two different ones"):
        comparison_of([record], [])
    with pytest.raises(RunError, match=f"{MOST + 1} runs, expected at most {MOST}"):
        comparison_of([record] * (MOST + 1), [])
    started = create_run(tmp_path)
    started.close()
    with pytest.raises(RunError, match=rf"{started.read().id} \(RUNNING after 0 epochs\): no results"):
        comparison_of([record, started.read()], [])


def test_a_sweep_too_large_to_be_held_side_by_side_stands_for_its_best(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cnnexp.comparing.MOST", 3)
    monkeypatch.setattr("cnnexp.comparing.OF_A_SWEEP", 2)
    made = [made_run(tmp_path, "+" * count + "-" * (4 - count), f"seed={count}") for count in range(4)]
    points = [POINT | {"number": place} for place in range(4)]
    sweep = SweepWriter.create(
        tmp_path, SweepHeader("s", (), "cnnexp train -m", points, Tracking(uri="sqlite:///x.db"))
    )
    for place, record in enumerate(made):
        sweep.point(place, record.id, "FINISHED", "complete", "", "")
    sweep.close()
    found, told = runs_to_compare([sweep.folder.name], tmp_path)
    assert [record.id for record in found] == [made[3].id, made[2].id]
    assert told == "4 runs: of a sweep only the 2 best by validation accuracy stand side by side"
    assert runs_to_compare([record.id for record in made], tmp_path) == (made, "")


def test_a_note_in_markdown(tmp_path: Path) -> None:
    first, second = made_run(tmp_path, "+-", name="one"), made_run(tmp_path, "--", name="two")
    text = note(comparison_of([first, second], []))
    assert f"* **A** {first.id} one\n* **B** {second.id} two" in text
    assert "**These weights.** Not distinguishable: of these 2 test digits" in text
