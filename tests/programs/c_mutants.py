"""Faults put into the C core one at a time: how many of them do the tests find?

Usage: python tests/programs/c_mutants.py [--count 60] [--seed 1] [--minutes 30] [--c-only] [--only K,L]
                                             [--folder FOLDER]

Run it in a checkout that was built in place. An operator or a number of a C file is changed, and the file is compiled
as released. The C test programs run that come to the line, those of the file first; a long program runs last, for the
files that LONG names. If they find nothing, the Python tests that belong to the file run on the baseline core with the
fault. A C test that takes 20 s of a processor has found the fault; a Python test that is cut off has not. A change that
does not compile, or that leaves the object as it was, is drawn anew. The same seed draws the same mutants; --only takes
those of these numbers. FOLDER keeps what is built before the first mutant, for the next time. The mutants that are left
are printed; the last line has the share that was found.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections import defaultdict
from contextlib import nullcontext
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
# The Python tests of a file, by the beginning of its name; the first that fits.
PYTHON_TESTS = {
    "nm_build_distance": "connect_distance",
    "nm_build_degree": "connect_degree build",
    "nm_build": "build create draws weights",
    "nm_bitmap": "bitmap push",
    "nm_push": "push joining",
    "nm_pull": "push joining",
    "nm_join": "joining",
    "nm_deliver": "push joining short_term simulation",
    "nm_levels": "modulator_kinetics modulator_diffusion modulator_release neuromodulation",
    "nm_drive": "drive rng",
    "nm_current": "drive_currents",
    "nm_quantile": "rng drive_trains",
    "nm_rng": "rng drive_trains",
    "nm_lazy": "learning_fuzz short_term plasticity interval small_changes",
    "nm_events": "plasticity_graupner_brunel events",
    "nm_homeostasis": "homeostasis",
    "nm_short": "short_term",
    "nm_record": "recording monitors",
    "nm_response": "response modulator_release",
    "nm_network": "simulation joining births prune",
    "nm_": "simulation partitions",
    "modulator_": "neuromodulation modulator_kinetics",
    "neuron_": "{own} contract",
    "plasticity_": "{own} learning_fuzz",
}
LONG = {  # programs that run last, and only for files whose names begin so
    "test_deliver": "nm_deliver nm_push nm_pull nm_join nm_bitmap nm_short nm_network",
    "test_lazy": "nm_lazy nm_events plasticity_ nm_plasticity",
    "test_neurons": "neuron_ nm_current",
    "test_pool": "nm_pool",
    "test_runs": "nm_runs",
}
SLOWEST = {"more_steps_than_16_bits_count"}  # of the C tests; left out
LIMIT = 20  # seconds of a processor that a C test has; the longest takes 8


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
        self.folder, self.is_made = folder, (folder / "made_from").exists()
        self.made_from = self.sources()
        if self.is_made and (folder / "made_from").read_text() != self.made_from:
            raise SystemExit(f"{folder}: must be of these sources; remove it")
        self.cc = (os.environ.get("CC") or "gcc").split()[0]
        self.objects = {
            path.stem: self.kept(path, folder / f"{path.stem}.o")
            for path in sorted(CHECKOUT.glob("csrc/*.c"))
        }
        self.link(self.core_with(None, None))
        self.tests = {path.stem: self.program(path) for path in sorted(CHECKOUT.glob("tests/c/test_*.c"))}
        self.reached = self.lines_reached()
        self.package = folder / "package"
        shutil.rmtree(self.package, ignore_errors=True)
        shutil.copytree(
            CHECKOUT / "neuromod", self.package / "neuromod", ignore=shutil.ignore_patterns("avx*.so")
        )
        (self.binding,) = (CHECKOUT / "build").glob("release-abi3/temp.*/**/neuromod/_core/core.o")
        (folder / "made_from").write_text(self.made_from)

    def sources(self) -> str:
        """A digest of the core and of its tests."""
        paths = [path for place in ("csrc", "tests/c") for path in sorted((CHECKOUT / place).glob("*.[ch]"))]
        return hashlib.sha256(b"\0".join(path.read_bytes() for path in paths)).hexdigest()

    def kept(self, source: Path, target: Path) -> Path:
        """The object of a source, compiled unless the folder has it."""
        return target if self.is_made else self.compile(source, target)

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
        made, target = self.kept(source, self.folder / f"{source.stem}.o"), self.folder / source.stem
        if self.is_made:
            return target
        where = [f"-L{self.folder}", f"-Wl,-rpath,{self.folder}"]
        subprocess.run(
            [self.cc, str(made), *where, "-lcore", "-lm", "-pthread", "-o", str(target)], check=True
        )
        return target

    def lines_reached(self) -> dict[tuple[str, int], set[str]]:
        """(file, line) -> the C test programs that come to it, by gcov; without the long ones."""
        found = defaultdict[tuple[str, int], set[str]](set)
        folder = self.folder / "reached"
        note = folder / "reached.json"
        if self.is_made:
            return {(file, line): set(stems) for file, line, stems in json.loads(note.read_text())}
        folder.mkdir(exist_ok=True)
        flags = ["-std=c11", "-O1", "-g", "--coverage", "-ffp-contract=off", f"-I{CHECKOUT / 'csrc'}"]
        core = sorted(CHECKOUT.glob("csrc/*.c"))
        subprocess.run([self.cc, *flags, "-c", *map(str, core)], check=True, cwd=folder)
        objects = [f"{path.stem}.o" for path in core]
        for stem in sorted(set(self.tests) - set(LONG)):
            source = str(CHECKOUT / "tests" / "c" / f"{stem}.c")
            command = [self.cc, *flags, source, *objects, "-lm", "-pthread", "-o", stem]
            subprocess.run(command, check=True, cwd=folder)
            for name in self.names_of(folder / stem):
                subprocess.run([str(folder / stem), name], check=True, capture_output=True, cwd=folder)
            data = [f"{path.stem}.gcda" for path in core if (folder / f"{path.stem}.gcda").exists()]
            told = subprocess.run(
                ["gcov", "--json-format", "--stdout", *data], check=True, capture_output=True, cwd=folder
            )
            for text in told.stdout.splitlines():
                for file in json.loads(text)["files"]:
                    for line in file["lines"]:
                        found[Path(file["file"]).name, line["line_number"]] |= (
                            {stem} if line["count"] else set()
                        )
            for name in data:
                (folder / name).unlink()
        note.write_text(json.dumps([[*where, sorted(stems)] for where, stems in found.items()]))
        return found

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

    def names_of(self, program: Path) -> list[str]:
        """The C tests of a program, without the slowest."""
        listed = subprocess.run([str(program), "--list"], capture_output=True, text=True, check=True)
        return [name for name in listed.stdout.split() if name not in SLOWEST]

    def c_test_that_fails(self, mutant: Mutant, made: Path) -> str | None:
        """The first C program that does not pass; those of the file's own name run first, the long ones last."""
        self.link(self.core_with(mutant, made))
        own = mutant.file.stem.removeprefix("nm_").split("_")[0]
        places = [
            (mutant.file.name, mutant.line - k) for k in range(20)
        ]  # gcov has the first line of a statement
        known = next((self.reached[each] for each in places if each in self.reached), None)
        chosen = set(self.tests) - set(LONG) if known is None else set(known)
        chosen |= {stem for stem in LONG if mutant.file.name.startswith(tuple(LONG[stem].split()))}
        for stem in sorted(chosen, key=lambda each: (each in LONG, own not in each, each)):
            program = str(self.tests[stem])
            for words in [[name] for name in self.names_of(self.tests[stem])] if stem in LONG else [[]]:
                if run_for(LIMIT, [program, *words]).returncode:
                    return " ".join([stem, *words])
        return None

    def python_test_that_fails(self, mutant: Mutant, made: Path) -> str | None:
        """The first Python test that does not pass on the core with the fault."""
        core = self.core_with(mutant, made)
        link = sysconfig.get_config_var("LDSHARED").split()
        (target,) = self.package.glob("neuromod/_core/baseline*.so")
        subprocess.run([*link, str(self.binding), *core, "-o", str(target)], check=True)
        words = next(text for name, text in PYTHON_TESTS.items() if mutant.file.stem.startswith(name))
        for word in words.format(own=mutant.file.stem).split():
            path = CHECKOUT / "tests" / f"test_{word}.py"
            command = [sys.executable, "-m", "pytest", "-q", "-x", "-m", "not slow", "-n", "0"]
            command += ["-p", "no:cacheprovider", "--timeout", "0", str(path)]
            environment = {**os.environ, "PYTHONPATH": str(self.package), "NEUROMOD_VECTOR": "baseline"}
            done = run_for(120, command, cwd=self.folder, env=environment)
            failed = re.search(r"^(?:FAILED|ERROR) (\S+)", done.stdout, re.MULTILINE)
            if failed:
                return failed[1].rsplit("/", 1)[-1]
            if done.returncode not in (
                0,
                5,
                137,
                152,
                -9,
                -24,
            ):  # 5: none was chosen; the last ones: it was cut off
                return f"{path.name}: the process ended with {done.returncode}"
        return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=1e9)
    parser.add_argument("--c-only", action="store_true")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--only", type=lambda text: set(map(int, text.split(","))))
    given = parser.parse_args()
    until = time.monotonic() + 60.0 * given.minutes
    draw, number, tried, left = random.Random(given.seed), 0, 0, list[str]()
    with tempfile.TemporaryDirectory() if given.folder is None else nullcontext(given.folder) as folder:
        Path(folder).mkdir(exist_ok=True)
        bench = Bench(Path(folder).absolute())
        while number < given.count and time.monotonic() < until:
            mutant = drawn(draw)
            made = bench.object_of(mutant)
            if made is None:
                continue
            number += 1
            if given.only is not None and number not in given.only:
                continue
            tried += 1
            found = bench.c_test_that_fails(mutant, made)
            if found is None and not given.c_only:
                found = bench.python_test_that_fails(mutant, made)
            print(f"{number}: {mutant}: {found or 'LEFT'}", flush=True)
            left += [f"{number}: {mutant}"] if found is None else []
    for line in left:
        print(f"left: {line}")
    share = 100.0 * (tried - len(left)) / max(tried, 1)
    print(f"{tried - len(left)} of {tried} mutants found, {share:.0f} %")
    return 0


if __name__ == "__main__":
    sys.exit(main())
