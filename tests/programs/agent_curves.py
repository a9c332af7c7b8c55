"""Learning curves of agents over many seeds, beside controls; a table with effect sizes.

Usage::

    python agent_curves.py run TASK[,TASK...] [--kinds free,table,...] [--seeds 20] [--to FOLDER]
    python agent_curves.py table [--to FOLDER]
    python agent_curves.py markdown [--to FOLDER]

Each run is a line of FOLDER/TASK.KIND.jsonl when it has ended; a second call goes on with what is missing. Kinds:

- ``free``: the spiking agent, whose three modulators work;
- ``dopamine``, ``norepinephrine``, ``serotonin``: the same agent with this modulator clamped to its baseline;
- ``table``: SARSA(lambda) with the weights of as many cells, which fire for the same observations;
- ``random``: each action as likely as the others.

``table`` prints scores, their differences with intervals, and mean curves; ``markdown`` the table of the guide's page.
The score of a run is the mean return of the last third of its episodes, or of the last 100 where the task ends when it
is solved.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
from agent_tasks import TASKS, AgentTask
from numpy.typing import NDArray

import neuromod
from neuromod.agents import Agent, History, StopOnMeanReturn, evaluate
from neuromod.response import cohens_d

MODULATORS = ("dopamine", "norepinephrine", "serotonin")
KINDS = ("free", *MODULATORS, "table", "random")
BINS = 20
"""Points of a curve."""


class Table:
    """SARSA(lambda) with replacing traces over the cells of an encoder; actions are epsilon-greedy."""

    def __init__(
        self, encoder: Any, n_actions: int, alpha: float, discount: float, trace: float, seed: int
    ) -> None:
        self.encoder, self.n_actions = encoder, n_actions
        self.alpha, self.discount, self.trace = alpha / encoder.n_active, discount, trace
        self.weights = np.zeros((n_actions, encoder.n_cells))
        self.tags = np.zeros_like(self.weights)
        self.epsilon = 0.0
        self.random = np.random.default_rng(seed)

    def predict(self, observation: Any, deterministic: bool = True) -> tuple[int, None]:
        return self._chosen(self.encoder.encode(observation), 0.0 if deterministic else self.epsilon), None

    def _chosen(self, cells: Any, epsilon: float) -> int:
        if self.random.random() < epsilon:
            return int(self.random.integers(self.n_actions))
        values = self.weights[:, cells].sum(axis=1)
        return int(self.random.choice(np.flatnonzero(values == values.max())))

    def learn(self, env: Any, steps: int, seed: int, solved: float | None) -> History:
        """Epsilon falls from 0.3 to 0.01 over the first half of the steps."""
        history, total, length = History(), 0.0, 0
        observation, _ = env.reset(seed=seed)
        first = int(getattr(env.action_space, "start", 0))
        cells = self.encoder.encode(observation)
        action = self._chosen(cells, 0.3)
        for done in range(1, steps + 1):
            self.epsilon = max(0.01, 0.3 * (1.0 - 2.0 * done / steps))
            observation, reward, terminated, truncated, _ = env.step(first + action)
            total, length = total + float(reward), length + 1
            after = self.encoder.encode(observation)
            then = self._chosen(after, self.epsilon)
            ahead = 0.0 if terminated else self.discount * float(self.weights[then, after].sum())
            error = float(reward) + ahead - float(self.weights[action, cells].sum())
            self.tags *= self.trace * self.discount
            self.tags[:, cells] = 0.0
            self.tags[action, cells] = 1.0
            self.weights += self.alpha * error * self.tags
            cells, action = after, then
            if terminated or truncated:
                history.add(total, length, done)
                total, length = 0.0, 0
                self.tags[:] = 0.0
                if solved is not None and len(history) >= 100 and history.returns[-100:].mean() >= solved:
                    break
                observation, _ = env.reset()
                cells = self.encoder.encode(observation)
                action = self._chosen(cells, self.epsilon)
        return history


def at_random(env: Any, steps: int, seed: int) -> History:
    """Episodes of random actions."""
    history, total, length = History(), 0.0, 0
    env.reset(seed=seed)
    env.action_space.seed(seed)
    for done in range(1, steps + 1):
        _, reward, terminated, truncated, _ = env.step(env.action_space.sample())
        total, length = total + float(reward), length + 1
        if terminated or truncated:
            history.add(total, length, done)
            total, length = 0.0, 0
            env.reset()
    return history


def one_run(task: str, kind: str, seed: int) -> dict[str, float | str]:
    """A row."""
    about = TASKS[task]
    env = about.make()
    if kind == "random":
        return _row(about, at_random(env, about.steps, seed), None, env)
    if kind == "table":
        known = {"discount": 0.95, "trace": 0.8, **about.settings}
        encoder = about.encoder(env.observation_space)
        table = Table(encoder, int(env.action_space.n), about.alpha, known["discount"], known["trace"], seed)
        return _row(about, table.learn(env, about.steps, seed, about.solved), table, env)
    encoder = about.encoder(env.observation_space)
    agent = Agent(env.observation_space, env.action_space, seed=seed, encoder=encoder, **about.settings)
    if kind != "free":
        agent.clamp(**{kind: 0.5})
    stop = None if about.solved is None else StopOnMeanReturn(about.solved)
    return _row(about, agent.learn(env, about.steps, callback=stop, progress=False), agent, env)


def _row(about: AgentTask, history: History, agent: Any, env: Any) -> dict[str, float | str]:
    returns = history.returns
    late = 100 if about.solved is not None else max(1, len(returns) // 3)
    score = float(returns[-late:].mean()) if len(returns) else float("nan")
    row: dict[str, float | str] = {
        "score": score,
        "episodes": len(history),
        "steps": history.ends[-1] if len(history) else 0,
        "solved": float(about.solved is not None and len(returns) >= 100 and score >= about.solved),
        "curve": json.dumps(_curve(history, about.steps)),
    }
    if agent is not None and about.evaluated:
        row["evaluated"] = float(evaluate(agent, env, about.evaluated, seed=10_000).mean())
    return row


def _curve(history: History, steps: int) -> list[float | None]:
    """Mean return of the episodes that ended in each part of the steps; None where none did."""
    ends, returns = np.array(history.ends), history.returns
    found: list[float | None] = []
    for k in range(BINS):
        own = (
            returns[(ends > steps * k / BINS) & (ends <= steps * (k + 1) / BINS)] if len(returns) else returns
        )
        found.append(round(float(own.mean()), 4) if len(own) else None)
    return found


# ---- the table -------------------------------------------------------------------------------------------------


def interval(free: NDArray[np.float64], control: NDArray[np.float64], seed: int = 0) -> tuple[float, float]:
    """A 95 % interval of the difference of the means, by 10,000 bootstrap samples of the seeds."""
    random = np.random.default_rng(seed)
    draws = [x[random.integers(len(x), size=(10_000, len(x)))].mean(axis=1) for x in (free, control)]
    low, high = np.percentile(draws[0] - draws[1], [2.5, 97.5])
    return float(low), float(high)


def rows_of(folder: Path, task: str, kind: str) -> list[dict[str, Any]]:
    """The rows on the disk, in the order of their seeds."""
    path = folder / f"{task}.{kind}.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()[1:]] if path.exists() else []
    found = [line["figures"] | {"seed": line["seed"]} for line in lines if line.get("figures")]
    return sorted(found, key=lambda row: row["seed"])


def print_table(folder: Path) -> None:
    """Means and standard deviations over seeds; for controls the difference of the free agent, its interval and d."""
    for task in TASKS:
        rows = {kind: rows_of(folder, task, kind) for kind in KINDS}
        if not rows["free"]:
            continue
        print(f"\n{task} ({TASKS[task].steps} steps)")
        for name in ("score", "evaluated"):
            scores = {k: np.array([row[name] for row in r if name in row]) for k, r in rows.items()}
            free = scores["free"]
            for kind, own in scores.items():
                if not len(own):
                    continue
                text = f"  {name:9s} {kind:15s} {len(own):3d} seeds {own.mean():9.3f} sd {own.std():8.3f}"
                if kind != "free" and len(own) > 1 and len(free) > 1:
                    low, high = interval(free, own)
                    gain = f"{free.mean() - own.mean():+9.3f} [{low:+.3f}, {high:+.3f}]"
                    text += f"  free - {kind}: {gain}  d {cohens_d(free, own):+.2f}"
                if TASKS[task].solved is not None:
                    text += f"  solved {int(sum(row['solved'] for row in rows[kind]))}"
                    text += f", episodes {np.median([row['episodes'] for row in rows[kind]]):.0f}"
                print(text)
        for kind, own_rows in rows.items():
            print(f"  curve {kind:15s} {_mean_curve(own_rows)}")


LABELS = {
    "CartPole": "CartPole-v1",
    "FrozenLake": "FrozenLake-v1, not slippery",
    "Slippery": "FrozenLake-v1, slippery",
    "Acrobot": "Acrobot-v1",
    "MiniGrid": "MiniGrid-Empty-5x5",
    "GoNogo of neurogym": "neurogym GoNogo",
    "PerceptualDecisionMaking of neurogym": "neurogym PerceptualDecisionMaking",
    "DelayPairedAssociation of neurogym": "neurogym DelayPairedAssociation",
}
"""Tasks as the guide names them, in its order; the others follow under their own names."""


def print_markdown(folder: Path) -> None:
    """Mean, standard deviation and Cohen's d of each task and kind, as rows of Markdown."""
    for task in (*LABELS, *(name for name in TASKS if name not in LABELS)):
        rows = {kind: rows_of(folder, task, kind) for kind in KINDS}
        if rows["free"]:
            print(
                markdown_row(
                    LABELS.get(task, task), {k: [row["score"] for row in r] for k, r in rows.items()}
                )
            )


