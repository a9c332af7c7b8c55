"""The command ``neuromod``: run, sweep, validate, schema, info, selftest, bench.

Exit codes: 0 done; 1 the run failed; 2 the command line, the configuration or the place for the output is
wrong; 130 interrupted. Ctrl-C ends a run after the image that is being shown (without images: after at most
100 steps), and what was done is written as usual; a second Ctrl-C stops at once and writes nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import warnings
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from neuromod import __version__
from neuromod.errors import ConfigError, NeuromodError, printable
from neuromod.terminal import (
    DONE,
    FAILED,
    INTERRUPTED,
    WRONG,
    WrongInput,
    check_output,
    hold_streams,
    say_line,
)

__all__ = ["main"]

SHIPPED = "brain_base_model.json"


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
    try:
        hold_streams()
        arguments = _parser().parsed(argv)
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_: _tell(f"warning: {message}")
            code = int(arguments.action(arguments))
            say_line("", end="")
            return code
    except (WrongInput, ConfigError) as error:
        _tell(str(error))
        return WRONG
    except KeyboardInterrupt:
        _tell("interrupted; nothing was written")
        return INTERRUPTED
    except (NeuromodError, OSError, MemoryError) as error:
        _tell(f"{type(error).__name__}: {error}")
        return FAILED


def _tell(text: str) -> None:
    """Print to standard error; of several ranks of MPI the first one alone."""
    from neuromod.launcher import launched

    if launched()[0] == 0:
        with contextlib.suppress(OSError):  # a full disk, a closed pipe: the exit code is left
            print(printable(text), file=sys.stderr, flush=True)


class _Parser(argparse.ArgumentParser):
    """A parser whose messages have the nearest name of a command or an option, and print what came as escapes."""

    def error(self, message: str) -> NoReturn:
        """Print what is wrong; exit code 2."""
        super().error(printable(message))

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Refuse a value that is none of the choices, with the nearest of them."""
        if action.choices is not None and value not in action.choices:
            from neuromod.problems import did_you_mean

            known = [*map(str, action.choices)]
            rule = f"must be one of {', '.join(known)}; got {value!r}{did_you_mean(value, known)}"
            raise argparse.ArgumentError(action, rule)

    def parsed(self, argv: Sequence[str] | None) -> argparse.Namespace:
        """The arguments. What is left over is refused by the command that got it, with the nearest of its options."""
        if not (sys.argv[1:] if argv is None else argv):
            self.print_help(sys.stderr)
            sys.exit(WRONG)
        arguments, more = self.parse_known_args(argv)
        if more:
            from neuromod.problems import did_you_mean

            command: _Parser = arguments.command
            options = [each for action in command._actions for each in action.option_strings]
            near = did_you_mean(more[0].partition("=")[0], options) if more[0].startswith("-") else ""
            command.error(f"unrecognized arguments: {' '.join(more)}{near}")
        return arguments


def _parser() -> _Parser:
    parser = _Parser(
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
        "--out",
        type=_path,
        metavar="DIR",
        help="where to write (default: neuromod-results, numbered where taken)",
    )
    run.add_argument(
        "--report", type=_path, metavar="FILE.html",
        help="also write the run as one HTML page: figures, table, configuration, versions",
    )  # fmt: skip
    run.add_argument("--force", action="store_true", help="replace results that --out or --report holds")
    run.add_argument(
        "--clamp-dopamine", action="store_true",
        help="hold dopamine at its baseline (as --set experiment.clamp_dopamine=true)",
    )  # fmt: skip
    run.add_argument(
        "--checkpoint", type=_path, metavar="DIR",
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
    guide = commands.add_parser("guide", help="list the pages of the guide, or print one")
    guide.add_argument(
        "page", metavar="NAME", nargs="?", help="page to print, as in units (default: list them)"
    )
    guide.set_defaults(action=_guide)
    _add_selftest(commands)
    _add_bench(commands.add_parser("bench", help="measure this machine and the engine on it"))
    for command in commands.choices.values():
        command.set_defaults(command=command)
    return parser


def _add_selftest(commands: Any) -> None:
    from neuromod.selftest.command import add_arguments

    selftest = commands.add_parser(
        "selftest", help="run random simulations, cut, saved and interrupted; nothing may differ"
    )
    add_arguments(selftest, _seed)
    selftest.set_defaults(action=_selftest)


def _add_sweep(sweep: argparse.ArgumentParser) -> None:
    from neuromod.sweeps.command import add_arguments

    add_arguments(sweep, _path)
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
        type=_path,
        metavar="FILE",
        help="write one JSON object a line, for each workload; - for standard output",
    )
    bench.add_argument("--force", action="store_true", help="replace a file that --json names")
    bench.add_argument(
        "--vector", metavar="LEVEL", help="baseline, avx2 or avx512 (default: the highest that there is)"
    )
    bench.add_argument("--dc", action="store_true", help="microcircuit: a constant current, no Poisson input")
    bench.add_argument(
        "--populations", type=_positive, default=8, metavar="N", help="populations: beside one (default: 8)"
    )
    bench.add_argument("--delays", choices=("one", "many"), default="many", help="populations: of synapses")
    bench.add_argument("--rule", default="none", help="populations: of plasticity (default: none)")
    bench.add_argument("--history", type=_path, metavar="FILE", help="append all figures as one line of JSON")
    bench.set_defaults(action=_bench)


