"""What is looked up by name, and is not there: the error has the names that there are, and the nearest one."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

import neuromod
from neuromod import senses
from neuromod.experiment import results, run_experiment


def looked_up(tmp_path: Path) -> dict[str, tuple[Mapping[str, Any], str]]:
    """Mappings, and the beginning of a name that each has."""
    model = neuromod.BrainModel("brain_base_model.json")
    sim = neuromod.Simulation(seed=1)
    cells = sim.create(5, "lif", name="cells")
    sim.connect(cells, cells, in_degree=1, weight=0.1, name="local")
    monitor = neuromod.SpikeMonitor(sim)
    with sim.streaming(tmp_path / "log", {"spikes": monitor}, every=1.0):
        result = sim.run(2)
    return {
        "areas": (model.areas, "V1_lik"),
        "senses": (model.senses, "visio"),
        "config": (model.config, "neuron_mode"),
        "populations": (sim.populations, "cell"),
        "projections": (sim.projections, "loca"),
        "run": (result, "mean_rat"),
        "rates": (result["rates"], "cell"),
        "params": (cells[0].params, "tau_"),
        "log": (neuromod.read_log(tmp_path / "log"), "spike"),
        "table": (neuromod.sweep(lambda seed, drive: 1.0, {"drive": [1]}), "valu"),
        "results": (run_experiment("brain_base_model.json", steps=1), "digit"),
    }


def test_a_name_that_is_not_there_has_a_near_one(tmp_path: Path) -> None:
    """Most of them were a bare ``KeyError: 'V1_lik'``."""
    for where, (mapping, name) in looked_up(tmp_path).items():
        assert name not in mapping
        assert mapping.get(name, 7) == 7
        with pytest.raises(KeyError) as caught:
            mapping[name]
        said = caught.value.args[0]
        assert where in said
        assert name in said.partition(":")[0]
        assert "; did you mean " in said or "unknown key; lif has tau_m, " in said
        with pytest.raises(KeyError):
            mapping[3]  # type: ignore[index]


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])
def test_areas_senses_and_levels_can_be_copied(again: Callable[[Any], Any]) -> None:
    """They could not be pickled: ``cannot pickle 'mappingproxy' object``."""
    model = neuromod.BrainModel("brain_base_model.json")
    assert list(again(model.areas)) == list(model.areas)
    assert again(model.senses)["vision"] == model.senses["vision"]
    with pytest.raises(TypeError):
        model.areas["V1_like"] = None  # type: ignore[index]


@pytest.mark.parametrize(
    ("part", "name", "near"),
    [
        (lambda model: model.areas["V1_like"], "densty", "density"),
        (lambda model: model.areas["V1_like"], "n_site", "n_sites"),
        (lambda model: model.senses["vision"], "area", "areal"),
        (lambda model: model.plasticity, "weigth_max", "weight_max"),
        (lambda model: model.lifecycle, "maxage", "max_age"),
    ],
)
def test_an_attribute_of_a_section_that_is_not_there_has_a_near_one(
    part: Callable[[Any], Any], name: str, near: str
) -> None:
    section = part(neuromod.BrainModel("brain_base_model.json"))
    with pytest.raises(AttributeError, match=f"{name}: no such attribute; did you mean '{near}'"):
        getattr(section, name)
    for again in (copy.copy(section), copy.deepcopy(section), pickle.loads(pickle.dumps(section))):
        assert again == section


CALLS: dict[str, tuple[Callable[..., Any], str, str]] = {
    "read_log": (neuromod.read_log, "filename", "path"),
    "run_experiment": (run_experiment, "sedd", "seed"),
    "save_results": (results.save_results, "overwrit", "overwrite"),
    "TDCritic": (neuromod.TDCritic, "discont", "discount"),
    "update": (neuromod.TDCritic().update, "terminated", "terminal"),
    "release": (neuromod.DopamineSystem().release, "amout", "amount"),
    "create_neuromodulation_system": (neuromod.create_neuromodulation_system, "region", "regions"),
    "feed_sense_input": (senses.feed_sense_input, "matrx", "matrix"),
    "izhikevich_type": (neuromod.cell_types.izhikevich_type, "nmae", "name"),
    "stdp_update": (neuromod.plasticity.stdp_update, "tau_pluss", "tau_plus"),
    "bcm_update": (neuromod.plasticity.bcm_update, "weight_maxx", "weight_max"),
    "ShortTermSynapse": (neuromod.plasticity.ShortTermSynapse, "tau_facill", "tau_facil"),
    "objective": (neuromod.objective, "figur", "figure"),
    "to_csv": (neuromod.sweep(lambda seed: 1.0).to_csv, "pth", "path"),
    "BrainModel": (neuromod.BrainModel, "confg", "config"),
}


@pytest.mark.parametrize("where", CALLS)
def test_an_argument_that_is_not_there_has_a_near_one(where: str) -> None:
    """Python's own words name no near argument before Python 3.13, and none of another library ever."""
    call, wrong, near = CALLS[where]
    with pytest.raises(TypeError, match=f"^{where}: no argument '{wrong}'") as caught:
        call(**{wrong: 1})
    assert f"'{near}'" in str(caught.value) or f" {near}" in str(caught.value)


def test_whether_a_name_is_there_needs_no_near_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`connect` asks so: among 4,096 projections each took 20 ms to find the nearest name."""
    found = looked_up(tmp_path)
    monkeypatch.setattr("neuromod.problems.nearest", None)
    for which, (mapping, near) in found.items():
        assert near not in mapping, which
        assert next(iter(mapping)) in mapping, which
    sim = neuromod.Simulation(seed=1)
    cells = sim.create(3, "lif")
    for name in ("first", "second", "third"):
        sim.connect(cells, cells, all_to_all=True, weight=0.1, name=name)
    assert [*sim.projections] == ["first", "second", "third"] and sim.projections.get("fist") is None
