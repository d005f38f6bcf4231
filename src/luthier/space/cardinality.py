"""Number of distinct configurations of a space, constraints left aside."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from luthier.space.flattening import FlatSpace, FlatVariable
from luthier.space.variables.base import Options
from luthier.space.variables.combinatorial import Combination
from luthier.space.variables.number import Number

MOST_CASES = 100_000


def count_configs(flat: FlatSpace) -> int | None:
    """Return the number of configurations; None where a variable is continuous.

    Variables that no condition ties together multiply. Within a group that conditions tie together, the cases of the
    variables that conditions read are counted one by one, up to 100,000; beyond, an upper bound is given.

    Cost O(cases).
    """
    if any(part.variable.count is None for part in flat.parts):
        return None
    return math.prod(_count(group) for group in _groups(flat))


def _groups(flat: FlatSpace) -> list[list[FlatVariable]]:
    """Split the variables into groups that share no condition, each in order of evaluation."""
    root = {part.name: part.name for part in flat.parts}

    def find(name: str) -> str:
        while root[name] != name:
            name = root[name]
        return name

    for part in flat.parts:
        for read in part.when.reads if part.when else ():
            root[find(read)] = find(part.name)
    groups: dict[str, list[FlatVariable]] = {}
    for part in flat.order:
        groups.setdefault(find(part.name), []).append(part)
    return list(groups.values())


def _count(group: list[FlatVariable]) -> int:
    read = {name for part in group if part.when for name in part.when.reads}
    deciding = [part for part in group if part.name in read]
    if _most(deciding) > MOST_CASES:
        return _most(group)
    free = [part for part in group if part.name not in read]
    total = 0
    for case in _cases(deciding, 0, {}):
        product = 1
        for part in free:
            if part.when is None or part.when.holds(case):
                product *= part.variable.count or 0
        total += product
    return total


def _most(parts: list[FlatVariable]) -> int:
    return math.prod((part.variable.count or 0) + (part.when is not None) for part in parts)


def _cases(parts: list[FlatVariable], place: int, case: dict[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield every combination of values of `parts`, inactive ones left out."""
    if place == len(parts):
        yield case
        return
    part = parts[place]
    if part.when is not None and not part.when.holds(case):
        yield from _cases(parts, place + 1, case)
        return
    for value in _values(part):
        yield from _cases(parts, place + 1, {**case, part.name: value})


def _values(part: FlatVariable) -> Iterable[Any]:
    """Return every value of a finite variable, in order."""
    variable = part.variable
    if isinstance(variable, Number | Options):
        return map(variable.pick, range(variable.count or 0))
    if isinstance(variable, Combination):
        return variable.values()
    return (variable.start,)
