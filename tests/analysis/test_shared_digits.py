from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cnnexp.analysis.shared_digits import readings, shared_digits
from tests.report.made import made_run


def test_digits_are_matched_by_digest_whatever_their_order(tmp_path: Path) -> None:
    first = made_run(tmp_path, "++-", digests=[30, 10, 20])
    second = made_run(tmp_path, "+-+++", digests=[30, 10, 20, 50, 40])
    shared = shared_digits([first, second])
    assert shared is not None
    assert shared.digests.tolist() == [10, 20, 30]
    assert shared.name == "3 test digits"
    assert shared.readings[first.id].right.tolist() == [True, False, True]
    assert shared.readings[second.id].right.tolist() == [False, True, True]
    assert shared.readings[second.id].places.tolist() == ["test 1", "test 2", "test 0"]
    assert shared.labels.tolist() == [1, 2, 0]


def test_a_digit_that_one_was_trained_on_does_not_count(tmp_path: Path) -> None:
    first = made_run(tmp_path, "++++")
    second = made_run(tmp_path, "++++", trained=[101, 103])
    shared = shared_digits([first, second])
    assert shared is not None
    assert shared.digests.tolist() == [100, 102]


def test_a_digit_with_two_labels_does_not_count(tmp_path: Path) -> None:
    shared = shared_digits([made_run(tmp_path, "+++", digests=[1, 2, 3], trained=[]),
                            made_run(tmp_path, "+++", digests=[1, 3, 2], trained=[])])  # fmt: skip
    assert shared is not None
    assert shared.digests.tolist() == [1]


def test_the_larger_of_test_and_validation_is_taken_and_named(tmp_path: Path) -> None:
    records = []
    for _ in range(2):
        record = made_run(tmp_path, "++")
        add_validation(record.folder, "+++", [7, 8, 9])
        records.append(record.fresh())
    shared = shared_digits(records)
    assert shared is not None
    assert shared.name == "3 validation digits"
    for record in records:
        add_validation(record.folder, "++", [7, 8])
    shared = shared_digits([record.fresh() for record in records])
    assert shared is not None
    assert shared.name == "2 test digits"


def test_what_one_tested_and_another_validated_on_is_held_out(tmp_path: Path) -> None:
    tested, validated = made_run(tmp_path, "++-"), made_run(tmp_path, "+--", split="validation")
    shared = shared_digits([tested, validated])
    assert shared is not None
    assert shared.name == "3 held-out digits"
    assert shared.readings[validated.id].right.tolist() == [True, False, False]


def test_who_has_other_classes_or_digits_is_left_out_with_a_reason(tmp_path: Path) -> None:
    letters = made_run(tmp_path, "++", class_names=["a", "b"])
    first, second = made_run(tmp_path, "++-"), made_run(tmp_path, "+--")
    strange = made_run(tmp_path, "+++", digests=[7, 8, 9], source="folder")
    shared = shared_digits([letters, first, second, strange])
    assert shared is not None
    assert list(shared.readings) == [first.id, second.id]
    assert shared.left_out[letters.id] == "its classes are others (a, b)"
    assert "(folder) was read by the others" in shared.left_out[strange.id]


def test_nothing_is_shared(tmp_path: Path) -> None:
    assert shared_digits([made_run(tmp_path, "++"), made_run(tmp_path, "++", digests=[8, 9])]) is None


def test_a_digit_that_is_there_twice_counts_once_and_one_that_is_not_has_no_reading(tmp_path: Path) -> None:
    found = readings(made_run(tmp_path, "+" * 11 + "-", digests=[5, *range(20, 29), 5, 6]), "test")
    assert found.digests.tolist() == [5, 6, *range(20, 29)]
    assert found.of(np.array([6, 7], np.uint64)) is None
    one = found.of(np.array([6], np.uint64))
    assert one is not None
    assert one.right.tolist() == [False]


def test_losses_are_those_recorded_and_of_an_older_record_those_of_its_probabilities(tmp_path: Path) -> None:
    record = made_run(tmp_path, "+-", digests=[6, 5])
    assert readings(record, "test").losses == pytest.approx([-np.log(0.1 / 9), -np.log(0.9)])
    path = record.folder / "predictions.npz"
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    np.savez(path, **arrays, **{"test/losses": np.array([0.25, 300.0])})
    assert readings(record.fresh(), "test").losses.tolist() == [300.0, 0.25]


@pytest.mark.parametrize("split", ["test", "validation", "held-out"])
def test_a_run_that_measured_nothing_has_no_readings(tmp_path: Path, split: str) -> None:
    record = made_run(tmp_path, "+")
    (record.folder / "predictions.npz").unlink()
    assert len(readings(record, split).digests) == 0


def add_validation(folder: Path, right: str, digests: list[int]) -> None:
    """Let a record have validation digits beside its test digits."""
    path = folder / "predictions.npz"
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    other = made_run(folder.parent / "others", right, split="validation", digests=digests).folder / "predictions.npz"
    with np.load(other) as archive:
        arrays |= {name: archive[name] for name in archive.files if name.startswith("validation/")}
    np.savez(path, **arrays)
