"""What is kept from training, and how the size of an effect is told."""

from __future__ import annotations

import numpy as np
import pytest

from neuromod.experiment.effect_size import cohens_d, effects, held_out


def test_held_out_images_follow_the_seed_and_mix_the_classes() -> None:
    labels = np.repeat(np.arange(10), 30)
    test = held_out(labels, 7, 3)
    assert np.bincount(labels[test]).tolist() == [7] * 10
    assert np.array_equal(test, held_out(labels, 7, 3))
    assert not np.array_equal(test, held_out(labels, 7, 4))
    assert held_out(labels, 0, 3).tolist() == []
    assert np.bincount(labels[held_out(labels, 99, 3)]).tolist() == [30] * 10


def test_cohens_d_is_its_definition() -> None:
    rng = np.random.default_rng(2)
    a, b = rng.normal(1.0, 2.0, 8), rng.normal(0.0, 1.0, 13)
    pooled = np.sqrt((7 * a.var(ddof=1) + 12 * b.var(ddof=1)) / 19)
    assert cohens_d(a, b) == pytest.approx((a.mean() - b.mean()) / pooled)
    assert cohens_d([1.0, 1.0], [1.0, 1.0]) == 0.0
    assert cohens_d([1.0, 1.0], [2.0, 2.0]) == -np.inf
    assert cohens_d([], [1.0, 2.0, 3.0]) == cohens_d([1.0], [2.0]) == 0.0


def test_effects_are_set_against_the_classes_without_an_outcome() -> None:
    """Changes: others 0 and 1, rewarded 3 and 4, so d = 3 / sqrt(1/2); of the punished there is no image."""
    run = {
        "response_group": np.array([1, 0, 1, 0]),
        "response_before": np.array([5.0, 5.0, 6.0, 6.0]),
        "response_after": np.array([8.0, 5.0, 10.0, 7.0]),
        "response_control": np.empty(0),
    }
    found = effects(run)
    assert list(found) == ["rewarded", "others"]
    assert found["rewarded"] == pytest.approx((5.5, 9.0, 3.0 / np.sqrt(0.5)))
    assert found["others"] == pytest.approx((5.5, 6.0, 0.0))
    assert effects(run, "response_control") == {}
    assert effects({}) == {}
