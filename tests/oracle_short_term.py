"""Short-term plasticity in plain Python, from Tsodyks & Markram (1997) and Tsodyks, Pawelzik & Markram (1998).

Written as their differential equations, whose solution between spikes is known: resources recover to 1, utilisation
decays to 0, and a spike raises utilisation by U times what is left of it and then takes its share of the resources.
Nothing here imports the package.
"""

from __future__ import annotations

import math
from collections.abc import Iterable


def efficacies(times: Iterable[float], U: float, tau_rec: float, tau_facil: float) -> list[float]:
    """Share of the full weight with which each spike acts; times ascending, ms."""
    recovered, utilised, before = 1.0, 0.0, None
    shares = []
    for time in times:
        if before is not None:
            gap = time - before
            recovered = 1.0 - (1.0 - recovered) * (math.exp(-gap / tau_rec) if tau_rec > 0.0 else 0.0)
            utilised *= math.exp(-gap / tau_facil) if tau_facil > 0.0 else 0.0
        utilised += U * (1.0 - utilised)
        shares.append(utilised * recovered)
        recovered -= utilised * recovered
        before = time
    return shares


def steady(rate: float, U: float, tau_rec: float, tau_facil: float) -> float:
    """The share that a regular train of `rate` Hz comes to, in closed form."""
    gap = 1000.0 / rate
    facil = math.exp(-gap / tau_facil) if tau_facil > 0.0 else 0.0
    rec = math.exp(-gap / tau_rec) if tau_rec > 0.0 else 0.0
    u = U / (1.0 - (1.0 - U) * facil)
    return u * (1.0 - rec) / (1.0 - (1.0 - u) * rec)
