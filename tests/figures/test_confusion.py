from __future__ import annotations

import numpy as np
import pytest

from cnnexp.figures import confusion_matrix, per_class

CLOTHES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")


def counts_of(classes: int, each: int = 100) -> np.ndarray:
    """Each class read right but for one in ten, which is read as the next class."""
    counts = np.diag(np.full(classes, each - each // 10))
    counts[np.arange(classes), (np.arange(classes) + 1) % classes] += each // 10
    return counts


def test_numbers_and_shares_stand_where_true_row_meets_read_column(check_figure):
    counts = np.array([[8, 2, 0], [0, 5, 0], [1, 3, 16]])
    figure = confusion_matrix(counts, ["a", "b", "c"], title="Confusion matrix: validation")
    texts = check_figure(figure)
    assert "Confusion matrix: validation" in texts
    assert "29 of 35 read correctly (82.9 %, blue); errors orange" in texts
    axes = figure.axes[1]
    numbers = {text.get_position(): text.get_text() for text in axes.texts}
    assert numbers == {(0, 0): "8", (1, 0): "2", (1, 1): "5", (0, 2): "1", (1, 2): "3", (2, 2): "16"}
    right, wrong = (np.ma.filled(image.get_array().astype(float), np.nan) for image in axes.images)
    assert np.diag(right) == pytest.approx([80, 100, 80])
    assert wrong[0, 1] == pytest.approx(20)
    assert wrong[2, :2] == pytest.approx([5, 15])
    assert np.isnan(np.diag(wrong)).all()
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("read as", "true class")


def test_an_error_is_darker_than_what_is_right():
    axes = confusion_matrix(np.array([[99, 1], [4, 96]]), ["a", "b"], title="x").axes[1]
    right, wrong = axes.images
    paleness = min(right.to_rgba(99.0)[:3])
    assert paleness > 0.8
    assert min(wrong.to_rgba(4.0)[:3]) < 0.3


@pytest.mark.slow
@pytest.mark.parametrize(("classes", "each"), [(2, 50), (3, 60_000), (10, 50), (10, 60_000), (26, 50), (50, 60_000)])
def test_every_number_of_classes_is_readable(classes, each, check_figure):
    names = [f"class {index}" for index in range(classes)]
    figure = confusion_matrix(counts_of(classes, each), names, title="x")
    texts = check_figure(figure)
    assert sum(text in names for text in texts) == 2 * classes
    assert bool(figure.axes[1].texts) == (classes <= 10)


def test_classes_without_digits_and_no_digit_at_all(check_figure):
    check_figure(confusion_matrix(np.array([[3, 0], [0, 0]]), ["a", "b"], title="x"))
    assert "no digits" in check_figure(confusion_matrix(np.zeros((2, 2)), ["a", "b"], title="x"))


@pytest.mark.slow
@pytest.mark.parametrize("names", [CLOTHES, tuple(f"클래스 {index}" for index in range(10)), ("x" * 90,) * 10])
def test_names_of_any_length_and_script(names, check_figure):
    assert len(check_figure(confusion_matrix(counts_of(10), names, title="혼동 행렬 " * 40))) > 20
    values = np.linspace(0.5, 1, 10)
    assert len(check_figure(per_class(values, values[::-1], np.full(10, 60_000), names))) > 20


def test_per_class_dots_stand_at_the_shares(check_figure):
    precision, recall = np.array([0.9, 0.75, np.nan]), np.array([0.8, 1.0, 0.6])
    figure = per_class(precision, recall, np.array([10, 2000, 0]), ["a", "b", "c"])
    texts = check_figure(figure)
    assert {"a", "b", "c", "10", "2,000", "0", "digits"} <= set(texts)
    assert "mean over the classes: precision 82.5 % (2 read at all), recall 80.0 %" in texts
    dots = {line.get_label().split(":")[0]: line for line in figure.axes[1].lines}
    assert dots["precision"].get_xdata() == pytest.approx([90, 75, np.nan], nan_ok=True)
    assert dots["recall"].get_xdata() == pytest.approx([80, 100, 60])
    assert dots["recall"].get_ydata().tolist() == [0, 1, 2]
    assert figure.axes[1].get_xlim() == (55, 100)


def test_per_class_axis_begins_at_zero_when_a_share_is_low_or_none_is_known(check_figure):
    low = per_class(np.array([0.2, 1]), np.array([1, 1]), np.array([1, 1]), ["a", "b"])
    assert low.axes[1].get_xlim() == (0, 100)
    none = per_class(np.full(2, np.nan), np.full(2, np.nan), np.zeros(2, int), ["a", "b"])
    assert "mean over the classes: no precision, no recall" in check_figure(none)
    assert none.axes[1].get_xlim() == (0, 100)


def test_per_class_means_say_of_how_many_classes_they_are(check_figure):
    full, some = np.array([0.5, 0.7]), np.array([0.5, np.nan])
    names, counts = ["a", "b"], np.array([4, 0])
    assert "mean over the classes: precision 60.0 %, recall 60.0 %" in check_figure(
        per_class(full, full, counts, names)
    )
    told = "mean over the classes: precision 50.0 % (1 read at all), recall 50.0 % (1 with digits)"
    assert told in check_figure(per_class(some, some, counts, names))


def test_a_dot_at_zero_stands_clear_of_the_class_names():
    figure = per_class(np.array([0.0, 1]), np.array([0.0, 1]), np.array([1, 1]), ["a", "b"])
    figure.draw_without_rendering()
    axes = figure.axes[1]
    dot = 9 / 2 * figure.dpi / 72
    zero = axes.transData.transform((0, 0))[0]
    assert max(label.get_window_extent().x1 for label in axes.get_yticklabels()) < zero - dot


@pytest.mark.slow
def test_per_class_of_many_classes(check_figure):
    names = [f"class {index}" for index in range(50)]
    texts = check_figure(per_class(np.full(50, 0.9), np.full(50, 0.95), np.arange(50), names))
    assert set(names) <= set(texts)
