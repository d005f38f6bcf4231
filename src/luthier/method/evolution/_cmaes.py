"""The gate to the library `cmaes`: the only file that reads its private attributes.

The library's own draws advance a random generator, so its distributions are read from here and drawn from elsewhere.
These attributes are private; pyproject.toml allows only the versions that the tests have been run with.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from luthier._typing import Bools, Floats
from luthier.errors import MissingDependency

_LARGEST = 1e30
"""A parameter beyond this makes a distribution on the unit cube degenerate."""

NAMES: Final = {
    "CMA": ("_mean", "_sigma", "_C", "_B", "_D", "_p_sigma", "_pc", "_eigen_decomposition"),
    "CatCMAwM": ("_mean", "_sigma", "_A", "_C", "_B", "_D", "_q", "_p_sigma", "_pc", "_eigen_decomposition"),
}
"""The private names that are used here, by the class of the library."""


def library() -> Any:
    """Import `cmaes`.

    Raises:
        MissingDependency: it is not installed.
    """
    try:
        import cmaes
    except ImportError:
        raise MissingDependency("Evolution('cma') needs the library cmaes: pip install 'luthier[cma]'") from None
    return cmaes


@dataclass(frozen=True, slots=True, eq=False)
class CMADistribution:
    """A search distribution of the library, as a value: it is copied before it learns anything.

    Args:
        optimizer: a `cmaes.CMA`, or a `cmaes.CatCMAwM` where there are levels or categories.
        mixed: whether it is the latter.
        ordered: whether it has a normal distribution (a `CatCMAwM` of categories alone has none).
    """

    optimizer: Any
    mixed: bool
    ordered: bool

    @classmethod
    def continuous(cls, mean: Floats, spread: float, redraws: int, population: int) -> CMADistribution:
        """Make a distribution on the unit cube around `mean` (p,)."""
        box = np.tile([0.0, 1.0], (len(mean), 1))
        return cls(library().CMA(mean, spread, box, redraws, 0, population), False, True)._decomposed()

    @classmethod
    def with_margin(
        cls,
        mean: Floats,
        spread: float,
        population: int,
        smooth: int,
        steps: Sequence[Floats],
        categories: Sequence[int],
    ) -> CMADistribution:
        """Make a distribution with margins.

        Args:
            mean: (p,) of the continuous columns, and then of the discrete ones.
            spread: the standard deviation in each.
            population: how many results make a generation.
            smooth: the number of continuous columns.
            steps: the values of each discrete column.
            categories: the number of values of each categorical column.
        """
        made = library().CatCMAwM(
            [[0.0, 1.0]] * smooth or None,
            list(steps) or None,
            list(categories) or None,
            population,
            mean if len(mean) else None,
            spread,
            np.eye(len(mean)) if len(mean) else None,
            seed=0,
        )
        return cls(made, True, len(mean) > 0)._decomposed()

    @property
    def population(self) -> int:
        """The number of results that make the next generation."""
        return int(self.optimizer.population_size)

    @property
    def mean(self) -> Floats:
        """The mean of the normal distribution, (p,)."""
        mean: Floats = self.optimizer._mean
        return mean

    @property
    def scale(self) -> Any:
        """The step size; with margins that of each column, (p,)."""
        return self.optimizer._sigma * (self.optimizer._A if self.mixed else 1.0)

    @property
    def covariance(self) -> Floats:
        """The covariance of the normal distribution without the step size and margins, (p, p)."""
        covariance: Floats = self.optimizer._C
        return covariance

    @property
    def deviations(self) -> Floats:
        """The standard deviation in each column, margins aside, (p,)."""
        deviations: Floats = self.optimizer._sigma * np.sqrt(np.diag(self.optimizer._C))
        return deviations

    @property
    def chances(self) -> Floats:
        """The probabilities of the values of each category, (k, most values), padded with 0."""
        chances: Floats = self.optimizer._q
        return chances

    def coloured(self, white: Floats) -> Floats:
        """Give standard normal draws `white` (n, p) the covariance, without the step size."""
        coloured: Floats = (white * self.optimizer._D) @ self.optimizer._B.T
        return coloured

    def whitened(self, step: Floats) -> Floats:
        """Undo `coloured` for one step (p,)."""
        whitened: Floats = (self.optimizer._B.T @ step) / self.optimizer._D
        return whitened

    def solution(self, normal: Floats, chosen: Bools | None, smooth: int) -> Any:
        """Write a draw as the library does: (p,) numbers, and (k, most values) which value of each category it is."""
        if not self.mixed:
            return normal
        return type(self.optimizer).Solution(normal[:smooth], None, chosen, normal if self.ordered else None)

    def after(self, solutions: Sequence[Any]) -> CMADistribution | None:
        """Give the distribution after a generation, its best solution first; None where it is degenerate."""
        optimizer = copy.deepcopy(self.optimizer)
        with _no_warnings():
            optimizer.tell([(solution, float(rank)) for rank, solution in enumerate(solutions)])
            made = CMADistribution(optimizer, self.mixed, self.ordered)
            if not made._is_sound():
                return None
            made._decomposed()
            return made if made._is_sound() else None

    def should_stop(self) -> bool:
        """Tell whether the library would end the run."""
        with _no_warnings():
            return bool(self.optimizer.should_stop())

    def _decomposed(self) -> CMADistribution:
        """Compute the eigenvectors once, and keep them."""
        if self.ordered:
            with _no_warnings():
                self.optimizer._eigen_decomposition()
        return self

    def _is_sound(self) -> bool:
        """Tell whether all parameters are finite and of a sensible size, and all variances positive."""
        optimizer = self.optimizer
        if self.ordered:
            numbers = [optimizer._mean, optimizer._C, np.array([optimizer._sigma]), optimizer._p_sigma, optimizer._pc]
            if not all(np.isfinite(some).all() and np.abs(some).max() < _LARGEST for some in numbers):
                return False
            if optimizer._sigma <= 0 or (np.diag(optimizer._C) <= 0).any():
                return False
        categories = getattr(optimizer, "_q", None)
        return categories is None or bool(np.isfinite(categories).all())


@contextmanager
def _no_warnings() -> Iterator[None]:
    with np.errstate(all="ignore"):
        yield
