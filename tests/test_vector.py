"""Vector levels: which one is loaded, who may limit it, and that every one gives the same bits."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from vector_levels import level_flags, machine_levels

import neuromod
from neuromod import ConfigError, _core, _machine, vector
from neuromod.cli import main
from neuromod.vector import LEVELS, VARIABLE, available_levels, vector_level

NEEDED = {  # names of /proc/cpuinfo
    "avx2": {"avx2", "bmi1", "bmi2", "abm", "popcnt"},
    "avx512": {"avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"},
}
# Level -> the processor's features that the flags of setup.py let the compiler use.
FEATURES = {"lzcnt": "abm", "bmi": "bmi1"}


def run(program: str | Path, *words: str, limit: str | None = None) -> subprocess.CompletedProcess[str]:
    """A Python program in a process of its own, with NEUROMOD_VECTOR set to `limit` or unset."""
    environment = {name: value for name, value in os.environ.items() if name != VARIABLE}
    environment |= {} if limit is None else {VARIABLE: limit}
    where = [str(program)] if isinstance(program, Path) else ["-c", program]
    return subprocess.run([sys.executable, *where, *words], capture_output=True, text=True, env=environment)


def level_of_a_new_process(limit: str | None) -> str:
    done = run(
        "from neuromod import Simulation, _core, vector; print(vector.vector_level(), _core.__file__)",
        limit=limit,
    )
    assert done.returncode == 0, done.stderr
    level, path = done.stdout.split(maxsplit=1)
    assert Path(path.strip()).name.startswith(f"{level}.")
    return level


def test_the_levels_of_the_machine_are_those_of_the_system() -> None:
    info = Path("/proc/cpuinfo")
    if not info.exists() or "flags" not in info.read_text():
        pytest.skip("the system does not list what an x86-64 processor has")
    flags = set(re.findall(r"^flags\s*:(.*)$", info.read_text(), re.MULTILINE)[0].split())
    expected = 0
    for level, needed in NEEDED.items():
        if not needed <= flags:
            break
        expected = LEVELS.index(level)
    assert _machine.level() == expected


@pytest.mark.parametrize("level", NEEDED)
def test_a_level_is_refused_to_a_processor_that_lacks_any_of_its_flags(level: str) -> None:
    """What the compiler may use is what csrc/nm_machine.c looks for."""
    own = {FEATURES.get(name, name) for name in (flag.removeprefix("-m") for flag in level_flags()[level])}
    below = set() if level == "avx2" else NEEDED["avx2"]
    assert own == NEEDED[level] | below


def test_no_level_has_fused_multiply_adds_or_the_machine_s_own_flags(checkout: Path) -> None:
    assert set(level_flags()) == set(LEVELS)
    flags = [flag for level in level_flags().values() for flag in level]
    assert not [flag for flag in flags if "fma" in flag or "march" in flag or "fast" in flag]
    assert "-ffp-contract=off" in (checkout / "setup.py").read_text()


def test_the_highest_level_is_loaded_unless_the_environment_limits_it() -> None:
    have = available_levels()
    assert have[0] == "baseline"
    assert level_of_a_new_process(None) == have[-1]
    assert level_of_a_new_process("") == have[-1]
    for limit in LEVELS:
        allowed = [level for level in have if LEVELS.index(level) <= LEVELS.index(limit)]
        assert level_of_a_new_process(limit) == allowed[-1]


def test_the_build_has_every_level_of_this_machine() -> None:
    if not os.environ.get("CI") and available_levels() != machine_levels():
        pytest.skip("built by a compiler that lacks a level")
    assert available_levels() == machine_levels()


def test_a_wrong_limit_is_refused_with_the_near_name() -> None:
    done = run("import neuromod.simulation", limit="avx-512")
    assert done.returncode == 1
    said = done.stderr.strip().splitlines()[-1]
    assert said == (
        "neuromod.errors.ConfigError: NEUROMOD_VECTOR: must be one of baseline, avx2, avx512, or unset; "
        "got 'avx-512'; did you mean 'avx512'?"
    )
    done = run("import sys; from neuromod.cli import main; sys.exit(main(['info']))", limit="sse")
    assert done.returncode == 2
    assert done.stderr.startswith("NEUROMOD_VECTOR: must be one of ")


def test_a_package_without_its_core_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector, "_loaded", [])
    monkeypatch.setattr(vector, "__file__", str(tmp_path / "vector.py"))
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(ImportError, match="not built"):
        vector_level()
    monkeypatch.setenv(VARIABLE, "sse9")
    with pytest.raises(ConfigError, match="NEUROMOD_VECTOR"):
        vector_level()


def test_the_core_has_one_name_at_every_level() -> None:
    """What is pickled at one level is read at another."""
    assert sys.modules["neuromod._core"] is _core is neuromod._core
    assert _core.__name__ == _core.Engine.__module__ == "neuromod._core"


def test_every_level_gives_the_same_digests(checkout: Path) -> None:
    program = checkout / "tests" / "programs" / "digests.py"
    said = {}
    for level in available_levels():
        done = run(program, "0", "40", limit=level)
        assert done.returncode == 0, done.stderr
        first, *digests = done.stdout.splitlines()
        assert first == level
        said[level] = digests
    assert len(said["baseline"]) == 43
    for level, digests in said.items():
        differ = [(one, other) for one, other in zip(said["baseline"], digests, strict=True) if one != other]
        assert not differ, f"{level}: {differ[0]}"


def test_a_core_exports_nothing_that_another_could_take(tmp_path: Path) -> None:
    """Two copies of one inline function, compiled for different levels, must never meet in one linker."""
    nm = shutil.which("nm")
    if nm is None or sys.platform != "linux":
        pytest.skip("no nm, or another form of libraries")
    listed = subprocess.run([nm, "-D", "--defined-only", str(_core.__file__)], capture_output=True, text=True)
    symbols = [line.split()[-1] for line in listed.stdout.splitlines()]
    assert symbols == ["PyInit__core"]


def test_info_prints_the_level_and_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info"]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("vector level"))
    assert line.split(maxsplit=2)[2] == f"{vector_level()}; available {', '.join(available_levels())}"


def test_a_level_that_is_not_there_is_not_measured(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "izhikevich_stdp", "--vector", "neon"]) == 2
    assert capsys.readouterr().err == (
        f"vector: must be a level of this machine and build ({', '.join(available_levels())}); got 'neon'\n"
    )


@pytest.mark.long
def test_benchmarks_run_at_each_level(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(VARIABLE, raising=False)
    for level in available_levels():
        words = ["izhikevich_stdp", "--scale", "0.05", "--t", "50", "--vector", level]
        assert main(["bench", *words, "--history", "h.jsonl"]) == 0
        said = capsys.readouterr()
        assert re.search(rf"^  vector level +{level}$", said.out, re.MULTILINE)
        assert f"vector level {level}" in said.err
        assert f'"vector": "{level}"' in Path("h.jsonl").read_text().splitlines()[-1]
        assert VARIABLE not in os.environ
