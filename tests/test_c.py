"""Builds every `tests/c/test_*.c` with all of `csrc/`, and runs each of its C tests as a test of its own.

Twice: with sanitizers, and as released for the highest vector level of this machine, since both must hold. Objects are
kept in pytest's cache and compiled again only if their source, a header or the flags have changed. Of several pytest
workers one compiles, and the others wait for it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from vector_levels import level_flags, machine_levels

CHECKOUT = Path(__file__).resolve().parent.parent
COMMON = ["-std=c11", "-g", "-Wall", "-Wextra", "-Wshadow", "-Wpedantic", "-Werror", "-ffp-contract=off"]
BUILDS = {  # name -> flags of the compiler and of the linker
    "sanitized": ["-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"],
    "released": ["-O3", "-fno-math-errno", "-fno-trapping-math", *level_flags()[machine_levels()[-1]]],
}
LONG = {"more_steps_than_16_bits_count"}  # C tests that pytest -m fast leaves out
IN_CI = os.environ.get("CI", "").lower() in ("1", "true")


def compiler() -> str | None:
    return next(
        (path for name in (os.environ.get("CC", "cc"), "gcc", "clang") if (path := shutil.which(name))), None
    )


def run_tool(command: list[str], target: Path, failed: str) -> None:
    """Run a command with `-o` and let the target appear whole (several pytest workers may build at once)."""
    partial = target.with_name(f"{target.name}.{os.getpid()}.part")
    done = subprocess.run([*command, "-o", str(partial)], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{failed}:\n{done.stderr}")
    partial.replace(target)


def compile_one(cc: str, source: Path, flags: list[str], headers: bytes, target: Path) -> Path:
    """Compile one source to an object, unless it is there already from the same text and flags."""
    command = [cc, *COMMON, *flags, f"-I{CHECKOUT / 'csrc'}", "-c", str(source)]
    made_from = hashlib.sha256(b"\0".join([source.read_bytes(), headers, repr(command).encode()])).hexdigest()
    note = target.with_suffix(".key")
    if not (target.exists() and note.exists() and note.read_text() == made_from):
        run_tool(command, target, f"{source.name} does not compile")
        note.write_text(made_from)
    return target


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """A block that one process at a time is in."""
    with (folder / "lock").open("w") as file:
        try:
            import fcntl
        except ImportError:  # Windows: all may compile, since targets appear whole
            yield
            return
        fcntl.flock(file, fcntl.LOCK_EX)  # until the file is closed
        yield


def build(cc: str, name: str, folder: Path, flags: list[str]) -> dict[str, Path]:
    """Programs by the stem of their source, for a build of that name."""
    core = sorted((CHECKOUT / "csrc").glob("*.c"))
    programs = sorted((CHECKOUT / "tests" / "c").glob("test_*.c"))
    assert core
    assert programs
    headers = b"".join(
        path.read_bytes() for place in ("csrc", "tests/c") for path in sorted((CHECKOUT / place).glob("*.h"))
    )
    with ThreadPoolExecutor(os.cpu_count()) as pool:

        def start(path: Path, flags: list[str]) -> Future[Path]:
            return pool.submit(compile_one, cc, path, flags, headers, folder / f"{name}-{path.stem}.o")

        jobs = [start(path, flags) for path in core]
        tests = {path.stem: start(path, flags) for path in programs}
        objects = [str(job.result()) for job in jobs]
    built = {stem: folder / f"{name}-{stem}" for stem in tests}
    for stem, job in tests.items():
        run_tool(
            [cc, *flags, str(job.result()), *objects, "-lm", "-pthread"], built[stem], f"{stem} does not link"
        )
    return built


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each name that a program lists; one that says why, if there is no program."""
    cases: list[tuple[Path | None, str]] = []
    names: list[str] = []
    cc = compiler()
    if cc is None:
        cases, names = [(None, "no C compiler found (looked for $CC, cc, gcc, clang)")], ["no-compiler"]
    else:
        cache = getattr(metafunc.config, "cache", None)  # None under -p no:cacheprovider
        folder = cache.mkdir("c_tests") if cache else Path(tempfile.mkdtemp(prefix="c_tests"))
        for name in BUILDS:
            try:
                with alone(folder):
                    programs = build(cc, name, folder, BUILDS[name])
            except RuntimeError as error:
                cases, names = [*cases, (None, str(error))], [*names, f"build-{name}"]
                continue
            for stem, program in programs.items():
                listed = subprocess.run([program, "--list"], capture_output=True, text=True, check=True)
                tests = listed.stdout.split()
                cases += [(program, test) for test in tests] or [(None, f"{stem}.c lists no test")]
                names += [f"{stem}-{test}-{name}" for test in tests] or [f"{stem}-{name}"]
    marked = [
        pytest.param(*case, id=name, marks=pytest.mark.long if case[1] in LONG else ())
        for case, name in zip(cases, names, strict=True)
    ]
    metafunc.parametrize(("program", "test"), marked)


def test_c(program: Path | None, test: str) -> None:
    if program is None and compiler() is None and not IN_CI:
        pytest.skip(test)
    assert program is not None, test
    done = subprocess.run([program, test], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"exit status {done.returncode}\n{done.stdout}{done.stderr}"
    assert done.stdout.startswith(f"ok {test} "), done.stdout
