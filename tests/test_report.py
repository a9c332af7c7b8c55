"""The report of a run: one page that reaches for nothing, says what it showed, and how to get the same run again."""

from __future__ import annotations

import errno
import json
import os
import re
import sys
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neuromod import Simulation, SpikeMonitor, SynapseMonitor, atomic, create_neuromodulation_system
from neuromod.cli import main
from neuromod.experiment import run_experiment
from neuromod.experiment.results import table_rows
from neuromod.experiment.story import advice, headline, speed
from neuromod.plot.drawing import bare_figure
from neuromod.plot.overview import draw_summary
from neuromod.results import Results, load_results, report_html, save_report

pytest.importorskip("matplotlib", reason="matplotlib is an extra")

SMALL = {"test_images": 1, "test_steps": 20}


@pytest.fixture(scope="module")
def results() -> Results:
    """A tested run with a control, 12 images long."""
    from neuromod.config.load import load

    content = load("brain_base_model.json")[0]
    content["experiment"] = {**content["experiment"], **SMALL}
    return run_experiment(content, steps=360, seed=5)


@pytest.fixture(scope="module")
def page(results: Results) -> str:
    return report_html(results, notes=["A <note>."])


class Links(HTMLParser):
    """Tags, and every attribute that a browser would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        named = {"src", "srcset", "href", "xlink:href", "data", "action", "poster"}
        self.fetched += [value or "" for name, value in attrs if name in named]


def test_the_page_reaches_for_nothing_outside_itself(page: str) -> None:
    links = Links()
    links.feed(page)
    assert links.fetched
    assert all(value.startswith(("#", "data:image/png")) for value in links.fetched)
    assert not {"script", "link", "iframe", "object", "img"} & set(links.tags)
    assert "url(http" not in page and "@import" not in page
    assert "default-src 'none'" in page


def test_every_reference_within_the_page_has_one_target(page: str) -> None:
    ids = re.findall(r'\bid="([^"]+)"', page)
    wanted = set(re.findall(r"url\(#([^)]+)\)", page)) | set(re.findall(r'xlink:href="#([^"]+)"', page))
    assert wanted
    assert all(ids.count(each) == 1 for each in wanted)


def test_the_page_says_what_the_run_showed(page: str, results: Results) -> None:
    text = unescape(page)
    assert f"<h1>{headline(results)}</h1>" in text
    assert "A <note>." in text and "<note>" not in page
    for part in (
        str(results["digest"]),
        f"--seed {results['seed']}",
        str(results["version"]),
        "numpy",
        "matplotlib",
    ):
        assert part in text
    for name, value in table_rows(results):
        assert f"<tr><th scope=row>{name}</th><td>{value}</td></tr>" in text
    assert "<h2>Numbers of the run</h2>" in page and "Figures of the run" not in page
    assert '"lattice_shape"' in text


def test_four_figures_in_two_forms_whose_colours_follow_the_page(page: str) -> None:
    assert page.count("<figure>") == 4
    assert page.count('class="wide"') == page.count('class="narrow"') == 4
    assert "prefers-color-scheme: dark" in page and "max-width: 640px" in page
    figures = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    literal = set(re.findall(r"#[0-9a-f]{6}\b", " ".join(figures)))
    assert literal == set()  # each colour is a variable of the style, or the ink
    style = page[page.index("<style>") : page.index("</style>")]
    light, dark = (
        dict(re.findall(r"(--\w+): (#\w+);", part)) for part in re.findall(r":root \{.*?\}", style, re.DOTALL)
    )
    used = set(re.findall(r"var\((--\w+)\)", page))
    assert used <= set(light) and set(light) == set(dark)
    assert all(contrast(light[ink], light["--page"]) > 4.5 for ink in ("--ink", "--soft"))
    assert all(contrast(dark[ink], dark["--page"]) > 4.5 for ink in ("--ink", "--soft"))
    for line in ("--c0072b2", "--cd55e00", "--c009e73"):
        assert contrast(light[line], light["--page"]) > 3.0 and contrast(dark[line], dark["--page"]) > 3.0


def contrast(first: str, second: str) -> float:
    """Contrast ratio of WCAG 2."""

    def luminance(colour: str) -> float:
        parts = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255.0
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_nothing_but_the_configuration_is_wider_than_a_phone(page: str) -> None:
    """A table's cells wrap, and so does the command; only the JSON has a bar of its own."""
    before, _, configuration = page.partition("<h2>Configuration</h2>")
    assert "class=scroll" not in before.partition("<body>")[2] and "class=scroll" in configuration
    assert re.findall(r"<pre([^>]*)>", before.partition("<body>")[2]) == [" class=wrap"]
    assert "pre.wrap { white-space: pre-wrap; overflow-wrap: anywhere; }" in page


