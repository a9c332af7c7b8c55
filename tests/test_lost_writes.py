"""Power failure: of every state that a disk may be left in, a file is the older or the newer one, never a torn one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from lost_writes import Call, Recording, put, states

from neuromod import BrainModel, FileError, Simulation, SpikeMonitor, StateMonitor, atomic, read_log
from neuromod.experiment.results import load_results, save_results

BOX = {"x": [0, 19], "y": [0, 0], "z": [0, 0], "w": [0, 0]}
CONFIG = {
    "lattice_shape": [20, 1, 1, 1],
    "areas": [{"name": "A", "coord_ranges": BOX, "drive": {"rate": 900.0, "weight": 9.0}}],
}


def small() -> Simulation:
    sim = Simulation(BrainModel(config=CONFIG), seed=1)
    sim.initialize_neurons()
    sim.connect("A", "A", in_degree=3, weight=0.5, rule="stdp", synapse_type="excitatory", name="p")
    return sim


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Recording:
    recording = Recording()
    monkeypatch.setattr(atomic, "DISK", recording)
    return recording


def test_a_saved_simulation_is_the_older_or_the_newer(tmp_path: Path, disk: Recording) -> None:
    """Once `save` has returned it is the newer one."""
    path, sim = tmp_path / "a.npz", small()
    digests = []
    for _ in range(3):
        sim.run(7)
        sim.save(path)
        digests.append(sim.digest())
        disk.mark(digests[-1])
    n, loaded = 0, dict[bytes, str]()
    for promise, files in states(disk.calls):
        n += 1
        content = files.get(str(path))
        if content is None:
            assert promise is None
            continue
        if content not in loaded:
            put(files, tmp_path)
            loaded[content] = Simulation.load(path).digest()
        began = 0 if promise is None else digests.index(promise)
        assert loaded[content] in digests[began : began + 2]
    print(f"{n} states")
    assert n > 150 and set(loaded.values()) == set(digests)


def test_of_checkpoints_the_newest_is_no_older_than_the_last_that_was_written(
    tmp_path: Path, disk: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A damaged checkpoint would warn, which fails the test."""
    sim, written = small(), dict[int, str]()
    save = Simulation._write

    def noted(self: Simulation, path: Path) -> None:
        written[self.current_step] = self.digest()
        save(self, path)
        disk.mark(self.current_step)

    monkeypatch.setattr(Simulation, "_write", noted)
    with sim.checkpointing(tmp_path, every=10.0, keep=2):
        sim.run(45)
    n, tried = 0, set[tuple[str, ...]]()
    for promise, files in states(disk.calls):
        n += 1
        saved = sorted(path for path in files if path.endswith(".npz"))
        assert len(saved) <= 4  # one more than is kept, and one whose removal was lost
        if not saved:
            assert promise is None
            continue
        if (key := tuple(f"{path} {hash(files[path])}" for path in saved)) not in tried:
            tried.add(key)
            put(files, tmp_path)
            again = Simulation.load(tmp_path)
            assert again.digest() == written[again.current_step]
        assert int(Path(saved[-1]).stem.removeprefix("step-")) >= (promise or 0)
    print(f"{n} states")
    assert n > 300 and list(written) == [10, 20, 30, 40, 45]


def test_of_a_log_whole_blocks_are_left(tmp_path: Path, disk: Recording) -> None:
    """Its blocks are not flushed one by one. What is read is right; where a block is lost and a later one is not, the
    file is refused with the byte; once the log is closed, all of it is there."""
    path, sim, plain = tmp_path / "r.log", small(), small()
    kept = SpikeMonitor(plain), StateMonitor(plain, "v_membrane", every=3)
    moved = SpikeMonitor(sim), StateMonitor(sim, "v_membrane", every=3)
    with sim.streaming(path, {"s": moved[0], "v": moved[1]}, every=10.0):
        sim.run(65)
    disk.mark("all")
    plain.run(65)
    n = read = complete = 0
    refused: list[tuple[object, str]] = []
    for promise, files in states(disk.calls):
        n += 1
        put(files, tmp_path)
        try:
            log = read_log(path)
        except FileNotFoundError:
            assert promise is None
            continue
        except FileError as error:
            refused.append((promise, str(error)))
            continue
        read += 1
        complete += log.is_complete
        assert log.is_complete or promise is None
        until = log.until / sim.dt
        for name, monitor, column in (("s", kept[0], "id"), ("v", kept[1], "value")):
            saved = monitor._recorder.saved()
            rows = saved["step"] <= until
            np.testing.assert_array_equal(log[name]["step"], saved["step"][rows])
            np.testing.assert_array_equal(log[name][column], saved[column][rows])
    assert all(promise is None and said.startswith(f"{path}: ") for promise, said in refused)
    print(f"{n} states: {read} read, {len(refused)} refused, {complete} complete")
    assert n > 40 and read > 20 and refused and complete


def test_results_are_the_older_or_the_newer(tmp_path: Path, disk: Recording) -> None:
    path = tmp_path / "results.npz"
    for value in (1.0, 2.0, 3.0):
        save_results(path, {"value": np.full(50, value), "label": ["a", "b"]}, overwrite=True)
        disk.mark(value)
    n = 0
    for promise, files in states(disk.calls):
        n += 1
        put(files, tmp_path)
        if not path.exists():
            assert promise is None
            continue
        found = load_results(path)
        assert found["label"].tolist() == ["a", "b"] and len(set(found["value"])) == 1
        assert found["value"][0] in ((promise or 0.0), (promise or 0.0) + 1.0)
    print(f"{n} states")
    assert n > 60


# ---- the test of the tests -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("forgotten", ["sync", "sync_directory"])
def test_a_writer_that_does_not_flush_would_be_found(
    forgotten: str, tmp_path: Path, disk: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the flush of the file a torn one is left; without that of the directory a promise is broken."""
    path, sim = tmp_path / "a.npz", small()
    digests = []
    for _ in range(2):
        sim.run(7)
        sim.save(path)
        digests.append(sim.digest())
        disk.mark(digests[-1])
    calls: list[Call] = [call for call in disk.calls if call.kind != forgotten]
    for promise, files in states(calls, len(calls)):
        put(files, tmp_path)
        try:
            found = Simulation.load(path).digest() if path.exists() else None
        except FileError:
            found = "torn"
        bad = found == "torn" if forgotten == "sync" else promise == digests[-1] and found != promise
        if bad:
            return
    raise AssertionError("not found")
