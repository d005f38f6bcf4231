"""Encoding of configurations as points of [0, 1]^d and back, many at a time.

Continuous numbers share one pass of arithmetic, evenly spaced levels another; only the other variables are handled one
by one. The values that `Encoder.read` gives to expressions equal those that `Encoder.decode` gives to users.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from luthier._typing import Bools, Floats, Integers
from luthier.errors import InvalidConfig, InvalidSetting
from luthier.space.constraint import Constraint
from luthier.space.expression import Coded
from luthier.space.flattening import FlatSpace, FlatVariable
from luthier.space.variables.base import Options
from luthier.space.variables.categorical import Choice
from luthier.space.variables.number import Number
from luthier.space.variables.simplex import Simplex

_ABSENT = object()
_LEVELLED = (Number, Options)
_FEW = 8


class Encoder:
    """Encode, decode and settle the points of a flat space, and read them for its expressions.

    A point is *settled* where it is in [0, 1], on the levels, and NaN in the columns of inactive variables.

    Args:
        flat: the variables, conditions and constraints.
    """

    def __init__(self, flat: FlatSpace) -> None:
        self.flat = flat
        self.dimensions = flat.parts[-1].end
        self.conditional = [part for part in flat.order if part.when is not None]
        self._even: list[FlatVariable] = []
        self._picks: list[tuple[str, Callable[[int], Any]]] = []
        self._smooth: list[FlatVariable] = []
        self._other: list[FlatVariable] = []
        self._wide: list[FlatVariable] = []
        self._warped: list[FlatVariable] = []
        for part in flat.parts:
            self._sort(part)
        smooth = set(self._smooth)
        self._stepped = [part for part in flat.parts if part not in smooth]
        self._plain = bool(self._smooth) and all(part.when is None for part in self._smooth)
        self._even_columns = np.array([part.begin for part in self._even], dtype=np.int64)
        self._even_levels = np.array([float(part.variable.levels) for part in self._even])
        self._smoother = _Smooth(self._smooth)
        self._makers = [(part.name, part.when.holds if part.when is not None else None) for part in flat.order]
        self._reader = _Reader(flat, [part.name for part in self._even])
        self._in_order = flat.order == flat.parts

    def _sort(self, part: FlatVariable) -> None:
        """Add a variable to those that are handled alike."""
        variable = part.variable
        if isinstance(variable, Number):
            alike = self._even if variable.levels else self._other if variable.count else self._smooth
            is_warped = variable.prior is not None
        elif isinstance(variable, Options):
            alike, is_warped = self._even, isinstance(variable, Choice) and variable.weights is not None
        else:
            alike, is_warped = self._other, variable.width > 1
            if is_warped:
                self._wide.append(part)
        alike.append(part)
        if alike is self._even and isinstance(variable, _LEVELLED):
            self._picks.append((part.name, variable.pick))
        if is_warped:
            self._warped.append(part)

    @property
    def continuous(self) -> Integers:
        """The columns of the numbers that take any value of a range."""
        return self._smoother.columns

    # --- encoding -------------------------------------------------------------------------------------

    def encode(self, configs: Sequence[Mapping[str, Any]]) -> Floats:
        """Turn n configurations into (n, d), NaN where a variable is not set."""
        points = np.full((len(configs), self.dimensions), np.nan)
        smooth = self._smoother.places(configs) if self._plain else None
        if smooth is not None:
            points[:, self._smoother.columns] = smooth
        for part in self.flat.parts if smooth is None else self._stepped:
            name, variable = part.name, part.variable
            values = [config.get(name, _ABSENT) for config in configs]
            try:
                if part.when is not None and _ABSENT in values:
                    rows = [row for row, value in enumerate(values) if value is not _ABSENT]
                    if rows:
                        found = variable.encode([values[row] for row in rows])
                        points[rows, part.begin : part.end] = found
                else:
                    points[:, part.begin : part.end] = variable.encode(values)
            except (InvalidConfig, TypeError, ValueError, OverflowError) as error:
                if any(value is _ABSENT for value in values):
                    raise InvalidConfig(f"cannot encode a configuration that lacks the variable {name!r}") from None
                raise InvalidConfig(f"variable {name!r}: {error}") from None
        return points

    # --- decoding -------------------------------------------------------------------------------------

    def decode(self, points: Floats) -> tuple[dict[str, Any], ...]:
        """Turn (n, d) into n configurations of the active variables."""
        columns: dict[str, list[Any]] = {}
        rows = len(points)
        if self._smooth:
            found = self._smoother.values(points)
            columns.update(zip(self._smoother.names, found.T.tolist(), strict=True))
        if self._even:
            codes = self._codes(points)
            for (name, pick), column in zip(self._picks, codes.T.tolist(), strict=True):
                columns[name] = [pick(code) if code >= 0 else _ABSENT for code in column]
        for part in self._other:
            columns[part.name] = self._decode_other(part, points)
        missing = bool(np.isnan(points).any())
        if not self.conditional:
            if missing:
                raise self._incomplete(points)
            if rows == 1:
                return ({name: columns[name][0] for name in self.flat.names},)
            by_column = [columns[name] for name in self.flat.names]
            return tuple(dict(zip(self.flat.names, row, strict=True)) for row in zip(*by_column, strict=True))
        return tuple(self._assemble(columns, row) for row in range(rows))

    def _decode_other(self, part: FlatVariable, points: Floats) -> list[Any]:
        block = points[:, part.begin : part.end]
        known = ~np.isnan(block).any(axis=1)
        if known.all():
            return part.variable.decode(block)
        found: list[Any] = [_ABSENT] * len(points)
        for row, value in zip(np.flatnonzero(known).tolist(), part.variable.decode(block[known]), strict=True):
            found[row] = value
        return found

    def _assemble(self, columns: Mapping[str, list[Any]], row: int) -> dict[str, Any]:
        config: dict[str, Any] = {}
        for name, holds in self._makers:
            if holds is None or holds(config):
                value = columns[name][row]
                if value is _ABSENT or value != value:
                    raise InvalidConfig(f"cannot decode a point whose column of the active variable {name!r} is NaN")
                config[name] = value
        return config if self._in_order else {name: config[name] for name in self.flat.names if name in config}

    def _incomplete(self, points: Floats) -> InvalidConfig:
        column = int(np.flatnonzero(np.isnan(points).any(axis=0))[0])
        name = next(part.name for part in self.flat.parts if part.begin <= column < part.end)
        return InvalidConfig(f"cannot decode a point whose column of the active variable {name!r} is NaN")

    def _codes(self, points: Floats) -> Integers:
        """Return the levels (n, even variables) of points; -1 where NaN."""
        found = np.minimum(np.floor(points[:, self._even_columns] * self._even_levels), self._even_levels - 1.0)
        return np.where(found >= 0.0, found, -1.0).astype(np.int64)

    # --- settling -------------------------------------------------------------------------------------

    def settle(self, points: Floats, fill: Floats) -> Floats:
        """Snap (n, d) to levels, empty inactive columns, fill newly active ones from `fill` (n, d)."""
        found = points
        missing = np.isnan(points)
        if missing.any():
            for part in self._wide:
                block = missing[:, part.begin : part.end]
                block[:] = block.any(axis=1, keepdims=True)
            found = np.where(missing, fill, points)
        return self._settle(found)

    def settle_uniforms(self, uniforms: Floats) -> Floats:
        """Return the settled points, distributed by the priors, of uniforms (n, d) in [0, 1). Cost O(n d)."""
        return self._settle(self.warp(uniforms) if self._warped else uniforms)

    def _settle(self, places: Floats) -> Floats:
        """Settle places (n, d) of which none is missing."""
        found = np.minimum(np.maximum(places, 0.0), 1.0)
        codes = self._codes(found) if self._even else None
        if codes is not None:
            found[:, self._even_columns] = (codes + 0.5) / self._even_levels
        for part in self._other:
            found[:, part.begin : part.end] = part.variable.snap(found[:, part.begin : part.end])
        if self.conditional:
            self._empty(found, codes)
        return found

    def _empty(self, found: Floats, codes: Integers | None) -> None:
        """Set the inactive columns of settled, full points to NaN, in place."""
        values = self._reader.of(found, codes)
        for part in self.conditional:
            active = values.active(part)
            if not active.all():
                found[~active, part.begin : part.end] = np.nan
                values.drop(part, active)

    def warp(self, points: Floats) -> Floats:
        """Return the places, distributed by the priors, of uniforms (n, d)."""
        found = points.copy()
        for part in self._warped:
            found[:, part.begin : part.end] = part.variable.warp(points[:, part.begin : part.end])
        return found

    # --- values for expressions ---------------------------------------------------------------------------

    def read(self, points: Floats, names: frozenset[str]) -> dict[str, Any]:
        """Return the columns of values that an expression with these names reads, from settled points (n, d).

        Raises:
            InvalidSetting: there is no variable of one of these names.
        """
        return self._reader.of(points).named(names)

    def feasible(self, points: Floats) -> Bools:
        """Return which of settled points (n, d) keep the constraints; shape (n,). Cost O(n) per node of a constraint.

        Predicates are only asked about configurations that keep all expressions.

        Raises:
            InvalidSpace: a predicate is not available, or it raised.
        """
        kept = np.ones(len(points), dtype=bool)
        if not self.flat.rules:
            return kept
        values = self._reader.of(points)
        predicates: list[Constraint] = []
        for rule in self.flat.rules:
            expression = rule.expression
            if expression is None:
                predicates.append(rule)
            elif len(points):
                kept &= ~expression.broken(values.named(expression.names), len(points))
        for rule in predicates:
            for row, config in zip(np.flatnonzero(kept).tolist(), self.decode(points[kept]), strict=True):
                kept[row] = not rule.is_broken(config, self.flat.realize)
        return kept


class _Reader:
    """What is known beforehand about the values of a space's points.

    Args:
        flat: the variables.
        even: the variables of one column with evenly spaced levels, in the order of the codes.
    """

    def __init__(self, flat: FlatSpace, even: Sequence[str]) -> None:
        self.flat = flat
        self.by_name = dict(flat.by_name)
        self.even = {name: place for place, name in enumerate(even)}
        self.lookups = dict(filter(None, map(self._lookup, flat.parts)))

    def _lookup(self, part: FlatVariable) -> tuple[str, tuple[int, Bools]] | None:
        """Tabulate a condition on one variable of few levels: the place of its codes, and an answer for each level."""
        if part.when is None or part.when.answers is None:
            return None
        name, answers = part.when.answers
        return (part.name, (self.even[name], answers)) if name in self.even else None

    def of(self, points: Floats, codes: Integers | None = None) -> _Values:
        """Return the values of settled points (n, d).

        Args:
            points: (n, d).
            codes: the levels (n, even variables), where they are known; -1 where inactive.
        """
        return _Values(self, points, codes)


class _Values:
    """The values of settled points, read as expressions ask for them."""

    def __init__(self, reader: _Reader, points: Floats, codes: Integers | None) -> None:
        self.reader = reader
        self.points = points
        self.codes = codes
        self.gone: dict[str, Bools] = {}
        self.known: dict[str, Any] = {}

    def named(self, names: frozenset[str]) -> dict[str, Any]:
        """Return the columns of these names."""
        for name in names:
            if name not in self.known:
                self.known[name] = self._read(name)
        return {name: self.known[name] for name in names}

    def active(self, part: FlatVariable) -> Bools:
        """Return in which rows a conditional variable is active."""
        condition = part.when
        assert condition is not None
        lookup = self.reader.lookups.get(part.name)
        if lookup is not None and self.codes is not None:
            place, answers = lookup
            found: Bools = answers[self.codes[:, place]]  # -1, inactive, is the last of the answers
            return found
        return condition.among(self.named(condition.expression.names), len(self.points))

    def drop(self, part: FlatVariable, active: Bools) -> None:
        """Take note that a variable is inactive in some rows; its columns in `points` are NaN there by now."""
        name = part.name
        if self.codes is not None and name in self.reader.even:
            self.codes[~active, self.reader.even[name]] = -1
        self.gone[name] = active
        owners = self.reader.flat.owners
        self.known = {read: column for read, column in self.known.items() if owners[read] != name}

    def _read(self, name: str) -> Any:
        part = self.reader.by_name.get(name)
        if part is None:
            return self._read_share(name)
        variable = part.variable
        if self.codes is not None and name in self.reader.even and isinstance(variable, _LEVELLED):
            return variable.level_values(self.codes[:, self.reader.even[name]])
        found = variable.read(self.points[:, part.begin : part.end])
        if not variable.width and part.when is not None:  # a constant has no column to be NaN in
            active = self.gone[name] if name in self.gone else self.active(part)
            found = Coded(np.where(active, found.codes, -1), found.levels)
        return found

    def _read_share(self, name: str) -> Floats:
        """Return the column of one share of a simplex."""
        owner = self.reader.flat.owners.get(name)
        if owner is None:
            raise InvalidSetting(f"there is no variable {name!r} to read")
        part = self.reader.by_name[owner]
        assert isinstance(part.variable, Simplex)
        return self.points[:, part.begin + part.variable.parts.index(name.removeprefix(owner + "."))].copy()


class _Smooth:
    """The continuous numbers of a space, encoded and decoded in one pass."""

    def __init__(self, parts: Sequence[FlatVariable]) -> None:
        self.names = [part.name for part in parts]
        numbers: list[Number] = [part.variable for part in parts]  # type: ignore[misc]
        self.columns = np.array([part.begin for part in parts], dtype=np.int64)
        self.start = np.array([number.scale.start for number in numbers])
        self.width = np.array([number.scale.width for number in numbers])
        self.logs = np.array([place for place, number in enumerate(numbers) if number.scale.log], dtype=np.int64)
        self.low = np.array([float(number.low) for number in numbers])
        self.high = np.array([float(number.high) for number in numbers])
        self.numbers = numbers
        self.one = [number.round_one for number in numbers]

    def places(self, configs: Sequence[Mapping[str, Any]]) -> Floats | None:
        """Return the places (n, continuous numbers) of configurations that have all of them; None otherwise."""
        try:
            found = np.array([[config[name] for name in self.names] for config in configs], dtype=np.float64)
        except (KeyError, TypeError, ValueError, OverflowError):
            return None
        if not len(found) or not ((found >= self.low) & (found <= self.high)).all():
            return None
        if len(self.logs):
            found[:, self.logs] = np.log(found[:, self.logs])
        places: Floats = np.minimum(np.maximum((found - self.start) / self.width, 0.0), 1.0)
        return places

    def values(self, points: Floats) -> Floats:
        """Return the values (n, continuous numbers), NaN where inactive."""
        found: Floats = self.start + points[:, self.columns] * self.width
        if len(self.logs):
            found[:, self.logs] = np.exp(found[:, self.logs])
        if 0 < len(found) <= _FEW:  # the same arithmetic without numpy's overhead
            rows = [
                [r(value) if value == value else value for r, value in zip(self.one, row, strict=True)]
                for row in found.tolist()
            ]
            return np.array(rows)
        for place, number in enumerate(self.numbers):
            found[:, place] = number.rounded(found[:, place])
        return found
