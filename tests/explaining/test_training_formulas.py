from __future__ import annotations

import pytest

from cnnexp.config.compose import compose_config
from cnnexp.nn.schedules import learning_rates
from tests.explaining.formula_text import value_of


@pytest.mark.parametrize(
    ("key", "overrides", "lines"),
    [
        ("training.epochs", (), ["steps an epoch = ceil(4,000 / 100) = 40", "updates in all = 5·40 = 200"]),
        (
            "training.batch_size", ("training.batch_size=64", "data.limit=1000"),
            ["steps an epoch = ceil(1,000 / 64) = 16, the last with 40", "updates in all = 5·16 = 80"],
        ),
        ("data.limit", ("data.limit=500",), ["500 training digits; steps an epoch = ceil(500 / 100) = 5"]),
        ("data.validation_size", (), ["4,500 - 500 = 4,000 digits are left to train on"]),
        ("data.validation_size", ("data=mnist",), ["60,000 - 5,000 = 55,000 digits are left to train on"]),
        (
            "data.scale", (),
            ["y = x / 255, in the network's first layer (rescaling)", "pixels from 0 to 255 become 0 to 1"],
        ),
        (
            "training.label_smoothing", ("training.label_smoothing=0.1",),
            ["target of the digit's own class: 1 - 0.1 + 0.1 / 10 = 0.91", "of every other: 0.1 / 10 = 0.01"],
        ),
        (
            "training.gradient_clip", ("training.gradient_clip=2",),
            ["g ← g·min(1, 2 / norm), norm over the gradients of all weights together"],
        ),
        (
            "training.early_stopping.patience", ("training.early_stopping={patience: 2, monitor: accuracy/val}",),
            ["better: accuracy/val above its best + 0",
             "ends after 2 epochs in a row that are not; after epoch 3 at the earliest"],
        ),
        ("training.early_stopping", (), []),
        ("evaluation.batch_size", (), ["validation in ceil(500 / 250) = 2 steps"]),
        (
            "evaluation.train_size", (),
            ["digits i·4,000 // 2,000 for i = 0 … 1,999: spread evenly, the same for each seed"],
        ),
        ("evaluation.train_size", ("evaluation.train_size=0",), ["none: loss/train_eval is not measured"]),
        (
            "data.augmentation.zoom", ("data.augmentation.zoom=0.1",),
            ["factor uniform from 1 - 0.1 to 1 + 0.1, drawn anew in each epoch"],
        ),
        (
            "data.augmentation.shift", ("data.augmentation.shift=2",),
            ["down and right: two numbers, each uniform from -2 to 2 pixels, drawn anew in each epoch"],
        ),
        ("data.augmentation.shift", (), ["0: off, nothing is drawn"]),
        ("data.augmentation.rotate", (), ["0: off, nothing is drawn"]),
        ("tracking.uri", (), []),
        ("figures.digits", (), []),
    ],
)  # fmt: skip
def test_formulas_with_their_numbers(explained, key, overrides, lines):
    assert list(explained(key, *overrides).formula) == lines


def test_numbers_that_are_not_known_are_left_out(explained):
    nowhere = ("data=folder", "data.folder=nosuch")
    assert list(explained("training.batch_size", *nowhere).formula) == ["steps an epoch = ceil(training digits / 100)"]
    assert (
        explained("training.label_smoothing", *nowhere).formula[0].startswith("target of the digit's own class: 1 - s")
    )


@pytest.mark.slow
@pytest.mark.parametrize("schedule", ["{type: cosine, final: 0.1}", "{type: step, every: 2, factor: 0.3}", "constant"])
def test_schedules_are_what_their_formula_says(explained, schedule):
    overrides = [f"training.schedule={schedule}", "training.epochs=7", "training.learning_rate=0.02"]
    formula = explained("training.schedule", *overrides).formula[0].replace("epochs done", "epochs_done")
    formula = formula.partition(", p from")[0].replace(" in every step", "")
    steps = 40
    table = learning_rates(compose_config(overrides).config.training, steps)
    for k, rate in enumerate(table):
        found = value_of(formula, p=k / (len(table) - 1), epochs_done=k // steps)["rate"]
        assert found == pytest.approx(float(rate), rel=1e-5)


@pytest.mark.slow
def test_rates_at_the_ends_of_epochs(explained):
    assert explained("training.schedule", "training.schedule={type: step, every: 1}").formula[-1] == (
        "first step 0.001; at the end of each epoch 0.001, 0.0005, 0.00025, 0.000125, 6.25e-05"
    )
    many = explained("training.learning_rate", "training.schedule=cosine", "training.epochs=30").formula[-1]
    assert many.count(",") == 7
    assert many.endswith("…, 0")


def test_a_warm_up(explained):
    lines = explained("training.schedule.warmup_epochs", "training.schedule={type: constant, warmup_epochs: 2}").formula
    assert lines[1] == "in its first W steps times k / W in step k, W = warm-up epochs·steps an epoch = 2·40 = 80"


OPTIMIZERS = [
    "sgd",
    "{type: sgd, momentum: 0.9}",
    "{type: sgd, momentum: 0.8, nesterov: true, weight_decay: 0.1}",
    "adam",
    "{type: adam, beta_1: 0.8, beta_2: 0.95, epsilon: 0.01}",
    "adamw",
    "rmsprop",
    "{type: rmsprop, rho: 0.7, momentum: 0.5, epsilon: 0.1}",
]


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_update_rules_are_those_of_keras(explained, optimizer):
    import keras

    from cnnexp.nn.optimizers import build_optimizer

    overrides = [f"training.optimizer={optimizer}", "training.learning_rate=0.03"]
    rules = [line.removeprefix("first ") for line in explained("training.optimizer", *overrides).formula if "←" in line]
    judge = build_optimizer(compose_config(overrides).config.training, 40)
    weight = keras.Variable([0.7])
    state = {"w": 0.7, "m": 0.0, "v": 0.0, "rate": 0.03}
    for step, slope in enumerate([0.5, -0.2, 0.9, 0.1], 1):
        judge.apply([keras.ops.convert_to_tensor([slope])], [weight])
        for rule in rules:
            state = value_of(rule, **{**state, "g": slope, "t": step})
        assert state["w"] == pytest.approx(float(weight.numpy()[0]), rel=1e-5)
