"""The command ``neuromod run``, in one process or on the ranks of MPI, of which the first prints and writes."""

from __future__ import annotations

import argparse
import io
import json
import os
import signal
import sys
import textwrap
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path
from types import FrameType
from typing import Any

from neuromod.errors import ConfigError, NeuromodWarning
from neuromod.launcher import launched
from neuromod.rank_link import Ranks
from neuromod.terminal import DONE, FAILED, INTERRUPTED, WrongInput, check_output, say_line

__all__ = ["check_launched", "run_command"]

DIRECTORY = "neuromod-results"


def check_launched(ranks: Ranks) -> None:
    """Refuse a launcher of another MPI than mpi4py's: each process would take itself for the only one.

    Parameters
    ----------
    ranks : Ranks
        All that there are.
    """
    started = launched()[1]
    if ranks.size != started:
        raise WrongInput(
            f"run: the launcher must be that of the MPI which mpi4py uses; it has started {started} processes, "
            f"and MPI has {ranks.size}"
        )


def run_command(arguments: argparse.Namespace, run: Callable[..., Any], ranks: Ranks | None = None) -> int:
    """Run a configuration's experiment; write its results, table and figure.

    Parameters
    ----------
    arguments : Namespace
        Of the command line.
    run : callable
        `run_experiment`, or the same on ranks.
    ranks : Ranks, optional
        Those of the launcher; all make the same call.

    Returns
    -------
    int
        The exit code.
    """
    from neuromod.progress import ProgressLine

    is_first = ranks is None or ranks.rank == 0
    line = (
        ProgressLine(after=0.0, steps=False) if is_first else None
    )  # steps of training are in the table alone
    with _first_interrupt_asks(is_first) as asked, _made_directory(arguments, ranks, is_first) as made:
        content, directory = made
        try:
            results = run(
                content,
                steps=arguments.steps,
                seed=arguments.seed,
                progress=line,
                stop=asked.is_set,
                ms=arguments.ms,
                phase=None if line is None else line.phase,
                checkpoint=arguments.checkpoint,
                checkpoint_every=arguments.checkpoint_every,
            )
        except ConfigError:
            raise
        except ValueError as error:
            raise WrongInput(f"--{error}") from error
        finally:
            if line is not None:
                line.close()
        stopped = asked.is_set() if ranks is None else ranks.any(asked.is_set())
        is_whole = results is None or _write(arguments, results, directory, stopped)
    return INTERRUPTED if stopped else DONE if is_whole else FAILED


def _write(arguments: argparse.Namespace, results: Mapping[str, Any], directory: Path, stopped: bool) -> bool:
    """Write and print what a run gave; whether the disk has taken the figure and the report, too."""
    from neuromod.experiment.results import new_directory, results_table, save_results
    from neuromod.experiment.resume import clear_checkpoints
    from neuromod.experiment.story import advice

    directory.mkdir(parents=True, exist_ok=True)  # somebody may have removed it
    if not arguments.force and _taken(directory):
        directory = new_directory(directory)  # another run has written there meanwhile
    path = save_results(directory / "results.npz", results, overwrite=arguments.force)
    notes = [f"note: {said}" for said in advice(results, Path(arguments.config).name)]
    written, is_whole = [f"written: {path}"], True
    if arguments.checkpoint is not None and not stopped:
        try:
            clear_checkpoints(arguments.checkpoint)
        except OSError as error:
            written.append(f"left: {arguments.checkpoint}; {error}")
    drawn: list[tuple[Path, Callable[[Path], Path]]] = [
        (directory / "summary.png", lambda path: _draw(results, path))
    ]
    if arguments.report is not None:
        drawn.append((arguments.report, lambda path: _report(results, path, notes, arguments.force)))
    for path, draw in drawn:
        try:
            written.append(f"written: {draw(path)}")
        except (ImportError, OSError) as error:
            written.append(f"no {path.name}: {error}")
            is_whole &= isinstance(error, ImportError)
    told = [
        *(textwrap.fill(note, 80) for note in notes),
        *([""] if notes else []),
        results_table(results),
        "",
    ]
    say_line("\n".join([*told, *written]))
    return is_whole


def _content_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """The configuration, and a look at the other arguments."""
    from neuromod.checkpoints import seconds_of

    clamped = ["experiment.clamp_dopamine=true"] if arguments.clamp_dopamine else []
    content = _changed(_loaded(arguments.config), [*arguments.changes, *clamped])
    try:
        seconds_of(arguments.checkpoint_every, "checkpoint-every")
    except ValueError as error:
        raise WrongInput(f"--{error}") from error
    directory = arguments.checkpoint
    if directory is not None and directory.exists() and not directory.is_dir():
        raise WrongInput(f"--checkpoint: must be a directory; {directory} is a file")
    return content


@contextmanager
def _made_directory(
    arguments: argparse.Namespace, ranks: Ranks | None, is_first: bool
) -> Iterator[tuple[dict[str, Any], Path]]:
    """The configuration, and the directory to write to, which the first process makes; what is wrong is so on all."""
    agreed: AbstractContextManager[None] = nullcontext() if ranks is None else ranks.one_error()
    with ExitStack() as stack:
        with agreed:
            content = _content_of(arguments)
            directory = Path()
            if is_first:
                directory = stack.enter_context(_output_directory(arguments.out, arguments.force))
                _check_report(arguments.report, arguments.force, directory)
                stack.enter_context(_checkpoints(arguments.checkpoint))
        yield content, directory


