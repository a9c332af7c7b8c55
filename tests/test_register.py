"""The register names every model file, and nothing else; forgetting the word fails here and says what to add."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from neuromod import _core

FAMILIES = {  # stem of the files -> (macro in nm_register.h, what the built extension lists)
    "neuron": ("NM_NEURON_MODELS", _core.neuron_models),
    "plasticity": ("NM_PLASTICITY_RULES", _core.plasticity_rules),
    "modulator": ("NM_MODULATORS", _core.modulators),
}


def words_in(register: str, macro: str) -> list[str]:
    """The words of one macro, which may run over several lines that end in a backslash."""
    line = re.search(rf"#define {macro}\(X\)((?:[^\n]*\\\n)*[^\n]*)", register)
    assert line, f"csrc/nm_register.h: {macro} is missing"
    return re.findall(r"X\((\w+)\)", line.group(1))


def missing_words(files: list[str], words: list[str], family: str, macro: str) -> list[str]:
    """What to do, one line a model, so that files and words agree."""
    return [
        *(
            f"csrc/{family}_{name}.c is not registered: add X({name}) to {macro} in csrc/nm_register.h"
            for name in files
            if name not in words
        ),
        *(
            f"{macro} in csrc/nm_register.h lists X({name}), but csrc/{family}_{name}.c does not exist"
            for name in words
            if name not in files
        ),
    ]


@pytest.mark.parametrize("family", FAMILIES)
def test_every_model_file_is_registered(checkout: Path, family: str) -> None:
    macro, _ = FAMILIES[family]
    register = (checkout / "csrc" / "nm_register.h").read_text()
    files = sorted(path.stem.removeprefix(f"{family}_") for path in (checkout / "csrc").glob(f"{family}_*.c"))
    assert files, f"no csrc/{family}_*.c: this test would check nothing"
    problems = missing_words(files, words_in(register, macro), family, macro)
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("family", FAMILIES)
def test_no_word_stands_twice(checkout: Path, family: str) -> None:
    words = words_in((checkout / "csrc" / "nm_register.h").read_text(), FAMILIES[family][0])
    assert len(words) == len(set(words))


@pytest.mark.parametrize("family", FAMILIES)
def test_built_extension_lists_the_register_in_its_order(checkout: Path, family: str) -> None:
    macro, table = FAMILIES[family]
    words = words_in((checkout / "csrc" / "nm_register.h").read_text(), macro)
    assert list(table()) == words, "the installed extension is older than the register: pip install . again"


def test_a_forgotten_word_is_named() -> None:
    said = missing_words(["lif", "new"], ["lif", "gone"], "neuron", "NM_NEURON_MODELS")
    assert said == [
        "csrc/neuron_new.c is not registered: add X(new) to NM_NEURON_MODELS in csrc/nm_register.h",
        "NM_NEURON_MODELS in csrc/nm_register.h lists X(gone), but csrc/neuron_gone.c does not exist",
    ]
