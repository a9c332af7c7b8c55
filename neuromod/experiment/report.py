"""A run as one HTML page that needs nothing else: figures, table, configuration, versions, seed and digest.

The figures are inline SVG, each in a wide and a narrow form, whose colours follow the page: light or dark, as the
reader's system asks for.
"""

from __future__ import annotations

import importlib.metadata
import json
import platform
import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from importlib.resources import files
from io import StringIO
from pathlib import Path
from typing import Any

from neuromod.arguments import checked_flag, checked_names
from neuromod.atomic import checked_path, target_of, whole_file
from neuromod.experiment.effect_size import effects
from neuromod.experiment.results import check_results, table_notes, table_rows
from neuromod.experiment.story import headline, readout_of, seconds_of
from neuromod.near_names import names_near
from neuromod.plot.drawing import bare_figure
from neuromod.plot.overview import panels
from neuromod.problems import shown

__all__ = ["report_html", "save_report"]

_SHAPES = {"wide": (7.6, 3.3), "narrow": (4.0, 3.5)}  # inches; which is shown, the width of the page decides
_HEIGHTS = {"raster": 1.15, "levels": 1.05}
_TIMED = ("raster", "levels")  # panels whose axes of time stand below each other
_CAPTIONS = {
    "raster": "Each dot is a spike: time to the right, neurons upwards, area by area.",
    "levels": "The levels of the modulators. A level that moves faster than its line is wide fills its range.",
    "weights": "Weights of the plastic synapses, before and after.",
    "responses": "How far the readout's mean rate at each test image changed. A dot is an image, a bar the mean of its "
    "class. d is the change against that of the classes without an outcome, in standard deviations (Cohen's d).",
}
_OF_CLASSES = " A synapse belongs to the class whose images excite its source."
_OF_EVENTS = " Below: what happened. A bar is a series of events, with their number."
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#bbbbbb", "#7f7f7f", "#555555")


@names_near
def report_html(results: Mapping[str, Any], *, notes: Sequence[str] = ()) -> str:
    """A run of the main job as one HTML page.

    Parameters
    ----------
    results : mapping of str to ndarray
        From `neuromod.experiment.run_experiment` or `load_results`.
    notes : sequence of str, optional
        Sentences that follow the headline.

    Returns
    -------
    str
        HTML that reaches for nothing outside itself, in light and dark colours, for wide and narrow screens. The same
        results give the same page, for the same versions of the libraries.

    Raises
    ------
    ImportError
        If matplotlib is missing; the message says what to install.

    Examples
    --------
    >>> from neuromod.experiment import run_experiment
    >>> page = report_html(run_experiment("brain_base_model.json", steps=60, seed=1))
    >>> page[:15], page.count("<figure>")
    ('<!DOCTYPE html>', 4)
    """
    check_results(results)
    if isinstance(notes, str | bytes) or not isinstance(notes, Sequence):
        raise TypeError(f"notes: must be a sequence of sentences; got {shown(notes)}")
    checked_names(notes, "notes")
    title, data = headline(results), files("neuromod") / "data"
    style = (data / "report.css").read_text(encoding="utf-8")
    config = json.dumps(json.loads(str(results["config"])), indent=2)
    said = "".join(f"<p class=note>{escape(note.removeprefix('note: '))}</p>" for note in notes)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>{escape(title)}</title>
