"""Tables of trials by columns: the same, byte by byte, as going from trial to trial and from cell to cell."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

import luthier as lt
from luthier import codec
from luthier.cli import execute
from luthier.render import json_text, short, table_lines
from luthier.study import StudyReader
from luthier.study.summary import front
from luthier.trial import Outcome, Reason, State

LAST = ("duration_s", "begun", "ended", "attempts", "worker", "origin", "error", "reports", "note", "forgotten")
UNSHOWN = ("ended", "worker", "origin", "error", "reports", "note")


def free(name: str, prefix: str, taken: set[str]) -> str:
    return f"{prefix}.{name}" if name in taken else name


def keys(mappings: list[Any]) -> list[str]:
    return list(dict.fromkeys(key for mapping in mappings for key in mapping))


def rows(reader: StudyReader) -> list[dict[str, Any]]:
    """Go from trial to trial."""
    history, times, found = reader.history, reader.times, []
    problem, trials = history.problem(), history.trials
    goals = [goal.name for goal in problem.objectives]
    leading = {trial.number for trial in front(history)} if len(goals) > 1 else set()
    dead = reader._dead(history)
    outcomes = [trial.outcome or Outcome(Reason.INTERRUPTED) for trial in trials]
    for trial, outcome in zip(trials, outcomes, strict=True):
        at = times.get(trial.number)
        state = State.WAITING if trial.number in dead else trial.state
        row = {
            "number": trial.number,
            "state": state.value,
            "reason": trial.outcome.reason.value if trial.outcome else None,
        }
        row |= {goal: outcome.values.get(goal) for goal in goals}
        taken = {"number", "state", "reason", *goals, *LAST}
        names = {name: free(name, "params", taken) for name in problem.space.names}
        taken |= set(names.values())
        if len(goals) > 1:
            row[free("on_front", "study", taken)] = trial.number in leading if trial.is_done else None
            taken.add(free("on_front", "study", taken))
        for key in keys([one.extra for one in outcomes]):
            row[column := free(key, "extra", taken)] = outcome.extra.get(key)
            taken.add(column)
        for key in keys([one.attributes for one in trials]):
            row[column := free(key, "attributes", taken)] = trial.attributes.get(key)
            taken.add(column)
        for key in keys([one.violations for one in outcomes]):
            row[free(f"violations.{key}", "outcome", taken)] = outcome.violations.get(key)
        config = problem.space.structure.ordered(history.config(trial.number) or trial.config)
        row |= {column: config.get(name) for name, column in names.items()}
        row |= {"duration_s": outcome.duration_s, "begun": at and at.begun, "ended": at and at.ended}
        row |= {"attempts": at.attempts if at else 1, "worker": (at and at.worker) or None, "origin": trial.origin}
        row |= {"error": outcome.error, "reports": [report.to_list() for report in trial.curve]}
        row |= {"note": codec.canonical(trial.note)}
        if any(one.forgotten for one in trials):
            row["forgotten"] = trial.forgotten
        found.append(row)
    return found


def text(found: list[dict[str, Any]], names: list[str]) -> str:
    """Go from cell to cell."""
    columns = []
    for name in names:
        values = [row[name] for row in found]
        cells = [short(name), *("" if value is None else short(value) for value in values)]
        width = max(map(len, cells))
        right = all(value is None or isinstance(value, int | float) for value in values)
        columns.append([cell.rjust(width) if right else cell.ljust(width) for cell in cells])
    return "".join("  ".join(cells).rstrip() + "\n" for cells in zip(*columns, strict=True))


def in_order(found: list[dict[str, Any]], by: str, maximized: set[str]) -> list[dict[str, Any]]:
    down = by.startswith("-") and by not in found[0]
    column = by.removeprefix("-") if down else by

    def place(row: dict[str, Any]) -> tuple[bool, Any]:
        value = row[column]
        value = value.isoformat() if isinstance(value, datetime) else value
        is_number = isinstance(value, int | float)
        return (not is_number, value if is_number else short(value))

    present = [row for row in found if row[column] is not None and row[column] == row[column]]
    missing = [row for row in found if row[column] is None or row[column] != row[column]]
    return [*sorted(present, key=place, reverse=down is not (column in maximized)), *missing]


def nasty(store: str) -> lt.Study:
    """Two objectives, several spaces, conditions, a simplex, failures, attempts, wide and foreign values."""
    first = {
        "kind": lt.Choice("rbf", "日本語 text", "a" * 90, True, None, 3),
        "x": lt.Float(-1e300, 1e300),
        "begun": lt.Float(1e-9, 1e9, log=True, when="kind == 'rbf'"),
        "mix": lt.Simplex(["b", "a", "c"]),
        "order": lt.Permutation(["p", "q"]),
        "gone": lt.Int(1, 10**14),
    }
    settings: dict[str, Any] = {"maximize": ["gain", "loss two"], "constraints": {"size": "<= 1"}}
    made = lt.Study("nästy", first, store=store, method=lt.Random(), seed=5, **settings)
    for number in range(30):
        trial = made.ask()
        made.report(trial, [number / 3, -0.0], number % 4)
        if number % 5 == 0:
            made.set(trial, error="mine", host="h\x1b[31m\u202e", deep=[1, (2.0, None)], seen=10**40)
        if number % 7 == 0:
            made.tell(trial, failed="ValueError: no\nline two")
        elif number % 7 == 1:
            made.release(trial)
        elif number % 7 == 2:
            made.tell(trial, pruned="bad")
        elif number % 7 < 6:
            result = {"gain": number / 7 - 2, "loss two": 1e-7 * number, "size": number / 20, "violations": {"x": -1.0}}
            more = {"reason": "another", "wide": "ö" * 70} if number % 2 else {"number": True, "big": 2**60}
            made.tell(trial, result | more, duration_s=number * 1e3 if number % 3 else None)
        if number % 7 == 3:
            made.forget(trial.number)
        elif number % 7 == 4:
            made.retry(trial.number)
    second = {name: variable for name, variable in first.items() if name != "gone"} | {
        "on_front": lt.Bool(default=True)
    }
    made.change(lt.Space(second))
    made.tell(made.ask(), {"gain": 0.5, "loss two": float("inf"), "size": 0.0})
    made.annotate(notes="a note\nof two lines", tags=["one"])
    return made


def many(store: str) -> lt.Study:
    """So many trials that most of them are packed."""
    made = lt.Study(
        "many", {"x": lt.Float(0, 1), "n": lt.Int(0, 9)}, minimize="y", store=store, method=lt.Random(), seed=0
    )
    configs = [{"x": place / 1600, "n": place % 10} for place in range(1600)]
    made.add_many(configs, [float((place * 7919) % 700) for place in range(1600)])
    made.tell(made.ask(), 3.5)
    return made


def varied(store: str) -> lt.Study:
    """Packed trials that are not alike, some of which no text can hold but a pickle's."""
    space = {"x": lt.Float(0, 1), "k": lt.Choice("a", None)}
    made = lt.Study("varied", space, minimize="y", method=lt.Random(), seed=0)
    for number in range(1560):
        trial = made.ask()
        if number % 5 == 0:
            made.report(trial, number / 3, 1)
            made.report(trial, number / 7, 2)
        if number % 11 == 0:
            made.set(trial, epoch=number, size=10**40 if number > 300 else (1.0, None))
        if number % 7 == 0:
            made.tell(trial, failed=f"ValueError: {number}")
        elif number % 7 == 1:
            made.tell(trial, pruned="bad")
        else:
            more = {"seconds": {"fit": number / 3}} if number % 13 == 0 else {}
            made.tell(trial, {"y": number / 9, **more}, duration_s=number / 4 if number % 2 else None)
    return made.copy(store)


