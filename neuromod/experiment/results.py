"""Results of a run: their table, and one ``.npz`` file of plain arrays that appears whole or not at all."""

from __future__ import annotations

import errno
import struct
import textwrap
import zipfile
from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuromod.arguments import checked_flag, checked_mapping
from neuromod.atomic import checked_path, target_of, whole_file
from neuromod.errors import FileError
from neuromod.experiment.effect_size import effects
from neuromod.experiment.story import counted, headline, readout_of, seconds_of, speed
from neuromod.near_names import names_near
from neuromod.notebook import html_table
from neuromod.problems import NearAttributes, shown, unknown_name

__all__ = [
    "Results",
    "load_results",
    "new_directory",
    "results_table",
    "save_results",
    "table_notes",
    "table_rows",
]

_DAMAGE = (
    ValueError,
    EOFError,
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    KeyError,
    struct.error,
)
"""What NumPy and `zipfile` raise for a file that is none of theirs."""
_WIDTH = 80  # columns of the table


class Results(dict[str, NDArray[Any]], NearAttributes):
    """Arrays of a run by name, a dict that describes itself: by its table, and in a notebook by headline and table.

    Examples
    --------
    >>> from neuromod.experiment import run_experiment
    >>> results = run_experiment("brain_base_model.json", steps=60, seed=1)
    >>> results
    Results(38 arrays: 2 images, 60 steps, seed 1)
    >>> results["spike_id"].dtype
    dtype('int64')
    """

    def __missing__(self, name: Any) -> NoReturn:
        raise unknown_name("results", name, self)

    def __repr__(self) -> str:
        if "steps" not in self or "seed" not in self:
            return f"Results({', '.join(self)})"
        images = len(self.get("image_step", ()))
        shown = f"{counted(images, 'image')}, " if images else ""
        steps = counted(int(self["steps"]), "step")
        return f"Results({counted(len(self), 'array')}: {shown}{steps}, seed {self['seed']})"

    def _repr_html_(self) -> str:
        if not {"steps", "config", "experiment"} <= set(self):
            return html_table(("array", "shape"), [(name, str(array.shape)) for name, array in self.items()])
        rows = [*table_rows(self), ("digest", str(self["digest"]))]
        notes = "".join(f"<p>{escape(note)}</p>" for note in table_notes(self))
        return f"<p><b>{escape(headline(self))}</b></p>{html_table(('', ''), rows)}{notes}"


@names_near
def save_results(path: str | Path, arrays: Mapping[str, ArrayLike], *, overwrite: bool = False) -> Path:
    """Write named arrays to an ``.npz`` file, so that a crash at any moment leaves the old file or the new
    one.

    The arrays go to a temporary file beside `path`, which is flushed to the disk and then renamed.

    Parameters
    ----------
    path : str or Path
        The file; its directory must exist.
    arrays : mapping of str to array_like
        Numbers, booleans or text; a dtype of Python objects is refused, so that reading never needs pickle.
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
    TypeError
        If an array holds Python objects. Nothing is written.
    OSError
        If the disk refuses. An older file stays as it was.

    Examples
    --------
    >>> import tempfile
    >>> directory = new_directory(Path(tempfile.mkdtemp()) / "run")
    >>> file = save_results(directory / "results.npz", {"seed": 42, "label": ["a", "b"]})
    >>> load_results(file)["label"].tolist()
    ['a', 'b']
    """
    target, replaces = checked_path(path), checked_flag(overwrite, "overwrite")
    columns = {
        name: np.asarray(value)
        for name, value in checked_mapping(arrays, "arrays", "names to arrays").items()
    }
    for name, column in columns.items():
        if not isinstance(name, str):
            raise TypeError(f"arrays: must have text for names; got {shown(name)}")
        if column.dtype.hasobject:
            raise TypeError(f"{name}: must be numbers or text; got an array of {column.dtype}")
    if target.exists() and not replaces:
        raise FileExistsError(f"{target}: exists already, and overwrite is not set")
    with whole_file(target_of(target)) as write:
        _write_archive(_Sink(write), columns)
    return target


