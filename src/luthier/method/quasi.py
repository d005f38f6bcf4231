"""Quasi-random search: points that fill the space more evenly than independent draws do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Protocol

import numpy as np

from luthier._hints import translating_settings
from luthier._typing import Floats
from luthier.errors import InvalidSetting
from luthier.history import History
from luthier.key import Key
from luthier.memo import Memo
from luthier.method.batch import Candidate, ProposalBatch, add_note, candidates
from luthier.method.notes import ProposedBy, QuasiPlace, written
from luthier.method.random import Random
from luthier.method.sequence import last_place, settings_text, study_key, tag
from luthier.numeric import SOBOL_DIMENSIONS, Halton, LatinHypercube, Lattice, NestedLatinHypercube, Sobol
from luthier.problem import Problem
from luthier.proposal import Proposal
from luthier.setting_types import check_setting_types, settings_repr
from luthier.space import Space

KINDS = ("sobol", "halton", "latin", "lattice")

_BLOCK = 64
_KEPT = 8  # blocks that are remembered
_BLOCKS = 16
"""The number of blocks of the sequence that are searched for one proposal before it is drawn at random instead."""


class _Sequence(Protocol):
    def points(self, first: int, count: int) -> Floats: ...


@translating_settings
@dataclass(frozen=True)
class Quasi:
    """Try the points of a quasi-random sequence, warped by the priors, in order.

    The sequence is scrambled by the study's seed (see `luthier.method.sequence`); each proposal notes its place in it,
    and the next one goes on from the newest such note. Points that break a constraint, or are done or pending, are
    passed over. After 1,024 of them in a row (a tiny feasible share, or a finite space nearly used up) the study goes
    on as with `Random`.

    Args:
        kind: ``sobol`` (Owen-scrambled), ``halton`` (scrambled), ``latin`` (hypercubes) or ``lattice`` (rank 1).
        size: the number of points of each Latin hypercube; None: one sequence that is a Latin hypercube at every power
            of two.
        scramble: whether points are scrambled; if not, the first one is the lower corner.

    Raises:
        InvalidSetting: the kind is unknown, or a setting does not go with it.

    Example:
        >>> Quasi("halton")
        Quasi(kind='halton', size=None, scramble=True)
    """

    kind: str = "sobol"
    size: int | None = None
    scramble: bool = True
    is_sequential: ClassVar[bool] = True
    _text: bytes = field(init=False, repr=False, compare=False, default=b"")

    __repr__ = settings_repr

    def __post_init__(self) -> None:
        check_setting_types(self)
        if self.kind not in KINDS:
            raise InvalidSetting(f"a quasi-random sequence is one of {', '.join(KINDS)}, not {self.kind!r}")
        if self.size is not None and (self.kind != "latin" or type(self.size) is not int or self.size < 1):
            raise InvalidSetting(f"size is a number of points, at least 1, of 'latin' only; not {self.size!r}")
        if self.kind == "latin" and not self.scramble:
            raise InvalidSetting("a Latin hypercube is random by nature: scramble=False goes with the other kinds")
        object.__setattr__(self, "_text", settings_text(self))

    def suggest(self, problem: Problem, history: History, key: Key, count: int, memo: Memo) -> tuple[Proposal, ...]:
        """Propose up to `count` configurations. See `luthier.method.protocol.Method`."""
        space = problem.space
        name = tag(self._text, space)
        last = last_place(history, QuasiPlace, name)
        if space.dimensions and (last is None or last.index is not None):
            begin = 0 if last is None or last.index is None else last.index + 1
            found = self._go_on(problem, history, count, memo, name, begin)
            if found:
                return found
        drawn = Random().suggest(problem, history, key, count, memo)
        return add_note(drawn, ProposedBy("random"), QuasiPlace(name))

    def points(self, dimensions: int, first: int, count: int, key: Key) -> Floats:
        """Give points `first` … `first` + `count` - 1 of the sequence, shape (count, dimensions) in [0, 1)."""
        return self._sequence(dimensions, key).points(first, count)

    def _go_on(
        self, problem: Problem, history: History, count: int, memo: Memo, name: str, begin: int
    ) -> tuple[Proposal, ...]:
        space, key = problem.space, study_key(history)
        batch = ProposalBatch(history, count, repeat=problem.noisy)
        batch.offer_forgotten(space, lambda note: note.get("quasi") == name)
        if batch.full:
            return tuple(batch.proposals)
        blocks = memo.get(("quasi", name, key), lambda: Memo(_KEPT))
        for block in range(begin // _BLOCK, begin // _BLOCK + _BLOCKS):
            for candidate in blocks.get(block, lambda b=block: self._block(space, key, b, memo)):  # type: ignore[misc]
                if candidate.index >= begin:
                    batch.offer(candidate.config, candidate.identity, written(QuasiPlace(name, candidate.index)))
                    if batch.full:
                        return tuple(batch.proposals)
        return tuple(batch.proposals)

    def _block(self, space: Space, key: Key, block: int, memo: Memo) -> tuple[Candidate, ...]:
        """Give the feasible ones of 64 points."""
        first = block * _BLOCK
        sequence = memo.get(("quasi", self, key, space.dimensions), lambda: self._sequence(space.dimensions, key))
        uniform = sequence.points(first, _BLOCK)
        points = space.settle(space.warp(uniform), uniform)
        kept = space.feasible(points)
        return candidates(space, (first + np.flatnonzero(kept)).tolist(), space.decode(points[kept]))

    def _sequence(self, dimensions: int, key: Key) -> _Sequence:
        secret = key.fold("quasi") if self.scramble else None
        if self.kind == "halton":
            return Halton.of(dimensions, secret)
        if self.kind == "lattice":
            return Lattice.of(dimensions, secret)
        if self.kind == "latin" and self.size is not None:
            return LatinHypercube(dimensions, self.size, key.fold("quasi"))
        if self.kind == "latin":
            return NestedLatinHypercube(dimensions, key.fold("quasi"))
        if dimensions <= SOBOL_DIMENSIONS:
            return Sobol.of(dimensions, secret)
        return _Padded(
            Sobol.of(SOBOL_DIMENSIONS, secret),
            NestedLatinHypercube(dimensions - SOBOL_DIMENSIONS, key.fold("quasi", "padding")),
        )


@dataclass(frozen=True, slots=True)
class _Padded:
    """A sequence with more columns than Sobol's table: the others are Latin.

    Source: Owen (1998), Latin supercube sampling for very high-dimensional simulations (padding by Latin hypercubes).
    """

    main: _Sequence
    padding: _Sequence

    def points(self, first: int, count: int) -> Floats:
        return np.hstack([self.main.points(first, count), self.padding.points(first, count)])
