"""Fit of an estimator that continues an earlier fit with another value of one parameter."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from functools import wraps
from typing import Any

from luthier.sklearn.reuse.byte_cache import ByteBoundedCache, size_of
from luthier.sklearn.reuse.ridge import NormalEquations, normal_equations, same_bits, solve_penalty
from luthier.sklearn.reuse.warm_start import FitState, WarmStartPath, resume, state_of

_ACCEPTED = frozenset({"sample_weight"})
"""Keyword arguments of ``fit`` with which a fit may be continued; they are the same for all jobs of a fold."""


class ContinuedFit:
    """Replaces ``fit`` of an estimator by an attribute of the instance, so that its class stays.

    Args:
        estimator: with its parameters, not fitted.
        path: the path that it is on.
        key: what all estimators of the path have in common: earlier steps, data, settings.
        held: objects that the key identifies by address.
        cache: where fits leave their state for the next one.
        unsound: called before the fit; returns whether the data may be other than those of the key.
    """

    def __init__(
        self,
        estimator: Any,
        path: WarmStartPath,
        key: Hashable,
        held: tuple[Any, ...],
        cache: ByteBoundedCache,
        unsound: Callable[[], bool],
    ) -> None:
        self.estimator = estimator
        self.path = path
        self.key = (path.parameter, key)
        self.held = held
        self.cache = cache
        self.unsound = unsound
        self.saved_s = 0.0
        self._fresh = estimator.fit

        @wraps(estimator.fit)
        def fit(*data: Any, **params: Any) -> Any:
            del vars(estimator)["fit"]
            return self.fit(*data, **params)

        vars(estimator)["fit"] = fit

    def close(self) -> None:
        """Release the estimator."""
        vars(self.estimator).pop("fit", None)

    def fit(self, *data: Any, **params: Any) -> Any:
        """Fit the estimator, with the result of a fit from scratch."""
        value = self.path.value(self.estimator)
        if value is None or self.unsound() or not params.keys() <= _ACCEPTED or (params and self.path.solves):
            return self._fresh(*data, **params)
        if self.path.solves:
            self._solve(value, data)
        else:
            self._resume(value, data, params)
        return self.estimator

    def _resume(self, value: float, data: tuple[Any, ...], params: dict[str, Any]) -> None:
        """Fit by ``warm_start``, if an earlier fit had a value before this one on the path."""
        own = frozenset(vars(self.estimator))
        earlier = self.cache.take(self.key)
        start_s = time.perf_counter()
        before_s = 0.0
        if earlier is not None and (earlier.sent != frozenset(params) or not self.path.after(value, earlier.value)):
            earlier = None
        if earlier is not None and resume(self.estimator, earlier, lambda: self._fresh(*data, **params)):
            before_s = earlier.seconds
        else:
            self._fresh(*data, **params)
        if not self.path.close:
            self.saved_s = before_s
        if self.path.keeps(self.estimator):
            seconds = before_s + time.perf_counter() - start_s
            self._keep(FitState(value, state_of(self.estimator, own), seconds, frozenset(params), self.held))

    def _solve(self, value: float, data: tuple[Any, ...]) -> None:
        """Fit by the shared normal equations, if they have reproduced an earlier fit."""
        own = frozenset(vars(self.estimator))
        start_s = time.perf_counter()
        earlier = self.cache.get(self.key)
        if earlier is not None and earlier.shared is None:
            earlier = earlier._replace(shared=self._checked(earlier, data) or False)
            self._keep(earlier)
        found = solve_penalty(earlier.shared, value) if earlier is not None and earlier.shared else None
        if found is not None:
            vars(self.estimator).update({**earlier.state, **found})
            self.saved_s = max(0.0, earlier.seconds - (time.perf_counter() - start_s))
            return
        start_s = time.perf_counter()
        self._fresh(*data)
        if earlier is None:
            seconds = time.perf_counter() - start_s
            self._keep(FitState(value, state_of(self.estimator, own), seconds, frozenset(), self.held))

    def _checked(self, earlier: FitState, data: tuple[Any, ...]) -> NormalEquations | None:
        """Compute the normal equations; None if they do not reproduce the earlier fit bit by bit."""
        flat = earlier.state["coef_"].ndim == 1
        made = normal_equations(self.estimator, *data, flat) if len(data) == 2 else None
        found = None if made is None else solve_penalty(made, earlier.value)
        return made if found is not None and same_bits(found, earlier.state) else None

    def _keep(self, state: FitState) -> None:
        self.cache.put(self.key, state, size_of((state.state, state.shared)))
