"""Runs chosen and ordered."""

from __future__ import annotations

from pathlib import Path

import pytest

from cnnexp.errors import ConfigError
from cnnexp.runs.listing import chosen, value_of
from cnnexp.runs.record import RunRecord
from tests.runs.records import create_run


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[RunRecord]:
    """small: 3×3, accuracy 0.9. wide: 5×5, 0.95, sgd. tall: [1, 7], without accuracy. 5: named by a number."""
    runs = tmp_path_factory.mktemp("runs")
    made = []
    for name, accuracy, words in [
        ("small", 0.9, []),
        ("wide", 0.95, ["model.kernel_size=5", "training.optimizer={type: sgd, momentum: 0.9}"]),
        ("tall", None, ["model.kernel_size=[1,7]"]),
        ("5", 0.5, ["model.use_bias=false"]),
    ]:
        writer = create_run(runs, words, name=name)
        if accuracy is not None:
            with writer.recording():
                writer.epoch(1, {"accuracy/val": accuracy}, "w", {})
        writer.close()
        made.append(writer.read())
    return made


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ([], "small wide tall 5"),
        (["accuracy/val>0.9"], "wide"),
        (["accuracy/val>=0.9"], "small wide"),
        (["accuracy/val<0.9"], "5"),
        (["accuracy/val != 0.9"], "wide tall 5"),
        (["model.kernel_size=3"], "small 5"),
        (["model.kernel_size=[1,7]"], "tall"),
        (["model.use_bias=false"], "5"),
        (["training.optimizer=sgd"], "wide"),
        (["training.optimizer.momentum=0.9"], "wide"),
        (["status=FINISHED", "model.kernel_size!=5"], "small 5"),
        (["status=RUNNING"], "tall"),
        (["outcome=complete"], "small wide 5"),
        (["name=5"], "5"),
        (["name=[a"], ""),
        (["epochs=1"], "small wide 5"),
        (["val>0.9"], "wide"),
        (["run=nosuch"], ""),
    ],
)
def test_filters_choose(filters: list[str], names: str, records: list[RunRecord]) -> None:
    assert " ".join(record.name for record in chosen(records, filters, None)) == names


def test_an_id_of_digits_only_is_found(records: list[RunRecord]) -> None:
    assert [r.name for r in chosen(records, [f"id={records[0].id}"], None)] == ["small"]


@pytest.mark.parametrize(
    ("sort", "reverse", "names"),
    [
        ("accuracy/val", False, "5 small wide tall"),
        ("accuracy/val", True, "wide small 5 tall"),
        ("name", False, "5 small tall wide"),
        ("created", True, "5 tall wide small"),
        ("started", False, "small wide tall 5"),
    ],
)
def test_runs_are_ordered_those_without_a_value_last(
    sort: str, reverse: bool, names: str, records: list[RunRecord]
) -> None:
    assert " ".join(record.name for record in chosen(records, [], sort, reverse=reverse)) == names


@pytest.mark.parametrize("text", ["nonsense", "=5", "a b=3", ""])
def test_what_is_no_comparison_is_refused(text: str, records: list[RunRecord]) -> None:
    with pytest.raises(ConfigError, match="KEY=VALUE, or with"):
        chosen(records, [text], None)


def test_a_key_that_no_run_has_is_refused(records: list[RunRecord]) -> None:
    with pytest.raises(ConfigError, match="accuracy/vall"):
        chosen(records, ["accuracy/vall>0"], None)
    with pytest.raises(ConfigError, match="nosuch"):
        chosen(records, [], "nosuch")
    assert chosen([], ["nosuch=1"], "nosuch") == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("accuracy/val>>0.9", r"--filter accuracy/val: got `>0.9`, expected a value such as 0.5|0.9"),
        ("seed=x", "--filter seed: got `x`, expected a value such as 0"),
        ("status=finished", "expected one of RUNNING, FINISHED, FAILED, KILLED\n.*Did you mean status=FINISHED?"),
        ("outcome=done", "expected one of complete, early_stopped"),
    ],
)
def test_a_value_that_no_run_can_have_is_refused(text: str, told: str, records: list[RunRecord]) -> None:
    with pytest.raises(ConfigError, match=told):
        chosen(records, [text], None)


def test_metrics_are_those_of_the_kept_weights(tmp_path: Path) -> None:
    """Of the best epoch, which is kept; before there is a result the newest, but none from before training."""
    writer = create_run(tmp_path, ["training.keep=best"])
    seen = []
    with writer.recording():
        for number, accuracy in enumerate([0.1, 0.8, 0.9, 0.7]):
            writer.epoch(number, {"accuracy/val": accuracy}, "w", {})
            seen.append(value_of(writer.read(), "accuracy/val"))
        writer.event("result", metrics={"best/epoch": 2.0, "best/accuracy_val": 0.9, "accuracy/test": 0.6})
    writer.close()
    assert seen == [None, 0.8, 0.9, 0.7]
    assert [value_of(writer.read(), key) for key in ("accuracy/val", "val", "test")] == [0.9, 0.9, 0.6]
    assert chosen([writer.read()], ["accuracy/val<0.8"], None) == []


def test_values_of_a_run(records: list[RunRecord]) -> None:
    values = [value_of(records[1], key) for key in ("name", "epochs", "outcome", "model.kernel_size", "nosuch")]
    assert values == ["wide", 1, "complete", 5, None]
