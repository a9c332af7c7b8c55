"""The guide's pages: reading them, running their blocks, and writing what is generated."""

from __future__ import annotations

import argparse
import ast
import contextlib
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from neuromod import _core, cli, create_neuromodulation_system
from neuromod.config.reference import reference
from neuromod.experiment.section import Experiment

CHECKOUT = Path(__file__).resolve().parent.parent
GUIDE = CHECKOUT / "neuromod" / "guide"
# The index, in reading order. A page that is not named here stands under "More".
SECTIONS = {
    "Start here": ("first_network", "modulators", "connecting", "learning", "sources_and_recording"),
    "Go on": ("agents", "sweeps", "ranks", "files", "reliability", "reproducibility", "command_line"),
    "Reference": ("models", "configuration", "units", "limits", "comparison", "expectations"),
    "Coming from": ("from_nest", "from_brian2", "from_upstream"),
    "Inside": ("extending", "inside", "faults", "contributing"),
}


def pages() -> list[Path]:
    return sorted(GUIDE.glob("*.md"))


def blocks(document: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", document, re.DOTALL | re.MULTILINE)


def said_and_printed(document: str, name: str) -> Iterator[tuple[str, str]]:
    """(what a comment says is printed, what is printed), over all Python blocks of a page in one namespace."""
    namespace: dict[str, Any] = {"__name__": "guide"}
    for block in blocks(document, "python"):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(block, name, "exec"), namespace)
        said = re.findall(r"^ *print\(.*\)\s+# (.*)$", block, re.MULTILINE)
        lines = printed.getvalue().splitlines()
        assert len(said) == len(lines), f"every print says what it prints:\n{block}\n{printed.getvalue()}"
        yield from zip(said, lines, strict=True)


def without_code(document: str) -> str:
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^```.*?^```", "", document, flags=re.DOTALL | re.MULTILINE))


def links(document: str) -> list[str]:
    """Targets of links and of figures, outside code."""
    text = re.sub(r"^```.*?^```", "", document, flags=re.DOTALL | re.MULTILINE)
    return re.findall(r"\]\(([^()\s]*(?:\([^()\s]*\)[^()\s]*)*)\)", text)


def anchors(document: str) -> set[str]:
    """Names that the headings of a page have on GitHub and in the HTML."""
    text = re.sub(r"^```.*?^```", "", document, flags=re.DOTALL | re.MULTILINE)
    heads = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


# ---- what is generated ---------------------------------------------------------------------------------------


def index() -> str:
    """The list of all pages, each with its title and first sentence."""
    there = {path.stem: path.read_text() for path in pages() if path.stem != "index"}
    named = {stem for stems in SECTIONS.values() for stem in stems}
    sections = {**SECTIONS, "More": tuple(sorted(set(there) - named))}
    lines = []
    for title, stems in sections.items():
        present = [stem for stem in stems if stem in there]
        if present:
            lines += [f"## {title}", "", *(_entry(stem, there[stem]) for stem in present), ""]
    return "\n" + "\n".join(lines)


def _entry(stem: str, document: str) -> str:
    title, paragraph = document.removeprefix("# ").split("\n\n")[:2]
    paragraph = " ".join(paragraph.split())
    sentence = re.split(r"(?<=\.)\s", paragraph)[0]
    return f"- [{title}]({stem}.md). {sentence}"


def configuration() -> str:
    """Every key of a configuration."""
    return "\n" + reference({"experiment": Experiment}).split("\n", 1)[1].lstrip() + "\n"


def models() -> str:
    """Neuron models, rules and modulators, from the tables of the C files."""
    parts = ["", "## Neuron models", ""]
    for name, model in _core.neuron_models().items():
        parts += [*_model(name, model, "the-neuron-model"), ""]
    parts += ["## Plasticity rules", ""]
    for name, rule in _core.plasticity_rules().items():
        parts += [*_model(name, rule, "the-rule"), ""]
    parts += [
        "## Modulators",
        "",
        "| modulator | what it is | parameters and defaults | acts on |",
        "|---|---|---|---|",
    ]
    for name, modulator in _core.modulators().items():
        parts.append(
            f"| `{name}` | {modulator['title']} | {_defaults(modulator['params'])} | {_acts_on(name)} |"
        )
    return "\n".join([*parts, "", ""])