def _path(text: str) -> Path:
    if not text or "\0" in text:
        raise argparse.ArgumentTypeError(f"must be the name of a file or directory; got {text!r}")
    return Path(text)


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


# ---- run, sweep --------------------------------------------------------------------------------------------


def _run(arguments: argparse.Namespace) -> int:
    from neuromod.experiment.command import check_launched, run_command
    from neuromod.experiment.run import run_experiment, run_experiment_on_ranks
    from neuromod.launcher import launched
    from neuromod.rank_link import Ranks

    if launched()[1] == 1:
        return run_command(arguments, run_experiment)
    from neuromod.ranks import RankSimulation

    try:
        ranks = Ranks(None)
    except ImportError as error:
        raise WrongInput(f"run: several processes were launched; {error}") from error
    check_launched(ranks)
    return run_command(arguments, partial(run_experiment_on_ranks, RankSimulation), ranks)


def _sweep(arguments: argparse.Namespace) -> int:
    from neuromod.sweeps.command import run_command

    try:
        told, well = run_command(arguments)
    except ImportError as error:
        raise WrongInput(f"--on: {error}") from error
    except KeyboardInterrupt:
        _tell(f"interrupted; the same command goes on, the rows are in {arguments.out}")
        return INTERRUPTED
    if told:
        say_line(told)
    return DONE if well else FAILED


# ---- validate, schema, info --------------------------------------------------------------------------------


def _validate(arguments: argparse.Namespace) -> int:
    from neuromod.config.load import load
    from neuromod.experiment.section import experiment_of

    content, config = load(arguments.file)
    if "experiment" in content:
        experiment_of(content, config)
    say_line(f"{arguments.file}: valid")
    return DONE


def _schema(arguments: argparse.Namespace) -> int:
    from neuromod.config.reference import reference
    from neuromod.config.schema import json_schema
    from neuromod.experiment.section import Experiment, experiment_schema

    if arguments.markdown:
        say_line(reference({"experiment": Experiment}), end="")
        return DONE
    schema = json_schema()
    schema["properties"]["experiment"] = experiment_schema()
    say_line(json.dumps(schema, indent=2))
    return DONE


def _info(arguments: argparse.Namespace) -> int:
    from neuromod.installed import as_text

    say_line(as_text())
    return DONE


def _guide(arguments: argparse.Namespace) -> int:
    from neuromod.pages import listing, page

    if arguments.page is None:
        say_line(listing())
        return DONE
    try:
        text = page(arguments.page)
    except ValueError as error:
        raise WrongInput(str(error)) from None
    say_line(text, end="")
    return DONE


def _selftest(arguments: argparse.Namespace) -> int:
    from neuromod.selftest.command import selftest

    if arguments.only is not None and arguments.case is None:
        raise WrongInput("--only: needs --case")
    found = selftest(arguments.minutes, arguments.seed, arguments.case, arguments.only, say_line)
    return FAILED if found else DONE


# ---- bench -------------------------------------------------------------------------------------------------


def _bench(arguments: argparse.Namespace) -> int:
    from neuromod.atomic import target_of, whole_file
    from neuromod.bench.command import append_history, bench_table, run_bench
    from neuromod.bench.micro import micro_benchmarks
    from neuromod.bench.microcircuit import measure_microcircuit
    from neuromod.bench.numbers import Options
    from neuromod.bench.populations import measure_populations
    from neuromod.bench.shapes import measure_shapes
    from neuromod.bench.workloads import MEASUREMENTS

    for option, path in (("--json", arguments.json), ("--history", arguments.history)):
        if path is not None and str(path) != "-":
            check_output(option, path, arguments.force or option == "--history")
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
            _tell,
            arguments.vector,
        )
    except ValueError as error:
        raise WrongInput(error) from error
    lines = "".join(json.dumps(record) + "\n" for record in records)
    if str(arguments.json) == "-":
        say_line(lines, end="")
    else:
        say_line(bench_table(records))
        if arguments.json is not None:
            with whole_file(target_of(arguments.json)) as write:
                write(lines.encode())
    if arguments.history is not None:
        append_history(arguments.history, records, options)
    return DONE
