"""Arguments of other libraries' functions and methods, with ours."""

from __future__ import annotations

from typing import Final

_SPACE = "the space as the second argument: {'x': lt.Float(0, 1), …}"
_GOAL = "minimize='loss' or maximize='accuracy', which also names the objective"
_METHOD = "method=lt.Bayes(…), or another method"
_TRIALS = "trials=100, the number that the study has in the end"

STUDY: Final = {
    "direction": _GOAL,
    "directions": "minimize=('loss', 'cost') or maximize=…, which also name the objectives",
    "study_name": "the name as the first argument: Study('name', space, …)",
    "storage": "store='study.db'",
    "sampler": _METHOD,
    "pruner": "stop=lt.Median(), lt.Hyperband(), …",
    "load_if_exists": "nothing: the same name in the same store is the same study",
    "algo": _METHOD,
    "algorithm": _METHOD,
    "optimizer": _METHOD,
    "strategy": _METHOD,
    "base_estimator": "method=lt.Bayes(surrogate=lt.GP())",
    "acq_func": "method=lt.Bayes(acquisition=lt.EI())",
    "random_state": "seed=0",
    "rstate": "seed=0",
    "dimensions": _SPACE,
    "search_space": _SPACE,
    "param_space": _SPACE,
    "params": _SPACE,
    "parameters": _SPACE,
    "configspace": _SPACE,
    "parameter_constraints": "lt.Space({…}, require=['a + b <= 1']) as the second argument",
    "outcome_constraints": "constraints={'memory_mb': '<= 512'}, limits of numbers that the objective returns",
    "constraints_func": "constraints={'memory_mb': '<= 512'}, limits of numbers that the objective returns",
    "metric": _GOAL,
    "metrics": _GOAL,
    "mode": _GOAL,
    "objective": "study.run(objective, trials=100), after the study was made; " + _GOAL,
    "objectives": "minimize=('loss', 'cost') or maximize=…",
    "n_trials": "study.run(objective, trials=100)",
    "n_jobs": "study.run(objective, workers=4)",
    "tags": "study.annotate(tags=['paper']), after the study was made",
    "notes": "study.annotate('what it is for'), after the study was made",
    "require": "lt.Space({…}, require=['a + b <= 1']) as the second argument",
}
"""Arguments of `Study`."""

RUN: Final = {
    "n_trials": _TRIALS,
    "max_evals": _TRIALS,
    "n_calls": _TRIALS,
    "n_iter": _TRIALS,
    "n_iterations": _TRIALS,
    "max_iter": _TRIALS,
    "maxiter": _TRIALS,
    "max_trials": _TRIALS,
    "total_trials": _TRIALS,
    "num_samples": _TRIALS,
    "budget": "trials=100, or time_s=600",
    "timeout": "time_s=600",
    "time_budget_s": "time_s=600",
    "walltime_limit": "time_s=600",
    "max_time": "time_s=600",
    "n_jobs": "workers=4",
    "n_workers": "workers=4",
    "num_workers": "workers=4",
    "parallelism": "workers=4",
    "callback": "callbacks=[f], functions of the study and the trial's result",
    "catch": "on_error='go on', which is the default, or on_error='raise'",
    "error_score": "on_error='go on', which is the default, or on_error='raise'",
    "raise_on_failed": "on_error='raise'",
    "loss_threshold": "target=0.01",
    "early_stop_fn": "plateau=20, the trials in a row that may bring nothing better",
    "patience": "plateau=20, the trials in a row that may bring nothing better",
    "show_progress_bar": "progress=True",
    "show_progressbar": "progress=True",
    "verbose": "progress=True",
    "gc_after_trial": "workers=2: each trial then runs in a process of its own",
    "trial_walltime_limit": "trial_time_s=60",
    "trial_memory_limit": "trial_memory_mb=4000",
    "random_state": "lt.Study(…, seed=0), where the study is made",
    "rstate": "lt.Study(…, seed=0), where the study is made",
    "n_initial_points": "lt.Study(…, method=lt.Bayes(initial=10)), where the study is made",
    "n_random_starts": "lt.Study(…, method=lt.Bayes(initial=10)), where the study is made",
    "n_startup_trials": "lt.Study(…, method=lt.Bayes(initial=10)), where the study is made",
    "x0": "study.enqueue({'x': 0.5}) before the run",
    "y0": "study.add({'x': 0.5}, 1.0) before the run",
    "points_to_evaluate": "study.enqueue({'x': 0.5}) before the run",
    "fn": "the objective as the first argument",
    "func": "the objective as the first argument",
    "trainable": "the objective as the first argument",
}
"""Arguments of `Study.run`."""

