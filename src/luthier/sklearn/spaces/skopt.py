"""Compatibility with skopt: ``optimizer_kwargs``, and results as scipy's ``OptimizeResult``."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from luthier._hints import suggest
from luthier.acquisition import EI, PI, UCB, LogEI
from luthier.errors import InvalidSetting
from luthier.method import Auto, Bayes, Method, Random
from luthier.run import Study
from luthier.sklearn.spaces.parsed_space import ParsedSpace
from luthier.surrogate import GP, Forest

_SURROGATES: Mapping[str, Callable[[], Any]] = {
    "gp": GP,
    "gaussianprocessregressor": GP,
    "rf": Forest,
    "randomforestregressor": Forest,
    "et": lambda: Forest(extra=True),
    "extratreesregressor": lambda: Forest(extra=True),
    "gbrt": Forest,
    "gradientboostingquantileregressor": Forest,
}
_IGNORED = (
    "acq_optimizer",
    "acq_optimizer_kwargs",
    "n_jobs",
    "model_queue_size",
    "initial_point_generator",
    "space_constraint",
)
"""Settings of skopt's own computation, which are accepted and ignored."""

_KNOWN = (
    "base_estimator",
    "n_initial_points",
    "n_random_starts",
    "acq_func",
    "acq_func_kwargs",
    "random_state",
    *_IGNORED,
)


def skopt_method(settings: Mapping[str, Any] | None) -> Method:
    """Return the method that ``optimizer_kwargs`` describe; Luthier's default if they do not choose one.

    ``base_estimator`` is a Gaussian process (``"GP"``), a forest (``"RF"``, ``"ET"``, and also for ``"GBRT"``) or
    random search (``"dummy"``); ``acq_func`` is one of ``EI``, ``PI``, ``LCB``, ``gp_hedge`` (the default, for which
    the logarithm of expected improvement is used), and ``EIps`` and ``PIps``, in which the time of a fit is ignored.

    Raises:
        InvalidSetting: a setting that skopt does not have, or a value that it does not accept.
    """
    given = dict(settings or {})
    for name in given:
        if name not in _KNOWN:
            raise InvalidSetting(f"optimizer_kwargs has {name!r}{suggest(name, _KNOWN)}")
    initial = given.get("n_initial_points", given.get("n_random_starts"))
    if not {"base_estimator", "acq_func", "acq_func_kwargs"} & given.keys() and initial is None:
        return Auto(per_second=False)  # a search is limited by its number of candidates
    model = given.get("base_estimator", "GP")
    name = (model if isinstance(model, str) else type(model).__name__).lower()
    if name == "dummy":
        return Random()
    if name not in _SURROGATES:
        raise InvalidSetting(
            f"base_estimator={model!r}: give 'GP', 'RF', 'ET', 'GBRT' or 'dummy', or pass a Luthier method as method=…"
        )
    acquisition = _acquisition(str(given.get("acq_func", "gp_hedge")), given.get("acq_func_kwargs") or {})
    return Bayes(
        surrogate=_SURROGATES[name](), acquisition=acquisition, initial=None if initial is None else max(initial, 1)
    )


def _acquisition(name: str, settings: Mapping[str, Any]) -> Any:
    if name in ("EI", "EIps"):
        return EI(margin=float(settings.get("xi", 0.0)))
    if name in ("PI", "PIps"):
        return PI(margin=float(settings.get("xi", 0.0)))
    if name == "LCB":
        return UCB(float(settings.get("kappa", 1.96)))
    if name == "gp_hedge":
        return LogEI()
    raise InvalidSetting(f"acq_func={name!r}: give 'EI', 'PI', 'LCB', 'gp_hedge', 'EIps' or 'PIps'")


def optimize_result(study: Study, space: ParsedSpace) -> Any:
    """Return the results as skopt does: parameters sorted by name, and losses (negative scores).

    Args:
        study: the study of a search; trials without a score have an infinite loss.
        space: converts its configurations into parameters.
    """
    from scipy.optimize import OptimizeResult

    trials = [trial for trial in study.trials if trial.reason is not None]
    params = [space.params(trial.params) for trial in trials]
    names = sorted({name for one in params for name in one})
    points = [[one.get(name) for name in names] for one in params]
    losses = [-trial.value if trial.is_done else math.inf for trial in trials]
    best = min(range(len(losses)), key=losses.__getitem__) if losses else None
    return OptimizeResult(
        x=None if best is None else points[best],
        fun=math.inf if best is None else losses[best],
        x_iters=points,
        func_vals=losses,
        names=names,
        space=study.space,
        models=[],
        specs={"names": names},
    )
