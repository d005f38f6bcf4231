"""Words of other libraries: each is answered with a word of ours that exists."""

from __future__ import annotations

import inspect
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

import luthier as lt
from luthier import _foreign_words as foreign
from luthier import sklearn as searches
from luthier.cli import execute
from luthier.cli.program import ENTRIES, program
from luthier.cli.studyfile.read import read_study
from luthier.errors import InvalidFile, InvalidSetting, InvalidSpace
from luthier.executor import Limits, Processes, RunningTrial, Task, Threads
from luthier.method import AcquisitionOptimizer, from_plain
from luthier.plot import KINDS
from luthier.store import Memory, SQLite, open_store
from luthier.study import TrialResult
from luthier.surrogate import Hyperpriors

STUDY = lt.Study("s", {"x": lt.Float(0, 1)}, minimize="y", method=lt.Random())
CALLS: dict[str, tuple[Callable[..., Any], Any]] = {
    "Study": (lt.Study, foreign.STUDY),
    "run": (lt.Study.run, foreign.RUN),
    "minimize": (lt.minimize, foreign.OPTIMIZE),
    **{name: (getattr(STUDY, name), words) for name, words in foreign.CALLS.items() if name != "run"},
    **{
        name: (getattr(searches if name.endswith("CV") else lt, name), words)
        for name, words in foreign.SETTINGS.items()
    },
}


def _first(ours: str) -> str:
    return re.split(r"\W", ours, maxsplit=1)[0]


def test_a_name_of_another_library_is_answered_with_one_of_ours() -> None:
    for name, ours in foreign.NAMES.items():
        assert name not in lt.__all__ and (ours.startswith("nothing") or _first(ours) in lt.__all__), name
        for used in re.findall(r"\blt\.(\w+)", ours):
            assert used in lt.__all__, name
        with pytest.raises(AttributeError) as caught:
            getattr(lt, name)
        assert ours.removeprefix("nothing") in str(caught.value)
    for name, ours in foreign.STUDY_ATTRIBUTES.items():
        assert not hasattr(lt.Study, name) and hasattr(lt.Study, _first(ours)), name
    for name, ours in foreign.TRIAL_ATTRIBUTES.items():
        assert not hasattr(TrialResult, name) and not hasattr(RunningTrial, name), name
        trial = re.match(r"trial\.(\w+)", ours)
        assert trial is None or hasattr(TrialResult, trial[1]) or hasattr(RunningTrial, trial[1]), name


@pytest.mark.parametrize("call", CALLS)
def test_an_argument_of_another_library_is_answered_with_one_of_ours(call: str) -> None:
    function, words = CALLS[call]
    given: tuple[Any, ...] = (lambda trial: 0.0, {"x": lt.Float(0, 1)}) if call in ("run", "minimize") else ()
    known = inspect.signature(function).parameters
    for name, ours in words.items():
        assert name not in known, name
        begins = re.match(r"(\w+)=(?!=)", ours)
        assert begins is None or begins[1] in known, (name, ours)
        for used in re.findall(r"\blt\.(\w+)", ours):
            assert used in lt.__all__, name
        with pytest.raises(TypeError, match=rf"has no argument {name!r}: (write|it is not needed)"):
            function(*given, **{name: 1})


def test_a_misspelt_argument_is_answered_with_the_nearest_one() -> None:
    with pytest.raises(TypeError, match=r"Float\(\) has no argument 'stepp' \(did you mean 'step'\?\)"):
        lt.Float(0, 1, stepp=0.1)  # type: ignore[call-arg]


def _arguments(function: Callable[..., Any]) -> list[str]:
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return [name for name, one in inspect.signature(function).parameters.items() if one.kind in kinds]


