"""Good trials of several objectives for densities: by front, and within a front by the volume that they add."""

from __future__ import annotations

import numpy as np
import pytest

import luthier as lt
from luthier.data import Data
from luthier.key import Key
from luthier.method.bayesian.front import choose_model, choose_search, ranked_by_fronts
from luthier.numeric import hypervolume, non_dominated, non_dominated_sort


def data_of(losses, violations=None) -> Data:
    losses = np.asarray(losses, dtype=float)
    count = len(losses)
    broken = np.zeros((count, 0)) if violations is None else np.asarray(violations, dtype=float)[:, None]
    none = np.empty((0, 1))
    return Data((), np.zeros((count, 1)), losses, broken, None, np.full(count, np.nan), none, none)


@pytest.mark.parametrize("objectives", [2, 3, 4])
def test_fronts_come_one_after_the_other(objectives: int) -> None:
    losses = Key.of(objectives).uniform((60, objectives))
    places = ranked_by_fronts(data_of(losses)).loss
    assert sorted(places.tolist()) == list(range(60))
    fronts = non_dominated_sort(losses)
    first = np.argsort(places)[:25]
    assert (np.diff(fronts[first]) >= 0).all()


def test_within_a_front_each_adds_most_to_those_before() -> None:
    losses = np.array([[0.0, 1.0], [0.02, 0.9], [0.2, 0.3], [0.25, 0.28], [0.9, 0.05], [1.0, 0.0]])
    order = np.argsort(ranked_by_fronts(data_of(losses)).loss).tolist()
    reference = np.full(2, 1.1)
    for place in range(len(order)):
        best = max(range(6), key=lambda row: hypervolume(losses[[*order[:place], row]], reference))
        volumes = [hypervolume(losses[[*order[:place], row]], reference) for row in (best, order[place])]
        assert volumes[0] == pytest.approx(volumes[1])


def test_what_breaks_constraints_comes_last_and_scales_do_not_matter() -> None:
    losses = np.array([[0.0, 0.0], [1.0, 3.0], [2.0, 1.0], [3.0, 3.0]])
    broken = [0.5, -1.0, -1.0, 0.1]
    places = ranked_by_fronts(data_of(losses, broken)).loss
    assert places.tolist()[3] == 2.0 and places.tolist()[0] == 3.0
    scaled = ranked_by_fronts(data_of(losses * [1.0, 1e6], broken)).loss
    assert scaled.tolist() == places.tolist()


def test_parzen_proposes_by_fronts_and_is_replayed() -> None:
    space = {"x": lt.Float(0, 1), "y": lt.Float(0, 1), "kind": lt.Choice("a", "b")}
    study = lt.Study("tpe", space, minimize=["a", "b"], method=lt.Bayes(lt.Parzen(), lt.EI()), seed=1)
    for _ in range(60):
        trial = study.ask()
        study.tell(trial, (trial["x"], (1 - trial["x"]) ** 2 + trial["y"] + (trial["kind"] == "b")))
    assert study.verify().ok
    late = [trial.params for trial in study.trials[30:]]
    assert np.mean([one["y"] for one in late]) < 0.35 and np.mean([one["kind"] == "a" for one in late]) > 0.7
    assert np.ptp([trial.params["x"] for trial in study.front]) > 0.5  # the whole front, and not one place of it


def test_every_second_model_of_a_kind_has_the_standard_scale() -> None:
    smooth, rough = ([lt.GP(scaling=name) for name in ("standard", "half rank", "log gap")] for _ in range(2))
    scales = [choose_model(smooth, rough, begun, 0.0).scaling for begun in range(24)]
    assert scales[::2] == scales[1::2] == ["standard", "standard", "standard", "half rank", "standard", "log gap"] * 2
    assert choose_model(smooth[1:], [], 3, 1.0) is smooth[1]


