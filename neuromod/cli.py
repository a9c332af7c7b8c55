"""The command ``neuromod``: run, sweep, validate, schema, info, selftest, bench.

Exit codes: 0 done; 1 the run failed; 2 the command line, the configuration or the place for the output is
wrong; 130 interrupted. Ctrl-C ends a run after the image that is being shown (without images: after at most
100 steps), and what was done is written as usual; a second Ctrl-C stops at once and writes nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import textwrap
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from neuromod import __version__
from neuromod.errors import ConfigError, NeuromodError, NeuromodWarning

__all__ = ["main"]

SHIPPED = "brain_base_model.json"
DIRECTORY = "neuromod-results"
DONE, FAILED, WRONG, INTERRUPTED = 0, 1, 2, 130


class _WrongInput(Exception):
    """A sentence for the user; exit code 2."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        Default: ``sys.argv[1:]``.

    Returns
    -------
    int
        0 done, 1 failed, 2 wrong input, 130 interrupted.

    Examples
    --------
    >>> main(["validate", "brain_base_model.json"])
    brain_base_model.json: valid
    0
    """
    arguments = _parser().parse_args(argv)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_: print(f"warning: {message}", file=sys.stderr)
            code = int(arguments.action(arguments))
            _say("", end="")
            return code
    except (_WrongInput, ConfigError) as error:
        print(error, file=sys.stderr)
        return WRONG
    except KeyboardInterrupt:
        print("interrupted; nothing was written", file=sys.stderr)
        return INTERRUPTED
    except (NeuromodError, OSError, MemoryError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return FAILED


def _say(text: str, end: str = "\n") -> None:
    """Print at once. A reader that has closed the pipe, as ``head`` does, is no error: what follows goes nowhere."""
    try:
        print(text, end=end, flush=True)
    except BrokenPipeError:
        _drop_output()
    except OSError:  # a full disk: an error, after which Python must not try once more when it ends
        _drop_output()
        raise


def _drop_output() -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="neuromod",
        description="Spiking neural networks under dopamine, serotonin and norepinephrine.",
        epilog="Exit codes: 0 done, 1 failed, 2 wrong input, 130 interrupted (what was done is written).",
    )
    parser.add_argument("--version", action="version", version=f"neuromod {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    run = commands.add_parser(
        "run", help="run a configuration's experiment; write results.npz and summary.png"
    )
    run.add_argument(
        "config", nargs="?", default=SHIPPED, metavar="CONFIG", help=f"JSON file (default: {SHIPPED})"
    )
    length = run.add_mutually_exclusive_group()
    length.add_argument(
        "--steps", type=_positive, metavar="N", help="steps in all (default: the configuration's)"
    )
    length.add_argument(
        "--ms", type=_above_zero, metavar="T", help="time in all, ms; a whole number of steps"
    )
    run.add_argument("--seed", type=_seed, metavar="S", help="0 .. 2**64 - 1 (default: the configuration's)")
    run.add_argument(
        "--set", action="append", default=[], metavar="PATH=VALUE", dest="changes",
        help="change the configuration, e.g. neuron_model.params_default.tau_m=15; VALUE is JSON, else text",
    )  # fmt: skip
    run.add_argument(
        "--out", type=Path, metavar="DIR", help=f"where to write (default: {DIRECTORY}, numbered where taken)"
    )
    run.add_argument(
        "--report", type=Path, metavar="FILE.html",
        help="also write the run as one HTML page: figures, table, configuration, versions",
    )  # fmt: skip
    run.add_argument("--force", action="store_true", help="replace results that --out or --report holds")
    run.add_argument(
        "--clamp-dopamine", action="store_true",
        help="hold dopamine at its baseline (as --set experiment.clamp_dopamine=true)",
    )  # fmt: skip
    run.add_argument(
        "--checkpoint", type=Path, metavar="DIR",
        help="write checkpoints there; the same command goes on from them after a kill, to the same results",
    )  # fmt: skip
    run.add_argument(
        "--checkpoint-every",
        default="1 min",
        metavar="TIME",
        help="wall time, as in '10 min' (default: 1 min)",
    )
    run.set_defaults(action=_run)
    _add_sweep(commands.add_parser("sweep", help="run a configuration at many points with many seeds"))
    validate = commands.add_parser("validate", help="check a configuration; one line for each problem")
    validate.add_argument("file", metavar="FILE", help="JSON file")
    validate.set_defaults(action=_validate)
    schema = commands.add_parser("schema", help="print the JSON Schema of configurations")
    schema.add_argument("--markdown", action="store_true", help="print tables for people in its place")
    schema.set_defaults(action=_schema)
    info = commands.add_parser(
        "info", help="print version, build, threads and extras: what a report of a bug needs"
    )
    info.set_defaults(action=_info)
    _add_selftest(commands)
    _add_bench(commands.add_parser("bench", help="measure this machine and the engine on it"))
    return parser


def _add_selftest(commands: Any) -> None:
    from neuromod.selftest.command import add_arguments

    selftest = commands.add_parser(
        "selftest", help="run random simulations, cut, saved and interrupted; nothing may differ"
    )
    add_arguments(selftest)
    selftest.set_defaults(action=_selftest)


def _add_sweep(sweep: argparse.ArgumentParser) -> None:
    from neuromod.sweeps.command import add_arguments

    add_arguments(sweep)
    length = sweep.add_mutually_exclusive_group()
    length.add_argument("--steps", type=_positive, metavar="N", help="steps of each run")
    length.add_argument("--ms", type=_above_zero, metavar="T", help="time of each run, ms")
    sweep.add_argument("--seeds", type=_positive, default=1, metavar="N", help="of each point (default: 1)")
    sweep.add_argument("--seed", type=_seed, metavar="S", help="root of the seeds (default: 0)")
    sweep.add_argument("--workers", type=_positive, metavar="N", help="default: one for each core")
    sweep.add_argument("--threads", type=_positive, metavar="N", help="of each run (default: its share)")
    sweep.set_defaults(action=_sweep)


def _add_bench(bench: argparse.ArgumentParser) -> None:
    bench.add_argument(
        "workloads", nargs="*", metavar="WORKLOAD",
        help="brunel_static, da_stdp, izhikevich_stdp, tutorial_example_4, micro (default: these); "
        "microcircuit, populations, shapes",
    )  # fmt: skip
    bench.add_argument(
        "--scale", type=_above_zero, default=1.0, metavar="X", help="of the numbers of neurons"
    )
    bench.add_argument("--threads", type=_positive, default=1, metavar="N", help="threads (default: 1)")
    bench.add_argument("--seed", type=_seed, default=1, metavar="S", help="seed (default: 1)")
    bench.add_argument(
        "--t",
        type=_above_zero,
        default=0.0,
        metavar="MS",
        help="simulated time (default: the workload's own)",
    )
    bench.add_argument(
        "--repeat", type=_positive, default=1, metavar="N", help="runs, of which the median counts"
    )
    bench.add_argument(
        "--json",
        metavar="FILE",
        help="write one JSON object a line, for each workload; - for standard output",
    )
    bench.add_argument(
        "--vector", metavar="LEVEL", help="baseline, avx2 or avx512 (default: the highest that there is)"
    )
    bench.add_argument("--dc", action="store_true", help="microcircuit: a constant current, no Poisson input")
    bench.add_argument(
        "--populations", type=_positive, default=8, metavar="N", help="populations: beside one (default: 8)"
    )
    bench.add_argument("--delays", choices=("one", "many"), default="many", help="populations: of synapses")
    bench.add_argument("--rule", default="none", help="populations: of plasticity (default: none)")
    bench.add_argument("--history", type=Path, metavar="FILE", help="append all figures as one line of JSON")
    bench.set_defaults(action=_bench)


def _above_zero(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a number > 0; got {text!r}")
    return value


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) < 2**63:
        raise argparse.ArgumentTypeError(f"must be a whole number >= 1; got {text!r}")
    return int(text)


def _seed(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) >= 2**64:
        raise argparse.ArgumentTypeError(f"must be a whole number between 0 and 2**64 - 1; got {text!r}")
    return int(text)


# ---- run ---------------------------------------------------------------------------------------------------


def _run(arguments: argparse.Namespace) -> int:
    from neuromod.checkpoints import seconds_of
    from neuromod.experiment.results import results_table, save_results
    from neuromod.experiment.resume import clear_checkpoints
    from neuromod.experiment.run import run_experiment
    from neuromod.experiment.story import advice
    from neuromod.progress import ProgressLine

    clamped = ["experiment.clamp_dopamine=true"] if arguments.clamp_dopamine else []
    content = _changed(_loaded(arguments.config), [*arguments.changes, *clamped])
    line = ProgressLine(after=0.0, steps=False)  # steps are counted in the table alone, those of training
    _check_report(arguments.report, arguments.force)
    try:
        seconds_of(arguments.checkpoint_every, "checkpoint-every")
    except ValueError as error:
        raise _WrongInput(f"--{error}") from error
    with _output_directory(arguments.out, arguments.force) as directory, _first_interrupt_asks() as asked:
        try:
            results = run_experiment(
                content,
                steps=arguments.steps,
                seed=arguments.seed,
                progress=line,
                stop=asked.is_set,
                ms=arguments.ms,
                phase=line.phase,
                checkpoint=arguments.checkpoint,
                checkpoint_every=arguments.checkpoint_every,
            )
        except ConfigError:
            raise
        except ValueError as error:
            raise _WrongInput(f"--{error}") from error
        finally:
            line.close()
        path = save_results(directory / "results.npz", results, overwrite=arguments.force)
        if arguments.checkpoint is not None and not asked.is_set():
            clear_checkpoints(arguments.checkpoint)
        notes = [f"note: {said}" for said in advice(results, Path(arguments.config).name)]
        written = [f"written: {path}", _draw(results, directory / "summary.png")]
        if arguments.report is not None:
            written.append(_report(results, arguments.report, notes))
        told = [
            *(textwrap.fill(note, 80) for note in notes),
            *([""] if notes else []),
            results_table(results),
            "",
        ]
        _say("\n".join([*told, *written]))
    return INTERRUPTED if asked.is_set() else DONE


def _check_report(path: Path | None, force: bool) -> None:
    """Refuse a report that cannot be written, before the run."""
    if path is None:
        return
    if not path.parent.is_dir():
        raise _WrongInput(f"--report: must be a file in a directory that exists; got {path}")
    if path.is_dir() or (path.exists() and not force):
        raise _WrongInput(
            f"--report: {path} exists already" + ("" if path.is_dir() else "; --force replaces it")
        )


def _report(results: Mapping[str, Any], path: Path, notes: Sequence[str]) -> str:
    """Write the report; what became of it."""
    from neuromod.experiment.report import save_report

    try:
        save_report(path, results, notes=notes, overwrite=True)
    except ImportError as error:
        return f"no {path.name}: {error}"
    return f"written: {path}"


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
        taken = [name for name in ("results.npz", "summary.png") if (directory / name).exists()]
    except OSError as error:
        raise _WrongInput(f"--out: must be a directory that can be made; got {error}") from error
    if taken and not force:
        raise _WrongInput(f"--out: {directory / taken[0]} exists already; --force replaces it")
    try:
        yield directory
    finally:
        if not held and not any(directory.iterdir()):  # the run failed: leave nothing behind
            directory.rmdir()


def _draw(results: Mapping[str, Any], path: Path) -> str:
    """Draw the figure; what became of it."""
    from neuromod.plot.drawing import bare_figure
    from neuromod.plot.overview import draw_summary

    try:
        figure = draw_summary(bare_figure("summary", figsize=(9.0, 10.2)), results)
    except ImportError as error:
        return f"no summary.png: {error}"
    temporary = path.with_name(f".{path.name}.tmp")
    figure.savefig(temporary, dpi=120, format="png")
    temporary.replace(path)
    return f"written: {path}"


class _Asked:
    """Whether Ctrl-C was pressed."""

    def __init__(self) -> None:
        self._set = False

    def set(self, number: int, frame: FrameType | None) -> None:
        """Note the first Ctrl-C; the second is served as ever, by KeyboardInterrupt."""
        self._set = True
        signal.signal(signal.SIGINT, signal.default_int_handler)
        # not print: the handler may run inside another print, which buffered streams refuse
        os.write(2, b"\nstopping; once more to stop at once and lose the results\n")

    def is_set(self) -> bool:
        return self._set


@contextmanager
def _first_interrupt_asks() -> Iterator[_Asked]:
    asked = _Asked()
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
            raise _WrongInput(f"--set: must be PATH=VALUE, as in simulation.dt=0.5; got {change!r}")
        try:
            value = json.loads(text)
        except RecursionError:
            raise _WrongInput(f"--set {path}: must be nested less deeply; got {text[:20]}...") from None
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


def _sweep(arguments: argparse.Namespace) -> int:
    from neuromod.sweeps.command import run_command

    try:
        told, well = run_command(arguments)
    except ImportError as error:
        raise _WrongInput(f"--on: {error}") from error
    except KeyboardInterrupt:
        print(f"interrupted; the same command goes on, the rows are in {arguments.out}", file=sys.stderr)
        return INTERRUPTED
    if told:
        _say(told)
    return DONE if well else FAILED


# ---- validate, schema, info --------------------------------------------------------------------------------


def _validate(arguments: argparse.Namespace) -> int:
    from neuromod.config.load import load
    from neuromod.experiment.section import experiment_of

    content, config = load(arguments.file)
    if "experiment" in content:
        experiment_of(content, config)
    _say(f"{arguments.file}: valid")
    return DONE


def _schema(arguments: argparse.Namespace) -> int:
    from neuromod.config.reference import reference
    from neuromod.config.schema import json_schema
    from neuromod.experiment.section import Experiment, experiment_schema

    if arguments.markdown:
        _say(reference({"experiment": Experiment}), end="")
        return DONE
    schema = json_schema()
    schema["properties"]["experiment"] = experiment_schema()
    _say(json.dumps(schema, indent=2))
    return DONE


def _info(arguments: argparse.Namespace) -> int:
    from neuromod.installed import as_text

    _say(as_text())
    return DONE


def _selftest(arguments: argparse.Namespace) -> int:
    from neuromod.selftest.command import selftest

    if arguments.only is not None and arguments.case is None:
        raise _WrongInput("--only: needs --case")
    found = selftest(arguments.minutes, arguments.seed, arguments.case, arguments.only, _say)
    return FAILED if found else DONE


# ---- bench -------------------------------------------------------------------------------------------------


def _bench(arguments: argparse.Namespace) -> int:
    from neuromod.bench.command import append_history, bench_table, run_bench
    from neuromod.bench.micro import micro_benchmarks
    from neuromod.bench.microcircuit import measure_microcircuit
    from neuromod.bench.numbers import Options
    from neuromod.bench.populations import measure_populations
    from neuromod.bench.shapes import measure_shapes
    from neuromod.bench.workloads import MEASUREMENTS

    options = Options(
        arguments.scale,
        arguments.threads,
        arguments.seed,
        arguments.t,
        dc=arguments.dc,
        populations=arguments.populations,
        delays=arguments.delays,
        rule=arguments.rule,
    )
    longer = {
        "microcircuit": measure_microcircuit,
        "populations": measure_populations,
        "shapes": measure_shapes,
    }
    try:
        records = run_bench(
            {**MEASUREMENTS, "micro": micro_benchmarks, **longer},
            arguments.workloads,
            options,
            arguments.repeat,
            lambda line: print(line, file=sys.stderr, flush=True),
            arguments.vector,
        )
    except ValueError as error:
        raise _WrongInput(error) from error
    lines = "".join(json.dumps(record) + "\n" for record in records)
    if arguments.json == "-":
        _say(lines, end="")
    else:
        _say(bench_table(records))
    if arguments.json not in (None, "-"):
        Path(arguments.json).write_text(lines, encoding="utf-8")
    if arguments.history is not None:
        append_history(arguments.history, records, options)
    return DONE
