"""Settings of other libraries' variables, samplers and models, with ours."""

from __future__ import annotations

from typing import Final

_SEED = "Study('name', space, seed=0), as all randomness is the study's"

_BOUNDS = "the bounds as the first two arguments, from the lowest to the highest value: (0, 1)"
_NAME = "the name as a key of the space: {'x': lt.Float(0, 1)}"
_NUMBER = {
    **dict.fromkeys(
        ("lower", "upper", "min", "max", "minimum", "maximum", "min_value", "max_value", "bounds"), _BOUNDS
    ),
    "name": _NAME,
    "label": _NAME,
    "q": "step=…",
    "quantization_factor": "step=…",
    "log_scale": "log=True",
    "sampling": "log=True",
    "scale": "log=True",
    "base": "log=True, which needs no base",
    "transform": "log=True, or nothing",
    "distribution": "log=True, or prior=lt.Normal(mean, std)",
    "default_value": "default=…",
    "condition": "when=\"kernel == 'rbf'\"",
}
_OPTIONS = "the options one by one: ('a', 'b')"
_ONE_OF = {
    **dict.fromkeys(("choices", "categories", "values", "items", "sequence"), _OPTIONS),
    "name": _NAME,
    "label": _NAME,
    "p": "weights=[2, 1]",
    "prior": "weights=[2, 1]",
    "probabilities": "weights=[2, 1]",
    "default_value": "default=…",
    "ordered": "lt.Ordinal('small', 'large')",
    "transform": "nothing: options are encoded as the method needs them",
    "condition": "when=\"kernel == 'rbf'\"",
}
_DESIGN = "initial=10"
_MODEL_BASED = {
    **dict.fromkeys(
        ("n_initial_points", "n_random_starts", "n_startup_trials", "n_startup_jobs", "init_points"), _DESIGN
    ),
    **dict.fromkeys(("seed", "random_state"), _SEED),
    "acq_optimizer": "search=luthier.method.AcquisitionOptimizer(…)",
    "constraints_func": "nothing: the objective returns {'loss': 1.0, 'violations': {'memory': used - 16}}",
}
_BAYES = {
    **dict.fromkeys(("base_estimator", "model", "estimator", "surrogate_model"), "surrogate=lt.GP()"),
    **dict.fromkeys(("acq_func", "acq", "acquisition_function", "utility"), "acquisition=lt.EI()"),
    **_MODEL_BASED,
    "kappa": "acquisition=lt.UCB(2.0)",
    "xi": "acquisition=lt.EI(margin=0.01)",
    "gamma": "surrogate=lt.Parzen(quantile=0.1)",
}
_MARGIN = {"xi": "margin=0.01", "par": "margin=0.01", "jitter": "margin=0.01"}
_TREES = dict.fromkeys(("n_estimators", "num_trees", "n_trees"), "trees=30") | {
    "min_samples_leaf": "leaf=1",
    "max_features": "share=0.8",
    "random_state": _SEED,
}
_LIMITS = {
    "timeout": "budget=600, the seconds of the search, or trial_time_s=60, those of one candidate",
    "max_trials": "n_iter=50",
    "n_trials": "n_iter=50",
    "n_calls": "n_iter=50",
    "iid": "nothing: folds count alike, as in scikit-learn",
    "study": "store='study.db'",
    "storage": "store='study.db'",
    "loss_threshold": "budget={'target': 0.95}",
}
_BAYES_SEARCH = {
    **dict.fromkeys(("param_distributions", "param_grid", "space", "search_space", "dimensions"), "search_spaces={…}"),
    **_LIMITS,
    "sampler": "method=lt.Bayes(…), or another method",
    "base_estimator": "optimizer_kwargs={'base_estimator': 'GP'}, or method=lt.Bayes(…)",
    "n_initial_points": "optimizer_kwargs={'n_initial_points': 10}, or method=lt.Bayes(initial=10)",
    "callback": "search.fit(X, y, callback=f)",
}
_GRID_SEARCH = {name: ours for name, ours in _LIMITS.items() if "n_iter" not in ours}
SETTINGS: Final = {
    "BayesSearchCV": _BAYES_SEARCH,
    "GridSearchCV": _GRID_SEARCH | dict.fromkeys(("search_spaces", "param_distributions"), "param_grid={…}"),
    "RandomizedSearchCV": _LIMITS | dict.fromkeys(("search_spaces", "param_grid"), "param_distributions={…}"),
    "Float": _NUMBER,
    "Int": _NUMBER,
    "Choice": _ONE_OF,
    "Ordinal": {name: ours for name, ours in _ONE_OF.items() if "weights" not in ours and name != "ordered"},
    "Space": {
        "constraints": "require=['a + b <= 1']",
        "forbidden": "require=['not (a == 1 and b == 2)']",
        "conditions": "a condition where the variable is: lt.Float(0, 1, when=\"kernel == 'rbf'\")",
        "seed": _SEED,
        **dict.fromkeys(("dimensions", "parameters", "space"), "the variables as the first argument"),
    },
    "Auto": _MODEL_BASED,
    "Bayes": _BAYES,
    "UCB": {"kappa": "beta=2.0"},
    "EI": _MARGIN,
    "LogEI": _MARGIN,
    "PI": _MARGIN,
    "GP": {"nu": "kernel='matern52'", "length_scale": "hyperpriors=…, as lengths are found", "random_state": _SEED},
    "Forest": _TREES,
    "Boosted": {"n_estimators": "rounds=40", "learning_rate": "rate=0.15", "max_leaf_nodes": "leaves=15"}
    | {"num_leaves": "leaves=15", "min_samples_leaf": "leaf=3", "random_state": _SEED},
    "Parzen": {"gamma": "quantile=0.1", "prior_weight": "prior=1.0", "n_startup_trials": "lt.Bayes(initial=10)"}
    | {"seed": _SEED, "multivariate": "nothing: it always looks at all variables together"},
    "Grid": dict.fromkeys(("search_space", "param_grid"), "points={'x': [0.1, 1.0]}")
    | dict.fromkeys(("n_points", "num_points", "resolution"), "points=10")
    | {"shuffle": "order='random'", "seed": _SEED},
    "Random": dict.fromkeys(("seed", "random_state"), _SEED),
    "Quasi": {"qmc_type": "kind='sobol'", "seed": _SEED, "random_state": _SEED},
    "Evolution": dict.fromkeys(("population_size", "popsize", "pop_size", "mu"), "population=20")
    | {"sigma0": "spread=0.25", "sigma": "spread=0.25", "restart_strategy": "restart=True", "seed": _SEED}
    | {"algorithm": "kind='cma'", "strategy": "kind='cma'"},
    "Anneal": {"seed": _SEED, "shrink_coef": "shrink=0.1", "avg_best_idx": "preference=2.0"},
}
"""Settings of variables, methods and their parts, by the class that has them."""
