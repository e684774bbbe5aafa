from __future__ import annotations

import numpy as np
import pytest

from cnnexp.config.schema import Augmentation
from cnnexp.nn.augment import change, draw_changes

IMAGES = np.random.default_rng(0).integers(0, 256, (4, 7, 9, 2)).astype(np.uint8)
SQUARE = IMAGES[:, :, :7]


def same(count: int, down: float = 0, right: float = 0, degrees: float = 0, zoom: float = 1) -> np.ndarray:
    return np.tile([down, right, degrees, zoom], (count, 1)).astype(np.float64)


def test_no_change_changes_nothing() -> None:
    changed = change(IMAGES, same(4))
    assert changed.dtype == np.uint8
    np.testing.assert_array_equal(changed, IMAGES)


def test_whole_shifts_move_cells_and_leave_zeros() -> None:
    expected = np.zeros_like(IMAGES)
    expected[:, 2:, :-1] = IMAGES[:, :-2, 1:]
    np.testing.assert_array_equal(change(IMAGES, same(4, down=2, right=-1)), expected)


def test_half_a_cell_is_the_mean_of_two_and_is_rounded_for_bytes_only() -> None:
    row = np.array([0, 10, 21, 0], np.float32).reshape(1, 1, 4, 1)
    halves = same(1, right=0.5)
    np.testing.assert_allclose(change(row, halves).ravel()[1:], [5, 15.5, 10.5])
    np.testing.assert_array_equal(change(row.astype(np.uint8), halves).ravel()[1:], [5, 16, 10])


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_quarter_turns_are_exact(quarters: int) -> None:
    turned = change(SQUARE, same(4, degrees=90 * quarters))
    np.testing.assert_array_equal(turned, np.rot90(SQUARE, quarters, axes=(1, 2)))


def test_zoom_2_shows_the_middle_twice_as_large() -> None:
    zoomed = change(SQUARE, same(4, zoom=2))
    np.testing.assert_array_equal(zoomed[:, 1::2, 1::2], SQUARE[:, 2:5, 2:5])


def test_changes_are_a_function_of_seed_epoch_and_index_within_the_limits() -> None:
    limits = Augmentation(shift=2.0, rotate=15.0, zoom=0.1)
    drawn = draw_changes(limits, 500, seed=3, epoch=2)
    np.testing.assert_array_equal(drawn[:20], draw_changes(limits, 20, seed=3, epoch=2))
    assert (drawn != draw_changes(limits, 500, seed=3, epoch=1)).all()
    assert (drawn != draw_changes(limits, 500, seed=4, epoch=2)).all()
    spread = np.abs(drawn - [0, 0, 0, 1]).max(axis=0) / [2, 2, 15, 0.1]
    assert ((spread > 0.95) & (spread <= 1)).all()


def test_order_does_not_matter() -> None:
    drawn = draw_changes(Augmentation(shift=2.0, rotate=15.0, zoom=0.1), 4, seed=0, epoch=1)
    order = np.array([2, 0, 3, 1])
    np.testing.assert_array_equal(change(IMAGES[order], drawn[order]), change(IMAGES, drawn)[order])
