"""Hyperopt's TPE, driven through its domain and trials as its own loop does; conditions as nested choices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from hyperopt import Trials, hp, space_eval, tpe
from hyperopt.base import JOB_STATE_DONE, STATUS_OK, Domain
from hyperopt.pyll.base import scope

from benchmarks.honest.parameters import Config, Parameter, Parameters


class HyperoptTrials:
    """TPE at its defaults; it recommends the incumbent."""

    def __init__(self, parameters: Parameters, seed: int) -> None:
        self.parameters = {one["name"]: one for one in parameters}
        self.parents = {one["if"][0] for one in parameters if one.get("if")}
        self.space = {one["name"]: self._entry(one) for one in parameters if not one.get("if")}
        self.trials, self.domain = Trials(), Domain(lambda config: 0.0, self.space)
        self.random = np.random.default_rng(seed)
        self.documents: list[Any] = []

    def _entry(self, parent: Parameter) -> Any:
        if parent["name"] not in self.parents:
            return _distribution(parent, parent["name"])
        children = [one for one in self.parameters.values() if one.get("if") and one["if"][0] == parent["name"]]
        branches = [
            {"value": chosen}
            | {one["name"]: _distribution(one, f"{one['name']}@{chosen}") for one in children if chosen in one["if"][1]}
            for chosen in parent["choices"]
        ]
        return hp.choice(parent["name"], branches)

    def ask(self, count: int) -> list[Config]:
        """Give the next batch."""
        identities = self.trials.new_trial_ids(count)
        self.trials.refresh()
        self.documents = []
        for identity in identities:
            made = tpe.suggest([identity], self.domain, self.trials, int(self.random.integers(2**31 - 1)))
            self.documents.extend(made)
        return [self._config(document) for document in self.documents]

    def _config(self, document: Any) -> Config:
        chosen = {name: found[0] for name, found in document["misc"]["vals"].items() if len(found)}
        config = dict(space_eval(self.space, chosen))
        for parent in self.parents:
            branch = dict(config[parent])
            config[parent] = branch.pop("value")
            config.update(branch)
        for name, value in config.items():
            if self.parameters[name]["type"] == "int":
                config[name] = int(min(max(value, self.parameters[name]["lo"]), self.parameters[name]["hi"]))
        return config

    def tell(self, losses: Sequence[float]) -> None:
        """Take the losses of the batch."""
        for document, loss in zip(self.documents, losses, strict=True):
            document["state"], document["result"] = JOB_STATE_DONE, {"loss": float(loss), "status": STATUS_OK}
        self.trials.insert_trial_docs(self.documents)
        self.trials.refresh()

    def recommend(self) -> dict[str, Config]:
        """Give nothing but the incumbent, as `Trials.argmin` does."""
        return {}


def _distribution(parameter: Parameter, label: str) -> Any:
    if parameter["type"] == "cat":
        return hp.choice(label, parameter["choices"])
    low, high = parameter["lo"], parameter["hi"]
    if parameter["type"] == "int":
        if parameter["log"]:
            return scope.int(hp.qloguniform(label, math.log(low), math.log(high), 1))
        return hp.uniformint(label, low, high)
    return hp.loguniform(label, math.log(low), math.log(high)) if parameter["log"] else hp.uniform(label, low, high)
