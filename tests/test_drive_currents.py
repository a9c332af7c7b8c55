"""Current sources against closed forms at any dt: `csrc/nm_current.c`, and its plain twin here."""

from __future__ import annotations

import copy
import math
import pickle
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from driven_network import ids_of, network
from numpy.typing import NDArray
from scipy_free import chi2_quantile, normal_two_sided

from neuromod import (
    BrainModel,
    ImageCurrent,
    OUCurrent,
    RampCurrent,
    Simulation,
    SineCurrent,
    StateMonitor,
    StepCurrent,
    _core,
)

Floats = NDArray[np.float64]
DTS = (1.0, 0.5, 0.1)
SILENT = {"params": {"v_threshold": 1e6}}


def lif(n: int = 3, dt: float = 1.0, **given: Any) -> Simulation:
    return network(("a", n, "lif", SILENT), dt=dt, **given)


def values(sim: Simulation, current: Any, ms: float) -> Floats:
    """What the source adds in each step, shape (n_steps, n)."""
    found = []
    for _ in range(round(ms / sim.dt)):
        sim.step()
        found.append(current.value)
    return np.array(found)


def means(function: Callable[[Floats], Floats], dt: float, ms: float, fine: int = 4000) -> Floats:
    """Means of a function of time over steps, by the midpoint rule."""
    t = (np.arange(round(ms / dt) * fine) + 0.5) * (dt / fine)
    return function(t).reshape(-1, fine).mean(axis=1)


def steps_of_time(t: Floats) -> Floats:
    return np.select([t < 2.25, t < 4.0, t < 7.3], [0.0, 3.0, -2.0], 0.0)


def ramp_of_time(t: Floats) -> Floats:
    return np.where((t >= 2.3) & (t < 7.7), 1.0 + (t - 2.3) * (4.0 / 5.4), np.where(t < 2.3, 0.0, 5.0))


def sine_of_time(t: Floats) -> Floats:
    wave = 0.5 + 2.0 * np.sin(2.0 * math.pi * 0.1 * t + 0.7)
    return np.where((t >= 1.3) & (t < 21.6), wave, 0.0)


@pytest.mark.parametrize("dt", DTS)
def test_each_step_gets_the_mean_of_the_current_over_it(dt: float) -> None:
    """The midpoint rule with 4,000 points a step errs by less than 1e-3 at a jump, and 1e-6 elsewhere."""
    sim = lif(dt=dt)
    made = [
        (StepCurrent(sim, "a", [3.0, -2.0], [2.25, 4.0], stop=7.3), steps_of_time),
        (RampCurrent(sim, "a", 1.0, 5.0, 2.3, 7.7, hold=True), ramp_of_time),
        (SineCurrent(sim, "a", 2.0, 100.0, phase=0.7, offset=0.5, start=1.3, stop=21.6), sine_of_time),
    ]
    for current, function in made:
        got, expected = values(sim.copy(), current, 0.0), means(function, dt, 25.0)
        assert not len(got)
        got = np.array([current._source.mean(k) for k in range(1, len(expected) + 1)])
        assert np.abs(got - expected).max() < 2e-3
        smooth = np.abs(np.diff(expected, prepend=0.0)) < 1.3 * dt
        assert np.abs(got - expected)[smooth].max() < 2e-3
        assert abs(got.sum() * dt - expected.sum() * dt) < 2e-3 * dt * 3  # the charge


def test_a_sine_is_met_to_rounding_and_late_in_a_run() -> None:
    """Mean over a step: (cos a - cos b) / (b - a) of the phases, whatever the step."""
    sim = lif(dt=0.5)
    sine = SineCurrent(sim, "a", 2.0, 37.0, phase=-1.0, start=0.0)
    for k in (1, 2, 1001, 10**9):
        a = 2.0 * math.pi * (0.0185 * (k - 1) % 1.0)
        b = a + 2.0 * math.pi * 0.0185
        exact = 2.0 * (math.cos(a - 1.0) - math.cos(b - 1.0)) / (b - a)
        assert sine._source.mean(k) == pytest.approx(exact, abs=1e-13 if k < 10**6 else 1e-7)