<style>
{style}</style>
</head>
<body>
<main>
<p class=kind>neuromod {escape(str(results["version"]))} &middot; report of a run</p>
<h1>{escape(title)}</h1>
{said}
{_of_one_seed(results)}<dl class=facts>{"".join(_facts(results))}</dl>
{"".join(_figures(results))}
<h2>Numbers of the run</h2>
<div class=card><table>{"".join(_numbers(results))}</table></div>
{"".join(f"<p class=small>{escape(note)}</p>" for note in table_notes(results))}
<h2>The same run again</h2>
<p>Save the configuration below as <code>run.json</code>. The digest is the same to the last bit for the same version,
on any number of threads.</p>
<div class=card><pre class=wrap>{escape(_command(results))}</pre></div>
<h2>Versions</h2>
<div class=card><table>{"".join(_versions(results))}</table></div>
<h2>Configuration</h2>
<details><summary>{config.count(chr(10)) + 1} lines of JSON</summary>
<div class=scroll><pre>{escape(config)}</pre></div></details>
</main>
</body>
</html>
"""


@names_near
def save_report(
    path: str | Path, results: Mapping[str, Any], *, notes: Sequence[str] = (), overwrite: bool = False
) -> Path:
    """Write `report_html` to a file, which appears whole or not at all.

    Parameters
    ----------
    path : str or Path
        The file; its directory must exist.
    results : mapping of str to ndarray
    notes : sequence of str, optional
        Sentences that follow the headline.
    overwrite : bool, default False
        Whether an existing file may be replaced.

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    FileExistsError
        If the file exists and `overwrite` is false. Nothing is written.
    ImportError
        If matplotlib is missing. Nothing is written.
    OSError
        If the disk refuses. An older file stays as it was.

    Examples
    --------
    >>> from neuromod.experiment import run_experiment
    >>> save_report("report.html", run_experiment("brain_base_model.json", steps=30, seed=1)).name
    'report.html'
    """
    target, replaces = checked_path(path), checked_flag(overwrite, "overwrite")
    if target.exists() and not replaces:
        raise FileExistsError(f"{target}: exists already, and overwrite is not set")
    page = report_html(results, notes=notes)
    with whole_file(target_of(target)) as write:
        write(page.encode())
    return target


def _facts(results: Mapping[str, Any]) -> Iterator[str]:
    shown = {
        "neurons": f"{len(results['neuron_id']):,}",
        "synapses": f"{len(results['weight_after']):,}",
        "simulated": f"{seconds_of(results):g} s",
        "spikes": f"{len(results['spike_id']):,}",
        "seed": str(results["seed"]),
    }
    for name, value in shown.items():
        yield f"<div><dt>{name}</dt><dd>{escape(value)}</dd></div>"


def _of_one_seed(results: Mapping[str, Any]) -> str:
    """That the headline is of one run: its figures have no spread over seeds."""
    if not effects(results):
        return ""
    readout = readout_of(results)
    return (
        f"<p class=small>The readout is the area {escape(str(readout))}. This is one run, of seed "
        f"{escape(str(results['seed']))}: how far runs of other seeds differ, it cannot say.</p>\n"
    )


def _figures(results: Mapping[str, Any]) -> Iterator[str]:
    drawn = panels(results)
    captions = {name: _caption(name, results) for name in drawn}
    forms = {shape: _forms(shape, drawn, captions) for shape in _SHAPES}
    for name in drawn:
        both = "".join(forms[shape][name] for shape in _SHAPES)
        yield f"<figure>{both}<figcaption>{escape(captions[name])}</figcaption></figure>\n"


def _caption(name: str, results: Mapping[str, Any]) -> str:
    more = {
        "levels": _OF_EVENTS if len(results["event_step"]) else "",
        "weights": _OF_CLASSES if {"rewarded", "punished"} & set(map(str, results["group_names"])) else "",
        "responses": f" The readout is {readout_of(results)}.",
    }
    return _CAPTIONS[name] + more.get(name, "")


def _forms(shape: str, drawn: Mapping[str, Any], captions: Mapping[str, str]) -> dict[str, str]:
    """The panels as inline SVG of one width, whose colours are variables of the page's style."""
    import matplotlib

    style: Any = {"svg.fonttype": "none", "font.family": "sans-serif", "font.size": 9}
    with matplotlib.rc_context(style):
        figures = {name: _drawn(name, shape, draw) for name, draw in drawn.items()}
        _align([figures[name] for name in _TIMED if name in figures])
        return {name: _svg(name, shape, figures[name], captions[name]) for name in drawn}


def _drawn(name: str, shape: str, draw: Any) -> Any:
    width, height = _SHAPES[shape]
    figure = bare_figure("results.report_html", figsize=(width, height * _HEIGHTS.get(name, 1.0)), dpi=110)
    ax = figure.subplots()
    draw(ax)
    ax.set_facecolor("none")
    return figure


def _align(figures: Sequence[Any]) -> None:
    """Give the axes of all figures the same left and right ends."""
    for figure in figures:
        figure.draw_without_rendering()
    boxes = [figure.axes[0].get_position() for figure in figures]
    for figure, box in zip(figures, boxes, strict=True):
        figure.set_layout_engine("none")
        left, right = max(each.x0 for each in boxes), min(each.x1 for each in boxes)
        figure.axes[0].set_position([left, box.y0, right - left, box.height])


def _svg(name: str, shape: str, figure: Any, caption: str) -> str:
    import matplotlib

    out = StringIO()
    # A salt of its own for each drawing: two on one page must not share the ids that they refer to.
    with matplotlib.rc_context({"svg.hashsalt": f"{name} {shape}"}):
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(out, format="svg", transparent=True, metadata=nothing)
    text = out.getvalue()
    # In tags alone: a name may be spelt like a colour.
    text = re.sub("<[^>]*>", lambda tag: _coloured(tag[0]), text[text.index("<svg") :])
    label = escape(f"{name}: {caption}")
    return text.replace(
        "<svg", f'<svg class="{shape}" fill="currentColor" role="img" aria-label="{label}"', 1
    )


def _coloured(tag: str) -> str:
    """A tag of SVG whose colours are those of the page."""
    tag = tag.replace("#000000", "currentColor").replace("#ffffff", "var(--page)")
    for colour in _COLOURS:
        tag = tag.replace(colour, f"var(--c{colour[1:]})")
    return tag


def _numbers(results: Mapping[str, Any]) -> Iterator[str]:
    rows = [*table_rows(results), ("digest", str(results["digest"]))]
    for name, value in rows:
        yield f"<tr><th scope=row>{escape(name)}</th><td>{escape(value)}</td></tr>"


def _command(results: Mapping[str, Any]) -> str:
    steps = int(results["steps_wanted"])
    return f"neuromod run run.json --seed {results['seed']} --steps {steps}\ndigest  {results['digest']}"


def _versions(results: Mapping[str, Any]) -> Iterator[str]:
    rows = {
        "neuromod, of the run": str(results["version"]),
        "Python, of this report": platform.python_version(),
        **{f"{name}, of this report": importlib.metadata.version(name) for name in ("numpy", "matplotlib")},
        "platform, of this report": platform.platform(),
    }
    for name, value in rows.items():
        yield f"<tr><th scope=row>{escape(name)}</th><td>{escape(value)}</td></tr>"
