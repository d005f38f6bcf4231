"""Whatever is given: refused with an error of Luthier's and nothing written, or there after reopening."""

from __future__ import annotations

import inspect
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import luthier as lt
from luthier import codec
from luthier.cli import execute
from luthier.cli.studyfile.read import read_study
from luthier.errors import InvalidFile, LuthierError
from luthier.event import decode, encode
from luthier.method import AcquisitionOptimizer, from_plain, to_plain
from luthier.sklearn.spaces.parsed_space import parse_spaces
from luthier.study import StudyReader
from luthier.surrogate import Hyperpriors
from luthier.trial import Outcome, Reason
from nasty_values import VALUES

SPACE: dict[str, Any] = {"x": lt.Float(0, 1), "k": lt.Int(1, 9), "c": lt.Choice("a", "b")}
POINT = {"x": 0.25, "k": 1, "c": "a"}
BEGUN = {"Asked", "Configured", "Claimed", "Retried"}
"""Events of trials that were asked for before the value was given."""

Door = Callable[[lt.Study, Any], object]


def _study(**settings: Any) -> lt.Study:
    return lt.Study("s", SPACE, minimize="v", **{"seed": 0, "method": lt.Random(), **settings})


def _keyed(key: Any, value: Any) -> dict[Any, Any]:
    """Make a mapping; an empty one where the key cannot be one."""
    try:
        return {key: value}
    except Exception:  # noqa: BLE001 - Python refuses the key
        return {}


OTHER = _study()
OTHER.add(POINT, 1.0)


def _of_trial(act: Callable[[lt.Study, Any, Any], object]) -> Door:
    return lambda study, value: act(study, study.ask(), value)


def _run(**settings: Callable[[Any], Any]) -> Door:
    def run(study: lt.Study, value: Any) -> object:
        return study.run(lambda _: 1.0, time_s=0.01, **{name: make(value) for name, make in settings.items()})

    return run


