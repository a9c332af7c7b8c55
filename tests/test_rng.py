"""Random words and the values made of them: known answers, a plain twin in Python, statistics, the same bits
at every vector level."""

from __future__ import annotations

import ctypes
import math
import os
import shutil
import subprocess
import sysconfig
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest
from numpy.typing import NDArray
from vector_levels import level_flags, machine_levels

from neuromod import _core
from neuromod.vector import LEVELS

# philox4x32 10 of kat_vectors in the Random123 distribution: counter, key, answer
KNOWN = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]
LOW = 0xFFFFFFFF


def philox(counter: tuple[int, ...], key: tuple[int, ...]) -> tuple[int, ...]:
    """Philox-4x32-10 once more, from section 3.3 of the paper."""
    c, k = list(counter), list(key)
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(b >> 32) ^ c[1] ^ k[0], b & LOW, (a >> 32) ^ c[3] ^ k[1], a & LOW]
        k = [(k[0] + 0x9E3779B9) & LOW, (k[1] + 0xBB67AE85) & LOW]
    return tuple(c)


def block(seed: int, stream: int, id: int, step: int) -> tuple[int, ...]:
    return philox((step & LOW, step >> 32, id, stream), (seed & LOW, seed >> 32))


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN)
def test_known_answers(counter: tuple[int, ...], key: tuple[int, ...], answer: tuple[int, ...]) -> None:
    assert _core.philox(counter, key) == answer
    assert philox(counter, key) == answer


@pytest.mark.parametrize("first_id", [0, 1, 2, 3, 40_001])
@pytest.mark.parametrize("n", [0, 1, 3, 4, 5, 67])
def test_four_ids_share_a_block(first_id: int, n: int) -> None:
    seed, step = 0x0123456789ABCDEF, (3 << 32) + 9
    stream = _core.STREAMS["neuron"] | 11 << 8
    expected = [block(seed, stream, i >> 2, step)[i & 3] for i in range(first_id, first_id + n)]
    assert _core.random_words(seed, "neuron", first_id, step, n, salt=11).tolist() == expected
    assert [
        _core.random_word(seed, "neuron", i, step, salt=11) for i in range(first_id, first_id + n)
    ] == expected


def test_a_sequence_is_the_blocks_of_one_id() -> None:
    seed, stream, first = 77, _core.STREAMS["connect"], (1 << 32) - 2  # carries into the step's high word
    expected = [word for k in range(5) for word in block(seed, stream, 123, first + k)]
    assert _core.random_sequence(seed, "connect", 123, first, 5).tolist() == expected


def test_seed_stream_salt_and_step_each_change_the_words() -> None:
    def draw(seed: int = 1, stream: str = "user", step: int = 2, salt: int = 0) -> tuple[int, ...]:
        return tuple(_core.random_words(seed, stream, 0, step, 8, salt=salt).tolist())

    different = {
        draw(),
        draw(seed=2),
        draw(seed=1 + 2**32),
        draw(stream="drive"),
        draw(step=3),
        draw(step=2 + 2**32),
        draw(salt=1),
    }
    assert len(different) == 7
    assert len(set(_core.STREAMS.values())) == len(_core.STREAMS)


def test_a_salt_that_would_overlap_a_stream_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^salt: must be below 2\*\*24; got 16777216$"):
        _core.random_words(1, "user", 0, 0, 1, salt=2**24)


def chi_square(counts: NDArray[np.int64], expected: float) -> float:
    """In standard deviations from its mean: (chi^2 - dof) / sqrt(2 dof)."""
    dof = counts.size - 1
    return float((np.sum((counts - expected) ** 2) / expected - dof) / math.sqrt(2 * dof))


def test_each_byte_of_the_words_is_uniform() -> None:
    words = np.concatenate([_core.random_words(5, "user", 0, step, 1 << 18) for step in range(4)])
    for shift in (0, 8, 16, 24):
        counts = np.bincount((words >> shift) & 0xFF, minlength=256)
        assert abs(chi_square(counts, len(words) / 256)) < 4.5


