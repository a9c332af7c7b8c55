"""Large arrays in fewer bytes: what comes back has the same bits, and parts that do not fit are refused."""

from __future__ import annotations

import os
import random
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_files import mutant_of, rewritten

from neuromod import FileError, Simulation, SpikeMonitor, archive
from neuromod.folding import Folder, Repeated, unfolded
from neuromod.planes import coded, decoded, halved, joined

OLD = Path(__file__).parent / "data" / "saved_format_2.npz"
FIRST = int(os.environ.get("NEUROMOD_FUZZ_SEED", "0"))
MUTANTS = int(os.environ.get("NEUROMOD_FUZZ_MUTANTS", "300"))
N = 5001  # more than `folding._LARGE`, and no multiple of the codes in a byte


def drawn() -> dict[str, Any]:
    rng = np.random.default_rng(3)
    weights = rng.uniform(0.0, 0.02, N).astype(np.float32)
    odd = weights.copy()
    odd[:5] = [np.nan, -0.0, 0.0, np.inf, -1e-42]
    flags = np.where(rng.random(N) < 0.3, np.uint64(2**62), np.uint64(0))
    last = rng.integers(0, 200, N).astype(np.uint64)
    targets = np.concatenate([np.sort(rng.choice(100_000, 1000, replace=False)) for _ in range(5)])
    return {
        "weights": weights,
        "odd": odd,
        "either sign": rng.normal(0.0, 1.0, N).astype(np.float32),
        "targets": targets.astype(np.int32),
        "far targets": (targets + 2**33).astype(np.int64),
        "delays": rng.integers(1, 21, N).astype(np.uint16),
        "below zero": rng.integers(-3, 3, N).astype(np.int64),
        "far below zero": rng.integers(-70_000, 0, N).astype(np.int32),
        "any bits": rng.integers(0, 2**32, N, dtype=np.uint32),
        "any bytes": rng.integers(0, 256, N).astype(np.uint8),
        "bytes": rng.choice(np.arange(5), N, p=[0.5, 0.2, 0.1, 0.1, 0.1]).astype(np.int8),
        "one frequent": np.where(rng.random(N) < 0.9, 7, rng.integers(0, 256, N)).astype(np.uint8),
        "truths": rng.random(N) < 0.5,
        "table": rng.uniform(0.0, 1.0, (1667, 3)).astype(np.float32),
        "doubles": rng.random(N),
        "flagged": (last | flags).astype(np.int64),
        "flagged by either": last | flags | flags[::-1] << np.uint64(1),
        "flagged, later": (last + np.uint64(2**30 - 201) | flags).astype(np.int64),
        "flagged, too late": (last + np.uint64(2**30) | flags).astype(np.int64),
        "flagged table": (last[:5000] | flags[:5000]).astype(np.int64).reshape(-1, 4),
    }


KINDS = {
    "weights": "halves",
    "odd": "halves",
    "either sign": "halves",
    "targets": "halves",
    "delays": "coded",
    "below zero": "coded",
    "bytes": "coded",
    "one frequent": "coded",
    "table": "halves",
    "flagged": "flagged",
    "flagged by either": "flagged",
    "flagged, later": "flagged",
    "flagged, too late": "array",
    "flagged table": "flagged",
}


def test_every_array_comes_back_with_its_bits(tmp_path: Path) -> None:
    arrays = drawn()
    archive.write_archive(tmp_path / "a.npz", "test", arrays)
    found = archive.read_archive(tmp_path / "a.npz", "test").content
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype and found[name].shape == array.shape, name
        assert found[name].tobytes() == array.tobytes(), name


