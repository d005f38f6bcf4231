"""Settings of skopt: ``optimizer_kwargs`` as a method, an initial design, a constraint and a seed."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from numbers import Integral
from typing import Any

from luthier._hints import listed, suggest
from luthier.acquisition import EI, PI, UCB, Hedge, KnowledgeGradient, MaxValueEntropy, PerSecond
from luthier.errors import InvalidSetting, SpaceExhausted
from luthier.method import Auto, Bayes, Grid, Method, Quasi, Random
from luthier.run import Study
from luthier.sklearn.spaces.parsed_space import ParsedSpace
from luthier.space import Space
from luthier.study import AskTell
from luthier.surrogate import GP, Boosted, Forest, Regressor

_SURROGATES: Mapping[str, Callable[[], Any]] = {
    "gp": GP,
    "gaussianprocessregressor": GP,
    "rf": Forest,
    "randomforestregressor": Forest,
    "et": lambda: Forest(extra=True),
    "extratreesregressor": lambda: Forest(extra=True),
    "gbrt": Boosted,
    "gradientboostingquantileregressor": Boosted,
}
_ACQUISITIONS = ("EI", "PI", "LCB", "MES", "PVRS", "gp_hedge", "EIps", "PIps")
_ACQUISITION_SETTINGS = ("eta", "kappa", "n_min_samples", "xi")
_OPTIMIZERS = ("auto", "sampling", "lbfgs")
_OPTIMIZER_SETTINGS = ("n_jobs", "n_points", "n_restarts_optimizer")
_DESIGNS = ("random", "sobol", "halton", "hammersly", "lhs", "grid")
_INITIAL = 10
"""The number of initial points in skopt."""

_KNOWN = (
    "base_estimator",
    "n_initial_points",
    "n_random_starts",
    "initial_point_generator",
    "acq_func",
    "acq_func_kwargs",
    "acq_optimizer",
    "acq_optimizer_kwargs",
    "space_constraint",
    "avoid_duplicates",
    "random_state",
    "n_jobs",
    "model_queue_size",
)


def check_settings(settings: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return ``optimizer_kwargs`` as a dictionary.

    ``n_jobs`` and ``model_queue_size`` are accepted and make no difference, and neither does ``avoid_duplicates``:
    Luthier computes in one thread, keeps no list of models, and never proposes the same twice.

    Raises:
        InvalidSetting: a setting that skopt does not have, or a value that it does not accept.
    """
    given = dict(settings or {})
    for name in given:
        if name not in _KNOWN:
            raise InvalidSetting(f"optimizer_kwargs has {name!r}{suggest(name, _KNOWN)}")
    _check_word(given, "acq_func", _ACQUISITIONS)
    _check_word(given, "acq_optimizer", _OPTIMIZERS)
    _check_names(given, "acq_func_kwargs", _ACQUISITION_SETTINGS)
    _check_names(given, "acq_optimizer_kwargs", _OPTIMIZER_SETTINGS)
    for name in ("n_initial_points", "n_random_starts"):
        _check_count(name, given.get(name), 0)
    _check_count("model_queue_size", given.get("model_queue_size"), 1)
    if not isinstance(given.get("avoid_duplicates", True), bool):
        raise InvalidSetting(f"avoid_duplicates={given['avoid_duplicates']!r}: give True or False")
    constraint = given.get("space_constraint")
    if constraint is not None and not callable(constraint):
        raise InvalidSetting(
            f"space_constraint={constraint!r:.80}: give a function of the values of all parameters, in the "
            "alphabetical order of their names, which returns True if they may be tried"
        )
    _generator(given)
    return given


def skopt_method(settings: Mapping[str, Any] | None) -> Method:
    """Return the method that ``optimizer_kwargs`` describe; Luthier's default if they do not choose one.

    ``base_estimator`` is a Gaussian process (``"GP"``), a forest (``"RF"``, ``"ET"``), boosted trees (``"GBRT"``),
    random search (``"dummy"``) or a regressor of scikit-learn's; ``acq_func`` is one of ``EI``, ``PI``, ``LCB``,
    ``MES``, ``gp_hedge`` (the default), ``EIps``, ``PIps`` (per second), and ``PVRS``, for which a warning says that
    the knowledge gradient is used.

    Raises:
        InvalidSetting: see `check_settings`.
    """
    given = check_settings(settings)
    initial = _initial(given)
    if not {"base_estimator", "acq_func", "acq_func_kwargs"} & given.keys() and initial is None:
        return _with_search(Auto(per_second=False), given)  # a search is limited by its number of candidates
    model = given.get("base_estimator", "GP")
    if isinstance(model, str) and model.lower() == "dummy":
        return Random()
    acquisition = _acquisition(given.get("acq_func", "gp_hedge"), given.get("acq_func_kwargs") or {})
    initial = None if initial is None else max(initial, 1)
    return _with_search(Bayes(surrogate=_surrogate(model), acquisition=acquisition, initial=initial), given)


def constrained(space: ParsedSpace, settings: Mapping[str, Any] | None) -> ParsedSpace:
    """Return a space with skopt's ``space_constraint``, a function of the values in the order of their names."""
    test = settings.get("space_constraint") if isinstance(settings, Mapping) else None
    if not callable(test):
        return space
    names = sorted({name.rpartition(".")[2] for name in space.space.names})

    def space_constraint(params: Mapping[str, Any]) -> bool:
        given = space.params(params)
        return bool(test([given.get(name) for name in names]))

    return replace(space, space=Space(space.space.given, [*space.space.require, space_constraint]))


