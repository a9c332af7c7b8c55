"""The main job where its words, checkpoints and sections are of rarer kinds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neuromod import ConfigError
from neuromod.atomic import alone_in
from neuromod.cli import main
from neuromod.config.load import load
from neuromod.experiment import run_experiment
from neuromod.experiment.resume import _differences, clear_checkpoints
from neuromod.experiment.schedule import Log
from neuromod.experiment.section import experiment_of
from neuromod.experiment.story import headline, speed
from neuromod.state import SavedPart

BRAIN = "brain_base_model.json"


def test_steps_and_ms_together_are_refused() -> None:
    with pytest.raises(TypeError, match="steps, ms: must not be given both; got 3 and 3"):
        run_experiment(BRAIN, steps=3, ms=3.0)


def test_a_time_that_is_no_number_of_steps_is_refused_before_the_network_is_built(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("neuromod.experiment.run._built", None)
    with pytest.raises(ValueError, match=r"^ms: must be a whole number of steps of 1 ms; got 0.3 ms; 1 is$"):
        run_experiment(BRAIN, ms=0.3, checkpoint=tmp_path / "kept")
    assert not any(tmp_path.iterdir())


def test_a_configuration_without_an_experiment_is_valid(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = dict(load(BRAIN, warn=False)[0])
    del content["experiment"]
    (tmp_path / "plain.json").write_text(json.dumps(content))
    assert main(["validate", str(tmp_path / "plain.json")]) == 0
    assert capsys.readouterr().out.endswith("plain.json: valid\n")


@pytest.mark.parametrize(
    ("keys", "more", "problem"),
    [
        (
            {},
            {"senses": {"vision": {"areal": "S"}}},
            r"experiment\.sense: must feed an area whose sheet .* 8 x 8 pixels; got 'vision' with 4 x 4 sites",
        ),
        (
            {"dataset": None, "plasticity": {"rule": "clopath"}},
            {"neuron_model": {"type": "poisson"}},
            r"experiment\.plasticity\.rule: .* clopath reads v_membrane; got neurons of poisson",
        ),
    ],
)
def test_an_experiment_that_does_not_fit_its_network_is_refused(
    keys: dict[str, Any], more: dict[str, Any], problem: str
) -> None:
    ranges = {"x": [0, 3], "y": [0, 3], "z": [0, 0], "w": [0, 0]}
    content: dict[str, Any] = {
        "lattice_shape": [4, 4, 1, 1],
        "areas": [{"name": "S", "coord_ranges": ranges}],
        "senses": {"vision": {"areal": "S"}},
        "experiment": {"dataset": "digits", "sense": "vision"} | keys,
    } | more
    with pytest.raises(ConfigError, match=problem):
        experiment_of(*load(content, warn=False))


# ---- checkpoints -------------------------------------------------------------------------------------------------


def test_an_identity_that_cannot_be_read_differs_in_its_keys() -> None:
    own = json.dumps({"seed": 1, "steps": 2})
    for saved in ("{", None, "[]", own):
        assert _differences(saved, own) == "its keys"
    assert _differences(json.dumps({"seed": 2, "steps": 3}), own) == "seed and steps"


def test_only_a_run_s_own_checkpoints_are_cleared(tmp_path: Path) -> None:
    clear_checkpoints(tmp_path / "none")
    folder = tmp_path / "c"
    folder.mkdir()
    for name in ("training.npz", "control.npz", "mine.txt"):
        (folder / name).touch()
    with alone_in(folder):
        clear_checkpoints(folder)
        assert (folder / "training.npz").exists()
    clear_checkpoints(folder)
    assert [path.name for path in folder.iterdir()] == ["mine.txt"]
    (folder / "mine.txt").unlink()
    clear_checkpoints(folder)
    assert not folder.exists()


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("event_kind", "reward", "event_kind: must be a list of names; got 'reward'"),
        ("event_kind", ["reward", 3], "event_kind: must be a list of names"),
        ("image", [1, 2], "image: must be an array of one axis"),
        ("event_step", np.zeros((2, 2)), "event_step: must be an array of one axis"),
        ("images", np.zeros(2), "images: unknown key"),
    ],
)
def test_a_log_of_another_form_is_refused(name: str, value: Any, rule: str) -> None:
    good = Log([0], [3], [0], ["reward"], [1.0])
    assert Log.of_state(SavedPart(good.state(), "log")) == good
    with pytest.raises(ConfigError, match=rf"log\.{rule}"):
        Log.of_state(SavedPart(good.state() | {name: value}, "log"))


# ---- words -------------------------------------------------------------------------------------------------------


def test_a_test_without_classes_tells_the_response_of_all() -> None:
    run = {
        "response_group": np.zeros(4, int),
        "response_label": np.arange(4),
        "response_before": np.full(4, 5.0),
        "response_after": np.full(4, 6.0),
        "image_step": np.arange(50),
    }
    assert headline(run) == "After 50 images the readout answers with 5.00 Hz before and 6.00 Hz after."


def test_a_run_that_took_no_time_has_no_speed() -> None:
    run = {"steps": np.int64(100), "dt": np.float64(1.0), "wall_seconds": np.float64(0.0)}
    assert speed(run) == "0.1 s simulated"
