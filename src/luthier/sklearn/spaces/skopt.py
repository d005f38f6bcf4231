"""What skopt's users write and read: ``optimizer_kwargs``, and results in the form of scipy's ``OptimizeResult``."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from luthier._hints import suggest
from luthier.acquisition import EI, PI, UCB, LogEI
from luthier.errors import InvalidSetting
from luthier.method import Auto, Bayes, Method, Random
from luthier.surrogate import GP, Forest

if TYPE_CHECKING:
    from luthier.run import Study
    from luthier.sklearn.spaces.parse_space import ParsedSpace

_COMMITTEE: Mapping[str, Callable[[], Any]] = {
    "gp": GP,
    "gaussianprocessregressor": GP,
    "rf": Forest,
    "randomforestregressor": Forest,
    "et": lambda: Forest(extra=True),
    "extratreesregressor": lambda: Forest(extra=True),
    "gbrt": Forest,
    "gradientboostingquantileregressor": Forest,
}
_HOW = (
    "acq_optimizer",
    "acq_optimizer_kwargs",
    "n_jobs",
    "model_queue_size",
    "initial_point_generator",
    "space_constraint",
)
"""Settings of how skopt computes what it computes; ours does that in its own way."""

_KNOWN = ("base_estimator", "n_initial_points", "n_random_starts", "acq_func", "acq_func_kwargs", "random_state", *_HOW)


def method_of(settings: Mapping[str, Any] | None) -> Method:
    """Give the method that ``optimizer_kwargs`` describe; the default of Luthier's where they describe none.

    ``base_estimator`` is a Gaussian process (``"GP"``) or a forest (``"RF"``, ``"ET"``, and for ``"GBRT"``), or random
    search (``"dummy"``); ``acq_func`` is one of ``EI``, ``PI``, ``LCB``, ``gp_hedge`` (the default: the logarithm of
    expected improvement), ``EIps`` and ``PIps``, where the time of a fit plays no part.

    Raises:
        InvalidSetting: a setting that skopt does not have either, or a value that it does not take.
    """
    given = dict(settings or {})
    for name in given:
        if name not in _KNOWN:
            raise InvalidSetting(f"optimizer_kwargs has {name!r}{suggest(name, _KNOWN)}")
    initial = given.get("n_initial_points", given.get("n_random_starts"))
    if not {"base_estimator", "acq_func", "acq_func_kwargs"} & given.keys() and initial is None:
        return Auto(per_second=False)  # a search is bound by its number of candidates
    model = given.get("base_estimator", "GP")
    name = (model if isinstance(model, str) else type(model).__name__).lower()
    if name == "dummy":
        return Random()
    if name not in _COMMITTEE:
        raise InvalidSetting(
            f"base_estimator={model!r}: give 'GP', 'RF', 'ET', 'GBRT' or 'dummy', or pass method=… of Luthier's"
        )
    acquisition = _acquisition(str(given.get("acq_func", "gp_hedge")), given.get("acq_func_kwargs") or {})
    return Bayes(
        surrogate=_COMMITTEE[name](), acquisition=acquisition, initial=None if initial is None else max(initial, 1)
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


def optimize_result(study: Study, reading: ParsedSpace) -> Any:
    """Give what was found as skopt does: parameters in the order of their names, and losses (scores times -1).

    Args:
        study: of a search; trials without a score have an infinite loss.
        reading: how its configurations are parameters.
    """
    from scipy.optimize import OptimizeResult

    trials = [trial for trial in study.trials if trial.reason is not None]
    params = [reading.params(trial.params) for trial in trials]
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
