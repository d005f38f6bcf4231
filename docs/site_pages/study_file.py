"""The reference of the study file, from the code that reads it.

A file is read while every question that the reader asks of it is noted: the keys of each section, their types, bounds
and defaults. What each key means is said here; a key without a meaning, or a meaning without a key, is an error.
"""

from __future__ import annotations

import inspect
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import luthier as lt
from luthier import _names
from luthier.cli.objective import shell_command
from luthier.cli.studyfile import read, toml_source, units
from luthier.cli.studyfile.example import OBJECTIVE, STUDY
from luthier.space import serialization
from site_pages.docstrings import arguments, defaults, summary

SECTIONS = {
    "study": "What is optimized, and how it is repeated.",
    "objective": "What is run: a Python function, or a program in any language.",
    "space": "The variables, and the constraints between them.",
    "method": "What makes the proposals.",
    "stop": "What stops trials early, or pauses and promotes them. Left out: nothing does.",
    "budget": "When the study is finished. All limits count the work of earlier runs and of other processes.",
    "store": "Where the study is kept.",
    "executor": "How trials are run.",
}

MEANINGS = {
    "study": {
        "name": "the study's name in its store",
        "minimize": "the name of the objective that is minimized; a list for several",
        "maximize": "the name of the objective that is maximized; a list for several",
        "constraints": 'limits of numbers that the objective returns beside it, such as `{memory_mb = "<= 512"}`',
        "cost": "the name of what a trial costs, a number that the objective returns beside it; or `seconds`",
        "seed": "of all randomness; drawn anew, and stored, where it is left out",
        "noisy": "the same values may give different results, and may be tried again",
        "baseline": "try the defaults of the variables first, and compare with them in the end",
        "fidelity": "what a full evaluation spends, where less of it tells something, too",
        "instances": "what a configuration is to be good on: a list of names, or a table that names a file of them",
        "report": "the file of a page about the study (`.html`, `.md`), written at the end of each run",
        "notes": "a text for people, in place of the notes that the study has; `luthier list` and `show` print it",
        "transfer": "studies of other tasks to learn from, each as `store.db` or `store.db#name`, or a table "
        "with that as `study`, and `names`, `objectives`, `ignore`, `fill`; recorded once",
        "tags": "short texts for people, beside the tags that the study has; `luthier annotate` takes one away",
    },
    "objective": {
        "python": '`"module:function"`; the module is looked for beside the study file first',
        "command": "a program and its arguments with places for values, such as `{x}`",
        "shell": "have `/bin/sh` run the command; values are quoted",
        "result": "how the result of a command is read",
    },
    "method": {"use": "the name of the method; its settings stand beside it"},
    "stop": {"use": "the name of the rule; its settings stand beside it"},
    "budget": {
        "trials": "the number of trials that the study has in the end, failed ones included, imported ones not",
        "time": "how long the study runs; the trials that run then are finished",
        "cost": "what the trials may cost in all, in the unit of the study's cost, or else in seconds of trials",
        "target": "a value of the objective that is good enough",
        "evaluations": "the number of cases that all trials of a study with instances have had in the end",
        "plateau": "the number of trials in a row that may end without a better value",
        "stop": 'more trials are not worth it: the words `"not worth it"`, or a rule (lt.NotWorthIt and others)',
    },
    "store": {"path": "a path, relative to the study file, or the URL of a store"},
    "executor": {
        "workers": "the number of trials at once",
        "kind": "each trial in a supervised process, in threads of one process, one after the other, or on a cluster",
        "gpus": 'GPUs of this machine that are divided among the workers, as in `"0,1"`',
        "deterministic": "the trials do not depend on timing: how many of them may be under way",
        "trial_time": "a trial that takes longer is ended, with everything that it started",
        "trial_memory": "a trial that needs more is ended",
    },
}

TYPES = {
    ("study", "constraints"): ("table of texts", "none"),
    ("study", "instances"): ("list, or table", "none"),
    ("study", "transfer"): ("text, or list of texts and tables", "none"),
    ("objective", "command"): ("text, or list of texts", "none"),
    ("objective", "result"): ('`"last line"` or a table', '`"last line"`'),
    ("objective", "python"): ("text", "none"),
    ("method", "use"): ("text", '`"Auto"`'),
    ("stop", "use"): ("text", "none"),
    ("budget", "cost"): ("number, more than 0", "none"),
    ("budget", "stop"): ("text, or a table", "none"),
    ("executor", "gpus"): ("text", "none"),
}
"""Types and defaults of the keys that the reader does not read by one of a section's typed methods."""

