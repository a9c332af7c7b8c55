"""csrc/README.md: the map names every file, the glossary stays short."""

import re
from pathlib import Path

CSRC = Path(__file__).parents[1] / "csrc"
README = (CSRC / "README.md").read_text()


def section(title: str) -> str:
    return README.split(f"## {title}\n")[1].split("\n## ")[0]


def test_the_map_names_every_file_and_no_other() -> None:
    mapped = set(re.findall(r"`(nm_\w+\.[ch])`", section("Map")))
    family = ("neuron_", "plasticity_", "modulator_")
    files = {path.name for path in CSRC.glob("*.[ch]") if not path.name.startswith(family)}
    assert mapped == files
    assert all(f"`{stem}<name>.c`" in section("Map") for stem in family)


def test_the_glossary_has_at_most_25_terms() -> None:
    rows = [line for line in section("Glossary").splitlines() if line.startswith("| ")]
    assert 10 < len(rows) - 1 <= 25


def test_figures_name_files_that_exist() -> None:
    files = re.findall(r"^\| `(\w+\.[ch])`", section("Measured figures"), flags=re.M)
    assert files and all((CSRC / name).exists() for name in files)
