from __future__ import annotations

import numpy as np
import pytest

from cnnexp.figures import sample_digits, surest_mistakes

TEN = tuple("0123456789")


def numbered(count: int, shape: tuple[int, ...] = (28, 28, 1)) -> np.ndarray:
    """Images that are known again by their grey: image i is all i."""
    return np.stack([np.full(shape, index, np.uint8) for index in range(count)])


def numbers(figure) -> list[int]:
    return [round(float(np.asarray(image.get_array()).flat[0]) * 255) for image in figure.axes[0].images]


def test_samples_are_the_first_ten_of_each_class_row_by_row(check_figure):
    labels = np.arange(36) % 3
    figure = sample_digits(numbered(36), labels, ["a", "b", "c", "never"], counts=np.array([1234, 56, 78, 0]))
    texts = check_figure(figure)
    assert numbers(figure) == [*range(0, 30, 3), *range(1, 31, 3), *range(2, 32, 3)]
    tops = [image.get_extent()[3] for image in figure.axes[0].images]
    assert len(set(tops)) == 3
    assert tops == sorted(tops)
    assert {"none", "never", "Training digits", "1,234", "56", "78", "0"} <= set(texts)
    assert "the first 10 of each class; at the right, how many there are" in texts


def test_how_many_there_are_is_not_guessed_from_a_part(check_figure):
    texts = check_figure(sample_digits(numbered(4), np.array([0, 1, 0, 1]), ["a", "b"]))
    assert sorted(texts) == ["Training digits", "a", "b", "the first 2 of each class"]


def test_dark_ink_on_white_paper():
    figure = sample_digits(numbered(256), np.zeros(256, int), ["a"])
    image = figure.axes[0].images[0]
    assert image.to_rgba(0.0)[:3] == (1, 1, 1)
    assert image.to_rgba(1.0)[:3] == (0, 0, 0)


@pytest.mark.slow
@pytest.mark.parametrize(("shape", "classes"), [((28, 28), 1), ((28, 28, 1), 50), ((32, 20, 3), 10), ((4, 40, 2), 3)])
def test_samples_of_every_kind_of_image(shape, classes, check_figure):
    images = np.random.default_rng(0).random((100, *shape)).astype(np.float32)
    names = [f"class {index}" for index in range(classes)]
    figure = sample_digits(images, np.arange(100) % classes, names)
    assert set(names) <= set(check_figure(figure))
    drawn = np.asarray(figure.axes[0].images[0].get_array(), dtype=float)
    expected = images[0].mean(axis=-1) if shape[-1] == 2 else images[0].reshape(drawn.shape)
    assert drawn == pytest.approx(expected, abs=1 / 255)


def test_mistakes_are_in_order_of_the_probability_of_the_wrong_answer(check_figure):
    labels = np.array([4, 1, 2, 3])
    probabilities = np.zeros((4, 10))
    probabilities[0, [9, 4]] = 0.6, 0.4
    probabilities[1, 1] = 1.0
    probabilities[2, [7, 2]] = 0.98, 0.02
    probabilities[3, [5, 3]] = 0.75, 0.25
    figure = surest_mistakes(numbered(4), labels, probabilities, TEN)
    texts = check_figure(figure)
    assert numbers(figure) == [2, 3, 0]
    assert [text for text in texts if text.startswith("true")] == [
        "true 2 → read as 7, 0.98",
        "true 3 → read as 5, 0.75",
        "true 4 → read as 9, 0.60",
    ]
    assert "3 mistakes in 4 digits, with the probability of each" in texts


@pytest.mark.parametrize("count", [1, 7, 20])
def test_only_so_many_mistakes_are_shown(count, check_figure):
    probabilities = np.random.default_rng(0).dirichlet(np.ones(10), 60)
    labels = (probabilities.argmax(axis=1) + 1) % 10
    figure = surest_mistakes(numbered(60), labels, probabilities, TEN, count=count)
    assert f"{count} of 60 mistakes in 60 digits, with the probability of each" in check_figure(figure)
    assert len(figure.axes[0].images) == count


def test_a_part_of_the_mistakes_tells_of_the_whole(check_figure):
    part = (numbered(1), np.array([0]), np.array([[0.1, 0.9]]), ["a", "b"])
    texts = check_figure(surest_mistakes(*part, out_of=(310, 10_000)))
    assert "1 of 310 mistakes in 10,000 digits, with the probability of each" in texts
    none = (numbered(1)[:0], np.empty(0, int), np.empty((0, 2)), ["a", "b"])
    assert "among 10,000 digits" in check_figure(surest_mistakes(*none, out_of=(0, 10_000)))


def test_long_names_take_two_lines_and_keep_the_probability(check_figure):
    probabilities = np.array([[0.03, 0.97]])
    texts = check_figure(surest_mistakes(numbered(1), np.array([0]), probabilities, ["Pullover", "Ankle boot" * 9]))
    assert "true Pullover →" in texts
    (answer,) = [text for text in texts if text.startswith("read as Ankle")]
    assert answer.endswith("…, 0.97")
    assert "1 mistake in 1 digit, with the probability of each" in texts


def test_no_mistake_is_said_in_words(check_figure):
    texts = check_figure(surest_mistakes(numbered(3), np.arange(3), np.eye(3), ["a", "b", "c"]))
    assert {"None at all.", "Every digit was read correctly.", "among 3 digits"} <= set(texts)
    empty = surest_mistakes(numbered(1)[:0], np.empty(0, int), np.empty((0, 3)), ["a", "b", "c"])
    assert "No digit was read yet." in check_figure(empty)


def test_probabilities_that_are_no_numbers_break_nothing(check_figure):
    figure = surest_mistakes(numbered(2), np.array([1, 1]), np.full((2, 3), np.nan), ["a", "b", "c"])
    assert check_figure(figure).count("true b → read as a, 0.00") == 2
