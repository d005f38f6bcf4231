"""An acquisition that binds to one model, over a mixture of several: its average."""

from __future__ import annotations

from collections.abc import Callable

from luthier.acquisition.criterion import IntegratedCriterion
from luthier.acquisition.protocol import Criterion
from luthier.surrogate import IsMixture, Posterior


def average_over_members(posterior: Posterior, bind: Callable[[Posterior], Criterion]) -> Criterion:
    """Bind to a posterior, or to each member of a mixture and average what is not a logarithm.

    Source: Snoek, Larochelle and Adams (2012), Practical Bayesian optimization, section 3.2.
    """
    if isinstance(posterior, IsMixture):
        return IntegratedCriterion(
            [average_over_members(member, bind) for member in posterior.members], posterior.weights, "positive"
        )
    return bind(posterior)