def _public() -> dict[str, Callable[..., Any]]:
    """Give what a person may call: all that is public, and the methods of what that gives."""
    reader, trial = STUDY.reader, STUDY.ask()
    found = {name: getattr(lt, name) for name in lt.__all__ if name not in ("RunningTrial", "errors", "__version__")}
    found |= {name: getattr(searches, name) for name in searches.__all__ if name.endswith("CV")}
    for kind in (Memory, SQLite, Threads, Processes, Limits, AcquisitionOptimizer, Hyperpriors, open_store):
        found[kind.__name__] = kind
    for one in (STUDY, reader, trial, STUDY.plot, STUDY.analysis):
        methods = inspect.getmembers(type(one), lambda member: inspect.isroutine(member))
        mine = {name: getattr(one, name) for name, _ in methods if not name.startswith("_")}
        found |= {f"{type(one).__name__}.{name}": method for name, method in mine.items()}
    found["RunningTrial.report"] = RunningTrial(Task(0, 0, {}), lambda *_: None, lambda: False).report
    return {name: function for name, function in found.items() if name.partition(".")[2] not in INHERITED}


INHERITED = {"get", "keys", "items", "close", "is_of", "draw"}
PUBLIC = _public()


@pytest.mark.parametrize("name", PUBLIC)
def test_everything_public_answers_a_misspelt_argument(name: str) -> None:
    function = PUBLIC[name]
    for argument in _arguments(function)[-2:]:
        wrong = f"{argument}{argument[-1]}"
        with pytest.raises(TypeError, match=rf"has no argument '{wrong}' \(did you mean '\w+'\?\)"):
            function(**{wrong: 1})


FILE = {"study": 'minimize = "v"', "objective": 'command = "echo {x}"', "space": "x = {float = [0, 1]}"}


def _said(folder: Path, section: str, line: str) -> str:
    file = folder / "study.toml"
    sections = {**FILE, section: f"{FILE.get(section, '')}\n{line}"}
    file.write_text("\n".join(f"[{name}]\n{lines}" for name, lines in sections.items()), "utf-8")
    with pytest.raises(InvalidFile) as caught:
        read_study(file)
    return str(caught.value)


def test_words_of_study_files_are_answered(tmp_path: Path) -> None:
    for name, ours in foreign.SECTIONS.items():
        assert f"write [{ours}]" in _said(tmp_path, name, "a = 1")
    for section, words in foreign.KEYS.items():
        for key, ours in words.items():
            assert ours in _said(tmp_path, section, f"{key} = 1") or section == "method"
    for kind, ours in foreign.KINDS.items():
        assert ours in _said(tmp_path, "space", f'y = {{"{kind}" = [0, 1]}}')
    for name, ours in foreign.METHODS.items():
        assert from_plain(tomllib.loads(ours.replace(", ", "\n"))) is not None
        assert ours in _said(tmp_path, "method", f'use = "{name}"')
    assert 'acquisition={use = "EI"}' in _said(tmp_path, "method", 'use = "Bayes"\nacq_func = "EI"')


def test_words_of_the_command_line_are_answered(capsys: pytest.CaptureFixture[str]) -> None:
    for name, ours in foreign.COMMANDS.items():
        assert name not in ENTRIES and ours in ENTRIES
        with pytest.raises(click.UsageError, match=f"it is '{ours}' here"):
            program.main([name], standalone_mode=False)
    options = {option for name in ENTRIES for one in _command(name).params for option in one.opts}
    assert set(foreign.COMMAND_OPTIONS.values()) <= options and not options & set(foreign.COMMAND_OPTIONS)
    assert execute(["run", "--n-jobs", "3", "study.toml"]) == 2
    assert "Did you mean '--workers'?" in capsys.readouterr().err


def _command(name: str) -> click.Command:
    command = program.get_command(click.Context(program), name)
    assert command is not None
    return command


def test_kinds_of_python_are_answered_too() -> None:
    with pytest.raises(InvalidSpace, match="float"):
        lt.Space.from_plain({"x": {"uniform": [0, 1]}})
    with pytest.raises(InvalidSetting, match="Parzen"):
        from_plain("TPESampler")


def test_pictures_of_other_libraries_are_answered_with_ours() -> None:
    study = lt.Study("drawn", {"x": lt.Float(0, 1)}, minimize="loss", seed=0)
    for name, ours in foreign.PICTURES.items():
        assert ours in KINDS and name not in KINDS, name
        with pytest.raises(AttributeError, match=f"there is no picture 'plot_{name}' .it is '{ours}' here"):
            getattr(study.plot, f"plot_{name}")
    with pytest.raises(InvalidSetting, match=r"no picture 'histroy' \(did you mean 'history'"):
        study.plot.draw("histroy")
    assert not hasattr(study.plot, "__wrapped__")
