"""Weights and delays of new synapses: numbers, arrays and distributions, checked and drawn."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuromod import _core
from neuromod.arguments import called, checked_array, checked_count, checked_number
from neuromod.errors import NumericalError
from neuromod.network.columns import MODELS
from neuromod.network.layout import Learning
from neuromod.network.matrices import Milliseconds, Placed, is_sparse, values_at
from neuromod.problems import shown

__all__ = [
    "MAX_DELAY",
    "MAX_WEIGHT",
    "New",
    "check_sign",
    "check_weight",
    "check_written",
    "degrees_of",
    "delays_of",
    "drawn_values",
    "states_of",
    "weights_of",
    "widened",
]

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

MAX_DELAY = 65535
"""Steps; a delay is kept in 16 bits."""
MAX_WEIGHT = float(np.finfo(np.float32).max)
RAREST = 0.01
"""Least probability of a draw that is not drawn again; 4 x 4,096 draws then all fall outside once in 1e71 values."""
_FORMS = (
    '{"normal": [mean, sd]}, {"lognormal": [mu, sigma]}, {"uniform": [low, high]} or '
    '{"choice": values, "p": probabilities}'
)


_BOUNDS = frozenset({"low", "high", "outside"})
_KINDS = {"normal": _BOUNDS, "lognormal": _BOUNDS, "uniform": frozenset[str](), "choice": frozenset({"p"})}
"""Distributions, and what may be said beside each."""


class New(NamedTuple):
    """New synapses that are to get weights and delays."""

    n: int
    order: Ints | None
    """Of pairs: which one became each synapse; None: they were drawn."""
    ends: Callable[[], tuple[Ints, Ints]]
    """Positions of each synapse's source in `pre` and target in `post`, as they were given."""
    shape: tuple[int, int]
    """Number of sources, number of targets."""
    seed: int
    number: int
    """The projection's: the salt of its draws."""
    takes_matrix: bool = True
    """Whether values may be given as a matrix of the sources and targets."""
    distance: Callable[[], NDArray[np.float64]] | None = None
    """Distance of each synapse's source and target."""
    n_whole: int | None = None
    """Synapses of the whole projection, of which these are a part; None: these are all."""
    at: tuple[Ints, Ints] | None = None
    """Of a part: begin and size of the ranges of its synapses in the whole, by which values are drawn."""


class _Draw(NamedTuple):
    """A checked distribution."""

    kind: str
    a: float
    b: float
    low: float
    high: float
    clips: bool
    bounded: bool

    @property
    def words(self) -> str:
        names = {"normal": ("mean", "sd"), "lognormal": ("mu", "sigma"), "uniform": ("low", "high")}[
            self.kind
        ]
        return f"{names[0]} {self.a:g}, {names[1]} {self.b:g}"


def _distribution(value: Mapping[Any, Any], where: str) -> _Draw:
    """The distribution that a mapping names; ValueError or TypeError naming both of its numbers."""
    kinds = [kind for kind in _KINDS if kind in value]
    others = set(value) - {*kinds} - _KINDS.get(kinds[0] if kinds else "", frozenset())
    if len(kinds) != 1 or others:
        raise ValueError(
            f'{where}: must be {_FORMS}, the first two with "low", "high" and "outside" if need be; '
            f"got {shown(dict(value))}"
        )
    kind, given = kinds[0], value[kinds[0]]
    pair = checked_array(given, f"{where}.{kind}").astype(np.float64)
    if pair.shape != (2,) or not np.all(np.isfinite(pair)):
        raise ValueError(f"{where}.{kind}: must be two finite numbers; got {shown(given)}")
    a, b = pair.tolist()
    if kind == "uniform" and b < a:
        raise ValueError(f"{where}.uniform: the bounds must be in order; got {shown(given)}")
    if kind != "uniform" and b < 0.0:
        raise ValueError(f"{where}.{kind}: the standard deviation must be >= 0; got {b}")
    low = checked_number(value["low"], f"{where}.low") if "low" in value else -math.inf
    high = checked_number(value["high"], f"{where}.high") if "high" in value else math.inf
    if low > high:
        raise ValueError(f"{where}.low: must be <= high; got {low} and {high}")
    outside = value.get("outside", "redraw")
    if not isinstance(outside, str) or outside not in ("redraw", "clip"):
        raise ValueError(f"{where}.outside: must be 'redraw' or 'clip'; got {shown(outside)}")
    return _Draw(kind, a, b, low, high, outside == "clip", "low" in value or "high" in value)


