"""The command line: what it writes, what it refuses, and with which exit code."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neuromod
from neuromod.cli import main
from neuromod.experiment.results import load_results
from neuromod.progress import ProgressLine

SHORT = ["run", "--steps", "60", "--seed", "3"]


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def written() -> list[str]:
    return sorted(path.as_posix() for path in Path().rglob("*") if path.is_file())


# ---- run ----------------------------------------------------------------------------------------------------------


def test_run_without_a_configuration_is_the_shipped_experiment(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(SHORT) == 0
    said = capsys.readouterr()
    rows = dict(line.split("  ", 1) for line in said.out.splitlines() if "  " in line)
    assert {
        "neurons",
        "synapses",
        "steps",
        "dopamine",
        "serotonin",
        "norepinephrine",
        "speed",
    } <= set(rows)
    assert rows["seed"].strip() == "3"
    results = load_results("neuromod-results/results.npz")
    assert rows["digest"].strip() == str(results["digest"])
    assert results["steps"] == 60
    assert "written: neuromod-results/results.npz" in said.out.replace(os.sep, "/")


def test_the_same_command_again_numbers_its_directory() -> None:
    assert main(SHORT) == main(SHORT) == 0
    first, second = (load_results(f"neuromod-results{end}/results.npz") for end in ("", "-2"))
    assert str(first["digest"]) == str(second["digest"])


def test_the_figure_is_written_where_matplotlib_is(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is an extra")
    assert main([*SHORT, "--out", "here"]) == 0
    assert Path("here/summary.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert written() == ["here/results.npz", "here/summary.png"]


def test_without_matplotlib_one_line_says_what_to_install(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert main([*SHORT, "--out", "here"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if "summary.png" in line]
    assert lines == [
        'no summary.png: neuromod.plot.summary needs matplotlib: pip install "neuromod-snn[plot]", '
        'in a clone pip install ".[plot]"'
    ]
    assert written() == ["here/results.npz"]


def test_results_are_not_replaced_without_force(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SHORT, "--out", "here"]) == 0
    before = Path("here/results.npz").read_bytes()
    assert main([*SHORT, "--steps", "20", "--out", "here"]) == 2
    assert "exists already; --force replaces it" in capsys.readouterr().err
    assert Path("here/results.npz").read_bytes() == before
    assert main([*SHORT, "--steps", "20", "--out", "here", "--force"]) == 0
    assert load_results("here/results.npz")["steps"] == 20


def test_a_file_in_place_of_the_output_directory_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    Path("here").write_text("mine")
    assert main([*SHORT, "--out", "here"]) == 2
    assert capsys.readouterr().err.startswith("--out: must be a directory that can be made; got ")
    assert Path("here").read_text() == "mine"


def test_the_output_directory_and_its_parents_are_made() -> None:
    assert main([*SHORT, "--out", "a/b/c"]) == 0
    assert Path("a/b/c/results.npz").is_file()


def test_a_run_that_fails_leaves_no_directory(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SHORT, "--set", "experiment.novelty=-1"]) == 2
    assert capsys.readouterr().err == "experiment.novelty: must be >= 0; got -1\n"
    assert not list(Path().iterdir())


def test_a_run_that_breaks_down_is_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def diverge(*_: object, **__: object) -> None:
        raise neuromod.NumericalError("neurons[3].v_membrane: must stay finite; got nan")

    monkeypatch.setattr("neuromod.experiment.run.run_experiment", diverge)
    assert main(SHORT) == 1
    assert capsys.readouterr().err == "NumericalError: neurons[3].v_membrane: must stay finite; got nan\n"
    assert not list(Path().iterdir())


def test_a_configuration_file_is_run(tmp_path: Path) -> None:
    ranges = {"x": [0, 4], "y": [0, 4], "z": [0, 0], "w": [0, 0]}
    config = {"lattice_shape": [5, 5, 1, 1], "areas": [{"name": "all", "coord_ranges": ranges}]}
    Path("mine.json").write_text(json.dumps(config))
    assert main(["run", "mine.json", "--steps", "10", "--set", "experiment.density=1", "--out", "here"]) == 0
    results = load_results("here/results.npz")
    assert len(results["neuron_id"]) == 25
    assert json.loads(str(results["config"]))["experiment"] == {"density": 1}


def test_a_part_that_is_not_acted_on_is_warned_of_once(capsys: pytest.CaptureFixture[str]) -> None:
    ranges = {"x": [0, 4], "y": [0, 4], "z": [0, 0], "w": [0, 0]}
    config = {"lattice_shape": [5, 5, 1, 1], "areas": [{"name": "all", "coord_ranges": ranges}]}
    Path("mine.json").write_text(json.dumps(config | {"dimensions": 3}))
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        assert main(["run", "mine.json", "--steps", "10", "--out", "here"]) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("warning: dimensions: not acted on")


# ---- --set ----------------------------------------------------------------------------------------------------------


def config_after(*changes: str) -> dict[str, Any]:
    arguments = [part for change in changes for part in ("--set", change)]
    assert main([*SHORT, "--steps", "1", "--out", "here", "--force", *arguments]) == 0
    return json.loads(str(load_results("here/results.npz")["config"]))


def test_set_writes_numbers_text_and_lists() -> None:
    config = config_after(
        "neuron_model.params_default.tau_m=15",
        "neuron_model.type=lif",
        "experiment.plasticity.weight_max=2.5",
        'experiment.areas=["V1_like", "Striatum_like"]',
        "areas.V1_like.density=0.02",
        "areas.1.density=0.03",
        "simulation.dt=0.5",
    )
    assert config["neuron_model"]["params_default"]["tau_m"] == 15
    assert config["neuron_model"]["type"] == "lif"
    assert config["plasticity"]["weight_max"] == 2.5  # the experiment's rule takes the section's place
    assert config["experiment"]["areas"] == ["V1_like", "Striatum_like"]
    assert [config["areas"][k]["density"] for k in (0, 1)] == [0.02, 0.03]
    assert config["simulation"]["dt"] == 0.5


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            "neuron_modle.type=lif",
            "--set neuron_modle.type: unknown section 'neuron_modle'; did you mean 'neuron_model'?",
        ),
        ("simulaton={}", "did you mean 'simulation'?"),
        (
            "neuron_model.params_default.tau_mm=15",
            "params_default.tau_mm: unknown key; did you mean 'tau_m'?",
        ),
        ("neuron_model.params_default.tau_m=-3", "neuron_model.params_default.tau_m: must be > 0 ms; got -3"),
        ("neuron_model.params_default.tau_m=fast", "neuron_model.params_default.tau_m: must be"),
        ("neuron_model.type.kind=1", "has no keys"),
        ("neuron_model.type.kind.deep=1", "has no key 'kind'"),
        (
            "areas.V1_lik.density=0.1",
            "--set areas.V1_lik.density: no entry 'V1_lik'; did you mean 'V1_like'?",
        ),
        ("areas.99.density=0.1", "no entry '99'"),
        ("areas.99=1", "no entry '99'"),
        ("plasticity.learning_rate=1", "has no effect, experiment.plasticity goes before it"),
        ("tau_m", "--set: must be PATH=VALUE, as in simulation.dt=0.5; got 'tau_m'"),
        ("a..b=1", "--set: must be PATH=VALUE"),
    ],
)
def test_a_wrong_set_says_where_and_writes_nothing(
    change: str, problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*SHORT, "--set", change]) == 2
    assert problem in capsys.readouterr().err
    assert not list(Path().iterdir())


# ---- arguments ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([], "commands:"),
        (["walk"], "must be one of run, sweep"),
        (["run", "--steps", "0"], "must be a whole number >= 1; got '0'"),
        (["run", "--steps", "many"], "must be a whole number >= 1"),
        (["run", "--seed", "-1"], "must be a whole number between 0 and 2**64 - 1"),
        (["run", "--seed", str(2**64)], "must be a whole number between 0 and 2**64 - 1"),
        (["validate"], "required"),
    ],
)
def test_a_wrong_command_line_is_2(
    arguments: list[str], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert problem in capsys.readouterr().err


@pytest.mark.parametrize("command", ["run", "validate"])
def test_a_missing_file_is_2(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "nowhere.json"]) == 2
    assert "nowhere.json" in capsys.readouterr().err
    assert not list(Path().iterdir())


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("runn", "neuromod: error: argument COMMAND: must be one of run, sweep, "),
        ("runn", "got 'runn'; did you mean 'run'?"),
        ("bench micro --delays mny", "must be one of one, many; got 'mny'; did you mean 'many'?"),
        ("run --seeds 4", "neuromod run: error: unrecognized arguments: --seeds; did you mean '--seed'?"),
        (
            "sweep a.json --workrs=3",
            "neuromod sweep: error: unrecognized arguments: --workrs=3; did you mean",
        ),
        ("run a.json b.json", "neuromod run: error: unrecognized arguments: b.json"),
        ("", "neuromod COMMAND ...\n\nSpiking neural networks"),
    ],
)
def test_a_wrong_word_is_answered_with_the_nearest(
    line: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Options of a command were refused under the name of the whole, without the options that it has."""
    with pytest.raises(SystemExit) as caught:
        main(line.split())
    assert caught.value.code == 2
    assert said in capsys.readouterr().err.replace("[-h] [--version] ", "")


