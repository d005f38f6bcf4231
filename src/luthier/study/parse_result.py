"""The result of an objective as an outcome, or a clear refusal."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from luthier import codec
from luthier.errors import InvalidResult
from luthier.problem import Problem
from luthier.trial import Outcome, Reason

_VIOLATIONS = "violations"


def parse_result(problem: Problem, result: object, duration_s: float | None = None) -> Outcome:
    """Turn the result of an objective into an outcome.

    Args:
        problem: names the objectives.
        result: a number; or one number per objective, in their order; or a mapping that has each objective by name, and
            may have ``violations`` (a mapping of outcome constraints, at most 0 where they hold), ``variance`` (the
            known variance of the first objective) and anything else that can be stored.
        duration_s: seconds that it took.

    Returns:
        An outcome whose reason is DONE, or NONFINITE where an objective is NaN or infinite.

    Raises:
        InvalidResult: it is None, text, a truth value, or lacks an objective.
    """
    names = [objective.name for objective in problem.objectives]
    extra: dict[str, Any] = {}
    violations: dict[str, float] = {}
    if isinstance(result, Mapping):
        values = {name: _number(_get(result, name, names), name) for name in names}
        violations = _violations(result.get(_VIOLATIONS, {}))
        rest = {str(key): item for key, item in result.items() if key not in names and key != _VIOLATIONS}
        extra = {key: codec.from_plain(codec.to_plain(item, f"the result's {key!r}")) for key, item in rest.items()}
    elif len(names) > 1:
        values = _sequence(result, names)
    else:
        values = {names[0]: _number(result, names[0])}
    finite = all(map(math.isfinite, values.values())) and not any(map(math.isnan, violations.values()))
    reason = Reason.DONE if finite else Reason.NONFINITE
    error = "" if finite else f"the objective returned {', '.join(f'{k} = {v}' for k, v in values.items())}"
    return Outcome(reason, values, violations, duration_s, error, extra)


def _get(result: Mapping[Any, Any], name: str, names: Sequence[str]) -> object:
    if name not in result:
        raise InvalidResult(f"the result {dict(result)!r} lacks the objective {name!r}; return all of {list(names)}")
    return result[name]


def _sequence(result: object, names: Sequence[str]) -> dict[str, float]:
    items = getattr(result, "tolist", lambda: result)()
    if not isinstance(items, Sequence) or isinstance(items, str) or len(items) != len(names):
        raise InvalidResult(f"the study has {len(names)} objectives, {list(names)}; the result is {result!r}")
    return {name: _number(item, name) for name, item in zip(names, items, strict=True)}


def _violations(given: object) -> dict[str, float]:
    if not isinstance(given, Mapping):
        raise InvalidResult(f"violations are a mapping of names to numbers (at most 0 where they hold), not {given!r}")
    return {str(name): _number(value, f"violation {name!r}") for name, value in given.items()}


def _number(value: object, name: str) -> float:
    """Read a number: int, float, or anything with one element and ``item()`` (numpy, torch)."""
    kind = type(value)
    if kind is float:
        return value  # type: ignore[return-value]
    if kind is int:
        return float(value) if abs(value) < 2**1023 else math.inf  # type: ignore[arg-type]
    item = getattr(value, "item", None)
    if (callable(item) and getattr(value, "size", 1) in (1, None)) or (
        callable(item) and callable(getattr(value, "size", None))
    ):
        try:
            inside = item()
        except (ValueError, RuntimeError, TypeError):
            inside = None
        if isinstance(inside, int | float) and not isinstance(inside, bool):
            return float(inside)
    if value is None:
        raise InvalidResult(f"the objective returned None for {name!r}: does it lack a return statement?")
    raise InvalidResult(
        f"the objective returned {_short(value)} for {name!r}: return a number (a {kind.__name__} is not one)"
    )


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