@pytest.mark.parametrize("dt", DTS)
def test_the_charge_of_a_pulse_does_not_depend_on_dt(dt: float) -> None:
    """v after a pulse of 7 mV from 10.03 to 14.19 ms, 20 ms later: exact but for where in a step the charge came."""
    sim = lif(dt=dt)
    StepCurrent(sim, "a", 7.0, 10.03, stop=14.19)
    sim.run(round(34.0 / dt))
    exact = 7.0 * (math.exp(-(34.0 - 14.19) / 20.0) - math.exp(-(34.0 - 10.03) / 20.0))
    assert sim.model.neurons.v_membrane[0] + 65.0 == pytest.approx(exact, rel=2e-3 * dt**2 + 1e-9)


@pytest.mark.parametrize("dt", DTS)
def test_a_membrane_follows_a_ramp_and_a_sine(dt: float) -> None:
    """dv/dt = (-v + I)/tau. Ramp s t: v = s (t - tau (1 - e^(-t/tau))). Sine: amplitude A / sqrt(1 + (w tau)^2)."""
    sim = lif(dt=dt)
    RampCurrent(sim, [0], 0.0, 10.0, 0.0, 100.0)
    SineCurrent(sim, [1], 5.0, 10.0)
    v = StateMonitor(sim, "v_membrane", [0, 1])
    sim.run(round(100.0 / dt))
    t = v.time
    ramp = 0.1 * (t - 20.0 * (1.0 - np.exp(-t / 20.0)))
    w = 2.0 * math.pi / 100.0
    norm = 5.0 / (1.0 + (w * 20.0) ** 2)
    sine = norm * (np.sin(w * t) - w * 20.0 * np.cos(w * t) + w * 20.0 * np.exp(-t / 20.0))
    error = np.abs(v.values + 65.0 - np.stack([ramp, sine], axis=1)).max(axis=0)
    assert np.all(error < np.array([4.2e-4, 8.4e-4]) * dt**2 + 1e-9)


# ---- Ornstein-Uhlenbeck -----------------------------------------------------------------------------------


@pytest.mark.parametrize("dt", DTS)
def test_an_ou_current_has_its_mean_sd_and_correlation_time(dt: float) -> None:
    """1,000 independent processes at six times: mean and sd by z and chi-squared, correlations by Fisher's z.

    Each p-value is above 1e-4 (24 of them, with a fixed seed).
    """
    n, tau = 1000, 8.0
    sim = lif(n, dt=dt, seed=11)
    ou = OUCurrent(sim, "a", mean=3.0, sd=2.0, tau=tau)
    rows = {}
    for ms in (1.0, 2.0, 5.0, 9.0, 17.0, 41.0):
        sim.run(round(ms / dt) - sim.current_step)
        rows[ms] = ou.value
    for x in rows.values():
        assert normal_two_sided((x.mean() - 3.0) / (2.0 / math.sqrt(n))) > 1e-4
        low, high = chi2_quantile(1e-4, n - 1), chi2_quantile(1.0 - 1e-4, n - 1)
        assert low < (n - 1) * x.var(ddof=1) / 4.0 < high
    for a, x in rows.items():
        for b, y in rows.items():
            if b > a:
                rho = math.exp(-(b - a) / tau)
                z = (math.atanh(np.corrcoef(x, y)[0, 1]) - math.atanh(rho)) * math.sqrt(n - 3)
                assert normal_two_sided(z) > 1e-4, (a, b)