_WRITTEN = ("results.npz", "summary.png")


def _taken(directory: Path) -> list[Path]:
    """Files of a run that the directory holds."""
    return [directory / name for name in _WRITTEN if (directory / name).exists()]


def _check_report(path: Path | None, force: bool, directory: Path) -> None:
    """Refuse a report that cannot be written, before the run. `directory`: for the results."""
    if path is None:
        return
    check_output("--report", path, force)
    if path.resolve() in [(directory / name).resolve() for name in _WRITTEN]:
        raise WrongInput(f"--report: must not be what the run writes beside it; got {path}")


def _report(results: Mapping[str, Any], wanted: Path, notes: Sequence[str], force: bool) -> Path:
    """Write the report; where it is. A file that has come in mid-run stays, and the report gets a number."""
    from neuromod.experiment.report import save_report

    path, number = wanted, 1
    while True:
        try:
            save_report(path, results, notes=notes, overwrite=force)
        except FileExistsError:
            number += 1
            path = wanted.with_name(f"{wanted.stem}-{number}{wanted.suffix}")
        else:
            return path


@contextmanager
def _checkpoints(directory: Path | None) -> Iterator[None]:
    """The directory of checkpoints, made before the run; one that is still empty afterwards goes."""
    if directory is None:
        yield
        return
    try:
        held = directory.exists()
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WrongInput(f"--checkpoint: must be a directory that can be made; got {error}") from error
    try:
        yield
    finally:
        if not held and directory.is_dir() and not any(directory.iterdir()):
            directory.rmdir()


def _loaded(source: str) -> dict[str, Any]:
    """The plain content of a checked configuration file."""
    from neuromod.config.load import load

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NeuromodWarning)  # the run gives them again
        return load(source)[0]


@contextmanager
def _output_directory(wanted: Path | None, force: bool) -> Iterator[Path]:
    """The directory to write to, made before the run so that a long run cannot end with nowhere to write."""
    from neuromod.experiment.results import new_directory

    try:
        held = wanted is not None and wanted.exists()
        if wanted is None:
            directory = new_directory(DIRECTORY)
        else:
            directory = wanted
            directory.mkdir(parents=True, exist_ok=True)
        taken = _taken(directory)
    except OSError as error:
        raise WrongInput(f"--out: must be a directory that can be made; got {error}") from error
    if taken and not force:
        raise WrongInput(f"--out: {taken[0]} exists already; --force replaces it")
    try:
        yield directory
    finally:
        if (
            not held and directory.is_dir() and not any(directory.iterdir())
        ):  # the run failed: leave nothing behind
            directory.rmdir()


def _draw(results: Mapping[str, Any], path: Path) -> Path:
    """Draw the figure; where it is."""
    from neuromod.atomic import target_of, whole_file
    from neuromod.plot.drawing import bare_figure
    from neuromod.plot.overview import draw_summary

    figure = draw_summary(bare_figure("summary", figsize=(9.0, 10.2)), results)
    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=120, format="png")
    with whole_file(target_of(path)) as write:
        write(drawn.getbuffer())
    return path


class _Asked:
    """Whether Ctrl-C was pressed."""

    def __init__(self, tells: bool) -> None:
        self._set, self._tells = False, tells

    def set(self, number: int, frame: FrameType | None) -> None:
        """Note the first Ctrl-C; the second is served as ever, by KeyboardInterrupt."""
        self._set = True
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if self._tells:  # not print: the handler may run inside another print, which buffered streams refuse
            os.write(2, b"\nstopping; once more to stop at once and lose the results\n")

    def is_set(self) -> bool:
        return self._set


@contextmanager
def _first_interrupt_asks(tells: bool) -> Iterator[_Asked]:
    asked = _Asked(tells)
    before = signal.signal(signal.SIGINT, asked.set)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)


# ---- --set -------------------------------------------------------------------------------------------------


def _changed(content: dict[str, Any], changes: Sequence[str]) -> dict[str, Any]:
    """The configuration with each PATH=VALUE written into it; its checks come when it is loaded."""
    from neuromod.config.change import check_effect, put

    for change in changes:
        path, equals, text = change.partition("=")
        if not equals or not all(path.split(".")):
            raise WrongInput(f"--set: must be PATH=VALUE, as in simulation.dt=0.5; got {change!r}")
        try:
            value = json.loads(text)
        except RecursionError:
            raise WrongInput(f"--set {path}: must be nested less deeply; got {text[:20]}...") from None
        except ValueError:
            value = text
        put(content, path, value, "--set")
    check_effect(content, [change.partition("=")[0] for change in changes], "--set")
    _check_durations(content, changes)
    return content


def _check_durations(content: Mapping[str, Any], changes: Sequence[str]) -> None:
    """Another dt changes how long images are shown, unless their durations are given in ms."""
    from neuromod.experiment.section import DURATIONS

    experiment, changed = content.get("experiment"), {change.partition("=")[0] for change in changes}
    if not isinstance(experiment, dict) or "simulation.dt" not in changed:
        return
    for name, steps in DURATIONS.items():
        if steps in experiment and experiment.get(name) is None and f"experiment.{steps}" not in changed:
            said = f"is in steps, of the new simulation.dt; experiment.{name}, in ms, goes before it"
            print(f"note: experiment.{steps} {said}", file=sys.stderr)
