"""The benchmark where the system tells little, where runs differ, and in measurements of their own."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from thread_ranks import on_ranks

from neuromod import CoreError
from neuromod.bench import command, machine, ranks, shapes
from neuromod.bench.shapes import Shape, measure_shape
from neuromod.bench.workloads import Options, build_workload
from neuromod.vector import VARIABLE


def elsewhere(text: str | None, folder: Path) -> Any:
    """`Path` of a system whose files of facts have this text, or that has none."""
    file = folder / "facts"
    if text is not None:
        file.write_text(text)
    return lambda _: file


@pytest.mark.parametrize("text", [None, "", "Name: x\n"])
def test_what_the_system_does_not_tell_is_none(
    text: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("resource", reason="only where there is getrusage")
    monkeypatch.setattr(machine, "Path", elsewhere(text, tmp_path))
    assert machine.memory_now() is None
    peak = machine.memory_peak()
    assert peak is not None and peak > 1.0  # from getrusage
    assert machine._processor() == (platform.processor() or platform.machine())


def test_what_it_tells_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = "x: 1\nVmRSS:\t 2048 kB\nVmHWM:\t 4096 kB\nmodel name\t: Some Processor\n"
    monkeypatch.setattr(machine, "Path", elsewhere(facts, tmp_path))
    assert (machine.memory_now(), machine.memory_peak()) == (2.0, 4.0)
    assert machine._processor() == "Some Processor"


def test_without_affinities_all_processors_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert machine.machine_facts()["processors"] == os.cpu_count()


@pytest.mark.parametrize("before", [None, "baseline"])
def test_the_level_of_vectors_is_set_and_put_back(
    before: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    if before is not None:
        monkeypatch.setenv(VARIABLE, before)
    with command._at_level("avx2"):
        assert os.environ[VARIABLE] == "avx2"
    assert os.environ.get(VARIABLE) == before


def test_runs_with_one_seed_that_differ_ask_for_a_report(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers: Iterator[int] = count()
    monkeypatch.setattr(command, "in_a_process", lambda *_: {"run_s": 1.0, "digest": str(next(numbers))})
    with pytest.raises(
        CoreError, match="please report this: own: runs with one seed ended in different states"
    ):
        command._measured("own", lambda options: {}, Options(), 2)
    monkeypatch.setattr(command, "in_a_process", lambda *_: {"run_s": float(next(numbers)), "digest": "a"})
    median = command._measured("own", lambda options: {}, Options(), 3)
    assert median["run_s"] == median["run_s_all"][1]


def test_a_table_without_a_peak_of_memory_has_no_row_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "in_a_process", lambda work, *given: work(*given))
    records = command.run_bench(
        {"brunel_static": command_of("brunel_static")}, options=Options(scale=0.02, duration=5.0)
    )
    known = "memory at the peak"
    records[1]["peak_bytes_per_synapse"] = 12.5
    assert f"{known}            12.5 B a synapse" in command.bench_table(records)
    records[1]["peak_bytes_per_synapse"] = None
    assert known not in command.bench_table(records)


def command_of(name: str) -> Any:
    from neuromod.bench.workloads import MEASUREMENTS

    return MEASUREMENTS[name]


def test_a_workload_knows_its_time_and_others_are_refused() -> None:
    workload = build_workload("brunel_static", Options(scale=0.02, duration=5.0))
    assert workload.duration == pytest.approx(5.0)
    with pytest.raises(ValueError, match=r"workload: must be one of brunel_static, .*; got 'brunel'"):
        build_workload("brunel")


@pytest.mark.parametrize("delay", [3, {"uniform": [1, 5]}])
def test_a_shape_is_measured_until_its_time_is_over(delay: Any) -> None:
    shape = Shape(neurons=40, in_degree=2, delay=delay)
    assert shapes._longest(shape) == (3 if delay == 3 else 5) + shapes.WARM
    found = measure_shape(shape, seconds=0.05)
    assert found["us_per_step"] > 0.0 and found["ns_per_unit"] > 0.0


def test_a_large_shape_is_measured_in_a_process_of_its_own() -> None:
    shape = Shape(neurons=40, in_degree=2)
    here, apart = (shapes._measured(shape, 1, 0.001, own) for own in (False, True))
    assert here.keys() == apart.keys() and apart["us_per_step"] > 0.0


def test_the_command_of_ranks_prints_a_line_of_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[Any] = []

    def measure(*given: Any, **named: Any) -> Any:
        asked.append((given, named))
        return {"ranks": 1}

    monkeypatch.setattr(ranks, "measure_ranks", measure)
    assert ranks.main(["--neurons", "20", "--in-degree", "3", "--threads", "2"]) == 0
    assert json.loads(capsys.readouterr().out) == {"ranks": 1}
    assert asked == [((20, 3, 200.0, 0.4), {"threads": 2})]
    monkeypatch.setattr(ranks, "_measured", lambda build, *given: asked.append(given))
    assert ranks.main(["--microcircuit", "0.02"]) == 0
    assert capsys.readouterr().out == "" and asked[1] == (200.0, 100.0, 1, 1, None)


@pytest.mark.parametrize("in_degree", [0, 3])
def test_a_network_on_ranks_may_be_without_synapses(in_degree: int) -> None:
    found = on_ranks(2, lambda comm: ranks.measure_ranks(40, in_degree, ms=1.0, comm=comm))
    assert found[0]["synapses"] == 40 * in_degree and found[1] is None
