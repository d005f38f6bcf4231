"""Methods of an object that are those of one of its parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar, overload

from luthier._foreign_words import CALLS
from luthier._hints import translating
from luthier.analysis import Prediction
from luthier.study import ActiveTrial

T = TypeVar("T")
P = ParamSpec("P")
R = TypeVar("R")
F = TypeVar("F", bound=Callable[..., Any])


class Delegated(Generic[T, P, R]):
    """A method of a part, as a method of the whole: with its signature and docstring, and answers to foreign words.

    Args:
        part: gives the part of an object.
        method: of the part's class.
    """

    def __init__(self, part: Callable[[Any], Any], method: Callable[Concatenate[T, P], R]) -> None:
        self._part = part
        self._method = method

    def __set_name__(self, kind: type, name: str) -> None:
        self._name = name
        self._method = translating(CALLS.get(name, {}), f"{kind.__name__}.{name}")(self._method)
        part, method = self._part, self._method

        @wraps(method)
        def of_class(owner: object, *arguments: Any, **named: Any) -> R:
            return method(part(owner), *arguments, **named)

        self._of_class = of_class

    @overload
    def __get__(self, owner: None, kind: type) -> Callable[Concatenate[Any, P], R]: ...

    @overload
    def __get__(self, owner: object, kind: type) -> Callable[P, R]: ...

    def __get__(self, owner: object, kind: type) -> Callable[..., R]:
        if owner is None:
            return self._of_class
        bound: Callable[..., R] = self._method.__get__(self._part(owner))
        owner.__dict__[self._name] = bound  # found there the next time, which is quicker
        return bound


def documented_by(part: Callable[..., Any]) -> Callable[[F], F]:
    """Give a method the whole docstring of the part's method that it calls."""

    def document(method: F) -> F:
        method.__doc__ = part.__doc__
        return method

    return document


class AskMethod(Protocol):
    """See `luthier.study.AskTell.ask`."""

    @overload
    def __call__(
        self,
        count: None = None,
        *,
        params: Mapping[str, Any] | None = None,
        lease_s: float | None = None,
        ticket: str | None = None,
    ) -> ActiveTrial: ...

    @overload
    def __call__(
        self,
        count: int,
        *,
        params: Mapping[str, Any] | None = None,
        lease_s: float | None = None,
        ticket: str | None = None,
    ) -> list[ActiveTrial]: ...


class PredictMethod(Protocol):
    """See `luthier.run.StudyAnalysis.predict`."""

    @overload
    def __call__(self, params: Mapping[str, Any], level: float = 0.9, *, observed: bool = False) -> Prediction: ...

    @overload
    def __call__(
        self, params: Sequence[Mapping[str, Any]], level: float = 0.9, *, observed: bool = False
    ) -> tuple[Prediction, ...]: ...