@names_near
def load_results(path: str | Path) -> Results:
    """Read all arrays of a file that `save_results` wrote.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    Results
        A dict of str to ndarray.

    Raises
    ------
    FileError
        If the file is not one, is damaged (each array has a checksum), or asks for pickle.
    OSError
        If it cannot be read.
    TypeError, ValueError
        If it is no path.
    """
    source = target_of(path)
    with source.open("rb") as file:
        try:
            found = _read_archive(file)
        except (*_DAMAGE, OSError) as error:
            if (
                isinstance(error, OSError) and error.errno != errno.EINVAL
            ):  # a place before the file's beginning
                raise
            file.seek(0)
            problem = _not_results(file.read(16), error)
            raise FileError([f"{source}: must be a file that save_results has written; {problem}"]) from error
    if found is None:
        raise FileError([f"{source}: must be an .npz file; got a single array"])
    if any(not isinstance(each, np.ndarray) for each in found.values()):
        rule = "must be a file that save_results has written"
        raise FileError([f"{source}: {rule}; Simulation.load or BrainModel.load reads a file of save"])
    return Results(found)


def _read_archive(file: Any) -> dict[str, Any] | None:
    """The members of a file; None where it is a single array."""
    stored = np.load(file, allow_pickle=False)
    if not isinstance(stored, np.lib.npyio.NpzFile):
        return None
    with stored:
        return {name: stored[name] for name in stored.files}


def _not_results(start: bytes, error: Exception) -> str:
    """What is wrong with a file that NumPy cannot read."""
    if not start.startswith(b"PK\x03\x04"):
        return f"it begins with {shown(start)}" if start else "it has 0 bytes"
    return f"it has been cut, changed or damaged, or has Python objects: {error}"


def new_directory(wanted: str | Path) -> Path:
    """Make a directory of this name, or, where it is taken, of the name with the next free number.

    Parameters
    ----------
    wanted : str or Path
        ``results`` becomes ``results``, ``results-2``, ``results-3``, ... Parents are made too.

    Returns
    -------
    Path
        The new, empty directory; no other process was given the same.
    """
    base = Path(wanted)
    base.parent.mkdir(parents=True, exist_ok=True)
    candidate, number = base, 1
    while True:
        try:
            candidate.mkdir()
        except FileExistsError:
            number += 1
            candidate = base.with_name(f"{base.name}-{number}")
        else:
            return candidate


def check_results(results: Any) -> None:
    """Refuse what are no results of a run."""
    if not isinstance(results, Mapping) or not {"steps", "steps_wanted", "dt", "weight_after"} <= set(
        results
    ):
        raise TypeError(f"results: must be those of run_experiment or load_results; got {shown(results)}")


@names_near
def results_table(results: Mapping[str, Any]) -> str:
    """Describe a run: what it showed in a sentence, then a line for each figure, of at most 80 columns.

    *Rewarded* and *punished* synapses are told by the images and the wiring, not by what the run did to them:
    their presynaptic neuron is fed by the sense, and its mean input over that class's images exceeds its mean
    over all other images by ``experiment.class_margin`` of the full scale; a neuron of both classes counts for
    neither. The change given is the mean over the group of weight after minus weight before. Where the run had a
    control, the mean of the same run with dopamine clamped to its baseline follows, as *clamped*.

    *Response* is the mean rate of the readout over the test images of the rewarded, the punished and the other
    classes, before and after training; d is the difference between the mean changes of a class and of the
    others in units of the pooled standard deviation of the change over images (Cohen's d).

    Parameters
    ----------
    results : mapping of str to ndarray
        From `neuromod.experiment.run_experiment` or `load_results`.

    Returns
    -------
    str
        Lines without a last line break.

    Examples
    --------
    >>> from neuromod.experiment import run_experiment
    >>> lines = results_table(run_experiment("brain_base_model.json", steps=60, seed=1)).splitlines()
    >>> lines[0][:41], max(map(len, lines)) <= 80
    ('After 2 digits the readout answers as bef', True)
    """
    check_results(results)
    rows = table_rows(results)
    width = 2 + max(len(name) for name, _ in rows)
    lines = [f"{name:<{width}}{value}" for name, value in rows]
    lines.append(f"digest  {results['digest']}")  # 64 characters: out of the columns, to stay within 80
    notes = [textwrap.fill(line, _WIDTH) for line in table_notes(results)]
    return "\n".join([textwrap.fill(headline(results), _WIDTH), "", *lines, *([""] if notes else []), *notes])


