"""Compares the doors that no test went through with those of which the reason is written down.

Usage: python tests/programs/uncovered.py REASONS C PACKAGE PYTHON

REASONS is `tests/uncovered.txt`: a reason, and below it, indented, the doors that it is the reason for, each as
`file: function: line`, the line as it stands in the source. PACKAGE is `tests/uncovered_package.txt`, the same for the
Python package. C is what `c_coverage.py --doors` has written, PYTHON what `coverage json` has. Ends with 1 where a door
is in neither list. Those of the lists that were gone through this time, some by chance, are printed as well.
"""

from __future__ import annotations

import ast
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[2]


def functions_of(source: str) -> dict[int, str]:
    """Line -> the innermost function or class that it is in, with those around it; "" at the top."""
    found: dict[int, str] = {}

    def visit(node: ast.AST, name: str) -> None:
        for child in ast.iter_child_nodes(node):
            own = name
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                own = f"{name}.{child.name}" if name else child.name
                for line in range(child.lineno, (child.end_lineno or child.lineno) + 1):
                    found[line] = own
            visit(child, own)

    visit(ast.parse(source), "")
    return found


def lines_of(told: dict[str, Any]) -> list[int]:
    """The doors of a file: lines that ran, with a way on that was never taken, and what begins a piece that never ran.

    A piece is left out where it is the way on of such a line.
    """
    branches = [(start, end) for start, end in told["missing_branches"] if start in told["executed_lines"]]
    doors = {start for start, _ in branches}
    known = {abs(end) for _, end in branches}
    statements = sorted({*told["executed_lines"], *told["missing_lines"]})
    before = dict(zip(statements[1:], statements, strict=False))
    missing = set(told["missing_lines"])
    return sorted(doors | {n for n in missing if n not in known and before.get(n) not in missing})


def python_doors(path: Path) -> list[str]:
    """Those of the package."""
    found = []
    for name, told in json.loads(path.read_text())["files"].items():
        own = name[name.rindex("neuromod/") if "/neuromod/" not in name else name.rindex("/neuromod/") + 1 :]
        source = (CHECKOUT / own).read_text()
        lines, functions = source.splitlines(), functions_of(source)
        found += [f"{own}: {functions.get(n, '')}: {lines[n - 1].strip()}" for n in lines_of(told)]
    return found


def listed(path: Path) -> list[str]:
    """The doors of which the reason is written down."""
    lines = [line for line in path.read_text().splitlines() if line.strip() and not line.startswith("#")]
    return [line.strip() for line in lines if line[0].isspace()]


def compared(path: Path, found: list[str]) -> int:
    """Print where the doors and the list differ; the number of doors that are not in the list."""
    known = listed(path)
    new, gone = Counter(found) - Counter(known), Counter(known) - Counter(found)
    for door in sorted(gone.elements()):
        print(f"in {path.name}, and gone through this time: {door}")
    for door in sorted(new.elements()):
        print(f"not gone through, and no reason is written down: {door}")
    return new.total()


def main(reasons: str, core: str, package: str, python: str) -> int:
    doors = {
        reasons: [
            f"{name}: {function}: {line}" for name, function, line in json.loads(Path(core).read_text())
        ],
        package: python_doors(Path(python)),
    }
    missing = sum(compared(Path(path), found) for path, found in doors.items())
    counts = [len(found) for found in doors.values()]
    print(
        f"doors that no test went through: {counts[1]} of the package, {counts[0]} of the C core; "
        f"{missing} have no reason"
    )
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
