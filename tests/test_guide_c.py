"""The C files of the guide's page on models: each compiles alone without a warning, and does what the page says."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from guide_pages import CHECKOUT, GUIDE, blocks
from test_c import IN_CI, compiler

FLAGS = ["-std=c11", "-Wall", "-Wextra", "-Wshadow", "-Wpedantic", "-Werror", "-ffp-contract=off"]
BLOCKS = blocks((GUIDE / "extending.md").read_text(), "c")
CORE = ("nm_model.c", "nm_field.c", "nm_status.c")


@pytest.fixture(scope="module")
def cc() -> str:
    found = compiler()
    if found is None:
        if IN_CI:
            pytest.fail("CI must have a C compiler")
        pytest.skip("no C compiler on PATH")
    return found


def run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def program(cc: str, folder: Path, written: list[str]) -> list[str]:
    files = [folder / f"model_{k}.c" for k in range(3)]
    for file, block in zip(files, written, strict=True):
        file.write_text(block)
    built = folder / "guide_models"
    sources = [
        CHECKOUT / "tests" / "c" / "guide_models.c",
        *files,
        *(CHECKOUT / "csrc" / name for name in CORE),
    ]
    places = [f"-I{CHECKOUT / 'csrc'}", f"-I{CHECKOUT / 'tests' / 'c'}"]
    run([cc, *FLAGS, *places, *map(str, sources), "-o", str(built), "-lm"])
    return [str(built)]


def test_there_are_a_model_a_rule_and_a_modulator() -> None:
    assert ["nm_neuron_" in BLOCKS[0], "nm_plasticity_" in BLOCKS[1], "nm_modulator_" in BLOCKS[2]] == [
        True
    ] * 3
    assert len(BLOCKS) == 3


@pytest.mark.parametrize("number", range(3))
def test_a_file_compiles_alone_without_a_warning(cc: str, number: int, tmp_path: Path) -> None:
    source = tmp_path / "model.c"
    source.write_text(BLOCKS[number])
    strict = [*FLAGS, "-Wconversion", "-Wcast-qual"]
    run([cc, *strict, f"-I{CHECKOUT / 'csrc'}", "-c", str(source), "-o", str(tmp_path / "model.o")])


def test_they_do_what_the_page_says(cc: str, tmp_path: Path) -> None:
    assert run(program(cc, tmp_path, BLOCKS)).count("ok ") == 4


def test_a_wrong_model_would_be_seen(cc: str, tmp_path: Path) -> None:
    broken = [BLOCKS[0].replace("* c->dt / c", "/ c"), *BLOCKS[1:]]
    assert broken != BLOCKS
    done = subprocess.run(program(cc, tmp_path, broken), capture_output=True, text=True)
    assert done.returncode == 1 and "FAILED neuron_fires" in done.stdout
