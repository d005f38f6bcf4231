"""Instances of a problem, and the cases on which configurations are compared."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import numpy as np

from luthier._hints import translating_settings
from luthier._typing import Floats
from luthier.errors import InvalidSetting
from luthier.key import Key
from luthier.scalar import short, to_dict, to_float, to_list, to_whole

Name: TypeAlias = str | int
"""What an instance is called: a path, the name of a data set, the number of a fold."""


@dataclass(frozen=True, slots=True)
class Case:
    """An instance with a seed: what one evaluation of a configuration is made on.

    Args:
        step: the place of the case in the order of the study, from 1 on: the step of its report.
        instance: the name of the instance, as it was given.
        seed: for the randomness of the evaluation, from 0 to 2**31 - 1; the same for all configurations.
        features: those of the instance; empty where none were given.
        cap_s: the seconds after which the evaluation need not go on: the configuration has then lost to the best one,
            or reached the cutoff. None: no limit.
    """

    step: int
    instance: Any
    seed: int
    features: tuple[float, ...] = ()
    cap_s: float | None = None


@translating_settings
@dataclass(frozen=True, slots=True)
class Instances:
    """What a configuration is to be good on: problem instances, data sets or folds, each with one seed or several.

    A case is an instance with a seed. The cases have one order, drawn from the study's seed, in which all
    configurations are evaluated: each instance comes once before any comes again with its next seed. The objective of
    a configuration is the mean over all cases.

    Args:
        names: texts or whole numbers, each once: paths, data sets, folds. A mapping gives features by name.
        features: numbers that describe each instance, by name, as many for each; None: none are known.
        seeds: how many seeds each instance has, at least 1. More than 1 where the objective is random.
        cutoff_s: where the objective is run time in seconds: the longest that an evaluation may take. Evaluations are
            then capped (see `Case.cap_s`), and one that reaches the cutoff counts as `par` times as long. None: the
            objective is something else.
        par: the factor for evaluations that reach the cutoff, at least 1 (PAR10: 10).

    Raises:
        InvalidSetting: there are fewer than two cases, or an argument is of another kind.

    Example:
        >>> import luthier as lt
        >>> len(lt.Instances(["a.cnf", "b.cnf"], seeds=5))
        10
    """

    names: Iterable[Name] | Mapping[Name, Sequence[float]]
    features: Mapping[Name, Sequence[float]] | None = None
    seeds: int = 1
    cutoff_s: float | None = None
    par: float = 10.0

    def __post_init__(self) -> None:
        given: object = self.names
        features: object = self.features
        if isinstance(given, Mapping):
            if features is not None:
                raise InvalidSetting("Instances(names, features): give the features once, in the mapping or beside it")
            given, features = tuple(to_dict(given, "Instances: a mapping of names to features", InvalidSetting)), given
        names = _checked_names(given)
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "features", None if features is None else _checked_features(names, features))
        seeds = to_whole(self.seeds)
        if seeds is None or not 1 <= seeds <= 1_000_000:
            raise InvalidSetting(f"Instances(seeds={short(self.seeds)}): give a whole number from 1 to 1000000")
        object.__setattr__(self, "seeds", seeds)
        if len(self) < 2:
            raise InvalidSetting("Instances: give at least 2 cases: instances, or seeds of one")
        if self.cutoff_s is not None:
            object.__setattr__(self, "cutoff_s", _positive("cutoff_s", self.cutoff_s, 0.0))
        object.__setattr__(self, "par", _positive("par", self.par, 1.0))

    def __len__(self) -> int:
        """Count the cases."""
        return len(self._names) * self.seeds

    @property
    def _names(self) -> tuple[Name, ...]:
        return cast("tuple[Name, ...]", self.names)

    def cases(self, root: Key) -> tuple[Case, ...]:
        """Give the cases in the order of a study, whose root of randomness this is. Cost O(n log n) for n cases."""
        known = self.features or {}
        found: list[Case] = []
        names = self._names
        for turn in range(self.seeds):
            for place in root.fold("instances", turn).permutation(len(names)).tolist():
                seed = root.fold("instance seed", turn, place).seed()
                name = names[place]
                found.append(Case(len(found) + 1, name, seed, tuple(known.get(name, ()))))
        return tuple(found)

    def feature_matrix(self, root: Key) -> Floats:
        """Give the features of the cases in the order of a study; (cases, f), where f is 0 if there are none."""
        return np.array([case.features for case in self.cases(root)], dtype=np.float64).reshape(len(self), -1)

    def counted(self, value: float) -> float:
        """Give what a run time counts as: `par` times the cutoff where it reaches that, which no NaN is below."""
        if self.cutoff_s is None or value < self.cutoff_s:
            return value
        return self.par * self.cutoff_s

    def to_plain(self) -> dict[str, Any]:
        """Write the instances down for a log."""
        known = self.features
        return {
            "names": list(self._names),
            **({} if known is None else {"features": [list(known[name]) for name in self._names]}),
            **({} if self.seeds == 1 else {"seeds": self.seeds}),
            **({} if self.cutoff_s is None else {"cutoff_s": self.cutoff_s, "par": self.par}),
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Instances:
        """Read what `to_plain` wrote."""
        names, features = plain["names"], plain.get("features")
        known = None if features is None else dict(zip(names, features, strict=True))
        return cls(names, known, plain.get("seeds", 1), plain.get("cutoff_s"), plain.get("par", 10.0))

    def __hash__(self) -> int:
        return hash((self._names, self.seeds, self.cutoff_s, self.par))


def _checked_names(given: object) -> tuple[Name, ...]:
    found: list[Name] = []
    for name in to_list(
        given, "Instances: give the names of instances, a list of texts or whole numbers", InvalidSetting
    ):
        whole = None if isinstance(name, str) else to_whole(name)
        if whole is None and not (isinstance(name, str) and name):
            raise InvalidSetting(f"Instances: an instance has a text or a whole number as its name, not {short(name)}")
        found.append(str.__str__(name) if isinstance(name, str) else int(whole or 0))
    if len(set(found)) < len(found):
        twice = next(name for name in found if found.count(name) > 1)
        raise InvalidSetting(
            f"Instances: {twice!r} is there twice; for several runs of an instance give seeds=2 or more"
        )
    if not found:
        raise InvalidSetting("Instances([]): give at least one instance")
    return tuple(found)


def _checked_features(names: Sequence[Name], given: object) -> dict[Name, tuple[float, ...]]:
    if not isinstance(given, Mapping):
        raise InvalidSetting(f"Instances(features={short(given)}): give a mapping of each name to its numbers")
    known = set(names)
    if unknown := [name for name in given if name not in known]:
        raise InvalidSetting(f"Instances(features=…): {short(unknown[0])} is not among the instances")
    found: dict[Name, tuple[float, ...]] = {}
    for name in names:
        if name not in given:
            raise InvalidSetting(f"Instances(features=…): {name!r} has none; give each instance as many")
        what = (
            f"Instances(features=…): give {name!r} a list of numbers, as in {{{name!r}: [1.5]}}; where the values of a"
        )
        what += " mapping are no features, give its names, list(mapping)"
        row = tuple(_finite(name, number) for number in to_list(given[name], what, InvalidSetting))
        if found and len(row) != len(next(iter(found.values()))):
            raise InvalidSetting(f"Instances(features=…): {name!r} has {len(row)}; give each instance as many")
        found[name] = row
    return found


def _finite(name: Name, value: object) -> float:
    number = to_float(value)
    if number is None or not math.isfinite(number):
        raise InvalidSetting(f"Instances(features=…): {name!r} has {short(value)}, which is no finite number")
    return number


def _positive(word: str, value: object, least: float) -> float:
    number = to_float(value)
    if number is None or not least <= number < math.inf or number <= 0:
        raise InvalidSetting(
            f"Instances({word}={short(value)}): give a finite number{' from 1 on' if least else ' above 0'}"
        )
    return number
