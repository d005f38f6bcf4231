"""Methods that learn rung by rung: PriorBand's shares by hand, DEHB's populations, and the laws of both."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import luthier as lt
from luthier.errors import InvalidSetting
from luthier.method.rung_results import opening_rung, rung_results
from luthier.problem import Problem

SPACE = lt.Space(
    {
        "x": lt.Float(0, 1),
        "rate": lt.Float(1e-4, 1.0, log=True),
        "kind": lt.Choice("a", "b", "c"),
        "depth": lt.Int(1, 9, when="kind == 'b'"),
    },
    require=["x + rate <= 1.5"],
)
BELIEF = lt.Prior({"x": lt.Normal(0.3, 0.05), "kind": {"a": 0.8}})
EPOCHS = lt.Fidelity("epochs", 1, 27)


def loss(trial: lt.RunningTrial) -> float:
    off = 0.0 if trial["kind"] == "a" else 0.2
    return float((trial["x"] - 0.3) ** 2 + 0.02 * abs(math.log10(trial["rate"]) + 2) + off + 0.3 / (trial.until or 27))


def study_of(method: Any, **more: Any) -> lt.Study:
    more = {"fidelity": EPOCHS, "stop": lt.Hyperband(), **more}
    return lt.Study("s", SPACE, minimize="y", method=method, seed=1, **more)


METHODS = [lt.PriorBand(BELIEF), lt.Evolution("de", population=6)]


@pytest.mark.parametrize("method", METHODS, ids=["PriorBand", "DEHB"])
@pytest.mark.parametrize("rule", [lt.Hyperband(), lt.ASHA()], ids=["Hyperband", "ASHA"])
def test_proposals_keep_the_constraints_are_distinct_and_are_made_again(method: Any, rule: Any) -> None:
    study = study_of(method, stop=rule)
    study.run(loss, trials=40, executor="threads", workers=3)
    configs = [SPACE.identity(trial.trial.config) for trial in study.trials]
    assert len(set(configs)) == len(configs)
    for trial in study.trials:
        SPACE.check(trial.trial.config)
    verified = study.verify()
    assert verified.ok and verified.proved == 40 and verified.rulings > 0


@pytest.mark.parametrize("method", METHODS, ids=["PriorBand", "DEHB"])
def test_a_batch_and_a_study_without_a_fidelity(method: Any) -> None:
    study = study_of(method, fidelity=None, stop=None)
    for _ in range(4):
        for trial in study.ask(4):
            study.tell(trial, trial["x"])
    assert study.verify().ok


@pytest.mark.parametrize("method", [lt.PriorBand(lt.Prior({"k": {"a": 0.9}})), lt.Evolution("de")])
def test_a_finite_space_is_used_up_with_every_configuration_once(method: Any) -> None:
    space = {"k": lt.Choice("a", "b", "c"), "n": lt.Int(1, 3)}
    study = lt.Study("s", space, minimize="y", method=method, seed=0, fidelity=EPOCHS, stop=lt.ASHA())
    study.run(lambda trial: float(trial["n"]), trials=30)
    assert sorted((trial["k"], trial["n"]) for trial in study.trials) == [(k, n) for k in "abc" for n in (1, 2, 3)]


def test_the_first_trial_is_the_mode_of_the_prior_and_half_of_the_lowest_rung_are_drawn_from_it() -> None:
    study = study_of(lt.PriorBand(BELIEF), stop=lt.ASHA())
    first = study.ask()
    assert (round(first["x"], 2), first["kind"]) == (0.3, "a")
    drawn = [study.ask().note["by"] for _ in range(200)]
    assert 0.4 < drawn.count("prior") / 200 < 0.6  # 1 - 1 / (1 + 3^0), until something is known
    assert set(drawn) == {"prior", "random"}


def test_the_whole_space_gets_less_where_a_bracket_begins_higher() -> None:
    """Of the last bracket of Hyperband, at 27 epochs, it gets 1 of 1 + 3^3."""
    study = study_of(lt.PriorBand(BELIEF))
    rule = study.rule
    assert isinstance(rule, lt.Hyperband)
    brackets = rule.brackets(study.reader.problem)
    before = sum(bracket.sizes[0] for bracket in brackets[:-1])
    by = [study.ask().note["by"] for _ in range(before + brackets[-1].sizes[0])]
    assert by[before:].count("random") <= 1 and by[: brackets[0].sizes[0]].count("random") > 5


def told(study: lt.Study, results: list[tuple[float, float]]) -> None:
    for x, value in results:
        trial = study.ask(params={"x": x, "rate": 0.01, "kind": "a"})
        for epoch in (1, 3, 9, 27):
            trial.report(value + 1 / epoch, epoch)
        study.tell(trial, value)


@pytest.mark.parametrize(("good", "by"), [(0.3, "prior"), (0.9, "best")])
def test_a_prior_that_is_wrong_loses_its_share_to_the_best_trial(good: float, by: str) -> None:
    study = study_of(lt.PriorBand(BELIEF), stop=lt.Threshold(9))
    told(study, [(good, 0.0), (good - 0.02, 0.1), (good + 0.02, 0.2)])
    drawn = [study.ask().note["by"] for _ in range(150)]
    other = {"prior": "best", "best": "prior"}[by]
    assert drawn.count(by) > 2 * drawn.count(other)


def test_results_are_those_of_each_rung_the_best_first() -> None:
    study = study_of(lt.Random(), stop=lt.Threshold(9))
    told(study, [(0.5, 0.3), (0.6, 0.1), (0.7, 0.2)])
    trial = study.ask(params={"x": 0.8, "rate": 0.01, "kind": "a"})
    trial.report(0.5, 1)
    rungs = rung_results(study.reader.problem, study.history)
    assert [len(rung) for rung in rungs] == [4, 3, 3, 3]
    np.testing.assert_allclose(rungs[0].points[:, 0], [0.8, 0.6, 0.7, 0.5])
    np.testing.assert_allclose(rungs[-1].losses, [0.1, 0.2, 0.3])
    problem = study.reader.problem
    places = [opening_rung(Problem(**_fields(problem), first_units=units), rungs) for units in (1, 3, 9, 27, 5)]
    assert places == [0, 1, 2, 3, 1]


def _fields(problem: Problem) -> dict[str, Any]:
    return {"space": problem.space, "objectives": problem.objectives, "fidelity": problem.fidelity}


def test_what_is_proposed_for_does_not_count_when_problems_are_compared() -> None:
    study = study_of(lt.Random())
    problem = study.reader.problem
    assert Problem(**_fields(problem), first_units=3) == Problem(**_fields(problem))


def test_differential_evolution_learns_from_paused_trials() -> None:
    """Nearly all trials are paused: its children come nearer to the optimum than draws at random."""
    better = 0
    for seed in range(4):
        off = []
        for method in (lt.Evolution("de", population=8), lt.Random()):
            study = lt.Study("s", SPACE, minimize="y", method=method, seed=seed, fidelity=EPOCHS, stop=lt.ASHA())
            study.run(loss, trials=80)
            off.append(np.mean([abs(trial["x"] - 0.3) for trial in study.trials[40:]]))
        better += off[0] < off[1]
    assert better >= 3


def test_a_bad_eta_is_refused() -> None:
    with pytest.raises(InvalidSetting, match="from 2 on"):
        lt.PriorBand(BELIEF, eta=1)