@pytest.mark.parametrize("dt", DTS)
def test_the_variance_of_a_membrane_under_an_ou_current(dt: float) -> None:
    """Continuous: sd^2 tau / (tau + tau_m). In steps: the closed form of two first-order filters, 0.6 % dt^2 off."""
    n, tau, tau_m, sd = 2000, 5.0, 20.0, 4.0
    sim = lif(n, dt=dt, seed=3)
    OUCurrent(sim, "a", 0.0, sd, tau)
    sim.run(round(200.0 / dt))
    a, r = math.exp(-dt / tau_m), math.exp(-dt / tau)
    exact = sd**2 * (1.0 - a) / (1.0 + a) * (1.0 + a * r) / (1.0 - a * r)
    assert exact == pytest.approx(sd**2 * tau / (tau + tau_m), rel=6e-3 * dt**2)
    v = sim.model.neurons.v_membrane + 65.0
    low, high = chi2_quantile(1e-4, n - 1), chi2_quantile(1.0 - 1e-4, n - 1)
    assert low < (n - 1) * v.var(ddof=1) / exact < high


def test_an_ou_current_is_its_twin_to_rounding() -> None:
    """x <- mean + (x - mean) e^(-dt/tau) + sd sqrt(1 - e^(-2 dt/tau)) z, z from the keyed words; neurons 1, 2 and 4
    of 5, so that words are looked up one by one, and all 5, where they come in a row."""
    for wanted in ([1, 2, 4], [0, 1, 2, 3, 4]):
        sim = lif(5, dt=0.5, seed=9)
        ou = OUCurrent(sim, wanted, 1.0, 2.0, 6.0)
        got = values(sim, ou, 10.0)
        stream = _core.STREAMS["current"]
        x = np.full(len(wanted), np.nan)
        for k, row in enumerate(got, 1):
            words = _core.random_words(sim.seed, stream, 0, k, 5, 1)[wanted]
            z = _core.normal_quantiles(words).astype(float)
            q = math.exp(-0.5 / 6.0)
            x = 1.0 + (2.0 * z if k == 1 else (x - 1.0) * q + 2.0 * math.sqrt(1.0 - q * q) * z)
            np.testing.assert_allclose(row, x, rtol=0, atol=1e-13)


def test_two_ou_currents_on_a_neuron_are_independent() -> None:
    sim = lif(2000)
    one, other = OUCurrent(sim, "a", 0.0, 1.0, 5.0), OUCurrent(sim, "a", 0.0, 1.0, 5.0)
    sim.run(20)
    assert abs(np.corrcoef(one.value, other.value)[0, 1]) < 4.0 / math.sqrt(2000)


def test_an_ou_current_begins_and_ends() -> None:
    sim = lif(50)
    ou = OUCurrent(sim, "a", 5.0, 1.0, 5.0, start=3.0, stop=6.5)
    got = values(sim, ou, 9.0)
    acts = np.any(got != 0.0, axis=1)
    assert acts.tolist() == [False] * 3 + [True] * 4 + [False] * 2
    assert got[6].mean() == pytest.approx(2.5, abs=0.4)  # half of the last step


# ---- as part of a simulation --------------------------------------------------------------------------------


def many(seed: int = 5, threads: int = 1, n: int = 1300) -> Simulation:
    """Every kind of source, on overlapping groups, with noise, offset and input besides."""
    drive = {"drive": {"rate": 500.0, "weight": 1.0, "noise": 2.0}}
    sim = network(("a", n, "lif", drive), ("b", 700, "adex"), seed=seed, modulated=True)
    sim.threads = threads
    sim.connect("a", "a", in_degree=5, weight=0.3, delay={"uniform": [2, 6]}, rule="stdp", name="p")
    StepCurrent(sim, "a", [5.0, 9.0], [10.0, 30.5], stop=70.0)
    RampCurrent(sim, np.arange(100, 900), 0.0, 20.0, 5.0, 60.0)
    SineCurrent(sim, np.arange(0, n, 3), 8.0, 40.0)
    OUCurrent(sim, "a", 3.0, 4.0, 10.0)
    OUCurrent(sim, "b", 400.0, 300.0, 15.0)
    OUCurrent(sim, np.arange(3, n, 7), 0.0, 4.0, 3.0, start=20.0)
    return sim