def _share_inside(draw: _Draw, low: float, high: float) -> float:
    """Probability that a draw falls between low and high."""

    def below(x: float) -> float:
        if draw.kind == "lognormal":
            x = -math.inf if x <= 0.0 else math.log(x)
        if draw.b == 0.0:
            return float(draw.a <= x)
        return 0.5 * math.erfc((draw.a - x) / draw.b / math.sqrt(2.0))

    touches = draw.b == 0.0 and low <= (math.exp(draw.a) if draw.kind == "lognormal" else draw.a) <= high
    return 1.0 if touches else below(high) - below(low)


def _drawn(draw: _Draw, low: float, high: float, where: str, new: New) -> Floats:
    """Normal or lognormal values between low and high: drawn again, or clipped, where they fall outside."""
    draws = {"normal": _core.draw_normal, "lognormal": _core.draw_lognormal}[draw.kind]
    least, most = float(np.float32(max(low, -MAX_WEIGHT))), float(np.float32(min(high, MAX_WEIGHT)))
    if draw.kind == "lognormal" and draw.a + 7.0 * draw.b > 88.0:
        raise ValueError(f"{where}.lognormal: must stay below {MAX_WEIGHT:.3g}; got {draw.words}")
    if not draw.clips and _share_inside(draw, low, high) < RAREST:
        raise ValueError(
            f"{where}.{draw.kind}: must fall between {low:g} and {high:g} once in 100 draws; got {draw.words}"
        )
    values: Floats = draws(new.seed, where, new.number, draw.a, draw.b, new.n, new.at)
    if draw.clips:
        return np.clip(values, least, most, out=values)
    is_log = draw.kind == "lognormal"
    if not _core.redraw(values, new.seed, where, new.number, draw.a, draw.b, is_log, least, most, new.at):
        raise ValueError(f"{where}.{draw.kind}: must fall between {low:g} and {high:g}; got {draw.words}")
    return values


def drawn_values(value: Mapping[str, Any], where: str, seed: int, n: int) -> Floats:
    """Draw n values of a distribution, `where` being the name of an argument; the seed is that of these draws alone."""
    draw = _distribution(value, where)
    if max(abs(draw.a), abs(draw.b)) > MAX_WEIGHT:
        raise ValueError(f"{where}.{draw.kind}: must be at most {MAX_WEIGHT:.3g} in size; got {draw.words}")
    if draw.kind == "uniform":
        return _core.draw_uniform(seed, "weight", 0, draw.a, draw.b, n)
    new = New(n, None, lambda: (np.empty(0, np.int64),) * 2, (n, 1), seed, 0)
    try:
        return _drawn(draw, draw.low, draw.high, "weight", new)
    except ValueError as error:
        raise ValueError(where + str(error).removeprefix("weight")) from None


# ---- weights -------------------------------------------------------------------------------------------------


