"""What modulators do at their baselines, which a user who named only some of them may not expect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from neuromod.errors import say
from neuromod.modulation.modulator import Modulator

__all__ = ["say_what_acts_at_rest"]

_SAID: list[bool] = []  # whether it was said in this process


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


def _at_rest(modulator: Modulator) -> Iterator[str]:
    for target in modulator.targets:
        effect = modulator.factor(0, target)
        if target == "threshold" and effect != 0.0:
            yield f"{modulator.name} raises thresholds by {100.0 * effect:.3g} %"
        elif target != "threshold" and effect != 1.0:
            yield f"{modulator.name} multiplies {target} by {effect:.4g}"
