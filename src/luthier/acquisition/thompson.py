"""Thompson sampling: try what is best in one function drawn from what is believed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, cast

import numpy as np

from luthier._typing import Floats
from luthier.acquisition.protocol import AcquisitionContext, Scale
from luthier.key import Key
from luthier.surrogate import IsMixture, Pathwise, Posterior


@dataclass(frozen=True, slots=True)
class Thompson:
    """One function drawn from the posterior, turned upside down.

    Each proposal draws a function of its own, so parallel trials differ without being told of one another: pending
    points are left out of account, as in the asynchronous algorithm of the second source.

    Source: Thompson (1933), On the likelihood that one unknown probability exceeds another; Kandasamy, Krishnamurthy,
    Schneider and Póczos (2018), Parallelised Bayesian optimisation via Thompson sampling, algorithm 2; functions by
    pathwise conditioning, Wilson et al. (2020), eq. 9.
    """

    scale: ClassVar[Scale] = "signed"
    requires: ClassVar[tuple[type, ...]] = (Pathwise,)
    handles_pending: ClassVar[bool] = True

    def bind(self, posterior: Posterior, situation: AcquisitionContext) -> SampledFunction:
        """See `Bindable.bind`. Of a mixture, one member is drawn, and then its function."""
        key = situation.key.fold("thompson")
        chosen = cast(Pathwise, _one_of(posterior, key))
        return SampledFunction(chosen.paths(key.fold("path"), 1))


@dataclass(frozen=True, slots=True, eq=False)
class SampledFunction:
    """A criterion: minus one function.

    Args:
        functions: maps points (q, d) to (1, q).
    """

    functions: Callable[[Floats], Floats]

    def value(self, x: Floats) -> Floats:
        """Give the value at `x` (q, d); shape (q,)."""
        value: Floats = -self.functions(x)[0]
        return value


def _one_of(posterior: Posterior, key: Key) -> Posterior:
    """Draw a member of a mixture, and of a mixture in it, until one is none."""
    depth = 0
    while isinstance(posterior, IsMixture):
        reached = np.cumsum(posterior.weights)
        drawn = key.fold("member", depth).uniform() * reached[-1]
        posterior = posterior.members[min(int(np.searchsorted(reached, drawn, side="right")), len(reached) - 1)]
        depth += 1
    return posterior
