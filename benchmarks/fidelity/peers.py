"""Other libraries in the simulated clock: Optuna, SMAC, DEHB, Syne Tune and neural-pipeline-search."""

from __future__ import annotations

import importlib.util
import json
import logging
import tempfile
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from benchmarks.fidelity.clock import Job, Optimizer
from benchmarks.fidelity.curves import Curves


class Optuna:
    """Reports each unit (see `next_report`), and stops where Optuna prunes: it has no pause."""

    def __init__(self, task: Curves, seed: int, sampler: str, pruner: str) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
        samplers = {
            "TPE": lambda: optuna.samplers.TPESampler(seed=seed),
            "random": lambda: optuna.samplers.RandomSampler(seed=seed),
        }
        pruners = {
            "Hyperband": lambda: optuna.pruners.HyperbandPruner(task.low, task.high, 3),
            "halving": lambda: optuna.pruners.SuccessiveHalvingPruner(task.low, 3),
        }
        self.study = optuna.create_study(sampler=samplers[sampler](), pruner=pruners[pruner](), study_name=f"s{seed}")
        self.pruned = optuna.trial.TrialState.PRUNED
        self.task = task

    def ask(self) -> Job:
        """See `Optimizer.ask`."""
        trial = self.study.ask()
        params: dict[str, Any] = {}
        for one in self.task.variables:
            parent = one.get("if")
            if parent and params.get(parent[0]) not in parent[1]:
                continue
            name, log = one["name"], bool(one.get("log"))
            if one["type"] == "cat":
                params[name] = trial.suggest_categorical(name, one["choices"])
            elif one["type"] == "int":
                params[name] = trial.suggest_int(name, one["lo"], one["hi"], log=log)
            else:
                params[name] = trial.suggest_float(name, one["lo"], one["hi"], log=log)
        return Job(trial.number, params, self.task.low, trial)

    def tell(self, job: Job, units: int, loss: float) -> int | None:
        """See `Optimizer.tell`."""
        job.of.report(loss, units)
        if units == self.task.high:
            self.study.tell(job.of, loss)
        elif job.of.should_prune():
            self.study.tell(job.of, state=self.pruned)
        else:
            return next_report(self.task, units)
        return None


class Smac:
    """The multi-fidelity facade: Hyperband with a random forest."""

    def __init__(self, task: Curves, seed: int) -> None:
        from smac import MultiFidelityFacade, Scenario

        scenario = Scenario(
            _config_space(task, seed),
            deterministic=True,
            n_trials=100_000,
            min_budget=task.low,
            max_budget=task.high,
            seed=seed,
            output_directory=tempfile.mkdtemp(),
        )
        self.facade = MultiFidelityFacade(
            scenario, lambda config, seed=0, budget=0: 0.0, overwrite=True, logging_level=False
        )

    def ask(self) -> Job:
        """See `Optimizer.ask`."""
        info = self.facade.ask()
        params = _plain(dict(info.config))
        return Job(json.dumps(params, sort_keys=True), params, round(info.budget), info)

    def tell(self, job: Job, units: int, loss: float) -> None:
        """See `Optimizer.tell`."""
        from smac.runhistory.dataclasses import TrialValue

        self.facade.tell(job.of, TrialValue(cost=loss, time=0.0))


class Dehb:
    """Differential evolution in the brackets of Hyperband."""

    def __init__(self, task: Curves, seed: int) -> None:
        from dehb import DEHB

        folder = tempfile.mkdtemp()
        settings: dict[str, Any] = {"n_workers": 1, "save_freq": "end", "output_path": folder, "log_level": "ERROR"}
        space = _config_space(task, seed)
        bounds = {"min_fidelity": task.low, "max_fidelity": task.high}
        self.dehb = DEHB(f=lambda *_: {}, cs=space, dimensions=len(space), seed=seed, **bounds, **settings)
        logging.getLogger("dehb").setLevel(logging.ERROR)

    def ask(self) -> Job:
        """See `Optimizer.ask`."""
        job = self.dehb.ask()
        params = _plain(dict(job["config"]))
        return Job(json.dumps(params, sort_keys=True), params, round(float(job["fidelity"])), job)

    def tell(self, job: Job, units: int, loss: float) -> None:
        """See `Optimizer.tell`."""
        self.dehb.tell(job.of, {"fitness": loss, "cost": float(units)})