def test_neighbouring_ids_and_steps_are_uncorrelated() -> None:
    here = _core.random_words(5, "user", 0, 7, 1 << 18) / 2.0**32 - 0.5
    there = _core.random_words(5, "user", 0, 8, 1 << 18) / 2.0**32 - 0.5
    bound = 4.5 / math.sqrt(
        len(here)
    )  # of a coefficient of correlation, whose standard deviation is 1 / sqrt(n)
    for lag in (1, 2, 3, 4):
        assert abs(12 * np.mean(here[lag:] * here[:-lag])) < bound
    assert abs(12 * np.mean(here * there)) < bound


# ---- values ----------------------------------------------------------------------------------------------------


def plain_normal(seed: int, stream: int, n: int) -> list[float]:
    """Box & Muller with the C library's log, cos and sin."""
    values = []
    for k in range(0, n, 2):
        words = block(seed, stream, k >> 2, 0)
        u, angle = (words[k & 3] + 0.5) / 2**32, words[k & 3 | 1]
        turns = (angle >> 30) + ((angle & 0x3FFFFFFF) + 0.5) / 2**30 - 0.5
        radius = math.sqrt(-2.0 * math.log(u))
        values += [radius * math.cos(turns * math.pi / 2), radius * math.sin(turns * math.pi / 2)]
    return values[:n]


def test_normal_values_agree_with_the_plain_twin() -> None:
    stream = _core.STREAMS["weight"] | 9 << 8
    values = _core.draw_normal(31, "weight", 9, 0.0, 1.0, 2001)
    assert values.dtype == np.float32
    # float32 keeps 6e-8 of a value; near a quarter turn cos(pi/2 + ...) of the twin itself is off by 1e-16
    np.testing.assert_allclose(values, plain_normal(31, stream, 2001), rtol=6.1e-8, atol=1e-15)


def test_normal_moments_and_distribution() -> None:
    n = 1_000_000
    values = np.sort(_core.draw_normal(3, "weight", 1, 0.0, 1.0, n).astype(np.float64))
    # standard errors of mean, sd, skewness and kurtosis: sqrt(1, 1/2, 6, 24) / sqrt(n); 4.5 of them
    assert abs(values.mean()) < 4.5 / math.sqrt(n)
    assert abs(values.std() - 1.0) < 4.5 * math.sqrt(0.5 / n)
    assert abs(np.mean(values**3)) < 4.5 * math.sqrt(15 / n)
    assert abs(np.mean(values**4) - 3.0) < 4.5 * math.sqrt(96 / n)
    assert 4.0 < values[-1] < 6.8 and -6.8 < values[0] < -4.0
    # Kolmogorov-Smirnov: D sqrt(n) > 1.95 has probability 0.001; every 10th value costs at most 1e-5 of D
    cumulative = np.array([0.5 * math.erfc(-x / math.sqrt(2.0)) for x in values[::10]])
    distance = np.max(np.abs(cumulative - (np.arange(0, n, 10) + 0.5) / n))
    assert distance < 1.95 / math.sqrt(n) + 1e-5


def test_normal_neighbours_are_uncorrelated() -> None:
    values = _core.draw_normal(3, "weight", 2, 0.0, 1.0, 1 << 18).astype(np.float64)
    bound = 4.5 / math.sqrt(len(values))
    for lag in (1, 2, 3):
        assert abs(np.mean(values[lag:] * values[:-lag])) < bound
        # x y and x^2 y^2 of a pair are products of independent values: 4.5 sd of the latter is 4.5 * sqrt(8 / n)
        assert abs(np.mean(values[lag:] ** 2 * values[:-lag] ** 2) - 1.0) < 4.5 * math.sqrt(8.0 / len(values))


def test_normal_is_scaled_and_shifted() -> None:
    standard = _core.draw_normal(3, "weight", 1, 0.0, 1.0, 1000).astype(np.float64)
    np.testing.assert_allclose(
        _core.draw_normal(3, "weight", 1, -2.0, 0.5, 1000), -2.0 + 0.5 * standard, rtol=2e-7, atol=1e-7
    )
    assert np.all(_core.draw_normal(3, "weight", 1, 0.25, 0.0, 100) == 0.25)


