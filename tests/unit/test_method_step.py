"""Steps of model-based methods: made alone they are those that the proposals of a batch were made by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest

import luthier as lt
from luthier.analysis import explain, predict
from luthier.errors import Infeasible
from luthier.key import Key
from luthier.memo import Memo
from luthier.method import AcquisitionOptimizer, ModelBased, with_pending
from luthier.method.bayesian.density_ratio import LOG_RATIO
from luthier.method.bayesian.step import evaluated_points, is_learnable
from luthier.surrogate import GP, Posterior
from luthier.testing.methods import SPACES, Drive
from luthier.trial import Reason

BRIEF = AcquisitionOptimizer(scattered=60, nearby=40, rounds=1, climbers=2, tries=5)
BELIEF = lt.Prior({"C": lt.LogNormal(0.0, 1.0)})
METHODS: dict[str, Any] = {
    "auto": lt.Auto(search=BRIEF),
    "auto, drawing": lt.Auto(committee=(GP(samples=2), GP(samples=2)), search=BRIEF),
    "log-ei": lt.Bayes(initial=4, search=BRIEF),
    "forest": lt.Bayes(lt.Forest(trees=8), lt.UCB(2.0), initial=4, search=BRIEF),
    "thompson": lt.Bayes(acquisition=lt.Thompson(), initial=4, search=BRIEF),
    "parzen": lt.Bayes(lt.Parzen(), lt.EI(), initial=4, search=BRIEF),
    "log-ei with a prior": lt.Bayes(initial=4, search=BRIEF, prior=BELIEF),
    "parzen with a prior": lt.Bayes(lt.Parzen(), lt.EI(), initial=4, search=BRIEF, prior=BELIEF),
}
KEY = Key.of(5)


def begun(method: Any) -> Drive:
    drive = Drive(SPACES["tuning"](), method, seed=2)
    drive.run(8)
    drive.tell(drive.ask()[0], Reason.FAILED)
    drive.ask()
    return drive


@pytest.mark.parametrize("name", METHODS)
def test_a_step_made_alone_is_that_of_the_batch(name: str) -> None:
    """Searched anew, each step of a batch gives the proposal of its place."""
    method = METHODS[name]
    drive = begun(method)
    problem, history = drive.history.problem(), drive.history
    data, space = history.data(problem), problem.space
    assert isinstance(method, ModelBased)
    assert is_learnable(data, 4)
    proposals = method.suggest(problem, history, KEY, 4, Memo())
    assert len(proposals) == 4
    evaluated = evaluated_points(problem, data)
    for place, proposal in enumerate(proposals):
        step = method.step(problem, data, KEY, place, Memo(0))
        ((_, criterion),) = step.criteria
        points = step.candidates[evaluated.fresh(step.candidates)] if len(step.candidates) else step.candidates
        if len(points):
            point = points[[np.argmax(criterion.value(points))]]
        else:
            point = method.search.maximise(space, criterion, step.start, step.known(evaluated), step.key)[:1]
        assert space.decode(point)[0] == proposal.config
        assert step.note == proposal.note
        assert len(step.models) >= 1
        assert len(step.data) + len(step.data.failed) == 9  # a crash counts where its place tells of it
        assert len(step.constraints) == len(step.data) - 8
        data = with_pending(data, point)
        evaluated.add(point)


def test_a_portfolio_has_a_criterion_for_each_member() -> None:
    method = lt.Bayes(acquisition=lt.Hedge((lt.LogEI(), lt.UCB(2.0))), initial=4, search=BRIEF)
    drive = begun(method)
    problem = drive.history.problem()
    step = method.step(problem, drive.history.data(problem), KEY, 0, Memo())
    assert [name for name, _ in step.criteria] == [repr(lt.LogEI()), repr(lt.UCB(2.0))]


def test_several_objectives_have_one_criterion_and_another_one_for_each_proposal() -> None:
    goals = ["a", "b", "c", "d"]  # of two or three there is no draw of weights
    study = lt.Study("m", {"x": lt.Float(-2, 2)}, minimize=goals, seed=1, method=lt.Auto(search=BRIEF))
    study.run(lambda trial: [(trial["x"] - place) ** 2 for place in range(4)], trials=7)
    problem, data = study.problem, study.history.data(study.problem)
    points = study.space.sample(KEY, 5)
    shared = Memo()
    values = [
        lt.Auto().step(problem, data, KEY, place, Memo(), shared).criteria[0][1].value(points) for place in (0, 0, 1)
    ]
    np.testing.assert_array_equal(values[0], values[1])
    assert (values[0] != values[2]).any()
    assert lt.Auto().step(problem, data, KEY, 0, Memo()).data.losses.shape == (7, 4)


# --- explanations and predictions read the step -----------------------------------------------------------


@pytest.mark.parametrize("name", ["auto", "auto, drawing", "forest"])
def test_an_explanation_reads_the_criterion_of_the_proposal(name: str) -> None:
    """To the bit, also where a fit draws random numbers: the key is the one that the proposal was made with."""
    method = METHODS[name]
    drive = Drive(SPACES["tuning"](), method, seed=2)
    drive.run(9)
    history, trial = drive.history, drive.history.trial(8)
    view = history.upto(trial.seen)
    step = method.step(view.problem(), view.data(view.problem()), drive.key.fold("trial", 8), 0, Memo())
    found = explain(history, 8, method, drive.key, Memo(), 0.9)
    point = view.space.encode([trial.config])
    ((said, criterion),) = step.criteria
    assert found.acquisition is not None
    assert (found.acquisition.name, found.acquisition.value) == (said, float(criterion.value(point)[0]))


@pytest.mark.parametrize("name", ["auto", "parzen", "forest"])
def test_every_proposal_of_a_batch_is_rated(name: str) -> None:
    drive = Drive(SPACES["rich"](), METHODS[name], seed=3)
    drive.run(8)
    for number in drive.ask(3):
        rated = explain(drive.history, number, METHODS[name], drive.key, Memo(), 0.9).acquisition
        assert rated is not None
        assert rated.above > 0.7
        assert rated.name == {"auto": "AugmentedLogEI", "parzen": LOG_RATIO, "forest": "UCB"}[name]


@dataclass(frozen=True)
class Unscaled:
    """A surrogate that gives means, and does not say on what scale."""

    abilities: ClassVar[tuple[type, ...]] = (Posterior,)

    def fit(self, data, key, memo):
        return GP().fit(data, key, memo)


def test_a_surrogate_with_means_is_not_said_to_give_none() -> None:
    lt.register(Unscaled)
    method = lt.Bayes(Unscaled(), initial=4, search=BRIEF)
    drive = Drive(SPACES["tuning"](), method, seed=2)
    drive.run(7)
    history = drive.history
    said = "a default GP, as Unscaled does not say on what scale its means are (it has no `scale`)"
    found = explain(history, 6, method, drive.key, Memo(), 0.9)
    assert found.prediction is not None
    assert found.prediction.by == said
    assert found.acquisition is not None
    problem = history.problem()
    assert predict(problem, history.data(problem), method, KEY, Memo()).by == said


def test_a_step_that_fails_is_remarked_upon() -> None:
    class Broken(lt.Auto):
        def step(self, *arguments):
            raise Infeasible("nothing is feasible")

    drive = Drive(SPACES["tuning"](), lt.Auto(search=BRIEF), seed=2)
    drive.run(7)
    configured = drive.history.configured
    assert configured is None, "so the method that is given is the one that is asked"
    found = explain(drive.history, 6, Broken(search=BRIEF), drive.key, Memo(), 0.9)
    assert "the proposal could not be made again: nothing is feasible" in found.remarks
    assert found.acquisition is None
    assert found.prediction is not None
    assert found.prediction.by == "a default GP"
