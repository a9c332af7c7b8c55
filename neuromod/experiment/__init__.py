"""The main job: what ``neuromod run`` does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neuromod.experiment.run import run_experiment, run_experiment_on_ranks
    from neuromod.experiment.show import GROUP_NAMES, image_order, synapse_groups

__all__ = ["GROUP_NAMES", "image_order", "run_experiment", "run_experiment_on_ranks", "synapse_groups"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'neuromod.experiment' has no attribute {name!r}")
    from neuromod.experiment import run, show

    return getattr(run if name.startswith("run_") else show, name)