def check_weight(
    where: str,
    values: Any,
    learning: Learning,
    inhibitory: bool,
    what: str = "",
    place: Callable[[int], str] | None = None,
) -> None:
    """Refuse weights that are not finite, too large for float32, or outside the bounds of a rule.

    Parameters
    ----------
    where : str
        Name of the argument or column, for the message.
    values : float or ndarray, mV
    learning : Learning
        Whose bounds hold, if it has a rule.
    inhibitory : bool
        Bounds hold for the size of inhibitory weights.
    what : str, optional
        Words that end the message.
    place : callable, optional
        Gives words for where the k-th value stands. Default: its position.

    Raises
    ------
    ValueError
        Naming the first bad value, and the bound.
    """
    if isinstance(values, np.ndarray) and values.dtype == np.float32 and values.size:
        low, high = _surely_fine(learning, inhibitory)
        if _core.first_outside(values.ravel(), *widened(low, high)) < 0:
            return
    given = np.atleast_1d(np.asarray(values, np.float64))

    def refuse(bad: NDArray[np.bool_], rule: str) -> None:
        if bad.any():
            k = int(np.flatnonzero(bad.ravel())[0])
            at = f" (position {k})" if np.ndim(values) else ""
            at = at if place is None else place(k)
            raise ValueError(f"{where}: must be {rule}; got {given.ravel()[k]:g}{at}{what}")

    refuse(~np.isfinite(given), "finite")
    refuse(np.abs(given) > MAX_WEIGHT, f"at most {MAX_WEIGHT:.3g} in size, the largest float32")
    if learning.rule is None:
        return
    size = np.abs(given) if inhibitory else given
    low, high = widened(learning.weight_min, learning.weight_max)
    refuse(size > high, f"at most weight_max, {learning.weight_max:g} mV, under rule {learning.rule!r}")
    refuse(size < low, f"at least weight_min, {learning.weight_min:g} mV, under rule {learning.rule!r}")


def check_sign(where: str, values: Any, columns: Any, targets: Any, inhibitory: bool) -> None:
    """Refuse excitatory weights below 0 onto conductances, which have no sign.

    Parameters
    ----------
    where : str
        Name of the argument or column, for the message.
    values : float or ndarray
    columns : NeuronColumns
    targets : ndarray of int, or callable
        Slots of the targets, or what gives them.
    inhibitory : bool
        The size of inhibitory weights acts, and their sign does not.

    Raises
    ------
    ValueError
        Naming the model of a target.
    """
    if inhibitory or not np.any(np.asarray(values) < 0.0):
        return
    slots = targets() if callable(targets) else targets
    for name in (list(MODELS)[k] for k in np.unique(columns.column("model")[slots]).tolist()):
        if "g_syn_excitatory" in MODELS[name]["state"]:
            raise ValueError(
                f"{where}: must not be below 0 onto {name} neurons, whose conductances have no sign; for inhibition "
                "give synapse_type='inhibitory', or sources of that neuron_type"
            )


def check_written(tables: Sequence[Any], step: int) -> None:
    """Refuse what users have written to weights and eligibility traces that no simulation can go on from.

    Parameters
    ----------
    tables : sequence of SynapseTable
    step : int
        The present step, for the message.

    Raises
    ------
    NumericalError
        If a value is not finite.
    ValueError
        If a weight lies outside the bounds of its rule.
    """
    for table in tables:
        written = table.weights.written()
        for name, values in written.items() if written else ():
            if values.dtype == np.float32:  # the others are steps, which users have no way to write
                _check_written(table, name, values, step)


def _check_written(table: Any, name: str, values: Floats, step: int) -> None:
    about, inhibitory = table.learning, table.synapse_type == "inhibitory"
    low, high = _surely_fine(about, inhibitory) if name == "weight" else (-MAX_WEIGHT, MAX_WEIGHT)
    n = table.columns.n
    # Of a neuron that is being removed the table still knows, and the columns no longer.
    signed = name == "weight" and not inhibitory and table.n_neurons <= n
    # This is done in each slice of a run: one pass, which needs no memory, where all is well.
    if not len(values) or _core.first_outside(values, *widened(max(low, 0.0) if signed else low, high)) < 0:
        return
    if signed and _core.first_outside(values, 0.0, np.inf) >= 0:
        where = f"projections[{table.name!r}].weight"
        check_sign(where, values, table.columns, lambda: np.flatnonzero(table.targets(n)), inhibitory)
    if _core.first_outside(values, *widened(low, high)) < 0:
        return
    where = f"projections[{table.name!r}].{name}"
    k = _core.first_outside(values, -MAX_WEIGHT, MAX_WEIGHT)
    if k >= 0:
        ends = f"neuron {table.pre_id[k]} to {table.post_id[k]}"
        raise NumericalError(
            f"{where}[{k}]: must stay finite; got {values[k]} (synapse from {ends}, step {step})"
        )
    check_weight(where, values, about, inhibitory)