def test_the_bits_do_not_depend_on_threads_cuts_copies_and_saving() -> None:
    whole = many()
    whole.run(100)
    two = many(threads=2)
    two.run(100)
    cut = many()
    for n in (1, 30, 7, 2):
        cut.run(n)
    others = [cut.copy(), copy.deepcopy(cut), pickle.loads(pickle.dumps(cut))]
    others += [Simulation.from_dict(cut.to_dict()), cut.replicas(1)[0]]
    for sim in (cut, *others):
        sim.run(60)
        assert sim.digest() == whole.digest()
    assert two.digest() == whole.digest()
    assert whole.model.neurons.spike_count.sum() > 1000


def test_replicas_have_the_sources_and_noise_of_their_own_seed() -> None:
    sim = many()
    sim.run(20)
    runs = sim.replicas(2)
    runs.run(40)
    sim.run(40)
    assert runs[0].digest() == sim.digest() != runs[1].digest()


def test_currents_act_like_the_same_currents_given_as_input() -> None:
    sim, other = lif(4), lif(4)
    sine = SineCurrent(sim, [1, 3], 5.0, 30.0)
    v = StateMonitor(sim, "v_membrane")
    sim.run(50)
    rows = np.zeros((50, 4))
    rows[:, [1, 3]] = np.array([sine._source.mean(k) for k in range(1, 51)])[:, None]
    w = StateMonitor(other, "v_membrane")
    other.run(50, input=rows)
    assert np.array_equal(v.values, w.values)
    assert np.all(v.values[:, 0] == -65.0) and v.values[-1, 1] != -65.0


def test_a_removed_source_acts_no_more_and_with_removes_it() -> None:
    sim = lif(2)
    with StepCurrent(sim, [0], 10.0) as step:
        sim.run(5)
        assert step.is_on
    v = sim.model.neurons.v_membrane[0]
    sim.run(1)
    assert not step.is_on
    assert sim.model.neurons.v_membrane[0] + 65.0 == pytest.approx((v + 65.0) * math.exp(-1.0 / 20.0))


def test_a_neuron_that_is_removed_takes_its_current_with_it() -> None:
    sim, other = lif(5), lif(5)
    ou = OUCurrent(sim, "a", 0.0, 3.0, 5.0)
    same = OUCurrent(other, "a", 0.0, 3.0, 5.0)
    sim.run(10)
    other.run(10)
    sim.model.remove_neuron(2)
    sim.run(10)
    other.run(10)
    assert ou.ids.tolist() == [0, 1, 3, 4]
    np.testing.assert_array_equal(ou.value, same.value[[0, 1, 3, 4]])
    assert Simulation.from_dict(sim.to_dict()).digest() == sim.digest()


def test_the_amplitude_is_in_the_unit_of_the_model() -> None:
    sim = network(("a", 2, "lif", SILENT), ("b", 2, "adex", {"params": {"a": 0.0, "b": 0.0, "delta_t": 0.5}}))
    assert StepCurrent(sim, "a", 5.0).unit == "mV"
    step = StepCurrent(sim, "b", 30.0)
    assert step.unit == "pA"
    sim.run(600)
    assert sim.model.neurons.v_membrane[2] + 70.6 == pytest.approx(30.0 / 30.0, abs=1e-3)  # pA / nS = mV
    with pytest.raises(ValueError, match=r"share one unit of current; got lif \(mV\), adex \(pA\)"):
        StepCurrent(sim, ["a", "b"], 5.0)


def test_norepinephrine_amplifies_a_current() -> None:
    sim = network(("a", 1, "lif", SILENT), modulated=True)
    StepCurrent(sim, "a", 5.0)
    sim.neuromodulation.norepinephrine.state.level = 0.9
    gain = 1.0 + 2.22 * 0.9**2
    sim.step()
    assert sim.model.neurons.v_membrane[0] + 65.0 == pytest.approx(5.0 * gain * -math.expm1(-1.0 / 20.0))