def table_rows(results: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The numbers of a run by name, but its digest."""
    seconds = seconds_of(results)
    steps, wanted = int(results["steps"]), int(results["steps_wanted"])
    cut = f", interrupted: {wanted:,} were wanted" if steps < wanted else ""
    rows = [
        ("neurons", f"{len(results['neuron_id']):,}"),
        ("synapses", f"{len(results['weight_after']):,}"),
        ("steps", f"{steps:,} ({seconds:g} s at dt = {float(results['dt']):g} ms{cut})"),
        ("spikes", f"{len(results['spike_id']):,}"),
    ]
    if len(results["image_step"]):
        rows.append(("images shown", f"{len(results['image_step']):,}"))
    rows += [
        (f"mean rate {name}", f"{rate:.2f} Hz")
        for name, rate in zip(results["area_names"], results["area_rate"], strict=True)
    ]
    rows += [*_level_rows(results), *_weight_rows(results), *_response_rows(results)]
    return [*rows, ("speed", speed(results)), ("seed", str(results["seed"]))]


def table_notes(results: Mapping[str, Any]) -> list[str]:
    """What the words of the table mean, where it has them: a sentence each."""
    said = []
    if effects(results):
        said += [
            f"response: the mean rate of the readout, {readout_of(results)}, before and after.",
            "d: the change of a class against that of the classes without an outcome, in standard deviations over "
            "images (Cohen's d).",
        ]
    if len(results["weight_control"]):
        said.append("clamped: the same run with dopamine held at its baseline.")
    return said


def _level_rows(results: Mapping[str, Any]) -> list[tuple[str, str]]:
    level = results["level"]
    if not level.size:
        return []
    return [
        (
            str(name),
            f"mean {level[..., k].mean():.3f}, {level[..., k].min():.3f} to {level[..., k].max():.3f}",
        )
        for k, name in enumerate(results["level_names"])
    ]


def _weight_rows(results: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Mean weight change of each group of synapses, rewarded first."""
    before = results["weight_before"].astype(np.float64)
    names = [str(name) for name in results["group_names"]]
    rows = []
    shown = [name for name in ("rewarded", "punished", "other", "all") if name in names]
    for name in shown:
        mine = results["synapse_group"] == names.index(name)
        if not mine.any():
            rows.append((f"weight change, {name}", "no synapse"))
            continue
        change = (results["weight_after"] - before)[mine].mean()
        control = ""
        if len(results["weight_control"]):
            control = f" (clamped: {(results['weight_control'] - before)[mine].mean():+.5f})"
        rows.append(
            (
                f"weight change, {name}",
                f"{change:+.5f} mV{control}, {mine.sum():,} synapse{'' if mine.sum() == 1 else 's'}",
            )
        )
    return rows


def _response_rows(results: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The readout's response to each group of test images, and how far training set it off from the others."""
    control = effects(results, "response_control")
    rows = []
    for name, effect in effects(results).items():
        said = f"{effect.before:.2f} to {effect.after:.2f} Hz"
        if name != "others":
            clamped = f" (clamped: {control[name].size:+.2f})" if control else ""
            said += f", d = {effect.size:+.2f}{clamped}"
        rows.append((f"response, {name}", said))
    return rows


class _Sink:
    """What `zipfile` needs of a file that cannot be gone back in."""

    def __init__(self, write: Callable[[Any], None]) -> None:
        self._write = write

    def write(self, data: Any) -> int:
        """Write all of the data; the number of bytes."""
        self._write(data)
        return memoryview(data).nbytes

    def flush(self) -> None:
        """Nothing waits here."""


def _write_archive(file: Any, columns: Mapping[str, NDArray[np.generic]]) -> None:
    """The layout of numpy.savez, for any name of an array, on every version of NumPy without pickle."""
    with zipfile.ZipFile(file, "w") as archive:
        for name, column in columns.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                np.lib.format.write_array(member, column, allow_pickle=False)
