"""A study file: objective, variables and constraints; then method, budget, store and executor.

Every mistake in it is an `InvalidFile` with its place, what is wrong and what is allowed.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from luthier._foreign_words import KEYS, METHODS
from luthier._hints import did_you_mean
from luthier._names import PUBLIC
from luthier.cli.objective.python_function import Function
from luthier.cli.objective.shell_command import (
    SHORT,
    SPECIAL,
    Command,
    JsonFile,
    LastLine,
    Pattern,
    WallTime,
    environment_names,
    search_path,
)
from luthier.cli.objective.template import Template, check_shell, template, words
from luthier.cli.studyfile.instance_files import read_instances
from luthier.cli.studyfile.space_errors import locate
from luthier.cli.studyfile.toml_source import Section, TomlSource, hint, listed
from luthier.cli.studyfile.units import duration_s, fidelity, size_mb
from luthier.errors import InvalidSetting, InvalidSpace
from luthier.executor import gpu_environments
from luthier.instances import Instances
from luthier.method import check_method, from_plain, method_names
from luthier.problem import Fidelity, OutcomeConstraint, parse_outcome_constraints
from luthier.run import Budget
from luthier.space import Space
from luthier.stop import Intensify, Rule, scheduler_of

SECTIONS = ("study", "objective", "space", "method", "stop", "budget", "store", "executor")
KINDS = ("processes", "threads", "inline", "dask", "ray", "slurm", "spark", "loky", "joblib")
_STUDY_KEYS = (
    "name", "minimize", "maximize", "constraints", "fidelity", "instances", "seed", "noisy", "baseline", "report",
    "notes", "tags",
)  # fmt: skip
RULES = PUBLIC["luthier.stop"]


@dataclass(frozen=True)
class StudyFile:
    """The content of a study file.

    Args:
        source: the file.
        name: of the study.
        minimize, maximize: the names of the objectives.
        seed: of all randomness; None for a new one.
        noisy: whether the same values may give different results.
        baseline: whether the defaults of the variables are tried first, and compared with in the end.
        objective: a function or a command.
        space: the variables and constraints.
        method: None for the default one.
        fidelity: what a full evaluation spends; None where less tells nothing.
        stop: the rule that stops trials early; None where none does.
        budget: the limits of the study.
        store: the path or URL of the store.
        workers: the number of trials at once.
        kind: of the executor.
        trial_time_s, trial_memory_mb: limits of a trial.
        gpus: those of this machine that are divided among the workers; None for all to each.
        deterministic: how many trials may be under way in a run whose trials do not depend on timing.
        report: the file into which a report is written at the end of a run; empty for none.
        constraints: limits of numbers that the objective returns; None where there are none.
        notes: of the study; empty for those that it has.
        tags: of the study, beside those that it has.
    """

    source: TomlSource
    name: str
    minimize: tuple[str, ...]
    maximize: tuple[str, ...]
    seed: int | None
    noisy: bool
    baseline: bool
    objective: Function | Command
    space: Space
    method: Any
    budget: Budget
    store: str
    workers: int
    kind: str
    trial_time_s: float | None
    trial_memory_mb: float | None
    gpus: str | None = None
    deterministic: int | None = None
    report: str = ""
    constraints: Mapping[str, str] | None = None
    notes: str = ""
    tags: tuple[str, ...] = ()
    fidelity: Fidelity | None = None
    stop: Rule | None = None
    instances: Instances | None = None


def read_study(path: str | Path) -> StudyFile:
    """Read a study file. Nothing of the objective is imported or run.

    Raises:
        InvalidFile: there is a mistake in it.
    """
    source = TomlSource(path)
    source.sections(SECTIONS)
    for name, why in (("study", "what is optimized"), ("objective", "what is run"), ("space", "what is tuned")):
        if name not in source.data:
            raise source.error((), f"there is no [{name}], which says {why}; `luthier init` writes an example")
    study = source.section("study", _STUDY_KEYS)
    minimize, maximize = study.texts("minimize"), study.texts("maximize")
    _check_goals(study, minimize, maximize)
    limits: tuple[OutcomeConstraint, ...] = study.made("constraints", parse_outcome_constraints, ())
    returned = tuple(dict.fromkeys((*minimize, *maximize, *(limit.name for limit in limits))))
    space = _space(source)
    read = partial(read_instances, folder=source.path.parent)
    instances: Instances | None = study.made("instances", read, None)
    executor = source.section("executor", ("workers", "kind", "gpus", "deterministic", "trial_time", "trial_memory"))
    workers, kind = executor.whole("workers", 1, 1, 10_000), executor.one_of("kind", KINDS, KINDS[0])
    time_s, memory_mb = _limits(executor, kind, workers)
    return StudyFile(
        source=source,
        name=study.text("name", source.path.stem),
        minimize=minimize,
        maximize=maximize,
        seed=study.whole("seed", None, 0, 2**64 - 1),
        noisy=study.flag("noisy", False),
        baseline=_baseline(study, space),
        objective=_objective(source, space, returned, workers, instances is not None),
        space=space,
        method=_method(source),
        budget=_budget(source, len(minimize) + len(maximize)),
        store=store_of(source),
        workers=workers,
        kind=kind,
        gpus=_gpus(executor, kind),
        deterministic=executor.whole("deterministic", None, 1),
        trial_time_s=time_s,
        trial_memory_mb=memory_mb,
        report=_report(study),
        constraints={limit.name: limit.relation for limit in limits} or None,
        notes=study.text("notes", ""),
        tags=_tags(study),
        fidelity=(declared := study.made("fidelity", fidelity, None)),
        stop=_rule(source, declared, instances),
        instances=instances,
    )


def store_of(source: TomlSource) -> str:
    """Give the store of a study file: by default ``<its name>.db`` beside it."""
    path = source.section("store", ("path",)).text("path", f"{source.path.stem}.db")
    return path if "://" in path else os.path.normpath(source.path.parent / Path(path).expanduser())


def _report(study: Section) -> str:
    """Give the file of the report, relative to the study file as the store is; empty where none is wanted."""
    path = study.text("report", "")
    if not path:
        return ""
    if Path(path).suffix.lower() not in (".html", ".htm", ".md", ".markdown"):
        raise study.error("report", f"report = {path!r}: name a file that ends in .html, or in .md for Markdown")
    return os.path.normpath(study.source.path.parent / Path(path).expanduser())


def _tags(study: Section) -> tuple[str, ...]:
    tags = study.texts("tags")
    for tag in tags:
        if "\n" in tag:
            raise study.error("tags", f"a tag is a text of one line, not {tag!r}; notes may be longer")
    return tags


def _check_goals(study: Section, minimize: tuple[str, ...], maximize: tuple[str, ...]) -> None:
    if not minimize and not maximize:
        key = next((key for key in ("minimize", "maximize") if key in study), "")
        raise study.error(key, 'say what is optimized: minimize = "loss" or maximize = "accuracy"')
    for key, goals in (("minimize", minimize), ("maximize", maximize)):
        for goal in goals:
            if (*minimize, *maximize).count(goal) > 1:
                raise study.error(key, f"{goal!r} is named twice; each objective has a name of its own")


def _baseline(study: Section, space: Space) -> bool:
    wanted = study.flag("baseline", False)
    if wanted and space.defaults() is None:
        raise study.error(
            "baseline", "baseline = true needs defaults that keep the constraints: give variables a default that does"
        )
    return wanted


def _space(source: TomlSource) -> Space:
    section = source.section("space")
    if not set(section.table) - {"require"}:
        raise section.error("", "[space] has no variables: write one a line, such as x = {float = [0, 1]}")
    try:
        return Space.from_toml_table(section.table)
    except InvalidSpace as error:
        key = locate(section.table, error)
        prefix = f"{key[0]}: " if key and key[0] != "require" and str(key[0]) not in str(error) else ""
        raise section.error(key or ("",), f"{prefix}{error}") from None


def _method(source: TomlSource) -> Any:
    return _part(source.section("method"), "method", "Random", method_names(), check_method)


def _rule(source: TomlSource, declared: Fidelity | None, instances: Instances | None) -> Rule | None:
    section = source.section("stop")

    def check(rule: object) -> None:
        if not isinstance(rule, Rule):
            raise InvalidSetting(f"it is no rule that stops trials; {listed('there are', RULES)}")
        if isinstance(scheduler_of(rule), Intensify) and instances is None:
            raise InvalidSetting('it races over instances: say instances = ["a", "b", "c"] in [study]')
        if scheduler_of(rule) is not None and declared is None and instances is None:
            raise InvalidSetting("it gives trials a part of the fidelity: say fidelity = {epochs = [1, 81]} in [study]")

    rule: Rule | None = _part(section, "rule", "Median", RULES, check)
    return rule


def _part(section: Section, what: str, example: str, known: Sequence[str], check: Callable[[object], None]) -> Any:
    """Build the method or the rule of a section; None where it is left out."""
    if not section.table:
        return None
    if not isinstance(section.table.get("use"), str):
        meant = next((key for key in section.table if key in KEYS.get(section.name, ())), "")
        raise section.error("use" if "use" in section else meant, f'say which {what}: use = "{example}"')
    use = section.table["use"]
    if use not in known and not _builds({"use": use}):
        ours = METHODS.get(use.lower())
        said = f": write {ours}" if ours else hint(use, known, "there are")
        raise section.error("use", f"there is no {what} {use!r}{said}")
    try:
        part = from_plain(section.table)
        check(part)
        return part
    except (InvalidSetting, InvalidSpace) as error:
        settings = [key for key in section.table if key != "use"]
        spoiling = [key for key in settings if _builds({k: v for k, v in section.table.items() if k != key})]
        named = [key for key in settings if re.search(rf"\b{re.escape(key)}\b", str(error))]
        raise section.error([*spoiling, *named, "use"][0], str(error)) from None


def _builds(plain: Mapping[str, Any]) -> bool:
    try:
        from_plain(plain)
    except (InvalidSetting, InvalidSpace):
        return False
    return True


def _budget(source: TomlSource, goals: int) -> Budget:
    section = source.section("budget", ("trials", "time", "target", "plateau"))
    budget = Budget(
        trials=section.whole("trials", None, 1),
        time_s=section.made("time", duration_s, None),
        target=section.number("target", None),
        plateau=section.whole("plateau", None, 1),
    )
    if goals > 1 and (budget.target is not None or budget.plateau is not None):
        key = "target" if budget.target is not None else "plateau"
        raise section.error(key, f"{key} is for a study of one objective; this one has {goals}: use trials or time")
    return budget


def _gpus(section: Section, kind: str) -> str | None:
    if "gpus" not in section:
        return None
    gpus = section.text("gpus", "")
    try:
        gpu_environments(gpus, 1)
    except InvalidSetting as error:
        raise section.error("gpus", str(error)) from None
    if kind != "processes":
        raise section.error("gpus", 'gpus are divided among processes of this machine: kind = "processes"')
    return gpus


def _limits(section: Section, kind: str, workers: int) -> tuple[float | None, float | None]:
    time_s, memory_mb = section.made("trial_time", duration_s, None), section.made("trial_memory", size_mb, None)
    if memory_mb is not None and (kind in ("threads", "inline") or sys.platform == "win32"):
        raise section.error("trial_memory", 'a limit of memory needs kind = "processes", and Linux or macOS')
    if time_s is not None and kind == "inline":
        raise section.error("trial_time", 'a limit of time needs kind = "processes" or "threads"')
    if kind == "inline" and workers > 1:
        raise section.error("workers", 'kind = "inline" runs one trial at a time: workers = 1, or another kind')
    return time_s, memory_mb


# --- the objective --------------------------------------------------------------------------------


def _objective(
    source: TomlSource, space: Space, goals: tuple[str, ...], workers: int, racing: bool
) -> Function | Command:
    section = source.section("objective", ("python", "command", "shell", "result"))
    if ("python" in section) == ("command" in section):
        both = " (and not both)" if "python" in section else ""
        raise section.error(
            "command" if "command" in section else "",
            f'give python = "module:function", or command = "program --option {{name}}"{both}',
        )
    if "python" in section:
        return _function(section)
    return _command(section, space, goals, workers, racing)


def _function(section: Section) -> Function:
    text = section.text("python", "")
    for key in ("shell", "result"):
        if key in section:
            raise section.error(key, f"{key} belongs to a command; a Python function returns its result")
    module, colon, name = text.partition(":")
    parts = [*module.split("."), *name.split(".")]
    if not colon or not all(part.isidentifier() for part in parts):
        raise section.error("python", f'python = {text!r}: write "module:function", as in "train:accuracy"')
    return Function(module, name, section.source.folder, partial(section.error, "python"))


def _command(section: Section, space: Space, goals: tuple[str, ...], workers: int, racing: bool) -> Command:
    shell = section.flag("shell", False)
    if shell and sys.platform == "win32":
        raise section.error("shell", "shell = true needs a POSIX shell: write the command without")
    parts = _words(section, shell)
    known = (*space.names, *SPECIAL, *(SHORT if racing else ()))
    for part in parts:
        _check_places(section, "command", part, known)
    if not shell:
        _check_program(section, parts[0], space)
    result = _result(section, known, goals, workers)
    return Command(parts, shell, section.source.folder, result, environment_names(space.names))


def _words(section: Section, shell: bool) -> tuple[Template, ...]:
    given = section.table["command"]
    is_list = isinstance(given, list) and bool(given) and all(isinstance(word, str) for word in given)
    if not (isinstance(given, str) and given.strip()) and not is_list:
        raise section.error("command", "command is a text, or a list of texts: a program and its arguments")
    if shell and is_list:
        raise section.error("command", "with shell = true, the command is one text")
    try:
        return (check_shell(given),) if shell else words(given)
    except InvalidSetting as error:
        raise section.error("command", str(error)) from None


def _check_places(section: Section, key: str | tuple[str, ...], part: Template, known: tuple[str, ...]) -> None:
    for name in part.names:
        if name not in known:
            raise section.error(key, f"{{{name}}} is not a variable of [space]{hint(name, known, 'there are')}")


def _check_program(section: Section, word: Template, space: Space) -> None:
    if word.names:
        if set(word.names) & set(space.names):
            raise section.error("command", "the program itself cannot be a variable: start it by a small script")
        return
    name = word.pieces[0]
    if not any(sign in name for sign in "/\\"):
        if shutil.which(name, path=search_path()) is None:
            raise section.error("command", f"there is no program {name!r} on the PATH")
    elif shutil.which(str(section.source.folder / name)) is None:
        where = str(section.source.folder)
        raise section.error("command", f"{name!r} (from {where!r}) is not a program: no such file, or not executable")


def _result(
    section: Section, known: tuple[str, ...], goals: tuple[str, ...], workers: int
) -> LastLine | Pattern | JsonFile | WallTime:
    given = section.table.get("result", "last line")
    if given == "last line":
        return LastLine()
    if given == "seconds":
        if len(goals) > 1:
            raise section.error("result", f'"seconds" is one result, and there are {len(goals)}: {list(goals)}')
        return WallTime()
    allowed = (
        'result is "last line", "seconds", {regex = "accuracy: ([0-9.]+)"} or {json = "{luthier.folder}/result.json"}'
    )
    if not isinstance(given, Mapping) or len(given) != 1 or not all(isinstance(text, str) for text in given.values()):
        raise section.error("result", f"{given!r} is not allowed; {allowed}")
    if "regex" in given:
        return _pattern(section, given["regex"], goals)
    if "json" in given:
        return _json_file(section, given["json"], known, workers)
    (key,) = given
    raise section.error(("result", key), f"{key!r} is not known{did_you_mean(key, ('regex', 'json'))}; {allowed}")


def _pattern(section: Section, regex: str, goals: tuple[str, ...]) -> Pattern:
    key = ("result", "regex")
    try:
        compiled = re.compile(regex, re.MULTILINE)
    except re.error as error:
        raise section.error(key, f"{regex!r} is not a regular expression: {error}") from None
    if compiled.groupindex:
        if set(compiled.groupindex) != set(goals):
            raise section.error(key, f"the groups {sorted(compiled.groupindex)} are not the objectives {list(goals)}")
    elif compiled.groups != 1 or len(goals) > 1:
        how = "one group in round brackets around the number" if len(goals) == 1 else "a group (?P<name>…) an objective"
        raise section.error(key, f"{regex!r} has {compiled.groups} groups; it needs {how}")
    return Pattern(regex)


def _json_file(section: Section, path: str, known: tuple[str, ...], workers: int) -> JsonFile:
    key = ("result", "json")
    try:
        place = template(path)
    except InvalidSetting as error:
        raise section.error(key, str(error)) from None
    _check_places(section, key, place, known)
    if not {"luthier.folder", "luthier.number"} & set(place.names) and workers > 1:
        raise section.error(
            key, f"with {workers} workers, two trials would write {path!r} at once: put it into {{luthier.folder}}, a "
            "folder of the trial's own, or {luthier.number} into its name",
        )  # fmt: skip
    return JsonFile(place)
