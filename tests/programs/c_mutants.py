"""Faults put into the C core one at a time: how many of them do the tests find?

Usage: python tests/programs/c_mutants.py [--count 60] [--seed 1] [--minutes 30], in a checkout that was built in place.
An operator or a number of a C file is changed, the file is compiled as released, and the C tests run. If they find
nothing, Python tests run on the baseline core with the fault. A change that does not compile, or that leaves the
object as it was, is drawn anew. The mutants that are left are printed; the last line has the share that was found.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

CHECKOUT = Path(__file__).resolve().parents[2]
RELEASE = ["-std=c11", "-O3", "-g0", "-fPIC", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math"]
PAIRS = "< <=, <= <, > >=, >= >, == !=, != ==, + -, - +, * /, / *, && ||, || &&, += -=, -= +=, *= /="
OTHERS = dict(pair.split() for pair in f"{PAIRS}, ++ --, << >>, >> <<, & |, | &, % /".split(", "))
# What is mutated: an operator between spaces, an increment, a number that is no part of a name.
TOKEN = re.compile(
    r"(?<= )(?:<=|>=|==|!=|&&|\|\||\+=|-=|\*=|<<|>>|[<>+\-*/%&|])(?= )|\+\+|(?<![\w.])(?:\d+\.\d+|\d+)(?![\w.])"
)
SKIPPED = re.compile(
    r"/\*.*?\*/|\"(?:[^\"\\]|\\.)*\"|^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", re.DOTALL | re.MULTILINE
)
PYTHON_TESTS = [
    *("simulation", "create", "build", "connect_distance", "connect_degree", "weights", "recording", "drive"),
    *("response", "rng", "events", "push", "bitmap", "joining", "plasticity", "learning_fuzz", "homeostasis"),
    *("short_term", "modulator_release", "modulator_diffusion", "contract", "partitions", "numerical"),
]


class Mutant(NamedTuple):
    """A change of one token."""

    file: Path
    line: int
    old: str
    new: str
    text: str

    def __str__(self) -> str:
        return f"{self.file.name}:{self.line}: {self.old} -> {self.new}"


def drawn(draw: random.Random) -> Mutant:
    """A token of the C core, each as likely as any other, and another in its place.

    Not of nm_machine.c, which belongs to another module.
    """
    files = sorted(set((CHECKOUT / "csrc").glob("*.c")) - {CHECKOUT / "csrc" / "nm_machine.c"})
    found = []
    for file in files:
        text = file.read_text()
        hidden = [match.span() for match in SKIPPED.finditer(text)]
        for match in TOKEN.finditer(text):
            if not any(start <= match.start() < end for start, end in hidden):
                found.append((file, text, match))
    file, text, match = draw.choice(found)
    old = match[0]
    new = OTHERS.get(old)
    if new is None:
        new = (
            draw.choice([f"{float(old) * 1.5 + 0.5}", "0.0"])
            if "." in old
            else str(int(old) + draw.choice([1, -1]))
        )
    changed = text[: match.start()] + new + text[match.end() :]
    return Mutant(file, text.count("\n", 0, match.start()) + 1, old, new, changed)


def run_for(seconds: int, command: list[str], **where: Any) -> subprocess.CompletedProcess[str]:
    """A command that ends where it has taken so many seconds of a processor."""
    limited = ["bash", "-c", f'ulimit -t {seconds}; exec "$0" "$@"', *command]
    return subprocess.run(limited, capture_output=True, text=True, check=False, **where)


class Bench:
    """Objects of the core and of its tests, and a package with a core of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cc = (os.environ.get("CC") or "gcc").split()[0]
        self.objects = {
            path.stem: self.compile(path, folder / f"{path.stem}.o")
            for path in sorted(CHECKOUT.glob("csrc/*.c"))
        }
        self.link(self.core_with(None, None))
        self.tests = {path.stem: self.program(path) for path in sorted(CHECKOUT.glob("tests/c/test_*.c"))}
        self.package = folder / "package"
        shutil.copytree(
            CHECKOUT / "neuromod", self.package / "neuromod", ignore=shutil.ignore_patterns("avx*.so")
        )
        (self.binding,) = (CHECKOUT / "build").glob("release-abi3/temp.*/**/neuromod/_core/core.o")

    def compile(self, source: Path, target: Path) -> Path:
        """The object of a source; CalledProcessError where it does not compile."""
        include = [f"-I{CHECKOUT / 'csrc'}", f"-I{CHECKOUT / 'tests' / 'c'}"]
        command = [
            self.cc,
            *RELEASE,
            "-fno-semantic-interposition",
            *include,
            "-c",
            str(source),
            "-o",
            str(target),
        ]
        subprocess.run(command, check=True, capture_output=True)
        return target

    def program(self, source: Path) -> Path:
        """A C test that loads the core from a library."""
        made, target = self.compile(source, self.folder / f"{source.stem}.o"), self.folder / source.stem
        where = [f"-L{self.folder}", f"-Wl,-rpath,{self.folder}"]
        subprocess.run(
            [self.cc, str(made), *where, "-lcore", "-lm", "-pthread", "-o", str(target)], check=True
        )
        return target

    def object_of(self, mutant: Mutant) -> Path | None:
        """Its object; None where it does not compile or is the same."""
        source = self.folder / "mutant" / mutant.file.name  # the object has the name
        source.parent.mkdir(exist_ok=True)
        source.write_text(mutant.text)
        try:
            made = self.compile(source, self.folder / "mutant.o")
        except subprocess.CalledProcessError:
            return None
        return None if made.read_bytes() == self.objects[mutant.file.stem].read_bytes() else made

    def core_with(self, mutant: Mutant | None, made: Path | None) -> list[str]:
        """The objects of the core, that of the mutant in the place of its own."""
        own = None if mutant is None else mutant.file.stem
        return [str(made if stem == own else path) for stem, path in self.objects.items()]

    def link(self, core: list[str]) -> None:
        """The library that the C programs load."""
        library = str(self.folder / "libcore.so")
        subprocess.run([self.cc, "-shared", *core, "-lm", "-pthread", "-o", library], check=True)

    def c_test_that_fails(self, mutant: Mutant, made: Path) -> str | None:
        """The first C program that does not pass; that of the file's own name runs first."""
        self.link(self.core_with(mutant, made))
        own = mutant.file.stem.removeprefix("nm_").split("_")[0]
        for stem, program in sorted(self.tests.items(), key=lambda each: own not in each[0]):
            if run_for(60, [str(program)]).returncode:
                return stem
        return None

    def python_test_that_fails(self, mutant: Mutant, made: Path) -> str | None:
        """The first Python test that does not pass on the core with the fault."""
        core = self.core_with(mutant, made)
        link = sysconfig.get_config_var("LDSHARED").split()
        (target,) = self.package.glob("neuromod/_core/baseline*.so")
        subprocess.run([*link, str(self.binding), *core, "-o", str(target)], check=True)
        own = mutant.file.stem.removeprefix("nm_")
        files = [
            CHECKOUT / "tests" / f"test_{own}.py",
            *(CHECKOUT / "tests" / f"test_{name}.py" for name in PYTHON_TESTS),
        ]
        there = [str(path) for path in files if path.exists()]
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-m", "fast", "-p", "no:cacheprovider", *there]
        environment = {**os.environ, "PYTHONPATH": str(self.package), "NEUROMOD_VECTOR": "baseline"}
        done = run_for(900, command, cwd=self.folder, env=environment)
        failed = re.search(r"^(?:FAILED|ERROR) (\S+)", done.stdout, re.MULTILINE)
        return (failed[1] if failed else "the process ended") if done.returncode else None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=1e9)
    given = parser.parse_args()
    until = time.monotonic() + 60.0 * given.minutes
    draw, tried, left = random.Random(given.seed), 0, list[Mutant]()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        while tried < given.count and time.monotonic() < until:
            mutant = drawn(draw)
            made = bench.object_of(mutant)
            if made is None:
                continue
            tried += 1
            found = bench.c_test_that_fails(mutant, made) or bench.python_test_that_fails(mutant, made)
            print(f"{tried}: {mutant}: {found or 'LEFT'}", flush=True)
            left += [mutant] if found is None else []
    for mutant in left:
        print(f"left: {mutant}")
    print(
        f"{tried - len(left)} of {tried} mutants found, {100.0 * (tried - len(left)) / max(tried, 1):.0f} %"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
