"""Logs whose checksums are right and whose heads are not: each is read, or refused by a `FileError` that names it."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from random_models import _spoil, places
from test_files import set_in
from test_logs import channels, small
from test_rank_records import stream
from thread_ranks import on_ranks

from neuromod import FileError, logs, read_log

Change = Callable[[Any], None]


def forged(source: Path, target: Path, change: Change, until: int | None = None) -> Path:
    """The log with another head, and perhaps another step in its first block, whose checksums are right."""
    whole, at, blocks = source.read_bytes(), 0, []
    while at < len(whole):
        magic, number, step, size, _ = logs.HEAD.unpack(whole[at : at + logs.HEAD.size])
        at += logs.HEAD.size + size
        blocks.append([magic, number, step, whole[at - size : at]])
    head = json.loads(blocks[0][3])
    change(head)
    blocks[0][3] = head["raw"].encode() if "raw" in head else json.dumps(head).encode()
    blocks[1][2] = blocks[1][2] if until is None else until
    target.write_bytes(b"".join(logs.packed(*block) for block in blocks))
    return target


def spoiled(seed: int) -> Change:
    """One value of the head changed, moved or left out."""
    draw = random.Random(seed)

    def change(head: Any) -> None:
        *parents, last = draw.choice(places(head))
        place = head
        for key in parents:
            place = place[key]
        _spoil(place, last, draw)

    return change


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path, sim = tmp_path_factory.mktemp("log") / "r.log", small()
    with sim.streaming(path, channels(sim), every=10.0):
        sim.run(30)
    return path


@pytest.fixture(scope="module")
def of_ranks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ranks") / "log"
    on_ranks(3, lambda comm: stream(comm, folder))
    return folder


def set_text(text: str) -> Change:
    return lambda head: head.update(raw=text)


HEADS = {
    "no JSON": (set_text("{"), "head: must be JSON with a format"),
    "too deep": (set_text("[" * 100_000), "head: must be JSON with a format"),
    "a list": (set_text("[1]"), "head: must be JSON with a format"),
    "no format": (set_in("format", value=None), "head: must be JSON with a format"),
    "a later format": (
        set_in("format", value=99),
        "format: must be at most 1, which neuromod .* got 99, written by",
    ),
    "no dt": (set_in("dt", value="1"), "head: must have dt, first and channels"),
    "a dt without end": (set_in("dt", value=10**400), "head: must have dt, first and channels"),
    "no first step": (set_in("first", value=10**400), "head: must have dt, first and channels"),
    "no channels": (set_in("channels", value=[]), "head: must have dt, first and channels"),
    "a channel that is none": (
        set_in("channels", "v", value=3),
        r"head.channels\['v'\]: must have dtype and width",
    ),
    "a type that is a list": (
        set_in("channels", "v", "dtype", value=["<f4"]),
        r"\['v'\]: must have dtype and width",
    ),
    "a width below 0": (set_in("channels", "v", "width", value=-3), r"\['v'\]: must have dtype and width"),
    "spikes of a width": (
        set_in("channels", "spikes", "width", value=2),
        r"\['spikes'\]: must have dtype and width",
    ),
    "another width": (
        set_in("channels", "levels", "width", value=2),
        r"byte \d+: must have the rows that it counts",
    ),
    "ids that are none": (set_in("channels", "v", "ids", value=["x"]), r"\['v'\]: must have dtype and width"),
    "ids of another number": (
        set_in("channels", "v", "ids", value=[1]),
        r"\['v'\]: must have dtype and width",
    ),
}


@pytest.mark.parametrize("name", HEADS)
def test_a_head_that_is_none_is_refused(name: str, good: Path, tmp_path: Path) -> None:
    """A list in the place of a type was a TypeError, a long number an OverflowError."""
    change, message = HEADS[name]
    bad = forged(good, tmp_path / "bad.log", change)
    with pytest.raises(FileError, match=message) as caught:
        read_log(bad)
    assert str(caught.value).startswith(f"{bad}: ")


def test_a_log_that_goes_back_in_time_is_refused(good: Path, tmp_path: Path) -> None:
    bad = forged(good, tmp_path / "bad.log", lambda head: None, until=25)
    with pytest.raises(FileError, match=r"byte \d+: must go on in time"):
        read_log(bad)


def test_a_log_says_what_it_holds(good: Path) -> None:
    log = read_log(good)
    assert repr(log).startswith(f"RecordLog(spikes: {len(log['spikes']['step'])}, half: ")
    assert repr(log).endswith("until=30 ms, is_complete=True)")


@pytest.mark.parametrize(
    "change",
    [
        set_in("channels", "v", "ids", value=["V1_like"]),
        set_in("channels", "v", "ids", value=[3]),
        set_in("channels", "v", "asked", value=[4900, 3, 2000, 77]),
        set_in("channels", "v", "every", value=7),
        set_in("channels", "l", "kind", value="RateMonitor"),
        set_in("channels", "w", "place", value=[1.5]),
        lambda head: head["channels"]["w"].pop("place"),
    ],
)
def test_a_rank_of_another_run_is_refused(change: Change, of_ranks: Path, tmp_path: Path) -> None:
    """These were an IndexError, a ValueError of NumPy, or records that no run has made."""
    folder = tmp_path / "log"
    shutil.copytree(of_ranks, folder)
    forged(of_ranks / "rank-00001.log", folder / "rank-00001.log", change)
    with pytest.raises(FileError, match=r"must be of one run on all ranks|must have dtype and width"):
        read_log(folder)


def test_ranks_that_recorded_at_other_steps_are_refused(of_ranks: Path, tmp_path: Path) -> None:
    folder = tmp_path / "log"
    shutil.copytree(of_ranks, folder)
    whole = bytearray((folder / "rank-00002.log").read_bytes())
    size = logs.HEAD.unpack(whole[: logs.HEAD.size])[3]
    start = logs.HEAD.size + size
    magic, number, until, n, _ = logs.HEAD.unpack(whole[start : start + logs.HEAD.size])
    payload = bytearray(whole[start + logs.HEAD.size : start + logs.HEAD.size + n])
    counts = [int.from_bytes(payload[8 * k : 8 * k + 8], "little") for k in range(4)]
    at = 32 + 16 * counts[0]  # the first step of the second channel, behind the spikes
    assert payload[at : at + 8] == (5).to_bytes(8, "little") and counts[1] == 4
    payload[at : at + 8] = (6).to_bytes(8, "little")
    whole[start : start + logs.HEAD.size + n] = logs.packed(magic, number, until, bytes(payload))
    (folder / "rank-00002.log").write_bytes(whole)
    with pytest.raises(FileError, match=r"channels\['v'\]: must be of one run on all ranks"):
        read_log(folder)


@pytest.mark.fuzz
def test_any_head_is_read_or_refused(good: Path, of_ranks: Path, tmp_path: Path) -> None:
    counts = {"read": 0, "refused": 0}
    for seed in range(300):
        if seed % 2:
            shutil.rmtree(tmp_path / "log", ignore_errors=True)
            shutil.copytree(of_ranks, tmp_path / "log")
            name = f"rank-0000{seed % 3}.log"
            forged(of_ranks / name, tmp_path / "log" / name, spoiled(seed))
        else:
            forged(good, tmp_path / "log.log", spoiled(seed))
        try:
            read_log(tmp_path / ("log" if seed % 2 else "log.log"))
            counts["read"] += 1
        except FileError:
            counts["refused"] += 1
    assert min(counts.values()) > 50, counts
