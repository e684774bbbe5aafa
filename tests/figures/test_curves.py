from __future__ import annotations

import math

import numpy as np
import pytest

from cnnexp.figures import learning_curves


def history(epochs: int) -> dict[str, list[tuple[int, float]]]:
    """A run whose loss falls as 2 / (1 + epoch) and whose accuracy climbs from 0.1 to 0.9 and more."""
    steps = range(epochs + 1)
    loss = [(step, 2 / (1 + step)) for step in steps]
    accuracy = [(step, 0.1 if step == 0 else 1 - 0.1 / step) for step in steps]
    return {
        "loss/train": loss[1:],
        "loss/train_eval": loss,
        "loss/val": [(step, value + 0.05) for step, value in loss],
        "accuracy/train": accuracy[1:],
        "accuracy/train_eval": accuracy,
        "accuracy/val": [(step, value - 0.02) for step, value in accuracy],
        "learning_rate": [(step, 0.001) for step in steps[1:]],
    }


def line(axes, label):
    (found,) = [line for line in axes.lines if line.get_label() == label]
    return found


@pytest.mark.parametrize("epochs", [1, 2, 5, 24, 50])
def test_ticks_are_whole_epochs_and_all_is_in_view(epochs, check_figure):
    figure = learning_curves(history(epochs), title="article")
    texts = check_figure(figure)
    assert "article" in texts
    assert len(figure.axes) == 2
    for axes in figure.axes:
        low, high = axes.get_xlim()
        assert low < 0
        assert epochs < high < epochs + 0.1 * epochs
        ticks = axes.get_xticks()
        assert set(np.diff(ticks)) <= {1, 2, 5, 10}
        assert ticks[0] == round(ticks[0])
        assert axes.get_xlabel() == "epochs done"


def test_lines_hold_the_values_in_per_cent(check_figure):
    figure = learning_curves(history(4), title="x")
    loss, accuracy = figure.axes
    assert line(loss, "training (dropout on)").get_xdata().tolist() == [1, 2, 3, 4]
    assert line(loss, "training (dropout off)").get_ydata().tolist() == pytest.approx([2, 1, 2 / 3, 0.5, 0.4])
    assert line(accuracy, "validation").get_ydata().tolist() == pytest.approx([8, 88, 93, 94 + 2 / 3, 95.5])
    assert loss.get_ylabel() == "cross-entropy (nats)"
    assert accuracy.get_ylabel() == "digits read correctly (%)"
    legend = {text.get_text() for text in figure.legends[0].get_texts()}
    assert legend == {"training (dropout on)", "training (dropout off)", "validation", "lowest loss: epoch 4"}


def test_accuracy_before_training_is_told_and_does_not_press_the_curves_flat(check_figure):
    accuracy = learning_curves(history(5), title="x").axes[1]
    low, high = accuracy.get_ylim()
    assert 80 < low < 88
    assert 98 <= high < 101
    assert accuracy.get_title() == "accuracy (8 % before training)"


def test_accuracy_axis_keeps_the_start_of_a_run_of_one_epoch():
    accuracy = learning_curves(history(1), title="x").axes[1]
    assert accuracy.get_ylim()[0] < 8
    assert accuracy.get_title() == "accuracy"


def test_test_value_is_a_labelled_star(check_figure):
    figure = learning_curves(history(5) | {"loss/test": [(3, 0.123456)], "accuracy/test": [(3, 0.964)]}, title="x")
    texts = check_figure(figure)
    assert "test\n0.123" in texts
    assert "test\n96.4 %" in texts
    star = line(figure.axes[1], "test")
    assert star.get_xdata().tolist() == [3]
    assert list(star.get_ydata()) == pytest.approx([96.4])


def test_best_epoch_is_the_recorded_one_else_that_of_the_lowest_validation_loss():
    told = learning_curves(history(5) | {"best/epoch": [(5, 2.0)]}, title="x").axes[0]
    assert list(line(told, "weights kept: epoch 2").get_xdata()) == [2, 2]
    lowest = history(5) | {"loss/val": [(0, 2.0), (1, 0.5), (2, float("nan")), (3, 0.6)]}
    assert list(line(learning_curves(lowest, title="x").axes[0], "lowest loss: epoch 1").get_xdata()) == [1, 1]


@pytest.mark.slow
def test_learning_rate_has_a_slim_panel_only_where_it_varies(check_figure):
    rates = [(step, 0.003 * 0.5**step) for step in range(1, 9)]
    figure = learning_curves(history(8) | {"learning_rate": rates}, title="x")
    check_figure(figure)
    loss, _, rate = figure.axes
    assert rate.get_position().width < loss.get_position().width
    assert rate.lines[0].get_ydata().tolist() == pytest.approx([value for _, value in rates])
    assert rate.get_yscale() == "log"


def test_a_wide_range_of_loss_is_logarithmic_and_a_narrow_one_is_not():
    assert learning_curves(history(50), title="x").axes[0].get_yscale() == "log"
    assert learning_curves(history(2), title="x").axes[0].get_yscale() == "linear"


@pytest.mark.parametrize("bad", [math.nan, -math.inf])
def test_values_that_are_not_finite_leave_a_gap_and_are_named(bad, check_figure):
    changed = history(4) | {"loss/val": [(0, 2.0), (1, 1.0), (2, 0.8), (3, bad), (4, bad)]}
    figure = learning_curves(changed, title="diverged")
    assert "not a finite number: epoch 3 and later" in check_figure(figure)
    assert np.isnan(line(figure.axes[0], "validation").get_ydata()).tolist() == [False] * 3 + [True] * 2


@pytest.mark.slow
def test_nothing_but_nan_and_missing_keys_are_drawn_as_such(check_figure):
    figure = learning_curves({"loss/train": [(1, math.nan)], "accuracy/val": [(0, 0.1), (1, 0.9)]}, title="x")
    texts = check_figure(figure)
    assert texts.count("nothing recorded") == 1
    assert "not a finite number: epoch 1" in texts
    assert check_figure(learning_curves({}, title="x")).count("nothing recorded") == 2


@pytest.mark.slow
def test_a_long_title_in_any_script_is_shortened_not_cut(check_figure):
    texts = check_figure(learning_curves(history(2), title="에포크 $x_{1}$ \n " + "padding=valid " * 40))
    (title,) = [text for text in texts if "padding" in text]
    assert "$x_{1}$" in title
    assert title.endswith("…")
