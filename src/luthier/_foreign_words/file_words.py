"""Words of study files and command lines that other tools have, with ours."""

from __future__ import annotations

from typing import Final

SECTIONS: Final = {
    **dict.fromkeys(("variables", "parameters", "params", "search_space", "hyperparameters", "dimensions"), "space"),
    **dict.fromkeys(("sampler", "algorithm", "algo", "optimizer", "strategy", "search"), "method"),
    **dict.fromkeys(("storage", "database", "output"), "store"),
    **dict.fromkeys(("limits", "stopping", "run"), "budget"),
    **dict.fromkeys(("pruner", "pruning", "early_stopping", "scheduler"), "stop"),
    **dict.fromkeys(("command", "program", "function"), "objective"),
    **dict.fromkeys(("workers", "parallel", "resources"), "executor"),
}
"""Sections of a study file."""

_GOAL_KEY = 'minimize = "loss" or maximize = "accuracy"'
KEYS: Final = {
    "study": {
        **dict.fromkeys(("direction", "directions", "metric", "mode", "goal", "objective", "objectives"), _GOAL_KEY),
        **dict.fromkeys(("random_state", "rng", "random_seed"), "seed = 0"),
        **dict.fromkeys(("storage", "store", "database"), '[store] with path = "study.db"'),
        **dict.fromkeys(("n_trials", "max_evals", "n_calls", "n_iter", "trials"), "[budget] with trials = 100"),
        **dict.fromkeys(("sampler", "algorithm", "method"), '[method] with use = "Bayes"'),
        "study_name": 'name = "digits"',
    },
    "budget": {
        **dict.fromkeys(("n_trials", "max_evals", "n_calls", "n_iter", "max_trials", "iterations"), "trials = 100"),
        **dict.fromkeys(("timeout", "time_s", "max_time", "walltime", "seconds", "duration"), 'time = "10min"'),
        **dict.fromkeys(("patience", "early_stopping"), "plateau = 20"),
        "loss_threshold": "target = 0.01",
    },
    "executor": {
        **dict.fromkeys(("n_jobs", "jobs", "num_workers", "processes", "parallel", "threads"), "workers = 4"),
        **dict.fromkeys(("timeout", "time", "time_limit", "trial_time_s"), 'trial_time = "60s"'),
        **dict.fromkeys(("memory", "memory_limit", "trial_memory_mb"), 'trial_memory = "4GB"'),
    },
    "objective": {
        **dict.fromkeys(("function", "callable", "module", "target"), 'python = "module:function"'),
        **dict.fromkeys(("cmd", "program", "script", "exec"), 'command = "program --option {name}"'),
        **dict.fromkeys(("output", "metric", "parse"), 'result = {regex = "accuracy: ([0-9.]+)"}'),
    },
    "store": dict.fromkeys(("url", "storage", "file", "filename", "database"), 'path = "study.db"'),
    "method": dict.fromkeys(("name", "type", "method", "kind", "algorithm", "sampler"), 'use = "Bayes"'),
}
"""Keys of a study file, by section."""