def test_the_readout_is_named_and_the_run_said_to_be_one(page: str, results: Results) -> None:
    first = page[page.index("</h1>") : page.index("<dl")]
    assert "The readout is the area Striatum_like. This is one run, of seed 5" in first
    assert "The readout is Striatum_like.</figcaption>" in page
    assert "response: the mean rate of the readout, Striatum_like" in page


def test_raster_and_levels_stand_below_each_other(page: str) -> None:
    """Their axes have the same left and right ends, in both forms."""
    for shape in ("wide", "narrow"):
        figures = re.findall(rf'<svg class="{shape}".*?</svg>', page, re.DOTALL)[:2]
        ends = [
            re.search(r'id="patch_2">\s*<path d="M ([\d.]+) [\d.]+ \s*L ([\d.]+) ', text) for text in figures
        ]
        assert len(ends) == 2 and all(ends)
        assert ends[0].groups() == ends[1].groups()  # type: ignore[union-attr]


def test_legends_say_how_many(page: str, results: Results) -> None:
    names = [str(name) for name in results["group_names"]]
    n = int((results["synapse_group"] == names.index("rewarded")).sum())
    assert f"rewarded digit 0, after (n = {n:,})" in page
    assert "rewarded (n = 1), d = " in page


def test_the_same_results_give_the_same_page(page: str, results: Results) -> None:
    assert report_html(results, notes=["A <note>."]) == page


def test_the_configuration_of_the_page_is_the_same_run(page: str, results: Results) -> None:
    config = json.loads(unescape(re.findall(r"<pre>(\{.*?)</pre>", page, re.DOTALL)[0]))
    command = re.findall(r"neuromod run run.json --seed (\d+) --steps (\d+)", page)[0]
    again = run_experiment(config, seed=int(command[0]), steps=int(command[1]))
    assert str(again["digest"]) == str(results["digest"])


def test_a_report_is_not_replaced_unasked(tmp_path: Path, results: Results) -> None:
    (tmp_path / "r.html").write_text("mine")
    with pytest.raises(FileExistsError, match="exists already"):
        save_report(tmp_path / "r.html", results)
    assert (tmp_path / "r.html").read_text() == "mine"
    save_report(tmp_path / "r.html", results, overwrite=True)
    assert (tmp_path / "r.html").read_text().startswith("<!DOCTYPE html>")
    assert [file.name for file in tmp_path.iterdir()] == ["r.html"]


# ---- the command ----------------------------------------------------------------------------------------------------


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A configuration without the section experiment, of 25 sites, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    ranges = {"x": [0, 4], "y": [0, 4], "z": [0, 0], "w": [0, 0]}
    area = {"name": "all", "coord_ranges": ranges, "density": 1.0}
    Path("mine.json").write_text(json.dumps({"lattice_shape": [5, 5, 1, 1], "areas": [area]}))
    return "mine.json"


