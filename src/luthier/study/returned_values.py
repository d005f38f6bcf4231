"""The result of an objective as an outcome, or a clear refusal."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

from luthier import codec
from luthier._hints import with_article
from luthier.errors import InvalidResult
from luthier.problem import SECONDS, OutcomeConstraint, Problem
from luthier.scalar import in_order, plain_number, short, to_dict, to_float, to_seconds, to_step, to_text
from luthier.trial import Outcome, Reason, Reportable, ReportValue, read_report

_VIOLATIONS = "violations"
_VARIANCE = "variance"
_MISSPELT = ("violation", "constraint", "constraints", "constraint_violations")


def parse_result(problem: Problem, result: object, duration_s: float | None = None) -> Outcome:
    """Turn the result of an objective into an outcome.

    Args:
        problem: names the objectives, and limits what the objective returns.
        result: a number; or one number per objective, in their order; or a mapping that has each objective by name, and
            may have ``violations`` (a mapping of outcome constraints, at most 0 where they hold), ``variance`` (the
            known variance of the first objective), the study's cost (None where it is not known) and anything else that
            can be stored.
        duration_s: seconds that it took.

    Returns:
        An outcome whose reason is DONE, or NONFINITE where an objective is NaN or infinite.

    Raises:
        InvalidResult: it is None, text, a truth value, or lacks an objective, or the study's cost.
    """
    objectives = problem.objectives
    limits = problem.outcome_constraints
    alone = len(objectives) == 1 and duration_s is None and not limits and problem.cost in (None, SECONDS)
    if alone and type(result) is float and math.isfinite(result):  # most are
        return Outcome(Reason.DONE, {objectives[0].name: result})
    names = [objective.name for objective in objectives]
    _check_cost(problem, result, names)
    extra: dict[str, Any] = {}
    violations: dict[str, float] = {}
    if isinstance(result, Mapping):
        result = to_dict(result, "the result is a mapping of names to numbers", InvalidResult)
        values = {name: _number(_get(result, name, names), name) for name in names}
        violations = _violations(result.get(_VIOLATIONS, {})) | {
            limit.name: _violation(limit, result, values) for limit in limits
        }
        rest = {_name(key): item for key, item in result.items()}
        _check_spelling(rest, names)
        extra = {key: _stored(item, key) for key, item in rest.items() if key not in (*names, _VIOLATIONS)}
    elif any(limit.name not in names for limit in limits):
        raise InvalidResult(
            f"the study limits {', '.join(map(str, limits))}: return a mapping with "
            f"{[*names, *(limit.name for limit in limits if limit.name not in names)]}, not {short(result)}"
        )
    elif len(names) > 1:
        values = _sequence(result, names)
    else:
        values = {names[0]: _number(result, names[0])}
    violations = violations or {limit.name: limit.violation(values[limit.name]) for limit in limits}
    duration_s = to_seconds(duration_s, "duration_s")
    finite = all(map(math.isfinite, values.values())) and not any(map(math.isnan, violations.values()))
    reason = Reason.DONE if finite else Reason.NONFINITE
    error = "" if finite else f"the objective returned {', '.join(f'{k} = {v}' for k, v in values.items())}"
    return Outcome(reason, values, violations, duration_s, error, extra)


def no_value(failed: str | None, pruned: str | None, duration_s: float | None) -> Outcome:
    """Give the outcome of a trial that has no value, by the reason why."""
    reason = Reason.FAILED if pruned is None else Reason.PRUNED
    text = to_text(failed if pruned is None else pruned)
    return Outcome(reason, duration_s=to_seconds(duration_s, "duration_s"), error=text)


def checked_reports(reports: Sequence[tuple[int, Reportable]], problem: Problem) -> tuple[tuple[int, ReportValue], ...]:
    """Give all reports of a trial in plain form.

    Raises:
        InvalidResult: they are not pairs of a step and a number, or the numbers of several objectives.
    """
    checked = []
    names = [objective.name for objective in problem.objectives]
    for one in reports if isinstance(reports, list | tuple) else (reports,):
        pair = one if isinstance(one, list | tuple) and len(one) == 2 else (0, None)
        if len(names) == 1 and to_float(pair[1]) is None:
            raise InvalidResult(f"reports are a list of pairs of a step and a number; there is {short(one)}")
        checked.append((to_step(pair[0]), read_report(pair[1], names)))
    return tuple(checked)


def _check_cost(problem: Problem, result: object, names: Sequence[str]) -> None:
    """Refuse a result without the cost that the study declares, or with a cost that is no number of at least 0."""
    cost = problem.cost
    if cost is None:
        return
    if not isinstance(result, Mapping) or cost not in result:
        if cost != SECONDS and cost not in names:
            raise InvalidResult(
                f"the result {short(result)} lacks {cost!r}, the cost of the study's trials: return a mapping with "
                f"{[*names, cost]}; None where it is not known"
            )
        return
    given = result[cost]
    if given is None and cost not in names:
        return
    number = to_float(given)
    if number is None or not 0.0 <= number < math.inf:
        raise InvalidResult(
            f"the objective returned {short(given)} for {cost!r}: the cost of a trial is a finite number, 0 or "
            "more, or None where it is not known"
        )


def _name(key: object) -> str:
    """Give the name of a number that the objective returned."""
    if isinstance(key, str):
        return str.__str__(key)
    if key is None or isinstance(key, Real):
        return to_text(key)
    raise InvalidResult(f"the names in a result are texts; there is {short(key)}")


def _stored(item: object, key: str) -> Any:
    """Give what else the objective returned as it will be read from a store."""
    if key == _VARIANCE and (variance := to_float(item)) is not None and not 0.0 <= variance < math.inf:
        raise InvalidResult(f"the known variance is a finite number, 0 or more, not {short(item)}")
    try:
        return codec.from_plain(codec.to_plain(plain_number(item), f"the result's {key!r}"))
    except RecursionError:
        raise InvalidResult(f"the result's {key!r} is nested too deeply, or holds itself") from None


def _get(result: Mapping[Any, Any], name: str, names: Sequence[str]) -> object:
    if name not in result:
        how = f"all of {list(names)}" if len(names) > 1 else f"{{{name!r}: …}}, or the number by itself"
        raise InvalidResult(f"the result {short(result)} lacks the objective {name!r}; return {how}")
    return result[name]


def _check_spelling(result: Mapping[str, object], names: Sequence[str]) -> None:
    """Refuse what was meant as outcome constraints, and would be kept without being one."""
    for key in _MISSPELT:
        if key not in names and isinstance(result.get(key), Mapping | list | tuple):
            raise InvalidResult(
                f"the result has {key!r}, which would not be an outcome constraint: write 'violations', a mapping of "
                "names to numbers (at most 0 where they hold), or state limits of what is returned with the study: "
                "constraints={'memory': '<= 16'}"
            )


def _sequence(result: object, names: Sequence[str]) -> dict[str, float]:
    items = in_order(result)
    if items is None or len(items) != len(names):
        raise InvalidResult(
            f"the study has {len(names)} objectives, {list(names)}; the result is {short(result)}: "
            f"return all of them, {{{', '.join(f'{name!r}: …' for name in names)}}}, or a tuple in this order"
        )
    return {name: _number(item, name) for name, item in zip(names, items, strict=True)}


def _violations(given: object) -> dict[str, float]:
    what = "violations are a mapping of names to numbers (at most 0 where they hold)"
    items = {_name(name): value for name, value in to_dict(given, what, InvalidResult).items()}
    return {name: _number(value, f"violation {name!r}") for name, value in items.items()}


def _violation(limit: OutcomeConstraint, result: Mapping[Any, Any], values: Mapping[str, float]) -> float:
    """Give by how much the number that a constraint limits breaks the limit; it may be an objective."""
    if limit.name in result.get(_VIOLATIONS, {}):
        raise InvalidResult(f"the study limits {limit}: return {limit.name!r} itself, and not its violation")
    if limit.name not in result:
        raise InvalidResult(f"the result {short(result)} lacks {limit.name!r}, which the study limits: {limit}")
    return limit.violation(values[limit.name] if limit.name in values else _number(result[limit.name], limit.name))


def _number(value: object, name: str) -> float:
    """Read a number (see `luthier.scalar.to_float`)."""
    if type(value) is float:
        return value
    try:
        number = to_float(value)
    except InvalidResult as error:
        raise InvalidResult(f"the objective returned for {name!r} {error}") from error.__cause__
    if number is not None:
        return number
    if value is None:
        raise InvalidResult(f"the objective returned None for {name!r}: does it lack a return statement?")
    kind = with_article(type(value).__name__)
    raise InvalidResult(f"the objective returned {short(value)} for {name!r}: return a number ({kind} is not one)")
