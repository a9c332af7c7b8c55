"""The spiking network of an agent: sensory cells, a critic and actors, under three modulators.

One decision takes ``EARLY + decision_ms`` steps of 1 ms:

1. the cells of the observation fire once, and so does the clock;
2. their spikes reach the critic, whose potential then is the value of the observation. Dopamine gets the error of
   prediction of the decision before;
3. dopamine acts in this step alone, on what is left of the traces of the decisions before;
4. the clock's spike makes the critic fire, which tags its synapses from the cells that have fired; the cells' spikes
   reach the actors, which an urgent current and noise bring to threshold; the first spike inhibits the other actions,
   and tags its synapses.

So no trace of the present observation is there when dopamine comes for the last.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from neuromod.agents.decoders import Decoder
from neuromod.agents.settings import BASELINE, EARLY, Settings
from neuromod.modulation.system import create_neuromodulation_system
from neuromod.simulation import Simulation

__all__ = ["build"]

_REST, _THRESHOLD = -65.0, -50.0  # mV
_TAU_CRITIC, _TAU_ACTOR, _TAU_M = 4.0, 8.0, 10.0  # ms
_LEAST_LEFT = 0.05  # of a trace, one decision later
_SILENT = 1e6  # mV: the critic fires when the clock says so alone
_LARGE = 1e9  # mV
_INHIBITION = 100.0  # mV
_CELL: dict[str, Any] = {
    "tau_m": 20.0,
    "v_rest": _REST,
    "v_reset": _REST,
    "v_threshold": _THRESHOLD,
    "refractory_period": 2.0,
}
_CRITIC: dict[str, Any] = {**_CELL, "v_threshold": _SILENT, "refractory_period": 1.0}
_ACTOR: dict[str, Any] = {**_CELL, "tau_m": _TAU_M, "refractory_period": 1.0}
_DEAF = dict.fromkeys(("serotonin", "exploration"), 0.0)


def build(
    settings: Settings, n_cells: int, n_active: int, decoder: Decoder, per_group: int, seed: int
) -> Simulation:
    """The network, untrained: populations cells, clock, critic and actor, projections value and policy."""
    system = create_neuromodulation_system(
        {
            "neutral": True,
            "dopamine": {
                "baseline": BASELINE,
                "decay_rate": 1.0,
                "sensitivity": BASELINE,
                "learning_rate_modulation": 1.0,
            },
            "serotonin": {"baseline": BASELINE, "decay_rate": 0.0, "inhibition_strength": 0.08},
            "norepinephrine": {"baseline": BASELINE, "decay_rate": 0.0, "gain_modulation": 0.0},
            "exploration": {  # norepinephrine's effect on noise: (level / baseline)^2
                "baseline": BASELINE,
                "decay_rate": 0.0,
                "response": {"power": {"strength": 1.0, "exponent": 2.0}},
                "offset": 0.0,
                "targets": ["noise"],
            },
        }
    )
    sim = Simulation(seed=seed, neuromodulation=system, dt=1.0, threads=1)
    n_groups = sum(decoder.groups)
    cells = sim.create(n_cells, "lif", name="cells", neuron_type="excitatory", receptors=_DEAF, **_CELL)
    clock = sim.create(1, "lif", name="clock", neuron_type="excitatory", receptors=_DEAF, **_CELL)
    critic = sim.create(1, "lif", name="critic", neuron_type="excitatory", receptors=_DEAF, **_CRITIC)
    actor = sim.create(
        n_groups * per_group,
        "lif",
        name="actor",
        neuron_type="inhibitory",
        i_offset=settings.urgency,
        drive={"noise": settings.noise},
        **_ACTOR,
    )
    steps = EARLY + settings.decision_ms
    left = max(settings.trace * settings.discount, _LEAST_LEFT)
    fresh = left ** (1.0 / steps - 1.0)  # a tag is as large as if there were no decay before dopamine comes
    rule = {"rule": "rstdp", "coincident": "pre_first", "a_minus": 0.0, "tau_c": -steps / math.log(left)}
    bound = 1000.0 / n_active
    value = {
        **rule,
        "a_plus": fresh * math.exp(2.0 / _TAU_CRITIC),  # the critic fires 2 ms after the spikes have come
        "tau_plus": _TAU_CRITIC,
        "learning_rate": settings.critic_rate / n_active,
        "weight_min": -bound,
        "weight_max": bound,
    }
    bound = settings.evidence / n_active
    policy = {
        **rule,
        "a_plus": fresh,
        "tau_plus": _TAU_ACTOR,
        "learning_rate": settings.actor_rate / n_active,
        "weight_min": -bound,
        "weight_max": bound,
    }
    how: dict[str, Any] = {"probability": 1.0, "weight": 0.0, "synapse_type": "excitatory"}
    sim.connect(cells, critic, rule={**value, "modulators": ["dopamine"]}, delay=1, name="value", **how)
    sim.connect(cells, actor, rule={**policy, "modulators": ["dopamine"]}, delay=EARLY, name="policy", **how)
    how = {"probability": 1.0, "rule": "none"}
    sim.connect(clock, critic, weight=_LARGE, delay=EARLY, synapse_type="excitatory", name="clock", **how)
    if decoder.compete:
        ids, first = np.asarray(actor.id), 0
        for k, n in enumerate(decoder.groups):
            own = ids[first : first + n * per_group]
            sim.connect(
                own,
                own,
                weight=_INHIBITION,
                synapse_type="inhibitory",
                autapses=True,
                name=f"competition {k}",
                **how,
            )
            first += n * per_group
    return sim
