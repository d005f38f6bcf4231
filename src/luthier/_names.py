"""The one registry of names: public ones, those that stand in logs, and the aliases of both."""

from __future__ import annotations

from typing import Final

PUBLIC: Final = {
    "luthier.analysis": ("NoProgress", "NotWorthIt", "RegretBound"),
    "luthier.executor": ("RunningTrial",),
    "luthier.acquisition": (
        "EI",
        "MACE",
        "PI",
        "QEI",
        "UCB",
        "AugmentedLogEI",
        "Hedge",
        "KnowledgeGradient",
        "LogEI",
        "MaxValueEntropy",
        "NoisyEI",
        "PerSecond",
        "ScheduledUCB",
        "Thompson",
    ),
    "luthier.instances": ("Instances",),
    "luthier.method": (
        "Anneal",
        "Auto",
        "Bayes",
        "Evolution",
        "Grid",
        "Prior",
        "PriorBand",
        "Quasi",
        "Random",
        "register",
    ),
    "luthier.problem": ("Fidelity",),
    "luthier.run": ("Study", "compare", "maximize", "minimize"),
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
    "luthier.stop": (
        "ASHA",
        "AllOf",
        "AnyOf",
        "CurveExtrapolation",
        "Hyperband",
        "Intensify",
        "Median",
        "OneStep",
        "Patience",
        "Percentile",
        "SuccessiveHalving",
        "Threshold",
        "Wilcoxon",
    ),
    "luthier.study": ("studies",),
    "luthier.surrogate": ("GP", "Boosted", "Ensemble", "Forest", "Parzen", "Regressor"),
}
"""The names of ``import luthier``, by the package that has them."""

PUBLIC_ALIASES: Final = {"Pareto": "MACE", "Running": "RunningTrial"}
"""Earlier public names that still work; none of them is in ``luthier.__all__``."""

STORED: Final = {
    "ASHA": "luthier.stop",
    "AcquisitionOptimizer": "luthier.method",
    "AllOf": "luthier.stop",
    "Anneal": "luthier.method",
    "AnyOf": "luthier.stop",
    "AugmentedLogEI": "luthier.acquisition",
    "Auto": "luthier.method",
    "Bayes": "luthier.method",
    "Beta": "luthier.space",
    "Boosted": "luthier.surrogate",
    "CurveExtrapolation": "luthier.stop",
    "EI": "luthier.acquisition",
    "Ensemble": "luthier.surrogate",
    "Evolution": "luthier.method",
    "Forest": "luthier.surrogate",
    "GP": "luthier.surrogate",
    "Grid": "luthier.method",
    "Hedge": "luthier.acquisition",
    "Hyperband": "luthier.stop",
    "Hyperpriors": "luthier.surrogate",
    "Intensify": "luthier.stop",
    "KnowledgeGradient": "luthier.acquisition",
    "LogEI": "luthier.acquisition",
    "LogNormal": "luthier.space",
    "MACE": "luthier.acquisition",
    "MaxValueEntropy": "luthier.acquisition",
    "Median": "luthier.stop",
    "NoProgress": "luthier.analysis",
    "NoisyEI": "luthier.acquisition",
    "Normal": "luthier.space",
    "NotWorthIt": "luthier.analysis",
    "OneStep": "luthier.stop",
    "PI": "luthier.acquisition",
    "Parzen": "luthier.surrogate",
    "Patience": "luthier.stop",
    "PerSecond": "luthier.acquisition",
    "Percentile": "luthier.stop",
    "Prior": "luthier.method",
    "PriorBand": "luthier.method",
    "QEI": "luthier.acquisition",
    "Quasi": "luthier.method",
    "Random": "luthier.method",
    "RegretBound": "luthier.analysis",
    "Regressor": "luthier.surrogate",
    "ScheduledUCB": "luthier.acquisition",
    "SuccessiveHalving": "luthier.stop",
    "Thompson": "luthier.acquisition",
    "Threshold": "luthier.stop",
    "UCB": "luthier.acquisition",
    "Wilcoxon": "luthier.stop",
}
"""The names of dataclasses that a log or a study file may hold (``{"use": …}``), by the package that has them."""

STORED_ALIASES: Final = {"Beliefs": "Hyperpriors", "Pareto": "MACE", "Search": "AcquisitionOptimizer"}
"""Names that logs and study files of earlier versions hold."""

SETTING_ALIASES: Final = {
    "Auto": {"models": "committee", "doubters": "short_scale_models", "explorers": "exploring_models"},
    "GP": {"beliefs": "hyperpriors"},
}
"""Names of settings that logs and study files of earlier versions hold, by the class that has them."""

STORES: Final = {
    "jsonl": "luthier.store.jsonl.jsonl_url:open_jsonl",
    "mariadb": "luthier.store.sql.server_url:open_server",
    "mysql": "luthier.store.sql.server_url:open_server",
    "postgres": "luthier.store.sql.server_url:open_server",
    "postgresql": "luthier.store.sql.server_url:open_server",
    "sqlite": "luthier.store.sqlite.url:open_url",
}
"""The functions that open stores, by the scheme of their URLs: ``package.module:function``."""
