"""The drive of a neuron, inferred from its spikes, and the posterior tested by simulation-based calibration.

A LIF neuron gets Poisson input of weight 1 mV at an unknown rate, uniform from 600 to 1,600 Hz. The data are its
spikes in one second. The posterior is sampled by rejection (Approximate Bayesian Computation): the rates of simulated
neurons whose counts are nearest to the data's. If the posterior is right, the rank of the true rate among its samples
is uniform (Talts et al. 2018, arXiv:1804.06788). A posterior that is too narrow fails the same test.

`simulate(rate, seed)` is the simulator; sbi's neural posterior estimation takes one of the same kind.
"""

import numpy as np

import neuromod

LOW, HIGH = 600.0, 1600.0  # Hz
N, TRUE, KEPT, BINS = 8000, 160, 39, 8


def simulate(rate, seed):
    """Spikes of a neuron in one second, of each of the rates."""
    sim = neuromod.Simulation(seed=seed)
    cells = sim.create(len(rate), "lif", drive={"rate": 1.0, "weight": 1.0})  # Hz, mV
    cells.drive_rate = rate
    return sim.run(ms=1000)["spike_counts"]


def spikes_of_block(block, n, seed):
    """A run of the sweep: n neurons, each with its own rate from the prior, and their spikes."""
    rates = np.random.default_rng(seed).uniform(LOW, HIGH, n)
    counts = simulate(rates, seed)
    return {f"rate{k}": rates[k] for k in range(n)} | {f"count{k}": int(counts[k]) for k in range(n)}


def ranks(rates, counts, true_rates, true_counts, narrow=1.0):
    """Rank of each true rate among the samples of its posterior; `narrow` < 1 draws the samples together."""
    tie = np.random.default_rng(1).uniform(size=len(counts))  # equal distances in random order
    found = []
    for rate, count in zip(true_rates, true_counts, strict=True):
        sample = rates[np.lexsort((tie, abs(counts - count)))[:KEPT]]
        sample = sample.mean() + narrow * (sample - sample.mean())
        found.append((sample < rate).sum())
    return np.array(found)


def chi_squared(found):
    """Of the ranks 0 to KEPT in BINS equal bins against a uniform distribution."""
    histogram = np.bincount(found * BINS // (KEPT + 1), minlength=BINS)
    expected = len(found) / BINS
    return ((histogram - expected) ** 2 / expected).sum()


def main():
    """Simulate, infer, calibrate."""
    table = neuromod.sweep(spikes_of_block, {"block": range(11), "n": [N // 10]}, seed=5)
    rates = np.stack([table[f"rate{k}"] for k in range(N // 10)], axis=1)
    counts = np.stack([table[f"count{k}"] for k in range(N // 10)], axis=1)
    return rates[:10].ravel(), counts[:10].ravel(), rates[10, :TRUE], counts[10, :TRUE]


if __name__ == "__main__":
    told = main()
    right, narrow = chi_squared(ranks(*told)), chi_squared(ranks(*told, narrow=0.5))
    limit = 18.5  # 1 % of chi-squared with 7 degrees of freedom
    print(
        f"Chi-squared of the ranks: {right:.1f}; of a posterior half as wide: {narrow:.1f}; 1 % limit {limit}."
    )
    assert right < limit < narrow
