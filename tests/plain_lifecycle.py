"""The life cycle in plain Python: one neuron, one synapse and one step after the other, over dicts.

Random words are those of the core, which its own tests hold to the paper; what they are used for is written anew.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any

from neuromod import _core

DOMAINS = {
    "NM_ANY": lambda v: True,
    "NM_POSITIVE": lambda v: v > 0.0,
    "NM_NON_NEGATIVE": lambda v: v >= 0.0,
    "NM_UNIT_INTERVAL": lambda v: 0.0 <= v <= 1.0,
}


def normal(word: int) -> float:
    """A standard normal deviate of a word: 31 bits for the size, and the highest for the sign."""
    size = NormalDist().inv_cdf(((word & 0x7FFFFFFF) + 0.5) / 2.0**32)
    return -size if word >> 31 else size


class PlainLife:
    """`neurons`: id -> dict of columns; `synapses`: list of dicts with pre, post, weight, in the order of storage."""

    def __init__(
        self, neurons: dict[int, dict[str, Any]], synapses: list[dict[str, Any]], seed: int, **about: Any
    ):
        self.neurons, self.synapses, self.seed, self.about = neurons, synapses, seed, about
        self.next_id, self.step, self.births, self.deaths = max(neurons) + 1, 0, 0, 0

    def word(self, at: int, salt: int) -> int:
        return int(_core.random_word(self.seed, "life", at, self.step, salt=salt))

    def run(self, n_steps: int) -> None:
        for _ in range(n_steps):
            self.step += 1
            for neuron in self.neurons.values():
                neuron["age"] += 1
                neuron["health"] = max(0.0, neuron["health"] - self.about["health_decay_per_step"])
            if self.step % self.about["interval"] == 0:
                self.deaths_and_births()

    def is_dying(self, place: int, neuron: dict[str, Any]) -> bool:
        chance = 1.0 - (1.0 - self.about["death_probability_per_step"]) ** self.about["interval"]
        return (
            neuron["health"] < self.about["death_threshold"]
            or neuron["age"] > self.about["max_age"]
            or (chance > 0.0 and self.word(place, 0) < chance * 2.0**32)
        )

    def deaths_and_births(self) -> None:
        dead = [i for place, i in enumerate(sorted(self.neurons)) if self.is_dying(place, self.neurons[i])]
        self.deaths += len(dead)
        heir = {}
        if self.about["enable_reproduction"]:
            for parent in dead:
                heir[parent] = self.next_id
                self.neurons[self.next_id] = self.child(parent, self.next_id)
                self.next_id += 1
            self.births += len(dead)
        for parent in dead:
            del self.neurons[parent]
        kept, number = [], 0
        for synapse in self.synapses:
            ends = [heir.get(synapse[end], synapse[end]) for end in ("pre", "post")]
            if not all(end in self.neurons for end in ends):
                continue
            weight = synapse["weight"]
            if ends != [synapse["pre"], synapse["post"]]:
                change = self.about["mutation_std_weights"] * normal(self.word(number, 1 << 20))
                size = max(abs(weight) + change, 0.0)
                low, high = self.about["bounds"]
                weight = min(max(math.copysign(size, weight), low), high)
                number += 1
            kept.append({"pre": ends[0], "post": ends[1], "weight": weight})
        self.synapses = sorted(kept, key=lambda s: (s["pre"], s["post"]))

    def child(self, parent: int, new: int) -> dict[str, Any]:
        old = self.neurons[parent]
        params = dict(old["params"])
        table = _core.neuron_params("lif")
        own = _core.neuron_models()["lif"]["params"]
        for place, name in enumerate(own):
            value = params[name] * (
                1.0 + self.about["mutation_std_params"] * normal(self.word(new, 16 + place))
            )
            params[name] = value if DOMAINS[table[name]["domain"]](value) else old["params"][name]
        if not params["v_threshold"] > params["v_reset"]:
            params |= {name: old["params"][name] for name in ("v_threshold", "v_reset")}
        return {
            "age": 0,
            "health": 1.0,
            "params": params,
            "generation": old["generation"] + 1,
            "parent_id": parent,
            "site": old["site"],
        }
