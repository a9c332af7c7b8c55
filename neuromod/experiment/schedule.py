"""The world outside the network of the main job: what each image brings, and what was done so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neuromod.experiment.section import Experiment
from neuromod.modulation.system import NeuromodulationSystem
from neuromod.state import SavedPart

__all__ = ["Log", "Schedule"]


@dataclass
class Log:
    """What the schedule did: presentations, and events with the step before which they came."""

    image_step: list[int] = field(default_factory=list)
    image: list[int] = field(default_factory=list)
    event_step: list[int] = field(default_factory=list)
    event_kind: list[str] = field(default_factory=list)
    event_value: list[float] = field(default_factory=list)

    def state(self) -> dict[str, Any]:
        """All of it, as `of_state` takes it."""
        return {
            name: np.array(value) if name != "event_kind" else value for name, value in vars(self).items()
        }

    @classmethod
    def of_state(cls, part: SavedPart) -> Log:
        """The log that was saved, checked."""
        part.only("image_step", "image", "event_step", "event_kind", "event_value")
        kinds = part.value.get("event_kind")
        if not isinstance(kinds, list) or not all(isinstance(kind, str) for kind in kinds):
            part.wrong("event_kind", "must be a list of names", kinds)
            kinds = []
        own: dict[str, Any] = {"event_kind": kinds}
        for name in ("image_step", "image", "event_step", "event_value"):
            value = part.value.get(name)
            if not isinstance(value, np.ndarray) or value.ndim != 1:
                part.wrong(name, "must be an array of one axis", value)
            else:
                own[name] = value.tolist()
        part.finish()
        return cls(**own)

    def add_event(self, step: int, kind: str, value: float) -> None:
        """Note what came before a step."""
        self.event_step.append(step)
        self.event_kind.append(kind)
        self.event_value.append(value)


class Schedule:
    """The world outside: what each image brings, and what reward is expected by now."""

    def __init__(self, experiment: Experiment, system: NeuromodulationSystem | None, log: Log) -> None:
        self.experiment, self.system, self.log = experiment, system, log
        self.expected, self.last_label = 0.0, -1

    def state(self) -> dict[str, Any]:
        """What was done so far, as `resume` takes it."""
        return {"expected": self.expected, "last_label": self.last_label, "log": self.log.state()}

    def resume(self, part: SavedPart) -> None:
        """Go on after what was done before."""
        expected, label = part.number("expected", -1e300, 1e300), part.whole("last_label", -1, 2**62)
        log = Log.of_state(part.part("log"))
        part.finish()
        assert expected is not None and label is not None
        self.expected, self.last_label, self.log = expected, label, log

    def begin_image(self, step: int, label: int, outcome: int) -> None:
        """Send the events of an image that is shown from `step` on and brings the outcome of class `outcome`."""
        told, system, changed = self.experiment, self.system, label != self.last_label
        self.last_label = label
        if system is not None and changed:
            system.process_uncertainty(told.uncertainty, told.novelty)
            self.log.add_event(step, "uncertainty", told.uncertainty + told.novelty)
        self.bring_outcome(step, outcome)

    def has_outcome(self, label: int) -> bool:
        """Whether images of that class are rewarded or punished."""
        told = self.experiment
        return self.system is not None and label in (told.rewarded_class, told.punished_class)

    def bring_outcome(self, step: int, label: int) -> None:
        """Reward or punish, if the class is one that is."""
        told, system = self.experiment, self.system
        if system is None:
            return
        if label == told.rewarded_class:
            self._reward(system, step, told.reward)
        if label == told.punished_class:
            self._reward(system, step, -told.punishment)
            system.process_punishment(told.punishment, told.stress)
            self.log.add_event(step, "punishment", told.punishment + told.stress)

    def _reward(self, system: NeuromodulationSystem, step: int, reward: float) -> None:
        error = reward - self.expected
        if not self.experiment.clamp_dopamine:
            system.process_reward(reward, self.expected)
        self.expected += self.experiment.expectation_rate * error
        self.log.add_event(step, "reward", reward)