@pytest.mark.parametrize("draw", [_core.draw_normal, _core.draw_uniform])
def test_a_value_depends_on_its_position_only(draw: object) -> None:
    long = draw(8, "delay", 2, 1.0, 3.0, 5000)  # type: ignore[operator]
    for n in (0, 1, 2, 7, 1023, 1024, 1025, 4999):
        assert np.array_equal(draw(8, "delay", 2, 1.0, 3.0, n), long[:n])  # type: ignore[operator]
    assert not np.array_equal(draw(8, "delay", 3, 1.0, 3.0, 5000), long)  # type: ignore[operator]
    assert not np.array_equal(draw(9, "delay", 2, 1.0, 3.0, 5000), long)  # type: ignore[operator]
    assert not np.array_equal(draw(8, "weight", 2, 1.0, 3.0, 5000), long)  # type: ignore[operator]


def test_uniform_values_are_those_of_the_words() -> None:
    stream = _core.STREAMS["delay"] | 4 << 8
    expected = [-1.0 + 4.0 * (block(6, stream, k >> 2, 0)[k & 3] + 0.5) / 2**32 for k in range(999)]
    assert np.array_equal(_core.draw_uniform(6, "delay", 4, -1.0, 3.0, 999), np.float32(expected))


def test_uniform_is_flat() -> None:
    values = _core.draw_uniform(6, "delay", 5, 2.0, 6.0, 1_000_000)
    counts = np.bincount(((values.astype(np.float64) - 2.0) * 25.0).astype(np.int64), minlength=100)
    assert len(counts) == 100
    assert abs(chi_square(counts, 10_000.0)) < 4.5


def test_uniform_never_rounds_up_to_its_open_end() -> None:
    high = 1.0 + 4 * 2.0**-23  # four floats away: half a step of the last one would round to it
    values = _core.draw_uniform(6, "delay", 5, 1.0, high, 10_000)
    assert np.all(values >= 1.0) and np.all(values.astype(np.float64) < high)
    assert len(np.unique(values)) == 4


# ---- deviates of one word ----------------------------------------------------------------------------------------


def test_deviates_of_one_word_are_the_quantile() -> None:
    """To 1e-6, at both ends, at the borders of all octaves and at random; odd around the median."""
    ends = [0, 1, 2, 3, 2**31 - 1, 2**31 - 2, 2**31 - 64, 2**31 - 65]
    borders = [2**k + d for k in range(2, 31) for d in (-1, 0, 1)]
    drawn = _core.random_words(1, "user", 0, 0, 20_000) & 0x7FFFFFFF
    words = np.concatenate([ends, borders, drawn]).astype(np.uint32)
    lower, upper = _core.normal_quantiles(words), _core.normal_quantiles(words | 0x80000000)
    exact = [NormalDist().inv_cdf((int(w) + 0.5) / 2.0**32) for w in words]
    np.testing.assert_allclose(lower, exact, rtol=0, atol=1e-6)
    assert np.array_equal(upper, -lower)


def test_deviates_of_one_word_do_not_depend_on_their_neighbours() -> None:
    """Vectors of 16 and what is left over."""
    words = _core.random_words(2, "user", 0, 0, 100)
    whole = _core.normal_quantiles(words)
    for n in (0, 1, 15, 16, 17, 33):
        assert np.array_equal(_core.normal_quantiles(words[3 : 3 + n]), whole[3 : 3 + n])


# ---- the same bits from every machine --------------------------------------------------------------------------