STUDY: dict[str, Door] = {
    "report": _of_trial(lambda s, t, v: t.report(v)),
    "step": _of_trial(lambda s, t, v: t.report(1.0, v)),
    "value": _of_trial(lambda s, t, v: s.tell(t, v)),
    "name of a value": _of_trial(lambda s, t, v: s.tell(t, {"v": 0.5, **_keyed(v, 1)})),
    "what else": _of_trial(lambda s, t, v: s.tell(t, {"v": 0.5, "extra": v})),
    "variance": _of_trial(lambda s, t, v: s.tell(t, {"v": 0.5, "variance": v})),
    "violations": _of_trial(lambda s, t, v: s.tell(t, {"v": 0.5, "violations": v})),
    "violation": _of_trial(lambda s, t, v: s.tell(t, {"v": 0.5, "violations": {"c": v}})),
    "name of a violation": _of_trial(lambda s, t, v: s.tell(t, {"v": 0.5, "violations": _keyed(v, 1.0)})),
    "duration": _of_trial(lambda s, t, v: s.tell(t, 0.5, duration_s=v)),
    "failed": _of_trial(lambda s, t, v: s.tell(t, failed=v)),
    "error": _of_trial(lambda s, t, v: s.release(t, v)),
    "reason": _of_trial(lambda s, t, v: s.release(t, reason=v)),
    "outcome": _of_trial(lambda s, t, v: s.finish(t, v)),
    "reports": _of_trial(lambda s, t, v: s.finish(t, Outcome(Reason.DONE, {"v": 1.0}), v)),
    "attribute": _of_trial(lambda s, t, v: t.set(a=v)),
    "attribute's name": _of_trial(lambda s, t, v: t.set(**_keyed(v, 1)) if isinstance(v, str) else None),
    "notes": lambda s, v: s.annotate(notes=v),
    "tags": lambda s, v: s.annotate(tags=v),
    "lease": lambda s, v: s.ask(lease_s=v),
    "asked values": lambda s, v: s.ask(params=v),
    "asked value": lambda s, v: s.ask(params={**POINT, "k": v}),
    "asked name": lambda s, v: s.ask(params={**POINT, **_keyed(v, 1)}),
    "ticket": lambda s, v: s.enqueue(POINT, ticket=v),
    "enqueued": lambda s, v: s.enqueue(v),
    "enqueued value": lambda s, v: s.enqueue({"x": v}),
    "enqueued option": lambda s, v: s.enqueue({"c": v}),
    "added": lambda s, v: s.add(v, 1.0),
    "added value": lambda s, v: s.add(POINT, v),
    "added ticket": lambda s, v: s.add(POINT, 1.0, ticket=v),
    "added duration": lambda s, v: s.add(POINT, 1.0, duration_s=v),
    "added number": lambda s, v: s.add({**POINT, "x": v}, 1.0),
    "added option": lambda s, v: s.add({**POINT, "c": v}, 1.0),
    "many": lambda s, v: s.add_many(v, [1.0]),
    "one of many": lambda s, v: s.add_many([v], [1.0]),
    "values of many": lambda s, v: s.add_many([POINT], v),
    "durations": lambda s, v: s.add_many([POINT], [1.0], durations_s=v),
    "tickets": lambda s, v: s.add_many([POINT], [1.0], tickets=v),
    "teacher": lambda s, v: s.learn_from(v),
    "names": lambda s, v: s.learn_from(OTHER, names=v),
    "name": lambda s, v: s.learn_from(OTHER, names={"x": v}),
    "fill": lambda s, v: s.learn_from(OTHER, fill=v),
    "filled": lambda s, v: s.learn_from(OTHER, fill={"x": v}),
    "ignore": lambda s, v: s.learn_from(OTHER, ignore=v),
    "ignored": lambda s, v: s.learn_from(OTHER, ignore=[v]),
    "retry": lambda s, v: s.retry(v),
    "forget": lambda s, v: s.forget(v),
    "changed space": lambda s, v: s.change(v),
    "changed variable": lambda s, v: s.change({**SPACE, "z": v}),
    "new name": lambda s, v: s.change({**SPACE, **_keyed(v, lt.Bool(default=True))}),
    "told number": lambda s, v: s.tell(v, 0.5),
    "reported number": lambda s, v: s.report(v, 0.5),
    "released number": lambda s, v: s.release(v),
    "number": lambda s, v: s.trial(v),
    "explained": lambda s, v: s.explain(v),
    "level": lambda s, v: s.expected_best(v),
    "predicted": lambda s, v: s.predict(v),
    "predicted value": lambda s, v: s.predict({"x": v}),
    "objective": lambda s, v: s.calibration(v),
    "method": lambda s, v: setattr(s, "method", v),
    "trials": _run(trials=lambda v: v),
    "time": lambda s, v: s.run(lambda _: 1.0, trials=1, time_s=v),
    "target": _run(target=lambda v: v),
    "plateau": _run(plateau=lambda v: v),
    "callbacks": _run(callbacks=lambda v: v),
    "callback": _run(callbacks=lambda v: [lambda *_: 0, v]),
    "on error": _run(on_error=lambda v: v),
    "give up": _run(give_up_after=lambda v: v),
    "progress": _run(progress=lambda v: v),
    "returned": lambda s, v: s.run(lambda _: v, trials=1, time_s=0.01),
    "trial time": lambda s, v: s.run(lambda _: 1.0, trials=len(s) or 1, trial_time_s=v, executor="inline"),
}


def _checked(door: str, values: list[Any]) -> list[str]:
    """Give values to one study through a door; what went wrong."""
    wrong = []
    with _study() as study:
        study.tell(study.ask(), 0.5)
        for place, value in enumerate(values):
            said = f"{door}: {type(value).__name__} [{place}]"
            before = len(study.reader.events)
            try:
                STUDY[door](study, value)
            except LuthierError as error:
                str(error)
                if {type(event).__name__ for event in study.reader.events[before:]} - BEGUN:
                    wrong.append(f"{said} was refused, and something was written")
            except Exception as error:  # noqa: BLE001 - what must not be
                if not callable(value):  # a function of the user's may raise what it likes
                    wrong.append(f"{said}: {error!r}")
        written = [encode(event) for event in study.reader.events]
        assert [encode(decode(text)) for text in written] == written
        study.tell(study.ask(), 0.5)
        assert study.trials[0].value == 0.5
    return wrong