_KEPT = "lt.Study('name', space, minimize='loss', store='study.db').run(objective, trials=100)"
OPTIMIZE: Final = {
    **RUN,
    **{name: STUDY[name] for name in ("algo", "algorithm", "sampler", "optimizer", "base_estimator", "acq_func")},
    **dict.fromkeys(("n_initial_points", "n_random_starts", "n_startup_trials"), "method=lt.Bayes(initial=10)"),
    **{name: STUDY[name] for name in ("dimensions", "search_space", "params", "random_state", "rstate")},
    "direction": "lt.minimize or lt.maximize",
    "return_argmin": "nothing: the result has .params and .value",
    **dict.fromkeys(("storage", "store", "study_name", "name"), _KEPT),
}
"""Arguments of `minimize` and `maximize`."""

_TELL = {
    "values": "one number for each objective, study.tell(trial, {'loss': 0.5, 'cost': 2.0})",
    "result": "the value as the second argument: study.tell(trial, 0.5)",
    "loss": "the value as the second argument: study.tell(trial, 0.5)",
    "y": "the value as the second argument: study.tell(trial, 0.5)",
    "state": "failed='why', for a trial without a value",
    "skip_if_finished": "nothing: a second result is refused with TrialFinished",
}
_KNOWN = {
    "x": "the parameters as the first argument: {'x': 0.5}",
    "y": "the value as the second argument",
    "values": "the value as the second argument; of several objectives {'loss': 0.5, 'cost': 2.0}",
    "user_attrs": "what is to be kept in the value: {'loss': 0.5, 'anything': 3}",
    "duration": "duration_s=12.5",
    "trial_id": "ticket='any text', by which the result is known again",
}
CALLS: Final = {
    "run": RUN,
    "ask": {
        "n_points": "study.ask(4), for four trials",
        "n": "study.ask(4), for four trials",
        "batch_size": "study.ask(4), for four trials",
        "fixed_distributions": "nothing: variables are declared in the study's space",
        "timeout": "lease_s=600",
    },
    "tell": _TELL,
    "add": _KNOWN,
    "add_many": {key: _KNOWN[key] for key in ("x", "y", "user_attrs")}
    | {"trials": "the parameters and the values: study.add_many([{'x': 0.5}], [1.0])"},
    "enqueue": {
        "user_attrs": "ticket='any text', by which the trial is known again",
        "skip_if_exists": "ticket='any text': the same ticket is enqueued once",
    },
    "learn_from": {"mapping": "names={'their name': 'our name'}", "defaults": "fill={'name': value}"},
    "importance": {
        "evaluator": "method='fanova', 'shapley', 'permutation' or 'ped-anova'",
        "target": "objective='loss'",
        "params": "nothing: all variables are measured, and importance.variables has each of them",
        "normalize": "nothing: shares are of the variance",
    },
    "to_frame": dict.fromkeys(("attrs", "columns"), "nothing: choose columns of the frame: study.to_frame()[['loss']]")
    | {"multi_index": "nothing: columns have plain names"},
    "copy": dict.fromkeys(("to_storage", "storage", "to_store"), "store='other.db'")
    | dict.fromkeys(("to_study_name", "study_name", "to_name"), "name='other'"),
    "predict": dict.fromkeys(("return_std", "return_cov"), "nothing: a prediction has a value and an interval")
    | dict.fromkeys(("X", "x", "config", "points"), "params={'x': 0.5}, or several of them in a list")
    | dict.fromkeys(("alpha", "confidence", "coverage"), "level=0.9"),
    **dict.fromkeys(("retry", "forget"), dict.fromkeys(("trial_id", "trial", "number", "trials"), "which=3")),
    "report": dict.fromkeys(("iteration", "epoch", "budget"), "step=3")
    | {"trial_id": "trial=3", "metric": "value=0.5", "loss": "value=0.5"},
    "release": {"trial_id": "trial=3", "number": "trial=3"},
    "finish": {"state": "outcome=luthier.trial.Outcome(luthier.trial.Reason.FAILED)"},
    "folder": {"trial_id": "trial=3"},
    "annotate": {"note": "notes='a text'", "tag": "tags=['a tag']", "user_attrs": "tags=['a tag'], or notes='a text'"},
    "change": dict.fromkeys(
        ("search_space", "parameters", "variables", "dimensions"), "space={'x': lt.Float(0, 1), …}"
    ),
    "explain": {"trial_id": "trial=3"},
}
"""Arguments of methods of `Study`."""