BAD: list[tuple[Callable[[Simulation], Any], str]] = [
    (lambda s: StepCurrent(s, "c", 5.0), "neurons: must be the name of an area; got 'c'"),
    (lambda s: StepCurrent(s, "src", 5.0), "neurons: must not be sources, which have no input; got poisson"),
    (lambda s: StepCurrent(s, [0, 0], 5.0), "neurons: must name each neuron once"),
    (lambda s: StepCurrent(s, [99], 5.0), "neurons: must be ids of neurons in the network; got 99"),
    (lambda s: StepCurrent(s, "a", np.nan), "amplitudes: must be finite; got nan"),
    (lambda s: StepCurrent(s, "a", [1.0, 2.0]), "times: must be given for 2 amplitudes"),
    (lambda s: StepCurrent(s, "a", [1.0, 2.0], [3.0, 3.0]), "times: must ascend"),
    (lambda s: StepCurrent(s, "a", [1.0, 2.0], [3.0]), "times: must be as many as amplitudes, 2"),
    (lambda s: StepCurrent(s, "a", 1.0, 5.0, stop=5.0), "stop: must be after the start of 5 ms; got 5"),
    (lambda s: RampCurrent(s, "a", 0.0, 1.0, 5.0, 4.0), "stop: must be after the start of 5 ms"),
    (lambda s: RampCurrent(s, "a", 0.0, 1.0, 5.0, 6.0, hold=1), "hold: must be True or False"),  # type: ignore[arg-type]
    (lambda s: SineCurrent(s, "a", 1.0, 501.0), "frequency: must be between 0 and 500; got 501"),
    (lambda s: SineCurrent(s, "a", 1.0, -1.0), "frequency: must be between 0 and 500; got -1"),
    (lambda s: OUCurrent(s, "a", 1.0, -1.0, 5.0), "sd: must be >= 0; got -1"),
    (lambda s: OUCurrent(s, "a", 1.0, 1.0, 0.0), "tau: must be > 0 ms; got 0"),
    (lambda s: OUCurrent(s, "a", 1.0, 1.0, "5"), "tau: must be a number"),  # type: ignore[arg-type]
    (lambda s: ImageCurrent(s, "a", np.ones(4), 5.0), "image: must have shape"),
    (lambda s: ImageCurrent(s, "a", [[np.inf]], 5.0), "image: must be finite; got inf"),
    (lambda s: ImageCurrent(s, "a", [[1.0]], 0.0), "duration: must be > 0 ms; got 0"),
    (lambda s: ImageCurrent(s, "a", [[1.0]], 5.0, z_layer=1), "z_layer: must be at most 0; got 1"),
    (lambda s: ImageCurrent(s, "aa", [[1.0]], 5.0), "area: must be the name of an area; got 'aa'"),
]


@pytest.mark.parametrize(("make", "words"), BAD)
def test_bad_arguments_add_nothing(make: Callable[[Simulation], Any], words: str) -> None:
    sim = network(("a", 3, "lif"), ("src", 2, "poisson"))
    digest = sim.digest()
    with pytest.raises((ValueError, TypeError), match=words.replace("(", r"\(").replace(")", r"\)")):
        make(sim)
    assert sim.digest() == digest


def test_a_damaged_state_is_refused() -> None:
    sim = lif(3)
    OUCurrent(sim, "a", 0.0, 1.0, 5.0)
    sim.run(3)
    good = sim._own_state()["engine"]["currents"][0]
    for key, value, words in (
        ("kind", "square", "must be one of lines, sine, ou"),
        ("ids", np.array([2, 1, 0]), "must ascend"),
        ("ids", np.array([0, 1, 77]), "must be ids of the network"),
        ("values", np.array([0.0, -1.0, 5.0]), "standard deviation >= 0"),
        ("span", np.array([3.0, 1.0]), "a first step and a greater last one"),
        ("factor", np.array([1.0, np.nan, 1.0]), "must be finite"),
        ("number", -1, "must be a whole number"),
    ):
        state = sim._session.state()["engine"] | {"currents": [good | {key: value}]}
        with pytest.raises(ValueError, match=words):
            sim._session.bound().set_state(state)


