"""Digest of any value by its content, equal in every process."""

from __future__ import annotations

import functools
import hashlib
import inspect
import re
from collections.abc import Mapping
from typing import Any

import joblib
import numpy as np

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_LONGEST = 60


def digest(value: Any, length: int = 8) -> str:
    """Return hexadecimal digits that are equal for values of equal content: data, estimators, functions.

    Args:
        value: anything; a value that cannot be serialized counts by its type and text.
        length: number of digits, at most 32.
    """
    made = hashlib.blake2b(digest_size=16)
    _feed(made, value)
    return made.hexdigest()[:length]


def describe(value: Any) -> str:
    """Return a short text for a value, equal in every process."""
    if inspect.isroutine(value) or inspect.isclass(value):
        return f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', repr(value))}"
    text = " ".join(repr(value).split())
    if len(text) <= _LONGEST and not _ADDRESS.search(text):
        return text
    return f"{type(value).__name__} #{digest(value)}"


def _feed(made: Any, value: Any) -> None:
    if value is None or isinstance(value, bool | int | float | complex | str | bytes):
        _write(made, type(value).__name__, repr(value))
    elif isinstance(value, np.ndarray):
        _array(made, value)
    elif isinstance(value, Mapping):
        _write(made, "mapping", str(len(value)))
        for key in sorted(value, key=repr):
            _feed(made, key)
            _feed(made, value[key])
    elif isinstance(value, list | tuple):
        _write(made, type(value).__name__, str(len(value)))
        for item in value:
            _feed(made, item)
    else:
        _object(made, value)


def _object(made: Any, value: Any) -> None:
    if inspect.isfunction(value):
        code = value.__code__
        _write(made, "function", f"{value.__module__}.{value.__qualname__}", code.co_code.hex(), repr(code.co_names))
    elif isinstance(value, functools.partial):
        _write(made, "partial")
        for part in (value.func, value.args, value.keywords):
            _feed(made, part)
    elif hasattr(value, "get_params") and not inspect.isclass(value):
        _write(made, "estimator", _path(type(value)))
        _feed(made, value.get_params(deep=False))
    elif hasattr(value, "columns") and hasattr(value, "shape") and hasattr(value, "__getitem__"):
        _frame(made, value)
    elif hasattr(value, "dist") and hasattr(value, "args") and hasattr(value, "kwds"):
        _write(made, "distribution", str(value.dist.name))
        _feed(made, [list(value.args), dict(value.kwds)])
    else:
        _write(made, "object", _path(type(value)), _pickled(value))


def _array(made: Any, value: Any) -> None:
    _write(made, "array", str(value.dtype), str(value.shape))
    if value.dtype.hasobject:
        for item in value.ravel().tolist():
            _feed(made, item)
    else:
        made.update(np.ascontiguousarray(value).tobytes())


def _frame(made: Any, value: Any) -> None:
    columns = list(value.columns)
    _write(made, "frame", _path(type(value)), str(tuple(value.shape)))
    for name in columns:
        column = value[name]
        _feed(made, name)
        if getattr(column, "ndim", 1) == 1:
            _write(made, str(getattr(column, "dtype", "")))
            _feed(made, np.asarray(column))
        else:  # two columns of one name
            _feed(made, np.asarray(column))


def _pickled(value: Any) -> str:
    try:
        return str(joblib.hash(value))
    except Exception:  # noqa: BLE001 - pickling runs the user's code
        return _ADDRESS.sub("", repr(value))


def _path(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _write(made: Any, *texts: str) -> None:
    for text in texts:
        content = text.encode("utf-8", "backslashreplace")
        made.update(len(content).to_bytes(8, "little"))
        made.update(content)
