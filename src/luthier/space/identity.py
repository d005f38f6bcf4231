"""Identities of configurations: equal for equal ones, after rounding and without inactive variables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from luthier import codec
from luthier.space.flattening import FlatSpace
from luthier.space.variables.base import Variable
from luthier.space.variables.categorical import Constant
from luthier.space.variables.numerical import Float

_encode = msgspec.json.Encoder(order="sorted").encode
_MOST = 1024


class Identities:
    """The identities of the configurations of a space; those asked for lately are remembered by their text.

    Args:
        structure: of the space.
    """

    __slots__ = ("_conditional", "_floats", "_known", "_rounders", "_write")

    def __init__(self, structure: FlatSpace) -> None:
        parts = structure.parts
        self._floats = [(part.name, part.variable.canonical) for part in parts if isinstance(part.variable, Float)]
        self._rounders = [(part.name, part.variable) for part in parts if isinstance(part.variable, Float)]
        self._conditional = [(part.name, part.when) for part in structure.order if part.when is not None]
        marked = any(map(_has_infinity, structure.variables.values()))
        self._write: Callable[[Mapping[str, Any]], bytes] = codec.dumps if marked else _encode
        self._known: dict[bytes, str] = {}

    def of(self, config: Mapping[str, Any]) -> str:
        """Give the identity of a configuration in plain form. Cost O(d), and less where it was asked for lately."""
        try:
            written = self._write(config)
        except TypeError:  # numbers of numpy, which rounding makes plain
            return self._write(self._canonical(config)).decode()
        known = self._known.get(written)
        if known is not None:
            return known
        if len(self._known) >= _MOST:
            self._known.clear()
        canonical = self._canonical(config)
        identity = (written if canonical is config else self._write(canonical)).decode()
        self._known[written] = identity
        return identity

    def of_all(self, configs: Sequence[Mapping[str, Any]]) -> list[str]:
        """Give the identities of configurations, most of which were rounded before: these are told by column."""
        rounded = [] if self._conditional else self._are_rounded(configs)
        write, of = self._write, self.of
        try:
            if rounded:
                return [write(one).decode() if known else of(one) for one, known in zip(configs, rounded, strict=True)]
        except TypeError:  # numbers of numpy elsewhere
            pass
        return [*map(of, configs)]

    def _are_rounded(self, configs: Sequence[Mapping[str, Any]]) -> list[bool]:
        """Tell which configurations have rounded floats where floats belong; nothing where that is not sure."""
        found = np.ones(len(configs), dtype=bool)
        for name, variable in self._rounders:
            values = [config.get(name) for config in configs]
            if {*map(type, values)} != {float}:
                return []
            found &= variable.are_canonical(np.array(values))
        told: list[bool] = found.tolist()
        return told

    def _canonical(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        """Round the floats of a configuration and leave out inactive variables; the very same one where it has none."""
        found = config
        for name, canonical in self._floats:
            value = config.get(name)
            if value is not None:
                rounded = canonical(value)
                if rounded != value or type(value) is not float:
                    found = {**found, name: rounded}
        for name, when in self._conditional:
            if name in found and not when.holds(found):
                found = {key: value for key, value in found.items() if key != name}
        return found


def _has_infinity(variable: Variable) -> bool:
    """Return whether a variable has a value that JSON holds only with a mark, see `luthier.codec`."""
    values = [variable.fixed] if isinstance(variable, Constant) else getattr(variable, "options", ())
    values = [*values, *getattr(variable, "items", ())]
    return b'"$float"' in codec.dumps(values)
