"""Reference directions and niches of NSGA-III, by hand and by their definition."""

from __future__ import annotations

import math

import numpy as np
import pytest

from luthier.key import Key
from luthier.numeric import niched_rows, non_dominated_sort, reference_directions


@pytest.mark.parametrize(("objectives", "parts"), [(2, 5), (3, 4), (3, 12), (4, 3), (5, 2)])
def test_directions_are_all_multiples_on_the_simplex(objectives: int, parts: int) -> None:
    count = math.comb(parts + objectives - 1, objectives - 1)  # Deb and Jain (2014), eq. 3
    found = reference_directions(objectives, count)
    assert found.shape == (count, objectives)
    assert np.allclose(found.sum(axis=1), 1.0) and found.min() == 0.0
    assert np.allclose(found * parts, np.round(found * parts))
    assert len(np.unique(np.round(found * parts), axis=0)) == count
    assert len(reference_directions(objectives, count - 1)) < count


def test_the_population_of_the_paper() -> None:
    assert len(reference_directions(3, 91)) == 91
    assert len(reference_directions(3, 1)) == 3  # the ends of the axes, at least


def test_of_the_last_front_the_emptiest_niches_are_filled() -> None:
    losses = np.array([[0.0, 1.0], [1.0, 0.0], [0.5, 0.5], [0.48, 0.52], [0.02, 0.98], [0.98, 0.02], [2.0, 2.0]])
    directions = reference_directions(2, 3)  # the two axes and the middle
    kept = niched_rows(losses, 3, directions, np.zeros(2), Key.of(0).uniform(6))
    assert kept.tolist() == [0, 1, 2]


def test_first_fronts_stay_whole() -> None:
    losses = Key.of(1).uniform((40, 3))
    fronts = non_dominated_sort(losses)
    directions = reference_directions(3, 20)
    kept = niched_rows(losses, 20, directions, losses.min(axis=0), Key.of(2).uniform(40))
    last = fronts[kept].max()
    assert len(kept) == len(set(kept.tolist())) == 20
    assert set(np.flatnonzero(fronts < last)) <= set(kept.tolist())


def test_scales_of_the_objectives_do_not_matter() -> None:
    losses = Key.of(5).uniform((30, 3))
    losses /= np.linalg.norm(losses, axis=1, keepdims=True)  # one front
    draws = Key.of(6).uniform(30)
    directions = reference_directions(3, 15)
    kept = niched_rows(losses, 15, directions, losses.min(axis=0), draws)
    scaled = losses * np.array([1.0, 64.0, 0.125])
    assert niched_rows(scaled, 15, directions, scaled.min(axis=0), draws).tolist() == kept.tolist()


def test_equal_and_degenerate_fronts() -> None:
    same = np.ones((6, 3))
    assert len(niched_rows(same, 4, reference_directions(3, 4), np.ones(3), Key.of(0).uniform(8))) == 4
    line = np.column_stack([np.arange(6.0), np.arange(6.0)[::-1], np.zeros(6)])
    assert len(niched_rows(line, 3, reference_directions(3, 3), np.zeros(3), Key.of(0).uniform(6))) == 3