def test_the_more_trials_tie_the_more_often_the_scale_is_linear() -> None:
    models = [lt.GP(scaling=name) for name in ("standard", "half rank", "log gap")]
    for tied, share in ((0.0, 0.0), (0.125, 0.25), (0.25, 0.5), (0.5, 1.0), (1.0, 1.0)):
        scales = [choose_model(models, [], begun, tied).scaling for begun in range(0, 400, 4)]
        assert np.mean([scale == "linear" for scale in scales]) == pytest.approx(share, abs=0.03)


def test_the_more_trials_tie_the_more_proposals_are_the_best_of_a_few() -> None:
    for tied, share in ((0.0, 0.0), (0.2, 0.0), (0.3, 0.6), (0.5, 1.0), (0.9, 1.0)):
        few = [choose_search(begun, tied) is not None for begun in range(400)]
        assert np.mean(few) == pytest.approx(share, abs=0.01)


def stairs(config: dict[str, float]) -> tuple[float, float]:
    size = np.floor(6.0 * min(config["x"], config["y"]))
    return 1.0 / (1.0 + size), size


def test_proposals_among_plateaus_are_replayed_and_find_every_stair() -> None:
    study = lt.Study("stairs", {"x": lt.Float(0, 1), "y": lt.Float(0, 1)}, minimize=["a", "b"], seed=2)
    for _ in range(30):
        trial = study.ask()
        study.tell(trial, stairs(trial.params))
    assert study.verify().ok
    assert len(study.front) == 6


@pytest.mark.parametrize("kind", ["nsga2", "nsga3", "de"])
def test_evolution_moves_to_the_front(kind: str) -> None:
    space = {f"x{place}": lt.Float(0, 1) for place in range(5)}
    volumes = []
    for method in (lt.Evolution(kind), lt.Random()):
        study = lt.Study("zdt1", space, minimize=["a", "b"], method=method, seed=2)
        for _ in range(200):
            trial = study.ask()
            x = list(trial.params.values())
            g = 1.0 + 9.0 * sum(x[1:]) / 4
            study.tell(trial, (x[0], g * (1.0 - (x[0] / g) ** 0.5)))
        volumes.append(study.hypervolume([1.1, 6.0]).volume)
    assert volumes[0] > volumes[1] + 0.5  # of at most 6.26


def dtlz2(x: list[float]) -> tuple[float, float, float]:
    g = 1.0 + sum((one - 0.5) ** 2 for one in x[2:])
    a, b = x[0] * np.pi / 2, x[1] * np.pi / 2
    return g * np.cos(a) * np.cos(b), g * np.cos(a) * np.sin(b), g * np.sin(a)


def test_nsga3_covers_a_front_of_three_objectives() -> None:
    volumes = []
    for method in (lt.Evolution("nsga3"), lt.Random()):
        space = {f"x{place}": lt.Float(0, 1) for place in range(6)}
        study = lt.Study("dtlz2", space, minimize=["a", "b", "c"], method=method, seed=0)
        for _ in range(200):
            trial = study.ask()
            study.tell(trial, dtlz2(list(trial.params.values())))
        volumes.append(study.hypervolume([1.2, 1.2, 1.2]).volume)
        assert study.verify().ok
    assert volumes[0] > volumes[1] + 0.1  # of at most 1.2


def test_half_of_the_proposals_stay_near_the_front_in_continuous_numbers() -> None:
    space = {**{name: lt.Float(0, 1) for name in "xyz"}, "n": lt.Int(0, 3), "kind": lt.Choice("a", "b")}
    study = lt.Study("near", space, minimize=["a", "b"], method=lt.Auto(), seed=0)
    for _ in range(40):
        trial = study.ask()
        far = sum((trial[name] - 0.5) ** 2 for name in "yz") + trial["n"] + (trial["kind"] == "b")
        study.tell(trial, (trial["x"] + far, (1 - trial["x"]) ** 2 + far))
    assert study.verify().ok
    points = np.array([[trial.params[name] for name in "xyz"] for trial in study.trials])
    losses = np.array([list(trial.values.values()) for trial in study.trials])
    near = 0
    for place in range(10, 40):
        members = points[:place][non_dominated(losses[:place])]
        near += bool((np.abs(points[place] - members).max(axis=1) <= 0.1 + 1e-9).any())
    assert near >= 14, near
