"""Laws 1, 2, 3 and 5 where trials fail, are pruned, lost, run again and forgotten, over all methods."""

from __future__ import annotations

import pytest

import luthier as lt
from luthier.errors import TrialFailed, TrialPruned
from luthier.event import Forgotten, Reopened
from luthier.key import Key
from luthier.memo import Memo
from luthier.method.bayesian.acquisition_optimizer import AcquisitionOptimizer
from luthier.store import Memory
from luthier.study.decisions import propose
from luthier.trial import Reason

pytestmark = pytest.mark.slow

SPACE = {"x": lt.Float(-2, 2), "n": lt.Int(1, 40), "kind": lt.Choice("a", "b")}
SLOW = ("auto", "gp", "forest")
QUICK = AcquisitionOptimizer(scattered=64, nearby=32, rounds=1, ascents=0)
METHODS = {
    "auto": lt.Auto(search=QUICK),
    "gp": lt.Bayes(lt.GP(), search=QUICK),
    "forest": lt.Bayes(lt.Forest(trees=8)),
    "parzen": lt.Bayes(lt.Parzen(), lt.EI(), initial=4),
    "de": lt.Evolution("de", population=4),
    "cma": lt.Evolution("cma", population=4),
    "anneal": lt.Anneal(),
    "grid": lt.Grid(points=5),
    "quasi": lt.Quasi(),
    "random": lt.Random(),
}


def broken(trial):
    raise ImportError("no module named tool")


def mended(trial):
    """Fail in a corner, prune in another one, and else give a value; the same at every attempt."""
    trial.report(trial["x"] ** 2 + 1, 0)
    if trial["x"] > 1.2:
        raise ValueError("out of range")
    if trial["x"] < -1.2:
        raise TrialPruned("not worth finishing")
    return (trial["x"] - 0.3) ** 2 + trial["n"] / 40 + (trial["kind"] == "b")


def begin(method, store):
    """Make a study that was broken, mended, and looked over by a person."""
    study = lt.Study("s", SPACE, minimize="loss", method=method, store=store, seed=3)
    with pytest.raises(TrialFailed):
        study.run(broken, trials=9, give_up_after=4)
    study.retry(1)
    study.run(mended, trials=12)
    study.forget([number for number in (5, 7) if not study.trial(number).forgotten])
    study.retry(lambda trial: trial.number == 8)
    return study


def outcomes(study):
    return [(t.number, dict(t.config), t.reason, dict(t.values), t.forgotten) for t in study.trials]


def copied(events, length):
    """Give a store with the first events of a log, as a process that was killed leaves them."""
    store = Memory()
    store.append("s", events[:length], 0)
    return store


@pytest.mark.parametrize("name", METHODS)
def test_a_study_that_is_killed_anywhere_goes_on_with_the_same_trials(name: str) -> None:
    """Law 1."""
    method, store = METHODS[name], Memory()
    with begin(method, store) as study:
        before = study.history.length
        study.run(mended, trials=14 if name in SLOW else 18)
        whole, events = outcomes(study), list(study.reader.events)
    assert any(isinstance(event, Reopened) for event in events) and any(
        isinstance(event, Forgotten) for event in events
    )
    cuts = (before - 2, before, len(events) - 5) if name in SLOW else range(before - 3, len(events), 3)
    for length in cuts:
        with lt.Study("s", store=copied(events, length), method=method) as resumed:
            resumed.forget([n for n in (5, 7) if len(resumed) > n and resumed.trial(n).state == "finished"])
            if not resumed.history.reopened.get(8):
                resumed.retry(8)
            resumed.run(mended, trials=14 if name in SLOW else 18)
            assert outcomes(resumed) == whole, length


@pytest.mark.parametrize("name", METHODS)
def test_every_proposal_is_made_again_without_what_was_known_later(name: str) -> None:
    """Laws 2, 3 and 5: by `verify`, with an empty memo, and no configuration that counts is proposed twice."""
    with begin(METHODS[name], Memory()) as study:
        study.run(mended, trials=14)
        found = study.verify()
        assert found.ok and found.proved == 14, found.mismatches
        history, root = study.history, Key.of(study.seed)
        for trial in history.trials:
            view = history.upto(trial.seen)
            again = propose(view.problem(), view, study.method, root, Memo(0), trial.number, 1)
            assert dict(again[0].config) == dict(trial.config) and dict(again[0].note) == dict(trial.note)
            assert not view.has(study.space.identity(dict(trial.config))), trial.number


@pytest.mark.parametrize("name", METHODS)
def test_what_is_forgotten_is_forgotten_by_the_method(name: str) -> None:
    """Two studies that differ by the value of a forgotten trial only go on with the same proposals."""
    found = []
    for value in (-1e9, 7.0):
        with lt.Study("s", SPACE, minimize="loss", method=METHODS[name], seed=5) as study:
            study.run(mended, trials=6)
            trial = study.ask()
            study.report(trial, value, 0)
            study.tell(trial, value)
            study.forget(trial.number)
            assert study.history.best != trial.number
            study.run(mended, trials=9 if name in SLOW else 14)
            found.append([(t.number, dict(t.config)) for t in study.trials])
    assert found[0] == found[1]


def test_a_grid_ends_with_every_point_that_counts_tried_once() -> None:
    """Law 5 of a finite space, after a broken program."""
    space = {"n": lt.Int(1, 7), "kind": lt.Choice("a", "b")}
    for method in (lt.Grid(), lt.Random(), lt.Quasi(), lt.Auto(), lt.Evolution("de"), lt.Anneal()):
        study = lt.Study("s", space, minimize="loss", method=method, seed=1)
        study.run(broken, trials=4)
        assert study.run(lambda trial: float(trial["n"]), trials=100) == "exhausted"
        counted = [(t["n"], t["kind"]) for t in study.trials if not t.forgotten]
        assert len(counted) == len(set(counted)) == 14, method
        assert [t.number for t in study.trials if t.forgotten] == [0, 1, 2, 3]


def test_a_lost_trial_that_is_to_be_run_again_may_be_lost_again() -> None:
    study = lt.Study("s", SPACE, minimize="loss", method=lt.Random(), seed=1)
    for _ in range(2):
        for _ in range(5):
            study.release(study.ask(), "killed", reason=Reason.LOST)
        assert study.trial(0).reason is Reason.LOST and len(study) == 1
        assert study.history.data(study.problem).failed.shape == (1, study.space.dimensions)
        assert study.retry() == (0,)
    assert study.ask().attempt == 11
