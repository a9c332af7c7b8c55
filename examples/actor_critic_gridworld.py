"""An actor and a critic of spiking neurons learn the way to a goal; dopamine is their error of prediction.

A gridworld of 5 x 5 places: start in one corner, reward 1 in the opposite one, four moves, walls stop. The agent is
in a place for 130 ms, in which Poisson place cells fire 1000 spikes a second there. They drive the critic, whose
rate is the value V of the place, and four groups of actor neurons that inhibit each other: the move is that of the
group with most spikes. A random current for each group and decision makes the agent explore. 40 ms after a move,
when the critic has valued the new place, dopamine gets the error r + gamma V(new) - V(old); V is 0 in the goal.

Both projections learn by the three factors of Fremaux, Sprekeler & Gerstner (2013, doi:10.1371/journal.pcbi.1003024;
compare Potjans, Diesmann & Morrison 2011, doi:10.1371/journal.pcbi.1001133): the presynaptic trace at a postsynaptic
spike (a_minus is 0), remembered for 200 ms, times dopamine's deviation from its baseline. Nothing else is taught.
The control is the same agent with its dopamine clamped to the baseline.
"""

import argparse

import numpy as np

from neuromod import BrainModel, Simulation, create_neuromodulation_system

parser = argparse.ArgumentParser(description="A spiking actor-critic in a gridworld")
parser.add_argument("--seeds", type=int, default=6)
parser.add_argument("--figure", metavar="FILE", help="draw the learning curves; needs matplotlib")
arguments = parser.parse_args()
if arguments.seeds < 1:
    parser.error(f"--seeds: must be >= 1; got {arguments.seeds}")

SIZE, GOAL, TRIALS, MOST_MOVES = 5, (4, 4), 20, 100
PROBES = np.array([(0, 0), (4, 3), (3, 4)])
MOVES = np.array([(0, 1), (0, -1), (1, 0), (-1, 0)])
GAMMA, HZ_PER_VALUE, EXPLORATION = 0.9, 40.0, 5.0  # the critic's scale in Hz; mV
RATE, WIDTH = 1000.0, 0.6  # place cells: Hz of all together; places
AREAS = {
    "place": [SIZE, SIZE, 4, "poisson"],
    "actor": [8, 4, 1, "lif"],
    "critic": [8, 4, 1, "lif"],
}  # x, y, z
LIF = {"tau_m": 20.0, "v_rest": -65.0, "v_reset": -65.0, "v_threshold": -50.0, "refractory_period": 2.0}
RULE = {
    "rule": "rstdp", "coincident": "pre_first",
    "learning_rate": 0.004, "a_plus": 1.0, "a_minus": 0.0, "tau_plus": 20.0, "tau_c": 200.0,
    "weight_min": 0.0, "weight_max": 3.0,
}  # fmt: skip
MODULATORS = {
    "dopamine": {"baseline": 0.5, "tau": 20.0, "sensitivity": 0.4, "learning_rate_modulation": 1.0},
    "serotonin": {"inhibition_strength": 0.0},  # only dopamine acts
    "norepinephrine": {"gain_modulation": 0.0},
}


