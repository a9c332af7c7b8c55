"""Images, and events of a camera, onto the x-y sheet of an area or of a population on a grid."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuromod.arguments import checked_array, checked_count, checked_number
from neuromod.drive.currents import _PULSE, Current, _span
from neuromod.drive.sheets import sheet_of
from neuromod.drive.trains import play
from neuromod.errors import say
from neuromod.near_names import names_near
from neuromod.units import SLOW_TIMES, is_odd_current, say_unit_doubts

__all__ = ["ImageCurrent", "play_camera"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class ImageCurrent(Current):
    """A picture of any size as current of the neurons of an area, or of a population on a grid, for a while.

    Index i of ``image[i, j]`` runs along the x axis of the sheet, j along its y axis. The image is stretched over the
    whole sheet; a neuron gets the mean of the part of the image that its site covers.

    Parameters
    ----------
    sim : Simulation
    area : str or Population
        An area of the lattice, or a population on a grid of two or three axes, ``positions="grid"``, or the name of
        one. A part of a population gets its part of the image. The neurons must not be sources.
    image : array_like of float, shape (n_rows, n_columns), in the unit of the neurons' ``i_offset`` over `amplitude`
        Any size >= 1.
    duration : float, ms, > 0
    amplitude : float, pure number, default 1
        Factor of the image: current per unit of it. At 1, an image of values from 0 to 1 gives currents of at most 1
        mV to ``lif`` neurons, which do not fire below ``v_threshold - v_rest``, 15 mV by default.
    start : float, ms, optional
        Default: the present.
    z_layer : int, >= 0, optional
        Sheet of the area or of a grid of three axes, counted from its lowest z. Default: all.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of its domain, no neuron lies on the sheet, or the neurons are on no grid. Nothing is
        added then.
    RuntimeError
        If another thread runs the simulation.

    Warns
    -----
    NeuromodWarning
        If pixels have no neuron; it says how many have.

    Examples
    --------
    >>> import numpy as np
    >>> from neuromod import BrainModel, ImageCurrent, Simulation
    >>> sim = Simulation(BrainModel("brain_base_model.json"), seed=1)
    >>> ids = sim.initialize_neurons(["V1_like"])
    >>> image = ImageCurrent(sim, "V1_like", np.eye(28), duration=3.0, amplitude=20.0)
    >>> image.pixels, image.covered, image.neurons
    (784, 784, 8000)
    >>> [float(image.value.max().round(2)) for _ in range(4) if sim.step()]
    [11.84, 11.84, 11.84, 0.0]

    On a population:

    >>> sim = Simulation(seed=1)
    >>> retina = sim.create(100, name="retina", positions={"grid": [10, 10]})
    >>> ImageCurrent(sim, retina, np.eye(10), duration=3.0, amplitude=20.0)
    ImageCurrent(pixels=100, covered=100, neurons=100)
    """

    @names_near
    def __init__(
        self,
        sim: Any,
        area: str,
        image: ArrayLike,
        duration: float,
        amplitude: float = 1.0,
        start: float | None = None,
        z_layer: int | None = None,
    ) -> None:
        pixels = checked_array(image, "image").astype(np.float64)
        if pixels.ndim != 2 or not pixels.size:
            raise ValueError(f"image: must have shape (n_rows, n_columns); got {pixels.shape}")
        if not np.all(np.isfinite(pixels)):
            i, j = np.argwhere(~np.isfinite(pixels))[0]
            raise ValueError(f"image: must be finite; got {pixels[i, j]} at [{i}, {j}]")
        begin = sim.time if start is None else checked_number(start, "start")
        if checked_number(duration, "duration", 0.0) == 0.0:
            raise ValueError(f"duration: must be > 0 ms; got {duration}")
        span = _span(sim, begin, begin + float(duration))
        factor = checked_number(amplitude, "amplitude")
        name, ids, at, sheet = sheet_of(sim, area, z_layer)
        shares = [_shares(n, size) for n, size in zip(pixels.shape, sheet, strict=True)]
        values = (shares[0] @ pixels @ shares[1].T)[at[:, 0], at[:, 1]]
        there = np.zeros(sheet)
        there[at[:, 0], at[:, 1]] = 1.0
        seen = (shares[0].T > 0.0).astype(np.float64) @ there @ (shares[1] > 0.0) > 0.0
        self._covered, self._pixels = int(seen.sum()), pixels.size
        super().__init__(sim, ids, "lines", span, [[span[0]], [1.0], [0.0]], factor * values)
        _say_coverage("image", name, self._covered, self._pixels)
        say_unit_doubts(SLOW_TIMES, {"duration": duration}, "")
        most = float(np.abs(factor * values).max(initial=0.0))
        if self._unit == "mV" and duration >= _PULSE and is_odd_current(most, "mV"):
            say(
                f"image: amplitude times the image is up to {most:g} mV, the potential that the current causes; pixels "
                "from 0 to 255 are to be divided by 255"
            )

    @property
    def pixels(self) -> int:
        """Number of pixels of the image."""
        return self._pixels

    @property
    def covered(self) -> int:
        """Number of pixels that a neuron's site overlaps."""
        return self._covered

    @property
    def neurons(self) -> int:
        """Number of neurons that get a current."""
        return len(self._source.ids)

    def __repr__(self) -> str:
        return f"ImageCurrent(pixels={self.pixels}, covered={self.covered}, neurons={self.neurons})"