def _surely_fine(learning: Learning, inhibitory: bool) -> tuple[float, float]:
    """A range whose weights break no rule; all others are to be looked at one by one."""
    if learning.rule is None:
        return -MAX_WEIGHT, MAX_WEIGHT
    low, high = learning.weight_min, learning.weight_max
    if not inhibitory:
        return low, high
    return (-high, high) if low <= 0.0 else (1.0, -1.0)  # two ranges: none is surely fine


def widened(low: float, high: float) -> tuple[float, float]:
    """Bounds that a bound itself meets once it is rounded to float32."""
    return min(low, float(np.float32(low))), max(high, float(np.float32(high)))


def weights_of(value: Any, new: New, learning: Learning, inhibitory: bool) -> Floats | float:
    """Weights in the order of the synapses, or one number where all are equal; all checked."""
    if _is_matrix("weight", value, new):
        placed = _of_matrix("weight", value, new)
        check_weight("weight", placed.value, learning, inhibitory, place=placed.place)
        return placed.value.astype(np.float32)
    if callable(value):
        values = _of_distance("weight", value, new).astype(np.float32)
        check_weight("weight", values, learning, inhibitory)
        return values
    if isinstance(value, Mapping) and "choice" in value:
        values = _chosen(value, "weight", new).astype(np.float32)
        if rule := _broken_sign(values, learning, inhibitory):
            raise ValueError(f"weight.choice: {rule}; got {shown(value['choice'])}")
        check_weight("weight.choice", values, learning, inhibitory)
        return values
    if isinstance(value, Mapping):
        draw = _distribution(value, "weight")
        values = _weights_drawn(draw, new, learning, inhibitory)
        check_weight(f"weight.{draw.kind}", values, learning, inhibitory, f" of {draw.words}")
        return values
    given = checked_array(value, "weight").astype(np.float64)
    if given.ndim == 0:
        number = checked_number(given.item() if isinstance(value, np.ndarray) else value, "weight")
        check_weight("weight", number, learning, inhibitory)
        return number
    check_weight("weight", given, learning, inhibitory)
    return _of_pairs("weight", given, new).astype(np.float32)


def _is_matrix(where: str, value: Any, new: New) -> bool:
    """Whether there is a value for each source and target."""
    if is_sparse(value) or not new.takes_matrix or callable(value) or isinstance(value, Mapping):
        return is_sparse(value) and new.takes_matrix
    return checked_array(value, where).ndim == 2


def _of_matrix(where: str, value: Any, new: New) -> Placed:
    """Entry [i, j]: from the i-th source to the j-th target."""
    given = value if is_sparse(value) else checked_array(value, where)
    placed = values_at(where, given, new.shape, new.ends, new.order)
    return placed._replace(value=checked_array(placed.value, where).astype(np.float64))


def _of_distance(where: str, function: Callable[[Any], Any], new: New) -> NDArray[np.float64]:
    """A user's function of distance at the distance of each synapse."""
    if new.distance is None:
        raise TypeError(f"{where}: must not be a function here")
    given = called(where, function, new.distance())
    if given.ndim == 0:
        given = np.full(new.n, given)
    if given.shape != (new.n,):
        raise ValueError(
            f"{where}: must give one value for each of {new.n} distances; got shape {given.shape}"
        )
    return given.astype(np.float64)


def _chosen(value: Mapping[Any, Any], where: str, new: New) -> NDArray[np.float64]:
    """Each value as often as its probability says."""
    if set(value) - {"choice", "p"}:
        raise ValueError(f"{where}: must be {_FORMS}; got {shown(dict(value))}")
    values = checked_array(value["choice"], f"{where}.choice").astype(np.float64)
    odds = checked_array(value.get("p", np.ones(values.shape)), f"{where}.p").astype(np.float64)
    if values.ndim != 1 or not len(values) or not np.all(np.isfinite(values)):
        raise ValueError(f"{where}.choice: must be a row of finite numbers; got {shown(value['choice'])}")
    total = float(odds.sum())
    if odds.shape != values.shape or np.any(~(odds >= 0.0)) or ("p" in value and not abs(total - 1.0) < 1e-6):
        raise ValueError(
            f"{where}.p: must be a probability for each value, in all 1; got {shown(value.get('p'))}"
        )
    purpose = where.split(".")[0]
    words = (
        _core.random_words(new.seed, purpose, 0, 0, new.n, new.number)
        if new.at is None
        else _core.random_words_at(new.seed, purpose, *new.at, new.number)
    )
    below = np.cumsum(odds) / total
    at = np.searchsorted(below, (words + 0.5) * 2.0**-32, side="right")
    chosen: NDArray[np.float64] = values[np.minimum(at, np.flatnonzero(odds)[-1])]
    return chosen


