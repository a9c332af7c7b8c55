"""The locked development environment: each requirement of the project is in it, with a version and hashes."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

LINE = re.compile(
    r"^([A-Za-z0-9._-]+)==(\S+)[^\n]*\\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", re.MULTILINE
)
NAME = re.compile(r"[A-Za-z0-9._-]+")


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def wanted(checkout: Path) -> dict[str, str]:
    """Name -> requirement, of what CI installs; an extra of our own stands for its requirements."""
    project = tomllib.loads((checkout / "pyproject.toml").read_text())["project"]
    extras, waiting, found = (
        project["optional-dependencies"],
        ["plot", "test", "dev"],
        list(project["dependencies"]),
    )
    while waiting:
        for requirement in extras[waiting.pop()]:
            if requirement.startswith("neuromod-snn["):
                waiting += requirement[len("neuromod-snn[") : -1].split(",")
            else:
                found.append(requirement)
    return {plain(match[0]): each for each in found if (match := NAME.match(each))}


def test_each_requirement_is_locked_with_hashes(checkout: Path) -> None:
    """Else `uv pip compile` has to be run anew; the head of the file has the command."""
    text = (checkout / ".ci" / "requirements.txt").read_text()
    locked = {plain(name): version for name, version, _ in LINE.findall(text)}
    needed = wanted(checkout)
    assert len(needed) > 15 and not set(needed) - set(locked)
    for name, requirement in needed.items():
        if "==" in requirement:
            assert requirement == f"{requirement.split('==')[0]}=={locked[name]}"
    assert len(re.findall(r"^\S+==", text, re.MULTILINE)) == len(LINE.findall(text)) > 50
    assert "://" not in text