# ---- images -------------------------------------------------------------------------------------------------


def sheet(n: int = 4, density: float = 1.0, model: str = "lif") -> Simulation:
    area = {
        "name": "eye",
        "model": model,
        "coord_ranges": {"x": [2, n + 1], "y": [1, n], "z": [0, 0], "w": [0, 0]},
    }
    sim = Simulation(BrainModel(config={"lattice_shape": [n + 2, n + 2, 1, 1], "areas": [area]}), seed=1)
    sim.initialize_neurons(["eye"], density=density)
    return sim


def plain_resize(image: Floats, n: int, fine: int = 60) -> Floats:
    """Mean of the image over each site, by looking at fine x fine points of each site."""
    at = ((np.arange(n * fine) + 0.5) / (n * fine) * np.array(image.shape)[:, None]).astype(int)
    points = image[np.ix_(at[0], at[1])]
    return points.reshape(n, fine, n, fine).mean(axis=(1, 3))


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (4, 4), (5, 7), (12, 20)])
def test_an_image_of_any_size_is_stretched_over_the_sheet(shape: tuple[int, int]) -> None:
    sim = sheet()
    image = np.random.default_rng(1).random(shape)
    shown = ImageCurrent(sim, "eye", image, duration=3.0, amplitude=5.0)
    sim.run(3)
    neurons = sim.model.neurons
    expected = 5.0 * plain_resize(image, 4)[neurons.x - 2, neurons.y - 1]
    np.testing.assert_allclose(shown.value, expected, atol=0.15)
    if shape in ((1, 1), (4, 4), (12, 20)):  # the points meet the borders of pixels
        np.testing.assert_allclose(shown.value, expected, atol=1e-12)
    assert (shown.pixels, shown.covered, shown.neurons) == (shape[0] * shape[1], shape[0] * shape[1], 16)
    sim.step()
    assert np.all(shown.value == 0.0)


def test_an_image_of_0_to_255_is_said() -> None:
    """Bytes of a picture gave 255 mV without a word; other sources of current warn above 200 mV."""
    sim, picture = sheet(), np.full((4, 4), 255, np.uint8)
    with pytest.warns(
        UserWarning, match=r"image: amplitude times the image is up to 255 mV, .* divided by 255"
    ):
        ImageCurrent(sim, "eye", picture, duration=100.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ImageCurrent(sim, "eye", picture, duration=3.0)  # a pulse
        ImageCurrent(sim, "eye", picture / 255.0, duration=100.0, amplitude=40.0)


def test_the_coverage_of_an_image_is_said() -> None:
    sim = sheet(20, density=0.1)
    with pytest.warns(UserWarning, match=r"image: 40 of 400 pixels have a neuron in eye"):
        shown = ImageCurrent(sim, "eye", np.ones((20, 20)), duration=5.0)
    assert (shown.covered, shown.neurons) == (40, 40)
    with pytest.warns(UserWarning, match=r"image: \d+ of 1,600 pixels"):
        finer = ImageCurrent(sim, "eye", np.ones((40, 40)), duration=5.0)
    assert finer.covered == 160  # each site covers four


def test_an_image_lasts_for_its_time_in_ms() -> None:
    sim = sheet()
    shown = ImageCurrent(sim, "eye", np.ones((4, 4)), duration=2.5, start=1.0)
    assert [float(shown.value[0]) for _ in range(5) if sim.step()] == [0.0, 1.0, 1.0, 0.5, 0.0]
    assert ids_of(sim, "eye").tolist() == shown.ids.tolist()