@pytest.mark.parametrize("n", [1, 7, archive._CHUNK // 2 - 1, archive._CHUNK // 2, archive._CHUNK + 5])
@pytest.mark.parametrize("level", ["low", "high", "low of high"])
def test_halves_are_written_as_if_they_were_apart(n: int, level: str) -> None:
    """Halves are views of the values, of which no copy is made."""
    values = np.random.default_rng(n).integers(0, 2**32, n, dtype=np.uint32)
    low, high = halved(values)
    chosen = {"low": low, "high": high, "low of high": halved(high)[0]}[level]
    shift, kept = {"low": (0, 0xFFFF), "high": (16, 0xFFFF), "low of high": (16, 0xFF)}[level]
    assert np.shares_memory(chosen, values)
    written = b"".join(bytes(chunk) for chunk in archive._chunks(chosen))
    assert written == (values >> shift & kept).astype(chosen.dtype).tobytes()


@pytest.mark.parametrize("name", drawn())
def test_how_an_array_is_kept(name: str) -> None:
    folder = Folder()
    how = folder.folded(drawn()[name])["$"][0]
    assert how == KINDS.get(name, how)
    assert how in {"halves", "coded", "flagged"} or KINDS.get(name, "array") == "array"
    names = [each for each, _ in folder.arrays]
    assert names == sorted(names) and len({each[:5] for each in names}) == len(names)


@pytest.mark.parametrize(
    "counts",
    [
        [],
        [0, 0, 0],
        [5, 3, 7],
        [64],
        [0, 64, 0],
        [8] * 8,
        [7, *[8] * 8],
        [100, 0, 50],
        [40_000, 30_000, 0, 1],
        [1] * 5000,
    ],
)
@pytest.mark.parametrize("dtype", ["<i4", ">i4", "<i8"])
def test_values_that_repeat_are_kept_as_their_array_is(counts: list[int], dtype: str) -> None:
    values = np.arange(300, 300 + len(counts)).astype(dtype)
    repeated = Repeated(values, np.array(counts, np.int64))
    one, other = Folder(), Folder()
    assert one.folded({"a": repeated}) == other.folded({"a": np.repeat(values, counts)})
    assert [name for name, _ in one.arrays] == [name for name, _ in other.arrays]
    for (_, mine), (_, its) in zip(one.arrays, other.arrays, strict=True):
        assert mine.dtype == its.dtype and mine.tobytes() == its.tobytes()
    assert one.room == other.room
    assert one.folded({"a": repeated}) == one.folded({"a": repeated})


@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 5, 1 << 18, (1 << 18) + 1])
@pytest.mark.parametrize("kinds", [2, 3, 4, 15, 16, 17])
def test_codes_of_any_number_of_bytes(n: int, kinds: int) -> None:
    chance = 0.6 ** np.arange(kinds)
    array = np.random.default_rng(n).choice(kinds, n, p=chance / chance.sum()).astype(np.uint8) * np.uint8(9)
    parts = coded(array)
    if parts is None:
        assert n < 5
        return
    assert sum(part.size for part in parts) < n + 20
    assert np.array_equal(decoded(parts, n), array)


@pytest.mark.parametrize("dtype", ["<u2", "<i2", "<u4", "<i4", "<f4"])
def test_halves_of_any_type(dtype: str) -> None:
    array = np.random.default_rng(1).integers(0, 256, 4000).astype(np.uint8).view(dtype)
    low, high = halved(array)
    assert joined(low, high, array.dtype).tobytes() == array.tobytes()


@pytest.mark.parametrize(
    ("low", "high", "dtype"),
    [
        (np.zeros(3, "<u2"), np.zeros(4, "<u2"), "<f4"),
        (np.zeros(3, "<u2"), np.zeros(3, "u1"), "<f4"),
        (np.zeros((3, 1), "<u2"), np.zeros((3, 1), "<u2"), "<f4"),
        (np.zeros(3, "<i2"), np.zeros(3, "<i2"), "<f4"),
        (np.zeros(3, "<u4"), np.zeros(3, "<u4"), "<f8"),
    ],
)
def test_what_are_no_halves_is_refused(low: Any, high: Any, dtype: str) -> None:
    with pytest.raises(ValueError, match="must be halves of"):
        joined(low, high, np.dtype(dtype))