def compiled(checkout: Path, folder: Path, flags: list[str]) -> ctypes.CDLL:
    """The draws, and the doubles behind them, as the compiler makes them with these flags."""
    compiler = shutil.which((os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[0])
    if compiler is None:
        if os.environ.get("CI"):
            pytest.fail("CI must have a C compiler")
        pytest.skip("no C compiler on PATH")
    built = folder / "draws.so"
    names = (
        "nm_rng",
        "nm_quantile",
        "nm_compact",
        "nm_build",
        "nm_build_probability",
        "nm_build_degree",
        "nm_build_row",
        "nm_build_values",
        "nm_status",
    )
    sources = [str(checkout / "csrc" / f"{name}.c") for name in names]
    sources.append(str(checkout / "tests" / "c" / "probe_math.c"))
    release = [
        "-std=c11",
        "-O3",
        "-ffp-contract=off",
        "-fno-math-errno",
        "-fno-trapping-math",
    ]
    include = ["-I", str(checkout / "csrc")]
    command = [compiler, *release, *flags, *include, "-fPIC", "-shared", *sources, "-lm", "-o", str(built)]
    subprocess.run(command, check=True)
    return ctypes.CDLL(str(built))


def flags_of(level: str) -> list[str]:
    if level not in machine_levels():
        pytest.skip(f"this processor lacks {level}")
    return level_flags()[level]


def probed(core: ctypes.CDLL, name: str, words: NDArray[np.uint32]) -> NDArray[np.float64]:
    out = np.empty(len(words))
    getattr(core, name)(
        ctypes.c_void_p(words.ctypes.data), ctypes.c_size_t(len(words)), ctypes.c_void_p(out.ctypes.data)
    )
    return out


@pytest.mark.long
@pytest.mark.parametrize("level", LEVELS)
def test_each_level_gives_the_same_doubles(level: str, checkout: Path, tmp_path: Path) -> None:
    """What a fused multiply-add, or a vector log of its own, would change in the last bit."""
    core = compiled(checkout, tmp_path, flags_of(level))
    words = _core.random_words(4, "user", 0, 0, 10_000)
    uniform = (words + 0.5) / 2.0**32
    log, exp = probed(core, "probe_log", words), probed(core, "probe_exp", words)
    assert log.tolist() == [_core.log(u) for u in uniform.tolist()]
    assert exp.tolist() == [_core.exp(-40.0 * u) for u in uniform.tolist()]
    (tmp_path / "plain").mkdir()
    plain = compiled(checkout, tmp_path / "plain", ["-O0"])
    assert np.array_equal(probed(core, "probe_normal", words), probed(plain, "probe_normal", words))
    np.testing.assert_allclose(log, np.log(uniform), rtol=4e-16)


class CBuild(ctypes.Structure):
    """nm_build of csrc/nm_build.h."""

    _fields_ = (
        ("pre", ctypes.c_void_p),
        ("post", ctypes.c_void_p),
        ("n_pre", ctypes.c_int64),
        ("n_post", ctypes.c_int64),
        ("id", ctypes.c_void_p),
        ("pre_first", ctypes.c_int64),
        ("n_rows", ctypes.c_int64),
        ("autapses", ctypes.c_int64),
        ("seed", ctypes.c_uint64),
        ("salt", ctypes.c_uint32),
        ("n_partitions", ctypes.c_int64),
        ("partition_width", ctypes.c_int64),
        ("first_partition", ctypes.c_int64),
        ("interrupted", ctypes.c_void_p),
        ("context", ctypes.c_void_p),
    )


def check_compact(core: ctypes.CDLL, words: NDArray[np.uint32]) -> None:
    """Those whose target has fired since, for lengths around a vector's; nothing behind the list's room is written."""
    core.nm_compact_find.restype, core.nm_compact_fired.restype = ctypes.c_size_t, ctypes.c_int64
    newest, target = (words % 200).astype(np.int32) - 100, (words >> 8).astype(np.uint16) % len(words)
    for n in (0, 1, 15, 16, 17, 250):
        for since in (-200, 0, 30, 200):
            hit = np.full(n + 1, -7, np.int32)
            found = core.nm_compact_find(
                ctypes.c_void_p(newest.ctypes.data), ctypes.c_void_p(target.ctypes.data), ctypes.c_size_t(n),
                ctypes.c_int32(since), ctypes.c_void_p(hit.ctypes.data),
            )  # fmt: skip
            assert hit[:found].tolist() == np.flatnonzero(newest[target[:n]] >= since).tolist()
            assert hit[n] == -7
    fired = (words % 37 == 0).astype(np.int64)
    for n in (0, 1, 31, 32, 33, 100, len(words)):
        listed = np.full(n + 1, -7, np.int32)
        found = core.nm_compact_fired(
            ctypes.c_void_p(fired.ctypes.data), ctypes.c_int64(n), ctypes.c_int32(70),
            ctypes.c_void_p(listed.ctypes.data),
        )  # fmt: skip
        assert listed[:found].tolist() == (70 + np.flatnonzero(fired[:n])).tolist()
        assert listed[n] == -7


@pytest.mark.long
@pytest.mark.parametrize("level", LEVELS)
def test_each_level_gives_the_same_bits(level: str, checkout: Path, tmp_path: Path) -> None:
    """The installed core is of one level; here each one that this machine can run is built by itself."""
    flags = flags_of(level)
    core = compiled(checkout, tmp_path, flags)
    n = 4099
    words, values = np.empty(n, np.uint32), np.empty(n, np.float32)
    u32, u64, size, double = ctypes.c_uint32, ctypes.c_uint64, ctypes.c_int64, ctypes.c_double
    core.nm_rng_fill(u64(4), u32(8), u32(3), u64(6), size(n), ctypes.c_void_p(words.ctypes.data))
    assert np.array_equal(words, _core.random_words(4, "user", 3, 6, n))
    core.nm_build_normal(
        u64(4), u32(6), double(0.3), double(1.7), size(0), size(n), ctypes.c_void_p(values.ctypes.data)
    )
    assert np.array_equal(values, _core.draw_normal(4, "weight", 0, 0.3, 1.7, n))
    core.nm_build_uniform(
        u64(4), u32(6), double(0.3), double(1.7), size(0), size(n), ctypes.c_void_p(values.ctypes.data)
    )
    assert np.array_equal(values, _core.draw_uniform(4, "weight", 0, 0.3, 1.7, n))
    core.nm_quantile_fill(ctypes.c_void_p(words.ctypes.data), size(n), ctypes.c_void_p(values.ctypes.data))
    assert np.array_equal(values, _core.normal_quantiles(words))
    check_compact(core, words)
    n = 5000
    slots, ids = np.arange(n, dtype=np.int32), np.arange(n, dtype=np.int64)
    at, error = slots.ctypes.data, ctypes.create_string_buffer(64)
    n_partitions, width = _core.partitions(n)
    build = CBuild(at, at, n, n, ids.ctypes.data, 0, n, 0, 4, 2, n_partitions, width)
    bucket_start, scratch = np.zeros(n * n_partitions + 1, np.int64), np.empty(n, np.int64)
    starts_at, scratch_at = ctypes.c_void_p(bucket_start.ctypes.data), ctypes.c_void_p(scratch.ctypes.data)
    for p in (0.1, 5e-4):  # 32-bit and 52-bit uniforms
        _, starts, local = _core.build_probability(slots, slots, ids, p, False, 4, 2)
        found = np.empty(len(local), np.uint16)
        bucket_start[-1] = len(found)
        out = ctypes.c_void_p(found.ctypes.data)
        assert core.nm_build_probability(ctypes.byref(build), double(p), starts_at, out, error) == 0
        assert np.array_equal(bucket_start, starts) and np.array_equal(found, local)
    degree = 600  # more than a batch; rows that are sorted by digits
    found, drawn = np.empty(n * degree, np.uint16), np.empty(n * degree, np.uint16)
    out, kept = ctypes.c_void_p(found.ctypes.data), ctypes.c_void_p(drawn.ctypes.data)
    _, starts, local = _core.build_in_degree(slots, slots, ids, degree, False, 4, 2)
    arguments = ctypes.byref(build), size(degree), scratch_at
    assert core.nm_build_in_degree(*arguments, kept, starts_at, out, error) == 0
    assert np.array_equal(bucket_start, starts) and np.array_equal(found, local)
    _, starts, local = _core.build_out_degree(slots, slots, ids, degree, False, 4, 2)
    assert core.nm_build_out_degree(*arguments, starts_at, out, error) == 0
    assert np.array_equal(bucket_start, starts) and np.array_equal(found, local)
