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
        AugmentedLogEI,
        Hedge,
        KnowledgeGradient,
        LogEI,
        MaxValueEntropy,
        NoisyEI,
        PerSecond,
        ScheduledUCB,
        Thompson,
    )
    from luthier.analysis import NoProgress, NotWorthIt, RegretBound
    from luthier.executor import RunningTrial
    from luthier.instances import Instances
    from luthier.method import Anneal, Auto, Bayes, Evolution, Grid, Prior, PriorBand, Quasi, Random, register
    from luthier.problem import Fidelity
    from luthier.run import Study, compare, maximize, minimize
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
    from luthier.stop import (
        ASHA,
        AllOf,
        AnyOf,
        CurveExtrapolation,
        Hyperband,
        Intensify,
        Median,
        OneStep,
        Patience,
        Percentile,
        SuccessiveHalving,
        Threshold,
        Wilcoxon,
    )
    from luthier.study import studies
    from luthier.surrogate import GP, Boosted, Ensemble, Forest, Parzen, Regressor

__all__ = [
    "ASHA",
    "EI",
    "GP",
    "MACE",
    "PI",
    "QEI",
    "UCB",
    "AllOf",
    "Anneal",
    "AnyOf",
    "AugmentedLogEI",
    "Auto",
    "Bayes",
    "Beta",
    "Bool",
    "Boosted",
    "Choice",
    "Constant",
    "CurveExtrapolation",
    "Ensemble",
    "Evolution",
    "Fidelity",
    "Float",
    "Forest",
    "Grid",
    "Hedge",
    "Hyperband",
    "Instances",
    "Int",
    "Intensify",
    "KnowledgeGradient",
    "LogEI",
    "LogNormal",
    "MaxValueEntropy",
    "Median",
    "Named",
    "NoProgress",
    "NoisyEI",
    "Normal",
    "NotWorthIt",
    "OneStep",
    "Option",
    "Ordinal",
    "Parzen",
    "Patience",
    "PerSecond",
    "Percentile",
    "Permutation",
    "Prior",
    "PriorBand",
    "Quasi",
    "Random",
    "Regressor",
    "RegretBound",
    "RunningTrial",
    "ScheduledUCB",
    "Simplex",
    "Space",
    "Study",
    "Subset",
    "SuccessiveHalving",
    "Thompson",
    "Threshold",
    "Wilcoxon",
    "__version__",
    "compare",
    "errors",
    "maximize",
    "minimize",
    "register",
    "studies",
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
        from luthier._foreign_words import NAMES
        from luthier._hints import did_you_mean, instead

        hint = f": {instead(NAMES[name], 'use lt.')}" if name in NAMES else did_you_mean(name, __all__)
        raise AttributeError(f"module 'luthier' has no attribute {name!r}{hint}")


def __dir__() -> list[str]:
    return sorted(__all__)
