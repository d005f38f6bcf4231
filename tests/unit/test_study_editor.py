"""What is put into a study: points, results, other studies, another space; and how it is opened and shown."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

import luthier as lt
from luthier.errors import (
    InvalidConfig,
    InvalidResult,
    InvalidSetting,
    InvalidSpace,
    StoreError,
    StoreFull,
    StudyMismatch,
    StudyNotFound,
)
from luthier.store import Memory
from luthier.testing.faults import FaultyStore

SPACE = {"x": lt.Float(0, 1, default=0.5), "n": lt.Int(1, 9, default=5)}


def _study(space: Any = SPACE, **settings: Any) -> lt.Study:
    return lt.Study("s", space, minimize="loss", seed=1, **({"method": lt.Random()} | settings))


def test_what_is_enqueued_is_tried_next_and_once() -> None:
    study = _study()
    ticket = study.enqueue({"x": 0.25})
    assert study.enqueue({"x": 0.25, "n": 5}) == ticket  # n has that default
    assert study.enqueue({"x": 0.75}, ticket="mine") == "mine"
    assert study.enqueue({"x": 0.8}, ticket="mine") == "mine"
    assert [ask.params["x"] for ask in study.ask(2)] == [0.25, 0.75]
    study.enqueue({"x": 0.25})
    assert study.ask()["x"] not in (0.25, 0.75)
    with pytest.raises(InvalidConfig, match="x"):
        study.enqueue({"x": 7})
    with pytest.raises(InvalidConfig, match="y"):
        study.enqueue({"y": 7})


def test_a_result_from_elsewhere_is_added_once() -> None:
    study = _study()
    first = study.add({"x": 0.1, "n": 1}, 3.0, duration_s=1.5)
    assert (first.value, first.duration_s, first.trial.origin) == (3.0, 1.5, "imported")
    assert study.add({"x": 0.1, "n": 1}, 3.0).number == 0
    assert study.add({"x": 0.1, "n": 1}, 4.0).number == 1
    assert study.add({"x": 0.9, "n": 1}, 4.0, ticket="a").number == 2
    assert study.add({"x": 0.8, "n": 1}, 5.0, ticket="a").number == 2
    assert study.best.number == 0 and study.history.asked == 0
    with pytest.raises(InvalidResult):
        study.add({"x": 0.1, "n": 1}, None)
    with pytest.raises(InvalidConfig, match="variable 'y' is missing"):  # a middle is not what was measured
        _study({**SPACE, "y": lt.Float(0, 1)}).add({"x": 0.5, "n": 1}, 1.0)
    assert study.add({"x": 0.3, "n": 1}, math.nan).reason == "nonfinite"
    assert len(study) == 4 and study.verify().given == 4


def test_many_results_are_added_in_one_transaction() -> None:
    store = FaultyStore(Memory())
    study = _study(store=store)
    study.tell(study.ask(), 9.0)
    appends = store.appends
    params = [{"x": i / 1000, "n": 1 + i % 9} for i in range(200)]
    found = study.add_many(params, [float(i) for i in range(200)], durations_s=[None, *range(1, 200)])
    assert store.appends == appends + 1
    assert [trial.number for trial in found] == list(range(1, 201))
    assert [trial.value for trial in found] == [float(i) for i in range(200)]
    assert [trial.duration_s for trial in found[:3]] == [None, 1.0, 2.0]
    assert {trial.trial.origin for trial in found} == {"imported"} and study.best.number == 1
    again = study.add_many(params[::-1], [float(i) for i in range(199, -1, -1)])
    assert [trial.number for trial in again] == list(range(200, 0, -1)) and len(study) == 201
    assert study.add_many([], []) == [] and store.appends == appends + 1  # there was nothing to append
    assert study.verify().ok


@pytest.mark.parametrize("noisy", [False, True])
def test_of_many_results_those_that_are_known_are_given_as_they_stand(noisy: bool) -> None:
    study = _study(noisy=noisy)
    study.add({"x": 0.1, "n": 1}, 1.0, ticket="a")
    params = [{"x": x, "n": 1} for x in (0.2, 0.3, 0.4, 0.5, 0.6)]
    found = study.add_many(params, [2.0, 3.0, 4.0, 5.0, 6.0], tickets=[None, "a", "b", "b", None])
    assert [(trial.number, trial.value) for trial in found] == [(1, 2.0), (0, 1.0), (2, 4.0), (2, 4.0), (3, 6.0)]
    assert len(study) == 4
    twice = study.add_many(params[:1] * 2, [2.0, 2.0])
    assert [trial.number for trial in twice] == ([4, 5] if noisy else [1, 1])


def test_of_many_results_all_are_added_or_none() -> None:
    store = FaultyStore(Memory())
    study = _study(store=store)
    good = {"x": 0.1, "n": 1}
    appends = store.appends
    with pytest.raises(InvalidConfig, match=r"result \[1\], counted from 0: .*x"):
        study.add_many([good, {"x": 7, "n": 1}, good], [1.0, 2.0, 3.0])
    with pytest.raises(InvalidResult, match=r"result \[2\], counted from 0: "):
        study.add_many([good] * 3, [1.0, 2.0, "three"])
    for lengths in ([1.0], [1.0, 2.0, 3.0]):
        with pytest.raises(InvalidSetting, match="different lengths"):
            study.add_many([good, good], lengths)
    with pytest.raises(InvalidSetting, match="different lengths"):
        study.add_many([good], [1.0], durations_s=[1.0, 2.0])
    study.enqueue({"x": 0.5}, ticket="mine")
    with pytest.raises(InvalidSetting, match="'mine' is that of an enqueued configuration"):
        study.add_many([good, {"x": 0.5, "n": 5}], [1.0, 2.0], tickets=[None, "mine"])
    assert len(study) == 0 and store.appends == appends + 1
    store.fail_next(StoreFull("the disk is full"))
    with pytest.raises(StoreFull):
        study.add_many([good, {"x": 0.2, "n": 1}], [1.0, 2.0])
    assert len(study) == 0


def test_learning_from_another_study_is_one_transaction() -> None:
    other = _study()
    other.add_many([{"x": i / 100, "n": 1} for i in range(50)], [float(i) for i in range(50)])
    store = FaultyStore(Memory())
    study = _study({"x": lt.Float(0.1, 1), "n": lt.Int(1, 9)}, store=store)
    appends = store.appends
    assert study.learn_from(other) == 40 and store.appends == appends + 1
    assert study.learn_from(other) == 40 and store.appends == appends + 1
    assert [trial.value for trial in study.trials] == [float(i) for i in range(10, 50)]


def test_a_noisy_study_takes_in_the_same_result_twice() -> None:
    study = _study(noisy=True)
    assert [study.add({"x": 0.1, "n": 1}, 3.0).number for _ in range(2)] == [0, 1]


def test_imported_trials_do_not_count_for_the_budget() -> None:
    study = _study()
    for i in range(5):
        study.add({"x": i / 10, "n": 1}, 3.0)
    study.run(lambda trial: trial["x"], trials=4)
    assert len(study) == 9 and study.history.asked == 4


def test_a_study_learns_from_another() -> None:
    other = lt.Study("other", {"x": lt.Float(0, 2), "n": lt.Int(1, 9)}, minimize="loss", method=lt.Random(), seed=9)
    for x in (0.5, 1.5, 0.25):
        other.tell(other.ask(params={"x": x, "n": 2}), {"loss": x, "violations": {"size": x - 0.4}, "note": "a"})
    other.tell(other.ask(), failed="no")
    study = _study()
    assert study.learn_from(other) == 2
    assert study.learn_from(other) == 2
    assert [trial["x"] for trial in study.trials] == [0.5, 0.25]
    assert study.best["x"] == 0.25  # the other breaks an outcome constraint
    assert study.trials[0].extra == {"note": "a"}


def test_a_study_cannot_learn_from_one_that_measures_something_else() -> None:
    other = lt.Study("other", SPACE, minimize="time", method=lt.Random(), seed=9)
    with pytest.raises(StudyMismatch, match=r"measures \['time'\], and this one wants \['loss'\]"):
        _study().learn_from(other)


def test_a_study_cannot_learn_from_one_of_the_opposite_goal() -> None:
    both = {"minimize": "loss", "maximize": "gain"}
    other = lt.Study("other", SPACE, **both, method=lt.Random(), seed=9)
    other.add({"x": 0.5, "n": 2}, {"loss": 1.0, "gain": 2.0})
    assert lt.Study("s", SPACE, **both, seed=1).learn_from(other) == 1
    study = lt.Study("s", SPACE, minimize=["loss", "gain"], seed=1)
    length = study.history.length
    with pytest.raises(StudyMismatch, match=r"'other' maximizes 'gain', and this one minimizes 'gain': .*add_many"):
        study.learn_from(other)
    assert study.history.length == length


def test_a_space_changes_and_history_is_kept_where_it_applies() -> None:
    store = Memory()
    study = _study(store=store)
    for x in (0.1, 0.9):
        study.tell(study.ask(params={"x": x, "n": 2}), x)
    study.enqueue({"x": 0.95})
    study.change(
        {"x": lt.Float(0.5, 2, default=0.5), "n": lt.Int(1, 9, default=5), "kind": lt.Choice("a", "b", default="a")}
    )
    assert len(study) == 2 and study.best["x"] == 0.9
    data = study.history.data(study.problem)
    assert len(data) == 1 and data.loss.tolist() == [0.9]
    assert dict(study.ask().params) == {"x": 0.95, "n": 5, "kind": "a"}
    trial = study.ask()
    assert trial["kind"] in ("a", "b")
    study.tell(trial, 0.01)
    assert study.best.number == trial.number
    assert study.verify().ok
    assert lt.Study("s", store=store).space == study.space
    with pytest.raises(StudyMismatch, match="another space"):
        _study(store=store)


def test_a_change_that_makes_no_sense_is_refused_and_changes_nothing() -> None:
    study = _study()
    study.tell(study.ask(), 1.0)
    length = study.history.length
    with pytest.raises(StudyMismatch, match=r"cannot change to this space: .*n"):
        study.change({"x": lt.Float(0, 1), "n": lt.Choice("a", "b")})
    with pytest.raises(StudyMismatch, match="y"):
        study.change({**SPACE, "y": lt.Float(0, 1)})  # no default
    study.change(SPACE)
    assert study.history.length == length


def test_a_trial_that_waits_when_the_space_changes_is_run_as_the_new_space_reads_it() -> None:
    study = _study()
    inside, outside = study.ask(params={"x": 0.7, "n": 2}), study.ask(params={"x": 0.1, "n": 2})
    study.release(inside)
    study.release(outside)
    study.change({"x": lt.Float(0.5, 1, default=0.5), "n": lt.Int(1, 9, default=5), "z": lt.Bool(default=True)})
    again = study.ask(2)
    assert dict(again[0].params) == {"x": 0.7, "n": 2, "z": True} and again[0].number == 0
    assert again[1].number == 2
    assert str(study.trials[1].reason) == "lost" and "cannot hold" in study.trials[1].error


def test_objects_and_predicates_survive_a_change_while_the_program_has_them() -> None:
    class Net:
        pass

    net = Net()
    small = lt.Space({"net": lt.Choice(lt.Named("net", net)), "x": lt.Float(0, 1)})
    large = lt.Space({"net": lt.Choice(lt.Named("net", net)), "x": lt.Float(0, 2)})
    store = Memory()
    study = _study(small, store=store)
    assert study.ask()["net"] is net
    study.change(large)
    assert study.ask()["net"] is net
    assert _study(large, store=store).ask()["net"] is net


def test_a_study_is_taken_up_by_its_name(tmp_path: Path) -> None:
    file = tmp_path / "s.db"
    with _study(store=file) as study:
        study.tell(study.ask(), 1.0)
    with lt.Study("s", store=file) as study:
        assert len(study) == 1 and study.seed == 1 and study.space == lt.Space(SPACE)
        study.tell(study.ask(), 0.5)
    with _study(store=file) as study:
        assert study.best_value == 0.5
    with pytest.raises(StoreError, match="closed"):
        study.ask()


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"minimize": "other"}, "has minimize='loss'"),
        ({"maximize": "loss"}, "has minimize='loss'"),
        ({"seed": 2}, "has seed 1, not 2"),
        ({"noisy": True}, "is not noisy"),
        ({"space": {"x": lt.Float(0, 2), "n": lt.Int(1, 9)}}, "searches another space"),
    ],
)
def test_another_study_of_the_same_name_is_refused(settings: dict[str, Any], says: str) -> None:
    store = Memory()
    _study(store=store)
    with pytest.raises(StudyMismatch, match=says):
        lt.Study("s", store=store, **settings)


@pytest.mark.parametrize(
    ("arguments", "settings", "error", "says"),
    [
        (("", SPACE), {"minimize": "loss"}, InvalidSetting, "needs a name"),
        (("s", SPACE), {}, InvalidSetting, "needs an objective"),
        (("s", SPACE), {"minimize": ["a", "a"]}, InvalidSetting, "a name of its own"),
        (("s", SPACE), {"minimize": ["a", 3]}, InvalidSetting, "name what is optimized"),
        (("s", SPACE), {"minimize": "a", "seed": -1}, InvalidSetting, "a seed is"),
        (("s",), {"minimize": "a"}, StudyNotFound, "to begin one, give a space"),
        (("s", SPACE), {"minimize": "a", "method": 3}, InvalidSetting, "not a method"),
        (("s", {"x": 3}), {"minimize": "a"}, InvalidSpace, "x"),
    ],
)
def test_what_makes_no_sense_is_refused_at_once(
    arguments: tuple[Any, ...], settings: dict[str, Any], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        lt.Study(*arguments, **settings)


def test_a_study_is_shown_with_its_text_escaped() -> None:
    study = lt.Study("<b>s</b>", {"<x>": lt.Choice("<i>")}, minimize="<loss>", seed=1, method=lt.Random())
    assert "no trial" not in repr(study) and "0 trials" in repr(study)
    study.tell(study.ask(), 0.5)
    shown = study._repr_html_()
    assert "&lt;b&gt;s" in shown and "&lt;i&gt;" in shown and "&lt;x&gt;" in shown
    assert not any(text in shown for text in ("<b>", "<i>", "<x>", "<loss>"))
    assert "1 trial: 1 done" in repr(study) and "'<i>'" in repr(study)
    assert study  # also when empty


def test_a_study_becomes_a_table() -> None:
    import pandas

    study = lt.Study("s", {"loss": lt.Float(0, 1), "k": lt.Int(1, 3, when="loss > 2")}, minimize="loss", seed=1)
    study.tell(study.ask(params={"loss": 0.5}), 2.0)
    study.tell(study.ask(params={"loss": 0.25}), failed="=cmd()")
    frame = study.to_frame()
    assert isinstance(frame, pandas.DataFrame)
    assert frame["number"].tolist() == [0, 1] and frame["reason"].tolist() == ["done", "failed"]
    assert frame["params.loss"].tolist() == [0.5, 0.25] and frame["loss"].tolist()[0] == 2.0
    assert frame["k"].isna().all() and frame["error"].tolist() == ["", "=cmd()"]


OLD = {"lr": lt.Float(1e-4, 0.1, log=True), "momentum": lt.Float(0, 0.9)}


def _learn(space: Any, **settings: Any) -> lt.Study:
    other = lt.Study("old", OLD, minimize="loss", method=lt.Random(), seed=9)
    other.add_many([{"lr": 0.001 * (i + 1), "momentum": 0.5} for i in range(4)], [1.0, 2.0, 3.0, 4.0])
    study = _study(space)
    assert study.learn_from(other, **settings) == 4
    return study


def test_a_study_learns_though_the_variables_are_others() -> None:
    more = {**OLD, "dropout": lt.Float(0, 0.5, default=0.1), "k": lt.Choice("a", "b", default="b")}
    assert _learn(more).trials[0].params == {"lr": 0.001, "momentum": 0.5, "dropout": 0.1, "k": "b"}
    more = {**OLD, "dropout": lt.Float(0, 0.5), "u": lt.Float(0, 1, when="dropout > 0.2")}
    assert _learn(more, fill={"dropout": 0.0, "u": 0.3}).trials[0].params == {
        "lr": 0.001,
        "momentum": 0.5,
        "dropout": 0.0,
    }
    assert _learn(more, fill={"dropout": 0.4, "u": 0.3}).trials[0]["u"] == 0.3
    assert _learn({"lr": OLD["lr"]}, ignore=["momentum"]).trials[3].params == {"lr": 0.004}
    renamed = {"rate": OLD["lr"], "momentum": OLD["momentum"]}
    assert _learn(renamed, names={"lr": "rate"}).trials[1].params == {"rate": 0.002, "momentum": 0.5}


@pytest.mark.parametrize(
    ("space", "settings", "message"),
    [
        ({**OLD, "dropout": lt.Float(0, 0.5)}, {}, r"'dropout' is not among its variables.*fill=\{'dropout': …\}"),
        ({"lr": OLD["lr"]}, {}, r"its variable 'momentum' is not one of this study.*ignore=\['momentum'\]"),
        ({"rate": OLD["lr"], "momentum": OLD["momentum"]}, {}, r"names=\{'lr': …\}.*'rate' is not among"),
        (OLD, {"names": {"l": "lr"}}, "names: study 'old' has no variable 'l'; did you mean 'lr'"),
        (OLD, {"ignore": ["x"]}, "ignore: study 'old' has no variable 'x'"),
        (OLD, {"fill": {"x": 1}}, "fill: this study has no variable 'x'"),
        ({**OLD, "lr": lt.Float(0.5, 1)}, {}, "none of the 4 trials .* fits into this space: trial 0: variable 'lr'"),
    ],
)
def test_a_study_from_which_nothing_could_be_learnt_is_refused(space: Any, settings: Any, message: str) -> None:
    with pytest.raises(StudyMismatch, match=message):
        _learn(space, **settings)


def test_trials_that_are_not_learnt_are_said(caplog: pytest.LogCaptureFixture) -> None:
    other = _study()
    other.add_many([{"x": 0.1, "n": 1}, {"x": 0.9, "n": 1}], [1.0, 2.0])
    assert _study({**SPACE, "x": lt.Float(0, 0.5, default=0.5)}).learn_from(other) == 1
    assert "1 of 2 trials do not fit, trial 1: variable 'x'" in caplog.text


def test_the_row_of_a_table_is_taken() -> None:
    study = _study({"k": lt.Choice("a", "b"), "z": lt.Float(0, 1, when="k == 'b'")})
    assert study.add({"k": "a", "z": math.nan}, 1.0).params == {"k": "a"}
    assert study.add({"k": "a", "z": None}, 2.0).params == {"k": "a"}
    for params in ({"k": "b", "z": math.nan}, {"k": "a", "z": 0.5}):
        with pytest.raises(InvalidConfig, match="variable 'z'"):
            study.add(params, 3.0)
    assert study.ask(params={}).params == {"k": "a"}


def test_another_order_of_variables_is_the_same_space(tmp_path: Path) -> None:
    db = tmp_path / "s.db"
    space = {**SPACE, "k": lt.Choice(lt.Named("f", len), "b")}
    rules = ["x < 0.9", "n > 1"]
    with _study(lt.Space(space, rules), store=db) as study:
        first = study.ask().params
    turned = lt.Space(dict(reversed(space.items())), [rules[1], rules[0]])
    with _study(turned, store=db) as study:
        assert list(study.space.given) == list(space) and study.trials[0]["k"] in (len, "b")
        assert study.trials[0].params == first


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": lt.Float(0, 2)}, r"'x' is Float\(0\.0, 1\.0, default=0\.5\) there, and Float\(0\.0, 2\.0\) here"),
        ({"y": lt.Bool()}, "it has no variable 'y'"),
        ({"n": None}, r"it has the variable 'n' as well, Int\(1, 9, default=5\)"),
    ],
)
def test_a_mismatch_says_what_differs(change: dict[str, Any], message: str) -> None:
    store = Memory()
    _study(store=store)
    space = {name: variable for name, variable in {**SPACE, **change}.items() if variable is not None}
    with pytest.raises(StudyMismatch, match=message):
        _study(space, store=store)
    with pytest.raises(StudyMismatch, match=r"it lacks the constraint 'x < 0\.5'"):
        _study(lt.Space(SPACE, ["x < 0.5"]), store=store)


def test_a_misspelt_name_makes_no_file(tmp_path: Path) -> None:
    db = tmp_path / "s.db"
    with pytest.raises(StoreError, match="there is no store"):
        lt.Study("s", store=db)
    with pytest.raises(InvalidSetting, match="needs an objective"):
        lt.Study("s", SPACE, store=db)
    assert not db.exists()
    _study(store=db).close()
    with pytest.raises(StudyNotFound, match="no study 'z'; there is 's'"):
        lt.Study("z", store=db)


def test_the_studies_of_a_store(tmp_path: Path) -> None:
    db = tmp_path / "s.db"
    with _study(store=db) as study:
        study.run(lambda trial: trial["x"], trials=3)
    lt.Study("front", SPACE, minimize="a", maximize="b", store=db).close()
    front, single = lt.studies(db)
    assert (front.name, front.trials, front.best) == ("front", 0, None)
    assert str(single) == f"s: minimize loss, 3 trials: 3 done, best {single.best:.6g}"
    assert single.begun <= single.latest and single.to_dict()["variables"] == ["x", "n"]
    with pytest.raises(StoreError):
        lt.studies(tmp_path / "typo.db")
    assert not (tmp_path / "typo.db").exists()


def test_a_data_frame_of_results_is_recorded_row_by_row() -> None:
    import pandas

    space = {"k": lt.Choice("a", "b"), "g": lt.Float(0, 1, when="k == 'a'"), "n": lt.Int(1, 9)}
    study = lt.Study("s", space, minimize="loss", seed=0, method=lt.Random())
    table = pandas.DataFrame({"k": ["b", "a"], "g": [math.nan, 0.5], "n": [1, 2], "loss": [2.0, 3.0], "by": ["x", "y"]})
    added = study.add_many(table, table["loss"])
    assert [dict(one.params) for one in added] == [{"k": "b", "n": 1}, {"k": "a", "g": 0.5, "n": 2}]
    again = lt.Study("t", space, minimize="loss", seed=0, method=lt.Random())
    frame = study.to_frame()
    assert [one.config for one in again.add_many(frame, frame["loss"])] == [one.config for one in added]
    with pytest.raises(InvalidConfig, match="no column of a variable"):
        study.add_many(table[["by"]], table["loss"])
    for wrong in ((5, [1.0]), (None, None), ([{"k": "b", "n": 1}], None)):
        with pytest.raises(InvalidSetting, match="give lists"):
            study.add_many(*wrong)


def test_many_are_enqueued_at_once_and_in_order() -> None:
    study = lt.Study("s", {"x": lt.Float(0, 1), "n": lt.Int(1, 9)}, minimize="loss", seed=1, method=lt.Random())
    first = study.enqueue({"x": 0.5, "n": 3})
    length = study.history.length
    tickets = study.enqueue_many([{"x": 0.25, "n": 2}, {"x": 0.5, "n": 3}, {"x": 0.25, "n": 2}, {"x": 1.0, "n": 1}])
    assert tickets[1] == first and tickets[0] == tickets[2] and len(set(tickets)) == 3
    assert study.history.length == length + 2
    assert study.enqueue_many([{"x": 0.75, "n": 5}] * 2, tickets=["a", "b"]) == ("a", "b")
    assert [study.ask()["x"] for _ in range(5)] == [0.5, 0.25, 1.0, 0.75, 0.75]
    assert study.enqueue_many([]) == ()
    length = study.history.length
    with pytest.raises(InvalidConfig):
        study.enqueue_many([{"x": 0.1, "n": 1}, {"x": 7, "n": 1}])
    with pytest.raises(InvalidSetting, match="different lengths"):
        study.enqueue_many([{"x": 0.1, "n": 1}], tickets=["a", "b"])
    with pytest.raises(InvalidSetting, match="a ticket is a text"):
        study.enqueue_many([{"x": 0.1, "n": 1}], tickets=[5])  # type: ignore[list-item]
    assert study.history.length == length
