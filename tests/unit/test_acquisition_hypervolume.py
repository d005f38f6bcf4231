"""Expected hypervolume improvement: against samples, in the tails, and as `Auto` uses it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

import numpy as np
import pytest

import luthier as lt
from luthier.acquisition.analytic import LogEI
from luthier.acquisition.directional_hypervolume import directional_hypervolume
from luthier.acquisition.hypervolume import LogEHVI, bind_hypervolume
from luthier.acquisition.normal import log_difference
from luthier.acquisition.weighting.shared_results import SharedResults
from luthier.key import Key
from luthier.numeric import free_boxes, hypervolume, non_dominated
from luthier.surrogate.protocol import Moments


@dataclass(frozen=True)
class Fixed:
    """A posterior that is the same normal distribution at every point."""

    mean: float
    std: float

    @property
    def best(self) -> float:
        return 0.0

    def moments(self, x):
        return Moments(np.full(len(x), self.mean), np.full(len(x), self.std**2))


FRONTS = {
    2: np.array([[0.1, 0.9], [0.4, 0.5], [0.4, 0.7], [0.8, 0.2]]),
    3: np.array([[0.1, 0.9, 0.5], [0.4, 0.5, 0.6], [0.5, 0.5, 0.2], [0.8, 0.2, 0.9], [0.6, 0.6, 0.2]]),
}


@pytest.mark.parametrize("objectives", [2, 3])
def test_it_is_the_mean_gain_of_hypervolume(objectives: int) -> None:
    front, reference = FRONTS[objectives], np.full(objectives, 1.0)
    means, stds = np.array([0.45, 0.55, 0.4])[:objectives], np.array([0.2, 0.3, 0.1])[:objectives]
    criterion = LogEHVI(tuple(map(Fixed, means, stds)), free_boxes(front, reference), np.zeros(objectives))
    drawn = means + stds * np.random.default_rng(0).normal(size=(4000, objectives))
    before = hypervolume(front, reference)
    gains = [hypervolume(np.vstack([front, row]), reference) - before for row in drawn]
    expected, error = np.mean(gains), np.std(gains) / len(gains) ** 0.5
    assert abs(np.exp(criterion.value(np.zeros((1, 1)))[0]) - expected) < 4 * error


@pytest.mark.parametrize("objectives", [2, 3, 4])
def test_along_directions_it_is_the_mean_gain_but_for_the_directions(objectives: int) -> None:
    rng = np.random.default_rng(1)
    front = rng.uniform(0.2, 1.0, (30, objectives))
    front, reference = front[non_dominated(front)], np.full(objectives, 1.1)
    means, stds = np.full(objectives, 0.4), np.linspace(0.1, 0.25, objectives)
    criterion = directional_hypervolume(
        tuple(map(Fixed, means, stds)), front, reference, np.zeros(objectives), Key.of(0), 1024
    )
    drawn = means + stds * rng.normal(size=(1500, objectives))
    before = hypervolume(front, reference)
    gains = [hypervolume(np.vstack([front, row]), reference) - before for row in drawn]
    expected, error = np.mean(gains), np.std(gains) / len(gains) ** 0.5
    assert abs(np.exp(criterion.value(np.zeros((1, 1)))[0]) - expected) < 4 * error + 0.04 * expected


def test_along_directions_it_does_not_underflow() -> None:
    models = tuple(Fixed(40.0, 1.0) for _ in range(4))
    criterion = directional_hypervolume(models, np.full((1, 4), 0.5), np.ones(4), np.zeros(4), Key.of(0))
    assert -5000 < criterion.value(np.zeros((1, 1)))[0] < -2000


def test_of_one_box_it_is_a_product_of_expected_improvements() -> None:
    criterion = LogEHVI(
        (Fixed(40.0, 1.0), Fixed(-3.0, 0.5)), free_boxes(np.empty((0, 2)), np.array([1.0, 2.0])), np.zeros(2)
    )
    parts = [
        LogEI().score(np.array([mean]), np.array([std]), best).value[0]
        for mean, std, best in ((40.0, 1.0, 1.0), (-3.0, 0.5, 2.0))
    ]
    assert criterion.value(np.zeros((1, 1)))[0] == pytest.approx(sum(parts), rel=1e-12)  # about -765: no underflow


def test_what_is_beyond_all_losses_may_count_less() -> None:
    models, front, reference = (Fixed(0.5, 0.1), Fixed(0.5, 0.1)), np.array([[0.4, 0.4]]), np.array([1.0, 1.0])
    whole, halved = (
        LogEHVI(models, free_boxes(front, reference), np.log([share, 1.0])).value(np.zeros((1, 1)))[0]
        for share in (1.0, 0.5)
    )
    assert np.log(0.5) < halved - whole < 0.0


@pytest.mark.parametrize("objectives", [2, 3])
def test_what_is_beyond_counts_less_in_each_objective_alike(objectives: int) -> None:
    """A loss below the front's lowest one counts as if it were that far below it times its share, in any objective."""
    front, reference = FRONTS[objectives], np.full(objectives, 1.0)
    means, stds = np.array([0.1, 0.2, 0.3])[:objectives], np.array([0.2, 0.3, 0.1])[:objectives]
    shares = np.array([0.5, 0.1, 0.9])[:objectives]
    boxes = free_boxes(front, reference)
    found = LogEHVI(tuple(map(Fixed, means, stds)), boxes, np.log(shares)).value(np.zeros((1, 1)))[0]
    drawn = means + stds * np.random.default_rng(0).normal(size=(4000, objectives))
    least = front.min(axis=0)
    drawn = np.where(drawn < least, least - shares * (least - drawn), drawn)
    before = hypervolume(front, reference)
    gains = [hypervolume(np.vstack([front, row]), reference) - before for row in drawn]
    assert abs(np.exp(found) - np.mean(gains)) < 4 * np.std(gains) / len(gains) ** 0.5


