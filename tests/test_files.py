"""Files: what is loaded is what was saved, to the bit, and what is no whole file is refused with its rule."""

from __future__ import annotations

import hashlib
import json
import os
import random
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from random_models import same_state, simulation_of

from neuromod import (
    BrainModel,
    FileError,
    LevelMonitor,
    NeuromodulationSystem,
    RateMonitor,
    Simulation,
    SpikeMonitor,
    StateMonitor,
    SynapseMonitor,
    __version__,
    archive,
    read_log,
)
from neuromod.errors import NumericalError
from neuromod.experiment.results import save_results
from neuromod.selftest import models

FIRST = int(os.environ.get("NEUROMOD_FUZZ_SEED", "0"))
MODELS = int(os.environ.get("NEUROMOD_FUZZ_MODELS", "12"))
OLD = Path(__file__).parent / "data" / "saved_0_1_0.npz"


def small(n_steps: int = 60, rule: Any = "rstdp") -> Simulation:
    sim = Simulation(BrainModel("brain_base_model.json"), seed=1, neuromodulation=NeuromodulationSystem())
    ids = sim.initialize_neurons(["V1_like"], density=0.005)
    sim.connect(
        ids, ids, in_degree=3, weight=0.5, rule=rule, synapse_type="excitatory", short_term=True, name="p"
    )
    sim.run(n_steps)
    return sim


def monitors_on(sim: Simulation) -> list[Any]:
    found: list[Any] = [SpikeMonitor(sim), RateMonitor(sim, bin_ms=5.0 * sim.dt)]
    ids = sim.model.neurons.id
    if len(ids):
        found.append(StateMonitor(sim, "i_offset", ids[:3], every=2))
        found.append(SpikeMonitor(sim, ids[::2]))
    if sim.neuromodulation is not None and sim.neuromodulation.enabled:
        found.append(LevelMonitor(sim))
    return found + [SynapseMonitor(sim, each, every=3) for each in sim.projections.values()]


def assert_same_records(ours: Any, theirs: Any) -> None:
    assert [type(one) for one in ours] == [type(one) for one in theirs]
    for one, other in zip(ours, theirs, strict=True):
        assert repr(one) == repr(other)
        for name in ("step", "id", "time", "values", "rate", "bin_end", "pre_id"):
            if hasattr(one, name):
                np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


# ---- what is loaded is what was saved ------------------------------------------------------------------------------


@pytest.mark.fuzz
@pytest.mark.filterwarnings("ignore:run. the network has no neurons")
@pytest.mark.parametrize("seed", range(FIRST, FIRST + MODELS))
def test_any_simulation_comes_back_and_goes_on(seed: int, tmp_path: Path) -> None:
    """At any point, with its monitors, under another number of threads; and saved again it gives the same bytes."""
    draw = random.Random(f"point {seed}")
    sim = simulation_of(seed)
    mine = monitors_on(sim)
    sim.threads = draw.randint(1, 4)
    try:
        sim.run(draw.randint(0, 80))
        sim.save(tmp_path / "a.npz")
        again = Simulation.load(tmp_path / "a.npz", threads=1 + sim.threads % 4)
        assert same_state(sim, again)
        again.save(tmp_path / "b.npz")
        assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
        sim.run(30)
    except NumericalError:  # a random model may diverge
        return
    again.run(30)
    assert same_state(sim, again)
    assert_same_records(mine, again.monitors)


def large_simulation(seed: int) -> Simulation:
    """Of so many neurons that several threads do run."""
    for k in range(1000):
        sim = models.simulation_of(random.Random(f"large {seed} {k}"), threads=1)
        if len(sim.model.neurons) >= models._LARGE:
            return sim
    raise AssertionError("no model is large")


