"""Neutral description of a search space, which every tool's adapter translates into its own.

A space is a list of dictionaries, parents before children: name, type (float | int | cat), lo and hi, log, choices,
and if: (parent, [values of the parent under which the parameter exists]). It is that of shared/bench/peers.py.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Parameter = Mapping[str, Any]
Parameters = Sequence[Parameter]
Config = dict[str, Any]


def real(
    name: str, low: float, high: float, log: bool = False, given: tuple[str, list[str]] | None = None
) -> Parameter:
    """Describe a real number, on a logarithmic scale where `log`; `given`: (parent, values) under which it exists."""
    return {"name": name, "type": "float", "lo": low, "hi": high, "log": log} | ({"if": given} if given else {})


def whole(name: str, low: int, high: int, log: bool = False, given: tuple[str, list[str]] | None = None) -> Parameter:
    """Describe a whole number."""
    return {"name": name, "type": "int", "lo": low, "hi": high, "log": log} | ({"if": given} if given else {})


def choice(name: str, *choices: Any) -> Parameter:
    """Describe a choice without an order."""
    return {"name": name, "type": "cat", "choices": list(choices)}


def unit(names: str) -> list[Parameter]:
    """Describe real numbers in [0, 1], one for each letter."""
    return [real(name, 0.0, 1.0) for name in names]


def active(parameters: Parameters, config: Mapping[str, Any]) -> Config:
    """Drop the parameters whose parent does not enable them."""
    kept: Config = {}
    for parameter in parameters:
        given = parameter.get("if")
        if given is None or kept.get(given[0]) in given[1]:
            kept[parameter["name"]] = config[parameter["name"]]
    return kept


def draw(parameters: Parameters, random: np.random.Generator) -> Config:
    """Draw a configuration uniformly, on the parameters' scales; conditional ones where they exist."""
    return active(parameters, {one["name"]: _value(one, random) for one in parameters})


def _value(parameter: Parameter, random: np.random.Generator) -> Any:
    if parameter["type"] == "cat":
        return parameter["choices"][int(random.integers(len(parameter["choices"])))]
    low, high = parameter["lo"], parameter["hi"]
    is_whole = parameter["type"] == "int"
    if is_whole:
        low, high = low - 0.5, high + 0.5
    if parameter["log"]:
        value = math.exp(random.uniform(math.log(max(low, 0.5) if is_whole else low), math.log(high)))
    else:
        value = random.uniform(low, high)
    return min(max(round(value), parameter["lo"]), parameter["hi"]) if is_whole else float(value)
