"""Values of configurations that are rarely given: nothing, integers beyond every double, files that cannot be read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from config_samples import problems_of, put, written

from neuromod import ConfigError
from neuromod.config import load


def small() -> dict[str, Any]:
    line = {"y": [0, 0], "z": [0, 0], "w": [0, 0]}
    return {
        "lattice_shape": [4, 1, 1, 1],
        "areas": [{"name": "A", "coord_ranges": {"x": [0, 3], **line}}],
        "plasticity": {"rule": "stdp"},
        "simulation": {"dt": 1.0},
    }


def test_an_experiment_is_left_out_and_is_not_null() -> None:
    assert load(small())[1].experiment is None
    assert problems_of(small() | {"experiment": None}) == ("experiment: must be an object; got None",)


def test_modulators_of_null_are_all() -> None:
    plasticity = {"rule": "rstdp", "modulators": None}
    assert load(small() | {"plasticity": plasticity})[1].plasticity.modulators is None
    plasticity["modulators"] = ["dopamine"]
    assert load(small() | {"plasticity": plasticity})[1].plasticity.modulators == ("dopamine",)


@pytest.mark.parametrize(("sign", "name"), [(1, "inf"), (-1, "-inf")])
def test_integers_of_many_digits_are_infinite(sign: int, name: str) -> None:
    """As in a file, where they are read as floats; also under keys that no section has."""
    for path in ("mine", "plasticity.weight_max"):
        assert problems_of(put(small(), path, sign * 10**1000)) == (
            f"{path}: must be finite{MV[path]}; got {name}",
        )
    assert load(put(small(), "mine", 10**999))[0]["mine"] == 10**999


MV = {"mine": "", "plasticity.weight_max": ", in mV"}


def test_an_integer_beyond_the_doubles_is_not_finite() -> None:
    assert problems_of(put(small(), "plasticity.weight_max", 10**400)) == (
        "plasticity.weight_max: must be finite, in mV; got an integer of 1329 bits",
    )
    assert problems_of(put(small(), "plasticity.weight_max", "1")) == (
        "plasticity.weight_max: must be a number, in mV; got '1'",
    )


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, "{}")

    def fails(*_: Any, **__: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", fails)
        with pytest.raises(
            ConfigError, match=r"^brain\.json: must be a readable file; got Permission denied\n"
        ):
            load(path)


@pytest.mark.parametrize("model", ["nothing", 3, ""])
@pytest.mark.parametrize("path", ["areas.0.model", "neuron_model.type"])
def test_an_unknown_model_is_one_problem_whatever_the_step(path: str, model: Any) -> None:
    """The step is looked at for known models alone."""
    content = small() | {"simulation": {"dt": 50.0}, "neuron_model": {}}
    problems = problems_of(put(content, path, model))
    shown = path.replace(".0", "[0]")
    assert len(problems) == 1 and problems[0].startswith(f"{shown}: must be "), problems


def test_a_step_of_the_file_is_that_of_its_neurons() -> None:
    content = small() | {"neuron_model": {"type": "poisson", "params_default": {"rate": 400.0}}}
    assert load(put(content, "simulation.dt", 2.5))[1].simulation.dt == 2.5
    assert problems_of(put(content, "simulation.dt", 3.0)) == (
        "simulation.dt: must be at most 2.5 ms for poisson neurons of 400 Hz, as areas[0] has them; got 3.0",
    )
