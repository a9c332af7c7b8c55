"""Mutants of configurations: each is refused with a path that exists, or is a network that runs."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from config_mutants import mutant, path_exists

from neuromod import BrainModel, Simulation, create_neuromodulation_system
from neuromod.cli import main
from neuromod.config import load
from neuromod.errors import ConfigError, NumericalError
from neuromod.experiment import run_experiment
from neuromod.experiment.section import experiment_of

FIRST = int(os.environ.get("NEUROMOD_FUZZ_SEED", "0"))
MUTANTS = int(os.environ.get("NEUROMOD_FUZZ_MUTANTS", "400"))
SECONDS = 20  # of the processor; a mutant that takes longer hangs
MOST_SITES = 20_000  # larger networks than the shipped one's areas are loaded, and get few neurons
MEMORY = 2 << 30  # bytes beyond those of the process at first

pytestmark = [
    pytest.mark.fuzz,
    pytest.mark.filterwarnings("ignore::neuromod.NeuromodWarning"),
]


@pytest.fixture(autouse=True)
def little_memory() -> Iterator[None]:
    """A mutant that asks for much memory gets a MemoryError, which fails the test."""
    resource = pytest.importorskip("resource", reason="no limits of memory on this platform")
    before = resource.getrlimit(resource.RLIMIT_AS)
    if sys.platform == "linux":
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


@contextlib.contextmanager
def at_most(seconds: int) -> Iterator[None]:
    """The process ends by SIGPROF where the block takes more time of the processor, in C, too."""
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    yield
    left, _ = signal.setitimer(signal.ITIMER_PROF, 0.0)
    assert left > 0.0


class WrongRule(Exception):
    """The rule cannot connect all areas with each other; it may connect some."""


def connect(sim: Simulation) -> None:
    """Random synapses, where the rule allows them."""
    try:
        sim.initialize_random_synapses(0.1)
    except ValueError as error:
        if not str(error).startswith(
            ("rule: ", "weight.normal: ")
        ):  # the latter where weights may be below 0
            raise
        raise WrongRule from error


def runs(path: Path) -> str:
    """Three steps of the network that the file describes; what became of it."""
    model = BrainModel(path)
    section: Any = model.config.get("neuromodulation", {})
    system = (
        create_neuromodulation_system(section, regions=model.regions)
        if section.get("enabled", True)
        else None
    )
    sim = Simulation(model, seed=1, neuromodulation=system)
    sites = max([area.n_sites for area in model._config.areas], default=0)
    if sites:
        sim.initialize_neurons(density=min(0.5, 200.0 / sites))
    try:
        with contextlib.suppress(WrongRule):
            connect(sim)
        sim.run(3)
        told: Any = model.config.get("experiment")
        if (
            told is not None
            and 0 < sites <= MOST_SITES
            and not told.get("test_images")
            and not told.get("density", 0.1) > 0.5
        ):
            run_experiment(path, steps=3)
    except NumericalError:
        return "diverged"
    return "ran"


def outcome(path: Path, text: bytes, capsys: pytest.CaptureFixture[str]) -> str:
    """What `neuromod validate` says of the text, and whether it is so."""
    path.write_bytes(text)
    status = main(["validate", str(path)])
    said = capsys.readouterr()
    if status == 0:
        assert said.out == f"{path}: valid\n"
        return runs(path)
    assert status == 2 and said.out == ""
    name, refused = "refused", ConfigError([])
    try:
        loaded = load(path)
        name = "experiment refused"
        experiment_of(*loaded)
    except ConfigError as error:
        refused = error
    assert refused.problems and said.err.endswith(f"{refused}\n")
    for problem in refused.problems:
        assert path_exists(problem, text, path.name), problem
    return name


def test_a_mutant_of_a_configuration_is_refused_with_a_path_or_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """NEUROMOD_FUZZ_MUTANTS says how many there are, NEUROMOD_FUZZ_SEED the number of the first."""
    counts: Counter[str] = Counter()
    failed: dict[int, str] = {}
    for seed in range(FIRST, FIRST + MUTANTS):
        (tmp_path / "seed").write_text(str(seed))  # of one that ends the process
        text = mutant(seed)
        try:
            with at_most(SECONDS):
                counts[outcome(tmp_path / "brain.json", text, capsys)] += 1
        except Exception as error:
            failed[seed] = f"{type(error).__name__}: {error}"[:600]
    with capsys.disabled():
        if MUTANTS > 1000:
            print(json.dumps(counts))
    assert not failed, "\n".join(f"{seed}: {said}" for seed, said in [*failed.items()][:40])
    assert counts["ran"] > MUTANTS // 20 and counts["refused"] > MUTANTS // 3, counts


# ---- found on the way ------------------------------------------------------------------------------------------------

ROW = {"y": [0, 0], "z": [0, 0], "w": [0, 0]}


def small(**sections: Any) -> dict[str, Any]:
    """Two areas in a row of sites."""
    areas = [{"name": name, "coord_ranges": {"x": [k, k + 7], **ROW}} for name, k in (("A", 0), ("B", 8))]
    return {"lattice_shape": [16, 1, 1, 1], "areas": areas, **sections}


def problems_of(content: dict[str, Any]) -> tuple[str, ...]:
    """What is wrong with a configuration and its experiment."""
    with pytest.raises(ConfigError) as caught:
        experiment_of(*load(content))
    return caught.value.problems


def test_the_name_of_a_rule_is_refused_at_its_own_path() -> None:
    """It was refused at `plasticity.rule`, which is not in a file whose section is a name."""
    (problem,) = problems_of(small(plasticity="stpd"))
    assert (
        problem.startswith("plasticity: must be a rule of plasticity") and "did you mean 'stdp'?" in problem
    )


@pytest.mark.parametrize("dt", [1e308, 1e-10])
def test_a_step_that_no_simulation_takes_is_refused_in_the_file(dt: float) -> None:
    """The file was valid, and `Simulation` raised a plain ValueError."""
    (problem,) = problems_of(small(simulation={"dt": dt}))
    assert problem == f"simulation.dt: must be a number > 0 ms, from 1e-09 to 1e+15; got {dt!r}"


def test_a_release_where_there_are_no_areas_is_refused_in_the_file() -> None:
    """The file was valid, and the system of modulators raised a plain ValueError."""
    release = [{"areas": ["A"], "amount": 0.1, "regions": ["global", "left"]}]
    problems = problems_of({**small(neuromodulation={"dopamine": {"release": release}}), "areas": []})
    assert [problem.split(":")[0] for problem in problems] == [
        "neuromodulation.dopamine.release[0].areas[0]",
        "neuromodulation.dopamine.release[0].regions[1]",
    ]


def test_images_that_a_sheet_does_not_hold_are_refused_in_the_file() -> None:
    """`validate` called the file valid, and `run` ended with a traceback."""
    content = small(
        senses={"vision": {"areal": "A"}}, experiment={"dataset": "digits", "sense": "vision", "areas": ["A"]}
    )
    (problem,) = problems_of(content)
    assert problem == (
        "experiment.sense: must feed an area whose sheet along x and y holds the images of 8 x 8 pixels; "
        "got 'vision' with 8 x 1 sites"
    )


def test_a_rule_that_reads_what_neurons_lack_is_refused_in_the_file(tmp_path: Path) -> None:
    """`validate` called the file valid, and `run` ended with a traceback."""
    content = small(plasticity={"rule": "clopath"}, experiment={})
    content["areas"][1]["model"] = "poisson"
    (problem,) = problems_of(content)
    assert problem == (
        "plasticity.rule: must read what its targets have, in the experiment those of 'B': clopath reads "
        "v_membrane; got neurons of poisson"
    )
    content["experiment"] = {"plasticity": {"rule": "clopath"}, "areas": ["A"]}
    assert experiment_of(*load(content)).areas == ("A",)
    del content["experiment"]
    (tmp_path / "brain.json").write_text(json.dumps(content))
    assert main(["validate", str(tmp_path / "brain.json")]) == 0  # of a file for other uses
    assert main(["run", str(tmp_path / "brain.json"), "--out", str(tmp_path / "out")]) == 2


@pytest.mark.parametrize(
    ("area", "sections", "problem"),
    [
        (
            {"model": "ADEX_CLOPATH"},
            {"simulation": {"dt": 1000.0}},
            "simulation.dt: must be at most 100 ms for adex_clopath neurons, as areas[1] has them; got 1000.0",
        ),
        (
            {},
            {"simulation": {"dt": 200.0}, "neuron_model": {"type": "adex"}},
            "simulation.dt: must be at most 100 ms for adex neurons, as areas[0] has them; got 200.0",
        ),
        (
            {"model": "poisson", "params": {"rate": 100.0}},
            {"simulation": {"dt": 100.0}},
            "areas[1].params.rate: must be at most 1000 / dt = 10 Hz; got 100.0",
        ),
        (
            {"model": "poisson"},
            {"simulation": {"dt": 1000.0}},
            "simulation.dt: must be at most 100 ms for poisson neurons of 10 Hz, as areas[1] has them; got 1000.0",
        ),
    ],
)
def test_a_step_that_the_neurons_do_not_take_is_refused_in_the_file(
    area: Any, sections: Any, problem: str
) -> None:
    """`validate` called the file valid, and `initialize_neurons` refused it."""
    content = small(**sections)
    content["areas"][1] |= area
    with pytest.raises(ConfigError) as caught:
        load(content)
    assert caught.value.problems == (problem,)