def _model(name: str, model: dict[str, Any], anchor: str) -> list[str]:
    state = ", ".join(
        f"`{key}`" + ("" if field["unit"] == "1" else f" ({field['unit']})")
        for key, field in model["state"].items()
    )
    own_ports = [port for port in model.get("ports", ()) if port not in ("excitatory", "inhibitory")]
    lines = [
        f"### {name}",
        "",
        f"{model['title']}."
        + ("" if model["reference"].startswith("none") else f" {_linked(model['reference'])}."),
        "",
        f"- Parameters: {_defaults(model['params']) or 'none'}",
    ]
    if state:
        lines.append(f"- Variables: {state}")
    if own_ports:
        lines.append(f"- Further ports: {', '.join(f'`{port}`' for port in own_ports)}")
    if model["params"]:
        lines.append(f"- [What each parameter is](configuration.md#{anchor}-{name})")
    return lines


def _linked(reference: str) -> str:
    return re.sub(r"doi:(10\.\d+/[^\s,;]+)", r"[doi:\1](https://doi.org/\1)", reference.rstrip("."))


def _defaults(params: dict[str, Any]) -> str:
    """Every parameter with its default and unit; pure numbers have none. All words of one that is a word."""

    def default(field: dict[str, Any]) -> str:
        if "words" in field:
            others = [word for word in field["words"] if word != field["default"]]
            return f"{field['default']} (or {', '.join(others)})"
        return f"{field['default']:g}" + ("" if field["unit"] == "1" else f" {field['unit']}")

    return ", ".join(f"`{name}` {default(field)}" for name, field in params.items())


def _acts_on(modulator: str) -> str:
    """Each target, and the effect there at the baseline."""
    system = create_neuromodulation_system({modulator: {"baseline": 0.5}})
    found = []
    for target in getattr(system, modulator).targets:
        effect = getattr(system, modulator).factor(0, target)
        found.append(
            f"{target} (at rest {f'+ {100 * effect:.3g} %' if target == 'threshold' else f'x {effect:.4g}'})"
        )
    return ", ".join(found)


def commands() -> str:
    """Every command of the command line with its arguments and options."""
    parsers = next(
        action for action in cli._parser()._actions if isinstance(action, argparse._SubParsersAction)
    )
    helps = {choice.dest: choice.help or "" for choice in parsers._choices_actions}
    lines = [""]
    for name, parser in parsers.choices.items():
        lines += [f"### {name}", "", f"{helps[name][:1].upper()}{helps[name][1:]}.", ""]
        rows = [row for action in parser._actions if (row := _option(action))]
        lines += ["| argument | meaning |", "|---|---|", *rows, ""] if rows else []
    return "\n".join([*lines, ""])


def _option(action: argparse.Action) -> str:
    if action.dest == "help" or action.help == argparse.SUPPRESS:
        return ""
    word = action.metavar or ("" if action.nargs == 0 else action.dest.upper())
    said = " ".join(part for part in (", ".join(action.option_strings), str(word)) if part)
    meaning = (action.help or "").replace("%(default)s", str(action.default)).replace("|", "\\|")
    return f"| `{said}` | {meaning} |"


def more_examples() -> str:
    """Examples that the gallery does not name, each with the first sentence of its docstring."""
    page = EXAMPLES.read_text()
    named = page.split(BEGIN)[0] + page.split(END)[1]
    lines = []
    for path in sorted(EXAMPLES.parent.glob("*.py")):
        if f"({path.name})" not in named:
            sentence = " ".join(
                (ast.get_docstring(ast.parse(path.read_text())) or "").split("\n\n")[0].split()
            )
            lines.append(f"- [{path.name}]({path.name}): {sentence}")
    return "\n".join(["", "## More", "", *lines, "", ""]) if lines else ""


EXAMPLES = CHECKOUT / "examples" / "README.md"
GENERATED = {
    GUIDE / "index.md": index,
    GUIDE / "configuration.md": configuration,
    GUIDE / "models.md": models,
    GUIDE / "command_line.md": commands,
    EXAMPLES: more_examples,
}
BEGIN, END = "<!-- generated -->\n", "<!-- /generated -->"


def generated(document: str) -> str:
    return document.split(BEGIN)[1].split(END)[0]


def write_generated() -> None:
    for path, make in GENERATED.items():
        text = path.read_text()
        before, rest = text.split(BEGIN)
        path.write_text(before + BEGIN + make() + END + rest.split(END)[1])
