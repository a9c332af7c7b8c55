"""Matrices that ``connect`` takes: dense or sparse of any format, for weights, delays and state variables alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import sparse

from neuromod import Simulation

SHAPE = (30, 20)
FORMATS = ("bsr", "coo", "csc", "csr", "dia", "dok", "lil")
KINDS = ("weight", "delay", "delay_ms", "state")


def _numbers() -> tuple[sparse.coo_array, np.ndarray]:
    """A pattern of ones, and whole numbers from 1 to 9 everywhere."""
    rng = np.random.default_rng(3)
    there = rng.random(SHAPE) < 0.2
    return sparse.coo_array(there.astype(float)), rng.integers(1, 10, SHAPE)


def _connected(kind: str, value: Any, **how: Any) -> tuple[Any, Any]:
    """A projection with a value of that kind, and what became of it at each synapse."""
    sim = Simulation(dt=0.5, seed=1)
    A, B = sim.create(SHAPE[0], name="A"), sim.create(SHAPE[1], name="B")
    given: dict[str, Any] = {"weight": 1.0, "rule": "rstdp" if kind == "state" else "none"}
    given[kind] = {"eligibility": value} if kind == "state" else value
    p = sim.connect(A, B, modulators=[] if kind == "state" else None, **how, **given)
    came = {"weight": p.weight, "delay": p.delay, "delay_ms": p.delay * 0.5}
    found = p.eligibility if kind == "state" else came[kind]
    return np.stack([p.pre_id, p.post_id - SHAPE[0]]), np.array(found)


@pytest.mark.filterwarnings("ignore::neuromod.NeuromodWarning")
@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_sparse_matrix_of_values_is_read_at_the_synapses_alone(kind: str, form: str) -> None:
    pattern, numbers = _numbers()
    scale = 0.5 if kind == "delay_ms" else 1.0
    value = (pattern * numbers * scale).asformat(form)
    (row, column), found = _connected(kind, value, matrix=pattern)
    assert len(found) == pattern.nnz
    np.testing.assert_allclose(found, numbers[row, column] * scale)


@pytest.mark.filterwarnings("ignore::neuromod.NeuromodWarning")
@pytest.mark.parametrize("kind", KINDS)
def test_entries_of_a_dense_matrix_off_the_pattern_are_not_looked_at(kind: str) -> None:
    pattern, numbers = _numbers()
    scale = 0.5 if kind == "delay_ms" else 1.0
    value = np.where(pattern.toarray() > 0, numbers * scale, np.nan)
    (row, column), found = _connected(kind, value, matrix=pattern)
    np.testing.assert_allclose(found, numbers[row, column] * scale)


@pytest.mark.filterwarnings("ignore::neuromod.NeuromodWarning")
@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_row_of_values_follows_the_matrix_row_by_row(kind: str, form: str) -> None:
    pattern, _ = _numbers()
    row, column = np.nonzero(pattern.toarray())
    each = 1 + np.arange(len(row)) % 7
    wanted = np.zeros(SHAPE)
    wanted[row, column] = each
    scale = 0.5 if kind == "delay_ms" else 1.0
    (pre, post), found = _connected(kind, each * scale, matrix=pattern.asformat(form))
    np.testing.assert_allclose(found, wanted[pre, post] * scale)


@pytest.mark.parametrize("form", FORMATS)
def test_all_formats_of_a_matrix_make_the_same_network(form: str) -> None:
    pattern, numbers = _numbers()
    W = sparse.csr_array(pattern * numbers)
    ends, weight = _connected("weight", None, matrix=W.toarray())
    others, other = _connected("weight", None, matrix=W.asformat(form))
    assert np.array_equal(ends, others) and np.array_equal(weight, other)


def test_entries_in_any_order_are_the_same_matrix() -> None:
    row, column, weight = np.array([2, 0, 0, 2]), np.array([1, 3, 1, 0]), np.array([4.0, 2.0, 1.0, 3.0])
    W = sparse.coo_array((weight, (row, column)), shape=SHAPE)
    (pre, post), delay = _connected("delay", [1, 2, 3, 4], matrix=W)
    assert dict(zip(zip(pre.tolist(), post.tolist(), strict=True), delay.tolist(), strict=True)) == {
        (0, 1): 1,
        (0, 3): 2,
        (2, 0): 3,
        (2, 1): 4,
    }


def _round_trip(p: Any, A: Any, B: Any) -> Any:
    sim = Simulation(dt=0.5, seed=2)
    C, D = sim.create(len(A), name="A"), sim.create(len(B), name="B")
    weight, delay = p.to_scipy(pre=A, post=B), p.to_scipy("delay", pre=A, post=B)
    return sim.connect(C, D, matrix=weight, delay=delay)


@pytest.mark.parametrize("how", [{"probability": 0.2}, {"in_degree": 30}], ids=["once", "several"])
def test_what_to_scipy_gives_is_taken_back(how: dict[str, Any]) -> None:
    sim = Simulation(dt=0.5, seed=1)
    A, B = sim.create(SHAPE[0], name="A"), sim.create(SHAPE[1], name="B")
    p = sim.connect(A, B, weight={"uniform": [0.1, 1.0]}, delay={"uniform": [1, 9]}, **how)
    q = _round_trip(p, A, B)
    assert np.array_equal(p.weight, q.weight) and np.array_equal(p.delay, q.delay)
    assert np.array_equal(p.pre_id, q.pre_id) and np.array_equal(p.post_id, q.post_id)


def test_a_delay_that_is_missing_is_named_by_its_place() -> None:
    pattern, numbers = _numbers()
    held = (pattern * numbers).toarray()
    row, column = (int(end[5]) for end in np.nonzero(held))
    held[row, column] = 0
    rule = rf"^delay: must be whole steps from 1 to 65535; got 0 \(row {row}, column {column}\)$"
    with pytest.raises(ValueError, match=rule):
        _connected("delay", sparse.csr_array(held), matrix=pattern)
    with pytest.raises(ValueError, match=rule):
        _connected("delay", held, matrix=pattern)
    with pytest.raises(ValueError, match=r"^delay_ms: must be from 0.5 to .*; got 0 ms$"):
        _connected("delay_ms", sparse.csr_array(held), matrix=pattern)


def test_a_weight_that_is_not_finite_is_named_by_its_place() -> None:
    pattern, numbers = _numbers()
    held = (pattern * numbers).toarray()
    row, column = (int(end[3]) for end in np.nonzero(held))
    held[row, column] = np.nan
    with pytest.raises(
        ValueError, match=rf"^weight: must be finite; got nan \(row {row}, column {column}\)$"
    ):
        _connected("weight", sparse.csr_array(held), matrix=pattern)


def test_entries_that_are_neither_one_nor_as_many_as_the_synapses_are_refused() -> None:
    W = sparse.coo_array(([1.0, 1.0, 1.0], ([0, 0, 1], [2, 2, 4])), shape=SHAPE)
    D = sparse.coo_array(([3, 4, 5, 6], ([0, 0, 0, 1], [2, 2, 2, 4])), shape=SHAPE)
    with pytest.raises(ValueError, match=r"^delay: .*got 3 entries for 2 synapses in row 0, column 2"):
        _connected("delay", D, matrix=W)
    _, delay = _connected("delay", sparse.coo_array(([7, 8], ([0, 1], [2, 4])), shape=SHAPE), matrix=W)
    assert sorted(delay.tolist()) == [7, 7, 8]


def test_a_sparse_matrix_of_another_shape_or_where_none_is_taken_is_refused() -> None:
    pattern, numbers = _numbers()
    with pytest.raises(ValueError, match=r"^delay: a matrix must have a row for each source"):
        _connected("delay", sparse.csr_array(pattern * numbers).T, matrix=pattern)
    with pytest.raises(TypeError, match=r"^pairs: must not be a sparse matrix here; its toarray\(\)"):
        _connected("weight", 1.0, pairs=pattern)
    with pytest.raises(ValueError, match=r"(?s)^port: .*\nweight: a matrix"):
        _connected("weight", sparse.csr_array(pattern * numbers).T, matrix=pattern, port="prot")