@names_near
def play_camera(
    sim: Any,
    area: str,
    x: ArrayLike,
    y: ArrayLike,
    microseconds: ArrayLike,
    shape: tuple[int, int],
    *,
    start: float = 0.0,
    z_layer: int | None = None,
) -> int:
    """Let the ``spike_source`` neurons of an area, or of a population on a grid, fire at the events of a camera.

    Parameters
    ----------
    sim : Simulation
    area : str or Population
        An area of the lattice, or a population on a grid of two or three axes, or the name of one. The spikes set for
        its neurons so far are replaced.
    x, y : array_like of int, shape (n_events,), 0 to the size - 1
        Pixel of each event.
    microseconds : array_like of float, shape (n_events,), us, >= 0
        Its time.
    shape : tuple of int, (size along x, size along y), >= 1
        Of the camera, which is stretched over the area's sheet: a neuron fires at the events of the pixels that its
        site covers, and a pixel larger than a site drives all neurons of its sites.
    start : float, ms, default 0
        Simulated time of the camera's time 0.
    z_layer : int, >= 0, optional
        Sheet of the area or of a grid of three axes, counted from its lowest z. Default: all.

    Returns
    -------
    int
        Number of spikes that are set. Several events of one neuron in one step are one spike; a warning tells their
        number.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of its domain, a neuron is no ``spike_source``, or an event is not after the present.
        Nothing is changed then.

    Warns
    -----
    NeuromodWarning
        If pixels have no neuron, or several events of a neuron fall into one step.

    Examples
    --------
    >>> from neuromod import BrainModel, Simulation, play_camera
    >>> sim = Simulation(BrainModel("brain_base_model.json"), seed=1)
    >>> ids = sim.initialize_neurons(["V1_like"], model="spike_source")
    >>> play_camera(sim, "V1_like", [0, 3], [0, 4], [1000.0, 2000.0], shape=(20, 20), z_layer=0)
    2
    >>> [len(sim.step()["spikes"]) for _ in range(2)]
    [1, 1]
    """
    if not isinstance(shape, tuple | list) or len(shape) != 2:
        raise ValueError(f"shape: must be the camera's size along x and along y; got {shape!r:.60}")
    sizes = [checked_count(size, "shape", 1, 2**20) for size in shape]
    columns = []
    for axis, values, size in (("x", x, sizes[0]), ("y", y, sizes[1])):
        column = np.atleast_1d(checked_array(values, axis, "iu")).astype(np.int64)
        if column.ndim != 1 or (column.size and not 0 <= column.min() <= column.max() < size):
            raise ValueError(
                f"{axis}: must be a row of pixels from 0 to {size - 1}; got {column.tolist()!r:.60}"
            )
        columns.append(column)
    times = np.atleast_1d(checked_array(microseconds, "microseconds")).astype(np.float64)
    if not len(columns[0]) == len(columns[1]) == len(times) or times.ndim != 1:
        raise ValueError(
            f"x, y, microseconds: must be as many; got {len(columns[0])}, {len(columns[1])} and {times.size}"
        )
    offset = checked_number(start, "start")
    name, ids, at, sheet = sheet_of(sim, area, z_layer)
    # number of the pixel that holds the middle of each neuron's site; where pixels are larger, the same for several
    pixel = [((2 * at[:, k] + 1) * sizes[k]) // (2 * sheet[k]) for k in (0, 1)]
    finer = [sizes[k] > sheet[k] for k in (0, 1)]
    event = [np.where(finer[k], columns[k] * sheet[k] // sizes[k], columns[k]) for k in (0, 1)]
    own = [at[:, k] if finer[k] else pixel[k] for k in (0, 1)]
    width = max(sheet[1], sizes[1])
    keys, event_keys = own[0] * width + own[1], event[0] * width + event[1]
    order = np.argsort(keys, kind="stable")
    first = np.searchsorted(keys[order], event_keys, side="left")
    count = np.searchsorted(keys[order], event_keys, side="right") - first
    picked = (
        np.repeat(first, count) + np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
    )
    n_set = play(sim, ids[order][picked], np.repeat(times / 1000.0 + offset, count), ids)
    grid = np.zeros([max(a, b) for a, b in zip(sheet, sizes, strict=True)], bool)
    grid[own[0], own[1]] = True
    every = [
        np.arange(size) * sheet[k] // size if finer[k] else np.arange(size) for k, size in enumerate(sizes)
    ]
    _say_coverage("camera", name, int(grid[np.ix_(*every)].sum()), sizes[0] * sizes[1])
    return n_set


def _say_coverage(what: str, area: str, covered: int, pixels: int) -> None:
    if covered < pixels:
        say(f"{what}: {covered:,} of {pixels:,} pixels have a neuron in {area}; the others reach nothing")


def _shares(n_pixels: int, n_sites: int) -> Floats:
    """Share of each pixel in the mean over each site, along one axis; shape (n_sites, n_pixels)."""
    site = np.arange(n_sites)[:, None] * (n_pixels / n_sites)
    pixel = np.arange(n_pixels)[None, :]
    overlap = np.minimum(site + n_pixels / n_sites, pixel + 1.0) - np.maximum(site, pixel)
    overlap[overlap < 1e-9] = 0.0
    shares: Floats = overlap / overlap.sum(axis=1, keepdims=True)
    return shares
