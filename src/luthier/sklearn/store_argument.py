"""The argument `store` of the search classes, shown without the password of a URL."""

from __future__ import annotations

import os
from typing import Any, Self

from luthier.store import shown_place


class SecretURL(str):
    """The URL of a store that has a password in it: equal to the text that was given, and shown without that.

    scikit-learn shows the arguments of estimators everywhere (repr, HTML, ``get_params``, messages), always by their
    own ``repr``. ``str(…)`` and ``os.fspath`` give the whole URL, as a store needs it.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(shown_place(str.__str__(self)))

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self  # `clone` wants the very object that the constructor was given


class StoreArgument:
    """Keep an argument in the estimator's own dictionary, a URL with a password as a `SecretURL`."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, estimator: object | None, kind: type | None = None) -> Any:
        if estimator is None:
            return self
        try:
            return vars(estimator)[self._name]
        except KeyError:
            raise AttributeError(f"{type(estimator).__name__!r} object has no attribute {self._name!r}") from None

    def __set__(self, estimator: object, value: object) -> None:
        vars(estimator)[self._name] = _hidden(value)


def _hidden(value: object) -> object:
    if not isinstance(value, str) or isinstance(value, SecretURL | os.PathLike):
        return value
    return value if shown_place(value) == str.__str__(value) else SecretURL(value)
