"""Log records of refits at DEBUG, and no clock read without it."""

from __future__ import annotations

import logging
import time

import numpy as np

import luthier as lt
from luthier.key import Key
from luthier.memo import Memo
from luthier.testing.surrogates import data_of, sampled

GP_LOG, STACKING_LOG = "luthier.surrogate.gp.model", "luthier.surrogate.stacked"


def test_a_refit_of_hyperparameters_is_logged_with_its_size(caplog) -> None:
    data, memo, gp = sampled(8), Memo(), lt.GP(steps=2, growth=2.0)
    with caplog.at_level(logging.DEBUG, "luthier"):
        gp.fit(data, Key.of(0), memo)
    records = [record for record in caplog.records if record.name == GP_LOG]
    assert [record.args[1] for record in records] == [1, 2, 4, 8]
    assert all("refitted the hyperparameters of GP(" in record.getMessage() for record in records)
    caplog.clear()
    with caplog.at_level(logging.DEBUG, "luthier"):
        gp.fit(data, Key.of(0), memo)
    assert not caplog.records  # nothing was refitted


def test_new_stacking_weights_are_logged(caplog) -> None:
    with caplog.at_level(logging.DEBUG, STACKING_LOG):
        lt.Ensemble((lt.GP(steps=2), lt.Forest(trees=2)), least=4).fit(sampled(4), Key.of(0), Memo())
    (record,) = (record for record in caplog.records if record.name == STACKING_LOG)
    assert "from 4 losses: [" in record.getMessage()


def test_without_a_listener_no_clock_is_read_and_the_bits_are_the_same(caplog, monkeypatch) -> None:
    data, x = sampled(6), sampled(3, 1).x
    with caplog.at_level(logging.DEBUG, "luthier"):
        logged = lt.GP(steps=2).fit(data, Key.of(0), Memo()).moments(x)

    def refuse() -> float:
        raise AssertionError("the clock was read")

    monkeypatch.setattr(time, "perf_counter", refuse)
    with caplog.at_level(logging.INFO, "luthier"):
        silent = lt.GP(steps=2).fit(data_of(data.columns, data.x, data.loss), Key.of(0), Memo()).moments(x)
    assert np.array_equal(logged.mean, silent.mean) and np.array_equal(logged.variance, silent.variance)
