"""One agent's decision, phase by phase: what `Agent` and `VectorAgent` have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromod import _core
from neuromod.agents.decoders import Decoder
from neuromod.agents.encoders import Encoder
from neuromod.agents.settings import BASELINE, EARLY, MODULATORS, Settings
from neuromod.agents.signals import Signals
from neuromod.problems import shown
from neuromod.state import SavedPart

__all__ = ["Mind"]

Simulation = Any
"""A `neuromod.simulation.Simulation`; this module does not import it."""

_KICK = 1e4  # mV, for one step: a cell fires
_STREAM = "user"
_OURS = "neuromod.agents.encoders"


class Mind:
    """Network, signals and the decision that is under way.

    The phases of a decision are `present`, EARLY - 1 steps, `evaluate`, ``rest`` steps, `decide`. An outcome comes by
    `outcome`; where the episode goes on, its error of prediction is found by the next `evaluate`.
    """

    def __init__(
        self,
        encoder: Encoder,
        decoder: Decoder,
        settings: Settings,
        per_group: int,
        sim: Simulation,
        signals: Signals | None = None,
    ) -> None:
        self.encoder, self.decoder, self.settings, self.per_group = encoder, decoder, settings, per_group
        self.sim = sim
        self.signals = Signals(settings.initial_value / settings.reward_scale) if signals is None else signals
        self.levels = dict.fromkeys(MODULATORS, BASELINE)
        self.clamped: dict[str, float] = {}
        self.learning = True
        self.n_decisions = 0
        self.steps = 0  # of environments, in which it has learned
        self.value: float | None = None  # of the last observation, from the critic's potential
        self.reward: float | None = None  # the last outcome, while its error is not known yet
        self.awaits = False  # a decision without its outcome
        self.last_error = 0.0
        populations = sim.populations
        self._cells = int(populations["cells"].id[0])
        self._clock = int(populations["clock"].id[0])
        self._critic = int(populations["critic"].id[0])
        first = int(populations["actor"].id[0])
        self._actor = slice(first, first + len(populations["actor"]))
        self._bind()

    def _bind(self) -> None:
        """Views of the network's columns, which stay where they are: no neuron comes or goes."""
        neurons, system = self.sim.model.neurons, self.sim.neuromodulation
        assert system is not None
        self.sim._session._warned = True  # the cells' input is meant for one step
        self._v, self._input = neurons.v_membrane, neurons.external_input
        self._own_v = self._v[self._actor]
        self._v_rest = float(neurons.v_rest[self._critic])
        self._level = system.level[0]
        self._columns = {name: system.names.index(name) for name in (*MODULATORS, "exploration")}

    def __getstate__(self) -> dict[str, Any]:
        """Without the views, which are those of another network in a copy."""
        views = ("_v", "_input", "_own_v", "_level")
        return {name: value for name, value in self.__dict__.items() if name not in views}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._bind()

    @property
    def rest(self) -> int:
        """Steps from the dopamine to the end of the decision."""
        return 1 + int(self.settings.decision_ms)

    def see(self, observation: Any) -> NDArray[np.int64]:
        """The cells that fire for an observation; those of an encoder that is not ours are looked at."""
        cells = self.encoder.encode(observation)
        if type(self.encoder).__module__ == _OURS:
            return cells
        found = np.asarray(cells)
        n, most = self.encoder.n_active, self.encoder.n_cells
        if found.dtype.kind not in "iu" or found.shape != (n,) or len(np.unique(found)) != n:
            raise ValueError(f"encoder.encode: must give {n} different whole numbers; got {shown(cells)}")
        if found.min() < 0 or found.max() >= most:
            raise ValueError(f"encoder.encode: must give numbers from 0 to {most - 1}; got {shown(cells)}")
        return found

    # ---- phases ----------------------------------------------------------------------------------------------

    def present(self, cells: NDArray[np.int64], quiet: bool = False) -> None:
        """The cells of an observation, and the clock, fire in the next step. `quiet`: without noise in the actors."""
        if self.awaits:
            self.forget()
        self._own_v[:] = self._v_rest
        self._input[self._cells + cells] = _KICK
        self._input[self._clock] = _KICK
        self._set_levels(quiet)

    def run(self, n_steps: int) -> NDArray[np.int64]:
        """Advance the network alone; spikes of each neuron."""
        counts: NDArray[np.int64] = self.sim._session.run(n_steps)[1]
        return counts

    def evaluate(self) -> None:
        """Read the critic; the outcome of the decision before becomes dopamine."""
        self._own_v[:] = self._v_rest
        value = float(self._v[self._critic]) - self._v_rest
        if self.reward is not None and self.value is not None:
            self._learn(self.reward, self.value, value)
        self.value, self.reward = value, None

    def decide(self, counts: NDArray[np.int64]) -> Any:
        """The action. `counts`: spikes of each neuron since `evaluate`."""
        spikes, v = counts[self._actor], self._own_v
        if self.per_group > 1:
            spikes = spikes.reshape(-1, self.per_group).sum(axis=1)
            v = v.reshape(-1, self.per_group).max(axis=1)
        votes = np.where(spikes > 0, spikes, v * 1e-4 - 1.0)  # potentials are far below 10^4 mV
        action = self.decoder.decode(votes, self._chance)
        self.n_decisions += 1
        self.awaits = True
        return action

    def _chance(self) -> NDArray[np.float64]:
        """Random numbers of this decision, one for each group."""
        n = sum(self.decoder.groups)
        return _core.random_words(self.sim.seed, _STREAM, 0, self.n_decisions, n) / 2.0**32

    def outcome(self, reward: float, terminated: bool) -> None:
        """The outcome of the last decision. At the end of an episode dopamine comes at once, in one step."""
        self.awaits = False
        if not terminated:
            self.reward = reward
            return
        if self.value is not None:
            self._learn(reward, self.value, None)
        self.run(1)
        self.forget()

    def cut(self, reward: float, cells: NDArray[np.int64]) -> None:
        """The episode was cut off at an observation that has a value, but no decision."""
        self.awaits, self.reward = False, reward
        self.present(cells)
        self.run(EARLY - 1)
        self.evaluate()
        self.run(self.rest)
        self.forget()

    def forget(self) -> None:
        """No trace is left of earlier decisions."""
        for name in ("value", "policy"):
            self.sim.projections[name].eligibility[:] = 0.0
        self.value, self.reward, self.awaits = None, None, False

    # ---- modulators ------------------------------------------------------------------------------------------

    def _learn(self, reward: float, before: float, after: float | None) -> None:
        if not self.learning:
            return
        self.last_error = self.signals.error(reward, before, after, self.settings)
        level = self.clamped.get("dopamine")
        if level is None:
            self.sim.neuromodulation.dopamine.update(self.last_error)
        else:
            self._level[self._columns["dopamine"]] = level
        self.levels["dopamine"] = float(self._level[self._columns["dopamine"]])

    def _set_levels(self, quiet: bool) -> None:
        """Serotonin and norepinephrine, which last until the next decision."""
        for name in ("serotonin", "norepinephrine"):
            level = self.clamped.get(name)
            if level is None:
                level = getattr(self.signals, name)(self.settings)
            self.levels[name] = self._level[self._columns[name]] = level
        self._level[self._columns["exploration"]] = 0.0 if quiet else self.levels["norepinephrine"]

    # ---- state -----------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """All that is not the network's or the settings'."""
        return {
            "signals": self.signals.state(),
            "levels": dict(self.levels),
            "clamped": dict(self.clamped),
            "learning": self.learning,
            "n_decisions": self.n_decisions,
            "value": self.value,
            "reward": self.reward,
            "awaits": self.awaits,
            "last_error": self.last_error,
        }

    def restore(self, content: Mapping[str, Any]) -> None:
        """Take over what `state` gave, checked."""
        part = SavedPart(content, "mind")
        levels, clamped = part.part("levels"), part.part("clamped")
        for name in MODULATORS:
            self.levels[name] = levels.number(name, 0.0, 1.0) or 0.0
        for name in clamped.value:
            self.clamped[name] = clamped.number(name, 0.0, 1.0) or 0.0
        levels.only(*MODULATORS)
        clamped.only(*MODULATORS)
        for name in ("learning", "awaits"):
            if not isinstance(content.get(name), bool):
                part.wrong(name, "must be True or False", content.get(name))
            setattr(self, name, bool(content.get(name)))
        for name in ("value", "reward"):
            known = content.get(name) is not None
            setattr(self, name, part.number(name, -1e300, 1e300) if known else None)
        self.n_decisions = part.whole("n_decisions", 0, 2**62) or 0
        self.last_error = part.number("last_error", -1.0, 1.0) or 0.0
        part.finish()