def _sample(door: str, count: int) -> list[Any]:
    """Choose values, others for every door."""
    first = zlib.crc32(door.encode())
    return [VALUES[(first + place * 37) % len(VALUES)] for place in range(count)]


def test_some_values_through_every_door_of_a_study() -> None:
    assert len(VALUES) > 200
    assert not [wrong for door in STUDY for wrong in _checked(door, _sample(door, 12))]


@pytest.mark.slow
def test_all_values_through_every_door_of_a_study() -> None:
    assert not [wrong for door in STUDY for wrong in _checked(door, VALUES)]


def test_what_was_accepted_is_in_a_file_that_opens(tmp_path: Path) -> None:
    taken: list[Any] = []
    with _study(noisy=True) as memory:
        for value in VALUES:
            try:
                memory.add(POINT, {"v": 0.5, "extra": value})
            except LuthierError:
                continue
            taken.append({"v": 0.5, "extra": value})
        kept = [codec.dumps(trial.extra) for trial in memory.trials]
    assert len(kept) == len(taken) > 100
    with _study(noisy=True, store=tmp_path / "s.db") as study:
        study.add_many([POINT] * len(taken), taken)
    with StudyReader.open(tmp_path / "s.db") as again:
        assert [codec.dumps(trial.extra) for trial in again.trials] == kept


