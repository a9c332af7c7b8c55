"""Learning curves from the rows of agent_curves.py: a panel for each task, the mean over seeds of each kind of agent.

Usage: ``python agent_figure.py FOLDER FILE``; bands are standard deviations. Where a run has ended, since its task was
solved, its last value counts.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
from agent_curves import BINS, KINDS, LABELS, rows_of
from agent_tasks import TASKS
from numpy.typing import NDArray

NAMES = {
    "free": "agent",
    "dopamine": "dopamine clamped",
    "norepinephrine": "norepinephrine clamped",
    "serotonin": "serotonin clamped",
    "table": "SARSA",
    "random": "random",
}
COLORS = dict(zip(KINDS, ("C0", "C3", "C2", "C4", "0.2", "0.65"), strict=True))


def curves_of(rows: list[dict[str, Any]]) -> NDArray[np.float64]:
    """Mean return of the episodes in each part of the steps, shape (n_seeds, BINS); NaN before the first episode."""
    table = np.array([[np.nan if v is None else v for v in json.loads(row["curve"])] for row in rows])
    for k in range(1, table.shape[1]):
        gone = np.isnan(table[:, k])
        table[gone, k] = table[gone, k - 1]
    return table


def draw(folder: Path, to: Path) -> None:
    """The figure."""
    import matplotlib.pyplot as plt
    from PIL import Image

    tasks = [t for t in (*LABELS, *(t for t in TASKS if t not in LABELS)) if rows_of(folder, t, "free")]
    columns = 6
    figure, axes = plt.subplots(
        math.ceil(len(tasks) / columns), columns, figsize=(14.0, 2.1 * math.ceil(len(tasks) / columns))
    )
    for ax in axes.flat[len(tasks) :]:
        ax.set_axis_off()
    for ax, task in zip(axes.flat, tasks, strict=False):
        steps = (np.arange(BINS) + 0.5) / BINS * TASKS[task].steps / 1000.0
        for kind in reversed(KINDS):
            rows = rows_of(folder, task, kind)
            if not rows:
                continue
            table = np.ma.masked_invalid(curves_of(rows))
            mean, spread = table.mean(axis=0), table.std(axis=0)
            ax.plot(steps, mean, color=COLORS[kind], lw=1.0)
            ax.fill_between(steps, mean - spread, mean + spread, color=COLORS[kind], alpha=0.12, lw=0)
        ax.set_title(
            LABELS.get(task, task).replace("PerceptualDecisionMaking", "PerceptualDecision"), fontsize=7
        )
        ax.tick_params(labelsize=6)
        ax.spines[["top", "right"]].set_visible(False)
    lines = [plt.Line2D([], [], color=COLORS[kind], label=NAMES[kind]) for kind in KINDS]
    axes.flat[-1].legend(handles=lines, fontsize=7, loc="center", frameon=False)
    figure.supxlabel("thousands of steps", fontsize=8)
    figure.supylabel("return of an episode", fontsize=8)
    figure.tight_layout()
    figure.savefig(to, dpi=80)
    plt.close(figure)
    with Image.open(to) as drawn:
        few = drawn.convert("RGB").quantize(96)
    few.save(to, optimize=True)


if __name__ == "__main__":
    draw(Path(sys.argv[1]), Path(sys.argv[2]))
