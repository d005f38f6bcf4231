"""Notes: what methods write into the log about their proposals, as typed parts without prose.

The note of a proposal is one flat mapping of plain values, made of the fields of one or several parts:

=================  ================================  ====================================
part               fields                            written by
=================  ================================  ====================================
`ProposedBy`       by, defaults, believed, source    every method that has several ways
`GridPlace`        grid, index                       `Grid`
`QuasiPlace`       quasi, index                      `Quasi`, and designs
`RestPlace`        rest, place                       `Random`
`AnnealingDraw`    rank, share                       `Anneal`
`Repeated`         again                             every method that has places, of forgotten trials
`Repaired`         moved                             `Anneal`, `Evolution`
`StatePlace`       state, generation, opened, place  `Evolution`
`StateOpening`     opened, before, told              `Evolution`
`Redrawn`          turn                              `Evolution` (CMA-ES)
`SlotChild`        slot, factor, crossover           `Evolution` (differential evolution)
`ModelChoice`      by, acquisition, models, sources  `Auto`, `Bayes`
`PortfolioChoice`  arm, chance, nominees, space      `Bayes` with a portfolio
=================  ================================  ====================================

Methods read some of them back, so a field never changes its name or its meaning. Fields that are not in this table are
in logs of earlier versions (``why``), or belong to methods of third parties. `luthier.analysis` puts notes into words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, TypeVar

import msgspec


class ProposedBy(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """The part of a method that made a proposal.

    Args:
        by: ``design``, ``rest``, ``random``, ``anneal``, ``cma``, ``de``, ``nsga2``, ``nsga3``, ``prior`` or ``best``
            (one near the best trial).
        defaults: whether it is the space's default configuration.
        believed: whether it was drawn from a user's prior, or is its mode.
        source: whether it is one of the best configurations of other tasks.
    """

    by: str
    defaults: bool = False
    believed: bool = False
    source: bool = False


class GridPlace(msgspec.Struct, frozen=True, gc=False):
    """A place in a grid: the tag of the grid, and the index in its order."""

    grid: str
    index: int


class QuasiPlace(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A place in a quasi-random sequence: its tag, and the index; None once the sequence is given up."""

    quasi: str
    index: int | None = None


class RestPlace(msgspec.Struct, frozen=True, gc=False):
    """A place in the shuffled list of all configurations of a space: the tag of the list, and the place."""

    rest: str
    place: int


class AnnealingDraw(msgspec.Struct, frozen=True, gc=False):
    """A draw of annealing: the rank of the trial that it is near, from 1, and the width of the window, in (0, 1]."""

    rank: int
    share: float


class Repeated(msgspec.Struct, frozen=True, gc=False):
    """A place that is tried again: `again` is the number of the forgotten trial that had it."""

    again: int


class Repaired(msgspec.Struct, frozen=True, gc=False):
    """The reason why a proposal is not the point that was drawn: that was ``known``, or ``infeasible``."""

    moved: Literal["known", "infeasible"]


class StatePlace(msgspec.Struct, frozen=True, gc=False):
    """The state of an algorithm that a proposal was drawn from.

    Args:
        state: the tag of the states, which depends on the settings and the space.
        generation: the number of earlier states.
        opened: the number of the trial that opened the state.
        place: the number of earlier proposals from these states.
    """

    state: str
    generation: int
    opened: int
    place: int


class StateOpening(msgspec.Struct, frozen=True, gc=False):
    """The making of the state that a proposal opens.

    Args:
        opened: the number of the proposal itself.
        before: the number of the trial that opened the previous state; -1 for the first state.
        told: the numbers of the trials whose results were folded into it.
    """

    opened: int
    before: int
    told: tuple[int, ...]


class Redrawn(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """The number of times that a proposal was drawn again before it was accepted."""

    turn: int = 0


class SlotChild(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A child in differential evolution: its slot, and the scale factor and crossover rate that made it."""

    slot: int
    factor: float | None = None
    crossover: float | None = None


class ModelChoice(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """The models and the acquisition function that made a proposal.

    Args:
        by: of `Auto` ``committee``, ``short scale``, ``exploring``, ``rugged``, ``informing``, ``drawing``,
            ``spreading`` or ``hoping`` (earlier ``doubter`` and ``explorer``, too); else the name of the surrogate.
        acquisition: the name of the acquisition function.
        models: of `Auto` the scalings of the losses, one a model; of ``drawing`` the surrogate.
        sources: the coefficients of results of other tasks in the prior mean of the first model; none where it does
            without.
    """

    by: str
    acquisition: str
    models: tuple[str, ...] = ()
    sources: tuple[float, ...] = ()


class PortfolioChoice(msgspec.Struct, frozen=True, gc=False):
    """The member of a portfolio that made a proposal.

    Args:
        arm: the member.
        chance: the probability with which it was drawn.
        nominees: the point (d,) that each member nominated, None where inactive.
        space: the beginning of the digest of the space that these points are in.
    """

    arm: str
    chance: float
    nominees: dict[str, tuple[float | None, ...]]
    space: str


Note: TypeAlias = (
    ProposedBy
    | GridPlace
    | QuasiPlace
    | RestPlace
    | AnnealingDraw
    | Repeated
    | Repaired
    | StatePlace
    | StateOpening
    | Redrawn
    | SlotChild
    | ModelChoice
    | PortfolioChoice
)

N = TypeVar("N", bound=msgspec.Struct)


def written(*parts: Note) -> dict[str, Any]:
    """Write parts of a note as one flat mapping of plain values; the last part with a field decides."""
    note: dict[str, Any] = {}
    for part in parts:
        note.update(msgspec.to_builtins(part))
    return {name: _listed(value) for name, value in note.items()}


def _listed(value: Any) -> Any:
    """Turn tuples into lists, as a log gives them back."""
    if isinstance(value, dict):
        return {name: _listed(item) for name, item in value.items()}
    return list(value) if isinstance(value, tuple) else value


def read(kind: type[N], note: Mapping[str, Any]) -> N | None:
    """Read one part of a note; None if fields of it are missing, or of another type than in this table."""
    if len(kind.__struct_defaults__) < len(kind.__struct_fields__) and kind.__struct_fields__[0] not in note:
        return None
    try:
        return msgspec.convert(note, kind)
    except msgspec.ValidationError:
        return None