def in_turns(store: str) -> lt.Study:
    """Packed trials that are alike for a while, and then alike in another way."""
    space = {"k": lt.Choice("a", "b"), "x": lt.Float(0, 1), "deep": lt.Int(1, 9, when="k == 'b'")}
    made = lt.Study("turns", space, minimize="y", store=store, method=lt.Random(), seed=0)
    configs: list[Any] = [{"k": "a", "x": place / 1e3} for place in range(600)]
    configs += [{"k": "b", "x": place / 1e3, "deep": place % 9 + 1} for place in range(1000)]
    made.add_many(configs, [{"y": float(place), **({"auc": 0.5} if place > 700 else {})} for place in range(1600)])
    return made


def raced(store: str) -> lt.Study:
    """A race over instances."""
    cases = lt.Instances(["a", "b", "c"])
    made = lt.Study(
        "raced", {"x": lt.Float(0, 1)}, minimize="y", store=store, method=lt.Random(), seed=0, instances=cases
    )
    for number in range(6):
        trial = made.ask()
        for case in trial.cases():
            trial.report(number % 3 + case.step)
        if number != 4:
            made.tell(trial)
    return made


@pytest.fixture(params=[nasty, many, varied, in_turns, raced])
def stored(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    path = str(tmp_path_factory.mktemp("columns") / "s.db")
    request.param(path).close()
    yield path


@pytest.mark.parametrize("packed", [False, True])
def test_columns_are_those_of_the_trials(stored: str, packed: bool) -> None:
    with StudyReader.open(stored) as reader:
        for _ in range(4 * packed):
            reader.history.pack()
        chunks = reader.history._log.fold.trials._parts[0]
        assert any(not isinstance(chunk, list) for chunk in chunks) == (packed and len(reader) > 1500)
        wanted, found = rows(reader), reader.rows()
        assert found == wanted and [list(map(repr, row.items())) for row in found] == [
            list(map(repr, row.items())) for row in wanted
        ]
        assert reader.table.rows() == wanted and len(reader.table) == len(wanted[0])
        assert reader.rows({"x": [1.5]})[0] == wanted[0] | {"model.x": 1.5}


def test_what_show_prints_is_what_the_cells_say(stored: str, capsys: pytest.CaptureFixture[str]) -> None:
    with StudyReader.open(stored) as reader:
        wanted, total = rows(reader), reader.summary()
        maximized = {goal.name for goal in reader.problem.objectives if goal.maximize}
    for place, column in enumerate(wanted[0]):
        for by, limit in ((column, None), (f"-{column}", 7)):
            if len(wanted) > 1000 and place % 3:
                continue
            ordered = in_order(wanted, by, maximized)[:limit]
            once = ("attempts",) if all(row["attempts"] == 1 for row in ordered) else ()
            names = [name for name in wanted[0] if name not in (*UNSHOWN, *once)]
            assert execute(["show", stored, "--sort", by, *(["--limit", str(limit)] if limit else [])]) == 0
            said = capsys.readouterr().out
            assert said.startswith(text(ordered, names)) and f": {total}" in said[len(text(ordered, names)) :]
    assert (
        execute(["show", stored, "--sort", "-number", "--filter", "number > 2 and state == 'finished'", "--json"]) == 0
    )
    kept = [row for row in wanted if row["number"] > 2 and row["state"] == "finished"][::-1]
    forms = [
        {name: codec.to_plain(one.isoformat() if isinstance(one, datetime) else one) for name, one in row.items()}
        for row in kept
    ]
    assert capsys.readouterr().out == json_text(forms) + "\n"


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Asia/Kathmandu", "XXX+1:23:45"])
def test_times_of_day_are_written_once_a_minute(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        stamps = [0.0, 59.999_999_6, 60.0, 1.7743e9, 1.7743e9 + 3600, 1.79e9, 1.79e9 + 0.5, 4e9 + 1 / 3, -1.5]
        values = [datetime.fromtimestamp(stamp + 7 * place, UTC) for stamp in stamps for place in range(30)]
        assert table_lines({"at": values})[1:] == [str(value.astimezone())[:19] for value in values]
    finally:
        monkeypatch.undo()
        time.tzset()


def test_columns_of_every_kind_of_value() -> None:
    floats = [1.0, -0.0, float("nan"), float("-inf"), 1e-5, 123456.5, 1234567.0, 5e-324, 1e300]
    columns: dict[str, list[Any]] = {
        "floats": floats,
        "gaps": [None, *floats[1:]],
        "whole": [0, -1, 10**14, 10**15, 10**70, 7, 8, 9, -(10**15)],
        "mixed": [1, 2.5, True, None, "a\nb", (1.0, "x"), {"a": 1.5}, [None], "z" * 80],
        "flags": [True, False, None] * 3,
        "texts": ["a", "", None, "日本", "a\tb", "  c ", "x" * 61, "y" * 60, "%s"],
        "nothing": [None] * 9,
    }
    found = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    assert "".join(f"{line}\n" for line in table_lines(columns)) == text(found, [*columns])
    assert table_lines({"a": [], "b c": []}) == ["a  b c"] and table_lines({}) == []


@pytest.mark.parametrize("name", ["number", "reason", "worker", "error", "note"])
def test_an_objective_that_is_called_like_a_column(
    name: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)

    def objective(trial: lt.RunningTrial) -> float:
        if trial.number == 1:
            raise ValueError("too large")
        return 100.0 - trial.number

    with lt.Study("s", {"x": lt.Float(0, 1)}, minimize=name, store="s.db", method=lt.Random(), seed=0) as study:
        study.run(objective, trials=4)
        table = study.reader.columns()
        assert study.reader.summary() == "4 trials: 3 done, 1 failed"
        assert study.to_frame()[name].tolist()[2:] == [98.0, 97.0]
        if name in ("number", "worker"):
            study.report("s.html")
        kept = [trial.config["x"] for trial in study.trials][2:]
    assert table[name] == [100.0, None, 98.0, 97.0]
    assert table["number" if name != "number" else "trial.number"] == [0, 1, 2, 3]
    assert "too large" in table["error" if name != "error" else "trial.error"][1]
    assert execute(["show", "s.db", "--sort", name, "--limit", "1"]) == 0
    head, best, total = capsys.readouterr().out.splitlines()
    assert name in head.split()
    assert "97" in best.split()
    assert total == "s: 4 trials: 3 done, 1 failed; 1 of 4 shown"
    assert execute(["show", "s.db", "--filter", f"{name} < 98.5", "--json"]) == 0
    assert [row["x"] for row in json.loads(capsys.readouterr().out)] == kept
