"""What failures, pruned trials and known results teach: fixed seeds reach their targets."""

from __future__ import annotations

import math
import statistics

import pytest

import luthier as lt
from luthier.errors import TrialPruned
from luthier.key import Key


@pytest.mark.parametrize("early", [3, 10])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_mended_program_leaves_the_study_as_good_as_new(early: int, seed: int) -> None:
    """Without early failures 25 trials leave about 1e-5; they left 1.9 to 11 once."""
    study = lt.Study("s", {"x": lt.Float(-5, 5), "y": lt.Float(-5, 5)}, minimize="loss", seed=seed)

    def objective(trial: lt.RunningTrial) -> float:
        if trial.number < early:
            raise ImportError("no module named tool")
        return float((trial["x"] - 0.2) ** 2 + (trial["y"] - 0.3) ** 2)

    study.run(objective, trials=early + 25, give_up_after=None)
    assert study.best_value < 0.01
    assert [trial.number for trial in study.trials if trial.forgotten] == list(range(early))


@pytest.mark.parametrize("seed", [0, 1])
def test_a_region_is_told_from_failures_of_several_kinds(seed: int) -> None:
    """Four failures anywhere, and a sixth of the space that always fails: it failed 24 times of 26 once."""
    space = {"rate": lt.Float(1e-5, 1, log=True), "dropout": lt.Float(0, 0.9), "kind": lt.Choice("a", "b")}
    study = lt.Study("s", space, minimize="loss", seed=seed)

    def objective(trial: lt.RunningTrial) -> float:
        if trial.number < 4:
            raise (OSError, ValueError)[trial.number % 2]
        if trial["rate"] > 0.1:
            raise RuntimeError("out of memory")
        return float((math.log10(trial["rate"]) + 3) ** 2 + trial["dropout"])

    study.run(objective, trials=30, give_up_after=None)
    assert sum(not trial.is_done for trial in study.trials[4:]) <= 8


@pytest.mark.parametrize(
    "method",
    [lt.Bayes(), lt.Bayes(lt.Forest(), lt.EI()), lt.Bayes(lt.Parzen(), lt.EI()), lt.Anneal(), lt.Evolution("de")],
    ids=["gp", "forest", "parzen", "anneal", "de"],
)
def test_pruned_trials_are_learnt_from(method: object) -> None:
    """A third of the space is pruned, and the method stays away: models went there 20 times of 30 once."""
    space = {"x": lt.Float(0, 1), "k": lt.Int(0, 3)}
    study = lt.Study("s", space, minimize="loss", seed=0, method=method)  # type: ignore[arg-type]

    def objective(trial: lt.RunningTrial) -> float:
        trial.report(trial["x"] + 1, 0)
        if trial["x"] > 0.7:
            raise TrialPruned("not worth finishing")
        return float((trial["x"] - 0.2) ** 2 + 0.1 * trial["k"])

    study.run(objective, trials=30)
    assert sum(not trial.is_done for trial in study.trials) <= 7


def test_parzen_searches_near_good_trials_that_were_known() -> None:
    """The median of ten proposals was 82 once; chance gives 67."""
    space = {"x": lt.Float(-10, 10), "y": lt.Float(-10, 10), "c": lt.Choice("a", "b", "d")}
    values: list[float] = []
    for seed in range(4):
        study = lt.Study("s", space, minimize="loss", seed=seed, method=lt.Bayes(lt.Parzen(), lt.EI()))
        known = Key.of(seed).normal((20, 2))
        points = [{"x": 1.234 + float(x), "y": -2.2 + float(y), "c": "b"} for x, y in known]
        study.add_many(points, [_bowl(point) for point in points])
        study.run(lambda trial: _bowl(trial.params), trials=10)
        values += [trial.value for trial in study.trials[20:]]
    assert statistics.median(values) < 50


def _bowl(params: object) -> float:
    at = dict(params)  # type: ignore[call-overload]
    return float((at["x"] - 1.234) ** 2 + (at["y"] + 2.2) ** 2 + (at["c"] != "b") * 5)
