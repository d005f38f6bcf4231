"""Hyperparameter optimization by grid, random and Bayesian search.

Every public name is imported when it is first used, so that ``import luthier`` costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from luthier import errors
from luthier.version import VERSION as __version__  # noqa: N811

if TYPE_CHECKING:
    from luthier.acquisition import (
        EI,
        MACE,
        PI,
        QEI,
        UCB,
        Hedge,
        KnowledgeGradient,
        LogEI,
        MaxValueEntropy,
        NoisyEI,
        PerSecond,
        ScheduledUCB,
        Thompson,
    )
    from luthier.executor import RunningTrial
    from luthier.method import Anneal, Auto, Bayes, Evolution, Grid, Prior, Quasi, Random, register
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
    from luthier.surrogate import GP, Boosted, Ensemble, Forest, Parzen, Regressor

__all__ = [
    "EI",
    "GP",
    "MACE",
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
    "Parzen",
    "PerSecond",
    "Permutation",
    "Prior",
    "Quasi",
    "Random",
    "Regressor",
    "RunningTrial",
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

if not TYPE_CHECKING:  # else a checker would take every misspelt name for one of ours

    def __getattr__(name):
        """Import a public name when it is first asked for."""
        from luthier._names import PUBLIC, PUBLIC_ALIASES

        wanted = PUBLIC_ALIASES.get(name, name)
        for package, names in PUBLIC.items():
            if wanted in names:
                from importlib import import_module

                found = getattr(import_module(package), wanted)
                globals()[name] = found
                return found
        raise AttributeError(f"module 'luthier' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
