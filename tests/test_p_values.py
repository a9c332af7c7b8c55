"""One seed of each row of ``programs/p_values.py``, which prints many."""

from __future__ import annotations

import laws_of_connecting as connecting
import laws_of_drive as drive
import pytest
from scipy import stats

ROWS = {**connecting.ROWS, **drive.ROWS}
LEAST_P = 1e-3  # with a fixed seed; of a right program, one row in eight sets of seeds

pytestmark = pytest.mark.filterwarnings("ignore::neuromod.NeuromodWarning")


@pytest.mark.parametrize("name", ROWS)
def test_what_is_drawn_has_the_distribution_of_theory(name: str) -> None:
    assert ROWS[name](1001) > LEAST_P


def test_a_wrong_distribution_would_be_seen() -> None:
    """Laws that are off by a little: 6 % of a mean, a standard deviation, a probability."""
    off = connecting.Rounded(stats.norm(15.0, 4.0))
    assert connecting.delays({"normal": [15.9, 4.0]}, off, probability=0.1)(1001) < LEAST_P
    assert drive.variance_p(stats.norm(0.0, 1.06).rvs(10_000, random_state=1), 1.0) < LEAST_P
    assert connecting.of_count(stats.binom(32_000, 0.106), 3200, 1) < LEAST_P
