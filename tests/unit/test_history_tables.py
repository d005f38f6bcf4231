"""The arrays of a history: large ones have memory of their own, and reports find the one that they repeat."""

from __future__ import annotations

import os

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from luthier.history.tables.mapped_array import grown, mapped_array
from luthier.history.tables.report_arrays import ReportArrays
from luthier.key import Key
from luthier.method.bayesian.acquisition_optimizer import _sums


def test_an_array_grows_and_keeps_what_it_holds() -> None:
    column = np.arange(12.0).reshape(4, 3)
    for _ in range(80):
        larger = grown(column, np.nan)
        assert len(larger) == len(column) + max(32, len(column) // 8) and larger.dtype == column.dtype
        assert (larger[:4] == np.arange(12.0).reshape(4, 3)).all() and np.isnan(larger[4:]).all()
        column = larger
    assert column.nbytes > 2**17 and column.flags.writeable
    assert grown(np.zeros(5, np.int8), -1).tolist() == [0] * 5 + [-1] * 32


def test_a_fork_writes_into_a_copy_of_its_own() -> None:
    large = mapped_array((50_000, 4), np.dtype(np.float64))
    large[:] = 7.0
    child = os.fork()
    if child == 0:
        large[:] = 1.0
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert (large == 7.0).all()


STEPS = st.tuples(st.sampled_from(["report", "end"]), st.integers(0, 3), st.integers(0, 4), st.floats(-1, 1))


@given(st.lists(STEPS, max_size=60))
def test_the_last_report_of_a_step_counts_also_after_its_trial_ended(steps: list[tuple[str, int, int, float]]) -> None:
    arrays, expected = ReportArrays(), dict[tuple[int, int], float]()
    for number in range(4):
        arrays.open(number)
    for what, number, step, loss in steps:
        if what == "end":
            arrays.close(number)
        else:
            arrays.add(number, step, (loss,))
            expected[number, step] = loss
            arrays = arrays.copy()
    points = np.zeros((4, 1))
    curves = arrays.curves(points, None)
    numbers = curves.numbers[curves.trial] if len(curves) else []
    found = dict(zip(zip(map(int, numbers), map(int, curves.step), strict=True), map(float, curves.loss), strict=True))
    assert found == expected


def test_of_trials_that_ended_no_object_is_kept() -> None:
    arrays = ReportArrays()
    for number in range(500):
        arrays.open(number)
        for step in range(5):
            arrays.add(number, step, (0.5,))
        arrays.close(number)
    assert arrays.rows == 2500 and not arrays._open


def test_sums_of_parts_are_those_of_the_whole() -> None:
    points = Key.of(1).uniform((5000, 7))
    points[::3, 2] = np.nan
    whole = np.where(np.isnan(points), -1.0, points) @ np.ones(7)
    assert _sums(points).tobytes() == whole.tobytes()
    assert _sums(points[:0]).shape == (0,)
