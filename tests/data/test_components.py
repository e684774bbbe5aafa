from __future__ import annotations

import numpy as np
import pytest

from cnnexp.data.components import Component, components, grown

RING = np.array([list(map(int, row)) for row in ("11110", "10010", "11110", "00001")], bool)


def flooded(mask: np.ndarray) -> list[set[tuple[int, int]]]:
    """Components by walking from pixel to pixel, in reading order of their first ones."""
    left = {(int(y), int(x)) for y, x in np.argwhere(mask)}
    found = []
    for start in sorted(left):
        if start not in left:
            continue
        shape, todo = set(), [start]
        left.discard(start)
        while todo:
            y, x = todo.pop()
            shape.add((y, x))
            near = {(y + i, x + j) for i in (-1, 0, 1) for j in (-1, 0, 1)} & left
            left -= near
            todo += near
        found.append(shape)
    return found


@pytest.mark.parametrize("seed", range(30))
def test_as_found_by_walking(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mask = rng.random(rng.integers(1, 30, 2)) < rng.uniform(0.1, 0.9)
    found, expected = components(mask), flooded(mask)
    assert len(found.parts) == len(expected)
    for part, shape in zip(found.parts, expected, strict=True):
        rows, columns = zip(*shape, strict=True)
        box = (part.top, part.left, part.bottom, part.right)
        assert box == (min(rows), min(columns), max(rows), max(columns))
        assert part.area == len(shape)
        edge = {0, mask.shape[0] - 1} & set(rows) or {0, mask.shape[1] - 1} & set(columns)
        assert part.touches == bool(edge)
        assert {(int(y), int(x)) for y, x in np.argwhere(found.mask_of([part]))} == shape


def test_a_spiral_is_one() -> None:
    mask = np.zeros((41, 41), bool)
    y, x, step = 20, 20, 1
    while step < 20:
        for dy, dx in ((0, 1), (1, 0), (0, -1), (-1, 0)):
            for _ in range(2 * step):
                if 0 <= y < 41 and 0 <= x < 41:
                    mask[y, x] = True
                y, x = y + dy, x + dx
            step += dy != 0
    assert len(components(mask).parts) == len(flooded(mask)) == 1


def test_corners_join_and_the_ring_keeps_its_hole() -> None:
    found = components(RING)
    assert [part.area for part in found.parts] == [11]
    assert not found.mask_of(found.parts)[1, 1]


@pytest.mark.parametrize("mask", [np.zeros((4, 5), bool), np.zeros((0, 5), bool)])
def test_an_empty_mask_has_none(mask: np.ndarray) -> None:
    assert components(mask).parts == []


def box(top: int, left: int, bottom: int, right: int) -> Component:
    return Component(0, 1, top, left, bottom, right, False)


@pytest.mark.parametrize(
    ("other", "gap"),
    [(box(2, 2, 4, 4), 0), (box(6, 0, 8, 2), 0), (box(7, 0, 8, 2), 1), (box(0, 16, 5, 20), 10), (box(8, 9, 9, 9), 3)],
)
def test_the_gap_between_boxes(other: Component, gap: int) -> None:
    mine = box(0, 0, 5, 5)
    assert mine.gap(other) == other.gap(mine) == gap
    assert mine.length == 6


def test_grown_by_one_pixel_all_around() -> None:
    mask = np.zeros((5, 6), bool)
    mask[1, 1] = mask[4, 5] = True
    expected = np.zeros((5, 6), bool)
    expected[0:3, 0:3] = expected[3:5, 4:6] = True
    assert np.array_equal(grown(mask), expected)
