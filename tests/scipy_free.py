"""Tails of the normal and chi-squared distributions, for tests of draws."""

from __future__ import annotations

import math


def normal_two_sided(z: float) -> float:
    """Probability of a standard normal deviate beyond +-z."""
    return math.erfc(abs(z) / math.sqrt(2.0))


def normal_quantile(p: float) -> float:
    """By bisection of erfc."""
    low, high = -10.0, 10.0
    for _ in range(80):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if 0.5 * math.erfc(-middle / math.sqrt(2.0)) < p else (low, middle)
    return low


def chi2_quantile(p: float, k: int) -> float:
    """Wilson & Hilferty (1931); within 0.1 % for k > 100."""
    a = 2.0 / (9.0 * k)
    return k * (1.0 - a + normal_quantile(p) * math.sqrt(a)) ** 3
