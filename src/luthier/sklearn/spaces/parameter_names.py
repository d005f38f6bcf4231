"""Check of parameter names against an estimator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sklearn.base import clone

from luthier._hints import suggest
from luthier.errors import InvalidSpace


def check_names(estimator: Any, params: Mapping[str, Any]) -> None:
    """Check that an estimator has all parameters of a candidate.

    An estimator may accept parameters that it does not list, and a parameter may belong to another estimator that is a
    value of the same candidate, so ``set_params`` decides.

    Raises:
        InvalidSpace: the estimator lacks a parameter; the message suggests the nearest one. It is a ValueError, too.
    """
    if estimator.get_params(deep=True).keys() >= params.keys() and not any(map(is_estimator, params.values())):
        return
    try:
        clone(estimator).set_params(**clone(dict(params), safe=False))
    except ValueError as error:
        wrong, valid = _culprit(estimator, params)
        if wrong is None:
            raise
        hint = suggest(wrong, valid)
        raise InvalidSpace(f"{error} The search space has {wrong!r}{hint}") from error


def is_estimator(value: Any) -> bool:
    """Return whether a value has parameters of its own."""
    return hasattr(value, "get_params")


def _culprit(estimator: Any, params: Mapping[str, Any]) -> tuple[str | None, list[str]]:
    """Return the parameter that is missing, and the names of those that exist."""
    kept: dict[str, Any] = {}
    for name in sorted(params, key=lambda name: name.count("__")):
        try:
            clone(estimator).set_params(**clone({**kept, name: params[name]}, safe=False))
        except ValueError:
            whole = clone(estimator).set_params(**clone(kept, safe=False))
            return name, sorted(whole.get_params(deep=True))
        kept[name] = params[name]
    return None, []