SETTINGS: dict[str, Callable[[Any], Any]] = {
    "name": lambda v: lt.Study(v, SPACE, minimize="v", method=lt.Random()),
    "space": lambda v: lt.Study("s", v, minimize="v", method=lt.Random()),
    "minimize": lambda v: lt.Study("s", SPACE, minimize=v, method=lt.Random()),
    "objective": lambda v: lt.Study("s", SPACE, maximize=["a", v], method=lt.Random()),
    "method": lambda v: lt.Study("s", SPACE, minimize="v", method=v),
    "seed": lambda v: _study(seed=v),
    "noisy": lambda v: _study(noisy=v),
    "low": lambda v: lt.Float(v, 1),
    "high": lambda v: lt.Float(0, v),
    "log": lambda v: lt.Float(1, 2, log=v),
    "step": lambda v: lt.Float(0, 1, step=v),
    "default": lambda v: lt.Float(0, 1, default=v),
    "prior": lambda v: lt.Float(0, 1, prior=v),
    "when": lambda v: lt.Float(0, 1, when=v),
    "low int": lambda v: lt.Int(v, 10),
    "high int": lambda v: lt.Int(0, v),
    "int step": lambda v: lt.Int(0, 9, step=v),
    "int default": lambda v: lt.Int(0, 9, default=v),
    "option": lambda v: lt.Choice("o", v),
    "only option": lambda v: lt.Choice(v),
    "only ordinal": lambda v: lt.Ordinal(v),
    "option's value": lambda v: lt.Choice("o", lt.Option(v, {"q": lt.Bool()})),
    "named object": lambda v: lt.Choice("o", lt.Named("p", v)),
    "plain key": lambda v: lt.Space.from_plain({"x": {"float": [0, 1], **_keyed(v, 1)}}),
    "plain name": lambda v: lt.Space.from_plain(_keyed(v, {"float": [0, 1]})),
    "plain log": lambda v: lt.Space.from_plain({"x": {"float": [1, 2], "log": v}}),
    "plain option": lambda v: lt.Space.from_plain({"x": {"choice": ["o", v]}}),
    "plain prior": lambda v: lt.Space.from_plain({"x": {"float": [1, 2], "prior": v}}),
    "plain size": lambda v: lt.Space.from_plain({"x": {"subset": ["a", "b"], "size": v}}),
    "plain rule": lambda v: lt.Space.from_plain({"variables": {"x": {"bool": True}}, "require": [v]}),
    "prior's mean": lambda v: lt.Float(0, 1, prior=lt.Normal(v, 1)),
    "prior's shape": lambda v: lt.Float(0, 1, prior=lt.Beta(v, v)),
    "weights": lambda v: lt.Choice("a", "b", weights=v),
    "weight": lambda v: lt.Choice("a", "b", weights=[1, v]),
    "choice default": lambda v: lt.Choice("a", "b", default=v),
    "ordinal": lambda v: lt.Ordinal("o", v),
    "bool": lambda v: lt.Bool(default=v),
    "constant": lambda v: lt.Constant(v),
    "items": lambda v: lt.Subset(v),
    "item": lambda v: lt.Permutation(["o", v]),
    "size": lambda v: lt.Subset(["a", "b"], size=v),
    "subset default": lambda v: lt.Subset(["a", "b"], default=v),
    "permutation default": lambda v: lt.Permutation(["a", "b"], default=v),
    "simplex": lambda v: lt.Simplex(v),
    "share": lambda v: lt.Simplex(["o", v]),
    "simplex default": lambda v: lt.Simplex(["a", "b"], default=v),
    "nested": lambda v: lt.Choice("o", lt.Option("p", v)),
    "nested option": lambda v: lt.Choice("o", lt.Option(v, {"q": lt.Float(0, 1)})),
    "named": lambda v: lt.Choice("o", lt.Named(v, 3)),
    "require": lambda v: lt.Space(SPACE, require=v),
    "rule": lambda v: lt.Space(SPACE, require=[v]),
    "plain": lambda v: lt.Space.from_plain(v),
    "plain variable": lambda v: lt.Space.from_plain({"x": v}),
    "plain range": lambda v: lt.Space.from_plain({"x": {"float": v}}),
    "toml": lambda v: lt.Space.from_toml(v),
    "grid": lambda v: _study(method=lt.Grid(v)),
    "grid points": lambda v: _study(method=lt.Grid({"x": v})),
    "belief": lambda v: _study(method=lt.Bayes(prior=lt.Prior({"x": v}))),
    "store": lambda v: lt.studies(v) if not isinstance(v, str) else None,
    "class": lambda v: lt.register(v) if not isinstance(v, type) else None,
    "search space": lambda v: parse_spaces(v, {}),
    "search dimension": lambda v: parse_spaces({"C": v}, {}),
    "search option": lambda v: parse_spaces({"C": ["o", v]}, {}),
}


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_setting_is_refused_or_can_be_read_back(setting: str) -> None:
    for place, value in enumerate(VALUES):
        try:
            made = SETTINGS[setting](value)
        except LuthierError as error:
            assert str(error)
            continue
        except Exception as error:
            raise AssertionError(f"{type(value).__name__} [{place}]") from error
        if isinstance(made, lt.Study):
            for event in made.reader.events:
                assert encode(decode(encode(event))) == encode(event)
            made.close()
        try:
            space = made if isinstance(made, lt.Space) else lt.Space({"o": made})
        except LuthierError:
            continue
        assert lt.Space.from_plain(space.to_plain()).digest == space.digest


TEXTS = [
    *("nan", "inf", "-inf", "1e400", "9" * 400, "-" + "9" * 30, '"\\u0000"', '""', '" "', "[]", "[[]]", "{}", "true"),
    *("1979-05-27", '"\\u001b[31m"', "0x10", f'"{"a" * 2000}"', "[1, 'a']", "1.5", "-1", "0", "[nan, 1]", "[0, 1]"),
    *("[1, 0]", "{float = [0, 1]}", "{use = 3}", '"use"', "1e308", '["a", "a"]', "{a = {a = {a = 1}}}", "[{}]"),
]
FILE = {"study": 'minimize = "v"', "objective": 'command = "echo {x}"', "space": "x = {float = [0, 1]}"}
KEYS = {
    "study": ["name", "minimize", "maximize", "seed", "noisy", "baseline"],
    "objective": ["python", "command", "shell", "result"],
    "space": ["y", "require", *(f"y = {{{kind} =" for kind in ("float", "int", "choice", "subset", "simplex"))],
    "method": ["use", *(f'use = "Bayes"\n{name}' for name in ("surrogate", "acquisition", "initial", "prior"))],
    "budget": ["trials", "time", "target", "plateau"],
    "executor": ["workers", "kind", "trial_time", "trial_memory"],
    "store": ["path"],
}