def enqueue_initial(study: Study, settings: Mapping[str, Any] | None) -> None:
    """Enqueue the initial points of skopt's ``initial_point_generator`` in a study that has no trials yet.

    Without that setting the method has its own design: the defaults of the estimator, then Sobol' points.
    """
    given = dict(settings or {})
    name, count = _generator(given), _initial(given)
    if name is None or len(study):
        return
    count = _INITIAL if count is None else count
    with AskTell("initial points", study.space, maximize="score", method=_design(name, count), seed=study.seed) as own:
        for place in range(count):
            try:
                study.enqueue(own.ask().params, ticket=f"initial:{place}")
            except SpaceExhausted:
                return


def _design(name: str, count: int) -> Method:
    if name == "random":
        return Random()
    if name == "grid":
        return Grid(points=max(2, math.ceil(math.sqrt(count))), order="nested")
    return Quasi("latin", size=max(count, 1)) if name == "lhs" else Quasi("sobol" if name == "sobol" else "halton")


def _generator(given: Mapping[str, Any]) -> str | None:
    """Return the word for an initial design; one of skopt's objects is known by the name of its class."""
    found = given.get("initial_point_generator")
    if found is None:
        return None
    name = (found if isinstance(found, str) else type(found).__name__).lower()
    name = "hammersly" if name == "hammersley" else name
    if name not in _DESIGNS:
        raise InvalidSetting(f"initial_point_generator={found!r:.80}{suggest(name, _DESIGNS)}")
    if name == "hammersly":
        warnings.warn(
            "initial_point_generator='hammersly': Luthier has no Hammersley points, and takes Halton's", stacklevel=2
        )
    return name


def _initial(given: Mapping[str, Any]) -> int | None:
    found = given.get("n_initial_points", given.get("n_random_starts"))
    return None if found is None else int(found)


def _surrogate(model: Any) -> Any:
    if isinstance(model, str):
        if model.lower() not in _SURROGATES:
            raise InvalidSetting(
                f"base_estimator={model!r}: give 'GP', 'RF', 'ET', 'GBRT', 'dummy' or a regressor of scikit-learn's, "
                "or pass a Luthier method as method=…"
            )
        return _SURROGATES[model.lower()]()
    name = type(model).__name__.lower()
    if name not in _SURROGATES:
        return Regressor(model)
    made = _SURROGATES[name]()
    if not _has_defaults(model):
        warnings.warn(
            f"base_estimator={type(model).__name__}(…): Luthier's own {type(made).__name__}() is used, without the "
            f"settings of the estimator; method=lt.Bayes(lt.{type(made).__name__}(…)) has settings",
            stacklevel=2,
        )
    return made


def _has_defaults(model: Any) -> bool:
    try:
        return bool(repr(model) == repr(type(model)()))
    except TypeError:
        return False


def _acquisition(name: str, settings: Mapping[str, Any]) -> Any:
    margin, kappa = float(settings.get("xi", 0.0)), float(settings.get("kappa", 1.96))
    if name in ("EI", "EIps"):
        return EI(margin=margin) if name == "EI" else PerSecond(EI(margin=margin))
    if name in ("PI", "PIps"):
        return PI(margin=margin) if name == "PI" else PerSecond(PI(margin=margin))
    if name == "LCB":
        return UCB(kappa)
    if name == "MES":
        return MaxValueEntropy(**({"minima": int(settings["n_min_samples"])} if "n_min_samples" in settings else {}))
    if name == "PVRS":
        warnings.warn(
            "acq_func='PVRS': Luthier has no predictive variance reduction search, and takes the knowledge gradient",
            stacklevel=2,
        )
        return KnowledgeGradient()
    eta = settings.get("eta")
    return Hedge((EI(margin=margin), UCB(kappa), PI(margin=margin)), eta=None if eta is None else float(eta))


def _with_search(method: Auto | Bayes, given: Mapping[str, Any]) -> Method:
    """Return the method with skopt's settings of the optimizer of the acquisition function."""
    settings, word = given.get("acq_optimizer_kwargs") or {}, given.get("acq_optimizer", "auto")
    changes = {}
    if "n_points" in settings:
        changes["scattered"] = int(settings["n_points"])
    if word == "sampling":
        changes["ascents"] = 0
    elif "n_restarts_optimizer" in settings:
        changes["ascents"] = int(settings["n_restarts_optimizer"])
    return replace(method, search=replace(method.search, **changes)) if changes else method


def _check_word(given: Mapping[str, Any], name: str, known: tuple[str, ...]) -> None:
    if name in given and given[name] not in known:
        raise InvalidSetting(f"{name}={given[name]!r:.80}{suggest(given[name], known)}")


def _check_names(given: Mapping[str, Any], name: str, known: tuple[str, ...]) -> None:
    found = given.get(name)
    if found is not None and not isinstance(found, Mapping):
        raise InvalidSetting(f"{name}={found!r:.80}: give a mapping of {listed(known)}")
    for key in found or ():
        if key not in known:
            raise InvalidSetting(f"{name} has {key!r}{suggest(key, known)}")


def _check_count(name: str, value: Any, least: int) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, Integral) or value < least):
        raise InvalidSetting(f"{name}={value!r:.80}: give a whole number of at least {least}")