class SyneTune:
    """Schedulers that stop at rungs: Syne Tune 0.16 has no others."""

    def __init__(self, task: Curves, seed: int, name: str) -> None:
        from syne_tune import config_space
        from syne_tune.optimizer import baselines

        logging.getLogger().setLevel(logging.ERROR)
        space: dict[str, Any] = {}
        for one in task.variables:
            if one["type"] == "cat":
                space[one["name"]] = config_space.choice(list(one["choices"]))
            else:
                kind = ("logint", "logfloat") if one.get("log") else ("int", "float")
                makers = {
                    "int": config_space.randint,
                    "logint": config_space.lograndint,
                    "float": config_space.uniform,
                    "logfloat": config_space.loguniform,
                }
                space[one["name"]] = makers[kind[one["type"] == "float"]](one["lo"], one["hi"])
        np.random.seed(seed)
        self.scheduler = getattr(baselines, name)(
            space,
            metric="loss",
            time_attr="units",
            max_t=task.high,
            grace_period=task.low,
            random_seed=seed,
        )
        self.task, self.count = task, 0

    def ask(self) -> Job:
        """See `Optimizer.ask`."""
        import datetime

        from syne_tune.backend.trial_status import Trial

        config = self.scheduler.suggest().config
        trial = Trial(self.count, config, datetime.datetime(2026, 1, 1))
        self.count += 1
        self.scheduler.on_trial_add(trial)
        return Job(trial.trial_id, self.task.active(_plain(config)), self.task.low, trial)

    def tell(self, job: Job, units: int, loss: float) -> int | None:
        """See `Optimizer.tell`."""
        result = {"loss": loss, "units": units}
        if units >= self.task.high:
            self.scheduler.on_trial_complete(job.of, result)
            return None
        goes_on = self.scheduler.on_trial_result(job.of, result) == "CONTINUE"
        return next_report(self.task, units) if goes_on else None


class Neps:
    """neural-pipeline-search; PriorBand without a prior centres at the best only."""

    def __init__(self, task: Curves, seed: int, name: str) -> None:
        import neps
        import torch

        torch.manual_seed(seed)
        np.random.seed(seed)
        import random

        random.seed(seed)
        space: dict[str, Any] = {"units": neps.HPOInteger(task.low, task.high, is_fidelity=True)}
        self.names = {f"v{place}": one["name"] for place, one in enumerate(task.variables)}
        for place, one in enumerate(task.variables):
            if one["type"] == "cat":
                made = neps.HPOCategorical(list(one["choices"]), prior=one["choices"][0], prior_confidence="low")
            else:
                middle = (one["lo"] * one["hi"]) ** 0.5 if one.get("log") else (one["lo"] + one["hi"]) / 2
                kind, cast = (neps.HPOInteger, round) if one["type"] == "int" else (neps.HPOFloat, float)
                made = kind(one["lo"], one["hi"], log=bool(one.get("log")), prior=cast(middle), prior_confidence="low")
            space[f"v{place}"] = made
        self.optimizer = neps.AskAndTell(getattr(neps.algorithms, name)(neps.SearchSpace(space)))
        self.task = task

    def ask(self) -> Job:
        """See `Optimizer.ask`."""
        trial = self.optimizer.ask()
        params = {self.names[name]: value for name, value in trial.config.items() if name in self.names}
        key = trial.metadata.id.split("_")[0]
        return Job(key, self.task.active(_plain(params)), int(trial.config["units"]), trial)

    def tell(self, job: Job, units: int, loss: float) -> None:
        """See `Optimizer.tell`."""
        self.optimizer.tell(job.of, loss)


def next_report(task: Curves, units: int) -> int:
    """Give the units at which a trial that goes on reports next, to an optimizer that stops trials.

    Where a training begins again for more units, each report costs all of them, so that nobody would report more often
    than at the rungs: there it is three times the units, and the full evaluation where less than √3 is left to it.
    """
    if task.goes_on:
        return units + 1
    return 3 * units if 27 * units**2 <= task.high**2 else task.high


def _config_space(task: Curves, seed: int) -> Any:
    """Give the space as SMAC and DEHB want it, with its conditions."""
    from ConfigSpace import Categorical, ConfigurationSpace, Float, InCondition, Integer

    space = ConfigurationSpace(seed=seed)
    for one in task.variables:
        if one["type"] == "cat":
            space.add(Categorical(one["name"], list(one["choices"])))
        else:
            kind = Integer if one["type"] == "int" else Float
            space.add(kind(one["name"], (one["lo"], one["hi"]), log=bool(one.get("log"))))
    for one in task.variables:
        if one.get("if"):
            space.add(InCondition(space[one["name"]], space[one["if"][0]], list(one["if"][1])))
    return space


def _plain(params: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value.item() if isinstance(value, np.generic) else str(value) if isinstance(value, str) else value
        for name, value in params.items()
    }


def runners() -> dict[str, Callable[[Curves, int], Optimizer]]:
    """Name what is installed here."""
    found: dict[str, Callable[[Curves, int], Optimizer]] = {}
    if importlib.util.find_spec("optuna"):
        for sampler, pruner in (("TPE", "Hyperband"), ("TPE", "halving")):
            found[f"Optuna, {sampler}, {pruner}"] = lambda task, seed, sampler=sampler, pruner=pruner: Optuna(
                task, seed, sampler, pruner
            )
    if importlib.util.find_spec("smac"):
        found["SMAC, multi-fidelity"] = Smac
    if importlib.util.find_spec("dehb"):
        found["DEHB"] = Dehb
    if importlib.util.find_spec("syne_tune"):
        for name, title in (("ASHA", "ASHA"), ("BOHB", "BOHB"), ("ASHACQR", "CQR, ASHA")):
            found[f"Syne Tune, {title}"] = lambda task, seed, name=name: SyneTune(task, seed, name)
    if importlib.util.find_spec("neps"):
        for name, title in (("priorband", "PriorBand"), ("hyperband", "Hyperband")):
            found[f"NePS, {title}"] = lambda task, seed, name=name: Neps(task, seed, name)
    return found
