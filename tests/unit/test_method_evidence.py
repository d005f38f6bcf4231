"""Evidence of noise, ties and ruggedness, and what follows: separation, edges, plateaus, the least improvement."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import luthier as lt
from luthier.acquisition import FunctionCriterion
from luthier.data import Data
from luthier.key import Key
from luthier.memo import Memo
from luthier.method import Auto
from luthier.method.bayesian.acquisition_optimizer import AcquisitionOptimizer, EvaluatedPoints
from luthier.method.bayesian.evidence import find_evidence, find_unlearnt, penalize_edges, resolution
from luthier.method.bayesian.plateau import find_plateaus, widest_gap
from luthier.method.bayesian.separation import SeparatedPoints, separate
from luthier.method.bayesian.step import FittedModel, Step, incumbent, scalarize
from luthier.surrogate import GP, Forest

BRIEF = AcquisitionOptimizer(scattered=60, nearby=40, parents=3, rounds=2, climbers=2, tries=10)
SPACE = lt.Space({"a": lt.Float(0, 1), "b": lt.Float(0, 1), "c": lt.Choice("x", "y")})


def data(x, losses) -> Data:
    x = np.asarray(x, dtype=float)
    losses = np.asarray(losses, dtype=float).reshape(len(x), -1)
    n, none = len(x), x[:0]
    return Data(SPACE.columns, x, losses, np.empty((n, 0)), None, np.full(n, np.nan), none, none)


def fitted(known: Data, *models: GP) -> list[FittedModel]:
    return [FittedModel(model, Key.of(0), model.fit(known, Key.of(0), Memo())) for model in models]


def points(n: int, seed: int = 0):
    return SPACE.sample(Key.of(seed), n)


def test_a_smooth_objective_is_not_rugged_and_a_noisy_one_is() -> None:
    x = points(40)
    smooth = (x[:, 0] - 0.3) ** 2 + x[:, 1]
    noisy = smooth + 0.5 * np.random.default_rng(0).normal(size=40)

    def rugged(losses) -> float:
        known = data(x, losses)
        return find_evidence([model.posterior for model in fitted(known, GP(), GP(scaling="half rank"))], known).rugged

    assert rugged(smooth) < 0.1
    assert rugged(noisy) > 0.8


def test_noise_hides_what_is_good_unless_losses_tie() -> None:
    x = points(40)
    smooth = (x[:, 0] - 0.3) ** 2 + x[:, 1]
    noise = np.random.default_rng(0).normal(size=40)

    def noisy(losses) -> float:
        known = data(x, losses)
        return find_evidence([model.posterior for model in fitted(known, GP())], known).noisy

    assert noisy(smooth) < 0.02
    assert noisy(smooth + 0.5 * noise) > 0.5
    assert noisy(np.round(noise)) < 0.25


def test_of_a_noisy_objective_most_trials_serve_to_learn() -> None:
    study = lt.Study("s", {"x": lt.Float(0, 1)}, minimize="loss", method=Auto(search=BRIEF), seed=0)
    noise = np.random.default_rng(0).normal(size=20)
    study.run(lambda trial: (trial["x"] - 0.3) ** 2 + 0.2 * noise[trial.number], trials=20)
    by = [trial.note["by"] for trial in study.trials[5:]]
    assert by.count("informing") > 8
    assert {trial.note["acquisition"] for trial in study.trials if trial.note["by"] == "informing"} == {
        "KnowledgeGradient"
    }
    ends = [trial["x"] for trial in study.trials if min(trial["x"], 1 - trial["x"]) < 0.01]
    assert len(ends) <= 4
    assert study.verify().ok


def test_what_models_do_not_predict_is_unlearnt() -> None:
    """A smooth objective is predicted from the other trials; losses that have nothing to do with the points are not."""
    x = points(40)

    def unlearnt(losses) -> float:
        return find_unlearnt([model.posterior for model in fitted(data(x, losses), GP())])

    assert unlearnt((x[:, 0] - 0.3) ** 2 + x[:, 1]) < 0.01
    assert unlearnt(np.random.default_rng(0).normal(size=40)) > 0.8
    assert find_unlearnt([]) == 0.0
    assert unlearnt(np.zeros(40)) == pytest.approx(1 / (1 + 0.4**8))  # where all are equal no order is predicted


def test_under_a_fidelity_rungs_tell_and_proposals_are_drawn_near_the_good_trials() -> None:
    """What a measurement would teach is no aim there: noise that hides which trials are good is for rungs to tell."""
    epochs = lt.Fidelity("epochs", 1, 9)
    study = lt.Study("s", {"x": lt.Float(0, 1)}, minimize="loss", method=Auto(search=BRIEF), seed=0, fidelity=epochs)
    noise = np.random.default_rng(0).normal(size=30)
    study.run(lambda trial: (trial["x"] - 0.3) ** 2 + 0.2 * noise[trial.number], trials=30)
    by = [trial.note["by"] for trial in study.trials[5:]]
    drawn = [trial for trial in study.trials if trial.note["by"] == "drawing"]
    assert len(drawn) > 8 and "informing" not in by
    assert {trial.note["acquisition"] for trial in drawn} == {"log density ratio"}
    assert study.verify().ok
    assert "drawn near the good trials" in str(study.explain(drawn[0].number))


def test_a_plateau_costs_the_more_the_more_trials_told_nothing() -> None:
    x = points(40)
    flat = x[:, 0] > 0.4
    models = fitted(data(x, np.where(flat, 0.0, x[:, 1])), GP())
    inside, outside = np.array([[0.8, 0.5, 0.25]]), np.array([[0.05, 0.5, 0.25]])

    def penalty(trials: int, at) -> float:
        found = find_plateaus(models, data(x[:trials], np.where(flat, 0.0, x[:, 1])[:trials]))
        return 0.0 if found is None else float(found.penalties(at)[0])

    assert penalty(40, inside) > penalty(20, inside) > 0.0
    assert penalty(40, outside) == 0.0
    assert find_plateaus(models, data(x, np.arange(40.0))) is None
    assert find_plateaus([], data(x, np.zeros(40))) is None


def test_where_trials_on_plateaus_only_repeat_results_up_to_half_go_elsewhere() -> None:
    x = points(40)
    losses = np.where(x[:, 0] > 0.4, 0.0, x[:, 1])
    found = [find_plateaus(fitted(data(x, losses), GP()), data(x[:n], losses[:n])) for n in (20, 40)]
    few, many = (0.0 if one is None else one.futile for one in found)
    assert 0.0 < few < many < 0.5


def test_the_widest_gap_knows_no_ends_and_counts_categories() -> None:
    criterion = widest_gap(data([[0.0, 0.5, 0.25], [0.5, 0.5, 0.25]], [0, 0]))
    near, far, end, other = criterion.value(
        np.array([[0.5, 0.6, 0.25], [0.25, 0.5, 0.25], [1.0, 0.5, 0.25], [0.5, 0.5, 0.75]])
    ).tolist()
    assert (near, far, end, other) == pytest.approx((0.1, 0.25, 0.0, 0.5))


def test_a_small_island_in_a_plateau_is_found() -> None:
    """A model of the losses is sure that there is nothing: its length-scales say so."""

    def island(trial) -> float:
        return float(trial["x"] < 0.4) - 0.5 * (abs(trial["x"] - 0.8) < 0.1 and abs(trial["y"] - 0.25) < 0.1)

    found = 0
    for seed in range(3):
        study = lt.Study(
            "s", {"x": lt.Float(0, 1), "y": lt.Float(0, 1)}, minimize="loss", method=Auto(search=BRIEF), seed=seed
        )
        study.run(island, trials=60)
        found += study.best_value < 0.0
    assert found >= 2
    assert {trial.note["by"] for trial in study.trials} >= {"spreading", "rugged"}


def test_with_few_trials_little_is_concluded() -> None:
    losses = np.random.default_rng(0).normal(size=4)
    known = data(points(4), losses)
    assert find_evidence([model.posterior for model in fitted(known, GP())], known).rugged <= (4 / 9) ** 2


def test_trials_tie_by_their_loss_among_the_better_half_and_by_all_losses_of_several() -> None:
    x = points(8)
    assert find_evidence([], data(x, [0, 0, 1, 2, 9, 9, 9, 9])).tied == 0.25
    assert find_evidence([], data(x, [0, 1, 2, 3, 9, 9, 9, 9])).tied == 0.0
    several = [[0, 1], [0, 1], [0, 2], [1, 1], [2, 2], [3, 3], [3, 3], [3, 3]]
    assert find_evidence([], data(x, several)).tied == 5 / 8


def test_a_model_without_noise_of_its_own_is_no_evidence() -> None:
    pytest.importorskip("sklearn")
    known = data(points(20), np.arange(20.0))
    assert find_evidence([Forest().fit(known, Key.of(0), Memo())], known).rugged == 0.0


def test_the_least_improvement_is_half_the_least_step_as_far_as_losses_tie() -> None:
    known = data(points(8), [0, 0, 1, 1, 3, 4, 5, 6])
    posterior = fitted(known, GP(scaling="given"))[0].posterior
    assert resolution(posterior, 0.5) == pytest.approx(0.25)
    assert resolution(posterior, 0.0) == 0.0


def test_the_lowest_mean_is_looked_for_where_the_lowest_losses_were_measured() -> None:
    x = points(5_200, seed=5)
    losses = (x[:, 0] - 0.3) ** 2 + np.random.default_rng(0).normal(size=len(x))
    known = data(x[:60], losses[:60])
    posterior = GP().fit(known, Key.of(0), Memo())
    assert incumbent(posterior, known, noisy=True) == posterior.moments(known.x).mean.min()
    many = data(x, losses)
    means = posterior.moments(x).mean
    lowest = np.argsort(losses, kind="stable")[:2_000]
    assert incumbent(posterior, many, noisy=True) == pytest.approx(means[lowest].min(), rel=1e-12)
    assert incumbent(posterior, many, noisy=False) == posterior.best


def test_nothing_is_kept_apart_without_doubt() -> None:
    assert separate(data(points(8), np.arange(8.0)), 0.0) is None


def test_points_near_a_trial_in_every_variable_are_known() -> None:
    known = data([[0.5, 0.5, 0.25], [0.1, 0.1, 0.75]], [0.0, 1.0])
    separation = separate(known, 1.0)
    assert separation is not None
    width, _, category = (separation.highs - separation.lows)[0] / 2
    assert category == 0.0
    x = np.array([[0.5 + 0.9 * width, 0.5, 0.25], [0.5 + 1.1 * width, 0.5, 0.25], [0.5, 0.5, 0.75], [0.5, 0.5, 0.25]])
    assert separation.clear(x).tolist() == [False, True, True, False]
    fresh = SeparatedPoints(EvaluatedPoints(x[1:2]), separation).fresh(x)
    assert fresh.tolist() == [False, False, True, False]


def test_a_small_feasible_region_has_room_left() -> None:
    """The distance shrinks along each number with the width of the feasible trials, as a share of that of all."""
    x = [[0.0, 0.0, 0.25], [1.0, 0.8, 0.25], [0.4, 0.4, 0.25], [0.5, 0.8, 0.25]]
    known = data(x, np.arange(4.0))
    whole, part, one, none = (
        separate(replace(known, violations=np.array(violations)[:, None]), 1.0)
        for violations in ([-1.0, 0.0, -1.0, -1.0], [1.0, 1.0, -1.0, 0.0], [1.0, 1.0, -1.0, 1.0], [1.0] * 4)
    )
    plain = separate(known, 1.0)
    assert whole is not None and part is not None and plain is not None and one is not None and none is not None
    wide, narrow = plain.highs - plain.lows, part.highs - part.lows
    np.testing.assert_array_equal(whole.highs, plain.highs)
    np.testing.assert_allclose(narrow, wide * np.array([0.1, 0.5, 1.0]), atol=1e-12)
    for nowhere in (one, none):
        np.testing.assert_allclose(nowhere.highs, nowhere.lows)
        assert nowhere.clear(np.array(x) + 0.01).all()


@pytest.mark.parametrize("several", [False, True])
def test_every_box_is_compared_with_every_point(several: bool) -> None:
    generator = np.random.default_rng(3)
    x = generator.choice([0.0, 0.25, 0.5, np.nan], size=(400, 3)) + 0.05 * generator.random((400, 3))
    x[:, 2] = generator.choice([0.25, 0.75], size=400)
    losses = generator.integers(0, 40, size=(400, 1 + several)).astype(float)
    separation = separate(data(x, losses), 1.0)
    assert separation is not None
    at = np.concatenate([x[:50] + 0.02, generator.random((200, 3)), x[:20]])
    at[:, 2] = generator.choice([0.25, 0.75], size=len(at))
    filled = np.where(np.isnan(at), 9.0, at)[:, None, :]
    inside = ((filled >= separation.lows) & (filled <= separation.highs)).all(axis=2).any(axis=1)
    assert separation.clear(at).tolist() == (~inside).tolist()
    assert 0 < inside.sum() < len(at)


def test_of_several_objectives_what_lies_between_equal_trials_is_known() -> None:
    known = data([[0.1, 0.1, 0.25], [0.9, 0.9, 0.25], [0.1, 0.9, 0.75]], [[0, 1], [0, 1], [1, 0]])
    separation = separate(known, 1e-6)
    assert separation is not None
    assert separation.clear(np.array([[0.5, 0.5, 0.25], [0.5, 0.5, 0.75], [0.95, 0.5, 0.25]])).tolist() == [
        False,
        True,
        True,
    ]


def test_of_several_objectives_no_box_holds_a_trial_with_other_values() -> None:
    """Two plateaus of one value that meet at a corner, as those of a shallow and of a pruned tree: the rest is free."""
    arms = [[0.0, 0.1], [0.0, 0.5], [0.0, 1.0], [0.3, 1.0], [0.8, 1.0]]
    other = [[0.6, 0.4]]
    known = data([[*row, 0.25] for row in arms + other], [[0, 1]] * len(arms) + [[1, 0]])
    separation = separate(known, 1e-6)
    assert separation is not None
    at = np.array([[0.0, 0.3, 0.25], [0.5, 1.0, 0.25], [0.5, 0.4, 0.25], [0.4, 0.2, 0.25]])
    assert separation.clear(at).tolist() == [False, False, True, True]


def test_of_several_objectives_only_the_latest_trials_span_boxes() -> None:
    x = np.column_stack([np.linspace(0.0, 1.0, 700), np.full(700, 0.5), np.full(700, 0.25)])
    separation = separate(data(x, [[0, 1]] * 700), 1e-9)
    assert separation is not None
    assert separation.clear(np.array([[0.1001, 0.5, 0.25], [0.9001, 0.5, 0.25]])).tolist() == [True, False]


def test_inactive_variables_are_alike() -> None:
    space = lt.Space({"on": lt.Bool(), "depth": lt.Float(0, 1, when="on")})
    x = space.encode([{"on": False}, {"on": True, "depth": 0.5}])
    n, none = len(x), x[:0]
    known = Data(space.columns, x, np.zeros((n, 1)), np.empty((n, 0)), None, np.full(n, np.nan), none, none)
    separation = separate(known, 1.0)
    assert separation is not None
    tried = space.encode([{"on": False}, {"on": True, "depth": 0.5}, {"on": True, "depth": 1.0}])
    assert separation.clear(tried).tolist() == [False, False, True]


def test_the_ends_of_a_number_that_does_not_matter_have_to_be_worth_it() -> None:
    x = points(40)
    known = data(x, np.sin(12.0 * x[:, 0]))
    criterion = penalize_edges(FunctionCriterion(lambda x: np.zeros(len(x))), fitted(known, GP()), SPACE.columns, 1.5)
    at = np.array([[0.5, 0.5, 0.25], [0.0, 0.5, 0.25], [0.5, 0.0, 0.25], [0.5, 1.0, 0.25], [0.5, 0.025, 0.25]])
    middle, end_of_a, low, high, near = criterion.value(at).tolist()
    assert middle == end_of_a == 0.0
    assert low == high < -0.7
    assert near == pytest.approx(0.5 * low)


def test_weights_that_lead_to_tied_trials_are_drawn_anew() -> None:
    losses = np.array([[0.0, 1.0]] * 6 + [[0.4, 0.5], [1.0, 0.0]])
    known = data(points(8), losses)
    best = [int(np.argmin(scalarize(known, Key.of(seed)).loss)) for seed in range(60)]
    assert sum(row < 6 for row in best) <= 3  # a third of single draws end there
    distinct = data(points(3), losses[5:])
    assert {int(np.argmin(scalarize(distinct, Key.of(seed)).loss)) for seed in range(60)} == {0, 1, 2}


def test_on_a_plateau_trials_keep_apart() -> None:
    study = lt.Study(
        "s", {"x": lt.Float(0, 1), "y": lt.Float(0, 1)}, minimize="loss", method=Auto(search=BRIEF), seed=0
    )
    study.run(lambda trial: float(trial["x"] < 0.3), trials=25)
    x = np.array([[trial["x"], trial["y"]] for trial in study.trials])[8:]
    distances = np.abs(x[:, None] - x[None]).max(axis=2) + np.eye(len(x))
    assert distances.min() > 0.02
    assert {trial.note.get("by") for trial in study.trials} >= {"committee", "rugged"}


def test_a_front_names_each_vector_of_values_once() -> None:
    study = lt.Study("s", {"x": lt.Float(0, 1)}, minimize=["a", "b"], method=lt.Random(), seed=0)
    study.run(lambda trial: {"a": round(trial["x"]), "b": 1 - round(trial["x"])}, trials=10)
    values = [tuple(trial.values.values()) for trial in study.front]
    assert sorted(values) == [(0.0, 1.0), (1.0, 0.0)]
    assert study.front[0].number == 0


@pytest.mark.parametrize(("trials", "averaged"), [(30, True), (101, False)])
def test_where_noise_is_declared_a_few_trials_are_learnt_from_by_several_models(trials: int, averaged: bool) -> None:
    def informing(noisy: bool) -> Step:
        study = lt.Study("s", {"x": lt.Float(0, 1)}, minimize="loss", noisy=noisy)
        noise = np.random.default_rng(0).normal(size=trials + 8)
        x = np.modf(np.arange(trials + 8) * 0.618)[0]
        study.add_many([{"x": at} for at in x.tolist()], ((x - 0.3) ** 2 + 0.2 * noise).tolist())
        whole = study.history.data(study.problem)
        for n in range(trials, trials + 8):  # which trials serve to learn depends on their number
            known = replace(whole, x=whole.x[:n], losses=whole.losses[:n], violations=whole.violations[:n])
            known = replace(known, costs=whole.costs[:n])
            step = Auto().step(study.problem, known, Key.of(0), 0, Memo())
            if step.note["by"] == "informing":
                return step
        raise AssertionError("no trial serves to learn")

    declared, found = informing(True), informing(False)
    assert declared.separation is None
    assert found.separation is not None
    assert (declared.models[0].surrogate.samples > 0) == averaged
    assert found.models[0].surrogate.samples == 0
