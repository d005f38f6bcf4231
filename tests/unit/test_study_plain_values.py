"""What a study gives out goes into JSON, pickle, a copy, another process; and foreign words are answered with ours."""

from __future__ import annotations

import copy
import json
import math
import pickle
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np
import pytest

import luthier as lt
from luthier.errors import InvalidSetting

SPACE = {
    "x": lt.Float(0, 1),
    "k": lt.Choice("a", ("b", 1)),
    "m": lt.Choice(
        lt.Option("svm", {"C": lt.Float(0, 1), "deep": lt.Choice(lt.Option("t", {"n": lt.Int(1, 3)}))}), "no"
    ),
}


def _study(trials: int = 3) -> lt.Study:
    study = lt.Study("s", SPACE, minimize="v", method=lt.Random(), seed=0)
    study.run(lambda trial: {"v": trial["x"], "auc": 0.5, "violations": {"size": -1.0}}, trials=trials)
    return study


def _square(trial: Any) -> float:
    return float(trial["x"]) ** 2


def test_mappings_are_dicts_of_their_own() -> None:
    study = _study()
    best, explained = study.best, study.explain(2)
    for found in (
        best.params, best.config, best.values, best.extra, best.violations, best.note, best.nested_params,
        study.best_params, study.ask().params, study.ask().config, study.reader.counts, study.reader.leases,
        study.predict(best.params).params, study.predict(best.params).intervals, explained.params, explained.values,
    ):  # fmt: skip
        assert pickle.loads(pickle.dumps(found)) == found == copy.deepcopy(found)
        assert type(found) is dict
    assert json.loads(json.dumps([best.params, best.values, best.extra])) == json.loads(
        json.dumps([study.best_params, {"v": best.value}, {"auc": 0.5}])
    )
    study.best.params["x"] = 7
    assert study.best["x"] != 7
    assert pickle.loads(pickle.dumps(study.trials)) == study.trials


def test_asked_trials_are_evaluated_in_a_pool() -> None:
    study = _study()
    trials = study.ask(3)
    with ProcessPoolExecutor(1) as pool:
        for trial, value in zip(trials, pool.map(_square, trials), strict=True):
            study.tell(trial, value)
    assert len(study) == 6 and all(trial.is_done for trial in study.trials)
    trial = study.ask()
    sent = pickle.loads(pickle.dumps(trial))
    assert sent == trial and sent.seed == trial.seed
    with pytest.raises(InvalidSetting, match=r"study\.report\(trial, value\)"):
        sent.report(1.0)
    study.tell(sent, 1.0)


def test_a_study_says_what_to_do_instead_of_copying_it() -> None:
    study = _study()
    for attempt in (copy.copy, copy.deepcopy, pickle.dumps):
        for thing in (study, study.reader):
            with pytest.raises(InvalidSetting, match="open it again there"):
                attempt(thing)


@pytest.mark.parametrize("part", ["reader", "plot", "analysis"])
@pytest.mark.parametrize("act", [copy.deepcopy, pickle.dumps])
def test_a_part_of_a_study_says_so_too(part: str, act: Any) -> None:
    with pytest.raises(InvalidSetting, match="open it again there"):
        act(getattr(_study(), part))


def test_trials_are_keys_and_members() -> None:
    study = _study()
    asked = study.ask()
    found = {*study.trials, *pickle.loads(pickle.dumps(study.trials))}
    assert len(found) == len(study.trials) and study.trials[0] in found
    assert {asked: 1}[pickle.loads(pickle.dumps(asked))] == 1


def test_trials_read_like_mappings() -> None:
    study = _study()
    for trial in (study.ask(), study.best):
        assert dict(trial) == {**trial} == trial.params and list(trial) == [*trial.params]
        assert ("x" in trial, "m.svm.C" in trial, "y" in trial) == (True, trial["m"] == "svm", False)
        assert len(trial) == len(trial.params) and bool(trial) and trial.get("y", 3) == 3


def test_nested_options_are_nested_dictionaries() -> None:
    space = lt.Space(SPACE)
    flat = {"x": 0.5, "k": ("b", 1), "m": "svm", "m.svm.C": 1.0, "m.svm.deep": "t", "m.svm.deep.t.n": 2}
    nested = {"x": 0.5, "k": ("b", 1), "m": {"svm": {"C": 1.0, "deep": {"t": {"n": 2}}}}}
    assert space.nest(flat) == nested
    assert space.nest({"x": 0.5, "m": "no"}) == {"x": 0.5, "m": "no"}
    study = lt.Study("n", space, minimize="v", seed=0)
    assert study.add(flat, 1.0).nested_params == nested
    asked = study.ask(params=flat)
    assert asked.nested_params == pickle.loads(pickle.dumps(asked)).nested_params == nested
    study.release(asked)
    seen = []
    for executor in ("inline", "threads"):
        study.run(lambda trial: seen.append(trial.nested_params) or 1.0, trials=len(seen) + 1, executor=executor)
    assert seen[0] == nested and seen[1] == study.trials[-1].nested_params


