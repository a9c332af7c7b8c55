"""The import graph of the package: floors and circles. ``python tests/import_graph.py`` prints both.

Every import counts: at the top of a file, inside a function, and under ``TYPE_CHECKING``. A package's
``__init__`` that only hands names on is no module of its own: an import of it is an import of nothing.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

Graph = dict[str, set[str]]


def module_name(path: Path, package: Path) -> str:
    return ".".join(path.relative_to(package).with_suffix("").parts)


def is_face(path: Path) -> bool:
    """Whether a module only hands names on: it defines nothing but ``__all__`` and ``__getattr__``."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef) and node.name == "__getattr__":
            continue
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            return False
    return path.name == "__init__.py" or "/" not in str(path.name)


def imported(source: str) -> Iterator[str]:
    """Dotted names below ``neuromod`` that a source imports, in whatever place."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (
                a.name.removeprefix("neuromod.") for a in node.names if a.name.startswith("neuromod.")
            )
        elif isinstance(node, ast.ImportFrom) and node.level:
            raise AssertionError(f"line {node.lineno}: relative import; write `from neuromod...`")
        elif isinstance(node, ast.ImportFrom) and node.module == "neuromod":
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("neuromod."):
            base = (node.module or "").removeprefix("neuromod.")
            yield from (f"{base}.{alias.name}" for alias in node.names)


def import_graph(package: Path) -> Graph:
    """Module -> modules of the package that it imports. Faces (re-exports) are left out."""
    paths = {module_name(path, package): path for path in sorted(package.rglob("*.py"))}
    modules = {name for name, path in paths.items() if path.name != "__init__.py"}
    graph: Graph = {}
    for name in modules:
        found = set()
        for target in imported(paths[name].read_text()):
            parts = target.split(".")
            found |= {
                candidate for n in range(1, len(parts) + 1) if (candidate := ".".join(parts[:n])) in modules
            }
        graph[name] = found - {name}
    return graph


def floors(graph: Mapping[str, set[str]]) -> dict[str, int]:
    """Module -> length of the longest chain of imports below it, itself included. The graph has no circle."""
    height: dict[str, int] = {}

    def measure(name: str) -> int:
        if name not in height:
            height[name] = 1 + max((measure(other) for other in graph[name]), default=0)
        return height[name]

    for name in graph:
        measure(name)
    return height


def circles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """Sets of modules that import each other in a loop: strongly connected components of more than one module."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for other in sorted(graph[name]):
            if other not in index:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], index[other])
        if low[name] == index[name]:
            at = stack.index(name)
            component = sorted(stack[at:])
            del stack[at:]
            if len(component) > 1:
                found.append(component)

    for name in sorted(graph):
        if name not in index:
            visit(name)
    return found


def main() -> int:
    graph = import_graph(Path(__file__).resolve().parent.parent / "neuromod")
    loops = circles(graph)
    for loop in loops:
        print("circle:", ", ".join(loop))
    print(f"modules {len(graph)}, imports {sum(map(len, graph.values()))}, circles {len(loops)}")
    if loops:
        return 1
    height = floors(graph)
    for floor in range(max(height.values()), 0, -1):
        print(f"floor {floor:2}:", ", ".join(sorted(n for n, h in height.items() if h == floor)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