def bad_codes() -> dict[str, tuple[Any, int, str]]:
    values, packed, rest = (
        np.array([1, 2, 3], np.uint8),
        np.array([0b11100100], np.uint8),
        np.array([9], np.uint8),
    )
    assert decoded((values, packed, rest), 4).tolist() == [1, 2, 3, 9]
    return {
        "two values": ((values[:2], packed, rest), 4, "must be values, codes and other bytes"),
        "wide values": ((values.astype("<u2"), packed, rest), 4, "must be values, codes and other bytes"),
        "too many": ((values, packed, rest), 5, "must be 2 bytes of codes; got 1"),
        "too few": ((values, packed, rest), 0, "must be 0 bytes of codes; got 1"),
        "none left": ((values, packed, rest[:0]), 4, "must have a byte for each"),
        "one over": ((values, packed, rest), 3, "must be 0 bytes that have no code; got 1"),
    }


@pytest.mark.parametrize("name", bad_codes())
def test_codes_that_do_not_fit_are_refused(name: str) -> None:
    parts, n, message = bad_codes()[name]
    with pytest.raises(ValueError, match=message):
        decoded(parts, n)


def forged_trees() -> dict[str, Any]:
    def deep(about: Any) -> Any:
        return ["halves", 0, ["halves", 0, ["halves", 0, about[2], *about[3:]], *about[3:]], *about[3:]]

    return {
        "an upper half that is none": lambda about: [*about[:2], 5, *about[3:]],
        "halves of halves of halves": deep,
        "another lower half": lambda about: [about[0], about[1] - 1, *about[2:]],
        "no such array": lambda about: [about[0], 99, *about[2:]],
        "another type": lambda about: [*about[:3], "<f8", *about[4:]],
        "a type that holds fewer": lambda about: [*about[:4], "<u2", about[5]],
        "another shape": lambda about: [*about[:5], [N + 1]],
        "a shape of a file as large as the world": lambda about: [*about[:5], [2**61]],
        "codes of booleans": lambda about: [
            *about[:2],
            [*about[2][:2], [*about[2][2][:4], "|b1", *about[2][2][5:]], *about[2][3:]],
            *about[3:],
        ],
    }


@pytest.mark.parametrize("name", forged_trees())
def test_forged_parts_are_refused(name: str, tmp_path: Path) -> None:
    archive.write_archive(tmp_path / "a.npz", "test", {"a": drawn()["weights"]})

    def change(manifest: Any) -> None:
        about = manifest["content"]["a"]["$"]
        assert about[0] == "halves" and about[2][0] == "halves" and about[2][2][0] == "coded"
        manifest["content"]["a"]["$"] = forged_trees()[name](about)

    forged = rewritten(tmp_path / "a.npz", tmp_path / "b.npz", change)
    with pytest.raises(FileError, match=r"b\.npz: manifest\.json: content: must "):
        archive.read_archive(forged, "test")


def forged_flags() -> dict[str, Any]:
    return {
        "nested for ever": lambda about: ["flagged", about, about[2]],
        "of 4 bytes": lambda about: [*about[:2], "<i4"],
        "of floats": lambda about: [*about[:2], "<f8"],
        "no list": lambda about: [about[0], 0, about[2]],
        "of no turned values": lambda about: [about[0], ["array", 0], about[2]],
        "nothing": lambda about: [about[0], [], about[2]],
    }


@pytest.mark.parametrize("name", forged_flags())
def test_forged_flags_are_refused(name: str, tmp_path: Path) -> None:
    archive.write_archive(tmp_path / "a.npz", "test", {"a": drawn()["flagged"]})

    def change(manifest: Any) -> None:
        about = manifest["content"]["a"]["$"]
        assert about[0] == "flagged" and about[1][0] == "halves"
        manifest["content"]["a"]["$"] = forged_flags()[name](about)

    forged = rewritten(tmp_path / "a.npz", tmp_path / "b.npz", change)
    with pytest.raises(FileError, match=r"b\.npz: manifest\.json: content: must "):
        archive.read_archive(forged, "test")


