"""The C tests, golden digests among them, built by clang for x86-64 and for aarch64, which an emulator runs.

Needs the package ziglang, whose clang has all targets, and for aarch64 qemu-user; skipped where they are not there.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from test_c import build
from vector_levels import level_flags, machine_levels

RELEASED = ["-O3", "-fno-math-errno", "-fno-trapping-math", "-Wno-pass-failed"]
TARGETS = {  # name -> target, flags of the compiler, names of a program that runs it
    "x86_64": ("x86_64-linux-musl", level_flags()[machine_levels()[-1]], ()),
    "aarch64": ("aarch64-linux-musl", [], ("qemu-aarch64-static", "qemu-aarch64")),
}


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("name", TARGETS)
def test_all_c_tests_pass_by_clang(name: str, tmp_path: Path) -> None:
    target, flags, emulators = TARGETS[name]
    if importlib.util.find_spec("ziglang") is None or not sys.platform.startswith("linux"):
        pytest.skip("needs ziglang")
    emulator = next((path for each in emulators if (path := shutil.which(each))), None)
    if emulators and emulator is None:
        pytest.skip(f"needs one of {', '.join(emulators)}")
    compiler = tmp_path / "clang"
    compiler.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m ziglang cc -target {target} "$@"\n')
    compiler.chmod(0o755)
    programs = build(str(compiler), name, tmp_path, [*RELEASED, *flags])
    n = 0
    for program in programs.values():
        command = [*([emulator] if emulator else []), str(program)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
        assert done.returncode == 0, f"{program.name}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        n += done.stdout.count("ok ")
    assert n > 100
