"""The plan for more neurons and ranks: its parts are what a rank has, and the page has its figures."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib import resources
from typing import Any

import pytest
from thread_ranks import ThreadComm, on_ranks

from neuromod import _core
from neuromod.bench.ranks import MEASURED, measure_ranks, plan_ranks
from neuromod.ranks import RankSimulation

PAGE = resources.files("neuromod").joinpath("guide", "ranks.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("ranks", [1, 2, 4])
def test_rows_and_synapses_are_those_of_a_rank(ranks: int) -> None:
    n, degree = 6000, 20

    def work(comm: ThreadComm) -> tuple[int, int]:
        sim = RankSimulation(comm, seed=1)
        cells = sim.create(n)
        sim.connect(cells, cells, in_degree=degree, weight={"uniform": [0.1, 0.2]}, rule="none")
        (table,) = sim._sim._session.store.tables
        return table.run_start.nbytes, table.target.nbytes + table.weights.live["weight"].nbytes

    found = on_ranks(ranks, work)
    planned = plan_ranks(n, degree, ranks)["bytes_of"]
    assert all(rows == pytest.approx(planned["rows"], rel=0.01) for rows, _ in found)
    assert sum(rows for rows, _ in found) == pytest.approx(8 * 4 * n, rel=0.01)
    assert max(synapses for _, synapses in found) == pytest.approx(planned["synapses"], rel=0.05)


def test_more_ranks_than_parts_do_not_help() -> None:
    each = [plan_ranks(100_000, 1000, ranks) for ranks in (1, 2, 8, 64)]
    steps, held = ([plan[key] for plan in each] for key in ("seconds_per_step", "bytes"))
    assert steps[0] > steps[1] > steps[2] and steps[3] >= steps[2]
    assert held[0] > held[1] > held[2] == held[3]
    assert each[0]["partitions"] == _core.partitions(100_000)[0] == 8


def test_a_network_is_measured_on_ranks() -> None:
    found = on_ranks(2, lambda comm: measure_ranks(4200, 5, ms=2.0, comm=comm))
    assert found[1] is None and found[0]["ranks"] == 2 and found[0]["synapses"] == 21_000
    assert found[0]["us_per_step"] > 0.0 and len(found[0]["mib"]) == 2


def test_the_page_has_the_figures_of_the_plan() -> None:
    rows = re.findall(r"^\| (1e\d) \| ([\d,]+) \| (.*) \|$", PAGE, re.MULTILINE)
    assert len(rows) == 5
    for neurons, ranks, figures in rows:
        plan: Any = plan_ranks(int(float(neurons)), 1000, int(ranks.replace(",", "")))
        held, gib = plan["bytes"], 2.0**30
        own = [held / gib, plan["bytes_of"]["rows"] / gib, (plan["building_bytes"] - held) / gib]
        own.append(1000.0 * plan["seconds_per_step"])
        told = [float(text.replace(",", "")) for text in figures.split(" | ")]
        assert told == pytest.approx(own, rel=0.06, abs=0.03)


def test_the_page_has_the_plan_beside_what_was_measured() -> None:
    rows = re.findall(r"^\| ([\d,]+) \| (\d+) \| ([\d.]+) \| (\d) \| (.*) \|$", PAGE, re.MULTILINE)
    assert [int(row[3]) for row in rows] == 3 * [1, 2, 4]
    for neurons, degree, rate, ranks, figures in rows:
        n, n_ranks = int(neurons.replace(",", "")), int(ranks)
        look_up = {20_000: 4e-9, 80_000: 20e-9, 400_000: 35e-9}[n]
        plan: Any = plan_ranks(
            n,
            int(degree),
            n_ranks,
            rate=float(rate),
            slowdown=max(1.0, n_ranks / 2),
            constants=replace(MEASURED, bucket=look_up, synapse_bytes=2.0),
        )
        step, planned, held, room = (float(text.replace(",", "")) for text in figures.split(" | "))
        assert [planned, room] == pytest.approx(
            [1e6 * plan["seconds_per_step"], plan["bytes"] / 2**20], rel=0.01
        )
        assert planned == pytest.approx(step, rel=0.08 if n_ranks < 3 else 0.52)
        assert room == pytest.approx(held, rel=0.19)