@pytest.mark.fuzz
def test_bytes_that_change_are_refused_or_change_nothing(tmp_path: Path) -> None:
    """NEUROMOD_FUZZ_MUTANTS says how many."""
    archive.write_archive(tmp_path / "a.npz", "test", drawn())
    whole, target, counts = (tmp_path / "a.npz").read_bytes(), tmp_path / "b.npz", Counter[str]()
    for seed in range(FIRST, FIRST + MUTANTS):
        target.write_bytes(mutant_of(whole, random.Random(seed)))
        try:
            found = archive.read_archive(target, "test").content
        except FileError as error:
            counts["refused" if str(error).startswith(f"{target}: ") else "nameless"] += 1
        else:
            assert all(found[name].tobytes() == array.tobytes() for name, array in drawn().items()), seed
            counts["same"] += 1
    assert counts["refused"] > MUTANTS // 2 and not counts["nameless"], counts


@pytest.mark.fuzz
def test_parts_with_right_sums_and_wrong_bytes_are_refused_or_are_arrays() -> None:
    """What a program that knows the format could write. NEUROMOD_FUZZ_MUTANTS says how many."""
    kept = {name: Folder() for name in drawn()}
    trees = {name: kept[name].folded(array) for name, array in drawn().items()}
    counts = Counter[str]()
    for seed in range(FIRST, FIRST + MUTANTS):
        draw = random.Random(seed)
        name = draw.choice(list(trees))
        arrays = [array for _, array in kept[name].arrays]
        for _ in range(draw.choice([1, 1, 2])):
            k = draw.randrange(len(arrays))
            arrays[k] = other_array(arrays[k], draw)
        try:
            found = unfolded(trees[name], arrays, 100_000)
        except ValueError as error:
            counts["refused" if str(error).startswith("content: must ") else str(error)] += 1
        else:
            assert isinstance(found, np.ndarray)
            counts["read"] += 1
    assert set(counts) == {"refused", "read"} and counts["refused"] > MUTANTS // 4, counts


def other_array(array: Any, draw: random.Random) -> Any:
    what = draw.choice(["cut", "double", "type", "shape", "bytes"] if array.size else ["type", "shape"])
    if what == "cut":
        return array[: draw.randrange(array.size + 1)]
    if what == "double":
        return np.concatenate([array, array[: draw.randrange(array.size + 1)]])
    if what == "type":
        with np.errstate(invalid="ignore", over="ignore"):
            return array.astype(draw.choice(["u1", "<u2", "<u4", "<i4", "<f4", "<f8", "?"]))
    if what == "shape":
        return array.reshape(-1, 1)
    changed = array.copy().reshape(-1)
    at = draw.randrange(changed.nbytes)
    changed.view(np.uint8)[at : at + draw.choice([1, 8])] ^= np.uint8(draw.randrange(1, 256))
    return changed


def network(n: int, in_degree: int) -> Simulation:
    sim = Simulation(dt=0.1, seed=1)
    E = sim.create(n, "lif", name="E", drive={"rate": 1500.0, "weight": 0.8})
    sim.connect(
        E,
        E,
        in_degree=in_degree,
        weight={"uniform": [0.0, 0.02]},
        delay={"uniform": [1, 20]},
        rule="stdp",
        name="p",
    )
    return sim


def test_a_plastic_synapse_takes_nine_bytes(tmp_path: Path) -> None:
    """Of drawn weights and delays, under `stdp`, also when it has learnt. In format 1 it took 10.9."""
    sim = network(1000, 500)
    sim.run(500)
    sim.save(tmp_path / "a.npz")
    assert (tmp_path / "a.npz").stat().st_size < 9.5 * 500_000
    assert Simulation.load(tmp_path / "a.npz").digest() == sim.digest()


# ---- a file of this format loads for ever --------------------------------------------------------------------------


def test_a_file_of_format_2_loads() -> None:
    """Made by ``python tests/test_planes.py``; never made anew when the format changes: another one is added."""
    sim = Simulation.load(OLD)
    assert sim.digest() == "49c40b6b9ead47055be37658fd9bb42cb1c1641814c27738c8bc4a8cfa8afb69"
    assert sim.monitors[0].count > 0  # type: ignore[attr-defined]


def main() -> None:
    sim = network(100, 50)
    kept = SpikeMonitor(sim)
    sim.run(300)
    sim.save(OLD)
    print(sim.digest(), OLD.stat().st_size, kept.count, sim.projections["p"].weight[:5])


if __name__ == "__main__":
    main()
