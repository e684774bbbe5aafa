"""Shares of digits, and how much so many digits can tell of them."""

from __future__ import annotations

import math


def wilson(right: int, digits: int, z: float = 1.959964) -> tuple[float, float]:
    """The Wilson score interval of a share (Wilson, 1927), 95 % by default. (0, 1) without digits."""
    if digits == 0:
        return (0.0, 1.0)
    share, z2 = right / digits, z * z
    centre = share + z2 / (2 * digits)
    half = z * math.sqrt(share * (1 - share) / digits + z2 / (4 * digits * digits))
    scale = 1 + z2 / digits
    return ((centre - half) / scale, (centre + half) / scale)


def interval(share: float, digits: int) -> str:
    """`97.80% (95 % interval 96.10% to 98.76%)`: a share with its Wilson interval."""
    low, high = wilson(round(share * digits), digits)
    return f"{share:.2%} (95 % interval {low:.2%} to {high:.2%})"
