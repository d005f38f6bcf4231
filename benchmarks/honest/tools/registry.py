"""Registry of the tools by name."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.honest.parameters import Parameters
from benchmarks.honest.tools.protocol import Tool

Make = Callable[[Parameters, int, int], Tool]


def _luthier(parameters: Parameters, seed: int, trials: int) -> Tool:
    from benchmarks.honest.tools.luthier_study import LuthierStudy

    return LuthierStudy(parameters, seed, trials)


def _random(parameters: Parameters, seed: int, trials: int) -> Tool:
    from benchmarks.honest.tools.random_search import RandomSearch

    return RandomSearch(parameters, seed)


def _optuna(sampler: str) -> Make:
    def made(parameters: Parameters, seed: int, trials: int) -> Tool:
        from benchmarks.honest.tools.optuna_study import OptunaStudy

        return OptunaStudy(parameters, seed, sampler)

    return made


def _hyperopt(parameters: Parameters, seed: int, trials: int) -> Tool:
    from benchmarks.honest.tools.hyperopt_trials import HyperoptTrials

    return HyperoptTrials(parameters, seed)


def _skopt(parameters: Parameters, seed: int, trials: int) -> Tool:
    from benchmarks.honest.tools.skopt_optimizer import SkoptOptimizer

    return SkoptOptimizer(parameters, seed)


def _smac(parameters: Parameters, seed: int, trials: int) -> Tool:
    from benchmarks.honest.tools.smac_facade import SmacFacade

    return SmacFacade(parameters, seed, trials)


def _hebo(parameters: Parameters, seed: int, trials: int) -> Tool:
    from benchmarks.honest.tools.hebo_optimizer import HeboOptimizer

    return HeboOptimizer(parameters, seed)


def _crude(parameters: Parameters, seed: int, trials: int) -> Tool:
    from benchmarks.honest.tools.crude_yardstick import CrudeYardstick

    return CrudeYardstick(parameters, seed, trials)


TOOLS: dict[str, Make] = {
    "random": _random,
    "luthier": _luthier,
    "optuna-tpe": _optuna("tpe"),
    "hyperopt": _hyperopt,
    "crude": _crude,
    "hebo": _hebo,
    "smac": _smac,
    "optuna-gp": _optuna("gp"),
    "skopt": _skopt,
}
NAMES = tuple(TOOLS)


def make(name: str, parameters: Parameters, seed: int, trials: int) -> Tool:
    """Make a tool for a space, a seed and the number of trials that there will be (which only some want to know)."""
    return TOOLS[name](parameters, seed, trials)
