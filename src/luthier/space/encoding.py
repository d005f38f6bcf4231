"""From configurations to points of [0, 1]^d and back, many at a time.

Continuous numbers share one pass of arithmetic, evenly spaced levels another; only what is neither is handled variable
by variable. The values that `Encoder.read` gives to expressions equal those that `Encoder.decode` gives to users.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from luthier._typing import Bools, Floats
from luthier.errors import InvalidConfig, InvalidSetting
from luthier.space.expression import Coded
from luthier.space.flattening import FlatSpace, FlatVariable
from luthier.space.variables.base import Levelled
from luthier.space.variables.column import Codes
from luthier.space.variables.combinatorial import Simplex
from luthier.space.variables.number import Number

_ABSENT = object()
_FEW = 8


class Encoder:
    """Encode, decode and settle the points of a flat space.

    Args:
        structure: its variables.
    """

    def __init__(self, structure: FlatSpace) -> None:
        self.structure = structure
        self.dimensions = structure.parts[-1].end
        self.names = [part.name for part in structure.parts]
        self.by_name = {part.name: part for part in structure.parts}
        self.conditional = [part for part in structure.order if part.when is not None]
        self._even = [part for part in structure.parts if part.variable.levels and isinstance(part.variable, Levelled)]
        self._smooth = [
            part for part in structure.parts if isinstance(part.variable, Number) and not part.variable.count
        ]
        grouped = {part.name for part in (*self._even, *self._smooth)}
        self._other = [part for part in structure.parts if part.name not in grouped]
        self._wide = [part for part in self._other if part.variable.width > 1]
        smooth = {part.name for part in self._smooth}
        self._stepped = [part for part in structure.parts if part.name not in smooth]
        self._plain = bool(self._smooth) and all(part.when is None for part in self._smooth)
        self._even_columns = np.array([part.begin for part in self._even], dtype=np.int64)
        self._even_levels = np.array([float(part.variable.levels) for part in self._even])
        self._even_place = {part.name: place for place, part in enumerate(self._even)}
        self._smoother = _Smooth(self._smooth)
        self._makers = [self._maker(part) for part in structure.order]
        self._lookups = dict(filter(None, map(self._lookup, self.conditional)))
        self._in_order = [part.name for part in structure.order] == self.names

    @property
    def continuous(self) -> Codes:
        """The columns of the numbers that take any value of a range."""
        return self._smoother.columns

    # --- encoding -------------------------------------------------------------------------------------

    def encode(self, configs: Sequence[Mapping[str, Any]]) -> Floats:
        """Turn n configurations into (n, d), NaN where a variable is not set."""
        points = np.full((len(configs), self.dimensions), np.nan)
        smooth = self._smoother.places(configs) if self._plain else None
        if smooth is not None:
            points[:, self._smoother.columns] = smooth
        for part in self.structure.parts if smooth is None else self._stepped:
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
            for part, column in zip(self._even, codes.T.tolist(), strict=True):
                pick = part.variable.pick  # type: ignore[attr-defined]
                columns[part.name] = [pick(code) if code >= 0 else _ABSENT for code in column]
        for part in self._other:
            columns[part.name] = self._decode_other(part, points)
        missing = bool(np.isnan(points).any())
        if not self.conditional:
            if missing:
                raise self._incomplete(points)
            if rows == 1:
                return ({name: columns[name][0] for name in self.names},)
            by_column = [columns[name] for name in self.names]
            return tuple(dict(zip(self.names, row, strict=True)) for row in zip(*by_column, strict=True))
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

    def _maker(self, part: FlatVariable) -> tuple[str, Callable[[Mapping[str, Any]], bool] | None]:
        return part.name, part.when.holds if part.when is not None else None

    def _assemble(self, columns: Mapping[str, list[Any]], row: int) -> dict[str, Any]:
        config: dict[str, Any] = {}
        for name, holds in self._makers:
            if holds is None or holds(config):
                value = columns[name][row]
                if value is _ABSENT or value != value:
                    raise InvalidConfig(f"cannot decode a point whose column of the active variable {name!r} is NaN")
                config[name] = value
        return config if self._in_order else {name: config[name] for name in self.names if name in config}

    def _lookup(self, part: FlatVariable) -> tuple[str, tuple[int, Bools]] | None:
        """Give the answers of a condition on one variable of few levels: the place of its codes, an answer a level."""
        if part.when is None or part.when.answers is None:
            return None
        name, answers = part.when.answers
        return (part.name, (self._even_place[name], answers)) if name in self._even_place else None

    def _incomplete(self, points: Floats) -> InvalidConfig:
        column = int(np.flatnonzero(np.isnan(points).any(axis=0))[0])
        name = next(part.name for part in self.structure.parts if part.begin <= column < part.end)
        return InvalidConfig(f"cannot decode a point whose column of the active variable {name!r} is NaN")

    def _codes(self, points: Floats) -> Codes:
        """Give the levels (n, even variables); -1 where NaN."""
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
        found = np.minimum(np.maximum(found, 0.0), 1.0)
        codes = self._codes(found) if self._even else None
        if codes is not None:
            found[:, self._even_columns] = (codes + 0.5) / self._even_levels
        for part in self._other:
            found[:, part.begin : part.end] = part.variable.snap(found[:, part.begin : part.end])
        if self.conditional:
            self._empty(found, codes)
        return found

    def _empty(self, found: Floats, codes: Codes | None) -> None:
        """Set the inactive columns of settled, full points to NaN, in place."""
        columns = _Columns(self, found, codes)
        for part in self.conditional:
            active = self._active(part, columns)
            if active.all():
                continue
            found[~active, part.begin : part.end] = np.nan
            columns.drop(part, active)

    def _active(self, part: FlatVariable, columns: _Columns) -> Bools:
        lookup = self._lookups.get(part.name)
        if lookup is not None and columns.codes is not None:
            place, answers = lookup
            found: Bools = answers[columns.codes[:, place]]  # -1, inactive, is the last of the answers
            return found
        condition = part.when
        assert condition is not None
        return condition.expression.holds(columns.named(condition.expression.names), len(columns.points))

    # --- values for expressions ---------------------------------------------------------------------------

    def read(self, points: Floats, names: frozenset[str]) -> dict[str, Any]:
        """Give the columns of values that an expression with these names reads, from settled points (n, d)."""
        return _Columns(self, points, None).named(names)

    def warp(self, points: Floats) -> Floats:
        """Turn uniforms (n, d) into places distributed by the priors."""
        found = points.copy()
        for part in self.structure.parts:
            variable = part.variable
            if getattr(variable, "prior", None) is not None or getattr(variable, "weights", None) is not None:
                found[:, part.begin : part.end] = variable.warp(found[:, part.begin : part.end])
        for part in self._wide:
            found[:, part.begin : part.end] = part.variable.warp(points[:, part.begin : part.end])
        return found


class _Columns:
    """The values of settled points, read as expressions ask for them."""

    def __init__(self, coder: Encoder, points: Floats, codes: Codes | None) -> None:
        self.coder = coder
        self.points = points
        self.codes = codes
        self.gone: dict[str, Bools] = {}
        self.known: dict[str, Any] = {}

    def named(self, names: frozenset[str]) -> dict[str, Any]:
        """Give the columns of these names."""
        for name in names:
            if name not in self.known:
                self.known[name] = self._read(name)
        return {name: self.known[name] for name in names}

    def drop(self, part: FlatVariable, active: Bools) -> None:
        """Take note that a variable is inactive in some rows; its columns in `points` are NaN there by now."""
        if self.codes is not None and part.name in self.coder._even_place:
            self.codes[~active, self.coder._even_place[part.name]] = -1
        self.gone[part.name] = active
        for name in [name for name in self.known if name == part.name or name.startswith(part.name + ".")]:
            del self.known[name]

    def _read(self, name: str) -> Any:
        coder = self.coder
        part = coder.by_name.get(name)
        if part is None:
            return self._share(name)
        variable = part.variable
        if self.codes is not None and name in coder._even_place:
            return variable.level_values(self.codes[:, coder._even_place[name]])  # type: ignore[attr-defined]
        found = variable.read(self.points[:, part.begin : part.end])
        if not variable.width and part.when is not None:  # a constant has no column to be NaN in
            active = self.gone[name] if name in self.gone else self.active(part)
            found = Coded(np.where(active, found.codes, -1), found.levels)
        return found

    def active(self, part: FlatVariable) -> Bools:
        """Tell where a conditional variable is active."""
        return self.coder._active(part, self)

    def _share(self, name: str) -> Any:
        """Give one share of a simplex by its own name."""
        for part in self.coder.structure.parts:
            if isinstance(part.variable, Simplex) and name.startswith(part.name + "."):
                parts = part.variable.parts
                rest = name[len(part.name) + 1 :]
                if rest in parts:
                    return self.points[:, part.begin + parts.index(rest)].copy()
        raise InvalidSetting(f"there is no variable {name!r} to read")


class _Smooth:
    """The continuous numbers of a space, encoded and decoded in one pass."""

    def __init__(self, parts: Sequence[FlatVariable]) -> None:
        self.names = [part.name for part in parts]
        numbers: list[Number] = [part.variable for part in parts]  # type: ignore[misc]
        self.columns = np.array([part.begin for part in parts], dtype=np.int64)
        self.start = np.array([number.scale.start for number in numbers])
        self.width = np.array([number.scale.width for number in numbers])
        self.logs = np.array([place for place, number in enumerate(numbers) if number.log], dtype=np.int64)
        self.low = np.array([float(number.low) for number in numbers])
        self.high = np.array([float(number.high) for number in numbers])
        self.numbers = numbers
        self.one = [number.round_one for number in numbers]

    def places(self, configs: Sequence[Mapping[str, Any]]) -> Floats | None:
        """Give the places (n, continuous numbers) of configurations that have all of them; None where one is wrong."""
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
        """Give the values (n, continuous numbers), NaN where inactive."""
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
