"""An acquisition that binds to one model, over a mixture of several: its average."""

from __future__ import annotations

from collections.abc import Callable

from luthier.acquisition.criterion import Integrated
from luthier.acquisition.protocol import Criterion
from luthier.surrogate.protocol import Posterior, Several


def average(posterior: Posterior, bind: Callable[[Posterior], Criterion]) -> Criterion:
    """Bind to a posterior, or to each member of a mixture and average what is not a logarithm.

    Source: Snoek, Larochelle and Adams (2012), Practical Bayesian optimization, section 3.2.
    """
    if isinstance(posterior, Several):
        return Integrated([average(member, bind) for member in posterior.members], posterior.weights, "positive")
    return bind(posterior)