@pytest.mark.fuzz
@pytest.mark.filterwarnings("ignore::neuromod.NeuromodWarning")  # random values look unintended
@pytest.mark.parametrize("seed", range(FIRST, FIRST + max(2, MODELS // 10)))
def test_a_chain_of_resumes_under_other_threads_is_a_plain_run(seed: int, tmp_path: Path) -> None:
    draw = random.Random(f"chain {seed}")
    points = [draw.randint(0, 40) for _ in range(draw.randint(2, 4))]
    plain, sim = large_simulation(seed), large_simulation(seed)
    kept, mine = models.monitors_of(plain), models.monitors_of(sim)
    try:
        plain.run(sum(points))
    except NumericalError:  # a random model may diverge
        return
    for k, n_steps in enumerate(points):
        sim.run(n_steps)
        sim.save(tmp_path / "a.npz")
        sim = Simulation.load(tmp_path / "a.npz", threads=1 + (seed + k) % 4)
        mine = list(sim.monitors)
    assert sim.digest() == plain.digest()
    assert_same_records(kept, mine)


def test_many_runs_from_one_file(tmp_path: Path) -> None:
    sim = small()
    sim.save(tmp_path / "a.npz")
    branches = [Simulation.load(tmp_path / "a.npz") for _ in range(3)]
    branches[1].neuromodulation.process_reward(1.0)  # type: ignore[union-attr]
    for each in (sim, *branches):
        each.run(40)
    assert branches[0].digest() == branches[2].digest() == sim.digest() != branches[1].digest()


def test_a_model_comes_back(tmp_path: Path) -> None:
    sim = small(rule="stdp")
    sim.model.save(tmp_path / "m.npz")
    again = BrainModel.load(str(tmp_path / "m.npz"))
    assert again.to_dict() == sim.model.to_dict()
    one, other = Simulation(sim.model.copy(), seed=3), Simulation(again, seed=3)
    for each in (one, other):
        each.run(30)
    assert one.digest() == other.digest()


def test_a_reset_after_loading_begins_as_the_first_time(tmp_path: Path) -> None:
    sim = small()
    sim.save(tmp_path / "a.npz")
    again = Simulation.load(tmp_path / "a.npz")
    for each in (sim, again):
        each.reset(weights=True, parameters=True)
        each.run(30)
    assert sim.digest() == again.digest()


def test_stopped_monitors_and_removed_neurons_and_projections_come_back(tmp_path: Path) -> None:
    sim = small()
    spikes, weights = SpikeMonitor(sim), SynapseMonitor(sim, "p", synapses=[0, 5, 2])
    ids = sim.model.neurons.id.copy()
    v = StateMonitor(sim, "v_membrane", ids[:4])
    sim.run(10)
    spikes.stop()
    sim.model.remove_neuron(int(ids[1]))
    sim.run(10)
    sim.save(tmp_path / "a.npz")
    again = Simulation.load(tmp_path / "a.npz")
    for each in (sim, again):
        each.run(10)
        each.remove_projection("p")
        each.run(5)
    assert_same_records([spikes, weights, v], again.monitors)
    assert np.isnan(again.monitors[2].values[-1, 1])  # type: ignore[attr-defined]
    sim.save(tmp_path / "b.npz")
    third = Simulation.load(tmp_path / "b.npz")
    sim.run(5), third.run(5)
    assert_same_records([spikes, weights, v], third.monitors)


def test_a_hook_saves_and_the_run_goes_on_alike(tmp_path: Path) -> None:
    sim, plain = small(), small()
    with sim.every(20.0, lambda each: each.save(tmp_path / "a.npz")):
        sim.run(50)
    plain.run(50)
    assert sim.digest() == plain.digest()
    again = Simulation.load(tmp_path / "a.npz")
    assert again.current_step == 100
    again.run(10)
    assert again.digest() == sim.digest()


def test_monitors_that_nobody_has_are_not_saved(tmp_path: Path) -> None:
    sim = small()
    SpikeMonitor(sim)
    kept = RateMonitor(sim)
    assert sim.monitors == (kept,)


def test_a_rate_that_is_a_function_is_refused(tmp_path: Path) -> None:
    from neuromod import RateSource

    sim = Simulation(seed=1)
    source = sim.create(3, "poisson", name="S")
    RateSource(sim, source, lambda t: 5.0, interval=1.0)
    with pytest.raises(ValueError, match=r"save: must not have a rate given by a function"):
        sim.save(tmp_path / "a.npz")
    assert not list(tmp_path.iterdir())


# ---- the file ------------------------------------------------------------------------------------------------------


def test_other_tools_read_the_file(tmp_path: Path) -> None:
    sim = small()
    sim.save(tmp_path / "a.npz")
    with zipfile.ZipFile(tmp_path / "a.npz") as file:
        assert file.testzip() is None
        assert all(info.compress_type == zipfile.ZIP_STORED for info in file.infolist())
        manifest = json.loads(file.read("manifest.json"))
        names = file.namelist()[1:]
    assert [about["name"] for about in manifest["arrays"]] == names
    assert (manifest["format"], manifest["version"], manifest["kind"]) == (
        archive.FORMAT,
        __version__,
        "simulation",
    )
    assert manifest["content"]["model"]["config"] == sim.model.config
    weight = next(name for name in names if name.endswith("-columns-weight.npy"))
    with np.load(tmp_path / "a.npz", allow_pickle=False) as arrays:
        assert arrays[weight.removesuffix(".npy")].dtype == np.float32


def test_a_plastic_synapse_takes_about_ten_bytes(tmp_path: Path) -> None:
    """A target of 2 bytes, a weight of 4, and 4 for the weight of the beginning."""
    sim = Simulation(seed=1)
    cells = sim.create(1000, "lif", name="E")
    sim.connect(
        cells, cells, in_degree=200, weight={"uniform": [0.0, 0.1]}, rule="stdp", synapse_type="excitatory"
    )
    sim.run(20)
    sim.save(tmp_path / "a.npz")
    each = (tmp_path / "a.npz").stat().st_size / 200_000
    assert each < 11.0


def test_large_sizes_are_written_in_zip64(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files over 4 GiB; here the limits are low."""
    monkeypatch.setattr(archive, "_MANY", 5)
    content = {"a": np.arange(3000.0), **{f"b{k}": np.arange(k) * 0.5 for k in range(7)}}
    archive.write_archive(tmp_path / "a.npz", "test", content)
    with zipfile.ZipFile(tmp_path / "a.npz") as file:
        assert file.testzip() is None
        assert len(file.namelist()) == 9
    found = archive.read_archive(tmp_path / "a.npz", "test").content
    assert all(np.array_equal(found[name], content[name]) for name in content)


def test_any_content_comes_back(tmp_path: Path) -> None:
    shared = np.arange(500)
    content = {
        "$": 1,
        "\\$": {"$a": [np.float32(0.5), True, None, "é\ud800"]},
        ("a|b", "$"): np.zeros((2, 3), np.int16),
        "equal": np.full(100, -0.0),
        "not equal": np.concatenate([np.zeros(99), [-0.0]]),
        "nan": np.full(100, np.nan, np.float32),
        "sparse": np.where(np.arange(600).reshape(2, 300) == 77, np.nan, -0.0),
        "grid": np.arange(200, dtype=np.int64).reshape(4, 5, 10),
        "runs": np.repeat(np.arange(5, dtype=np.int32), 40),
        "narrow": np.arange(-3, 200, dtype=np.int64),
        "wide": np.array([2**63 + 5, 0] * 50, np.uint64),
        "bool": np.array([True, False] * 40),
        "empty": np.empty((0, 4)),
        "scalar": np.array(3.0),
        "big endian": np.arange(5, dtype=">f8"),
        "one": shared,
        "two": shared,
        "dtype": float("-inf"),
    }
    archive.write_archive(tmp_path / "a.npz", "test", content)
    found = archive.read_archive(tmp_path / "a.npz", "test").content
    assert list(found) == list(content)
    for name, value in content.items():
        if isinstance(value, np.ndarray):
            assert found[name].dtype == value.dtype.newbyteorder("<")
            little = value.astype(value.dtype.newbyteorder("<"))
            assert found[name].shape == value.shape and found[name].tobytes() == little.tobytes()
    assert found["\\$"] == {"$a": [0.5, True, None, "é\ud800"]} and found["dtype"] == -np.inf
    assert found["one"] is found["two"]


@pytest.mark.parametrize("n", [2_097_152, 2_097_153, 5_000_000])
def test_much_that_is_equal_comes_back(tmp_path: Path, n: int) -> None:
    """In a few bytes it would be refused: a file takes at most 16 MB and 32 times its size in memory."""
    content = {
        "zeros": np.zeros(n),
        "runs": np.repeat(np.arange(3, dtype=np.int16), n // 4),
        "ones": np.ones(n, np.int8),
        "halves": np.random.default_rng(1).uniform(1.0, 1.01, 5000).astype(np.float32),
    }
    archive.write_archive(tmp_path / "a.npz", "test", content)
    found = archive.read_archive(tmp_path / "a.npz", "test").content
    assert all(found[name].tobytes() == content[name].tobytes() for name in content)


def test_many_neurons_that_learn_come_back_after_their_first_step(tmp_path: Path) -> None:
    sim = Simulation(seed=1)
    cells = sim.create(9000, "lif")
    for rule in ("stdp", "rstdp", "triplet"):
        sim.connect(cells, cells, in_degree=1, weight=0.1, rule=rule, name=rule)
    sim.run(1)
    sim.save(tmp_path / "s.npz")
    assert Simulation.load(tmp_path / "s.npz").digest() == sim.digest()


# ---- what is no whole file -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    sim = Simulation(seed=1)
    cells = sim.create(5, "lif", name="E")
    sim.connect(cells, cells, in_degree=2, weight=0.5, rule="stdp", synapse_type="excitatory", name="p")
    sim.run(5)
    path = tmp_path_factory.mktemp("good") / "good.npz"
    sim.save(path)
    return path


def refused(path: Path, kind: Any = Simulation) -> str:
    with pytest.raises(FileError) as caught:
        kind.load(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: "), text
    return text


def test_a_file_that_is_cut_at_any_byte_is_refused(good: Path, tmp_path: Path) -> None:
    whole, cut = good.read_bytes(), tmp_path / "cut.npz"
    for n in [*range(0, len(whole), 500), len(whole) - 1]:
        cut.write_bytes(whole[:n])
        assert "bytes" in refused(cut)
    cut.write_bytes(whole + b"x")
    assert f"must have {len(whole)} bytes" in refused(cut)
    archive.write_archive(cut, "test", {"a": np.arange(70) % 9, "b": np.zeros((9, 9)), "c": 1})
    whole = cut.read_bytes()
    for n in range(len(whole)):
        cut.write_bytes(whole[:n])
        with pytest.raises(FileError, match="bytes"):
            archive.read_archive(cut, "test")


def rewritten(path: Path, target: Path, change: Any, keep_sum: bool = False) -> Path:
    """The file with another manifest, whose own sum is right."""
    whole = path.read_bytes()
    length = struct.unpack("<I", whole[22:26])[0]
    start = 30 + len("manifest.json")
    text, rest = whole[start : start + length], whole[start + length :]
    manifest = json.loads(text)
    change(manifest)
    own = manifest.pop("sha256")
    body = json.dumps(manifest, separators=(",", ":"))[1:].encode()
    sha = own if keep_sum else hashlib.sha256(body).hexdigest()
    new = b'{"sha256": "' + sha.encode() + b'",\n' + body
    head = bytearray(whole[:start])
    head[14:26] = struct.pack("<III", zlib.crc32(new), len(new), len(new))
    with zipfile.ZipFile(path) as file:
        sizes = {info.filename: (info.CRC, info.file_size) for info in file.infolist()[1:]}
    members = [archive.Member(name, *each, b"") for name, each in sizes.items()]
    old = len(archive._directory([archive.Member("manifest.json", 0, 0, b""), *members]))
    directory = archive._directory(
        [archive.Member("manifest.json", zlib.crc32(new), len(new), b""), *members]
    )
    target.write_bytes(bytes(head) + new + rest[:-old] + directory)
    return target


def set_in(*path: Any, value: Any) -> Any:
    def change(manifest: Any) -> None:
        for key in path[:-1]:
            manifest = manifest[key]
        manifest[path[-1]] = value

    return change


FORGED = [
    (set_in("format", value=3), "format: must be at most 2, which neuromod 0.1.0 reads; got 3, written by neuromod"),
    (set_in("format", value=True), "manifest.json.format: must be a version"),
    (set_in("format", value=None), "manifest.json.format: must be a version"),
    (set_in("kind", value="model"), "kind: must be 'simulation'; got 'model'; BrainModel.load reads it"),
    (set_in("kind", value=3), "must name kind and version"),
    (set_in("more", value=3), "must have other keys"),
    (set_in("arrays", value={}), "arrays: must be a list"),
    (set_in("arrays", 0, value=None), r"arrays[0]: must have name"),
    (set_in("arrays", 0, "name", value="../x.npy"), "arrays[0].name: must be a plain name"),
    (set_in("arrays", 0, "name", value="/x.npy"), "arrays[0].name: must be a plain name"),
    (lambda m: m["arrays"][1].update(name=m["arrays"][0]["name"]), "must have different names"),
    (set_in("arrays", 0, "dtype", value="|O"), "arrays[0].dtype: must be that of numbers"),
    (set_in("arrays", 0, "shape", value=[2**50]), "arrays[0]: must lie within the file"),
    (set_in("arrays", 0, "shape", value=[2**61, 2**61]), "arrays[0]: must lie within the file"),
    (set_in("arrays", 0, "shape", value=[-1]), "arrays[0].shape: must be a list of whole numbers"),
    (set_in("arrays", 0, "crc32", value=-1), "arrays[0].crc32: must be"),
    (lambda m: m["arrays"].append(m["arrays"][0] | {"name": "z.npy"}), "bytes, as its manifest says"),
    (lambda m: m["arrays"].pop(), "bytes, as its manifest says"),
    (set_in("content", value={"$": ["equal", 0, [2**40]]}), "must be one value"),
    (set_in("content", value={"$": ["array", 10**6]}), "must be one of"),
    (set_in("content", value={"$": ["array", -1]}), "must be one of"),
    (set_in("content", value={"$": [], "a": 1}), "must say where an array is"),
    (set_in("content", value=[]), "content: must be a mapping"),
    (set_in("content", "simulation", "engine", "step", value=-1), "simulation.engine.step: must be"),
    (set_in("content", "monitors", value=[{"kind": "Else"}]), "monitors[0].kind: must be one of"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "message"), FORGED)
def test_a_forged_manifest_is_refused(change: Any, message: str, good: Path, tmp_path: Path) -> None:
    assert message in refused(rewritten(good, tmp_path / "forged.npz", change))


def test_a_manifest_that_was_changed_is_refused(good: Path, tmp_path: Path) -> None:
    forged = rewritten(good, tmp_path / "forged.npz", set_in("version", value="9"), keep_sum=True)
    assert "manifest.json: must have its SHA-256" in refused(forged)


def test_a_file_that_would_fill_the_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small file may stand for equal values, but not for far more than it holds."""
    monkeypatch.setattr("neuromod.archive.Folder.pad", lambda folder: None)
    archive.write_archive(tmp_path / "a.npz", "test", {"a": np.zeros(10**8)})
    assert (tmp_path / "a.npz").stat().st_size < 2000
    with pytest.raises(FileError, match="must not take more than"):
        archive.read_archive(tmp_path / "a.npz", "test")


def test_zips_of_others_are_refused(good: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.npz"
    with zipfile.ZipFile(good) as old:
        for compression in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            with zipfile.ZipFile(other, "w", compression) as new:
                for name in old.namelist():
                    new.writestr(name, old.read(name))
            refused(other)
    np.savez(other, a=np.arange(3))
    assert "must be a file that save has written" in refused(other)
    for content in (b"", b"{}", b"hello", b"PK\x03\x04" + bytes(100), b"PKhello", os.urandom(300)):
        other.write_bytes(content)
        assert "must be a file that save has written; it is no file of neuromod's, it " in refused(other)
    other.write_bytes(good.read_bytes()[:20])
    assert "the file is cut, at 20 bytes" in refused(other)


def test_a_log_and_a_file_of_save_are_told_apart(good: Path, tmp_path: Path) -> None:
    sim = Simulation(seed=1)
    with sim.streaming(tmp_path / "a.log", {"s": SpikeMonitor(sim)}):
        sim.run(0)
    assert refused(tmp_path / "a.log").endswith("; read_log reads it")
    with pytest.raises(FileError, match=r"must be a log .*; Simulation\.load reads a file of save$"):
        read_log(good)


def test_a_deep_manifest_is_refused(good: Path, tmp_path: Path) -> None:
    deep: Any = 0
    for _ in range(200):
        deep = [deep]
    forged = rewritten(good, tmp_path / "forged.npz", set_in("content", "extra", value=deep))
    assert "nested" in refused(forged)


def test_bits_that_flip_are_refused_or_change_nothing(good: Path, tmp_path: Path) -> None:
    """Mutants: one to three bytes changed, blocks moved, cut or doubled. NEUROMOD_FUZZ_MUTANTS says how many."""
    import random

    digest, whole = Simulation.load(good).digest(), good.read_bytes()
    target, counts = tmp_path / "mutant.npz", {"refused": 0, "same": 0, "nameless": 0}
    for seed in range(FIRST, FIRST + int(os.environ.get("NEUROMOD_FUZZ_MUTANTS", "300"))):
        target.write_bytes(mutant_of(whole, random.Random(seed)))
        try:
            again = Simulation.load(target)
        except FileError as error:
            counts["refused" if str(error).startswith(f"{target}: ") else "nameless"] += 1
        else:
            assert again.digest() == digest, seed
            counts["same"] += 1
    assert counts["refused"] > 10 * counts["same"] and not counts["nameless"], counts


def mutant_of(whole: bytes, draw: Any) -> bytes:
    new = bytearray(whole)
    for _ in range(draw.choice([1, 1, 2, 3])):
        at, n = draw.randrange(len(new)), draw.choice([1, 2, 8, 100])
        what = draw.choice(["bit", "byte", "cut", "double", "swap", "zero"])
        if what == "bit":
            new[at] ^= 1 << draw.randrange(8)
        elif what == "byte":
            new[at] = draw.randrange(256)
        elif what == "cut":
            del new[at : at + n]
        elif what == "double":
            new[at:at] = new[at : at + n]
        elif what == "swap":
            to = draw.randrange(len(new))
            new[at], new[to] = new[to], new[at]
        else:
            new[at : at + n] = bytes(len(new[at : at + n]))
    return bytes(new)


@pytest.mark.parametrize("kind", [Simulation, BrainModel])
def test_paths_that_are_none_are_refused(kind: Any, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        kind.load(tmp_path / "no.npz")
    with pytest.raises((IsADirectoryError, FileError), match=r"a directory$|must hold a checkpoint"):
        kind.load(tmp_path)
    with pytest.raises(TypeError, match="path: must be a str or Path"):
        kind.load(3)


def test_nothing_is_written_where_there_is_no_directory(tmp_path: Path) -> None:
    model = BrainModel("brain_base_model.json")
    with pytest.raises(FileNotFoundError, match="must be in a directory that exists"):
        model.save(tmp_path / "no" / "a.npz")
    with pytest.raises(IsADirectoryError):
        model.save(tmp_path)


def test_a_model_is_no_simulation(tmp_path: Path) -> None:
    sim = small()
    sim.save(tmp_path / "s.npz")
    sim.model.save(tmp_path / "m.npz")
    assert "Simulation.load(path).model has it" in refused(tmp_path / "s.npz", BrainModel)
    assert "BrainModel.load reads it" in refused(tmp_path / "m.npz")


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    model, real, link = BrainModel("brain_base_model.json"), tmp_path / "real.npz", tmp_path / "link.npz"
    link.symlink_to(real)
    model.save(link)
    assert link.is_symlink() and real.is_file() and not real.is_symlink()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_what_is_no_ordinary_file_is_neither_replaced_nor_read(tmp_path: Path) -> None:
    """As root, a device would be gone for all users of the machine."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    link = tmp_path / "link"
    link.symlink_to(pipe)
    sim = small(2)
    for path in (pipe, link):
        for act in (sim.save, sim.model.save, Simulation.load, BrainModel.load):
            with pytest.raises(OSError, match=r"pipe: must be a file; it is a device"):
                act(path)  # type: ignore[operator]
        with pytest.raises(OSError, match="must be a file"):
            save_results(path, {}, overwrite=True)
        with pytest.raises(OSError, match="must be a file"):
            sim.streaming(path, {"spikes": SpikeMonitor(sim)})
    assert pipe.is_fifo()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["link", "pipe"]


# ---- files of each release load for ever ---------------------------------------------------------------------------


def test_a_file_of_format_1_loads() -> None:
    """Made by ``python tests/test_files.py``; never made anew when the format changes: another one is added."""
    sim = Simulation.load(OLD)
    assert sim.digest() == "6564fb7de5f797b88e394bb01e2cdfec4947d322f0c2cc33d71cfecfc4924e1a"
    assert [type(each).__name__ for each in sim.monitors] == ["SpikeMonitor", "SynapseMonitor"]
    assert sim.monitors[0].count > 0  # type: ignore[attr-defined]


def main() -> None:
    sim = small(40)
    kept = SpikeMonitor(sim), SynapseMonitor(sim, "p", synapses=[0, 1], every=5)
    sim.run(20)
    sim.save(OLD)
    print(sim.digest(), OLD.stat().st_size, len(kept))


if __name__ == "__main__":
    main()
