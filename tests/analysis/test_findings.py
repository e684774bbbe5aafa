"""Findings in real runs that were broken on purpose: their journals, recorded once, and (slow) the runs themselves."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from cnnexp.analysis.findings import Finding, finding_lines, findings
from cnnexp.config.compose import compose_config
from cnnexp.config.identity import to_yaml
from cnnexp.runs.journal import FINISHED
from cnnexp.runs.record import RunRecord
from cnnexp.runs.writer import Header, RunWriter
from tests.conftest import run_command
from tests.runs.records import DATA, IDENTITY

RECORDED = json.loads((Path(__file__).parent / "recorded" / "runs.json").read_text(encoding="utf-8"))
SIGNALS = {"gradient_norm": 0.2, "weight_norm": 2.0, "update_ratio": 0.1, "dead_units": 0.0, "zero_activations": 0.5}
Replay = Callable[..., RunRecord]


@cache
def config_yaml(overrides: tuple[str, ...]) -> str:
    return to_yaml(compose_config(overrides).config)


@pytest.fixture
def replay(tmp_path: Path) -> Replay:
    """A record of these epochs: (metrics, signals by layer) from epoch 0 on."""

    def build(
        overrides: list[str],
        epochs: list[tuple[Mapping[str, float], Any]],
        outcome: str = "complete",
        message: str = "",
    ) -> RunRecord:
        header = Header("broken", tuple(overrides), "cnnexp train", IDENTITY, DATA, {})
        writer = RunWriter.create(tmp_path / "runs", header, {"config.yaml": config_yaml(tuple(overrides))})
        writer.event("started")
        for number, (metrics, signals) in enumerate(epochs):
            writer.epoch(number, metrics, "w" * 64, signals)
        if outcome:
            writer.event("ended", status=FINISHED, outcome=outcome, message=message)
        writer.close()
        return writer.read()

    return build


def recorded(replay: Replay, name: str) -> tuple[Finding, ...]:
    run = RECORDED[name]
    epochs = [(epoch["metrics"], epoch["signals"]) for epoch in run["epochs"]]
    return findings(replay(run["overrides"], epochs, run["outcome"], run["message"]))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("default", []),
        ("seed2", []),
        ("default20", []),
        ("cosine", []),
        ("nan", ["diverged"]),
        ("lr10sgd", ["rate_too_high", "jumps", "dead_units", "stuck"]),
        ("jump", ["rate_too_high", "jumps", "dead_units"]),
        ("lr1e-7", ["rate_too_low", "stuck"]),
        ("std1", ["large_start", "still_improving", "dropout_gap"]),
        ("sigmoid", ["vanishing_gradients", "stuck"]),
        ("dead", ["dead_units", "stuck"]),
        ("deep", ["moving_averages"]),
        ("overfit", ["overfitting"]),
        ("drop5", ["still_improving", "dropout_gap"]),
        ("small", ["still_improving"]),
    ],
)
def test_what_is_found_in_recorded_runs(replay: Replay, name: str, found: list[str]) -> None:
    told = recorded(replay, name)
    assert [finding.name for finding in told] == found
    for finding in told:
        assert any(digit.isdigit() for digit in finding.evidence)
        compose_config([*RECORDED[name]["overrides"], finding.override])  # what is to be tried can be


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        (
            "lr1e-7",
            [
                "found     the learning rate is too low",
                "          no epoch changed any layer by more than 5e-05 of its weights",
                "          try training.learning_rate=0.0002",
                "found     it has hardly learned anything: the loss is still that of guessing",
                "          loss/val 2.314 after epoch 3, where guessing gives ln 10 = 2.303",
                "          try training.learning_rate=0.0002",
            ],
        ),
        (
            "overfit",
            [
                "found     it overfits from epoch 22 on",
                "          loss/val was lowest in epoch 21 with 0.575, and 0.660 in the last 3, while loss/train_eval "
                "fell from 0.061 to 0.0074",
                "          try data.augmentation.shift=2",
            ],
        ),
        (
            "deep",
            [
                "found     batch normalization's moving averages lag behind the network",
                "          accuracy 93.9% in training, 9.6% on the same digits with the averages, after 160 steps",
                "          try training.batch_size=25",
            ],
        ),
        (
            "nan",
            [
                "found     the loss is no finite number any more",
                "          loss/train in epoch 1, batch 2 of 40: got nan",
                "          try training.learning_rate=0.1",
            ],
        ),
        ("default", []),
    ],
)
def test_findings_in_words(replay: Replay, name: str, lines: list[str]) -> None:
    assert finding_lines(recorded(replay, name)) == lines


@pytest.mark.parametrize(
    ("name", "finding", "evidence", "override"),
    [
        ("lr10sgd", "rate_too_high", "epoch 1 changed output by 100% of its weights, and the loss jumped",
         "training.learning_rate=0.1"),
        ("lr10sgd", "jumps", "loss/train_eval 2.31 before training, loss/train 3.35 in epoch 1",
         "training.learning_rate=0.1"),
        ("jump", "jumps", "loss/train_eval 0.326 to 1.28 in epoch 8", "training.learning_rate=0.02"),
        ("std1", "large_start", "loss/train_eval 9.58 before training, where guessing gives ln 10 = 2.303",
         "model.kernel_initializer=glorot_uniform"),
        ("sigmoid", "vanishing_gradients", "norm 0.00011 in conv_1, 1.3 in output after epoch 3",
         "model.activation=relu"),
        ("dead", "dead_units",
         "100% of conv_1, 100% of conv_2, 100% of dense_1 after epoch 3; before training 100% of conv_1",
         "model.bias_initializer=zeros"),
        ("small", "still_improving", "the last two epochs took loss/val from 0.256 to 0.184", "training.epochs=10"),
        ("drop5", "dropout_gap",
         "accuracy 86.3% in training, 94.6% in validation in epoch 5; before that epoch 91.6% of training digits "
         "without dropout", "model.dropout=0.25"),
    ],
)  # fmt: skip
def test_evidence_and_override(replay: Replay, name: str, finding: str, evidence: str, override: str) -> None:
    found = next(f for f in recorded(replay, name) if f.name == finding)
    assert (found.evidence, found.override) == (evidence, override)


def losses(*values: float, key: str = "loss/val") -> list[tuple[dict[str, float], Any]]:
    return [({key: value}, {}) for value in values]


def names(record: RunRecord) -> list[str]:
    return [finding.name for finding in findings(record)]


@pytest.mark.slow
def test_nothing_measured_nothing_found(replay: Replay) -> None:
    assert names(replay([], [])) == []
    assert names(replay([], losses(2.3))) == []  # only before training
    assert names(replay(["training.epochs=4"], [({"learning_rate": 0.1}, {})] * 5)) == []


@pytest.mark.parametrize(("last", "found"), [(2.08, ["stuck"]), (2.07, []), (2.53, ["stuck"]), (2.54, [])])
def test_stuck_within_a_tenth_of_guessing(replay: Replay, last: float, found: list[str]) -> None:
    assert names(replay([], losses(2.3, last))) == found  # ln 10 = 2.3026


@pytest.mark.parametrize(("accuracy", "found"), [(0.19, ["stuck"]), (0.2, [])])
def test_what_reads_digits_right_is_not_stuck(replay: Replay, accuracy: float, found: list[str]) -> None:
    record = replay([], [({"loss/val": 2.3}, {}), ({"loss/val": 2.1, "accuracy/val": accuracy}, {})])
    assert names(record) == found  # a tenth of the way from 10 % to 100 %


@pytest.mark.slow
@pytest.mark.parametrize(("warmup", "rate", "found"), [(4, 0.0005, ["warming_up"]), (2, 0.001, [])])
def test_a_warm_up_that_never_ends(replay: Replay, warmup: int, rate: float, found: list[str]) -> None:
    words = ["training.epochs=2", f"training.schedule.warmup_epochs={warmup}"]
    record = replay(words, [({}, {}), ({"learning_rate": rate / 2}, {}), ({"learning_rate": rate}, {})])
    assert names(record) == found
    assert [finding.evidence for finding in findings(record)] == [
        "0.0005 after epoch 2; the warm-up to 0.001 takes 4" for _ in found
    ]


@pytest.mark.parametrize(("after", "found"), [(0.61, ["jumps"]), (0.6, [])])
def test_a_jump_doubles_the_loss(replay: Replay, after: float, found: list[str]) -> None:
    assert names(replay([], losses(2.3, 0.3, after))) == found


def test_a_jump_is_large_too(replay: Replay) -> None:
    assert names(replay([], losses(2.3, 0.001, 0.2))) == []


def test_many_jumps_are_counted(replay: Replay) -> None:
    record = replay([], losses(2.3, 0.3, 0.9, 0.2, 0.9, 0.2, 0.9))
    assert findings(record)[0].evidence == "loss/val 0.3 to 0.9 in epoch 2; loss/val 0.2 to 0.9 in epoch 4; 1 more"


@pytest.mark.slow
@pytest.mark.parametrize(("dead", "found"), [(0.5, ["dead_units"]), (0.49, [])])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_dead_units_are_those_of_rectified_layers(
    replay: Replay, dead: float, found: list[str], activation: str
) -> None:
    layers = {"conv_1": SIGNALS | {"dead_units": dead}, "output": SIGNALS | {"dead_units": 1.0}}
    record = replay([f"model.activation={activation}"], [({"loss/val": 2.3}, layers), ({"loss/val": 1.0}, layers)])
    assert names(record) == (found if activation == "relu" else [])


@pytest.mark.parametrize(("first", "found"), [(0.9e-4, ["vanishing_gradients"]), (1.1e-4, []), (0.0, [])])
def test_gradients_vanish_below_a_thousandth(replay: Replay, first: float, found: list[str]) -> None:
    layers = {"conv_1": SIGNALS | {"gradient_norm": first}, "output": SIGNALS | {"gradient_norm": 0.1}}
    assert names(replay([], [({}, layers), ({"loss/val": 1.0}, layers)])) == found


@pytest.mark.parametrize(("ratio", "found"), [(0.9e-3, ["rate_too_low"]), (1.1e-3, []), (0.0, [])])
def test_weights_that_hardly_move(replay: Replay, ratio: float, found: list[str]) -> None:
    layers = {"conv_1": SIGNALS | {"update_ratio": ratio}}
    assert names(replay([], [({}, layers), ({"loss/val": 1.0}, layers)])) == found


def test_a_replaced_layer_alone_is_no_fault(replay: Replay) -> None:
    """Weights that start near 0 are soon all new; only a loss that does not get better makes that a fault."""
    before, after = {"conv_1": SIGNALS}, {"conv_1": SIGNALS | {"update_ratio": 0.95}}
    assert names(replay([], [({"loss/val": 2.3}, before), ({"loss/val": 0.5}, after)])) == []
    assert names(replay([], [({"loss/val": 2.3}, before), ({"loss/val": 2.3}, after)])) == ["rate_too_high", "stuck"]
    zeros = {"conv_1": SIGNALS | {"weight_norm": 0.0}}
    assert names(replay([], [({"loss/val": 2.3}, zeros), ({"loss/val": 2.3}, after)])) == ["stuck"]


def falling(validation: list[float], train: list[float]) -> list[tuple[dict[str, float], Any]]:
    return [({"loss/val": v, "loss/train_eval": t}, {}) for v, t in zip(validation, train, strict=True)]


def test_overfitting_needs_a_rise_and_a_training_loss_that_falls(replay: Replay) -> None:
    validation, train = [2.3, 0.5, 0.4, 0.45, 0.45, 0.45], [2.3, 0.5, 0.4, 0.3, 0.2, 0.1]
    found = findings(replay([], falling(validation, train)))
    assert [(f.name, f.text) for f in found] == [("overfitting", "it overfits from epoch 3 on")]
    assert names(replay([], falling([2.3, 0.5, 0.4, 0.43, 0.44, 0.43], train))) == []  # 8 % above
    assert names(replay([], falling(validation, [2.3, 0.5, 0.1, 0.2, 0.2, 0.2]))) == []
    assert names(replay([], falling(validation[:5], train[:5]))) == []  # only two epochs since


def test_what_is_varied_already_gets_another_cure(replay: Replay) -> None:
    epochs = falling([2.3, 0.4, 0.5, 0.5, 0.5], [2.3, 0.4, 0.3, 0.2, 0.1])
    assert findings(replay([], epochs))[0].override == "data.augmentation.shift=2"
    assert findings(replay(["data.augmentation.zoom=0.1"], epochs))[0].override == "training.keep=best"


@pytest.mark.slow
def test_improving_needs_both_losses_and_the_last_epoch(replay: Replay) -> None:
    epochs = falling([2.3, 1.0, 0.9, 0.8], [2.3, 1.0, 0.9, 0.8])
    assert names(replay(["training.epochs=3"], epochs)) == ["still_improving"]
    assert names(replay(["training.epochs=9"], epochs, "early_stopped")) == []
    ran_away = falling([2.3, 9e7, 8e7, 1e5], [2.3, 9e7, 8e7, 1e5])
    assert "still_improving" not in names(replay(["training.epochs=3"], ran_away))
    assert names(replay(["training.epochs=3"], falling([2.3, 1.0, 0.9, 0.8], [2.3, 1.0, 0.7, 0.8]))) == []
    assert names(replay(["training.epochs=3"], falling([2.3, 1.0, 0.95, 0.86], [2.3, 1.0, 0.9, 0.8]))) == []


@pytest.mark.parametrize(
    ("train", "validation", "before", "found"),
    [(0.84, 0.9, 0.9, ["dropout_gap"]), (0.86, 0.9, 0.92, []), (0.84, 0.9, 0.88, [])],
)
def test_dropout_is_blamed_only_for_what_it_explains(
    replay: Replay, train: float, validation: float, before: float, found: list[str]
) -> None:
    epochs = [({}, {}), ({"accuracy/train_eval": before}, {}),
              ({"accuracy/train": train, "accuracy/val": validation, "accuracy/train_eval": 0.95}, {})]  # fmt: skip
    assert names(replay([], epochs)) == found
    assert names(replay(["model.dropout=0"], epochs)) == []


@pytest.mark.slow
def test_the_largest_dropout_is_the_one_to_lower(replay: Replay) -> None:
    epochs = [({}, {}), ({"accuracy/train_eval": 0.9}, {}), ({"accuracy/train": 0.5, "accuracy/val": 0.9}, {})]
    for own, override in {
        "model.blocks.conv_2.dropout=0.5": "model.blocks.conv_2.dropout=0.25",
        "model.dense.dense_1.dropout=0.8": "model.dense.dense_1.dropout=0.4",
        "seed=1": "model.dropout=0.12",
    }.items():
        assert findings(replay([own], epochs))[0].override == override


@pytest.mark.parametrize(
    ("overrides", "override"),
    [
        (["model.activation=tanh"], "model.activation=relu"),
        ([], "model.batch_normalization=true"),
        (["model.batch_normalization=true"], "model.kernel_initializer=he_normal"),
    ],
)
def test_vanishing_gradients_get_a_cure_that_is_not_there_yet(
    replay: Replay, overrides: list[str], override: str
) -> None:
    layers = {"conv_1": SIGNALS | {"gradient_norm": 1e-6}, "output": SIGNALS}
    assert findings(replay(overrides, [({}, layers), ({"loss/val": 1.0}, layers)]))[0].override == override


def test_a_sure_start_with_usual_weights_gets_batch_normalization(replay: Replay) -> None:
    (found,) = findings(replay([], losses(4.7, 0.5)))
    assert (found.name, found.override) == ("large_start", "model.batch_normalization=true")
    assert names(replay([], losses(4.5, 0.5))) == []  # 2 ln 10 = 4.605


SHORT = ("tracking=off", "figures=off", "evaluation.test=false", "model=small", "training.epochs=3", "data.limit=1000")
BROKEN = [
    ("rate_too_high", ["training.optimizer=sgd", "training.learning_rate=10"]),
    ("rate_too_low", ["training.learning_rate=1e-7"]),
    ("large_start", ["model.kernel_initializer={type: random_normal, stddev: 1}"]),
    ("dead_units", ["model.bias_initializer={type: constant, value: -3}"]),
    ("vanishing_gradients", ["model=deep", "model.batch_normalization=false", "model.activation=sigmoid"]),
    ("moving_averages", ["model=deep", "data.limit=1000", "training.epochs=3"]),
    ("dropout_gap", ["model.dropout=0.5", "training.epochs=5", "data.limit=4000"]),
    ("diverged", ["training.optimizer=sgd", "training.learning_rate=1e12"]),
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "overrides"), BROKEN, ids=[name for name, _ in BROKEN])
def test_a_run_that_is_broken_says_so_and_what_to_try_mends_it(tmp_path: Path, name: str, overrides: list[str]) -> None:
    found = trained(tmp_path, *overrides)
    assert name in [finding.name for finding in found]
    override = next(finding.override for finding in found if finding.name == name)
    assert name not in [finding.name for finding in trained(tmp_path, *overrides, override)]


@pytest.mark.slow
def test_too_few_digits_learned_by_heart(tmp_path: Path) -> None:
    few = ["data.limit=100", "training.batch_size=20", "training.epochs=40", "model.dropout=0"]
    assert [finding.name for finding in trained(tmp_path, *few)] == ["overfitting"]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_the_default_run_is_healthy(tmp_path: Path, seed: int) -> None:
    whole = ("tracking=off", "figures=off", "evaluation.test=false", f"seed={seed}")
    assert run_command(tmp_path, "train", *whole).code == 0
    assert findings(newest(tmp_path)) == ()


def trained(home: Path, *overrides: str) -> tuple[Finding, ...]:
    run_command(home, "train", *SHORT, *overrides)
    return findings(newest(home))


def newest(home: Path) -> RunRecord:
    from cnnexp.runs.find import find_run

    return find_run("latest", home / "runs")
