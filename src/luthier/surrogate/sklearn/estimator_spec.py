"""Specification of a scikit-learn estimator as plain values: the place of its class and parameters.

A file must not be able to run arbitrary code on the machine that reads it. So a class is checked before anything of it
is called; modules outside scikit-learn are not imported because a file names them, but must have been imported by the
program that reads it; and no part may be given a folder to load its cache from.
"""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from luthier.errors import InvalidSetting, MissingDependency
from luthier.scalar import short

_PLACE = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):([A-Za-z_]\w*)")
_UNSAFE = ("memory",)  # folders of pickles


class EstimatorSpec(NamedTuple):
    """The place of an estimator's class, ``module:Class``, and the parameters that differ from its defaults."""

    place: str
    params: dict[str, Any]


def describe(estimator: Any) -> EstimatorSpec:
    """Give the specification of an estimator, without its fitted attributes.

    Raises:
        InvalidSetting: it is not a scikit-learn regressor, or has a parameter that cannot be written down.
        MissingDependency: scikit-learn is not installed.
    """
    _check_kind(type(estimator), _regressor_kinds(), short(estimator))
    return _described(estimator, type(estimator).__name__)


def rewrite(params: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Give parameters as plain values: arrays and lists as tuples, kernels and estimators by their specifications."""
    return {str(name): _plain(value, f"{path}({name}=…)") for name, value in params.items()}


def build(place: str, params: Mapping[str, Any]) -> Any:
    """Build a regressor from its specification.

    Raises:
        InvalidSetting: the place does not name a scikit-learn regressor, or one whose module is neither
            scikit-learn's nor imported, or one without such parameters.
        MissingDependency: scikit-learn is not installed.
    """
    return _built(_find(place, _regressor_kinds()), place, params)


def _find(place: Any, kinds: tuple[type, ...]) -> type:
    """Find a class and check it, without calling anything of it."""
    match = _PLACE.fullmatch(place) if isinstance(place, str) else None
    if match is None:
        raise InvalidSetting(
            f"{place!r} does not name a class: write 'module:Class', as in 'sklearn.linear_model:ARDRegression'"
        )
    module, name = match.groups()
    try:
        found = importlib.import_module(module) if module.split(".")[0] == "sklearn" else sys.modules[module]
    except ImportError as error:
        raise InvalidSetting(f"{place!r}: {error}") from None
    except KeyError:
        raise InvalidSetting(
            f"{place!r} is not in scikit-learn, and a study's file must not import other modules: import {module} in "
            "the program that opens the study"
        ) from None
    return _check_kind(getattr(found, name, None), kinds, repr(place))


def _check_kind(kind: Any, kinds: tuple[type, ...], what: str) -> type:
    if not isinstance(kind, type) or not all(issubclass(kind, base) for base in kinds):
        bases = " and ".join(base.__name__ for base in kinds)
        raise InvalidSetting(f"{what} is not a subclass of scikit-learn's {bases}, and will not be called")
    return kind


def _built(kind: type, place: str, params: Mapping[str, Any]) -> Any:
    known = inspect.signature(kind).parameters
    for name, value in params.items():
        if name not in known:
            raise InvalidSetting(f"{place} has no parameter {name!r}; it has {', '.join(known)}")
        if name in _UNSAFE and value is not None:
            raise InvalidSetting(f"{place}({name}=…) would load pickled objects from a folder: leave it out")
    return kind(**{name: _revived(value) for name, value in params.items()})


def _revived(value: Any) -> Any:
    if isinstance(value, Mapping):
        if value.keys() == {"class", "params"}:
            return _built(_part(value["class"]), value["class"], value["params"])
        return {name: _revived(item) for name, item in value.items()}
    return tuple(map(_revived, value)) if isinstance(value, tuple | list) else value


def _part(place: Any) -> type:
    """Find the class of a parameter: a kernel or an estimator of scikit-learn."""
    if not isinstance(place, str) or place.split(":")[0].split(".")[0] != "sklearn":
        raise InvalidSetting(f"{place!r}: a part of an estimator is read from text only if it is in scikit-learn")
    kernel, estimator = _part_kinds()
    try:
        return _find(place, (kernel,))
    except InvalidSetting:
        return _find(place, (estimator,))


def _described(thing: Any, path: str) -> EstimatorSpec:
    kind = type(thing)
    defaults = {name: parameter.default for name, parameter in inspect.signature(kind).parameters.items()}
    written = rewrite(thing.get_params(deep=False), path)
    params = {name: value for name, value in written.items() if not _equal(value, defaults.get(name))}
    return EstimatorSpec(f"{_shortest(kind)}:{kind.__qualname__}", params)


def _plain(value: Any, path: str) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist(), path)
    if isinstance(value, tuple | list):
        return tuple(_plain(item, path) for item in value)
    if isinstance(value, Mapping) and all(isinstance(name, str) for name in value):
        return {name: _plain(item, path) for name, item in value.items()}
    if isinstance(value, _part_kinds()) and _is_scikit(type(value)):
        place, params = _described(value, path)
        return {"class": place, "params": params}
    raise InvalidSetting(
        f"{path} is {value!r}, which cannot be written into a study's file: give numbers, text, tuples or mappings of "
        "them, or a kernel or estimator of scikit-learn"
    )


def _equal(value: Any, default: Any) -> bool:
    return type(value) is type(default) and bool(value == default)


def _is_scikit(kind: type) -> bool:
    return kind.__module__.split(".")[0] == "sklearn"


def _shortest(kind: type) -> str:
    """Give the outermost package that has the class: ``sklearn.linear_model``, not ``sklearn.linear_model._bayes``."""
    parts = kind.__module__.split(".")
    for size in range(1, len(parts)):
        package = ".".join(parts[:size])
        if getattr(sys.modules.get(package), kind.__name__, None) is kind:
            return package
    return kind.__module__


def _regressor_kinds() -> tuple[type, ...]:
    try:
        from sklearn.base import BaseEstimator, RegressorMixin
    except ImportError:
        raise MissingDependency("Regressor(…) needs scikit-learn: pip install 'luthier[sklearn]'") from None
    return BaseEstimator, RegressorMixin


def _part_kinds() -> tuple[type, type]:
    from sklearn.base import BaseEstimator
    from sklearn.gaussian_process.kernels import Kernel

    return Kernel, BaseEstimator