_TPE = 'use = "Bayes", surrogate = {use = "Parzen"}, acquisition = {use = "EI"}'
_GP = 'use = "Bayes", surrogate = {use = "GP"}'
METHODS: Final = {
    **dict.fromkeys(("tpe", "tpesampler", "hyperopt", "parzensampler"), _TPE),
    **dict.fromkeys(("gpsampler", "bo", "bayesian", "bayesianoptimization", "gaussianprocess", "gp_minimize"), _GP),
    **dict.fromkeys(("smac", "rf", "randomforest", "forest_minimize"), 'use = "Bayes", surrogate = {use = "Forest"}'),
    **dict.fromkeys(("gbrt", "gbm", "gradientboosting"), 'use = "Bayes", surrogate = {use = "Boosted"}'),
    **dict.fromkeys(("cma", "cmaes", "cma-es", "cmaessampler"), 'use = "Evolution", kind = "cma"'),
    **dict.fromkeys(("de", "differential_evolution"), 'use = "Evolution", kind = "de"'),
    **dict.fromkeys(("randomsampler", "randomsearch", "rand", "random_search"), 'use = "Random"'),
    **dict.fromkeys(("gridsampler", "gridsearch", "grid_search", "brute", "bruteforcesampler"), 'use = "Grid"'),
    **dict.fromkeys(("qmcsampler", "qmc", "sobol"), 'use = "Quasi", kind = "sobol"'),
    **dict.fromkeys(("lhs", "latin", "latinhypercube"), 'use = "Quasi", kind = "latin"'),
    **dict.fromkeys(("simulatedannealing", "dual_annealing", "annealing"), 'use = "Anneal"'),
    **dict.fromkeys(("nsgaii", "nsgaiisampler", "nsga2", "default"), 'use = "Auto"'),
    **dict.fromkeys(("lcb", "lowerconfidencebound", "upperconfidencebound"), 'use = "UCB"'),
    **dict.fromkeys(("expectedimprovement",), 'use = "EI"'),
    **dict.fromkeys(("probabilityofimprovement",), 'use = "PI"'),
    **dict.fromkeys(("eips", "eipersecond"), 'use = "PerSecond", inner = {use = "EI"}'),
    **dict.fromkeys(("extratrees", "et"), 'use = "Forest", extra = true'),
}
"""Methods and their parts in the text form of a method, by their names in lower case."""

KINDS: Final = {
    **dict.fromkeys(("real", "uniform", "double", "number", "continuous", "range"), "float = [0.0, 1.0]"),
    **dict.fromkeys(("loguniform", "log_uniform", "log-uniform", "reciprocal"), "float = [0.001, 1.0], log = true"),
    **dict.fromkeys(("integer", "randint", "uniformint", "quniform"), "int = [1, 10]"),
    **dict.fromkeys(("categorical", "choices", "values", "options", "categories", "enum"), 'choice = ["a", "b"]'),
    **dict.fromkeys(("low", "high", "lower", "upper", "min", "max"), "float = [0.0, 1.0], or int = [1, 10]"),
    **dict.fromkeys(("type", "dist", "distribution"), 'float = [0.0, 1.0], int = [1, 10] or choice = ["a", "b"]'),
    **dict.fromkeys(("boolean", "flag"), "bool = true"),
    **dict.fromkeys(("fixed", "value", "const"), "constant = 3"),
}
"""Kinds of variables in the text form of a space."""

COMMANDS: Final = {
    **dict.fromkeys(("optimize", "tune", "minimize", "fit", "start", "continue"), "run"),
    **dict.fromkeys(("workers", "join"), "worker"),
    **dict.fromkeys(("kill", "abort"), "cancel"),
    **dict.fromkeys(("studies", "ls", "study-names"), "list"),
    **dict.fromkeys(("best-trial", "best-trials", "best_trial", "front"), "best"),
    **dict.fromkeys(("trials", "history", "table", "status", "dataframe"), "show"),
    **dict.fromkeys(("create-study", "create", "new", "template"), "init"),
    **dict.fromkeys(("delete-study", "delete", "remove"), "rm"),
    **dict.fromkeys(("csv", "dump"), "export"),
    **dict.fromkeys(("replay", "prove"), "verify"),
    **dict.fromkeys(("check", "repair", "fsck", "version"), "doctor"),
    **dict.fromkeys(("why",), "explain"),
    **dict.fromkeys(("diff",), "compare"),
    **dict.fromkeys(("param-importances", "importances"), "importance"),
    **dict.fromkeys(("tag", "note", "notes", "tags"), "annotate"),
}
"""Commands."""

COMMAND_OPTIONS: Final = {
    **dict.fromkeys(("--n-trials", "--max-evals", "--n-calls", "--n-iter", "--max-trials"), "--trials"),
    **dict.fromkeys(("--timeout", "--max-time", "--time-budget"), "--time"),
    **dict.fromkeys(("--n-jobs", "--jobs", "--num-workers", "--parallel"), "--workers"),
    **dict.fromkeys(("--study-name", "--name"), "--study"),
    **dict.fromkeys(("--storage", "--db"), "--store"),
}
"""Options of commands."""
