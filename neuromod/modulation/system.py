"""Systems of modulators: levels that events set, spikes raise, time relaxes, and the core acts on.

Every modulator has a level in [0, 1] in each region. An event sets it relative to its baseline, a release adds to
it, a step brings it back towards the baseline, and its factor scales learning, raises thresholds, amplifies inputs
and more. The levels live in one buffer which a running simulation shares, so a level set from Python is the level
that the next step uses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuromod import _core
from neuromod.arguments import checked_array, checked_dt, checked_names, checked_number
from neuromod.closed import Closed, read_only
from neuromod.errors import printable
from neuromod.modulation.at_rest import say_what_acts_at_rest
from neuromod.modulation.clamps import Clamps
from neuromod.modulation.lattice import lattice_neighbours
from neuromod.modulation.modulator import KINETICS, FurtherModulator, Modulator, ModulatorState, apply_params
from neuromod.modulation.monoamines import DopamineSystem, NorepinephrineSystem, SerotoninSystem, class_of
from neuromod.modulation.saved import checked_levels, levels_state
from neuromod.near_names import names_near
from neuromod.network.members import Region, names_of
from neuromod.problems import did_you_mean, shown
from neuromod.state import sealed

__all__ = [
    "DopamineSystem",
    "FurtherModulator",
    "Modulator",
    "ModulatorState",
    "NeuromodulationSystem",
    "NorepinephrineSystem",
    "SerotoninSystem",
    "create_neuromodulation_system",
    "lattice_neighbours",
]


class NeuromodulationSystem(Clamps, Closed, _core.SystemCore):
    """Modulators over one buffer of levels, in one region or several.

    Dopamine, serotonin and norepinephrine; those that a configuration adds come from `create_neuromodulation_system`.

    Parameters
    ----------
    regions : sequence of str, optional
        Names of regions with levels of their own. Default: one, for the whole brain.
    enabled : bool, default True
        False: the system acts on nothing.

    Attributes
    ----------
    dopamine : DopamineSystem
    serotonin : SerotoninSystem
    norepinephrine : NorepinephrineSystem

    Raises
    ------
    ValueError
        If region names repeat or are none.

    Notes
    -----
    Computed in ``csrc/nm_levels.c``. Given to a `Simulation`, the core applies it in every step and steps it.

    Examples
    --------
    >>> system = NeuromodulationSystem()
    >>> system.process_reward(reward=1.0, expected_reward=0.0)
    1.0
    >>> for _ in range(10):
    ...     system.step()
    >>> {name: round(level, 3) for name, level in system.get_state().items()}
    {'dopamine': 0.639, 'serotonin': 0.5, 'norepinephrine': 0.5}
    """

    dopamine: DopamineSystem
    serotonin: SerotoninSystem
    norepinephrine: NorepinephrineSystem

    @names_near
    def __init__(self, regions: Sequence[str] | None = None, *, enabled: bool = True) -> None:
        self._build(regions, enabled, None, {})

    def _build(
        self,
        regions: Sequence[str] | None,
        enabled: bool,
        names: Iterable[str] | None,
        declared: Mapping[str, Mapping[str, Any]],
    ) -> None:
        known = ("global",) if regions is None else checked_names(regions, "regions")
        if not known or len(set(known)) != len(known):
            raise ValueError(f"regions: must be one or more different names; got {regions!r}")
        self._dress(_core.Levels(names, known, enabled, declared))

    def _dress(self, levels: _core.Levels) -> None:
        super().__init__(levels)
        self._areas: tuple[str, ...] | None = None  # of the model that it was given to
        for name in levels.names:
            object.__setattr__(self, name, class_of(name, levels.tables[name])(levels, levels.regions))

    def _check_can_set(self, name: str) -> None:
        if name in self.names:
            how = f"{name}.state.level = ... sets its level, and clamp({name}=...) holds it"
            raise AttributeError(f"{self._where()}.{name}: is read-only; {how}")
        super()._check_can_set(name)

    if TYPE_CHECKING:  # further modulators are attributes, too

        def __getattr__(self, name: str) -> FurtherModulator: ...

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the modulators, in the order of the columns of `level`."""
        return tuple(self._levels.names)

    @property
    def regions(self) -> tuple[str, ...]:
        """Names of the regions, in the order of the rows of `level`."""
        return tuple(self._levels.regions)

    @property
    def enabled(self) -> bool:
        """Whether it acts. A disabled system keeps its levels and leaves everything it is given as it came."""
        return bool(self._levels.enabled)

    @property
    def level(self) -> NDArray[np.float64]:
        """Levels, shape (n_regions, n_modulators), 0 to 1. A view: writing to it sets them."""
        return self._levels.level

    @names_near
    def process_reward(
        self, reward: float, expected_reward: float = 0.0, *, region: Region | None = None
    ) -> float:
        """Set dopamine from a reward prediction error; return the error.

        Parameters
        ----------
        reward : float, finite, reward units
        expected_reward : float, finite, reward units, default 0
        region : str or Population, optional
            Region whose level is set. Default: all.

        Returns
        -------
        float
            ``reward - expected_reward``.

        Raises
        ------
        ValueError
            As `DopamineSystem.update`. No level changes.
        """
        return self.dopamine.update(reward, expected_reward, region=region)

    @names_near
    def process_punishment(
        self, punishment: float, stress: float = 0.0, *, region: Region | None = None
    ) -> None:
        """Set serotonin from punishment and stress.

        Parameters
        ----------
        punishment : float, >= 0
        stress : float, >= 0, default 0
        region : str or Population, optional
            Region whose level is set. Default: all.

        Raises
        ------
        ValueError
            As `SerotoninSystem.update`. No level changes.
        """
        self.serotonin.update(punishment, stress, region=region)

    @names_near
    def process_uncertainty(
        self, uncertainty: float, novelty: float = 0.0, *, region: Region | None = None
    ) -> None:
        """Set norepinephrine from uncertainty and novelty.

        Parameters
        ----------
        uncertainty : float, >= 0
        novelty : float, >= 0, default 0
        region : str or Population, optional
            Region whose level is set. Default: all.

        Raises
        ------
        ValueError
            As `NorepinephrineSystem.update`. No level changes.
        """
        self.norepinephrine.update(uncertainty, novelty, region=region)

    def event(
        self, name: str, *amounts: float, region: Region | None = None, **inputs: float
    ) -> float | None:
        """Set the level of any modulator by an event; the same as its own ``update``.

        Parameters
        ----------
        name : str
            A modulator of the system.
        *amounts, **inputs : float, no unit
            What the event brings, in the order of the modulator's inputs or by name. A declared modulator has one,
            ``amount``; its level becomes ``clip(baseline + sensitivity * amount, 0, 1)``.
        region : str or Population, optional
            Region whose level is set. Default: all.

        Returns
        -------
        float or None
            What ``update`` returns: the prediction error for dopamine.

        Raises
        ------
        ValueError, TypeError
            If there is no such modulator, or an input is unknown or out of its domain. No level changes.

        Examples
        --------
        >>> NeuromodulationSystem().event("dopamine", reward=1.0, expected_reward=0.25)
        0.75
        """
        modulator: Any = self._modulator(name)
        error: float | None = modulator.update(*amounts, region=region, **inputs)
        return error

    def _modulator(self, name: str) -> Modulator:
        if not isinstance(name, str) or name not in self.names:
            known, hint = ", ".join(self.names), did_you_mean(name, self.names)
            raise ValueError(f"name: must be one of {known}; got {shown(name)}{hint}")
        modulator: Modulator = getattr(self, name)
        return modulator

    @names_near
    def add_release(
        self, name: str, areas: Sequence[Region], amount: float, regions: Sequence[str] | None = None
    ) -> None:
        """Let the spikes of some areas raise the level of a modulator: volume transmission.

        Parameters
        ----------
        name : str
            A modulator of the system.
        areas : sequence of str or Population
            Areas of the model, or populations that `create` made, whose neurons release it.
        amount : float, no unit
            What each spike of each of these neurons adds to the level of each of the regions. It is divided by
            nothing: not by the number of neurons, nor by that of regions, nor by dt. Below 0 it takes away.
        regions : sequence of str, optional
            Regions that they project to. Default: all.

        Raises
        ------
        ValueError, TypeError
            If a name is unknown or `amount` is not finite. Nothing is added.

        Notes
        -----
        Computed in ``csrc/nm_levels.c``. A spike of step k stands at the step's end, so what it adds acts from step
        k + 1 on and begins to decay in it. A step's spikes are counted as whole numbers, times `amount`; the level
        is clipped to [0, 1] once all releases of the step are added. Under Poisson spikes of rate r in all, and as
        long as nothing is clipped, the level has the mean baseline + amount r tau and the variance
        amount**2 r tau / 2.

        Examples
        --------
        >>> system = NeuromodulationSystem(["cortex", "striatum"])
        >>> system.add_release("dopamine", areas=["VTA"], amount=0.02, regions=["striatum"])
        >>> system.releases
        ({'modulator': 'dopamine', 'areas': ['VTA'], 'amount': 0.02, 'regions': ['striatum']},)
        """
        self._modulator(name)
        names = names_of(areas)
        where = f"neuromodulation.{name}.release"
        for what, given in (("areas", names), ("regions", regions)):
            if given is not None and not checked_names(given, f"{where}.{what}"):
                raise TypeError(f"{where}.{what}: must be a sequence of names; got {given!r}")
        for region in regions or ():
            if region not in self.regions:
                known = ", ".join(self.regions)
                raise ValueError(
                    f"{where}.regions: must be regions of the system ({printable(known)}); got {region!r}"
                )
        amount = checked_number(amount, f"{where}.amount")
        self._check_areas(where, names)
        self._levels.check_own(where)
        about = {"modulator": name, "areas": list(names), "amount": float(amount)}
        self._levels.releases.append({**about, "regions": None if regions is None else list(regions)})

    @property
    def releases(self) -> tuple[Mapping[str, Any], ...]:
        """What `add_release` was given: modulator, areas, amount, regions (None: all). Read-only."""
        return tuple(read_only(release) for release in self._levels.releases)

    @property
    def neutral(self) -> bool:
        """Whether no modulator has an effect at its baseline; may be set, for all at once. See `Modulator.neutral`."""
        return bool(np.all(self._levels.neutral))

    @neutral.setter
    def neutral(self, value: bool) -> None:
        before = self._levels.neutral.copy()
        try:
            for name in self.names:
                self._modulator(name).neutral = value
        except (TypeError, ValueError):
            self._levels.neutral[:] = before
            raise

    @names_near
    def set_diffusion(
        self, name: str, coefficient: float, neighbours: ArrayLike, spacing: float = 1.0
    ) -> None:
        """Let a modulator spread between neighbouring regions.

        Parameters
        ----------
        name : str
            A modulator of the system.
        coefficient : float, um**2/ms, >= 0
            Diffusion coefficient D.
        neighbours : array_like of int, shape (n_pairs, 2), or sequence of pairs of region names
            Regions that touch, by their position in ``system.regions`` or by name; see `lattice_neighbours`.
        spacing : float, um, > 0, default 1
            Distance between the centres of neighbours.

        Raises
        ------
        ValueError
            If a name is unknown, a region is its own neighbour, a number is out of its domain, or the flow is faster
            than 1e6 per ms. Nothing is changed. A later step raises it where its dt needs more than 1,000 substeps;
            it is not begun.

        Notes
        -----
        Computed in ``csrc/nm_levels.c``: decay and flow at once, by the exact solution of their equation over a step,
        between regions of different baselines, too. With a release that lasts, decay of rate k and D the steady level
        falls off as
        exp(-distance / lambda) in one dimension, lambda = sqrt(D / k), and the sum over all regions is release / k,
        whatever D.

        Examples
        --------
        >>> system = NeuromodulationSystem(["left", "middle", "right"])
        >>> system.set_diffusion("dopamine", 0.05, [("left", "middle"), ("middle", "right")])
        >>> system.dopamine.release(0.4, region="left")
        >>> system.step()
        >>> [round(level, 3) for level in system.level[:, 0].tolist()]
        [0.843, 0.517, 0.5]
        """
        self._modulator(name)
        pairs = self._neighbour_pairs(neighbours)
        for what, value, domain in (
            ("coefficient", coefficient, "NM_NON_NEGATIVE"),
            ("spacing", spacing, "NM_POSITIVE"),
        ):
            if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
                raise TypeError(f"{what}: must be a number; got {shown(value)}")
            if abs(value) > 1e300 or not _core.domain_holds(domain, value):
                raise ValueError(f"{what}: must be {_core.domain_phrase(domain)}; got {shown(value)}")
        rate = float(coefficient) / float(spacing) / float(spacing)
        most = np.bincount(pairs.ravel(), minlength=1).max(initial=0) * rate if pairs.size else 0.0
        if not (np.isfinite(rate) and most <= _core.MAX_SPREAD):
            raise ValueError(
                "coefficient / spacing**2, times the neighbours of a region: must be at most "
                f"{_core.MAX_SPREAD:g} per ms; got coefficient {coefficient!r}, spacing {spacing!r}"
            )
        self._levels.set_spread(self.names.index(name), rate, pairs)

    def _neighbour_pairs(self, neighbours: ArrayLike) -> NDArray[np.int32]:
        """Positions of the regions of each pair, checked."""
        given = checked_array(neighbours, "neighbours", "iuU")
        if given.ndim != 2 or given.shape[1] != 2:
            raise ValueError(
                f"neighbours: must be pairs of regions, of shape (n, 2); got shape {given.shape}"
            )
        if given.dtype.kind not in "iu":
            known = {region: k for k, region in enumerate(self.regions)}
            unknown = [region for region in given.ravel().tolist() if region not in known]
            if unknown:
                raise ValueError(f"neighbours: must be regions of the system; got {unknown[0]!r}")
            given = np.array([known[region] for region in given.ravel().tolist()]).reshape(-1, 2)
        outside = given[(given < 0) | (given >= len(self.regions))]
        if outside.size:
            raise ValueError(f"neighbours: must be from 0 to {len(self.regions) - 1}; got {outside[0]}")
        if np.any(given[:, 0] == given[:, 1]):
            raise ValueError("neighbours: must be two different regions; got one twice")
        return given.astype(np.int32)

    def _check_areas(self, where: str, areas: Sequence[str]) -> None:
        for area in areas if self._areas is not None else ():
            if area not in (self._areas or ()):
                known = ", ".join(self._areas or ())
                raise ValueError(
                    f"{where}.areas: must be areas of the model ({printable(known)}); got {area!r}"
                )

    def _check_fits(
        self, regions: Sequence[str], areas: Sequence[str], further: Callable[[], object] = lambda: None
    ) -> None:
        """Whether a model's regions have levels here, and areas that release are the model's. `further`: what else is
        checked; the areas are the model's from then on."""
        known = set(self.regions)
        missing = [region for region in regions if region not in known]
        if len(self.regions) > 1 and missing:
            raise ValueError(
                f"neuromodulation.regions: must be one for all, or hold those of the model's areas "
                f"({printable(', '.join(regions))}); got {printable(', '.join(self.regions))}"
            )
        before, self._areas = self._areas, tuple(areas)
        try:
            for release in self._levels.releases:
                self._check_areas(f"neuromodulation.{release['modulator']}.release", release["areas"])
            further()
        except BaseException:
            self._areas = before
            raise

    def step(self, dt: float = 1.0) -> None:
        """Relax all levels towards their baselines by one step.

        Parameters
        ----------
        dt : float, ms, > 0, default 1
            Length of the step; matters only to modulators with a ``tau``.

        Raises
        ------
        ValueError
            If `dt` is not > 0, or a level or parameter has been set outside its domain. Nothing changes.
        """
        self._levels.step(checked_dt(dt))

    def get_state(self) -> dict[str, float | NDArray[np.float64]]:
        """The levels by name: floats, or with several regions arrays of shape (n_regions,)."""
        return {name: getattr(self, name).state.level for name in self.names}

    def reset(self) -> None:
        """Put every level to its baseline; those that are clamped stay."""
        self._levels.check_own("reset")
        held = self._levels.clamped
        self.level[:] = np.where(np.isnan(held), self._levels.baseline, held)

    def to_dict(self) -> dict[str, Any]:
        """Levels, parameters, declarations, releases and diffusion as plain lists and numbers.

        Returns
        -------
        dict
            What `from_dict` takes: also with the version of the package and a SHA-256 over all of it.
        """
        return sealed(self._state())

    def _state(self) -> dict[str, Any]:
        """The same without the version and the sum."""
        return levels_state(self._levels)

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> NeuromodulationSystem:
        """The system that `to_dict` was called on.

        Parameters
        ----------
        state : mapping
            From `to_dict`.

        Returns
        -------
        NeuromodulationSystem

        Raises
        ------
        ConfigError
            If it is no such mapping, was changed since, or an entry of it breaks a rule; each problem as ``where: rule;
            what came``.

        Examples
        --------
        >>> system = NeuromodulationSystem()
        >>> system.dopamine.state.level = 0.7
        >>> NeuromodulationSystem.from_dict(system.to_dict()).dopamine.state.level
        0.7
        """
        return cls._of(checked_levels(state, "state"))

    @classmethod
    def _of(cls, levels: _core.Levels, areas: tuple[str, ...] | None = None) -> NeuromodulationSystem:
        """A system over levels that are there. `areas`: those of the model that it was given to."""
        system = cls.__new__(cls)
        system._dress(levels)
        system._areas = areas
        return system

    def __copy__(self) -> NeuromodulationSystem:
        """A system with levels of its own."""
        return type(self)._of(checked_levels(self._state(), "state"), self._areas)

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        """Pickled, and copied deeply, as what `from_dict` takes and checks."""
        return type(self)._of, (self._levels, self._areas)

    def __repr__(self) -> str:
        levels = ", ".join(f"{name}={level}" for name, level in self.get_state().items())
        return f"NeuromodulationSystem({levels})"


