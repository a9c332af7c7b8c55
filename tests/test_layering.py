"""Who may import whom, how long a file may be, which calls are forbidden, and that the README's paths exist."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest
from import_graph import circles, floors, import_graph, imported, module_name

# A module imports modules of its own row or of lower rows; within a row there is no circle.
PYTHON_ROWS = (
    {"__main__", "cli"},
    {"agents", "bench", "experiment", "installed", "pages", "plot", "selftest", "sweeps"},
    {"simulation", "building", "connects", "replicas", "monitors", "saved", "session", "beginning", "ranks"}
    | {"drive", "hooks", "agenda", "timetable", "tables", "recorders", "lifecycle", "keeping", "recorded"}
    | {"checkpoints", "logs", "stored", "streams"}
    | {"rank_checkpoints", "rank_hooks", "rank_kept", "rank_link", "rank_records", "rank_state"},
    {
        "network",
        "modulation",
        "plasticity",
        "updates",
        "one_synapse",
        "cell_types",
        "senses",
        "inputs",
        "diagnosis",
    },
    {"config"},
    {
        "arguments",
        "closed",
        "notebook",
        "run_result",
        "optional",
        "parallel",
        "processes",
        "progress",
        "units",
        "together",
        "near_names",
        "interrupts",
        "merging",
        "terminal",
    },
    {"_core"},
    {"vector"},
    {"state", "folding", "planes", "archive", "atomic", "launcher"},
    {"errors", "problems", "_machine"},
)
# Old homes of public names, kept importable; the package itself imports the new ones.
FACES = {"brain_model", "neuromodulation", "critic", "datasets", "results", "response"}
# Likewise for the C: a source and its header are one module.
C_ROWS = (
    {"nm_replicas", "nm_sim"},
    {"nm_deliver", "nm_plasticity", "nm_homeostasis"},
    {
        "nm_lazy_fire",
        "nm_lazy_update",
        "nm_lazy_replay",
        "nm_events",
        "nm_bitmap_deliver",
        "nm_push",
        "nm_pull",
    },
    {"nm_transmit"},
    {"nm_short_term"},
    {"nm_lazy_batch", "nm_lazy_join", "nm_current"},
    {
        "nm_lazy",
        "nm_stretches",
        "nm_bitmap",
        "nm_join",
        "nm_drive",
        "nm_build_probability",
        "nm_build_degree",
        "nm_build_chosen",
        "nm_build_distance",
        "nm_build_order",
    },
    {
        "nm_network",
        "nm_routes",
        "nm_levels",
        "nm_record",
        "nm_delay",
        "nm_build",
        "nm_build_row",
        "nm_clock",
        "nm_heap",
        "nm_pool",
        "nm_build_values",
    },
    {"nm_register", "nm_response", "nm_change", "nm_normal", "nm_poisson", "nm_quantile", "nm_compact"},
    {"nm_rng", "nm_loop", "nm_round"},
    {"nm_model", "nm_modulator"},
    {"nm_field", "nm_status", "nm_math", "nm_machine", "nm_rng_lanes"},
)
OWN_NAMES = {"__version__"}
FAMILIES = ("neuron_", "plasticity_", "modulator_")
MODEL_INCLUDES = ("nm_model.h", "nm_loop.h", "nm_round.h", "math.h")
FORBIDDEN_IMPORTS = {"pickle", "marshal", "shelve", "ctypes", "socket", "ssl", "urllib", "http", "requests"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}
LONGEST = 600
MOST_FLOORS = 10


def rank(layers: tuple[set[str], ...], name: str) -> int:
    """Height of a module: 0 is the lowest."""
    for height, row in enumerate(reversed(layers)):
        if name in row:
            return height
    raise AssertionError(f"{name}: stands in no layer; place it in tests/test_layering.py")


def upward_imports(name: str, source: str) -> list[str]:
    """`name` is dotted, below the package; imports under TYPE_CHECKING and inside functions count."""
    own = rank(PYTHON_ROWS, name.split(".")[0])
    problems = []
    for target in imported(source):
        unit = target.split(".")[0]
        if unit in FACES:
            problems.append(f"{name} imports the face {unit}; import the module that it hands on")
        elif unit not in OWN_NAMES and rank(PYTHON_ROWS, unit) > own:
            problems.append(f"{name} imports {target}, which is above it")
    return problems


def python_sources(checkout: Path) -> dict[str, str]:
    """Dotted name -> source of each module of the package; faces are left out."""
    package = checkout / "neuromod"
    named = {module_name(path, package): path for path in sorted(package.rglob("*.py"))}
    return {name: path.read_text() for name, path in named.items() if name not in FACES | {"__init__"}}


def test_python_imports_go_downwards(checkout: Path) -> None:
    sources = python_sources(checkout)
    assert {"simulation", "network.brain_model"} <= set(sources)
    problems = [line for name, source in sources.items() for line in upward_imports(name, source)]
    assert not problems, "\n".join(problems)


def test_an_upward_import_is_found() -> None:
    source = "def f():\n    from neuromod.simulation import Simulation\n"
    assert upward_imports("config.load", source) == [
        "config.load imports simulation.Simulation, which is above it"
    ]
    typed = "if TYPE_CHECKING:\n    from neuromod.simulation import Simulation\n"
    assert upward_imports("config.load", typed)
    assert upward_imports("simulation", "from neuromod.brain_model import BrainModel\n")
    assert not upward_imports("simulation", "from neuromod.replicas import Replicas\n")


def test_modules_form_no_circle_and_at_most_ten_floors(checkout: Path) -> None:
    graph = import_graph(checkout / "neuromod")
    assert len(graph) > 30
    assert circles(graph) == []
    assert max(floors(graph).values()) <= MOST_FLOORS


def test_a_circle_is_found() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]
    assert floors({"a": {"b"}, "b": {"c"}, "c": set()}) == {"a": 3, "b": 2, "c": 1}


def included(source: str) -> list[tuple[str, str]]:
    """(bracket, header) of each include."""
    return re.findall(r'^\s*#\s*include\s+([<"])([\w./]+)[>"]', source, re.MULTILINE)


def upward_includes(name: str, source: str) -> list[str]:
    problems = []
    stem = Path(name).stem
    for kind, header in included(source):
        if stem.startswith(FAMILIES):
            if header not in MODEL_INCLUDES:
                problems.append(
                    f"csrc/{name} includes {header}; a model includes {', '.join(MODEL_INCLUDES)}"
                )
        elif kind == '"' and rank(C_ROWS, Path(header).stem) > rank(C_ROWS, stem):
            problems.append(f"csrc/{name} includes {header}, which is above it")
    return problems


def test_c_includes_go_downwards(checkout: Path) -> None:
    files = sorted((checkout / "csrc").glob("*.[ch]"))
    assert files
    problems = [line for path in files for line in upward_includes(path.name, path.read_text())]
    assert not problems, "\n".join(problems)


def test_c_modules_form_no_circle(checkout: Path) -> None:
    """By includes, and by calls: a source that calls what another defines depends on that other source."""
    graph: dict[str, set[str]] = {}
    code = {path.stem: without_comments(path.read_text()) for path in (checkout / "csrc").glob("*.c")}
    headers = {path.stem: without_comments(path.read_text()) for path in (checkout / "csrc").glob("*.h")}
    defined = {
        name: stem
        for stem, source in code.items()
        for name in re.findall(r"^(?!static)[\w ]+[ *](nm_\w+)\([^;{]*\)\s*\{", source, re.MULTILINE)
    }
    assert defined["nm_sim_run"] == "nm_sim"
    prototype = re.compile(r"^(?!static)[\w ]+[ *]nm_\w+\([^;{]*\)[^;{]*;", re.MULTILINE)
    for stem, source in [*code.items(), *headers.items()]:
        names = set(re.findall(r"\b(nm_\w+)\(", prototype.sub("", source)))
        graph.setdefault(stem, set()).update({defined[name] for name in names & set(defined)} - {stem})
    for stem, source in headers.items():
        graph.setdefault(f"{stem}.h", set()).update(
            f"{Path(h).stem}.h" for k, h in included(source) if k == '"'
        )
    assert circles(graph) == []


def test_an_upward_include_is_found() -> None:
    assert upward_includes("nm_rng.c", '#include "nm_rng.h"\n#include "nm_sim.h"\n')
    assert upward_includes("neuron_new.c", '#include "nm_model.h"\n#include <stdio.h>\n')
    assert not upward_includes("neuron_new.c", '#include "nm_model.h"\n#include <math.h>\n')


def without_comments(source: str) -> str:
    return re.sub(r"/\*.*?\*/", lambda comment: "\n" * comment.group().count("\n"), source, flags=re.S)


def test_csrc_neither_allocates_nor_prints_nor_exits(checkout: Path) -> None:
    banned = re.compile(r"\b(malloc|calloc|realloc|free|printf|fprintf|puts|exit|abort)\s*\(|Python\.h")
    problems = []
    for path in sorted((checkout / "csrc").glob("*.[ch]")):
        code = without_comments(path.read_text())
        problems += [
            f"csrc/{path.name}:{number}: {line.strip()}"
            for number, line in enumerate(code.splitlines(), 1)
            if banned.search(line)
        ]
    assert not problems, "\n".join(problems)


def sources(checkout: Path) -> list[Path]:
    patterns = ("csrc/*.[ch]", "neuromod/**/*.py*", "neuromod/**/*.pxi", "tests/**/*.py", "tests/**/*.[ch]")
    patterns += ("examples/**/*.py", "*.py", ".ci/*")
    return sorted({path for pattern in patterns for path in checkout.glob(pattern) if path.is_file()})


def test_no_source_file_is_over_600_lines(checkout: Path) -> None:
    files = sources(checkout)
    assert {"setup.py", "core.pyx", "nm_sim.c"} <= {path.name for path in files}
    long = [
        f"{path.relative_to(checkout)}: {count} lines"
        for path in files
        if path.suffix not in {".so", ".pyc", ".txt"}
        and (count := len(path.read_text().splitlines())) > LONGEST
    ]
    assert not long, "\n".join(long)


def forbidden(source: str) -> list[str]:
    """Imports and calls that could run code from a file or reach the network, with their lines."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            names = []
            if node.func.id in FORBIDDEN_CALLS:
                found.append(f"{node.lineno}: {node.func.id}()")
        else:
            continue
        found += [
            f"{node.lineno}: import {name}" for name in names if name.split(".")[0] in FORBIDDEN_IMPORTS
        ]
        if isinstance(node, ast.Call):
            found += [
                f"{node.lineno}: allow_pickle=True"
                for keyword in node.keywords
                if keyword.arg == "allow_pickle"
                and not (isinstance(keyword.value, ast.Constant) and not keyword.value.value)
            ]
    return found


