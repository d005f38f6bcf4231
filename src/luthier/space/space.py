"""Space: variables, conditions and constraints, encoded as points of [0, 1]^d, sampled and stored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np

from luthier._hints import translating_settings
from luthier._typing import Bools, Floats, Integers
from luthier.errors import InvalidSetting, InvalidSpace
from luthier.key import Key
from luthier.scalar import short
from luthier.space import cardinality, display, serialization, validation
from luthier.space.constraint import Constraint
from luthier.space.encoding import Encoder
from luthier.space.expression import Expression
from luthier.space.flattening import FlatSpace, flatten, nest
from luthier.space.identity import Identities
from luthier.space.moves import mutate, neighbours
from luthier.space.replacement import replaced
from luthier.space.sampling.sampler import Sampler
from luthier.space.variables.base import Variable
from luthier.space.variables.column import Column
from luthier.space.variables.declaration import Declaration, Declared, Require
from luthier.space.variables.named import Named

Config = Mapping[str, Any]


@translating_settings
class Space(Declared):
    """Declare what is tuned: variables by name, and the constraints between them. Frozen; owns no randomness.

    Two spaces are equal when their text forms are: functions and named objects count by their names, and the order of
    the variables matters, as it is the order of the columns.

    Args:
        variables: by name, each a `Float`, `Int`, `Choice`, `Ordinal`, `Bool`, `Constant`, `Subset`, `Permutation` or
            `Simplex`. A name is any text; in expressions a name that is not an identifier stands in backticks.
        require: constraints that every configuration keeps: expressions such as ``"a < b"``, or functions of the
            parameters (a mapping) that return whether they are acceptable. A constraint on an inactive variable does
            not count, unless the other variables break it already.

    Raises:
        InvalidSpace: naming the variable or the constraint, and what is wrong with it.

    Example:
        >>> space = Space({"x": Float(0, 1), "y": Float(0, 1)}, require=["x + y <= 1"])
        >>> space.decode(space.encode([{"x": 0.25, "y": 0.5}]))
        ({'x': 0.25, 'y': 0.5},)
    """

    def __init__(self, variables: Mapping[str, Variable], require: Sequence[Require] | Require | None = ()) -> None:
        single = isinstance(require, str | Named | Constraint) or callable(require)
        if require is not None and not single and not isinstance(require, Iterable):
            raise InvalidSpace(f"require is a list of constraints, such as ['a < b'], not {short(require)}")
        if isinstance(require, Mapping):
            raise InvalidSpace(f"require is a list of constraints, such as ['a < b'], not {short(require)}")
        try:
            given: tuple[Require, ...] = () if require is None else (require,) if single else tuple(require)  # type: ignore[arg-type, assignment]
        except Exception as error:
            raise InvalidSpace(f"require is a list of constraints, not {short(require)}") from error
        declaration = Declaration.of(variables, given)
        structure = flatten(declaration)
        fixed: dict[str, Any] = {
            "_declaration": declaration,
            "given": MappingProxyType(declaration.variables),
            "require": given,
            "structure": structure,
            "names": structure.names,
            "variables": structure.variables,
            "_encoder": Encoder(structure),
            "_identities": Identities(structure),
        }
        self.__dict__.update(fixed)

    given: Mapping[str, Variable]
    """The variables as they were given: nested ones are inside their options."""
    require: tuple[Require, ...]
    """The constraints as they were given."""
    structure: FlatSpace
    """The flat list of variables, conditions and constraints."""
    names: tuple[str, ...]
    """The names of all variables, nested ones included, in the order of the columns."""
    variables: Mapping[str, Variable]
    """All variables by name, nested ones included."""
    _declaration: Declaration
    _encoder: Encoder
    _identities: Identities

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a Space is frozen: build another one, by replace for example")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("a Space is frozen: build another one, by replace for example")

    # --- what it is -----------------------------------------------------------------------------------

    @property
    def declaration(self) -> Declaration:
        """What the space was built from."""
        return self._declaration

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The meaning of each of the `dimensions` columns of the encoding."""
        parts = self.structure.parts
        return tuple(c for part in parts for c in part.variable.columns(part.name, part.when is not None))

    @property
    def dimensions(self) -> int:
        """The number of columns of the encoding, d."""
        return self._encoder.dimensions

    @property
    def continuous(self) -> Integers:
        """The columns of the numbers that take any value of a range: those that can move by small steps."""
        return self._encoder.continuous

    @property
    def constraints(self) -> tuple[str, ...]:
        """The constraints as text, those of nested spaces included."""
        return tuple(rule.text for rule in self.structure.rules)

    def condition(self, name: str) -> Expression | None:
        """Return the condition that a variable is active on, nesting included; None where it always is."""
        when = self.structure.by_name[name].when
        return None if when is None else when.expression

    @cached_property
    def size(self) -> int | None:
        """The number of distinct configurations, constraints left aside; None where it is not finite."""
        return cardinality.count_configs(self.structure)

    @cached_property
    def digest(self) -> str:
        """The name of the space by its content: 32 hexadecimal digits."""
        return self._declaration.digest

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Space) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __reduce__(self) -> tuple[Any, ...]:
        return Space, (dict(self.given), self.require)

    def __repr__(self) -> str:
        return display.describe(self.structure, self.size)

    def _repr_html_(self) -> str:
        return display.describe_html(self.structure, self.size)

    def __len__(self) -> int:
        return len(self.names)

    def __contains__(self, name: object) -> bool:
        return name in self.variables

    # --- points ----------------------------------------------------------------------------------------

    def encode(self, configs: Sequence[Config]) -> Floats:
        """Turn configurations into points: (n, d) in [0, 1], NaN where a variable is inactive. Cost O(n d).

        Raises:
            InvalidConfig: a value is outside its domain.
        """
        return self._encoder.encode(configs)

    def decode(self, points: Floats) -> tuple[dict[str, Any], ...]:
        """Turn points (n, d) into configurations of the active variables. Cost O(n d).

        Values are rounded so that ``decode(encode(config)) == config`` (see `variables.rounding`). What stands in
        an inactive column does not matter.

        Raises:
            InvalidConfig: the column of an active variable is NaN.
        """
        return self._encoder.decode(self._points(points))

    def settle(self, points: Floats, fill: Floats | None = None) -> Floats:
        """Move points to the values they stand for: in [0, 1], on the levels, NaN where inactive. Idempotent.

        Cost O(n d).

        Args:
            points: (n, d); NaN where a variable has no value yet.
            fill: (n, d) in [0, 1): the place of a column that is NaN and active. The middle by default.
        """
        points = self._points(points)
        fill = np.full_like(points, 0.5) if fill is None else self._points(fill)
        return self._encoder.settle(points, fill)

    def warp(self, points: Floats) -> Floats:
        """Turn uniform points (n, d) of [0, 1)^d into encoded values distributed by the priors, all columns active."""
        return self._encoder.warp(self._points(points))

    def feasible(self, points: Floats) -> Bools:
        """Return which of settled points (n, d) keep the constraints; shape (n,). Cost O(n) per node."""
        return self._encoder.feasible(self._points(points))

    def read(self, points: Floats, names: frozenset[str]) -> dict[str, Any]:
        """Return the columns of values that an `Expression` over these names takes, from settled points (n, d)."""
        return self._encoder.read(self._points(points), names)

    def _points(self, points: Floats) -> Floats:
        found = np.asarray(points, dtype=np.float64)
        if found.ndim != 2 or found.shape[1] != self.dimensions:
            raise InvalidSetting(f"points of this space have the shape (n, {self.dimensions}), not {found.shape}")
        return found

    def check_complete(self) -> None:
        """Refuse a constraint that is a function which is not available.

        Raises:
            InvalidSpace: names it.
        """
        self.structure.check_complete()

    @cached_property
    def sampler(self) -> Sampler:
        """The sampler of feasible points; its plans are made once."""
        return Sampler(self._encoder)

    # --- drawing ---------------------------------------------------------------------------------------

    def sample(self, key: Key, count: int) -> Floats:
        """Draw independent settled points (count, d), uniform (with regard to the priors) over the feasible ones.

        Raises:
            Infeasible: no feasible point could be found; the message names the constraints.
        """
        return self.sampler.sample(key, count)

    def neighbours(self, point: Floats, key: Key, count: int, scale: float) -> Floats:
        """Draw feasible settled points near one: (m, d) with m ≤ count, one or two variables changed.

        Args:
            point: (d,), settled.
            key: the stream to draw from.
            count: the number wanted.
            scale: the standard deviation of a number's step, as a share of its range.
        """
        return neighbours(self._encoder, point, key, count, scale)

    def mutate(self, points: Floats, key: Key, scales: Floats, two: float = 0.3) -> Floats:
        """Change one or two active variables in each of many points; settled, not necessarily feasible or different.

        Args:
            points: (n, d), settled.
            key: the stream to draw from.
            scales: (n,) the standard deviation of a number's step, as a share of its range.
            two: the share of points in which two variables change.

        Returns:
            (n, d); variables that become active are drawn from their priors.
        """
        return mutate(self._encoder, points, key, scales, two)

    def configurations(self) -> Iterator[dict[str, Any]]:
        """Return every feasible configuration of a finite space once, lazily.

        Raises:
            InvalidSpace: the space is not finite.
        """
        return self.sampler.configurations()

    def defaults(self) -> dict[str, Any] | None:
        """Return the configuration of all defaults, the middle by default; None where it breaks a constraint."""
        config = self.complete({})
        return None if any(rule.is_broken(config, self.realize) for rule in self.structure.rules) else config

    # --- configurations ----------------------------------------------------------------------------------

    def check(self, config: Config) -> None:
        """Check a configuration in plain form.

        Raises:
            InvalidConfig: says which rule the configuration breaks, and why.
        """
        validation.check_config(self.structure, config)

    def plain(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Turn parameters as a user writes them into a configuration: right types, objects replaced by their names.

        A float keeps its digits: it is stored as it was given, and models see it with the error of rounding.

        Raises:
            InvalidConfig: a name is not a variable.
        """
        validation.check_is_mapping(params)
        variables = self.variables
        config = {}
        for name, value in validation.items_of(params):
            variable = variables.get(name) if isinstance(name, str) else None
            if variable is None:
                raise validation.unknown_variable(name, self.names)
            config[name] = variable.plain(value)
        return config

    def realize(self, config: Config) -> dict[str, Any]:
        """Turn a configuration into parameters: names replaced by their objects, where there are any."""
        return self.structure.realize(config)

    def nest(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return parameters as nested dictionaries: the variables of a chosen option inside it, under their own names.

        Example:
            >>> from luthier.space import Choice, Float, Option
            >>> space = Space({"model": Choice(Option("svm", {"C": Float(0, 1)}), "ridge")})
            >>> space.nest({"model": "svm", "model.svm.C": 0.5}), space.nest({"model": "ridge"})
            ({'model': {'svm': {'C': 0.5}}}, {'model': 'ridge'})
        """
        return dict(params) if len(self.given) == len(self.names) else nest(self.given, params)

    def complete(self, config: Config, declared: bool = False) -> dict[str, Any]:
        """Add the defaults of the active variables that a configuration in plain form leaves out.

        An inactive variable that is None or NaN, as in the row of a table, is left out.

        Args:
            config: in plain form.
            declared: add only the defaults that were declared, and not the middles of ranges.
        """
        found = dict(config)
        for part in self.structure.order:
            name = part.name
            if part.when is not None and not part.when.holds(found):
                if name in found and validation.is_missing(found[name]):
                    del found[name]
            elif name not in found and (part.variable.has_default or not declared):
                found[name] = part.variable.start
        return {name: found[name] for name in self.names if name in found} | found

    def identity(self, config: Config) -> str:
        """Return a name that is equal for equal configurations, after rounding and without inactive variables."""
        return self._identities.of(config)

    def identities(self, configs: Sequence[Config]) -> list[str]:
        """Return the `identity` of every configuration, of many in less time."""
        return self._identities.of_all(configs)

    def replace(
        self,
        variables: Mapping[str, Variable] | None = None,
        *,
        remove: str | Iterable[str] = (),
        require: Sequence[Require] | Require | None = None,
    ) -> Space:
        """Return another space, in which some variables are added or given anew, and others removed.

        Args:
            variables: by name; one that the space has takes the place of that.
            remove: the name of a variable that goes, or several names.
            require: all constraints of the new space, such as ``[*space.require, "a < b"]``; None: those of this one.

        Raises:
            InvalidSpace: there is no such variable to remove, or a condition or constraint that stays needs it.

        Example:
            >>> space = Space({"x": Float(0, 1), "y": Float(0, 1)}, require=["x < 0.9"])
            >>> space.replace({"x": Float(0, 2), "z": Float(0, 1)}, remove="y")
            Space of 2 variables
              x       Float   from 0.0 to 2.0
              z       Float   from 0.0 to 1.0
              require x < 0.9
        """
        nested = [name for name in self.names if name not in self.given]
        return Space(replaced(self.given, nested, variables, remove), self.require if require is None else require)

    def ordered_like(self, other: Space) -> Space:
        """Return the same space with variables and constraints in the order in which another one has them."""
        places = {name: place for place, name in enumerate(other.given)}
        names = sorted(self.given, key=lambda name: places.get(name, len(places)))
        rules = {rule.text: place for place, rule in enumerate(other.declaration.require)}
        pairs = zip(self.declaration.require, self.require, strict=True)
        ordered = sorted(pairs, key=lambda pair: rules.get(pair[0].text, len(rules)))
        return Space({name: self.given[name] for name in names}, [given for _, given in ordered])

    # --- text ------------------------------------------------------------------------------------------

    def to_plain(self) -> dict[str, Any]:
        """Return the text form of the space, which JSON can hold; see `luthier.space.serialization`."""
        return self._declaration.to_plain()

    @classmethod
    def from_plain(cls, plain: Any) -> Space:
        """Parse what `to_plain` returned; the list of variables may be a mapping by name.

        Functions among the constraints are not in the text: a space that is read without them cannot be sampled.

        Raises:
            InvalidSpace: names the variable, and says what is allowed.
        """
        return cls(*serialization.read(plain))

    def to_toml(self) -> str:
        """Return the space as the ``[space]`` section of a study file."""
        return serialization.write_toml(self._declaration)

    @classmethod
    def from_toml(cls, source: str) -> Space:
        """Parse TOML: a ``[space]`` section, or its content alone.

        Raises:
            InvalidSpace: names the variable, and says what is allowed.
        """
        return cls(*serialization.read_toml(source))

    @classmethod
    def from_toml_table(cls, table: Any) -> Space:
        """Build a space from a parsed ``[space]`` section: variables by name, and the list ``require``.

        Raises:
            InvalidSpace: names the variable, and says what is allowed.
        """
        return cls(*serialization.read(table))
