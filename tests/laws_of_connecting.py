"""What theory says of connections and of drawn weights and delays: for each row a function of the seed, its p-value.

Every statistic is one whose distribution is known: chi-square with the covariance of the way of drawing, Kolmogorov and
Smirnov's distance, or the law of a count itself (`of_count`, which is made continuous by a draw of its own).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from grid import all_distances, sheet
from scipy import stats

from neuromod import Simulation

PRE, POST = 80, 400
RIGHT = {"weight": 0.1, "rule": "none"}
Law = Callable[[int], float]


def of_count(law: Any, count: float, seed: int) -> float:
    """Two-sided p-value of a count under a discrete law, made uniform by a draw between its neighbours."""
    part = np.random.default_rng([seed, int(count)]).random()
    below = float(law.cdf(count - 1) + part * law.pmf(count))
    return min(1.0, 2.0 * min(below, 1.0 - below))


def chi_square(seen: Any, right: Any, variance: float = 1.0, free: int | None = None) -> float:
    """Of counts whose covariance is `variance` times that of a multinomial; `free`: degrees of freedom."""
    seen, right = np.asarray(seen, float), np.asarray(right, float)
    chi = ((seen - right) ** 2 / right).sum() / variance
    return float(stats.chi2.sf(chi, len(right) - 1 if free is None else free))


def of_values(values: Any, law: Any, most: int) -> float:
    """Chi-square of whole numbers against a discrete law; values whose expected count is below 8 are one class."""
    each = law.pmf(np.arange(most + 1)) * len(values)
    seen = np.bincount(np.minimum(np.asarray(values, int), most), minlength=most + 1)
    many = each >= 8.0
    left = len(values) - each[many].sum()
    if left < 8.0:  # too few: they join the smallest class
        many[np.argmin(np.where(many, each, np.inf))] = False
        left = len(values) - each[many].sum()
    return chi_square(np.append(seen[many], seen[~many].sum()), np.append(each[many], left))


def both(seed: int, **how: Any) -> Any:
    """80 sources and 400 targets that are others, connected as said."""
    sim = Simulation(seed=seed)
    return sim.connect(sim.create(PRE, "lif"), sim.create(POST, "lif"), **{**RIGHT, **how})


def degrees(p: Any, end: str) -> Any:
    ids = p.pre_id if end == "out" else p.post_id - PRE
    return np.bincount(ids, minlength=PRE if end == "out" else POST)


# ---- degrees and totals ------------------------------------------------------------------------------------------


def total_by_probability(seed: int) -> float:
    return of_count(stats.binom(PRE * POST, 0.1), len(both(seed, probability=0.1)), seed)


def degrees_by_probability(end: str) -> Law:
    """Each degree by the binomial law; those of the 80 sources by their squares, since classes would be few."""

    def law(seed: int) -> float:
        found = degrees(both(seed, probability=0.1), end)
        if end == "in":
            return of_values(found, stats.binom(PRE, 0.1), PRE)
        return float(stats.chi2.sf(((found - 40.0) ** 2 / 36.0).sum(), PRE))

    return law


def both_ways(seed: int) -> float:
    """Whether the two directions between two neurons are independent: a table of 2 x 2."""
    n = 150
    sim = Simulation(seed=seed)
    a = sim.create(n, "lif")
    p = sim.connect(a, a, probability=0.3, **RIGHT)
    there = np.zeros((n, n), int)
    there[p.pre_id, p.post_id] = 1
    one, other = np.triu_indices(n, 1)
    table = np.histogram2d(there[one, other], there[other, one], bins=2)[0]
    return float(stats.chi2_contingency(table, correction=False).pvalue)


def partners(end: str, k: int, multapses: bool) -> Law:
    """How often each partner is chosen: independent samples of k, without replacement of less variance."""

    def law(seed: int) -> float:
        p = both(seed, multapses=multapses, **{f"{end}_degree": k})
        own, n = (POST, PRE) if end == "in" else (PRE, POST)
        variance = 1.0 if multapses else (n - k) / (n - 1)
        return chi_square(degrees(p, "out" if end == "in" else "in"), np.full(n, own * k / n), variance)

    return law


def total(end: str, multapses: bool) -> Law:
    def law(seed: int) -> float:
        p = both(seed, total_number=8000, multapses=multapses)
        n, pairs = PRE if end == "out" else POST, PRE * POST
        variance = 1.0 if multapses else (pairs - 8000) / (pairs - 1)
        return chi_square(degrees(p, end), np.full(n, 8000 / n), variance)

    return law


class Rounded:
    """The whole number nearest to a value of `law`, between low and high alone where these are given."""

    def __init__(self, law: Any, low: float = -np.inf, high: float = np.inf) -> None:
        self.law, self.low, self.high = law, low, high

    def pmf(self, k: Any) -> Any:
        k = np.asarray(k, float)
        within = self.law.cdf(np.clip(k + 0.5, self.low, self.high))
        within = within - self.law.cdf(np.clip(k - 0.5, self.low, self.high))
        return within / (self.law.cdf(self.high) - self.law.cdf(self.low))


def drawn_degrees(draw: Any, law: Any) -> Law:
    return lambda seed: of_values(degrees(both(seed, in_degree=draw), "in"), law, 60)


# ---- distance ------------------------------------------------------------------------------------------------------

KERNELS: dict[str, tuple[Any, Callable[[Any], Any]]] = {
    "gaussian": ({"gaussian": [0.8, 2.0]}, lambda d: 0.8 * np.exp(-(d**2) / 8.0)),
    "exponential": ({"exponential": [0.9, 1.5]}, lambda d: 0.9 * np.exp(-d / 1.5)),
    "box": ({"box": [0.4, 4.0]}, lambda d: np.where(d <= 4.0, 0.4, 0.0)),
    "callable": (lambda d: 0.5 / (1.0 + d), lambda d: 0.5 / (1.0 + d)),
}
SHEET = (20, 17)


@cache
def squares(torus: bool) -> Any:
    periods = [*SHEET, 1, 1] if torus else None
    return np.rint(all_distances(sheet(*SHEET), periods) ** 2).astype(int)


def on_sheet(seed: int, torus: bool, **how: Any) -> Any:
    """The squares of the distances of all synapses made."""
    p = sheet(*SHEET, seed=seed).connect("a", "a", edge_wrap=torus, **{**RIGHT, **how})
    return squares(torus)[p.pre_id, p.post_id]


def kernel(name: str, torus: bool) -> Law:
    """Synapses at each distance: each pair is an independent draw."""
    told, right = KERNELS[name]

    def law(seed: int) -> float:
        square = squares(torus)[~np.eye(SHEET[0] * SHEET[1], dtype=bool)]
        p = right(np.sqrt(square))
        mean, spread = np.bincount(square, weights=p), np.bincount(square, weights=p * (1.0 - p))
        seen = np.bincount(on_sheet(seed, torus, probability=told), minlength=len(mean))
        many = spread > 15.0
        chi = ((seen - mean)[many] ** 2 / spread[many]).sum()
        return float(stats.chi2.sf(chi, many.sum()))

    return law


def by_odds(name: str, k: int) -> Law:
    """Sources chosen in proportion to a kernel, with replacement, on a torus: the same law for each target."""
    told, right = KERNELS[name]

    def law(seed: int) -> float:
        square = squares(True)[0, 1:]
        odds = np.bincount(square, weights=right(np.sqrt(square)))
        mean = odds / odds.sum() * k * SHEET[0] * SHEET[1]
        seen = np.bincount(on_sheet(seed, True, probability=told, in_degree=k), minlength=len(mean))
        many = mean > 10.0
        rest = ~many & (mean > 0.0)
        seen, mean = np.append(seen[many], seen[rest].sum()), np.append(mean[many], mean[rest].sum())
        return chi_square(seen[mean > 5.0], mean[mean > 5.0], free=int((mean > 5.0).sum()) - 1)

    return law


def within(end: str, multapses: bool) -> Law:
    """Displacements of 5 of the 12 partners within a radius of 2, on a torus."""

    def law(seed: int) -> float:
        n, m = SHEET
        how: dict[str, Any] = {f"{end}_degree": 5, "multapses": multapses}
        p = sheet(n, m, seed=seed).connect("a", "a", edge_wrap=True, mask={"radius": 2.0}, **RIGHT, **how)
        at = np.array(
            np.divmod(np.arange(n * m), m) if at_x_first(n, m) else np.divmod(np.arange(n * m), n)[::-1]
        )
        step = (at[:, p.post_id] - at[:, p.pre_id] + 4) % np.array([[n], [m]])
        seen = np.bincount(step[0] * 20 + step[1])
        return chi_square(seen[seen > 0], np.full(12, n * m * 5 / 12), 1.0 if multapses else 7 / 11)

    return law


@cache
def at_x_first(n: int, m: int) -> bool:
    """Whether ids run through y first, so that id = x m + y."""
    return bool(sheet(n, m).model.neurons.y[1] == 1)


def in_disc(seed: int) -> float:
    """The square of the distance from the middle of a disc."""
    at = Simulation(seed=seed).create(2000, "lif", positions={"disc": 3.0}).positions
    return float(stats.kstest((at**2).sum(axis=1) / 9.0, "uniform").pvalue)


def in_sphere(seed: int) -> float:
    at = Simulation(seed=seed).create(2000, "lif", positions={"sphere": 3.0}).positions
    return float(stats.kstest((at**2).sum(axis=1) ** 1.5 / 27.0, "uniform").pvalue)


# ---- weights and delays ----------------------------------------------------------------------------------------

LAWS = {
    "normal": ({"normal": [0.5, 0.1]}, stats.norm(0.5, 0.1)),
    "normal, cut": (
        {"normal": [0.3, 0.2], "low": 0.1, "high": 0.6},
        stats.truncnorm(-1.0, 1.5, 0.3, 0.2),
    ),
    "lognormal": ({"lognormal": [-1.0, 0.5]}, stats.lognorm(0.5, scale=np.exp(-1.0))),
    "lognormal, cut": ({"lognormal": [-1.0, 0.5], "low": 0.2, "high": 0.6}, None),
    "uniform": ({"uniform": [0.2, 0.7]}, stats.uniform(0.2, 0.5)),
}
WAYS: dict[str, dict[str, Any]] = {
    "probability": {"probability": 0.1},
    "in_degree": {"in_degree": 8},
    "out_degree": {"out_degree": 40, "multapses": False},
    "total_number": {"total_number": 3000},
    "all_to_all": {"all_to_all": True},
    "pairs": {"pairs": np.stack(np.divmod(np.arange(4000) * 7 % 32000, POST), axis=1) + np.array([0, PRE])},
    "one_to_one": {},
}


def lognormal_cut(x: Any) -> Any:
    log = stats.norm(-1.0, 0.5)
    low, high = log.cdf(np.log([0.2, 0.6]))
    return (log.cdf(np.log(x)) - low) / (high - low)


def weights(name: str, way: str) -> Law:
    draw, law = LAWS[name]
    cdf = lognormal_cut if law is None else law.cdf

    def of(seed: int) -> float:
        if way == "one_to_one":
            sim = Simulation(seed=seed)
            a, b = sim.create(3000, "lif"), sim.create(3000, "lif")
            p = sim.connect(a, b, one_to_one=True, weight=draw, rule="none")
        else:
            p = both(seed, **WAYS[way] | {"weight": draw})
        return float(stats.kstest(p.weight.astype(float), cdf).pvalue)

    return of


def weights_by_distance(seed: int) -> float:
    p = sheet(*SHEET, seed=seed).connect(
        "a", "a", probability={"gaussian": [0.8, 2.0]}, weight=LAWS["lognormal"][0], rule="none"
    )
    return float(stats.kstest(p.weight.astype(float), LAWS["lognormal"][1].cdf).pvalue)


def chosen(seed: int) -> float:
    values, shares = np.float32([0.1, 0.2, 0.7]), np.array([0.5, 0.2, 0.3])
    p = both(seed, probability=0.1, weight={"choice": values, "p": shares})
    seen = np.array([(p.weight == value).sum() for value in values])
    return chi_square(seen, shares * len(p))


def clipped(seed: int) -> float:
    """As many at the bound as the normal law has below it."""
    p = both(seed, all_to_all=True, weight={"normal": [0.3, 0.2], "low": 0.1, "outside": "clip"})
    at_bound = int((p.weight == np.float32(0.1)).sum())
    return of_count(stats.binom(len(p), stats.norm.cdf(-1.0)), at_bound, seed)


def delays(draw: Any, law: Any, **how: Any) -> Law:
    return lambda seed: of_values(both(seed, **{**how, "delay": draw}).delay, law, 80)


def delays_in_ms(seed: int) -> float:
    """Lognormal ms in steps of 0.1 ms, to the nearest step, none below one step."""
    sim = Simulation(seed=seed, dt=0.1)
    a, b = sim.create(PRE, "lif"), sim.create(POST, "lif")
    p = sim.connect(a, b, probability=0.1, delay_ms={"lognormal": [0.5, 0.5]}, **RIGHT)
    return of_values(p.delay, Rounded(stats.lognorm(0.5, scale=10.0 * np.exp(0.5)), 0.5), 80)


ROWS: dict[str, Law] = {
    "probability: number of synapses": total_by_probability,
    "probability: in-degrees, binomial": degrees_by_probability("in"),
    "probability: out-degrees, binomial": degrees_by_probability("out"),
    "probability: the two directions of a pair": both_ways,
    **{
        f"{end}_degree {k}, {'with' if multapses else 'without'} replacement: partners": partners(
            end, k, multapses
        )
        for end, k in (("in", 20), ("out", 60))
        for multapses in (True, False)
    },
    **{
        f"total_number, {'with' if multapses else 'without'} replacement: {end}-degrees": total(
            end, multapses
        )
        for multapses in (True, False)
        for end in ("in", "out")
    },
    "in_degree, uniform": drawn_degrees({"uniform": [2, 6]}, stats.randint(2, 7)),
    "in_degree, normal, rounded": drawn_degrees({"normal": [20.0, 4.0]}, Rounded(stats.norm(20.0, 4.0))),
    **{
        f"{name} kernel, {'torus' if torus else 'sheet'}: distances": kernel(name, torus)
        for name in KERNELS
        for torus in (False, True)
    },
    **{
        f"in_degree by a kernel, {name}: distances": by_odds(name, k)
        for name, k in (("gaussian", 3), ("exponential", 1), ("box", 4))
    },
    **{
        f"{end}_degree in a mask, {'with' if multapses else 'without'} replacement": within(end, multapses)
        for end in ("in", "out")
        for multapses in (True, False)
    },
    "positions in a disc": in_disc,
    "positions in a sphere": in_sphere,
    **{f"weights, {name}": weights(name, "probability") for name in LAWS},
    **{f"weights, lognormal, by {way}": weights("lognormal", way) for way in WAYS if way != "probability"},
    "weights, lognormal, by distance": weights_by_distance,
    "weights, chosen from three": chosen,
    "weights, normal, clipped: number at the bound": clipped,
    "delays, uniform": delays({"uniform": [3, 30]}, stats.randint(3, 31), probability=0.1),
    "delays, uniform, by in_degree": delays({"uniform": [3, 30]}, stats.randint(3, 31), in_degree=8),
    "delays, normal": delays({"normal": [15.0, 4.0]}, Rounded(stats.norm(15.0, 4.0), 0.5), probability=0.1),
    "delays, normal, floor of one step": delays(
        {"normal": [2.0, 2.0]}, Rounded(stats.norm(2.0, 2.0), 0.5), total_number=3000
    ),
    "delays, lognormal, ms in steps of 0.1 ms": delays_in_ms,
}
