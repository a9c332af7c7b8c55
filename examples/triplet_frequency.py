"""Why triplets: pairs of spikes 10 ms apart, 60 of them, weaken or strengthen a synapse by how fast they follow.

The data are of visual cortex (Sjostrom, Turrigiano & Nelson 2001, doi:10.1016/S0896-6273(01)00542-6), the rule and its
parameters those of Pfister & Gerstner (2006, doi:10.1523/JNEUROSCI.1425-06.2006). A rule of pairs alone, with the
same losses, loses at every rate where the target fires first.
"""

import numpy as np

from neuromod.plasticity import triplet_update

# rate (Hz): (relative change of the weight, its standard error), arrival first and target first
DATA = {
    0.1: ((-0.04, 0.05), (-0.29, 0.08)),
    10.0: ((0.14, 0.10), (-0.41, 0.11)),
    20.0: ((0.29, 0.14), (-0.34, 0.10)),
    40.0: ((0.53, 0.11), (0.56, 0.32)),
    50.0: ((0.56, 0.26), (0.75, 0.19)),
}
PAIRS_ONLY = {"a2_plus": 7e-3, "a3_plus": 0.0, "a3_minus": 0.0}


def change(rate: float, lag: float, **rule: float) -> float:
    """Relative change by 60 pairs, the target `lag` ms after the arrival (before it if below 0)."""
    arrivals = 1000.0 / rate * np.arange(60) + 100.0
    return float(triplet_update(1.0, arrivals, arrivals + lag, weight_min=-9.0, weight_max=9.0, **rule)) - 1.0


error, signs = 0.0, []
print(" rate | arrival first: data  triplets  pairs | target first: data  triplets  pairs")
for rate, both in DATA.items():
    line = f"{rate:5g} |"
    for (mean, sem), lag in zip(both, (10.0, -10.0), strict=True):
        triplets, pairs = change(rate, lag), change(rate, lag, **PAIRS_ONLY)
        error += ((triplets - mean) / sem) ** 2 / 10
        line += f"{mean:+20.2f} {triplets:+9.2f} {pairs:+6.2f} |"
        if lag < 0.0:
            signs.append((np.sign(triplets) == np.sign(mean), pairs < 0.0))
    print(line.rstrip(" |"))
print(f"mean squared error, in standard errors: {error:.2f}")

assert error < 0.4
assert all(right for right, _ in signs), "triplets turn from loss to gain where the data do"
assert all(loses for _, loses in signs), "pairs never do"
