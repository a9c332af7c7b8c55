"""Branch coverage of the C core from what gcov kept: python tests/programs/c_coverage.py FOLDER ... [--doors FILE].

Counts of all `.gcda` files below the folders are added, so that a branch counts as taken where the C tests or the
Python tests took it. Branches of `assert` do not count: one of them must never be taken. Prints the files, the worst
first, and the whole. FILE gets the doors that nothing went through, as `uncovered.py` reads them: lines that ran and
have a branch that was never taken, and the first lines of functions that never ran.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

CHECKOUT = Path(__file__).resolve().parents[2]
Key = tuple[str, int, int]


class Counts(NamedTuple):
    """How often each line and each branch was run: (file, line, number) -> count; and the functions of the lines."""

    lines: dict[Key, int]
    branches: dict[Key, int]
    functions: dict[tuple[str, int], str]


def counted(folders: list[Path]) -> Counts:
    """The counts of all objects below the folders."""
    found = Counts(defaultdict(int), defaultdict(int), {})
    for data in sorted(path for folder in folders for path in folder.rglob("*.gcda")):
        command = ["gcov", "--branch-probabilities", "--json-format", "--stdout", str(data)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=CHECKOUT, check=True)
        for text in done.stdout.splitlines():
            for file in json.loads(text)["files"]:
                name = Path(file["file"]).name
                if "csrc" not in file["file"] or not (CHECKOUT / "csrc" / name).exists():
                    continue
                for line in file["lines"]:
                    number = line["line_number"]
                    found.lines[name, number, 0] += line["count"]
                    found.functions[name, number] = line.get("function_name", "")
                    for k, branch in enumerate(line["branches"]):
                        found.branches[name, number, k] += branch["count"]
    return found


def doors_of(counts: Counts, own: dict[Key, int], sources: dict[str, list[str]]) -> list[list[str]]:
    """[file, function, line] of what was not gone through; of a function that never ran, its first line."""
    missed = {(name, line) for (name, line, _), n in own.items() if not n and counts.lines[name, line, 0]}
    ran, first = set[tuple[str, str]](), dict[tuple[str, str], int]()
    for (name, line), function in sorted(counts.functions.items()):
        first.setdefault((name, function), line)
        if counts.lines[name, line, 0]:
            ran.add((name, function))
    missed |= {(name, line) for (name, function), line in first.items() if (name, function) not in ran}
    return [
        [f"csrc/{name}", counts.functions[name, line], sources[name][line - 1].strip()]
        for name, line in sorted(missed)
    ]


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--doors", type=Path)
    given = parser.parse_args(words)
    counts = counted(given.folders)
    sources = {name: (CHECKOUT / "csrc" / name).read_text().splitlines() for name, *_ in counts.lines}
    own = {key: n for key, n in counts.branches.items() if "assert(" not in sources[key[0]][key[1] - 1]}
    rows = []
    for name in sorted(sources):
        lines = [n for key, n in counts.lines.items() if key[0] == name]
        branches = [n for key, n in own.items() if key[0] == name]
        rows.append((name, sum(map(bool, lines)), len(lines), sum(map(bool, branches)), len(branches)))
    for name, ran, lines, taken, branches in sorted(rows, key=lambda row: row[3] / max(row[4], 1)):
        print(f"{name:32} lines {ran:5} of {lines:5}   branches {taken:5} of {branches:5}")
    for what, ran, all_of in (("lines", 1, 2), ("branches", 3, 4)):
        n, m = sum(row[ran] for row in rows), sum(row[all_of] for row in rows)
        print(f"C core: {n} of {m} {what}, {100.0 * n / max(m, 1):.1f} %")
    if given.doors is not None:
        given.doors.write_text(json.dumps(doors_of(counts, own, sources)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