def test_nothing_in_the_package_runs_code_from_files_or_reaches_the_network(checkout: Path) -> None:
    problems = [
        f"{path.relative_to(checkout)}:{line}"
        for path in sorted((checkout / "neuromod").rglob("*.py"))
        for line in forbidden(path.read_text())
    ]
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize(
    "source", ["import pickle", "from ctypes import c_int", "import urllib.request", "eval('1')", "exec('')"]
)
def test_each_forbidden_thing_is_found(source: str) -> None:
    assert forbidden(source)


def where_is_it(readme: str) -> list[list[str]]:
    """Rows of the README's table "Where is it?", cell by cell."""
    section = readme.split("## Where is it?")[1].split("\n## ")[0]
    rows = [line.strip().strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def test_where_is_it_has_ten_rows_whose_files_exist(checkout: Path) -> None:
    rows = where_is_it((checkout / "README.md").read_text())
    assert len(rows) == 10
    missing = [
        f"{row[0]}: {name}"
        for row in rows
        for name in re.findall(r"`([^`]+)`", " ".join(row[1:]))
        if not (checkout / name).exists()
    ]
    assert not missing, "README, 'Where is it?' names what does not exist:\n" + "\n".join(missing)
    assert all(re.search(r"`tests/", row[-1]) for row in rows), "every row names the test file"


def test_every_path_in_the_readme_exists(checkout: Path) -> None:
    readme = (checkout / "README.md").read_text()
    prose = re.sub(r"```.*?```", "", readme, flags=re.S)
    named = set(re.findall(r"`((?:csrc|neuromod|tests|examples|\.ci)/[\w./-]*)`", prose))
    named |= {link for link in re.findall(r"\]\(([^)#:]+)\)", prose) if not link.startswith("http")}
    assert named
    assert not sorted(name for name in named if not (checkout / name).exists())


@pytest.mark.long
def test_a_model_file_exports_exactly_one_symbol(checkout: Path, tmp_path: Path) -> None:
    compiler = shutil.which((os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[0])
    nm = shutil.which("nm")
    if compiler is None or nm is None:
        if os.environ.get("CI"):
            pytest.fail("CI must have a C compiler and nm")
        pytest.skip("no C compiler or no nm on PATH")
    for path in sorted((checkout / "csrc").glob("*.c")):
        family = next((family for family in FAMILIES if path.name.startswith(family)), None)
        if family is None:
            continue
        built = tmp_path / f"{path.stem}.o"
        subprocess.run([compiler, "-std=c11", "-O1", "-c", str(path), "-o", str(built)], check=True)
        listed = subprocess.run(
            [nm, "-g", "--defined-only", str(built)], check=True, capture_output=True, text=True
        ).stdout
        symbols = [line.split()[-1].lstrip("_") for line in listed.splitlines() if line.strip()]
        assert symbols == [f"nm_{path.stem}"], f"csrc/{path.name} exports {symbols}"