def test_one_thing_is_told_as_one(capsys: pytest.CaptureFixture[str]) -> None:
    """It was "After 1 digits", and "1 neurons fired 1 spikes, 5 Hz each on average"."""
    assert main(["run", "--steps", "20", "--out", "here", "--set", "experiment.test_images=1"]) == 0
    assert capsys.readouterr().out.startswith("After 1 digit the readout")
    assert repr(load_results("here/results.npz")) == "Results(38 arrays: 1 image, 20 steps, seed 42)"


# ---- interrupts -----------------------------------------------------------------------------------------------------


def interrupt_after(steps: int, times: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C, that many times, when so many steps are done."""

    def press(self: ProgressLine, done: int, *_: object) -> None:
        if done >= steps:
            for _time in range(times):
                signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(ProgressLine, "__call__", press)


def test_ctrl_c_writes_what_is_done_and_is_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    interrupt_after(10_060, 1, monkeypatch)  # 200 test images of 50 steps, two images of 30
    assert main(["run", "--steps", "100000", "--out", "here"]) == 130
    results = load_results("here/results.npz")
    assert results["steps"] == 60
    assert (len(results["response_before"]), len(results["response_after"])) == (200, 0)
    assert "interrupted: 100,000 were wanted" in capsys.readouterr().out


def test_ctrl_c_before_the_first_step_writes_an_empty_run(monkeypatch: pytest.MonkeyPatch) -> None:
    interrupt_after(40, 1, monkeypatch)
    assert main(["run", "--out", "here"]) == 130
    results = load_results("here/results.npz")
    assert results["steps"] == len(results["response_before"]) == 0


def test_dopamine_can_be_clamped(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SHORT, "--clamp-dopamine", "--out", "here"]) == 0
    assert json.loads(str(load_results("here/results.npz")["experiment"]))["clamp_dopamine"] is True
    said = capsys.readouterr().out
    assert "dopamine                 mean 0.500, 0.500 to 0.500" in said
    assert "with dopamine clamped" not in said  # the run is its own control


def test_the_handler_of_ctrl_c_is_given_back() -> None:
    def mine(number: int, frame: object) -> None:
        raise AssertionError("not pressed")

    before = signal.signal(signal.SIGINT, mine)
    try:
        assert main([*SHORT, "--out", "here"]) == 0
        assert signal.getsignal(signal.SIGINT) is mine
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_second_ctrl_c_stops_at_once_and_writes_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    interrupt_after(40, 2, monkeypatch)
    assert main(["run", "--steps", "100000", "--out", "here"]) == 130
    assert capsys.readouterr().err.endswith("interrupted; nothing was written\n")
    assert not list(Path().iterdir())


# ---- validate, schema, info -----------------------------------------------------------------------------------------


def test_validate_says_valid(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "brain_base_model.json"]) == 0
    assert capsys.readouterr().out == "brain_base_model.json: valid\n"


def test_validate_lists_every_problem_on_a_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    ranges = {"x": [0, 4], "y": [0, 4], "z": [0, 0], "w": [0, 0]}
    config = {
        "lattice_shape": [5, 5, 1, 1],
        "areas": [{"name": "all", "coord_ranges": ranges}],
        "neuron_model": {"type": "lif", "params_default": {"tau_m": -1}},
        "simulation": {"dt": 0},
    }
    Path("bad.json").write_text(json.dumps(config))
    assert main(["validate", "bad.json"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert sorted(line.split(":")[0] for line in lines) == [
        "neuron_model.params_default.tau_m",
        "simulation.dt",
    ]


def test_validate_looks_into_the_experiment(capsys: pytest.CaptureFixture[str]) -> None:
    ranges = {"x": [0, 4], "y": [0, 4], "z": [0, 0], "w": [0, 0]}
    config = {"lattice_shape": [5, 5, 1, 1], "areas": [{"name": "all", "coord_ranges": ranges}]}
    Path("bad.json").write_text(json.dumps(config | {"experiment": {"noveltyy": 1}}))
    assert main(["validate", "bad.json"]) == 2
    assert capsys.readouterr().err == "experiment.noveltyy: unknown key; did you mean 'novelty'?\n"


def test_schema_is_json_with_the_experiment_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert "rewarded_class" in schema["properties"]["experiment"]["properties"]
    assert "areas" in schema["required"]


def test_schema_in_markdown_is_the_reference_with_the_experiment_in_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["schema", "--markdown"]) == 0
    page = capsys.readouterr().out
    assert "| `dt` | number | ms | 1e-09 to 1e+15 | 1 | Length of a step. |" in page
    assert (
        "| `steps_per_image` | whole number | steps | > 0 and <= 2**64 - 1 | 20 | How long an image is shown. |"
        in page
    )


def test_info_names_what_a_report_needs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info"]) == 0
    said = capsys.readouterr().out
    for part in (neuromod.__version__, np.__version__, "lif", "stdp", "dopamine", "threads", "extras"):
        assert part in said
    neuromod.show_config()
    assert capsys.readouterr().out == said


def test_info_tells_the_build_and_the_extras_that_are_there_and_those_to_install(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neuromod.installed.EXTRAS", {"scipy": "json", "neo": "no_such_library"})
    neuromod.show_config()
    rows = dict(line.split(None, 1) for line in capsys.readouterr().out.splitlines())
    assert rows["build"].split(";")[0].split()[0] in ("release", "strict", "sanitize", "threads", "coverage")
    assert "-ffp-contract=off" in rows["build"] or "fp:precise" in rows["build"]
    assert rows["extras"] == "scipy"
    assert (
        rows["not"]
        == 'installed     neo; pip install "neuromod-snn[NAME]", in a clone pip install ".[NAME]" adds one'
    )


def test_python_m_neuromod_is_the_same_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "neuromod", "--version"], check=True, capture_output=True, text=True
    )
    assert done.stdout == f"neuromod {neuromod.__version__}\n"
    assert done.stderr == ""


def test_progress_covers_the_control_and_never_runs_backwards() -> None:
    from neuromod.experiment import run_experiment

    told: list[tuple[int, int, float, float]] = []
    run_experiment("brain_base_model.json", steps=60, seed=1, progress=lambda *said: told.append(said))
    test, training = [50] * 200, [30, 30]
    done = np.cumsum([*test, *training, *test, *training, *test])
    assert [(n, total, ms) for n, total, ms, _ in told] == [(n, done[-1], float(n)) for n in done]
    elapsed = [said[3] for said in told]
    assert elapsed == sorted(elapsed)


def test_progress_stays_off_in_pipes() -> None:
    command = [sys.executable, "-m", "neuromod", *SHORT, "--out", "piped"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    assert done.stderr == ""
    assert "\r" not in done.stdout


# ---- results come before words --------------------------------------------------------------------------------------


def command(*arguments: str, stdout: Any, limit: float = 120) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "neuromod", *arguments]
    return subprocess.run(words, stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=limit, check=False)


def closed_pipe() -> int:
    """The writing end of a pipe that nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    return writing


@pytest.mark.skipif(os.name != "posix", reason="pipes of POSIX")
def test_a_closed_pipe_loses_no_results_and_is_no_error() -> None:
    done = command(*SHORT, "--out", "here", stdout=closed_pipe())
    assert (done.returncode, done.stderr) == (0, "")
    assert load_results("here/results.npz")["steps"] == 60


@pytest.mark.skipif(os.name != "posix", reason="pipes of POSIX")
@pytest.mark.parametrize(
    "words", [["schema"], ["schema", "--markdown"], ["info"], ["validate", "brain_base_model.json"]]
)
def test_a_closed_pipe_is_no_error(words: list[str]) -> None:
    done = command(*words, stdout=closed_pipe())
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_under_the_output_loses_no_results() -> None:
    with Path("/dev/full").open("w") as full:
        done = command(*SHORT, "--out", "here", stdout=full)
    assert done.returncode == 1
    assert done.stderr.startswith("OSError: ") and done.stderr.count("\n") == 1
    assert load_results("here/results.npz")["steps"] == 60


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_a_directory_whose_name_is_no_utf_8_is_printed_as_escapes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The results were written, and then the command ended with a traceback."""
    monkeypatch.setenv("PYTHONIOENCODING", "utf-8:strict")
    done = command(*SHORT, "--out", os.fsdecode(b"caf\xe9"), stdout=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (0, "")
    assert r"written: caf\udce9/results.npz" in done.stdout.splitlines()


def test_a_value_nested_beyond_reason_is_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SHORT, "--set", "simulation.dt=" + "[" * 100_000]) == 2
    assert capsys.readouterr().err.startswith("--set simulation.dt: must be nested less deeply; got [[[")


def test_an_output_name_that_is_too_long_is_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SHORT, "--out", "x" * 300]) == 2
    assert capsys.readouterr().err.startswith("--out: must be a directory that can be made; got ")


def test_info_tells_the_threads_of_a_simulation(capsys: pytest.CaptureFixture[str]) -> None:
    with neuromod.threads(3):
        assert main(["info"]) == 0
    assert "3 by default" in capsys.readouterr().out


# ---- durations ------------------------------------------------------------------------------------------------------


def test_another_dt_says_that_images_get_shorter(capsys: pytest.CaptureFixture[str]) -> None:
    half = [
        "--set",
        "simulation.dt=0.5",
        "--set",
        "experiment.control=false",
        "--set",
        "experiment.test_images=0",
    ]
    assert main(["run", "--steps", "60", "--seed", "3", *half, "--out", "a"]) == 0
    said = capsys.readouterr().err
    assert "note: experiment.steps_per_image is in steps, of the new simulation.dt" in said
    assert np.diff(load_results("a/results.npz")["image_step"]).tolist() == [30]
    assert main(["run", "--steps", "120", *half, "--set", "experiment.image_duration=30", "--out", "b"]) == 0
    assert "steps_per_image" not in capsys.readouterr().err
    assert np.diff(load_results("b/results.npz")["image_step"]).tolist() == [60]


# ---- the line of progress -------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_asked_for_progress_is_lines_off_a_terminal() -> None:
    log = io.StringIO()
    line = ProgressLine(log, after=0.0, always=True)
    for done in (10, 20, 100):
        line(done, 100, float(done), 0.5)
    line.close()
    lines = log.getvalue().splitlines()
    assert [text.split("%")[0].strip() for text in lines] == ["10.0", "100.0"]
    assert "\r" not in log.getvalue()


def test_a_line_of_progress_fits_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)  # tqdm, which is an extra, fits its bar by itself
    line = ProgressLine(screen, after=0.0)
    line(10**9, 10**10, 1e9, 1e5)
    line.close()
    shown = screen.getvalue().rstrip("\n").split("\r")
    assert len(shown) == 2 and len(shown[1]) == 79


def test_the_guide_is_listed_and_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["guide"]) == 0
    said = capsys.readouterr().out.splitlines()
    pages = sorted(path.stem for path in (Path(neuromod.__file__).parent / "guide").glob("*.md"))
    assert said[0].split()[0] == "index" and sorted(line.split()[0] for line in said[: len(pages)]) == pages
    assert str(Path(neuromod.__file__).parent / "guide") in said[-1]
    assert main(["guide", "units"]) == 0
    assert capsys.readouterr().out == (Path(neuromod.__file__).parent / "guide" / "units.md").read_text()
    assert main(["guide", "unit"]) == 2
    assert "did you mean 'units'?" in capsys.readouterr().err
    assert neuromod.__doc__ and "neuromod guide" in neuromod.__doc__