def _weights_drawn(draw: _Draw, new: New, learning: Learning, inhibitory: bool) -> Floats:
    """Weights of one sign, unless a rule with weight_min below 0, or a bound stated below 0, admits both."""
    if max(abs(draw.a), abs(draw.b)) > MAX_WEIGHT:
        raise ValueError(f"weight.{draw.kind}: must be at most {MAX_WEIGHT:.3g} in size; got {draw.words}")
    if draw.kind == "uniform":
        values: Floats = _core.draw_uniform(new.seed, "weight", new.number, draw.a, draw.b, new.n, new.at)
    else:
        values = _drawn(draw, draw.low, draw.high, "weight", new)
    rule = _broken_sign(values, learning, inhibitory, draw.bounded and -math.inf < draw.low < 0.0)
    if rule is None:
        return values
    n_below = int((values < 0.0).sum())
    hint = (
        ""
        if draw.kind == "uniform"
        else f'; {{"{draw.kind}": [{draw.a:g}, {draw.b:g}], "low": 0}} draws them again'
    )
    raise ValueError(f"weight.{draw.kind}: {rule}; got {n_below} of {new.n} below 0 of {draw.words}{hint}")


def _broken_sign(values: Any, learning: Learning, inhibitory: bool, bounded: bool = False) -> str | None:
    """The rule that the signs of drawn weights break; `bounded`: their least value is stated and is below 0."""
    n_below, n_above = int((values < 0.0).sum()), int((values > 0.0).sum())
    if inhibitory:
        both = n_below > 0 and n_above > 0
        return "must have one sign, since inhibitory weights act by their size" if both else None
    fine = bounded or (learning.rule is not None and learning.weight_min < 0.0)
    return None if fine or not n_below else "must not be below 0 for excitatory synapses"


def _of_pairs(where: str, given: NDArray[Any], new: New) -> NDArray[Any]:
    """A row of values in the order of the pairs, or of the entries of the matrix, in that of the synapses."""
    if new.order is None:
        raise ValueError(
            f"{where}: must be a number, a distribution or a matrix of shape {new.shape}, or, with pairs, an array of "
            f"their number; got shape {given.shape}"
        )
    n = new.n if new.n_whole is None else new.n_whole
    if given.shape != (n,):
        raise ValueError(f"{where}: must have one value for each of the {n} pairs; got shape {given.shape}")
    return given[new.order]


# ---- delays --------------------------------------------------------------------------------------------------


def delays_of(value: Any, new: New) -> NDArray[np.uint16] | int:
    """One delay for all, or one for each synapse, whole steps from 1."""
    if isinstance(value, Milliseconds) and not new.takes_matrix:
        raise ValueError(f"delay_ms: must be a number or a row of {new.n}; got shape {value.matrix.shape}")
    if isinstance(value, Milliseconds):
        return value.steps(_of_matrix("delay_ms", value.matrix, new).value).astype(np.uint16)
    if _is_matrix("delay", value, new):
        placed = _of_matrix("delay", value, new)
        return _whole_delays(placed.value, placed.place)
    if callable(value):
        return _whole_delays(np.rint(_of_distance("delay", value, new)))
    if isinstance(value, Mapping) and "choice" in value:
        return _whole_delays(_chosen(value, "delay", new))
    if isinstance(value, Mapping):
        return _delays_drawn(_distribution(value, "delay"), new)
    given = checked_array(value, "delay")
    if given.ndim == 0:
        return checked_count(value, "delay", 1, MAX_DELAY)
    return _of_pairs("delay", _whole_delays(given), new)