def test_the_value_of_a_failed_trial_is_nan() -> None:
    study = _study()
    study.tell(study.ask(), failed="no")
    study.ask()
    assert [math.isnan(trial.value) for trial in study.trials] == [False, False, False, True, True]


def test_a_masked_number_is_none() -> None:
    study = lt.Study("s", {"x": lt.Float(0, 1)}, minimize="v", method=lt.Random(), seed=0)
    study.run(lambda trial: np.ma.array([0.7, 0.8], mask=[trial.number == 1] * 2).mean(), trials=3)
    study.tell(study.ask(), np.ma.masked)
    study.tell(study.ask(), {"v": 3.0, "auc": np.ma.masked})
    assert [trial.reason for trial in study.trials] == ["done", "nonfinite", "done", "nonfinite", "done"]
    assert math.isnan(study.trials[4].extra["auc"]) and study.best.number == 0


@pytest.mark.parametrize(
    ("call", "hint"),
    [
        (lambda: lt.Study("s", SPACE, direction="minimize"), "minimize='loss'"),  # type: ignore[call-arg]
        (lambda: lt.Study("s", SPACE, minimze="v"), "did you mean 'minimize'"),  # type: ignore[call-arg]
        (lambda: _study().run(_square, n_trials=3), "trials=100"),  # type: ignore[call-arg]
        (lambda: lt.minimize(_square, SPACE, n_calls=3), "trials=100"),
        (lambda: lt.maximize(_square, SPACE, n_jobs=3), "workers=4"),
    ],
)
def test_a_foreign_argument_is_answered_with_ours(call: Any, hint: str) -> None:
    with pytest.raises(TypeError, match=f"has no argument .*{hint}"):
        call()


def test_a_foreign_attribute_is_answered_with_ours() -> None:
    study = _study()
    with pytest.raises(AttributeError, match=r"use study\.run\(objective"):
        study.optimize(_square)  # type: ignore[attr-defined]
    with pytest.raises(AttributeError, match="did you mean 'best_params'"):
        study.best_parms  # type: ignore[attr-defined]  # noqa: B018
    with pytest.raises(AttributeError, match=r"use lt\.Study\('name'"):
        lt.create_study  # type: ignore[attr-defined]  # noqa: B018
    with pytest.raises(AttributeError, match="did you mean 'Float'"):
        lt.Flaot  # type: ignore[attr-defined]  # noqa: B018


def test_an_error_inside_is_not_taken_for_a_wrong_argument() -> None:
    def callback(study: lt.Study, trial: Any) -> None:
        (lambda: None)(trials=3)  # type: ignore[call-arg]

    with pytest.raises(TypeError, match="<lambda>"):
        _study().run(_square, trials=4, callbacks=[callback])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"minimize": True}, "minimize=True: name what is optimized"),
        ({"maximize": 3}, "maximize=3: name what is optimized"),
        ({"minimize": {"a": 1, "b": 2}}, r"no weights.*minimize=\['a', 'b'\]"),
        ({"minimize": ["a", 3]}, "name what is optimized"),
        ({"minimize": "a", "seed": 1.5}, "a seed is an integer"),
    ],
)
def test_what_is_no_objective_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidSetting, match=message):
        lt.Study("s", SPACE, **settings)


def test_numpy_integers_are_seeds() -> None:
    seeds = [lt.Study("s", SPACE, minimize="v", seed=seed).seed for seed in (np.int64(3), np.uint8(3), 3)]
    assert seeds == [3, 3, 3] and {type(seed) for seed in seeds} == {int}


@pytest.mark.parametrize("callbacks", [print, 3, ["print"]])
def test_callbacks_are_a_list_of_functions(callbacks: Any) -> None:
    with pytest.raises(InvalidSetting, match=r"callbacks=\[f\]"):
        _study().run(_square, trials=4, callbacks=callbacks)


@pytest.mark.parametrize(
    ("method", "hint"),
    [
        (lt.EI(), r"use one of .*Bayes.*lt\.Bayes\(acquisition=lt\.EI\(\)\)"),
        (lt.GP(), r"lt\.Bayes\(surrogate=lt\.GP\(\)\)"),
        (lt.Random, "is not a method: use one of"),
        (3, "is not a method"),
    ],
)
def test_what_is_no_method_is_refused(method: Any, hint: str) -> None:
    with pytest.raises(InvalidSetting, match=hint):
        lt.Study("s", SPACE, minimize="v", method=method)
    with pytest.raises(InvalidSetting, match=hint):
        _study().method = method


@pytest.mark.parametrize("method", [lt.Bayes(acquisition=lt.MaxValueEntropy(), initial=3), lt.Auto(initial=3)])
def test_a_program_that_makes_numpy_strict_changes_nothing(method: Any) -> None:
    def run() -> list[Any]:
        study = lt.Study("n", {"x": lt.Float(0, 1), "y": lt.Float(0, 1)}, minimize="v", seed=1, method=method)
        study.run(lambda trial: (trial["x"] - 0.3) ** 2 + trial["y"], trials=6)
        return [trial.params for trial in study.trials]

    plain = run()
    with np.errstate(all="raise"):
        assert run() == plain