@pytest.mark.parametrize("section", KEYS)
def test_a_study_file_is_read_or_refused(section: str, tmp_path: Path) -> None:
    file = tmp_path / "study.toml"
    for key in KEYS[section]:
        for text in TEXTS:
            line = f"{key} {text}}}" if key.endswith("=") else f"{key} = {text}"
            lines = {**FILE, section: line if FILE.get(section, "").startswith(f"{key} =") else ""}
            lines[section] = lines[section] or f"{FILE.get(section, '')}\n{line}"
            file.write_text("\n".join(f"[{name}]\n{body}" for name, body in lines.items()), "utf-8")
            try:
                space = read_study(file).space
            except InvalidFile:
                continue
            assert lt.Space.from_plain(space.to_plain()).digest == space.digest


WORDS = [
    *("x=nan", "x=inf", "x=", "=", "x", "x=1e400", "k=1.5", f"k={'9' * 400}", "c=\udcff", "c=\0", "c=[", "c={}"),
    *("x=true", "x=None", "é=1", "x=[1]", f"c={'a' * 9999}", "-x=1", "--x", "x==1", "x=1_000", "x=٣"),
]


def test_words_of_the_command_line_are_taken_or_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = str(tmp_path / "s.db")
    with _study(store=store) as study:
        study.tell(study.ask(), 1.0)
    for word in WORDS:
        for command in (
            ["enqueue", store, word],
            ["show", store, "--filter", word],
            ["show", store, "--sort", word],
            ["explain", store, word],
            ["retry", store, word],
            ["best", store, "--study", word],
            ["list", word],
            ["run", word],
        ):
            assert execute(command) in (0, 1, 2), command
    assert "Traceback" not in capsys.readouterr().err
    with lt.Study("s", store=store) as again:
        assert again.trials[0].value == 1.0
        again.ask()


NEEDED: dict[Any, dict[str, Any]] = {
    lt.Hedge: {"acquisitions": (lt.EI(), lt.PI())},
    lt.MACE: {"acquisitions": (lt.EI(), lt.PI())},
    lt.PerSecond: {"inner": lt.EI()},
    lt.Ensemble: {"members": (lt.GP(), lt.GP(kernel="rbf"))},
    lt.Prior: {"beliefs": {"x": lt.Normal(0, 1)}},
}
KINDS: list[Any] = [
    *(lt.Auto, lt.Bayes, lt.Grid, lt.Random, lt.Quasi, lt.Evolution, lt.Anneal, lt.GP, lt.Forest, lt.Boosted),
    *(lt.Parzen, lt.EI, lt.LogEI, lt.PI, lt.UCB, lt.QEI, lt.NoisyEI, lt.Thompson, lt.KnowledgeGradient),
    *(lt.MaxValueEntropy, lt.AugmentedLogEI, lt.ScheduledUCB, AcquisitionOptimizer, Hyperpriors, *NEEDED),
]
MORE = [
    *({"x": 3}, {"x": [0.1, 0.2]}, {"use": [0.5]}, [{"x": 2}, {"$tuple": [1]}], {"c": {"a": 1, "b": np.float32(2)}}),
    *({"c": [("a", 1), (None, 2)]}, (lt.GP(), lt.Forest()), [lt.EI(), lt.UCB()], "rbf", "halton", "de", np.int64(7)),
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_setting_of_a_method_is_refused_or_in_the_log_as_it_is(kind: Any) -> None:
    """Every method, surrogate and acquisition function, with every value in the place of each setting."""
    for name in inspect.signature(kind).parameters:
        for place, value in enumerate([*VALUES, *MORE]):
            try:
                made = kind(**{**NEEDED.get(kind, {}), name: value})
                text = codec.dumps(to_plain(made))
            except LuthierError as error:
                assert str(error)
                continue
            except Exception as error:
                raise AssertionError(f"{name}: {type(value).__name__} [{place}]") from error
            again = from_plain(codec.loads(text))
            assert again == made and codec.dumps(to_plain(again)) == text, (name, value)
