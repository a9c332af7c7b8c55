"""The user's tutorial, every Python block in order in one interpreter, `src.` read as `neuromod.`, nothing else
changed. What the tutorial leaves to its reader (`action_successful`, `environment`, ...) is supplied here.

Example 1 is 5,000 steps, each with a Python loop over all synapses. It runs whole on a `brain_base_model.json` of
the reader's own with a smaller `V1_like` (100 neurons), and for its first steps on the shipped one; the whole of it
on the shipped one (800 neurons, 64,000 synapses: 3.2e8 turns of the inner loop) is marked slow. Example 4 runs
whole, as written.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import re
import time
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from neuromod import _core

TUTORIAL = Path(__file__).parent / "data" / "neuromodulation-tutorial.md"
BLOCKS = [
    text.replace("from src.", "from neuromod.")
    for text in re.findall(r"```python\n(.*?)```", TUTORIAL.read_text(), re.DOTALL)
]
TITLES = (
    "basic dopamine",
    "prediction error",
    "plasticity",
    "basic serotonin",
    "threshold",
    "punishment",
    "basic norepinephrine",
    "input",
    "attention",
    "system",
    "decay",
    "configuration",
    "reward-modulated",
    "state-dependent",
    "combined",
    "example 1",
    "example 2",
    "example 3",
    "example 4",
)
FIRST_EXAMPLE = TITLES.index("example 1")


class Ran(NamedTuple):
    """What one block did."""

    printed: str
    cpu_seconds: float
    failure: BaseException | None
    seen: dict[str, float]  # the numbers of the namespace, after the block


class TrainingStopped(Exception):
    """Raised by an environment that has seen enough steps."""


class Environment:
    """Pays for the action that the current state asks for; states change every 20 steps."""

    def __init__(self, steps: int | None = None) -> None:
        self.seen, self.limit = 0, steps

    @property
    def state(self) -> int:
        return self.seen // 20 % 2

    def step(self, action: int) -> float:
        if self.seen == self.limit:
            raise TrainingStopped
        self.seen += 1
        return 1.0 if action == self.state else 0.0


def left_to_the_reader(environment: Environment) -> dict[str, Any]:
    """The names that the tutorial uses and does not define."""
    inhibit = itertools.cycle([True, False])
    uncertain = itertools.cycle([0.1, 0.9])

    def just_fired(sim: Any) -> np.ndarray:
        return np.asarray(sim.model.neurons.last_spike_time) == sim.time

    def select_action_from_spikes(sim: Any) -> int:
        fired, middle = just_fired(sim), np.median(sim.model.neurons.x)
        return int(np.sum(fired[sim.model.neurons.x > middle]) > np.sum(fired[sim.model.neurons.x <= middle]))

    def present_stimulus(sim: Any) -> None:
        sim.model.neurons.external_input[::2] = 30.0

    return {
        "action_successful": True,
        "environment": environment,
        "get_environment_state": lambda: environment.state,
        "select_action_from_spikes": select_action_from_spikes,
        "compute_plasticity": lambda synapse: 1e-4 * (0.5 - synapse.weight),
        "trials": 10,
        "compute_environmental_uncertainty": lambda: next(uncertain),
        "compute_input": lambda neuron: 2.0 if neuron.x % 2 else 0.0,
        "present_stimulus": present_stimulus,
        "task_requires_inhibition": lambda: next(inhibit),
        "detect_response": lambda sim: int(np.sum(just_fired(sim))),
    }


def run_block(block: str, namespace: dict[str, Any]) -> Ran:
    printed, failure, start = io.StringIO(), None, time.process_time()
    try:
        with contextlib.redirect_stdout(printed):
            exec(compile(block, "tutorial", "exec"), namespace)
    except (Exception, SystemExit) as error:
        failure = error
    seconds = time.process_time() - start
    seen = {name: value for name, value in namespace.items() if isinstance(value, float)}
    if hasattr(namespace.get("neuromod"), "get_state"):
        seen |= namespace["neuromod"].get_state()
    if hasattr(namespace.get("synapse"), "weight"):
        seen["synapse.weight"] = namespace["synapse"].weight
    return Ran(printed.getvalue(), seconds, failure, seen)


def small_configuration() -> dict[str, Any]:
    """The shipped configuration with 10 x 10 x 10 sites in V1_like."""
    config = json.loads(files("neuromod").joinpath("data", "brain_base_model.json").read_text())
    area = next(area for area in config["areas"] if area["name"] == "V1_like")
    area["coord_ranges"].update({axis: [0, 9] for axis in "xyz"})
    return config


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Ran], dict[str, Any]]:
    """All blocks, once, and the namespace they leave."""
    namespace: dict[str, Any] = {"__name__": "__main__", **left_to_the_reader(Environment())}
    own = tmp_path_factory.mktemp("reader")
    (own / "brain_base_model.json").write_text(json.dumps(small_configuration()))
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    ran = []
    for title, block in zip(TITLES, BLOCKS, strict=True):
        with contextlib.chdir(own if title == "example 1" else elsewhere):
            ran.append(run_block(block, namespace))
    return ran, namespace


@pytest.mark.parametrize("title", TITLES)
def test_block_runs(run: tuple[list[Ran], dict[str, Any]], title: str) -> None:
    ran = run[0][TITLES.index(title)]
    if ran.failure is not None:
        raise ran.failure


def figures() -> list[tuple[int, str, str]]:
    """(block, text before the figure, figure) of every print whose comment gives one: `print(...)  # ~0.018 ...`."""
    pattern = re.compile(r'print\(f"([^"{]*)\{[^"]*"\)\s*#\s*~?(-?\d+\.\d+)')
    return [(k, *match) for k, block in enumerate(BLOCKS) for match in pattern.findall(block)]


def printed_value(ran: Ran, label: str) -> float:
    lines = [line for line in ran.printed.splitlines() if line.startswith(label)]
    assert len(lines) == 1, f"{label!r} was printed {len(lines)} times"
    return float(lines[0].removeprefix(label))


def test_the_figures_are_those_of_the_tutorial() -> None:
    assert [figure for _, _, figure in figures()] == [
        "1.0", "0.018", "0.002", "10.1", "11.0", "5.4", "14.0", "10.0", "20.0",
    ]  # fmt: skip


@pytest.mark.parametrize(("block", "label", "figure"), figures())
def test_printed_figure_to_the_digit(
    run: tuple[list[Ran], dict[str, Any]], block: int, label: str, figure: str
) -> None:
    digits = len(figure.split(".")[1])
    assert f"{printed_value(run[0][block], label):.{digits}f}" == figure


@pytest.mark.parametrize(
    ("title", "label", "low", "high"),
    [  # the comments in words: "Increased", "> 1.0 (enhanced)", "Decreased", "High", "Toward baseline"
        ("basic dopamine", "Dopamine level: ", 0.5, 1.0),
        ("basic dopamine", "Learning rate multiplier: ", 1.0, 2.0),
        ("basic serotonin", "Serotonin level: ", 0.0, 0.5),
        ("basic norepinephrine", "Norepinephrine level: ", 0.5, 1.0),
        ("basic norepinephrine", "Gain multiplier: ", 1.0, 3.22),
        ("decay", "Dopamine after reward: ", 0.8, 1.0),
        ("decay", "Dopamine after decay: ", 0.5, 0.7),
    ],
)
def test_printed_level_lies_where_the_comment_says(
    run: tuple[list[Ran], dict[str, Any]], title: str, label: str, low: float, high: float
) -> None:
    assert low < printed_value(run[0][TITLES.index(title)], label) < high


def test_prediction_error_scenarios(run: tuple[list[Ran], dict[str, Any]]) -> None:
    dopamine = type(run[1]["dopamine"])()
    levels = []
    for reward, expected in ((1.0, 0.0), (1.0, 1.0), (0.0, 1.0)):
        dopamine.update(reward=reward, expected_reward=expected)
        levels.append(dopamine.state.level)
    assert levels == pytest.approx([0.9, 0.5, 0.1])


def test_low_serotonin_inhibits_less(run: tuple[list[Ran], dict[str, Any]]) -> None:
    serotonin = type(run[1]["serotonin"])()
    before = serotonin.get_inhibition_factor()
    serotonin.update(punishment=1.0, stress=0.0)
    assert serotonin.get_inhibition_factor() < before


def test_uncertainty_and_novelty_together_are_strongest(run: tuple[list[Ran], dict[str, Any]]) -> None:
    norepinephrine = type(run[1]["norepinephrine"])()
    levels = []
    for uncertainty, novelty in ((0.8, 0.0), (0.0, 0.7), (0.5, 0.5)):
        norepinephrine.update(uncertainty=uncertainty, novelty=novelty)
        levels.append(norepinephrine.state.level)
    assert max(levels) == levels[2]
    assert min(levels) > 0.5


def test_combined_effects(run: tuple[list[Ran], dict[str, Any]]) -> None:
    seen = run[0][TITLES.index("combined")].seen
    assert seen["dopamine"] > 0.7
    assert seen["norepinephrine"] > 0.6
    assert seen["serotonin"] == 0.5
    assert seen["final_delta_w"] > 0.01  # "strong learning"


def test_reward_raised_the_synapse_by_the_modulated_change(run: tuple[list[Ran], dict[str, Any]]) -> None:
    seen = run[0][TITLES.index("reward-modulated")].seen
    assert seen["modulated_delta_w"] == pytest.approx(0.01 * 2.0 * 0.9)
    assert seen["synapse.weight"] == pytest.approx(0.5 + seen["modulated_delta_w"])


def test_example_1_moved_the_weights_it_says(run: tuple[list[Ran], dict[str, Any]]) -> None:
    sim, environment = run[1]["sim"], run[1]["environment"]
    assert environment.seen == 100 * 50
    assert len(sim.model.neurons) == 100
    # compute_plasticity pulls every weight to 0.5, 5,000 times by 1e-4 of the distance times 2 L (0.2 to
    # 1.8): exp(-5000 * 1e-4 * 2 * 0.5) = 0.61 of it is left where the level stands at its baseline.
    left = 0.5 - np.mean(sim.model.synapses.weight)
    assert 0.3 * 0.4 < left < 0.9 * 0.4


def test_example_2_high_uncertainty_is_high_gain(run: tuple[list[Ran], dict[str, Any]]) -> None:
    norepinephrine = run[1]["neuromod"].norepinephrine
    gains = []
    for uncertainty in (0.1, 0.9):
        norepinephrine.update(uncertainty=uncertainty, novelty=0.0)
        gains.append(norepinephrine.get_gain_multiplier())
    assert gains[1] > gains[0]
    assert run[1]["sim"].current_step == 100 * 50 + 10 + 10


def test_example_3_raised_every_threshold_trial_after_trial(run: tuple[list[Ran], dict[str, Any]]) -> None:
    # ten trials, serotonin at 0.8 and 0.5 in turn, each from the threshold that the trial before wrote
    given = run[1]["sim"].model.config["neuron_model"]["params_default"]
    expected = given.get("v_threshold", _core.neuron_models()["lif"]["params"]["v_threshold"]["default"])
    for trial in range(10):
        expected += abs(expected) * 0.156 * (0.8 if trial % 2 == 0 else 0.5) ** 2
    thresholds = [neuron.params["v_threshold"] for neuron in run[1]["sim"].model.neurons.values()]
    assert thresholds == pytest.approx([expected] * len(thresholds), rel=1e-12)


def test_example_4_whole_and_within_20_s(run: tuple[list[Ran], dict[str, Any]]) -> None:
    ran = run[0][TITLES.index("example 4")]
    lines = [line for line in ran.printed.splitlines() if line]
    assert lines[0] == "=== Neuromodulated Simulation ==="
    assert lines[-1] == "=== Simulation Complete ==="
    for words, times in (("Reward received", 10), ("Punishment", 7), ("Uncertainty", 5), ("State:", 5)):
        assert sum(words in line for line in lines) == times
    rewarded = re.findall(r"Step (\d+): Reward .* DA=([\d.]+)", ran.printed)
    small, large = (
        [float(level) for step, level in rewarded if (int(step) > 500) == high] for high in (False, True)
    )
    assert max(small) < min(large)
    assert ran.cpu_seconds < 20.0


def example_1(environment: Environment) -> dict[str, Any]:
    namespace: dict[str, Any] = {"__name__": "__main__", **left_to_the_reader(environment)}
    exec(compile(BLOCKS[FIRST_EXAMPLE], "tutorial", "exec"), namespace)
    return namespace


def test_example_1_begins_on_the_shipped_configuration(tmp_path: Path) -> None:
    with contextlib.chdir(tmp_path), pytest.raises(TrainingStopped):
        example_1(Environment(steps=5))


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_example_1_whole_on_the_shipped_configuration(tmp_path: Path) -> None:
    with contextlib.chdir(tmp_path):
        namespace = example_1(Environment())
    assert len(namespace["sim"].model.synapses) > 60_000
    assert namespace["sim"].current_step == 5_000