class Agent:
    """Place cells, actor and critic of one seed."""

    def __init__(self, seed: int, learns: bool) -> None:
        self.learns, self.random = learns, np.random.default_rng(seed)
        areas = []
        for w, (name, (x, y, z, model)) in enumerate(AREAS.items()):
            ranges = {"x": [0, x - 1], "y": [0, y - 1], "z": [0, z - 1], "w": [w, w]}
            areas.append({"name": name, "coord_ranges": ranges, "model": model})
        config = {"lattice_shape": [8, 5, 4, 3], "areas": areas}
        config["neuron_model"] = {"type": "lif", "params_default": LIF}
        config["background_drive"] = {"rate": 1000.0, "weight": 0.5}  # Hz, mV; place cells are deaf to it
        self.system = create_neuromodulation_system(MODULATORS)
        self.sim = Simulation(BrainModel(config=config), seed=seed, neuromodulation=self.system)
        self.place, self.actor, self.critic = (self.sim.initialize_neurons([name]) for name in AREAS)
        neurons = self.sim.model.neurons
        self.centre = np.stack([neurons.x, neurons.y], axis=1)[self.place]
        self.stands_for = neurons.y[self.actor]  # the move of each actor neuron
        for name in ("actor", "critic"):
            self.sim.connect("place", name, probability=1.0, weight={"normal": [0.6, 0.03]}, rule=RULE)
        for move in range(4):
            mine = self.stands_for == move
            pre, post = self.actor[mine], self.actor[~mine]
            self.sim.connect(pre, post, probability=1.0, weight=3.0, synapse_type="inhibitory", rule="none")
        self.rate_at_first = 0.0  # of the critic, Hz: it counts as value 0
        visits = [self.enter(place) for place in self.random.integers(SIZE, size=(21, 2))]
        self.rate_at_first = HZ_PER_VALUE * np.mean(visits[1:])

    def run(self, n_steps: int, current: float | np.ndarray = 0.0) -> np.ndarray:
        """Spikes of each neuron in so many ms; `current` (mV) goes to the actor."""
        rows = np.broadcast_to(current, (n_steps, len(self.actor)))
        return self.sim.run(n_steps, input=rows, input_ids=self.actor, progress=False)["spike_counts"]

    def enter(self, place: np.ndarray) -> float:
        """Let the place cells of a place fire; its value after 40 ms."""
        tuning = np.exp(-np.sum((self.centre - place) ** 2, axis=1) / (2.0 * WIDTH**2))
        self.sim.model.neurons.rate[self.place] = RATE * tuning / tuning.sum()
        self.current = self.random.normal(0.0, EXPLORATION, 4)[self.stands_for]
        self.run(10, self.current)
        rate = self.run(30, self.current)[self.critic].mean() / 0.030
        return (rate - self.rate_at_first) / HZ_PER_VALUE

    def move(self) -> np.ndarray:
        """The move of the winners in the next 90 ms."""
        spikes = self.run(90, self.current)[self.actor]
        votes = np.bincount(self.stands_for, spikes, minlength=4)
        return MOVES[np.argmax(votes + self.random.uniform(0.0, 0.5, 4))]  # chance decides between equals

    def learn(self, outcome: float, expected: float) -> None:
        """Dopamine gets the error of prediction."""
        if self.learns:
            self.system.process_reward(outcome, expected_reward=expected)

    def trial(self) -> int:
        """From the start to the goal, or to the last move allowed; the number of moves."""
        place, expected, n_moves = np.array([0, 0]), None, 0
        while tuple(place) != GOAL and n_moves < MOST_MOVES:
            value = self.enter(place)
            if expected is not None:
                self.learn(GAMMA * value, expected)
            place, expected = np.clip(place + self.move(), 0, SIZE - 1), value
            n_moves += 1
        if tuple(place) == GOAL:
            self.learn(1.0, expected)
        self.sim.model.neurons.rate[self.place] = 0.0
        self.run(300)
        return n_moves


def draw(curves: dict[str, np.ndarray], file: str) -> None:
    """Learning curves: median and quartiles over the seeds."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 3.5), layout="constrained")
    axes, trial = figure.subplots(), np.arange(1, TRIALS + 1)
    for label, moves in curves.items():
        low, median, high = np.quantile(moves, [0.25, 0.5, 0.75], axis=0)
        line = axes.plot(trial, median, label=label)[0]
        axes.fill_between(trial, low, high, color=line.get_color(), alpha=0.2)
    axes.axhline(2 * (SIZE - 1), color="black", linewidth=0.5, linestyle="--", label="shortest way")
    axes.set(xlabel="trial", ylabel="moves to the goal", ylim=(0, None))
    axes.legend(frameon=False)
    figure.savefig(file, dpi=150)


curves, shortest = {}, 2 * (SIZE - 1)
for label, learns in (("dopamine is the TD error", True), ("dopamine clamped", False)):
    agents = [Agent(seed, learns) for seed in range(arguments.seeds)]
    curves[label] = np.array([[agent.trial() for _ in range(TRIALS)] for agent in agents])
    visits = [[[agent.enter(place) for place in PROBES] for _ in range(10)] for agent in agents]
    value = np.mean(visits, axis=1)
    start, last = np.median(value[:, 0]), np.median(value[:, 1:].max(axis=1))  # one of two leads to the goal
    print(
        f"{label}: value {start:+.2f} at the start, {last:+.2f} before the goal; median moves of each trial:"
    )
    print("  " + " ".join(f"{moves:g}" for moves in np.median(curves[label], axis=0)))
    # The shortest way makes it gamma^7 = 0.48 and 1.
    assert not learns or (0.2 < start < 0.8 and 0.7 < last < 1.3)
late = {label: np.median(moves[:, -5:], axis=1) for label, moves in curves.items()}
print(f"seeds: {arguments.seeds}; shortest way: {shortest}; median of each seed's last five trials:")
print("\n".join(f"  {label}: {sorted(moves.tolist())}" for label, moves in late.items()))
# Of 40 seeds all ended at 8 to 16 moves (median 8), and clamped at 21 to 100 (median 62).
learned, clamped = late.values()
assert np.median(learned) <= shortest + 2 and np.median(clamped) > 3 * shortest
if arguments.figure:
    draw(curves, arguments.figure)
