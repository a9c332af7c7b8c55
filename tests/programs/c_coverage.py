"""Branch coverage of the C core from what gcov kept: python tests/programs/c_coverage.py FOLDER ... [--missing].

Counts of all `.gcda` files below the folders are added, so that a branch counts as taken where the C tests or the
Python tests took it. Branches of `assert` do not count: one of them must never be taken. Prints the files, the worst
first, and the whole; with --missing, the lines with branches that were never taken.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

CHECKOUT = Path(__file__).resolve().parents[2]
Key = tuple[str, int, int]


class Counts(NamedTuple):
    """How often each line and each branch was run: (file, line, number) -> count."""

    lines: dict[Key, int]
    branches: dict[Key, int]


def counted(folders: list[Path]) -> Counts:
    """The counts of all objects below the folders."""
    found = Counts(defaultdict(int), defaultdict(int))
    for data in sorted(path for folder in folders for path in folder.rglob("*.gcda")):
        command = ["gcov", "--branch-probabilities", "--json-format", "--stdout", str(data)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=CHECKOUT, check=True)
        for text in done.stdout.splitlines():
            for file in json.loads(text)["files"]:
                name = Path(file["file"]).name
                if "csrc" not in file["file"] or not (CHECKOUT / "csrc" / name).exists():
                    continue
                for line in file["lines"]:
                    found.lines[name, line["line_number"], 0] += line["count"]
                    for k, branch in enumerate(line["branches"]):
                        found.branches[name, line["line_number"], k] += branch["count"]
    return found


def main(words: list[str]) -> int:
    missing = "--missing" in words
    counts = counted([Path(word) for word in words if not word.startswith("--")])
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
    if missing:
        for name, line, _ in sorted({(key[0], key[1], 0) for key, n in own.items() if not n}):
            print(f"{name}:{line}: {sources[name][line - 1].strip()}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
