"""Space of all candidates of a grid or of distributions, to record what was evaluated."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from luthier.errors import InvalidSpace
from luthier.sklearn.spaces.distributions import is_distribution, record_distribution
from luthier.sklearn.spaces.parsed_space import GRID, ListedValues, ParsedSpace, as_list
from luthier.space import Choice, Number, Space, Variable


@dataclass(frozen=True)
class CandidateSpace:
    """The space of one or several mappings of parameters, and the configurations of their candidates.

    Args:
        space: if there are several mappings, it has a variable ``grid``: the index of a candidate's mapping.
        columns: for each mapping, by parameter: the variable's name, and its list of values (None for numbers).
    """

    space: Space
    columns: tuple[Mapping[str, tuple[str, ListedValues | None]], ...]

    def config(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Convert the parameters of a candidate into a configuration.

        Raises:
            InvalidSpace: no mapping has this candidate.
        """
        reasons = []
        for place, columns in enumerate(self.columns):
            if columns.keys() != params.keys():
                continue
            try:
                found = {name: self._plain(name, listed, params[key]) for key, (name, listed) in columns.items()}
            except InvalidSpace as error:
                reasons.append(str(error))
                continue
            return {**({GRID: place} if len(self.columns) > 1 else {}), **found}
        raise InvalidSpace(f"the candidate {dict(params)!r:.200} is not in the search space; {'; '.join(reasons)}")

    def params(self, realized: Mapping[str, Any]) -> dict[str, Any]:
        """Convert the parameters of a trial back into those of the candidate."""
        columns = self.columns[realized.get(GRID, 0) if len(self.columns) > 1 else 0]
        return {key: realized[name] for key, (name, _) in columns.items()}

    def _plain(self, name: str, listed: ListedValues | None, value: Any) -> Any:
        if listed is not None:
            return listed.option(value)
        variable = self.space.variables[name]
        if not isinstance(variable, Number):
            raise InvalidSpace(f"{name!r} is not a number")
        return variable.plain(min(max(value, variable.low), variable.high))


def candidate_space(given: Any, extra: Mapping[str, Variable]) -> CandidateSpace | ParsedSpace:
    """Make the space of all candidates of a grid or of distributions, or of a list of them.

    Args:
        given: as in scikit-learn.
        extra: further variables of every candidate.

    Raises:
        InvalidSpace: a distribution has no quantiles.
    """
    several = [given] if isinstance(given, Mapping) else list(given)
    lists: dict[str, list[Any]] = {}
    for one in several:
        for key, value in one.items():
            if not is_distribution(value):
                lists.setdefault(key, []).extend(as_list(value))
    listed = {key: ListedValues.of(values) for key, values in lists.items()}
    variables: dict[str, Variable] = {}
    users: dict[str, list[int]] = {}
    columns: list[dict[str, tuple[str, ListedValues | None]]] = []
    for place, one in enumerate(several):
        named: dict[str, tuple[str, ListedValues | None]] = {}
        for key in sorted(one):
            drawn = is_distribution(one[key])
            variable = record_distribution(one[key]) if drawn else listed[key].variable()
            name = _free(key, variable, variables)
            variables[name] = variable
            users.setdefault(name, []).append(place)
            named[key] = (name, None if drawn else listed[key])
        columns.append({**named, **{key: (key, None) for key in extra}})
    if len(several) > 1:
        variables = {name: _when(variable, users[name], len(several)) for name, variable in variables.items()}
        variables = {GRID: Choice(*range(len(several))), **variables}
    return CandidateSpace(Space({**variables, **extra}), tuple(columns))


def _free(key: str, variable: Variable, taken: Mapping[str, Variable]) -> str:
    """Return the name of a parameter, or a free name if another variable has that one."""
    name, count = key, 2
    while name == GRID or (name in taken and taken[name] != variable):
        name, count = f"{key} {count}", count + 1
    return name


def _when(variable: Variable, places: Sequence[int], count: int) -> Variable:
    if len(places) == count:
        return variable
    found = copy.copy(variable)
    object.__setattr__(found, "when", " or ".join(f"{GRID} == {place}" for place in places))
    return found
