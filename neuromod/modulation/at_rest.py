"""What modulators do by default that a user may not expect: at their baselines, and at another time step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import log1p
from typing import Any

from neuromod.errors import say
from neuromod.modulation.modulator import Modulator

__all__ = ["say_what_acts_at_rest", "say_what_decays_by_step"]

_SAID: list[bool] = []  # whether it was said in this process
_SAID_OF_DECAY: list[bool] = []  # likewise


def say_what_acts_at_rest(modulators: Sequence[Modulator], given: Mapping[str, Any]) -> None:
    """Say once what those modulators do at rest that were not asked for, or asked for with nothing said of them.

    Parameters
    ----------
    modulators : sequence of Modulator
        Those of one system.
    given : mapping
        The section that the system was made from. Where it names no modulator, the defaults are wanted.
    """
    named = any(each.name in given for each in modulators)
    quiet = [each for each in modulators if not given.get(each.name)]
    found = [text for each in quiet for text in _at_rest(each)]
    if named and found and not _SAID:
        _SAID.append(True)
        say(
            f'neuromodulation: by default, and at rest, {"; ".join(found)}; "neutral": true makes a system, or one '
            "modulator, act on nothing at its baseline"
        )


def say_what_decays_by_step(modulators: Sequence[Modulator], dt: float) -> None:
    """Say once what time constant a decay by steps has at a time step that the default was not made for.

    Parameters
    ----------
    modulators : sequence of Modulator
        Those of one system.
    dt : float, ms
        The time step of the simulation. Nothing is said at 1 ms.
    """
    found = [each for each in modulators if each.state.tau is None and each.state.decay_rate > 0.0]
    if dt == 1.0 or not found or _SAID_OF_DECAY:
        return
    _SAID_OF_DECAY.append(True)
    rate = found[0].state.decay_rate
    tau = -1.0 / log1p(-rate) if rate < 1.0 else 0.0
    say(
        f"neuromodulation: {', '.join(each.name for each in found)} decay by steps (decay_rate), not by ms: the time "
        f"constant of {found[0].name} is {tau * dt:.3g} ms at dt {dt:g} ms, {tau:.3g} ms at dt 1 ms; tau (ms), as in "
        f"system.{found[0].name}.state.tau = {max(tau, 1.0):.3g}, does not depend on dt"
    )


def _at_rest(modulator: Modulator) -> Iterator[str]:
    for target in modulator.targets:
        effect = modulator.factor(0, target)
        if target == "threshold" and effect != 0.0:
            yield f"{modulator.name} raises thresholds by {100.0 * effect:.3g} %"
        elif target != "threshold" and effect != 1.0:
            yield f"{modulator.name} multiplies {target} by {effect:.4g}"
