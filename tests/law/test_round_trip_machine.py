"""Whatever a study is given, in whatever order: there when it is opened again, or refused and nothing written."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import luthier as lt
from check_set import examples
from luthier.cli import execute
from luthier.errors import LuthierError
from luthier.event import decode, encode
from luthier.study import StudyReader
from nasty_values import VALUES

BEGUN = {"Asked", "Claimed", "Configured", "Retried"}
ODD_NAMES = [
    *("require", "variables", "float", "choice", "name", "loss", "value", "extra", "violations", "variance", "number"),
    *("params", "params.x", "a.b", "a`b", "`", "'", '"', "\\", "\n", "\0", "\ud800", "\u202e", "\x1b", "e\u0301", "é"),
    *("lambda", "if", "True", "None", "inf", "max", "x y", " x", "", "1", "-1", "$tuple", "$float", "self", "\u00a0"),
]
NAMES = st.sampled_from(ODD_NAMES) | st.text(max_size=4) | st.sampled_from("xkcb")
NASTY = st.integers(0, len(VALUES) - 1).map(VALUES.__getitem__)  # some have no repr, which a sample needs
NUMBERS = st.integers(-9, 9) | st.floats() | NASTY
OPTIONS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.binary(max_size=2) | NASTY


def _made(kind: Callable[..., Any], *given: Any, **settings: Any) -> Any:
    """Make something of Luthier's; None where that is refused."""
    with suppress(LuthierError):
        return kind(*given, **settings)
    return None


@st.composite
def options(draw: st.DrawFn, depth: int) -> list[Any]:
    """Draw options that a choice can have, now and then one with a space of its own, or a named object."""
    found: list[Any] = []
    for option in draw(st.lists(OPTIONS, max_size=4)):
        if _made(lt.Choice, *found, option) is not None:
            found.append(option)
    inner = draw(variables(depth + 1)) if depth < 2 and draw(st.booleans()) else {}
    more = [_made(lt.Option, draw(OPTIONS), inner)] if inner else []
    more += [_made(lt.Named, draw(NAMES), draw(OPTIONS))] if draw(st.integers(0, 4)) == 0 else []
    return [*found, *(one for one in more if one is not None)] or ["a", "b"]


@st.composite
def variables(draw: st.DrawFn, depth: int = 0) -> dict[str, Any]:
    """Draw variables by name, of all kinds."""
    found: dict[str, Any] = {}
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from([lt.Float, lt.Int, lt.Choice, lt.Ordinal, lt.Subset, lt.Permutation, lt.Simplex]))
        several = draw(options(depth)) if kind is not lt.Simplex else draw(st.lists(NAMES, max_size=3))
        rest: dict[str, Any] = {"when": "x > 0.5"} if draw(st.integers(0, 9)) == 0 else {}
        if kind in (lt.Float, lt.Int):
            ends = (draw(st.integers(1, 5)), draw(st.integers(6, 20))) if draw(st.booleans()) else (draw(NUMBERS), 30)
            rest |= {"default": draw(NUMBERS)} if draw(st.booleans()) else {}
            made = _made(kind, *ends, log=draw(st.booleans()), **rest)
        elif kind in (lt.Choice, lt.Ordinal):
            made = _made(kind, *several, default=[None, *several][draw(st.integers(0, len(several)))], **rest)
        else:
            made = _made(kind, several, **rest)
        if made is not None:
            found[draw(NAMES)] = made
    return found


ACTIONS: dict[str, Callable[[lt.Study, Any, str], object]] = {
    "tell": lambda s, v, n: s.tell(s.ask(), v),
    "tell more": lambda s, v, n: s.tell(s.ask(), {_goal(s): 0.5, n: v}),
    "fail": lambda s, v, n: s.tell(s.ask(), failed=n),
    "report": lambda s, v, n: s.ask().report(v),
    "set": lambda s, v, n: s.ask().set({n: v}),
    "annotate": lambda s, v, n: s.annotate(n, [n, v]),
    "enqueue": lambda s, v, n: s.enqueue({**_first(s), n: v}, ticket=n),
    "add": lambda s, v, n: s.add(_first(s), v, ticket=n),
    "add other": lambda s, v, n: s.add({**_first(s), next(iter(s.space.names)): v}, 1.0),
    "ask for": lambda s, v, n: s.ask(params={**_first(s), next(iter(s.space.names)): v}),
    "retry": lambda s, v, n: s.retry(len(n)),
    "forget": lambda s, v, n: s.forget(len(n)),
    "change": lambda s, v, n: s.change({**s.space.given, n: lt.Choice(v, "other", default="other")}),
}


def _goal(study: lt.Study) -> str:
    return study.problem.objectives[0].name


def _first(study: lt.Study) -> dict[str, Any]:
    return study.trials[0].params if study.trials else {}


def _given(study: lt.Study | StudyReader) -> list[str]:
    forms = [[one.to_dict(), one.config, one.values, one.extra, one.attributes] for one in study.trials]
    return [*map(repr, forms), repr(study.space.to_plain()), study.notes, repr(study.tags)]


def _play(study: lt.Study, actions: list[tuple[str, Any, str]]) -> None:
    for action, value, name in actions:
        before = len(study.reader.events)
        try:
            ACTIONS[action](study, value, name)
        except LuthierError as error:
            str(error).encode()
            assert not {type(event).__name__ for event in study.reader.events[before:]} - BEGUN, action


@settings(max_examples=examples(160), suppress_health_check=list(HealthCheck))
@given(
    variables(), NAMES, NAMES, st.lists(st.tuples(st.sampled_from([*ACTIONS]), NUMBERS | OPTIONS, NAMES), max_size=9)
)
def test_what_a_study_is_given_is_there_when_it_is_opened_again(
    space: dict[str, Any], name: str, goal: str, actions: list[tuple[str, Any, str]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        where = Path(folder) / "s.db"
        study = _made(lt.Study, name, space, minimize=goal, method=lt.Random(), seed=0, store=where)
        if study is None:
            assert not where.exists() or not lt.studies(where)
            return
        assert lt.Space.from_toml(study.space.to_toml()).digest == study.space.digest
        with study:
            _play(study, actions)
            written, shown = [encode(event) for event in study.reader.events], _given(study)
            study.to_frame()
        assert [encode(decode(text)) for text in written] == written
        with StudyReader.open(where, name) as again:
            assert [encode(event) for event in again.events][: len(written)] == written
            assert _given(again)[-3:] == shown[-3:]
            if len(again.events) == len(written):  # no trial was given back when the study was closed
                assert _given(again) == shown
            again.copy(Path(folder) / "copy.db")
        assert execute(["verify", str(Path(folder) / "copy.db")]) == 0
