"""What a Ctrl-C says of the run that it has ended; `neuromod/_core/interrupts.pxi` says when it comes."""

from __future__ import annotations

__all__ = ["told"]


def told(interrupt: KeyboardInterrupt, step: int, dt: float, left: int) -> KeyboardInterrupt:
    """A Ctrl-C that says where a run is; one that says something already stays. `left`: steps to the run's end."""
    if interrupt.args or type(interrupt) is not KeyboardInterrupt:
        return interrupt
    at = f"after step {step:,} ({step * dt:,.12g} ms), {left:,} steps before its end"
    return KeyboardInterrupt(f"run: was interrupted {at}; what is done stays, and run goes on from there")