def _whole_delays(given: NDArray[Any], place: Callable[[int], str] | None = None) -> NDArray[np.uint16]:
    bad = ~((given == np.rint(given)) & (given >= 1) & (given <= MAX_DELAY))
    if bad.any():
        k = int(np.flatnonzero(bad.ravel())[0])
        at = "" if place is None else place(k)
        raise ValueError(f"delay: must be whole steps from 1 to {MAX_DELAY}; got {given.ravel()[k]:.12g}{at}")
    return given.astype(np.uint16)


def _delays_drawn(draw: _Draw, new: New) -> NDArray[np.uint16]:
    return _whole_drawn(draw, "delay", "whole steps", 1, MAX_DELAY, new).astype(np.uint16)


def _whole_drawn(draw: _Draw, where: str, what: str, least: int, most: int, new: New) -> Floats:
    """Each whole number of a uniform alike; what rounds to a number out of bounds is drawn again."""
    if draw.kind == "uniform":
        if draw.a != round(draw.a) or draw.b != round(draw.b) or not least <= draw.a <= draw.b <= most:
            raise ValueError(
                f"{where}.uniform: must be two {what} from {least} to {most}; got [{draw.a:g}, {draw.b:g}]"
            )
        drawn: Floats = _core.draw_uniform(new.seed, where, new.number, draw.a, draw.b + 1.0, new.n, new.at)
        return np.floor(drawn)
    low, high = max(draw.low, float(least)), min(draw.high, float(most))
    if low != round(low) or high != round(high) or low > high:
        raise ValueError(
            f"{where}.low, {where}.high: must be {what} from {least} to {most}; got {low:g} and {high:g}"
        )
    if draw.clips:
        return np.clip(np.rint(_drawn(draw, low, high, where, new)), low, high)
    inside = (
        np.nextafter(np.float32(low - 0.5), np.float32(high)),
        np.nextafter(np.float32(high + 0.5), np.float32(low)),
    )
    drawn = _drawn(draw, float(inside[0]), float(inside[1]), where, new)
    return np.rint(drawn, out=drawn)


# ---- degrees and state variables -----------------------------------------------------------------------------


def degrees_of(value: Mapping[str, Any], where: str, ids: Ints, seed: int, number: int) -> Ints:
    """A degree, a whole number from 0, for each neuron, drawn by its id."""
    n = int(ids.max()) + 1 if len(ids) else 0
    new = New(n, None, lambda: (ids, ids), (n, n), seed, number)
    try:
        if "choice" in value:
            drawn: Any = _chosen(value, "degree", new)
            if np.any(drawn != np.rint(drawn)) or np.any(drawn < 0):
                raise ValueError(f"degree.choice: must be whole numbers >= 0; got {shown(value['choice'])}")
        else:
            drawn = _whole_drawn(_distribution(value, "degree"), "degree", "whole numbers", 0, 1 << 24, new)
    except (ValueError, TypeError) as error:
        head, colon, rule = str(error).partition(":")
        raise type(error)(head.replace("degree", where) + colon + rule) from None
    return drawn[ids].astype(np.int64)  # type: ignore[no-any-return]


def states_of(value: Any, where: str, new: New) -> Any:
    """First values of a state variable of a rule, in the order of the synapses: a number or float64 array."""
    if _is_matrix(where, value, new):
        placed = _of_matrix(where, value, new)
        bad = np.flatnonzero(~np.isfinite(placed.value))
        if len(bad):
            raise ValueError(f"{where}: must be finite; got {placed.value[bad[0]]}{placed.place(bad[0])}")
        return placed.value
    if callable(value):
        return _of_distance(where, value, new)
    if isinstance(value, Mapping):
        raise TypeError(
            f"{where}: must be a number, an array or a function of distance; got {shown(dict(value))}"
        )
    given = checked_array(value, where).astype(np.float64)
    if not np.all(np.isfinite(given)):
        raise ValueError(f"{where}: must be finite; got {shown(value)}")
    return given if given.ndim == 0 else _of_pairs(where, given, new)