def test_run_writes_a_report(small: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", small, "--steps", "50", "--out", "here", "--report", "r.html"]) == 0
    assert "written: r.html" in capsys.readouterr().out
    page = Path("r.html").read_text()
    assert page.count("<figure>") == 3  # no test images
    assert "No neuron fired" in page
    assert "no spike" in page
    assert (
        "whose images" not in page and "readout" not in page
    )  # there are no images, and there is no readout


def test_without_matplotlib_the_results_are_kept_and_one_line_says_what_to_install(
    small: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert main(["run", small, "--steps", "50", "--out", "here", "--report", "r.html"]) == 0
    said = capsys.readouterr().out
    assert (
        'no r.html: neuromod.results.report_html needs matplotlib: pip install "neuromod-snn[plot]"' in said
    )
    assert Path("here/results.npz").exists() and not Path("r.html").exists()


def test_a_run_without_modulators_or_steps_has_a_report(results: Results) -> None:
    none = Results(results | {"level": np.empty((0, 0)), "level_names": np.array([], dtype=str)})
    assert report_html(none).count("<figure>") == 3
    stopped = run_experiment("brain_base_model.json", steps=60, seed=1, stop=lambda: True)
    assert "The run was stopped before its first step." in report_html(stopped)


@pytest.mark.parametrize(
    ("report", "problem"),
    [
        ("there.html", "--report: there.html exists already; --force replaces it"),
        ("nowhere/r.html", "--report: must be a file in a directory that exists; got nowhere/r.html"),
        (".", "--report: . exists already\n"),
    ],
)
def test_a_report_that_cannot_be_written_is_refused_before_the_run(
    small: str, report: str, problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("there.html").write_text("mine")
    assert main(["run", small, "--steps", "50", "--out", "here", "--report", report]) == 2
    assert problem in capsys.readouterr().err
    assert Path("there.html").read_text() == "mine"
    assert not Path("here").exists()


@pytest.mark.parametrize("what", ["summary.png", "r.html"])
def test_a_figure_or_report_that_the_disk_refuses_costs_nothing_else(
    what: str, small: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table was not printed, and nothing said where the results are."""

    class Full(atomic.Disk):
        def create(self, path: str) -> int:
            if f".{what}." in path:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
            return super().create(path)

    monkeypatch.setattr(atomic, "DISK", Full())
    assert main(["run", small, "--steps", "50", "--out", "here", "--report", "r.html"]) == 1
    said = capsys.readouterr().out
    assert (
        "25 neurons gave 0 spikes" in " ".join(said.split())
        and f"written: {Path('here/results.npz')}\n" in said
    )
    assert f"no {what}: [Errno {errno.ENOSPC}]" in said
    assert (Path("r.html").exists(), Path("here/summary.png").exists()) == (
        what != "r.html",
        what == "r.html",
    )


def test_checkpoints_that_cannot_be_removed_are_named(
    small: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The results are written by then; the command ended as if they were not."""

    def refuse(directory: Path) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(directory))

    monkeypatch.setattr("neuromod.experiment.resume.clear_checkpoints", refuse)
    assert main(["run", small, "--steps", "50", "--out", "here", "--checkpoint", "c"]) == 0
    assert f"left: c; [Errno {errno.EACCES}]" in capsys.readouterr().out


def test_a_configuration_without_an_experiment_says_what_was_run(
    small: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", small, "--steps", "50", "--out", "here"]) == 0
    said = capsys.readouterr().out
    assert max(map(len, said.splitlines())) <= 80
    flat = " ".join(said.split())
    assert "note: mine.json has no section experiment, so its network ran without images" in flat
    assert "25 neurons gave 0 spikes in 0.05 s" in flat
    assert (
        "nothing drives the network. Give the section background_drive a rate (Hz) and a weight (mV)" in flat
    )
    assert len(load_results("here/results.npz")["neuron_id"]) == 25


def test_a_configuration_without_modulators_says_what_they_do_at_rest(
    small: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", small, "--steps", "5", "--out", "here"]) == 0
    flat = " ".join(capsys.readouterr().out.split())
    assert "norepinephrine multiplies inputs by 1.555, serotonin raises thresholds by 3.9 %" in flat
    assert (
        main(["run", small, "--steps", "5", "--out", "there", "--set", "neuromodulation.neutral=true"]) == 0
    )
    assert "no section neuromodulation" not in " ".join(capsys.readouterr().out.split())


def test_a_driven_configuration_says_its_rate(small: str, capsys: pytest.CaptureFixture[str]) -> None:
    drive = 'background_drive={"rate": 1000, "weight": 2}'
    assert main(["run", small, "--steps", "200", "--seed", "1", "--out", "here", "--set", drive]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "No neuron fired" not in said
    assert re.search(r"25 neurons fired [\d,]+ spikes in 0.2 s, [\d.]+ Hz each on average", said)


def test_the_main_job_fits_80_columns_and_has_no_notes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    changes = [word for key, value in SMALL.items() for word in ("--set", f"experiment.{key}={value}")]
    assert main(["run", "--steps", "60", "--seed", "3", "--out", "here", *changes]) == 0
    said = capsys.readouterr().out
    assert max(map(len, said.splitlines())) <= 80
    assert said.startswith("After 2 digits the readout answers ")
    assert "note:" not in said


# ---- the sentence ---------------------------------------------------------------------------------------------------


def told(after: list[float], control: list[float] | None = None, **more: Any) -> str:
    made = {
        "response_group": [1, 1, 2, 2, 0], "response_label": [4, 4, 9, 9, 2], "image_step": np.arange(1597),
        "response_before": [10.0, 10.0, 5.0, 5.0, 7.0], "response_after": after, "response_control": control or [],
    }  # fmt: skip
    return headline({name: np.asarray(value) for name, value in (made | more).items()})


def test_the_sentence_says_both_changes_and_the_control() -> None:
    digits = {"experiment": json.dumps({"dataset": "digits"})}
    assert told([11.0, 12.8, 4.3, 4.3, 7.0], [10.0, 10.0, 5.0, 5.0, 7.0], **digits) == (
        "After 1,597 digits the readout answers 19 % more to 4 and 14 % less to 9; "
        "with dopamine clamped, nothing changes."
    )
    assert told([11.0, 11.0, 5.0, 5.0, 7.0], [9.0, 9.0, 6.0, 6.0, 7.0]) == (
        "After 1,597 images the readout answers 10 % more to 4 and as before to 9; "
        "with dopamine clamped, 10 % less to 4 and 20 % more to 9."
    )


def test_the_sentence_of_a_silent_readout_is_in_hz() -> None:
    said = told([2.0, 3.0, 0.0, 0.0, 0.0], response_before=np.zeros(5))
    assert said == "After 1,597 images the readout answers 2.50 Hz more to 4 and 0.00 Hz more to 9."


def test_the_sentence_of_a_clamped_run_says_so() -> None:
    clamped = {"experiment": json.dumps({"clamp_dopamine": True})}
    assert told([10.0, 10.0, 5.0, 5.0, 7.0], **clamped).startswith(
        "With dopamine clamped, after 1,597 images"
    )


def test_sentences_of_runs_that_did_little() -> None:
    run = {"neuron_id": np.arange(4), "spike_id": np.arange(0), "steps": 100, "dt": 1.0, "image_step": []}
    assert headline(run) == "No neuron fired: 4 neurons gave 0 spikes in 0.1 s."
    assert headline(run | {"steps": 0}) == "The run was stopped before its first step."
    assert headline(run | {"neuron_id": []}) == "The network has no neurons, so nothing happened."


@pytest.mark.parametrize(
    ("wall", "said"),
    [
        (0.5, "2.0 times faster"),
        (1 / 30, "30 times faster"),
        (4.0, "4.0 times slower"),
        (1.0, "1.0 times faster"),
    ],
)
def test_speed_is_in_words(wall: float, said: str) -> None:
    assert speed({"steps": 1000, "dt": 1.0, "wall_seconds": wall}).startswith(f"{said} than real time")


def test_a_weak_drive_is_told_from_none() -> None:
    run = {
        "neuron_id": np.arange(4), "spike_id": np.arange(0), "steps": 100, "steps_wanted": 100,
        "config": json.dumps({"experiment": {"steps": 100}, "background_drive": {"rate": 1.0, "weight": 0.1}}),
    }  # fmt: skip
    (said,) = advice(run)
    assert "the drive is too weak" in said


def test_results_describe_themselves(results: Results, tmp_path: Path) -> None:
    assert repr(results) == f"Results({len(results)} arrays: 12 images, 360 steps, seed 5)"
    html = results._repr_html_()
    assert headline(results) in unescape(html)
    assert len(html) < 20_000
    assert repr(Results(a=np.arange(3))) == "Results(a)"
    assert "(3,)" in Results(a=np.arange(3))._repr_html_()


EVIL = [
    *("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "' onload='x", "&lt;b&gt;", "--> ]]>"),
    *("$x^$", r"$\frac{1}$", "$$", r"a\$b_{", "</svg><script src=//e.x/a.js></script>", "</title></style>"),
    *("#000000", "#0072b2", "%s{}{0}", "javascript:alert(1)"),
]
KNOWN = {
    *(
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "main",
        "p",
        "h1",
        "h2",
        "dl",
        "div",
        "dt",
        "dd",
        "figure",
    ),
    *(
        "figcaption",
        "table",
        "tr",
        "th",
        "td",
        "code",
        "pre",
        "details",
        "summary",
        "svg",
        "defs",
        "g",
        "path",
    ),
    *("text", "use", "clippath", "rect", "image", "caption", "b", "span"),
}


class Strange(HTMLParser):
    """Tags and attributes that are not the page's own, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.strange: list[str] = []
        self.said: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.strange += [tag] * (tag not in KNOWN) + [name for name, _ in attrs if name.startswith("on")]
        links = [value or "" for name, value in attrs if name in {"src", "href", "xlink:href"}]
        self.strange += [link for link in links if not link.startswith(("#", "data:image/png"))]

    def handle_data(self, data: str) -> None:
        self.said.append(data)


@pytest.mark.parametrize("first", range(0, len(EVIL), 5))
def test_names_that_look_like_html_or_formulae_are_text(first: int) -> None:
    """Dollar signs in the name of an area ended the report, and the summary, in a ValueError of matplotlib."""
    from neuromod.config.load import load

    content = json.dumps(load("brain_base_model.json")[0])
    old = ["V1_like", "Striatum_like", "M1_like", "PFC_like", "A1_like"]
    new = [name + str(k) for k, name in enumerate(EVIL[first : first + 5])]
    for known, name in zip(old, new, strict=True):
        content = content.replace(json.dumps(known), json.dumps(name))
    changed = json.loads(content)
    changed["experiment"] |= SMALL
    evil = run_experiment(changed, steps=60, seed=1)
    page = Strange(report_html(evil, notes=[f"note: {name}" for name in new]))
    assert page.strange == []
    drawn = "".join(page.said[: page.said.index("Configuration")])
    assert all(name in drawn for name in new)
    assert Strange(evil._repr_html_()).strange == []
    draw_summary(bare_figure("summary"), evil).draw_without_rendering()


@pytest.mark.parametrize("name", EVIL)
def test_names_in_the_tables_of_notebooks_are_text(name: str) -> None:
    sim = Simulation(seed=1, neuromodulation=create_neuromodulation_system({"dopamine": {}}))
    cells = sim.create(5, "lif", name=name)
    synapses = sim.connect(cells, cells, in_degree=1, weight=0.1, rule="stdp", name=f"{name} to itself")
    shown = [
        *(sim, cells, synapses, sim.model, sim.model.neurons, sim.model.synapses, sim.model.neurons[0]),
        *(sim.model.synapses[0], sim.populations, sim.projections, sim.neuromodulation, SpikeMonitor(sim)),
        *(SynapseMonitor(sim, synapses), sim.run(3)),
    ]
    pages = [Strange(each._repr_html_()) for each in shown]
    assert [page.strange for page in pages] == [[] for _ in pages]
    assert name in "".join(pages[0].said)
