"""What a simulation offers to keep its state: files, checkpoints, and a state in memory to go back to."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any, Self

from neuromod import saved
from neuromod.errors import ConfigError, FileError, say
from neuromod.hooks import say_of_hooks
from neuromod.near_names import names_near
from neuromod.network import saved as of_model
from neuromod.parallel import checked_threads
from neuromod.problems import did_you_mean, shown
from neuromod.state import SavedPart

if TYPE_CHECKING:  # what only files need is loaded when the first one is written or read
    from pathlib import Path

    from neuromod.checkpoints import Checkpoints
    from neuromod.recorders import Monitor
    from neuromod.streams import Stream

__all__ = ["Kept"]

Simulation = Any


class Kept:
    """What a simulation offers to keep its state."""

    _session: Any

    @property
    def monitors(self) -> tuple[Monitor[Any], ...]:
        """The monitors of this simulation, in the order of their making; after `load` those of the file.

        A monitor that nothing else holds, neither a name nor a list, is not among them, and its records cannot be
        reached. Those that a file has brought are held by the simulation.
        """
        from neuromod.recorders import monitors_of

        return monitors_of(self._session)

    @names_near
    def save(self, path: str | PathLike[str]) -> None:
        """Write the whole state to a file, which appears whole or not at all; `load` reads it.

        Parameters
        ----------
        path : str or Path
            The file, in a directory that exists; an older file of that name is replaced. The name is taken as it is;
            ``.npz`` is usual.

        Raises
        ------
        OSError
            If the disk refuses. An older file stays as it was, and no temporary file is left.
        RuntimeError
            If another thread runs the simulation, or a hook calls it before the deaths of its step.
        ValueError, TypeError
            If a rate of a Poisson source is a function, or a monitor of a class of your own: no file can hold these.

        Warns
        -----
        NeuromodWarning
            Where there are hooks of `every`, `at` or `when` that are still to be called; it names them. A hook that
            calls `save` is not counted.

        Notes
        -----
        The file holds what `to_dict` gives, and the monitors in `monitors` with what they have recorded. Hooks, which
        are functions, are not in it: register them again after `load`. It is an uncompressed ``.npz`` without pickle,
        with a SHA-256 of every array; ``neuromod/guide/files.md`` describes it. A hook may save, too.

        Examples
        --------
        >>> from neuromod import BrainModel, Simulation
        >>> sim = Simulation(BrainModel("brain_base_model.json"), seed=1)
        >>> ids = sim.initialize_neurons(["V1_like"], density=0.01)
        >>> _ = sim.run(20)
        >>> sim.save("run.npz")
        >>> again = Simulation.load("run.npz")
        >>> _ = sim.run(20), again.run(20)
        >>> again.digest() == sim.digest()
        True
        """
        say_of_hooks(self._session, "save")
        self._write(path)

    def _write(self, path: Any) -> None:
        """As `save`, without a word about hooks."""
        save(self, path)

    @classmethod
    @names_near
    def load(cls, path: str | PathLike[str], *, threads: int | None = None) -> Self:
        """A simulation that goes on where `save` was called, to the bit, for any number of threads.

        Parameters
        ----------
        path : str or Path
            A file of `save`; many runs may begin from one file. Or a directory of `checkpointing`, of which the newest
            file is read; where that is damaged, the one before, with a `NeuromodWarning`.
        threads : int, >= 1, optional
            Default: `get_num_threads`.

        Returns
        -------
        Simulation
            With its model, its modulators, and the monitors of the file in ``monitors``, which go on recording.

        Raises
        ------
        FileError
            If the file is cut, damaged, of a newer format or none of a simulation: ``path: rule; what came``.
        OSError
            If it cannot be read.
        """
        return load(cls, path, threads)[0]  # type: ignore[no-any-return]

    @names_near
    def checkpointing(
        self, path: str | PathLike[str], every: str | float = "10 min", keep: int = 2
    ) -> Checkpoints:
        """``with sim.checkpointing(path):`` runs in the block write checkpoints, from which `load` goes on.

        Parameters
        ----------
        path : str or Path
            A directory, made where there is none. The files are ``step-<15 digits>.npz``.
        every : str or float, ms, > 0, default "10 min"
            As text, wall time: a number and s, min, h or days. As a number, simulated time, a whole number of steps.
        keep : int, >= 1, default 2
            So many of the newest files are kept.

        Returns
        -------
        Checkpoints
            Its ``files`` are the checkpoints that are there.

        Raises
        ------
        ValueError, TypeError, OSError
            If an argument is out of its domain, or the directory cannot be made. Nothing is written.
        FileExistsError
            If the directory has a checkpoint of a later step, which another run has written.
        PermissionError, BlockingIOError
            At the beginning of the block, if the directory cannot be written to, or another run writes checkpoints
            there.

        Notes
        -----
        A checkpoint is written at the end of a step, after its hooks, and at the end of the block, also after Ctrl-C.
        After a kill at any moment the files are whole, and at most one interval is lost; `load` goes on to the bits of
        a run that was not stopped. Hooks are in no file: a `NeuromodWarning` at the beginning of the block names them.
        Where the disk refuses, a `NeuromodWarning` says so and the run goes on; at the end
        of the block OSError is raised. A directory that is removed meanwhile is made again. A process that is forked in
        the block writes nothing.
        """
        from neuromod.checkpoints import Checkpoints

        return Checkpoints(self, path, every, keep)

    @names_near
    def streaming(
        self, path: str | PathLike[str], monitors: Mapping[str, Monitor[Any]], every: float = 100.0
    ) -> Stream:
        """``with sim.streaming(path, monitors):`` runs in the block move the records of monitors to a file.

        Parameters
        ----------
        path : str or Path
            A file; the log of a run that was stopped is gone on with, where it is of the same channels: what is later
            than the present step is cut off.
        monitors : mapping of str to monitor
            Names of the channels, and monitors of this simulation.
        every : float, ms, > 0, default 100
            Simulated time, a whole number of steps: so often a block is written, and so much stays in memory.

        Returns
        -------
        Stream

        Raises
        ------
        ValueError, TypeError
            If an argument is out of its domain. Nothing is written.
        FileError
            If the file is none of these monitors', or damaged.
        OSError
            If the disk refuses.
        BlockingIOError
            At the beginning of the block, if another stream writes to the file.

        Notes
        -----
        Each block has a checksum, so after a kill all but the last block can be read, by `read_log`, also while the log
        is written. The monitors themselves hold what is not yet in the file. Where the disk refuses in a run, a
        `NeuromodWarning` says so, and the records stay in memory until the next time. A process that is forked in the
        block writes nothing.
        """
        from neuromod.streams import Stream

        return Stream(self, path, monitors, every)

    @names_near
    def store(self, name: str = "default") -> None:
        """Keep the present state in memory, for `restore` to go back to.

        Parameters
        ----------
        name : str, default "default"
            An older state of that name is replaced.

        Raises
        ------
        RuntimeError
            If the simulation is being run.

        Examples
        --------
        >>> from neuromod import BrainModel, Simulation
        >>> sim = Simulation(BrainModel("brain_base_model.json"), seed=1)
        >>> ids = sim.initialize_neurons(["V1_like"], density=0.01)
        >>> _ = sim.run(20)
        >>> sim.store()
        >>> first = sim.run(50)["spike_counts"]
        >>> sim.restore()
        >>> sim.time, bool((sim.run(50)["spike_counts"] == first).all())
        (20.0, True)
        """
        from neuromod.stored import Stored

        if not isinstance(name, str):
            raise TypeError(f"name: must be a str; got {shown(name)}")
        with self._session.gate.change("store"):
            self._session.stored[name] = Stored(self)

    @names_near
    def restore(self, name: str = "default") -> None:
        """Go back, in place, to a state that `store` has kept; as often as wanted.

        Parameters
        ----------
        name : str, default "default"

        Raises
        ------
        ValueError
            If no state has that name. Nothing is changed.
        RuntimeError
            If the simulation is being run, or a log of `streaming` goes on; or neurons or synapses were added or
            removed since, or a projection has another rule: `save` and `load` keep whole networks. Nothing is changed.

        Notes
        -----
        What follows has the bits of what followed then. Parameters of neurons, rules and modulators come back, too.
        Monitors forget what is later. Hooks and the number of threads stay as they are. Copies and files hold no stored
        states.
        """
        known = self._session.stored
        if not isinstance(name, str) or name not in known:
            names = ", ".join(map(repr, known)) or "none yet"
            hint = did_you_mean(name, known)
            raise ValueError(f"name: must be that of a stored state, {names}; got {shown(name)}{hint}")
        with self._session.gate.change("restore"):
            known[name].restore(self)


# ---- files -----------------------------------------------------------------------------------------------------


def save(sim: Simulation, path: Any, extra: Mapping[str, Any] | None = None) -> None:
    """Write a simulation to a file. `extra`: what a caller keeps besides."""
    from neuromod.archive import write_archive

    content = settled_content(sim)
    if extra is not None:
        content["extra"] = extra
    write_archive(path, "simulation", content)


def settled_content(sim: Simulation) -> dict[str, Any]:
    """What `content_of` gives, where a file can hold it, while nothing else runs the simulation.

    Raises
    ------
    RuntimeError, ValueError, TypeError
        As of `Kept.save`.
    """
    session = sim._session
    session.agenda.check_can_be_saved("save")
    session.gate.check_own("save")
    if session.is_before_deaths():
        raise RuntimeError(
            "save: must not be called by a hook of a step after which neurons may die, cell_lifecycle.interval; the "
            "file would lack these deaths. Call it in another step"
        )
    with session.gate:
        return content_of(sim)


def content_of(sim: Simulation) -> dict[str, Any]:
    """All of a simulation, with arrays as arrays. Synapses that an engine keeps are as of their last update."""
    from neuromod.recorded import state_of_monitor
    from neuromod.recorders import monitors_of
    from neuromod.stored import kept_columns

    own = saved.own_state(sim)  # first: it hands over what users have written
    kept = kept_columns(own["engine"])

    def contents(table: Any) -> Mapping[str, Any]:
        if table.name not in kept:
            return table.contents()  # type: ignore[no-any-return]
        return {**table.own_columns(), **kept[table.name]}

    return {
        "model": of_model.plain_content_of(sim.model, contents),
        "simulation": own,
        "monitors": [state_of_monitor(each) for each in monitors_of(sim._session)],
    }


def load(cls: type[Simulation], path: Any, threads: int | None = None) -> tuple[Simulation, Any]:
    """The simulation of a file, and what the caller of `save` kept besides."""
    count = None if threads is None else checked_threads(threads)
    from neuromod.atomic import checked_path

    where = checked_path(path)
    return _newest(cls, where, count) if where.is_dir() else _loaded(cls, where, count)


def _newest(cls: type[Simulation], directory: Path, threads: int | None) -> tuple[Simulation, Any]:
    """The simulation of the newest checkpoint in a directory that is whole."""
    from neuromod import checkpoints

    while True:
        files = checkpoints.newest_of(directory)
        try:
            return _first_whole(cls, files, threads)
        except FileNotFoundError:  # a run that goes on there has written newer ones, and removed these
            if checkpoints.newest_of(directory) == files:
                raise


def _first_whole(cls: type[Simulation], files: list[Path], threads: int | None) -> tuple[Simulation, Any]:
    *others, oldest = files
    for path in others:
        try:
            return _loaded(cls, path, threads)
        except FileError as error:
            say(f"load: the newest checkpoint is damaged, the one before is read; {error}")
    return _loaded(cls, oldest, threads)


def _loaded(cls: type[Simulation], path: Any, threads: int | None) -> tuple[Simulation, Any]:
    from neuromod.archive import read_archive
    from neuromod.network.files import problems_of

    try:
        found = read_archive(path, "simulation")
        with problems_of(path):
            return again(cls, found.content, threads)
    except MemoryError as error:
        raise MemoryError(f"{path}: must fit into the memory; {error}") from error


def again(cls: type[Simulation], content: Any, threads: int | None) -> tuple[Simulation, Any]:
    """The simulation of a content as `content_of` gives it, checked; and the extra part."""
    from neuromod.recorded import monitor_of

    part = SavedPart(content, "content")
    part.only("model", "simulation", "monitors", "extra")
    part.has("model", "simulation", "monitors")
    part.finish()
    if not isinstance(content["model"], Mapping) or "format" not in content["model"]:
        raise ConfigError(["model.format: is required"])
    if not isinstance(content["monitors"], list):
        raise ConfigError(["monitors: must be a list"])
    sim = saved.plain_again(cls, content, threads)
    sim._session.held = [
        monitor_of(SavedPart(one, f"monitors[{k}]"), sim) for k, one in enumerate(content["monitors"])
    ]
    return sim, content.get("extra")