def markdown_row(label: str, scores: dict[str, list[float]]) -> str:
    """One task. The number of seeds is told where it is not 20, or 10 with a clamped modulator."""
    free = np.array(scores["free"])
    digits = 0 if abs(free.mean()) >= 100.0 else 1 if abs(free.mean()) >= 10.0 else 2
    cells = [label]
    for kind in KINDS:
        own = np.array(scores[kind])
        if not len(own):
            cells.append("not run")
            continue
        text = f"{own.mean():.{digits}f}" + (f" ({own.std():.{digits}f})" if len(own) > 1 else "")
        if kind != "free" and len(own) > 1:
            d = cohens_d(free, own)
            text += f" [{'> 100' if d > 100.0 else f'{d:+.1f}'}]"
        if len(own) != (10 if kind in MODULATORS else 20):
            text += f", {len(own)} seed{'s' * (len(own) > 1)}"
        cells.append(text)
    return f"| {' | '.join(cells)} |"


def _mean_curve(rows: Sequence[dict[str, Any]]) -> str:
    """The mean over seeds; where a run has ended its last value counts."""
    if not rows:
        return ""
    curves = []
    for row in rows:
        last: float = float("nan")
        curve = []
        for value in json.loads(row["curve"]):
            last = last if value is None else value
            curve.append(last)
        curves.append(curve)
    table = np.ma.masked_invalid(np.array(curves))
    return " ".join(f"{value:.3g}" for value in table.mean(axis=0).filled(np.nan))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=("run", "table", "markdown"))
    parser.add_argument("tasks", nargs="?", default=",".join(TASKS))
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--seeds", type=int, default=20, help="of the free agent; controls may have fewer")
    parser.add_argument("--clamped", type=int, help="seeds where a modulator is clamped; default by task")
    parser.add_argument("--to", type=Path, default=Path("curves"))
    given = parser.parse_args()
    if given.what == "run":
        given.to.mkdir(parents=True, exist_ok=True)
        for task in given.tasks.split(","):
            for kind in given.kinds.split(","):
                few = TASKS[task].clamped_seeds if given.clamped is None else given.clamped
                most = few if kind in MODULATORS else given.seeds
                point = {"task": [task], "kind": [kind]}
                to = given.to / f"{task}.{kind}.jsonl"
                table = neuromod.sweep(
                    one_run, point, seeds=list(range(min(most, given.seeds))), to=to, progress=False
                )
                print(task, kind, table.n_runs, *table.failures, flush=True)
    elif given.what == "table":
        print_table(given.to)
    else:
        print_markdown(given.to)


if __name__ == "__main__":
    main()
