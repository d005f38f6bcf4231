"""Fit the last step of a pipeline, or an estimator by itself, from what the fit before it left."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from functools import wraps
from typing import Any

from luthier.sklearn.reuse.byte_cache import ByteBoundedCache, size_of
from luthier.sklearn.reuse.ridge import Products, identical, products, solved
from luthier.sklearn.reuse.warm_start import Trace, WarmStartPath, resume, state_of

_TAKEN = frozenset({"sample_weight"})
"""Keyword arguments of ``fit`` with which estimators on a path go on; they are the same for all jobs of a fold."""


class ContinuedFit:
    """Stands before ``fit`` of an estimator: as an attribute of the instance, so that its class stays.

    Args:
        estimator: with its parameters, not fitted.
        path: the one that it is on.
        key: what other estimators that it can go on from, or that can go on from it, have in common with it: steps
            before it, data, settings.
        held: what the key knows by identity.
        shelf: where fits leave what the next one goes on from.
        unsound: is asked, when it is time to fit, whether the data cannot be known to be those of the key.
    """

    def __init__(
        self,
        estimator: Any,
        path: WarmStartPath,
        key: Hashable,
        held: tuple[Any, ...],
        shelf: ByteBoundedCache,
        unsound: Callable[[], bool],
    ) -> None:
        self.estimator = estimator
        self.path = path
        self.key = (path.parameter, key)
        self.held = held
        self.shelf = shelf
        self.unsound = unsound
        self.saved_s = 0.0
        self._fresh = estimator.fit

        @wraps(estimator.fit)
        def fit(*data: Any, **params: Any) -> Any:
            del vars(estimator)["fit"]
            return self.fit(*data, **params)

        vars(estimator)["fit"] = fit

    def close(self) -> None:
        """Let go of the estimator."""
        vars(self.estimator).pop("fit", None)

    def fit(self, *data: Any, **params: Any) -> Any:
        """Fit the estimator, as a fit from scratch would."""
        value = self.path.value(self.estimator)
        if value is None or self.unsound() or not params.keys() <= _TAKEN or (params and self.path.solves):
            return self._fresh(*data, **params)
        if self.path.solves:
            self._solve(value, data)
        else:
            self._go_on(value, data, params)
        return self.estimator

    def _go_on(self, value: float, data: tuple[Any, ...], params: dict[str, Any]) -> None:
        """Fit by ``warm_start``, where a fit before was for a value that comes before this one."""
        own = frozenset(vars(self.estimator))
        trace = self.shelf.take(self.key)
        start_s = time.perf_counter()
        before_s = 0.0
        if trace is not None and (trace.sent != frozenset(params) or not self.path.after(value, trace.value)):
            trace = None
        if trace is not None and resume(self.estimator, trace, lambda: self._fresh(*data, **params)):
            before_s = trace.seconds
        else:
            self._fresh(*data, **params)
        if not self.path.close:
            self.saved_s = before_s
        if self.path.keeps(self.estimator):
            seconds = before_s + time.perf_counter() - start_s
            self._leave(Trace(value, state_of(self.estimator, own), seconds, frozenset(params), self.held))

    def _solve(self, value: float, data: tuple[Any, ...]) -> None:
        """Fit by what all fits share, where a fit before has shown that this gives the same."""
        own = frozenset(vars(self.estimator))
        start_s = time.perf_counter()
        trace = self.shelf.get(self.key)
        if trace is not None and trace.shared is None:
            trace = trace._replace(shared=self._checked(trace, data) or False)
            self._leave(trace)
        found = solved(trace.shared, value) if trace is not None and trace.shared else None
        if found is not None:
            vars(self.estimator).update({**trace.state, **found})
            self.saved_s = max(0.0, trace.seconds - (time.perf_counter() - start_s))
            return
        start_s = time.perf_counter()
        self._fresh(*data)
        if trace is None:
            seconds = time.perf_counter() - start_s
            self._leave(Trace(value, state_of(self.estimator, own), seconds, frozenset(), self.held))

    def _checked(self, trace: Trace, data: tuple[Any, ...]) -> Products | None:
        """Compute what all fits share, and see whether the fit before comes out of it, bit by bit."""
        made = products(self.estimator, *data, trace.state["coef_"].ndim == 1) if len(data) == 2 else None
        found = None if made is None else solved(made, trace.value)
        return made if found is not None and identical(found, trace.state) else None

    def _leave(self, trace: Trace) -> None:
        self.shelf.put(self.key, trace, size_of((trace.state, trace.shared)))
