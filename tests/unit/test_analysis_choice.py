"""Choice of one trial of a front: knees, weights, prices, orders, limits, and a person's answers."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

import luthier as lt
from luthier.analysis.choice.preference_model import fit_preferences, information
from luthier.errors import InvalidSetting, NoResult, TrialNotFound
from luthier.study import StudyReader, preferences


def study_of(values, **settings):
    """Make a study whose trials have these values of `error` (minimized) and `score` (maximized)."""
    study = lt.Study("s", {"x": lt.Float(0, 1)}, minimize="error", maximize="score", seed=0, **settings)
    configs = [{"x": (place + 1) / (len(values) + 2)} for place in range(len(values))]
    study.add_many(configs, [dict(zip(("error", "score"), row, strict=True)) for row in values])
    return study


def convex():
    """Give a study with a knee at trial 2; trial 3 is dominated, and 5 has the values of 2."""
    return study_of([(0.0, 0.0), (1.0, 6.0), (2.0, 9.0), (3.0, 8.0), (10.0, 10.0), (2.0, 9.0)])


def test_the_knee_is_farthest_below_the_line_between_the_ends() -> None:
    choice = convex().knee()
    assert choice.number == 2 and choice.values == {"error": 2.0, "score": 9.0}
    points = np.array([[0.0, 1.0], [0.1, 0.4], [0.2, 0.1], [1.0, 0.0]])  # scaled losses of trials 0, 1, 2, 4
    distances = (1.0 - points.sum(axis=1)) / np.sqrt(2)
    assert choice.numbers[0] == [0, 1, 2, 4][int(distances.argmax())]
    assert choice.scores[0] == pytest.approx(0.3)
    assert "by its knee: error = 2, score = 9" in str(choice)


@pytest.mark.parametrize("values", [[(0.0, 0.0), (5.0, 1.0), (6.0, 6.0)], [(0.0, 0.0), (1.0, 1.0)], [(1.0, 1.0)]])
def test_a_front_without_a_knee_says_so(values) -> None:
    with pytest.raises(NoResult, match=r"no knee.*study\.choose.*--weights"):
        study_of(values).knee()


def test_weights_choose_any_trial_and_prices_the_cheapest() -> None:
    study = convex()
    assert study.choose(weights={"error": 1}).number == 0
    assert study.choose(weights={"score": 1.0}).number == 4
    assert study.choose(weights={"error": 0.5, "score": 0.5}).number == 2
    assert study.choose(prices={"error": 1.0, "score": 0.01}).number == 0
    assert study.choose(prices={"error": 1.0, "score": 100.0}).number == 4
    assert study.choose(prices={"error": 1.0, "score": 5.0}).scores.tolist() == [-43.0, -40.0, -29.0, 0.0]
    concave = study_of([(0.0, 0.0), (4.9, 4.0), (10.0, 10.0)])
    assert concave.choose(weights={"error": 1, "score": 1}).number == 1  # no weighted sum would choose it


def test_an_order_with_tolerances() -> None:
    study = convex()
    assert study.choose(order=["error"]).number == 0
    assert study.choose(order=["error", "score"]).number == 0
    assert study.choose(order=["error", "score"], tolerances={"error": 1.5}).number == 1
    choice = study.choose(order=["score", "error"], tolerances={"score": 1.0, "error": 0.0})
    assert choice.number == 2
    assert [(step.objective, step.best, step.limit, step.kept) for step in choice.steps] == [
        ("score", 10.0, 9.0, 2),
        ("error", 2.0, 2.0, 1),
    ]
    assert study.choose(order=["error", "score"], tolerances={"error": 2.0, "score": 9.0}).number == 0


def test_limits_are_kept_and_may_be_of_other_numbers() -> None:
    study = convex()
    assert study.choose(order=["score"], limits={"error": "<= 1.5"}).number == 1
    trial = study.ask()
    study.tell(trial, {"error": 4.0, "score": 3.0, "memory_mb": 10.0})  # dominated, but the only one within the limit
    assert study.choose(order=["score"], limits={"memory_mb": "<= 20"}).number == trial.number
    with pytest.raises(NoResult, match=r"no trial keeps the limits; nearest to score >= 11 is trial 4 with 10"):
        study.choose(order=["error"], limits={"score": ">= 11"})
    with pytest.raises(NoResult, match="none has a number 'seconds'"):
        study.knee(limits={"seconds": "<= 1"})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "give one of"),
        ({"weights": {"error": 1}, "order": ["error"]}, "give one of"),
        ({"weights": {"error": 1}, "tolerances": {}}, "go with an order"),
        ({"weights": {"errors": 1}}, "did you mean 'error'"),
        ({"weights": {"error": -1}}, "0 or more"),
        ({"weights": {"error": 0}}, "above 0"),
        ({"weights": [1, 2]}, "by the names"),
        ({"prices": {"score": 0}}, "above 0"),
        ({"prices": {"score": float("nan")}}, "finite number"),
        ({"order": "error"}, "give a list"),
        ({"order": ["error", "error"]}, "give a list"),
        ({"order": []}, "give a list"),
        ({"order": ["error"], "tolerances": {"error": "much"}}, "finite number"),
        ({"order": ["error"], "limits": {"error": "small"}}, "^limits=.*write a limit as"),
        ({"order": ["error"], "limits": "error <= 1"}, "^limits="),
    ],
)
def test_what_makes_no_sense_is_refused(settings, message) -> None:
    with pytest.raises(InvalidSetting, match=message):
        convex().choose(**settings)


@pytest.mark.parametrize("reference", [{"error": 1.0, "score": 2.0}, "worst", [1.0], [1.0, float("nan")]])
def test_a_reference_is_a_number_for_each_objective(reference) -> None:
    with pytest.raises(InvalidSetting, match="one finite number for each objective, in order: error, score"):
        convex().hypervolume(reference)


def test_one_objective_has_nothing_to_choose() -> None:
    study = lt.Study("one", {"x": lt.Float(0, 1)}, minimize="loss", seed=0)
    study.add({"x": 0.5}, 1.0)
    length = study.history.length
    for call in (study.knee, study.preferred, study.hypervolume):
        with pytest.raises(InvalidSetting):
            call()
    with pytest.raises(InvalidSetting, match="nothing to prefer"):
        study.prefer(0, 0)
    assert study.history.length == length
    with pytest.raises(NoResult):
        study_of([]).knee()


def test_the_volume_is_shared_out() -> None:
    study = convex()
    course = study.hypervolume([10.0, 0.0])
    assert course.volume == course.volumes[-1] == pytest.approx(9 * 6 + 8 * 3)
    assert course.contributions() == {0: 0.0, 1: pytest.approx(6.0), 2: 0.0, 4: 0.0, 5: 0.0}  # 2 and 5 are equal
    moved = study.hypervolume()
    assert moved.reference.tolist() == [11.0, -1.0]  # a tenth of the range worse than the worst values


# --- answers ------------------------------------------------------------------------------------------


def test_answers_are_typed_events_that_no_method_sees(tmp_path: Path) -> None:
    study = study_of([(0.0, 0.0), (1.0, 6.0), (2.0, 9.0)], store=tmp_path / "s.db")
    digest = study.history.digest
    study.prefer(1, study.trials[0])
    study.prefer(2, 1)
    assert study.history.digest == digest and preferences(study.history) == ((1, 0), (2, 1))
    study.tell(study.ask(), (0.5, 1.0))
    assert study.verify().ok
    study.close()
    with StudyReader.open(tmp_path / "s.db") as reader:
        assert preferences(reader.history) == ((1, 0), (2, 1))


def test_answers_that_mean_nothing_are_refused() -> None:
    study = study_of([(0.0, 0.0), (1.0, 6.0)])
    running = study.ask()
    length = study.history.length
    for pair, error in (((0, 0), InvalidSetting), ((0, 9), TrialNotFound), (("a", 0), TrialNotFound)):
        with pytest.raises(error):
            study.prefer(*pair)
    with pytest.raises(InvalidSetting, match="no values"):
        study.prefer(0, running.number)
    assert study.history.length == length


def front(count: int) -> list[tuple[float, float]]:
    angles = np.linspace(0, np.pi / 2, count)
    return [(1.0 - float(np.cos(a)), float(np.sin(a))) for a in angles]


@pytest.mark.parametrize("share", [0.15, 0.5, 0.85])
def test_a_person_is_understood_after_a_few_questions(share: float) -> None:
    """The person weights the objectives; the model asks, and finds what is all but the best."""
    values = front(21)
    study = study_of(values)
    liked = [-share * error + (1 - share) * score for error, score in values]
    for _ in range(12):
        first, second = study.preferred().question
        study.prefer(*((first, second) if liked[first] > liked[second] else (second, first)))
    found = study.preferred()
    assert max(liked) - liked[found.number] < 0.02 * (max(liked) - min(liked))
    assert found.answers == 12 and found.agreeing >= 11
    assert found.chances.sum() == pytest.approx(1.0) and found.chances[0] > 0.05


def test_a_few_wrong_answers_do_not_decide() -> None:
    values = front(9)
    study = study_of(values)
    liked = [-0.3 * error + 0.7 * score for error, score in values]
    pairs = list(itertools.combinations(range(9), 2))
    for place, (first, second) in enumerate(pairs):
        right = liked[first] > liked[second]
        study.prefer(*((first, second) if right != (place % 9 == 4) else (second, first)))
    found = study.preferred()
    assert found.agreeing < found.answers == len(pairs)
    assert max(liked) - liked[found.number] < 0.05


def test_without_answers_the_objectives_are_worth_the_same() -> None:
    study = convex()
    found = study.preferred()
    assert found.number == study.knee().number and found.answers == 0 and found.question is not None
    assert study_of([(1.0, 1.0)]).preferred().question is None
    study.prefer(4, 2)
    study.forget(2)
    assert study.preferred().answers == 0  # one about a trial that does not count is left out


def test_the_laplace_approximation_is_at_the_mode() -> None:
    rng = np.random.default_rng(0)
    better, worse = rng.random((8, 3)), rng.random((8, 3))
    model = fit_preferences(better, worse)
    points = np.concatenate([better, worse])
    compare = np.hstack([np.eye(8), -np.eye(8)])

    def at(weights):  # log likelihood and log prior, up to a constant, of the posterior mean with these weights
        from scipy.special import log_ndtr

        cross = compare @ prior @ compare.T
        d = model.slope * (worse - better).sum(axis=1) + cross @ weights
        return log_ndtr(d / np.sqrt(2)).sum() - 0.5 * weights @ cross @ weights

    squares = ((points[:, None] - points[None]) ** 2).sum(axis=2)
    prior = model.slope**2 * (points @ points.T + model.bend**2 * np.exp(-2.0 * squares))
    best = at(model.weights)
    assert all(at(model.weights + 1e-3 * rng.normal(size=8)) <= best + 1e-9 for _ in range(50))
    covariance = model.covariance(points)
    assert np.linalg.eigvalsh(covariance).min() > -1e-8
    assert (np.diag(covariance) <= np.diag(prior) + 1e-9).all()  # answers make nothing less certain


def test_information_against_quadrature() -> None:
    from scipy.special import entr, ndtr

    means, covariance = np.array([0.3, -0.4, 5.0]), np.diag([1.0, 2.0, 0.5])
    first, second = np.array([0, 0, 1]), np.array([1, 2, 2])
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    for told, a, b in zip(information(means, covariance, first, second), first, second, strict=True):
        d = means[a] - means[b] + np.sqrt(covariance[a, a] + covariance[b, b]) * nodes
        chance = ndtr(d / np.sqrt(2))
        mean = (weights * chance).sum() / weights.sum()
        noise = (weights * (entr(chance) + entr(1 - chance))).sum() / weights.sum()
        assert told == pytest.approx((entr(mean) + entr(1 - mean) - noise) / np.log(2), abs=0.02)


def test_what_is_chosen_has_its_values_as_the_user_writes_them() -> None:
    kernel = lt.Named("cubic", lambda x: x**3)
    study = lt.Study("s", {"x": lt.Float(0, 1), "f": lt.Choice(kernel, "none")}, minimize=["a", "b"], seed=0)
    points = [{"x": x, "f": kernel} for x in (0.1, 0.2, 0.3)]
    study.add_many(points, [(0.0, 9.0), (1.0, 1.0), (9.0, 0.0)])
    for found in (study.knee(), study.choose(weights={"a": 1.0, "b": 1.0}), study.preferred()):
        assert found.params == study.trial(1).params and found.params["f"](2.0) == 8.0
        assert "params" not in found.to_dict() and found.to_dict()["config"]["x"] == 0.2
