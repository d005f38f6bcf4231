"""Fields of trials as columns, read without making the trials."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

import msgspec

from luthier._runtime.collection_pause import COLLECTION_PAUSE
from luthier.history.packed.packed_columns import PackedColumn, from_column, keys_of, one_key
from luthier.history.packed.packed_list import PackedList
from luthier.history.packed.packing import Pickled, is_pickled, read_mapping, read_report
from luthier.history.present_configs import PresentConfigs
from luthier.trial import Config, Trial

_FIELDS: dict[str, tuple[tuple[int, ...], Callable[[Trial], Any]]] = {
    "number": ((0,), lambda trial: trial.number),
    "config": ((1,), lambda trial: trial.config),
    "origin": ((2,), lambda trial: trial.origin),
    "state": ((3,), lambda trial: trial.state.value),
    "reason": ((4, 0), lambda trial: trial.outcome and trial.outcome.reason.value),
    "values": ((4, 1), lambda trial: trial.outcome and trial.outcome.values),
    "violations": ((4, 2), lambda trial: trial.outcome and trial.outcome.violations),
    "duration_s": ((4, 3), lambda trial: trial.outcome and trial.outcome.duration_s),
    "error": ((4, 4), lambda trial: trial.outcome and trial.outcome.error),
    "extra": ((4, 5), lambda trial: trial.outcome and trial.outcome.extra),
    "owner": ((5, 0), lambda trial: trial.lease and trial.lease.owner),
    "token": ((5, 1), lambda trial: trial.lease and trial.lease.token),
    "attempt": ((5, 3), lambda trial: trial.lease and trial.lease.attempt),
    "reports": ((6,), lambda trial: trial.reports),
    "note": ((7,), lambda trial: trial.note),
    "forgotten": ((9,), lambda trial: trial.forgotten),
    "attributes": ((10,), lambda trial: trial.attributes),
}
"""Of each field its place in what `PackedTrials` packs, and how it is read of a trial."""

_UNLIKE: PackedColumn = ["o"]
_MAPPINGS = frozenset(("config", "values", "violations", "extra", "note", "attributes"))


class TrialFields:
    """The fields of all trials by name, each a list in order of number; None where a trial has no outcome or lease.

    Cost O(trials) for each field, small: a trial that is packed is not made.

    Args:
        trials: as they are now.
        present: their configurations as the present space reads them; None where that cannot hold one.
    """

    def __init__(self, trials: PackedList[Trial], present: PresentConfigs) -> None:
        self._parts: list[list[Trial] | tuple[int, PackedColumn]] = [*map(_decoded, trials.chunks())]
        self._present = [*present] if present.is_mixed else None

    @property
    def is_mixed(self) -> bool:
        """Whether the present space reads some configurations otherwise than they were."""
        return self._present is not None

    def configs(self) -> list[Config]:
        """Give the configurations as the present space reads them, or else as they were."""
        own, now = self["config"], self._present
        return own if now is None else [one or before for one, before in zip(now, own, strict=True)]

    def keys(self, name: str) -> list[str]:
        """Give the keys of a field of mappings, each once, in the order in which they come."""
        path, pick = _FIELDS[name]
        found: dict[str, None] = {}
        for part in self._parts:
            if isinstance(part, list):
                found |= dict.fromkeys(chain.from_iterable(pick(trial) or () for trial in part))
            elif (keys := keys_of(_at(part[1], path))) is not None:
                found |= dict.fromkeys(keys)
            else:
                read = _read(name, _values(part[1], path, part[0]))
                found |= dict.fromkeys(chain.from_iterable(mapping or () for mapping in read))
        return [*found]

    def items(self, name: str, key: str) -> list[Any]:
        """Give the value of a key in a field of mappings; None where a mapping lacks it, or where there is none."""
        path, pick = _FIELDS[name]
        found: list[Any] = []
        with COLLECTION_PAUSE:
            for part in self._parts:
                if isinstance(part, list):
                    found += _picked(map(pick, part), key)
                elif keys_of(column := _at(part[1], path)) is not None:
                    found += one_key(column, key, part[0])
                else:
                    found += _picked(_read(name, _values(part[1], path, part[0])), key)
        return found

    def __getitem__(self, name: str) -> list[Any]:
        path, pick = _FIELDS[name]
        found: list[Any] = []
        with COLLECTION_PAUSE:
            for part in self._parts:
                if isinstance(part, list):
                    found += map(pick, part)
                else:
                    found += _read(name, _values(part[1], path, part[0]))
        return found


def _decoded(chunk: bytes | list[Trial]) -> list[Trial] | tuple[int, PackedColumn]:
    if isinstance(chunk, list):
        return chunk
    if is_pickled(chunk):
        return Pickled().unpack(chunk[1:], 0, 0)
    length, column = msgspec.msgpack.decode(zlib.decompress(chunk[1:]))
    return length, column


def _picked(mappings: Iterable[Mapping[str, Any] | None], key: str) -> list[Any]:
    """Give the value of a key in each mapping; None where one lacks it, or where there is none."""
    return [mapping.get(key) if mapping else None for mapping in mappings]


def _at(column: PackedColumn, path: Sequence[int]) -> PackedColumn:
    """Find the column at these places in tuples; as far as the tuples are alike."""
    for place in path:
        if column[0] != "t":
            return _UNLIKE
        column = column[1 + place]
    return column


def _values(column: PackedColumn, path: Sequence[int], count: int) -> Sequence[Any]:
    """Read a field of so many trials, by its places in tuples; None where a tuple is missing."""
    for depth, place in enumerate(path):
        if column[0] != "t":  # not alike
            values = from_column(column, count)
            for further in path[depth:]:
                values = [None if value is None else value[further] for value in values]
            return values
        column = column[1 + place]
    return from_column(column, count)


def _read(name: str, values: Sequence[Any]) -> Sequence[Any]:
    if name in _MAPPINGS:
        return [value if type(value) is dict or value is None else read_mapping(value) for value in values]
    if name == "reports":
        return [tuple(map(read_report, value)) if value else () for value in values]
    return values
