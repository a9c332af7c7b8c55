"""Write adex.csv: the adaptive exponential integrate-and-fire neuron under constant current, to 15 digits.

The equations of Brette & Gerstner (2005, doi:10.1152/jn.00686.2005), their parameters, v_peak 0 mV, from rest. Taylor
series of order 24 in 30-digit arithmetic, so nothing is shared with the Runge-Kutta method of csrc/neuron_adex.c; the
moment at which v passes v_peak is a root of the series, and v and w are reset there. Half the step length changes
no digit that is written (checked here).

    pip install mpmath && python tests/data/generate_adex.py      (about a minute)
"""

from __future__ import annotations

import csv
from pathlib import Path

from mpmath import exp, mp, mpf

mp.dps = 30
ORDER = 24
C, G, E, VT, D = mpf(281), mpf(30), mpf("-70.6"), mpf("-50.4"), mpf(2)  # pF, nS, mV, mV, mV
A, B, TAU_W, V_RESET, V_PEAK = mpf(4), mpf("80.5"), mpf(144), mpf("-70.6"), mpf(0)  # nS, pA, ms, mV, mV
CURRENTS, LAST, EVERY = (500, 650, 800, 1000, 2000), 200, 2  # pA, ms, ms


def series(v: mpf, w: mpf, i: mpf) -> tuple[list[mpf], list[mpf]]:
    """Taylor coefficients of v and w in time; e = exp((v - VT) / D) by e' = e v' / D."""
    vs, ws, es = [v], [w], [exp((v - VT) / D)]
    for k in range(ORDER):
        constant = (G * E + i) if k == 0 else mpf(0)
        vs.append((-G * vs[k] + G * D * es[k] - ws[k] + constant) / C / (k + 1))
        ws.append((A * vs[k] - (A * E if k == 0 else 0) - ws[k]) / TAU_W / (k + 1))
        es.append(sum(es[j] * (k + 1 - j) * vs[k + 1 - j] for j in range(k + 1)) / D / (k + 1))
    return vs, ws


def at(coefficients: list[mpf], h: mpf) -> mpf:
    value = mpf(0)
    for c in reversed(coefficients):
        value = value * h + c
    return value


def crossing(vs: list[mpf], h: mpf) -> mpf:
    """When in (0, h] v passes V_PEAK, by bisection."""
    low, high = mpf(0), h
    for _ in range(110):
        middle = (low + high) / 2
        low, high = (low, middle) if at(vs, middle) >= V_PEAK else (middle, high)
    return high


def trajectory(i: mpf, shorter: int) -> list[tuple[str, mpf, mpf, mpf]]:
    """Rows (what, time, v, w): samples every EVERY ms, and spikes with v and w after the reset."""
    rows, t, v, w, sample = [], mpf(0), E, mpf(0), 1
    while sample * EVERY <= LAST:
        vs, ws = series(v, w, i)
        # the last coefficients give the radius of convergence: at a tenth of it the remainder is about 1e-24
        growth = max(
            abs(vs[k] / (abs(vs[1]) + mpf("1e-20"))) ** (mpf(1) / (k - 1)) for k in (ORDER - 1, ORDER)
        )
        h = min(mpf(1), mpf("0.1") / growth if growth > 0 else mpf(1)) / shorter
        h = min(h, sample * EVERY - t)
        if at(vs, h) >= V_PEAK:
            h = crossing(vs, h)
            t, v, w = t + h, V_RESET, at(ws, h) + B
            rows.append(("spike", t, v, w))
            continue
        t, v, w = t + h, at(vs, h), at(ws, h)
        if t == sample * EVERY:
            rows.append(("sample", t, v, w))
            sample += 1
    return rows


def rounded(rows: list[tuple[str, mpf, mpf, mpf]]) -> list[list[str]]:
    return [[what, *(mp.nstr(x, 15) for x in values)] for what, *values in rows]


def main() -> None:
    with (Path(__file__).parent / "adex.csv").open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["current_pA", "what", "time_ms", "v_mV", "w_pA"])
        for current in CURRENTS:
            rows = rounded(trajectory(mpf(current), 1))
            assert rows == rounded(trajectory(mpf(current), 2)), f"{current} pA: the step length matters"
            table.writerows([[str(current), *row] for row in rows])


if __name__ == "__main__":
    main()
