"""Optimization in one call: `minimize` and `maximize`, which keep no study."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Literal

from luthier._foreign_words import OPTIMIZE
from luthier._hints import translating
from luthier.errors import Interrupted, InvalidSetting, NoResult
from luthier.executor import ObjectiveFunction
from luthier.method import Method
from luthier.run.budget import End
from luthier.run.make_executor import Choice
from luthier.run.progress.reporters import ProgressReporter
from luthier.run.study import Callback, Study
from luthier.scalar import short
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
    cost: float | str | Mapping[str, float | None] | None = None,
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
        trials: the number of trials. Without this and any other limit, it ends by Ctrl-C, which has the best in the
            error, or once a finite space is used up.
        time_s: seconds after which no new trials begin.
        target: a value that is good enough.
        plateau: the number of trials in a row that may end without a better value than the best.
        cost: the seconds that all trials may take; or ``{"dollars": 20.0}``, a number that the objective returns of
            each trial beside its value (``{"value": 0.1, "dollars": 0.5}``) and what that may be in all; or the name
            alone, "dollars" or "seconds", for no limit, as ``{"dollars": None}``. Where it is named, methods divide
            what a trial promises by what it costs.
        method: makes the proposals; by default as in `Study`.
        seed: of all randomness.
        noisy: whether the same values may give different results.
        workers: the number of trials at once; more than one run in supervised processes.
        executor, trial_time_s, trial_memory_mb, callbacks, on_error, give_up_after, progress: see `Study.run`.

    Returns:
        The best trial.

    Raises:
        NoResult: no trial has a value.
        InvalidSetting: an argument makes no sense.
        Interrupted: by Ctrl-C or SIGTERM. It has what was found so far: ``error.best`` and ``error.trials``.

    Example:
        >>> import luthier as lt
        >>> best = lt.minimize(lambda trial: (trial["x"] - 1) ** 2, {"x": lt.Float(-5, 5)}, trials=30, seed=0)
        >>> best.value < 0.5
        True
    """
    unit, most = _parse_cost(cost)
    with Study("minimize", space, minimize="value", method=method, seed=seed, noisy=noisy, cost=unit) as study:
        return _best_of(
            study,
            lambda: study.run(
                objective,
                trials=trials,
                time_s=time_s,
                target=target,
                plateau=plateau,
                cost=most,
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
    cost: float | str | Mapping[str, float | None] | None = None,
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
    unit, most = _parse_cost(cost)
    with Study("maximize", space, maximize="value", method=method, seed=seed, noisy=noisy, cost=unit) as study:
        return _best_of(
            study,
            lambda: study.run(
                objective,
                trials=trials,
                time_s=time_s,
                target=target,
                plateau=plateau,
                cost=most,
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


def _parse_cost(cost: float | str | Mapping[str, float | None] | None) -> tuple[str | None, float | None]:
    """Give the name of what a trial costs, and what all may cost."""
    if cost is None or isinstance(cost, str):
        return cost, None
    if not isinstance(cost, Mapping):
        return None, cost
    if len(cost) != 1:
        raise InvalidSetting(f"cost={short(cost)}: name one number, and what it may be in all, as in {{'dollars': 20}}")
    return next(iter(cost.items()))


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
