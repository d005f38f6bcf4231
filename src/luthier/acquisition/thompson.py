"""Thompson sampling: the minimum of one function drawn from the posterior."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import numpy as np

from luthier._typing import Floats
from luthier.acquisition.protocol import AcquisitionContext, ValueScale
from luthier.key import Key
from luthier.surrogate import IsMixture, Pathwise, Posterior, supports


@dataclass(frozen=True, slots=True)
class Thompson:
    """The negative of one function drawn from the posterior.

    Each proposal draws a function of its own, so parallel trials differ although pending points are ignored, as in the
    asynchronous algorithm of the second source.

    Source: Thompson (1933), On the likelihood that one unknown probability exceeds another; Kandasamy, Krishnamurthy,
    Schneider and Póczos (2018), Parallelised Bayesian optimisation via Thompson sampling, algorithm 2; functions by
    pathwise conditioning, Wilson et al. (2020), eq. 9.
    """

    scale = ValueScale.SIGNED
    requires = (Pathwise,)
    handles_pending = True

    def bind(self, posterior: Posterior, context: AcquisitionContext) -> SampledFunction:
        """See `Bindable.bind`; of a mixture, a member is drawn first, and then a function of it."""
        key = context.key.fold("thompson")
        chosen = cast(Pathwise, _draw_member(posterior, key))
        return SampledFunction(chosen.paths(key.fold("path"), 1))


@dataclass(frozen=True, slots=True, eq=False)
class SampledFunction:
    """A criterion: the negative of one function.

    Args:
        functions: maps points (q, d) to (1, q).
    """

    functions: Callable[[Floats], Floats]

    def value(self, x: Floats) -> Floats:
        """Give the value at `x` (q, d); shape (q,)."""
        value: Floats = -self.functions(x)[0]
        return value


def _draw_member(posterior: Posterior, key: Key) -> Posterior:
    """Draw a member of a mixture, to any depth; a posterior that is no mixture is its own member."""
    depth = 0
    while supports(posterior, IsMixture):
        cumulative = np.cumsum(posterior.weights)
        drawn = key.fold("member", depth).uniform() * cumulative[-1]
        place = int(np.searchsorted(cumulative, drawn, side="right"))
        posterior = posterior.members[min(place, len(cumulative) - 1)]
        depth += 1
    return posterior
