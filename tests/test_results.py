"""Results appear whole or not at all, are read without pickle, and never replace others unasked."""

from __future__ import annotations

import os
import random
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from neuromod import FileError, Simulation
from neuromod.experiment.results import load_results, new_directory, results_table, save_results

ARRAYS = {
    "spike_id": np.arange(5),
    "weight": np.linspace(0.0, 1.0, 7, dtype=np.float32),
    "label": np.array(["a", "ü"]),
    "seed": np.uint64(2**64 - 1),
    "file": np.array([1]),  # the name of numpy.savez's own argument
    "empty": np.empty((0, 3)),
}


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    path = save_results(tmp_path / "results.npz", ARRAYS)
    loaded = load_results(path)
    assert loaded.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert loaded[name].dtype == np.asarray(array).dtype
        assert np.array_equal(loaded[name], array)


def test_numpy_alone_reads_it_without_pickle(tmp_path: Path) -> None:
    path = save_results(tmp_path / "results.npz", ARRAYS)
    with np.load(path, allow_pickle=False) as stored:
        assert {name: stored[name].shape for name in stored.files} == {
            name: np.asarray(array).shape for name, array in ARRAYS.items()
        }


def test_python_objects_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"^bad: must be numbers or text; got an array of object"):
        save_results(tmp_path / "results.npz", {"bad": np.array([{}])})
    assert not list(tmp_path.iterdir())


def test_an_existing_file_stays_unless_overwriting_is_asked_for(tmp_path: Path) -> None:
    path = save_results(tmp_path / "results.npz", {"run": 1})
    with pytest.raises(FileExistsError, match="exists already"):
        save_results(path, {"run": 2})
    assert load_results(path)["run"] == 1
    save_results(path, {"run": 2}, overwrite=True)
    assert load_results(path)["run"] == 2
    assert [file.name for file in tmp_path.iterdir()] == ["results.npz"]


def test_a_failed_write_leaves_the_old_file_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save_results(tmp_path / "results.npz", {"run": 1})

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        save_results(path, {"run": 2}, overwrite=True)
    assert load_results(path)["run"] == 1
    assert [file.name for file in tmp_path.iterdir()] == ["results.npz"]


@pytest.mark.long
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this platform has no SIGKILL")
def test_kill_9_while_writing_leaves_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "results.npz"
    program = (
        "import sys, numpy as np\n"
        "from neuromod.experiment.results import save_results\n"
        "for k in range(10**9):\n"
        "    save_results(sys.argv[1], {'run': np.full(200_000, k)}, overwrite=True)\n"
        "    print(k, flush=True)\n"
    )
    for trial in range(15):
        child = subprocess.Popen(
            [sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        with child.stdout:
            child.stdout.readline()  # the first file is there
            time.sleep(0.001 * trial)
            child.kill()
            child.wait()
        values = load_results(path)["run"]
        assert len(values) == 200_000
        assert len(np.unique(values)) == 1


@pytest.mark.skipif(os.name != "posix", reason="rights of files are POSIX")
def test_the_file_has_the_usual_rights(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    path = save_results(tmp_path / "results.npz", {"run": 1})
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


def test_a_damaged_file_is_an_error(tmp_path: Path) -> None:
    path = save_results(tmp_path / "results.npz", {"run": np.arange(1000)})
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(
        FileError, match=r"results\.npz: must be a file that save_results has written; .* CRC"
    ):
        load_results(path)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "it has 0 bytes"),
        (b"some text\n", r"it begins with b'some text\\n'"),
        (b"PK", "it begins with b'PK'"),
        (b"PK\x03\x04" + bytes(50), "it has been cut, changed or damaged"),
    ],
)
def test_a_file_of_something_else_is_refused_by_name(tmp_path: Path, content: bytes, problem: str) -> None:
    """Of a text NumPy said that it was pickled, and how to load it unsafely; of an empty file it was an EOFError."""
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(FileError, match=rf"a\.npz: must be a file that save_results has written; {problem}"):
        load_results(tmp_path / "a.npz")
    with pytest.raises(IsADirectoryError, match="it is a directory"):
        load_results(tmp_path)


def test_a_saved_simulation_is_not_results(tmp_path: Path) -> None:
    """Its members came back as arrays with the names of the file."""
    Simulation(seed=1).save(tmp_path / "a.npz")
    with pytest.raises(
        FileError, match=r"a\.npz: .*; Simulation\.load or BrainModel\.load reads a file of save"
    ):
        load_results(tmp_path / "a.npz")


