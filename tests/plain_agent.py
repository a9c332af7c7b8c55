"""What an agent's synapses learn, written plainly from the papers: sums over all pairs of spikes.

The critic is TD(lambda) with linear values (Sutton & Barto 2018, section 12.2); the actor tags what fired before its
spikes (Izhikevich 2007, the half of it with a_plus). The times of spikes are those that the network has had.
"""

from __future__ import annotations

from math import exp, log

import numpy as np

STEPS_BEFORE = 3  # cells, critic, dopamine
TAU_CRITIC, TAU_ACTOR = 4.0, 8.0  # ms


class PlainAgent:
    """Weights, traces and tonic value of an agent that has taken no decision yet."""

    def __init__(self, n_cells: int, n_active: int, n_actors: int, settings: object) -> None:
        self.s, self.n_active = settings, n_active
        self.length = STEPS_BEFORE + settings.decision_ms
        left = max(settings.trace * settings.discount, 0.05)
        self.tau_c = -self.length / log(left)
        self.fresh = left ** (1.0 / self.length - 1.0)
        self.value, self.policy = np.zeros(n_cells), np.zeros((n_actors, n_cells))
        self.c_value, self.c_policy = np.zeros(n_cells), np.zeros((n_actors, n_cells))
        self.tonic = settings.initial_value / settings.reward_scale
        self.arrivals: list[tuple[float, np.ndarray]] = []  # time at the critic, cells
        self.now = 0.0  # ms, of the traces

    def to(self, time: float) -> None:
        """Traces decay until `time`."""
        left = exp(-(time - self.now) / self.tau_c)
        self.c_value *= left
        self.c_policy *= left
        self.now = time

    def see(self, cells: np.ndarray) -> float:
        """The critic's potential; what is learned in the next step comes too late for it."""
        return float(self.value[cells].sum())

    def learn(self, time: float, reward: float, before: float, after: float | None) -> float:
        """Dopamine acts in the step that ends at `time`; potentials at the last and the present observation."""
        s = self.s
        ahead = 0.0 if after is None else s.discount * (self.tonic + after)
        error = reward / s.reward_scale + ahead - self.tonic - before
        error = min(max(error, -1.0), 1.0)
        self.tonic += s.tonic_rate * error
        self.to(time - 1.0)
        part = error * self.tau_c * (1.0 - exp(-1.0 / self.tau_c)) / self.n_active
        self.value += s.critic_rate * part * self.c_value
        bound = s.evidence / self.n_active
        self.policy = np.clip(self.policy + s.actor_rate * part * self.c_policy, -bound, bound)
        return error

    def decide(self, begins: float, cells: np.ndarray, actor_spikes: list[tuple[float, int]]) -> None:
        """The cells fire in the step that ends 1 ms after `begins`; (time, actor) of the spikes that follow."""
        self.arrivals.append((begins + 2.0, cells))
        self.to(begins + 4.0)
        for time, which in self.arrivals:  # the critic fires at begins + 4
            self.c_value[which] += (
                self.fresh * exp(2.0 / TAU_CRITIC) * exp(-(begins + 4.0 - time) / TAU_CRITIC)
            )
        for time, actor in sorted(actor_spikes):
            self.to(time)
            for arrival, which in self.arrivals:  # two steps later than at the critic
                if arrival + 2.0 <= time:
                    self.c_policy[actor][which] += self.fresh * exp(-(time - arrival - 2.0) / TAU_ACTOR)

    def forget(self) -> None:
        """No trace is left; the cells' own are."""
        self.c_value[:] = 0.0
        self.c_policy[:] = 0.0
