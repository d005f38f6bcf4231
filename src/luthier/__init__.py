"""Luthier tunes hyperparameters: state an objective, its variables and their constraints; it finds the best values.

Every public name is imported when it is first used, so that ``import luthier`` costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from luthier import errors
from luthier.version import VERSION as __version__  # noqa: N811

if TYPE_CHECKING:
    from luthier.acquisition.analytic import EI, PI, UCB, LogEI
    from luthier.acquisition.cost import PerSecond
    from luthier.acquisition.entropy import MaxValueEntropy
    from luthier.acquisition.joint import QEI
    from luthier.acquisition.knowledge import KnowledgeGradient
    from luthier.acquisition.noisy import NoisyEI
    from luthier.acquisition.pareto import Pareto
    from luthier.acquisition.portfolio import Hedge
    from luthier.acquisition.schedule import ScheduledUCB
    from luthier.acquisition.thompson import Thompson
    from luthier.executor import Running
    from luthier.method import Anneal, Auto, Bayes, Evolution, Grid, Quasi, Random
    from luthier.method.belief import Prior
    from luthier.method.text import register
    from luthier.run import Study, maximize, minimize
    from luthier.space import (
        Beta,
        Bool,
        Choice,
        Constant,
        Float,
        Int,
        LogNormal,
        Named,
        Normal,
        Option,
        Ordinal,
        Permutation,
        Simplex,
        Space,
        Subset,
    )
    from luthier.surrogate.boosted import Boosted
    from luthier.surrogate.ensemble import Ensemble
    from luthier.surrogate.forest import Forest
    from luthier.surrogate.gp import GP
    from luthier.surrogate.parzen import Parzen
    from luthier.surrogate.regressor import Regressor

__all__ = [
    "EI",
    "GP",
    "PI",
    "QEI",
    "UCB",
    "Anneal",
    "Auto",
    "Bayes",
    "Beta",
    "Bool",
    "Boosted",
    "Choice",
    "Constant",
    "Ensemble",
    "Evolution",
    "Float",
    "Forest",
    "Grid",
    "Hedge",
    "Int",
    "KnowledgeGradient",
    "LogEI",
    "LogNormal",
    "MaxValueEntropy",
    "Named",
    "NoisyEI",
    "Normal",
    "Option",
    "Ordinal",
    "Pareto",
    "Parzen",
    "PerSecond",
    "Permutation",
    "Prior",
    "Quasi",
    "Random",
    "Regressor",
    "Running",
    "ScheduledUCB",
    "Simplex",
    "Space",
    "Study",
    "Subset",
    "Thompson",
    "__version__",
    "errors",
    "maximize",
    "minimize",
    "register",
]

_PLACES = {
    "luthier.executor": ("Running",),
    "luthier.acquisition.analytic": ("EI", "PI", "UCB", "LogEI"),
    "luthier.acquisition.cost": ("PerSecond",),
    "luthier.acquisition.pareto": ("Pareto",),
    "luthier.acquisition.portfolio": ("Hedge",),
    "luthier.acquisition.schedule": ("ScheduledUCB",),
    "luthier.method.belief": ("Prior",),
    "luthier.acquisition.entropy": ("MaxValueEntropy",),
    "luthier.acquisition.joint": ("QEI",),
    "luthier.acquisition.knowledge": ("KnowledgeGradient",),
    "luthier.acquisition.noisy": ("NoisyEI",),
    "luthier.acquisition.thompson": ("Thompson",),
    "luthier.method": ("Anneal", "Auto", "Bayes", "Evolution", "Grid", "Quasi", "Random"),
    "luthier.method.text": ("register",),
    "luthier.run": ("Study", "maximize", "minimize"),
    "luthier.space": (
        "Beta",
        "Bool",
        "Choice",
        "Constant",
        "Float",
        "Int",
        "LogNormal",
        "Named",
        "Normal",
        "Option",
        "Ordinal",
        "Permutation",
        "Simplex",
        "Space",
        "Subset",
    ),
    "luthier.surrogate.boosted": ("Boosted",),
    "luthier.surrogate.ensemble": ("Ensemble",),
    "luthier.surrogate.forest": ("Forest",),
    "luthier.surrogate.gp": ("GP",),
    "luthier.surrogate.parzen": ("Parzen",),
    "luthier.surrogate.regressor": ("Regressor",),
}
_LATER = {name: module for module, names in _PLACES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for."""
    if name not in _LATER:
        raise AttributeError(f"module 'luthier' has no attribute {name!r}")
    from importlib import import_module

    found = getattr(import_module(_LATER[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