@names_near
def create_neuromodulation_system(
    config: Mapping[str, Any] | None = None, *, regions: Sequence[str] | None = None
) -> NeuromodulationSystem:
    """A system from the section ``neuromodulation`` of a configuration.

    Parameters
    ----------
    config : mapping, optional
        ``enabled``, default true: with false the system acts on nothing. ``neutral``, default false: with true no
        modulator has an effect at its baseline, and the same may stand in the object of one. For each of dopamine,
        serotonin and norepinephrine, an object of its parameters, ``tau`` (ms) in place of ``decay_rate`` if wanted.
        The same for registered modulators that are optional (acetylcholine), which a system has only where they are
        named. And declarations of further ones, which need no code: ``response``, one of ``{"linear": {strength}}``,
        ``{"power": {strength, exponent}}``, ``{"hill": {strength, ec50, n}}`` and ``{"inverted_u": {strength, peak,
        width}}``; ``targets``, a list of what it acts on (``neuromod schema`` prints the words that there are); and,
        if wanted, ``baseline``, ``decay_rate`` or ``tau``, ``sensitivity``, and ``offset``, the factor at a response
        of 0 (default 1). Any of them may have a ``release``, or a list of them: ``{"areas": [...], "amount": ...,
        "regions": [...]}``, see `NeuromodulationSystem.add_release`.
    regions : sequence of str, optional
        As in `NeuromodulationSystem`; a model's are ``model.regions``.

    Returns
    -------
    NeuromodulationSystem

    Raises
    ------
    ConfigError
        With every unknown key, its JSON path and the nearest known one, and every value out of its domain.
    ValueError
        If a release goes to no region of the system, or a neutral modulator has a factor of 0 at its baseline.

    Warns
    -----
    NeuromodWarning
        Once in a process, where some modulators are named and others, or those with an empty object, act at rest.

    Examples
    --------
    >>> system = create_neuromodulation_system({"dopamine": {"baseline": 0.6, "decay_rate": 0.05}})
    >>> system.dopamine.state
    ModulatorState(level=0.6, baseline=0.6, decay_rate=0.05)

    A modulator of one's own:

    >>> histamine = {"baseline": 0.2, "tau": 500, "response": {"hill": {"ec50": 0.4}}, "targets": ["gain", "noise"]}
    >>> system = create_neuromodulation_system({"histamine": histamine})
    >>> system.event("histamine", 0.2)
    >>> system.histamine.state.level, system.histamine.factor()
    (0.4, 1.5)
    """
    from neuromod.config.load import check_neuromodulation

    section = check_neuromodulation(config)
    modulators = {name: about for name, about in section.items() if isinstance(about, dict)}
    declared = {name: _declaration(about) for name, about in modulators.items() if "response" in about}
    system = NeuromodulationSystem.__new__(NeuromodulationSystem)
    system._build(regions, section["enabled"], modulators, declared)
    for name, about in modulators.items():
        modulator = system._modulator(name)
        shape = next(iter(about["response"].values())) if "response" in about else {}
        known = {*KINETICS, *system._levels.tables[name]["params"]}
        given = {key: value for key, value in {**about, **shape}.items() if key in known}
        tau = given.pop("tau", None)  # looked at with the section
        apply_params(modulator, given)
        if tau is not None:
            modulator.state._set_tau(tau)
        modulator.neutral = about.get("neutral", section.get("neutral", False))
        for release in about.get("release", ()):
            system.add_release(name, **release)
    if system.enabled:
        say_what_acts_at_rest([system._modulator(name) for name in system.names], config or {})
    return system


def _declaration(about: Mapping[str, Any]) -> dict[str, Any]:
    """What the core needs to know of a modulator that has no C file."""
    response = next(iter(about["response"]))
    return {"response": response, "targets": list(about["targets"]), "offset": about["offset"]}
