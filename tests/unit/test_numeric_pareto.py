"""Dominance, fronts, crowding and hypervolume, by their definitions."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.key import Key
from luthier.numeric.pareto import (
    crowding_distance,
    dominates,
    free_boxes,
    hypervolume,
    no_worse,
    non_dominated,
    non_dominated_sort,
    sorted_rows,
)

INF = math.inf


def fronts(objectives, most=8):
    """Give small sets of losses with many ties."""
    row = st.lists(st.integers(0, 4).map(float), min_size=objectives, max_size=objectives)
    return st.lists(row, min_size=1, max_size=most).map(np.array)


SOME = st.integers(1, 4).flatmap(fronts)


def beats(one, other) -> bool:
    return bool((one <= other).all() and (one < other).any())


def test_one_objective_is_ordered_by_violation_then_loss():
    losses = np.array([[3.0], [1.0], [INF], [2.0], [0.0], [2.0]])
    violations = np.array([0.0, 0.0, INF, 0.0, 0.5, 0.0])
    assert sorted_rows(losses, violations).tolist() == [1, 3, 5, 0, 4, 2]


def test_fronts_by_hand():
    losses = np.array([[1.0, 4.0], [2.0, 2.0], [4.0, 1.0], [3.0, 3.0], [4.0, 4.0], [2.0, 2.0]])
    assert non_dominated_sort(losses).tolist() == [0, 0, 0, 1, 2, 0]


def test_fronts_by_their_definition():
    losses = np.round(Key.of(3).uniform((40, 3)), 1)
    front = non_dominated_sort(losses)
    for row, number in enumerate(front.tolist()):
        beaten = [
            other for other in range(40) if (losses[other] <= losses[row]).all() and (losses[other] < losses[row]).any()
        ]
        assert max((int(front[other]) + 1 for other in beaten), default=0) == number


def test_crowding_by_hand():
    losses = np.array([[0.0, 10.0], [1.0, 5.0], [4.0, 0.0]])
    assert crowding_distance(losses).tolist() == [INF, 1.0, INF]
    assert np.isinf(crowding_distance(np.array([[-1.7e308], [1.7e308]]))).all()
    assert crowding_distance(np.array([[2.0, 1.0]])).tolist() == [INF]
    assert crowding_distance(np.zeros((3, 2)))[1] == 0.0


def test_of_one_front_the_lonely_come_first():
    losses = np.array([[0.0, 9.0], [1.0, 8.0], [1.1, 7.9], [5.0, 4.0], [9.0, 0.0]])
    assert set(sorted_rows(losses, np.zeros(5)).tolist()[:3]) == {0, 4, 3}


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (([1.0], 0.0), ([2.0], 0.0), True),
        (([2.0], 0.0), ([2.0], 0.0), True),
        (([3.0], 0.0), ([2.0], 0.0), False),
        (([3.0], 0.0), ([2.0], 0.1), True),
        (([1.0], 0.2), ([2.0], 0.1), False),
        (([INF], INF), ([INF], INF), False),
        (([1.0, 2.0], 0.0), ([2.0, 1.0], 0.0), None),
        (([1.0, 1.0], 0.0), ([2.0, 1.0], 0.0), True),
        (([2.0, 1.0], 0.0), ([1.0, 1.0], 0.0), False),
    ],
)
def test_no_worse(one, other, expected):
    assert no_worse(np.array(one[0]), one[1], np.array(other[0]), other[1]) is expected


@given(SOME)
def test_dominance_by_its_definition(losses):
    found = dominates(losses, losses)
    for (i, one), (j, other) in itertools.product(enumerate(losses), repeat=2):
        assert found[i, j] == beats(one, other)
    assert dominates(losses[:0], losses).shape == (0, len(losses))


@given(SOME)
def test_the_first_front_is_what_is_not_dominated(losses):
    found = non_dominated(losses)
    assert found.tolist() == [not any(beats(other, one) for other in losses) for one in losses]
    assert found.tolist() == (non_dominated_sort(losses) == 0).tolist()
    assert non_dominated(losses[:0]).tolist() == []


@given(SOME)
def test_of_every_front_each_row_is_dominated_by_the_front_before(losses):
    front = non_dominated_sort(losses)
    for row, number in enumerate(front.tolist()):
        beaten = [int(front[other]) for other in range(len(losses)) if beats(losses[other], losses[row])]
        assert max(beaten, default=-1) == number - 1


@given(SOME, st.randoms(use_true_random=False))
def test_rows_are_sorted_by_violation_then_front(losses, random):
    violations = np.array([random.choice([0.0, 0.0, 1.0, INF]) for _ in losses])
    order = sorted_rows(losses, violations)
    assert sorted(order.tolist()) == list(range(len(losses)))
    ranks = list(zip(violations[order].tolist(), non_dominated_sort(losses)[order].tolist(), strict=True))
    assert ranks == sorted(ranks)


@given(SOME)
def test_no_worse_is_dominance_or_equality(losses):
    one, other = losses[0], losses[-1]
    found = no_worse(one, 0.0, other, 0.0)
    assert (found is True) == (beats(one, other) or (one == other).all())
    assert (found is False) == beats(other, one)


# --- hypervolume --------------------------------------------------------------------------------------


def by_inclusion_and_exclusion(losses, reference) -> float:
    """Give the volume of a union of boxes: those of all, minus those of pairs, plus those of threes, …"""
    extents, total = np.maximum(reference - losses, 0.0), 0.0
    for size in range(1, len(losses) + 1):
        for rows in itertools.combinations(range(len(losses)), size):
            total -= (-1) ** size * float(np.prod(extents[list(rows)].min(axis=0)))
    return total


@given(SOME)
def test_the_hypervolume_is_that_of_the_union_of_boxes(losses):
    reference = np.full(losses.shape[1], 3.5)
    assert hypervolume(losses, reference) == pytest.approx(by_inclusion_and_exclusion(losses, reference), abs=1e-9)


@given(SOME, st.randoms(use_true_random=False))
def test_what_is_dominated_or_not_below_the_reference_adds_nothing(losses, random):
    reference = np.full(losses.shape[1], 3.0)
    whole = hypervolume(losses, reference)
    assert hypervolume(losses[non_dominated(losses)], reference) == pytest.approx(whole)
    shuffled = random.sample(losses.tolist(), len(losses))
    assert hypervolume(np.array(shuffled), reference) == pytest.approx(whole)
    assert hypervolume(losses[(losses < reference).all(axis=1)], reference) == whole


@given(SOME)
def test_another_point_never_takes_volume_away_and_adds_some_where_it_is_not_dominated(losses):
    reference = np.full(losses.shape[1], 5.0)
    before, after = hypervolume(losses[1:], reference), hypervolume(losses, reference)
    new = not (dominates(losses[1:], losses[:1]).any() or (losses[1:] == losses[0]).all(axis=1).any())
    assert after > before if new else after == pytest.approx(before)


@pytest.mark.parametrize("objectives", [2, 3, 4, 5])
def test_the_hypervolume_by_monte_carlo(objectives):
    losses = Key.of(objectives).uniform((12, objectives))
    points = Key.of(7).uniform((40_000, objectives))
    covered = (losses[None, :, :] <= points[:, None, :]).all(axis=2).any(axis=1)
    error = math.sqrt(covered.mean() * (1 - covered.mean()) / len(points))
    assert abs(hypervolume(losses, np.ones(objectives)) - covered.mean()) < 4 * error


def test_hypervolumes_by_hand():
    assert hypervolume(np.array([[1.0, 3.0], [2.0, 1.0]]), np.array([4.0, 4.0])) == 7.0
    assert hypervolume(np.array([[3.0], [1.0]]), np.array([4.0])) == 3.0
    assert hypervolume(np.array([[4.0, 0.0]]), np.array([4.0, 4.0])) == 0.0
    assert hypervolume(np.empty((0, 3)), np.ones(3)) == 0.0
    sphere = np.array([[0.0, 1.0, 1.0], [1.0, 0.0, 1.0], [1.0, 1.0, 0.0]])
    assert hypervolume(sphere, np.full(3, 2.0)) == 4.0


@given(st.integers(2, 3).flatmap(fronts))
def test_free_boxes_fill_what_is_not_dominated(losses) -> None:
    objectives = losses.shape[1]
    reference = np.full(objectives, 3.5)
    lows, highs = free_boxes(losses, reference)
    extents = np.maximum(highs - np.maximum(lows, -1.0), 0.0)
    assert extents.prod(axis=1).sum() == pytest.approx(4.5**objectives - hypervolume(losses, reference))
    middles = 0.5 * (np.maximum(lows, -1.0) + highs)
    inside = (middles[:, None] > lows[None]) & (middles[:, None] < highs[None])
    assert (inside.all(axis=2).sum(axis=1) == 1).all()  # no two boxes share a point
    assert not dominates(losses, middles).any()
