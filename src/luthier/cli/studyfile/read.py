"""A study file: objective, variables and constraints; then method, budget, store and executor.

Every mistake in it is an `InvalidFile` with its place, what is wrong and what is allowed.
"""

from __future__ import annotations

import math
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from luthier._foreign_words import KEYS, METHODS
from luthier._names import PUBLIC
from luthier.analysis import EndRule, parse_end_rule
from luthier.cli.objective.python_function import Function
from luthier.cli.objective.shell_command import (
    Command,
)
from luthier.cli.studyfile.instance_files import read_files, read_instances
from luthier.cli.studyfile.objective_section import read_objective
from luthier.cli.studyfile.space_errors import locate
from luthier.cli.studyfile.toml_source import Section, TomlSource, hint, listed
from luthier.cli.studyfile.transfer_sources import TransferSource, read_transfer
from luthier.cli.studyfile.units import duration_s, fidelity, size_mb
from luthier.errors import InvalidSetting, InvalidSpace
from luthier.executor import gpu_environments
from luthier.instances import Instances
from luthier.method import check_method, from_plain, method_names
from luthier.problem import SECONDS, Fidelity, OutcomeConstraint, parse_outcome_constraints
from luthier.run import Budget
from luthier.scalar import to_float
from luthier.space import Space
from luthier.stop import Intensify, Rule, scheduler_of, single_objective_part

SECTIONS = ("study", "objective", "space", "method", "stop", "budget", "store", "executor")
KINDS = ("processes", "threads", "inline", "dask", "ray", "slurm", "spark", "loky", "joblib")
_STUDY_KEYS = (
    "name", "minimize", "maximize", "constraints", "cost", "fidelity", "instances", "seed", "noisy", "baseline",
    "report", "notes", "tags", "transfer",
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
        cost: the name of what a trial costs; None where none is said.
        ending: the rule that ends a run; None where none does.
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
        transfer: studies of other tasks that it learns from.
        instances: what a configuration is to be good on; None where that is one thing.
        instance_files: whether the instances are files; None where it is not said.
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
    cost: str | None = None
    ending: EndRule | None = None
    transfer: tuple[TransferSource, ...] = ()
    instances: Instances | None = None
    instance_files: bool | None = None


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
    cost = study.text("cost", "") or None
    priced = (cost,) if cost not in (None, SECONDS) else ()
    returned = tuple(dict.fromkeys((*minimize, *maximize, *(limit.name for limit in limits), *priced)))
    others: tuple[TransferSource, ...] = study.made("transfer", read_transfer, ())
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
        objective=read_objective(source, space, returned, workers, instances is not None),
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
        stop=_rule(source, declared, instances, len(minimize) + len(maximize)),
        instances=instances,
        instance_files=study.made("instances", read_files, None),
        cost=cost,
        ending=_ending(source, len(minimize) + len(maximize)),
        transfer=tuple(replace(other, place=_place(source, other.place)) for other in others),
    )


def store_of(source: TomlSource) -> str:
    """Give the store of a study file: by default ``<its name>.db`` beside it."""
    return _place(source, source.section("store", ("path",)).text("path", f"{source.path.stem}.db"))


def _place(source: TomlSource, path: str) -> str:
    """Give a path relative to the folder of the study file; a URL as it is."""
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


def _rule(source: TomlSource, declared: Fidelity | None, instances: Instances | None, goals: int) -> Rule | None:
    section = source.section("stop")

    def check(rule: object) -> None:
        if not isinstance(rule, Rule):
            raise InvalidSetting(f"it is no rule that stops trials; {listed('there are', RULES)}")
        if goals > 1 and single_objective_part(rule) is not None:
            raise InvalidSetting(f'it compares one number, and the study has {goals} objectives: use = "ASHA"')
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
    section = source.section("budget", ("trials", "evaluations", "time", "cost", "target", "plateau", "stop"))
    budget = Budget(
        trials=section.whole("trials", None, 1),
        time_s=section.made("time", duration_s, None),
        target=section.number("target", None),
        plateau=section.whole("plateau", None, 1),
        cost=section.made("cost", _cost, None),
        evaluations=section.whole("evaluations", None, 1),
    )
    if goals > 1 and (budget.target is not None or budget.plateau is not None):
        key = "target" if budget.target is not None else "plateau"
        raise section.error(key, f"{key} is for a study of one objective; this one has {goals}: use trials or time")
    return budget


def _cost(value: object) -> float:
    number = to_float(value) if isinstance(value, int | float) else None
    if number is None or not 0 < number < math.inf:
        raise InvalidSetting(f"{value!r} is not allowed here: give a number, more than 0")
    return number


def _ending(source: TomlSource, goals: int) -> EndRule | None:
    section = source.section("budget")
    rule: EndRule | None = section.made("stop", parse_end_rule, None)
    if rule is not None and goals > 1:
        raise section.error("stop", f"stop is for a study of one objective; this one has {goals}: use trials or time")
    return rule


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
