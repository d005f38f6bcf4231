"""Optimization in one call: `minimize` and `maximize`, which keep no study."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Literal

from luthier._foreign_words import OPTIMIZE
from luthier._hints import translating
from luthier.errors import Interrupted, NoResult
from luthier.executor import ObjectiveFunction
from luthier.method import Method
from luthier.run.budget import End
from luthier.run.make_executor import Choice
from luthier.run.progress.reporters import ProgressReporter
from luthier.run.study import Callback, Study
from luthier.space import Space, Variable
from luthier.study import TrialResult


@translating(OPTIMIZE)
def minimize(
    objective: ObjectiveFunction,
    space: Space | Mapping[str, Variable],
    *,
    trials: int | None = None,
    time_s: float | None = None,
    target: float | None = None,
    plateau: int | None = None,
    method: Method | None = None,
    seed: int | None = None,
    noisy: bool = False,
    workers: int | None = None,
    executor: Choice = None,
    trial_time_s: float | None = None,
    trial_memory_mb: float | None = None,
    callbacks: Iterable[Callback] = (),
    on_error: Literal["go on", "raise"] = "go on",
    give_up_after: int | None = 10,
    progress: ProgressReporter | bool = False,
) -> TrialResult:
    """Find the values that minimize an objective, keeping nothing.

    Args:
        objective: a function of a running trial that returns a number.
        space: the variables.
        trials: the number of trials.
        time_s: seconds after which no new trials begin.
        target: a value that is good enough.
        plateau: the number of trials in a row that may end without a better value than the best.
        method: makes the proposals; by default as in `Study`.
        seed: of all randomness.
        noisy: whether the same values may give different results.
        workers: the number of trials at once; more than one run in supervised processes.
        executor, trial_time_s, trial_memory_mb, callbacks, on_error, give_up_after, progress: see `Study.run`.

    Returns:
        The best trial.

    Raises:
        NoResult: no trial has a value.
        Interrupted: by Ctrl-C or SIGTERM. It has what was found so far: ``error.best`` and ``error.trials``.

    Example:
        >>> import luthier as lt
        >>> best = lt.minimize(lambda trial: (trial["x"] - 1) ** 2, {"x": lt.Float(-5, 5)}, trials=30, seed=0)
        >>> best.value < 0.5
        True
    """
    with Study("minimize", space, minimize="value", method=method, seed=seed, noisy=noisy) as study:
        return _best_of(
            study,
            lambda: study.run(
                objective,
                trials=trials,
                time_s=time_s,
                target=target,
                plateau=plateau,
                workers=workers,
                executor=executor,
                trial_time_s=trial_time_s,
                trial_memory_mb=trial_memory_mb,
                callbacks=callbacks,
                on_error=on_error,
                give_up_after=give_up_after,
                progress=progress,
            ),
        )


@translating(OPTIMIZE)
def maximize(
    objective: ObjectiveFunction,
    space: Space | Mapping[str, Variable],
    *,
    trials: int | None = None,
    time_s: float | None = None,
    target: float | None = None,
    plateau: int | None = None,
    method: Method | None = None,
    seed: int | None = None,
    noisy: bool = False,
    workers: int | None = None,
    executor: Choice = None,
    trial_time_s: float | None = None,
    trial_memory_mb: float | None = None,
    callbacks: Iterable[Callback] = (),
    on_error: Literal["go on", "raise"] = "go on",
    give_up_after: int | None = 10,
    progress: ProgressReporter | bool = False,
) -> TrialResult:
    """Find the values that maximize an objective, keeping nothing; see `minimize`."""
    with Study("maximize", space, maximize="value", method=method, seed=seed, noisy=noisy) as study:
        return _best_of(
            study,
            lambda: study.run(
                objective,
                trials=trials,
                time_s=time_s,
                target=target,
                plateau=plateau,
                workers=workers,
                executor=executor,
                trial_time_s=trial_time_s,
                trial_memory_mb=trial_memory_mb,
                callbacks=callbacks,
                on_error=on_error,
                give_up_after=give_up_after,
                progress=progress,
            ),
        )


def _best_of(study: Study, run: Callable[[], End]) -> TrialResult:
    try:
        run()
    except Interrupted as stopped:
        best = None
        with suppress(NoResult):
            best = study.best
        found = f"the best so far, {best.value:g} with {dict(best.params)}," if best else "what there is of them"
        error = Interrupted(
            f"{study.name} was interrupted after {study.history.finished} trials, which are in no store: {found} is in "
            "this exception (.best, .trials). To be able to go on, make a luthier.Study with a store"
        )
        error.best, error.trials = best, study.trials
        raise error from stopped
    return study.best
