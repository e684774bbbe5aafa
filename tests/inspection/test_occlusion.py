"""A patch slid over pictures, against a loop over pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cnnexp.inspection.occlusion import occlude, step_of, usual_patch

RNG = np.random.default_rng(0)


def judge(shape: tuple[int, ...], classes: int = 3) -> Any:
    """Three classes that weigh every pixel at random: softmax of sums, one picture after the other."""
    weights = np.random.default_rng(1).normal(size=(classes, *shape)) / 400

    def ask(images: np.ndarray) -> np.ndarray:
        scores = np.array([[(weight * image.astype(float)).sum() for weight in weights] for image in images])
        shares = np.exp(scores)
        return (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)

    return ask


@pytest.mark.parametrize(("shape", "patch"), [((9, 7, 1), 3), ((6, 6, 1), 4), ((5, 8, 3), 1), ((4, 4, 1), 4)])
def test_every_pixel_as_a_loop_finds_it(shape, patch):
    image, ask = RNG.integers(0, 256, shape, dtype=np.uint8), judge(shape)
    before = image.copy()
    found = occlude(image, 1, ask, patch)
    assert (image == before).all()
    assert found.step == 1
    assert found.drops.shape == shape[:2]
    for row, column in np.ndindex(shape[:2]):
        covered = image.copy()
        for y in range(row - patch // 2, row - patch // 2 + patch):
            for x in range(column - patch // 2, column - patch // 2 + patch):
                if 0 <= y < shape[0] and 0 <= x < shape[1]:
                    covered[y, x] = np.median(image.reshape(-1, shape[2]), axis=0).astype(np.uint8)
        assert found.covered[row, column] == pytest.approx(ask(covered[None])[0], abs=1e-6)
        assert found.drops[row, column] == pytest.approx(ask(image[None])[0, 1] - ask(covered[None])[0, 1], abs=1e-6)
    assert found.drops[found.worst] == found.drops.max()
    assert (found.drops_by_pixel == found.drops).all()


def test_a_stroke_on_black_is_covered_with_black():
    image = np.zeros((9, 9, 1), np.uint8)
    image[4, 2:7] = 200
    found = occlude(image, 0, lambda images: np.stack([images.sum(axis=(1, 2, 3)) / 1000, images[:, 0, 0, 0]], 1), 3)
    assert found.fill.tolist() == [0]
    assert found.drops.max() == pytest.approx(0.6)
    assert found.worst == (3, 3)
    assert found.square(found.worst) == (slice(2, 5), slice(2, 5))
    assert found.square((0, 8)) == (slice(0, 2), slice(7, 9))


@pytest.mark.parametrize("shape", [(70, 40, 1), (33, 64, 1), (32, 32, 1)])
def test_of_a_large_picture_about_a_thousand_places_are_covered(shape):
    image = RNG.integers(0, 256, shape, dtype=np.uint8)
    found = occlude(image, 0, lambda images: images.mean(axis=(1, 2, 3))[:, None] / 255, 5)
    step = step_of(image)
    assert len(found.rows) * len(found.columns) <= 1100
    assert (step == 1) == (shape == (32, 32, 1))
    assert found.drops_by_pixel.shape == shape[:2]
    for y, x in ((0, 0), (shape[0] - 1, shape[1] - 1), (17, 21)):
        place = y // step, x // step
        assert abs(int(found.rows[place[0]]) - y) <= step // 2 + 1
        assert found.drops_by_pixel[y, x] == found.drops[place]


def test_the_usual_patch_is_odd_and_about_a_sixth_of_the_side():
    assert [usual_patch(*shape) for shape in ((28, 28), (3, 3), (64, 100), (8, 8), (1, 1))] == [5, 1, 11, 1, 1]