def test_python_objects_are_not_read(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", a=np.array([{}], dtype=object))
    with pytest.raises(FileError, match=r"a\.npz: .* or has Python objects: Object arrays cannot be loaded"):
        load_results(tmp_path / "a.npz")


def test_damaged_results_are_refused_or_read(tmp_path: Path) -> None:
    """An offset before the file's beginning was an OSError."""
    path = save_results(tmp_path / "a.npz", {"seed": 42, "label": ["a", "b"], "x": np.arange(20.0)})
    whole, refused = path.read_bytes(), 0
    for seed in range(400):
        draw, new = random.Random(seed), bytearray(whole)
        for _ in range(draw.choice([1, 2, 5])):
            new[-1 - draw.randrange(300 if draw.random() < 0.5 else len(whole))] = draw.randrange(256)
        path.write_bytes(new)
        try:
            load_results(path)
        except FileError as error:
            refused += str(error).startswith(f"{path}: ")
    assert refused > 250


def test_a_single_array_is_not_results(tmp_path: Path) -> None:
    np.save(tmp_path / "one.npy", np.arange(3))
    with pytest.raises(ValueError, match=r"must be an \.npz file"):
        load_results(tmp_path / "one.npy")


def test_directories_are_numbered_where_the_name_is_taken(tmp_path: Path) -> None:
    made = [new_directory(tmp_path / "deep" / "results") for _ in range(3)]
    assert [path.name for path in made] == ["results", "results-2", "results-3"]
    assert all(path.is_dir() for path in made)


def results(**changes: object) -> dict[str, np.ndarray]:
    """Results of a run that never was, small enough to know every figure."""
    made = {
        "steps": 1000, "steps_wanted": 1000, "dt": 0.5, "wall_seconds": 0.25,
        "seed": np.uint64(7), "digest": "ab" * 32, "neuron_id": np.arange(4), "spike_id": np.arange(12),
        "image_step": np.arange(50), "area_names": np.array(["V1", "A1"]), "area_rate": np.array([12.0, 3.5]),
        "level_names": np.array(["dopamine"]), "level": np.array([[0.25], [0.75]]),
        "weight_before": np.float32([0.0, 0.0, 0.0, 0.0, 0.5]),
        "weight_after": np.float32([1.0, 3.0, 0.0, 0.5, 0.0]), "weight_control": np.float32([]),
        "synapse_group": [1, 1, 0, 0, 2], "group_names": ["other", "rewarded", "punished"],
    }  # fmt: skip
    return {name: np.asarray(value) for name, value in (made | changes).items()}


def test_the_table_says_what_the_arrays_hold() -> None:
    sentence, _, table = results_table(results()).partition("\n\n")
    assert sentence == "4 neurons fired 12 spikes in 0.5 s, with 50 images shown, 6 Hz each on average."
    lines = dict(line.split("  ", 1) for line in table.splitlines())
    said = {name: value.strip() for name, value in lines.items()}
    assert said == {
        "neurons": "4",
        "synapses": "5",
        "steps": "1,000 (0.5 s at dt = 0.5 ms)",
        "spikes": "12",
        "images shown": "50",
        "mean rate V1": "12.00 Hz",
        "mean rate A1": "3.50 Hz",
        "dopamine": "mean 0.500, 0.250 to 0.750",
        "weight change, rewarded": "+2.00000 mV, 2 synapses",
        "weight change, punished": "-0.50000 mV, 1 synapse",
        "weight change, other": "+0.25000 mV, 2 synapses",
        "speed": "2.0 times faster than real time (0.25 s for 0.5 s)",
        "seed": "7",
        "digest": "ab" * 32,
    }


def test_the_table_sets_the_control_beside_the_run() -> None:
    table = results_table(results(weight_control=np.float32([0.5, 0.5, 0.0, 0.5, 0.0])))
    assert "+2.00000 mV (clamped: +0.50000), 2 synapses" in table


RESPONSES = {
    "response_group": [1, 1, 2, 2, 0, 0], "response_label": [3, 3, 5, 5, 7, 7], "response_before": np.full(6, 5.0),
    "response_after": [8.0, 9.0, 2.0, 1.0, 5.0, 6.0], "response_control": [5.0, 6.0, 5.0, 6.0, 5.0, 6.0],
}  # fmt: skip


def test_the_table_gives_responses_with_their_effect_sizes() -> None:
    """Changes 3, 4 against 0, 1: means 3 apart, each sd sqrt(1/2), so d = 3 / 0.7071; punished likewise."""
    table = results_table(results(**RESPONSES))
    assert (
        "response, rewarded       5.00 to 8.50 Hz, d = +4.24 (clamped: +0.00)\n"
        "response, punished       5.00 to 1.50 Hz, d = -5.66 (clamped: +0.00)\n"
        "response, others         5.00 to 5.50 Hz\n"
    ) in table
    without = results_table(results(**RESPONSES | {"response_control": []}))
    assert "d = +4.24\n" in without
    assert "response, " not in results_table(results(**RESPONSES | {"response_after": []}))


def test_the_table_of_an_interrupted_run_says_so() -> None:
    table = results_table(results(steps=10))
    assert "10 (0.005 s at dt = 0.5 ms, interrupted: 1,000 were wanted)" in table


def test_the_table_of_a_run_that_did_nothing_divides_by_nothing() -> None:
    empty = results(steps=0, level=np.empty((0, 1)), synapse_group=np.zeros(5, int))
    table = results_table(empty)
    assert "no step was done" in table
    assert "dopamine" not in table
    assert "weight change, rewarded" in table
    assert "no synapse" in table
