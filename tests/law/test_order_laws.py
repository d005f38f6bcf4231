"""The order of what is given back, and its times: the same before and after a study is opened again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import luthier as lt
from luthier.codec import canonical
from luthier.errors import InvalidResult

SPACE = {
    "zeta": lt.Float(0, 1),
    "mix": lt.Simplex(["water", "air"]),
    "kind": lt.Choice(lt.Option("z", {"shares": lt.Simplex(["b", "a", "c"]), "b": lt.Int(1, 9)}), "a"),
    "alpha": lt.Int(1, 9),
}


def _forms(study: lt.Study) -> list[str]:
    """Write everything in the order in which it is given."""
    given: list[Any] = [
        [one.params, one.nested_params, one.config, one.values, one.violations, one.extra, one.attributes, one.note]
        for one in study.trials
    ]
    return [json.dumps(given), json.dumps(study.reader.to_dict()), *study.reader.rows()[0], str(study.to_frame())]


def _objective(trial: Any) -> dict[str, Any]:
    trial.set(zz={"b": 1, "a": {"d": 1, "c": 2}}, aa=2)
    values = {"size": trial["zeta"], "error": float(trial["alpha"])}
    return {**values, "z": {"y": 1, "x": [{"n": 1, "m": 2}]}, "a": 1, "violations": {"z": -1.0, "a": -1.0}}


@pytest.mark.parametrize("method", [lt.Random(), lt.Quasi(), lt.Bayes(initial=3)])
def test_the_order_is_the_same_after_a_study_is_opened_again(method: Any, tmp_path: Path) -> None:
    where = tmp_path / "s.db"
    with lt.Study("s", SPACE, minimize=("size", "error"), method=method, seed=0, store=where) as study:
        study.enqueue({"alpha": 3, "mix": {"air": 0.25, "water": 0.75}, "kind": "a", "zeta": 0.5})
        study.run(_objective, trials=6, executor="inline")
        before = _forms(study)
        assert list(study.trials[0].values) == ["size", "error"]
        assert [*study.trials[0].params] == ["zeta", "mix", "kind", "alpha"]
        assert list(study.trials[0].params["mix"]) == ["water", "air"]
    with lt.Study("s", store=where) as again:
        assert _forms(again) == before


def test_a_trial_that_is_run_again_has_its_variables_in_the_same_order(tmp_path: Path) -> None:
    where = tmp_path / "s.db"
    with lt.Study("s", SPACE, minimize="v", method=lt.Random(), seed=0, store=where) as study:
        first = study.ask()
        study.release(first)
    with lt.Study("s", store=where) as again:
        later = again.ask()
        assert later.number == first.number and later.attempt == 2
        assert list(later.params) == list(first.params) and str(later.params) == str(first.params)


@pytest.mark.parametrize("value", [{1: 2}, {"a": {1, 2}}, {"a": object()}])
def test_what_cannot_be_stored_has_no_order(value: Any) -> None:
    with pytest.raises(InvalidResult):
        canonical(value)


@pytest.mark.parametrize("value", [{}, {"b": 1, "a": (1, {"d": float("inf"), "c": None})}, {"$float": "nan"}])
def test_plain_data_in_its_order_is_equal(value: Any) -> None:
    assert canonical(value) == value and list(canonical(value)) == sorted(value)
