"""What all critics have in common: weights by key, their state, and the way back from it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from neuromod.closed import Closed, fixed
from neuromod.errors import ConfigError
from neuromod.modulation.features import LinearWeights, checked_part, saved_table
from neuromod.problems import shown
from neuromod.state import SavedPart, check_seal

__all__ = ["LARGEST", "Critic", "checked_state"]

Floats = NDArray[np.float64]

LARGEST = 1.7976931348623157e308


class Critic(Closed):
    """Weights by key, and what the two critics do alike."""

    def __init__(self, learning_rate: float, initial_value: float) -> None:
        self.learning_rate = learning_rate
        self._weights = LinearWeights(initial_value)

    @property
    def learning_rate(self) -> float:
        """Part of a prediction error by which a fully present key moves; 0 to 1. May be set at any time."""
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        self._learning_rate = checked_part("learning_rate", value)

    @property
    def values(self) -> dict[Hashable, float]:
        """Weight of each key learned so far, in reward units. A copy."""
        return self._weights.keyed

    @property
    def feature_weights(self) -> Floats | None:
        """Weights of the features, shape (n_features,), a read-only copy; None before an array was learned."""
        weights = self._weights.features
        return None if weights is None else fixed(weights.copy())

    def value(self, state: Any) -> float:
        """The reward predicted from a state: the sum over what is present.

        Parameters
        ----------
        state : key, set, mapping, array_like of float, no unit, or None
            As the module says. What was not met yet counts with the initial value; nothing is stored.

        Returns
        -------
        float
            Reward units.

        Raises
        ------
        TypeError, ValueError
            If it is no state, or a number in it is not finite.
        """
        return self._weights.value(self._weights.active(state))

    def reset(self) -> None:
        """Forget all that was learned."""
        self._weights.table.clear()

    def to_dict(self) -> dict[str, Any]:
        """Of each kind its own."""
        raise NotImplementedError

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Self:
        """Of each kind its own."""
        raise NotImplementedError

    def __copy__(self) -> Self:
        """A critic that learns by itself from here."""
        return type(self).from_dict(self.to_dict())

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        """Pickled, and copied deeply, as what `from_dict` takes and checks."""
        return type(self).from_dict, (self.to_dict(),)

    def _saved(self) -> dict[str, Any]:
        return {
            "kind": type(self).__name__,
            "learning_rate": self._learning_rate,
            "initial_value": self._weights.initial,
            "weights": saved_table(self._weights.table),
        }


def checked_state(cls: type, state: Any, *names: str) -> SavedPart:
    """What `to_dict` of that class gave, with all its fields and the sum that stands beside them."""
    part = SavedPart(state, "state")
    part.has("kind")
    part.finish()
    if state["kind"] != cls.__name__:
        raise ConfigError([f"state.kind: must be {cls.__name__}; got {shown(state['kind'])}"])
    known = ("kind", "weights", *names)
    part.has(*known)
    part.only(*known, "version", "sha256")
    part.finish()
    check_seal({name: state[name] for name in known}, state.get("version"), state.get("sha256"))
    return part