@pytest.mark.parametrize("objectives", [2, 3])
def test_the_order_of_objectives_does_not_matter(objectives: int) -> None:
    models = [Fixed(0.1, 0.2), Fixed(0.2, 0.3), Fixed(0.3, 0.1)]
    beyond = np.array([-3.0, -1.0, 0.0])
    found = []
    for order in permutations(range(objectives)):
        places = list(order)
        boxes = free_boxes(FRONTS[objectives][:, places], np.full(objectives, 1.0))
        criterion = LogEHVI(tuple(models[place] for place in places), boxes, beyond[places])
        found.append(criterion.value(np.zeros((1, 1)))[0])
    assert found == pytest.approx(found[:1] * len(found), abs=1e-12)


def test_the_reference_point_lets_a_narrow_front_grow() -> None:
    class At(Fixed):
        def moments(self, x):
            return Moments(x[:, int(self.mean)], np.full(len(x), self.std**2))

    x = np.array([[0.0, 0.1], [0.1, 0.0], [0.9, 0.9], [1.0, 1.0]])
    criterion = bind_hypervolume([At(0, 0.1), At(1, 0.1)], x)
    assert criterion.boxes.highs.max() == pytest.approx(0.97)  # the 0.9 quantile of 0, .1, .9, 1


def test_where_a_shared_result_is_expected_improvement_counts_less() -> None:
    values, sharing = np.array([[0.0, 1.0], [0.0, 1.0], [0.0, 1.0], [1.0, 0.0]]), np.array([3, 3, 3, 1])
    shared = SharedResults.of(values, sharing)

    def share(mean, std) -> float:
        both = [Moments(np.array([value]), np.array([each**2])) for value, each in zip(mean, std, strict=True)]
        return float(np.exp(shared.log_share(both)[0]))

    assert share((0.0, 1.0), (0.1, 0.1)) == pytest.approx(1 / 9)
    assert share((1.0, 0.0), (0.1, 0.1)) == pytest.approx(1.0)
    assert share((0.0, 0.5), (0.1, 50.0)) == pytest.approx(1 / 9, rel=1e-6)  # the one that is known decides
    assert share((0.5, 0.5), (0.1, 0.1)) == pytest.approx((3 / 9 + 1) / 4)  # three trials to one
    assert share((0.0, 1.0), (0.0, 0.0)) == pytest.approx(1 / 9)


@pytest.mark.parametrize("objectives", [2, 4])
def test_where_no_trials_share_results_nothing_is_changed(objectives: int) -> None:
    models, points = [Fixed(0.5, 0.1)] * objectives, np.zeros((5, 1))
    assert bind_hypervolume(models, points, sharing=np.ones(5, dtype=int)).shared is None
    plain = bind_hypervolume(models, points).value(points)
    shared = bind_hypervolume(models, points, sharing=np.full(5, 2)).value(points)
    np.testing.assert_allclose(shared, plain - np.log(4.0))


def test_differences_of_logarithms() -> None:
    larger, smaller = np.array([0.0, 0.0, -900.0, 5.0]), np.array([-np.inf, 0.0, -901.0, 5.0 - 1e-12])
    found = log_difference(larger, smaller)
    assert found[0] == 0.0 and found[1] == -np.inf
    assert found[2] == pytest.approx(-900.0 + np.log1p(-np.exp(-1.0)))
    assert found[3] == pytest.approx(5.0 + np.log(1e-12), abs=1e-3)


@pytest.mark.parametrize(
    ("objectives", "name"), [(2, "LogEHVI"), (3, "LogEHVI"), (4, "LogDirectionalEHVI"), (7, "AugmentedLogEI")]
)
def test_auto_proposes_by_it(objectives: int, name: str) -> None:
    goals = [f"f{j}" for j in range(objectives)]
    study = lt.Study("many", {"x": lt.Float(0, 1), "y": lt.Float(0, 1)}, minimize=goals, seed=0)
    for _ in range(9):
        trial = study.ask()
        study.tell(trial, [(trial["x"] - j / objectives) ** 2 + trial["y"] for j in range(objectives)])
    assert name in {trial.note.get("acquisition") for trial in study.trials}
    assert study.verify().ok
    assert {objective.name for objective in study.problem.objectives} == set(
        study.predict({"x": 0.5, "y": 0.5}).intervals
    )


def test_auto_keeps_outcome_constraints_of_several_objectives() -> None:
    study = lt.Study("limits", {"x": lt.Float(0, 1), "y": lt.Float(0, 1)}, minimize=["a", "b"], seed=0)
    for _ in range(24):
        trial = study.ask()
        a, b = trial["x"], (1 - trial["x"]) ** 2 + trial["y"]
        study.tell(trial, {"a": a, "b": b, "violations": {"x": 0.5 - trial["x"]}})
    later = [trial.params["x"] for trial in study.trials[12:]]
    assert np.mean([x >= 0.5 for x in later]) > 0.7