COMMAND = """
[study]
maximize = "accuracy"
[objective]
command = "python -c pass {x}"
[space]
x = {float = [0, 1]}
[method]
use = "Random"
"""


class Questions:
    """What a reader asks of a file: keys by section, and by (section, key) a type and a default, in words."""

    def __init__(self) -> None:
        self.keys: dict[str, tuple[str, ...]] = {"space": (), "method": ("use",), "stop": ("use",)}
        self.types: dict[tuple[str, str], tuple[str, str]] = dict(TYPES)

    def noting(self) -> type[toml_source.Section]:
        """Make a section that notes how its keys are read."""
        types = self.types

        class Noting(toml_source.Section):
            def text(self, key: str, default: Any) -> Any:
                types.setdefault((self.name, key), ("text", _default(key, default)))
                return super().text(key, default)

            def flag(self, key: str, default: bool) -> bool:
                types[self.name, key] = ("true or false", f"`{str(default).lower()}`")
                return super().flag(key, default)

            def whole(self, key: str, default: Any, low: int, high: int = sys.maxsize) -> Any:
                upper = {sys.maxsize: " on", 2**64 - 1: " to 2^64 - 1"}.get(high, f" to {high:,}")
                types[self.name, key] = (f"whole number from {low}{upper}", _default(key, default))
                return super().whole(key, default, low, high)

            def number(self, key: str, default: Any) -> Any:
                types[self.name, key] = ("number", _default(key, default))
                return super().number(key, default)

            def one_of(self, key: str, options: Sequence[str], default: str) -> str:
                types[self.name, key] = (", ".join(f'`"{word}"`' for word in options), f'`"{default}"`')
                return super().one_of(key, options, default)

            def texts(self, key: str) -> tuple[str, ...]:
                types[self.name, key] = ("text, or list of texts", "none")
                return super().texts(key)

            def made(self, key: str, make: Callable[[Any], Any], default: Any) -> Any:
                known = {units.duration_s: units.DURATION, units.size_mb: units.SIZE, units.fidelity: units.FIDELITY}
                if make not in known:  # its type stands in TYPES
                    return super().made(key, make, default)
                types[self.name, key] = (re.sub(r'("[^"]*")', r"`\1`", known[make]), _default(key, default))
                return super().made(key, make, default)

        return Noting


def asked() -> Questions:
    """Read a file of each kind, and note the questions; raises ValueError where keys and meanings differ."""
    questions = Questions()
    section = toml_source.TomlSource.section

    def noted(self: toml_source.TomlSource, name: str, known: Sequence[str] | None = None) -> toml_source.Section:
        if known is not None:
            questions.keys[name] = tuple(dict.fromkeys((*questions.keys.get(name, ()), *known)))
        return section(self, name, known)

    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.object(toml_source, "Section", questions.noting()),
        mock.patch.object(toml_source.TomlSource, "section", noted),
    ):
        for text in (STUDY, COMMAND):
            (Path(folder) / "objective.py").write_text(OBJECTIVE, "utf-8")
            (Path(folder) / "study.toml").write_text(text, "utf-8")
            read.read_study(Path(folder) / "study.toml")
    if tuple(SECTIONS) != read.SECTIONS:
        raise ValueError(f"the sections of a study file are {read.SECTIONS}, and {tuple(SECTIONS)} are described")
    for name, keys in questions.keys.items():
        if set(keys) != set(MEANINGS.get(name, ())):
            raise ValueError(
                f"[{name}] has the keys {sorted(keys)}, and {sorted(MEANINGS.get(name, ()))} are described"
            )
    return questions


def study_file() -> str:
    """Write the reference of the study file, in Markdown."""
    questions = asked()
    parts: list[str] = []
    for name, about in SECTIONS.items():
        parts += [f"## [{name}]", "", about, ""]
        if name in MEANINGS:
            parts += [*_keys(name, questions), ""]
        parts += {"objective": _objective, "space": _space, "method": _method, "stop": _rules}.get(name, list)()
    return "\n".join(parts)


def _keys(section: str, questions: Questions) -> Iterator[str]:
    yield from ("| key | value | by default | |", "| --- | --- | --- | --- |")
    for key in questions.keys[section]:
        kind, default = questions.types[section, key]
        yield f"| `{key}` | {kind} | {default} | {MEANINGS[section][key]} |"


