"""Voltage-based plasticity (Clopath et al. 2010, equation 3) in plain Python: the judge of ``plasticity_clopath.c``.

No traces: each event sums over all earlier arrivals and over the target's potential in all earlier steps. The rule
takes the recorded potentials as given, and has otherwise the form of ``oracle_plasticity``. Nothing here imports the
package.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from oracle_plasticity import Params, Rule, Spikes, Synapse


def mean_potential(potential: Sequence[float], last: int, tau: float, dt: float) -> float:
    """The low-pass of a potential after step `last`: of constant pieces, from its initial value potential[0]."""
    new = 1.0 - math.exp(-dt / tau)
    changed = sum(
        (potential[step] - potential[0]) * new * math.exp(-(last - step) * dt / tau)
        for step in range(1, last + 1)
    )
    return potential[0] + changed


def clopath(potentials: Mapping[int, Sequence[float]]) -> Rule:
    """The rule for targets with these potentials: [step], as at the end of the step; [0]: before the first."""

    def rule(synapse: Synapse, spikes: Spikes, step: int, p: Params, dt: float) -> tuple[float, float]:
        potential, arrivals = potentials[synapse.post], synapse.arrivals(spikes)
        seen = step - 1 - math.floor(p["delay_u_bars"] / dt + 0.5)  # the last step that the means have seen
        u = potential[step]
        down = up = 0.0
        if step in arrivals:
            amplitude = p["a_ltd"]
            if p["u_ref_squared"] > 0.0:
                depolarisation = mean_potential(potential, seen, p["tau_u_bar_bar"], dt) - p["u_rest"]
                amplitude *= depolarisation**2 / p["u_ref_squared"]
            down = -amplitude * max(
                0.0, mean_potential(potential, seen, p["tau_minus"], dt) - p["theta_minus"]
            )
        if u > p["theta_plus"]:
            above = max(0.0, mean_potential(potential, seen, p["tau_plus"], dt) - p["theta_minus"])
            x_bar = (
                sum(math.exp(-(step - at) * dt / p["tau_x"]) for at in arrivals if at <= step) / p["tau_x"]
            )
            up = p["a_ltp"] * x_bar * (u - p["theta_plus"]) * above * dt
        return p["learning_rate"] * down, p["learning_rate"] * up

    return rule


RULES: dict[str, Callable[[Mapping[int, Sequence[float]]], Rule]] = {"clopath": clopath}