def _objective() -> list[str]:
    rules = {
        '"last line"': shell_command.LastLine,
        '{regex = "accuracy: ([0-9.]+)"}': shell_command.Pattern,
        '{json = "{luthier.folder}/result.json"}': shell_command.JsonFile,
        '"seconds"': shell_command.WallTime,
    }
    environment = re.findall(r"^- (.*(?:\n  .*)*)", inspect.getdoc(shell_command) or "", re.MULTILINE)
    return [
        "### Results of a command", "",
        "| `result` | |", "| --- | --- |",
        *[f"| `{rule}` | {summary(kind)} |" for rule, kind in rules.items()], "",
        "### Places in a command", "",
        f"A variable's name, or one of {', '.join(f'`{{{name}}}`' for name in shell_command.SPECIAL)}. "
        f"{(inspect.getsource(shell_command).partition('SPECIAL = ')[2]).split(chr(34) * 3)[1]}", "",
        "### Environment of a command", "",
        *[f"- {' '.join(item.split())}".replace("``", "`") for item in environment], "",
    ]  # fmt: skip


def _space() -> list[str]:
    """Describe the kinds of variables, as the reader of spaces knows them."""
    kinds = {
        thing.kind: thing for name in lt.__all__ if isinstance(getattr(thing := getattr(lt, name), "kind", None), str)
    }
    lines = [
        "Each key is a variable, a table in which one key names the kind. `require` is the list of constraints.",
        "",
    ]
    for kind, (_, settings) in serialization._KINDS.items():
        variable = kinds[kind]
        said = arguments(variable)
        lines += [f"### {kind}", "", f"{summary(variable)} In Python: `lt.{variable.__name__}`.", ""]
        lines += ["| setting | |", "| --- | --- |", f"| `{kind}` | {_VALUES[kind]} |"]
        lines += [f"| `{name}` | {_NOTES.get((kind, name)) or said[name]} |" for name in (*settings, "when")]
        lines.append("")
    return lines


_RANGE = "`[smallest, largest]`"
_LIST = "the list of options: texts, numbers, `true`, `false`, `{none = true}`"
_VALUES = {
    "float": _RANGE, "int": _RANGE, "ordinal": f"{_LIST}, in ascending order", "bool": "`true`",
    "choice": f"{_LIST}, or `{{value = …, variables = {{…}}}}` for an option with variables of its own",
    "constant": "the value", "subset": "the list of items", "permutation": "the list of items",
    "simplex": "the list of the names of the parts, or their number",
}  # fmt: skip
_PRIOR = "`{normal = [mean, std]}`, `{lognormal = [mean, std]}` or `{beta = [a, b]}`, truncated to the range"
_NOTES = {("float", "prior"): _PRIOR, ("int", "prior"): _PRIOR}


def _method() -> list[str]:
    """Describe the methods, surrogates and acquisition functions that a file may name."""
    groups = {
        "Methods": _listed("luthier.method", lambda name: hasattr(getattr(lt, name), "suggest")),
        "Surrogates": _listed("luthier.surrogate", lambda name: True),
        "Acquisition functions": _listed("luthier.acquisition", lambda name: True),
    }
    lines = ["A setting that is itself a group of settings is a table with `use`, too, such as",
             '`surrogate = {use = "Forest", trees = 50}`.', ""]  # fmt: skip
    return lines + _described(groups)


def _rules() -> list[str]:
    """Describe the rules that a file may name."""
    return _described({"Rules": _listed("luthier.stop", lambda name: True)})


def _described(groups: Mapping[str, Sequence[type]]) -> list[str]:
    """Write a heading for each kind, with its settings."""
    lines: list[str] = []
    for title, kinds in groups.items():
        lines += [f"### {title}", ""]
        for kind in kinds:
            said, start = arguments(kind), defaults(kind)
            lines += [f'#### use = "{kind.__name__}"', "", summary(kind), ""]
            if start:
                lines += ["| setting | by default | |", "| --- | --- | --- |"]
                lines += [f"| `{name}` | {start[name] or 'must be given'} | {said.get(name, '')} |" for name in start]
                lines.append("")
    return lines


def _listed(package: str, fits: Callable[[str], bool]) -> list[type]:
    names = [name for name in _names.PUBLIC[package] if name in _names.STORED and fits(name)]
    return [getattr(lt, name) for name in names]


def _default(key: str, default: object) -> str:
    if key == "name":
        return "the file's name without `.toml`"
    if key == "path":
        return "the file's name with `.db` for `.toml`"
    return "none" if default is None else f"`{default}`" if not isinstance(default, str) else f'`"{default}"`'
