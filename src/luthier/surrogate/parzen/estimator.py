"""Tree-structured Parzen estimator (TPE): the ratio of densities of the good and the other trials."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from luthier._hints import translating_settings
from luthier._typing import Floats
from luthier.data import Data
from luthier.errors import InvalidSetting
from luthier.key import Key
from luthier.memo import Memo
from luthier.setting_types import check_setting_types, settings_repr
from luthier.surrogate.parzen.density import KernelDensity, make_density
from luthier.surrogate.protocol import Ratio
from luthier.surrogate.subset_of_data import evenly_spaced

_FEWEST = 10
"""With fewer points nothing is concluded from how close together they are."""
_MOST = 64
"""As many points, or fewer, tell how close together they are."""
_CLOSE = 0.5
"""Points are close together where their spread is below this share of that of a uniform distribution."""
_LEAST_SPREAD = 0.05
"""A smaller spread counts as this."""


@translating_settings
@dataclass(frozen=True, slots=True)
class Parzen:
    """Model two densities, of the best configurations and of all others; their ratio orders candidates as EI does.

    The uniform component of the others weighs at least as much as that of the good ones, so that the ratio is about 1
    where nothing is known: with less, it would be largest there, however near the good ones are to the optimum. Where
    the trials lie close together (results that were known before), all kernels are as much narrower.

    Kernels are products over all variables (multivariate), so that interacting variables are chosen together. A
    variable that is inactive in a configuration is left out of its kernel. Failed and pending configurations count
    among the others.

    Args:
        quantile: the share of the trials that is good, in (0, 1).
        most: the largest number of good trials, at least 1.
        bandwidth: of the kernel of a single point, in units of the encoding; with n points in d dimensions it is
            ``bandwidth · n^(-1/(d+4))`` (Scott 1992), and at most ``n^(-1/d)``, the gap between n evenly spaced points:
            in one dimension Scott's kernels would cover regions without trials, and the search would not go there.
        narrowest: the bandwidth is at least ``1/min(narrowest, n + 1)``, which prevents early convergence.
        prior: weight of the uniform component, in points.
        forgetting: with more points than this, the weights of older ones decrease linearly; 0: all weights are equal.
        largest: the largest number of others that have a kernel, spaced evenly over them by the order of their losses:
            a density of several hundred kernels is as good as one of thousands, in a fraction of the time.

    Raises:
        InvalidSetting: a setting outside its range.

    Source: Bergstra, Bardenet, Bengio and Kégl (2011), Algorithms for hyper-parameter optimization, eq. 2 to 5;
    bandwidth, its floor and the multivariate kernel after Watanabe (2023), arXiv 2304.11127, section 3.
    """

    abilities = (Ratio,)

    quantile: float = 0.1
    most: int = 25
    bandwidth: float = 0.2
    narrowest: int = 100
    prior: float = 1.0
    forgetting: int = 0
    largest: int = 300

    __repr__ = settings_repr

    def __post_init__(self) -> None:
        check_setting_types(self)
        if not 0.0 < self.quantile < 1.0:
            raise InvalidSetting(f"Parzen(quantile={self.quantile!r}): give a share between 0 and 1, both excluded")
        for name in ("most", "narrowest", "largest"):
            if getattr(self, name) < 1:
                raise InvalidSetting(f"Parzen({name}={getattr(self, name)!r}): give a whole number, 1 or more")
        for name in ("bandwidth", "prior"):
            if not 0.0 < getattr(self, name) < math.inf:
                raise InvalidSetting(f"Parzen({name}={getattr(self, name)!r}): give a positive, finite number")
        if self.forgetting < 0:
            raise InvalidSetting(f"Parzen(forgetting={self.forgetting!r}): give a number of trials, or 0 for none")

    def fit(self, data: Data, key: Key, memo: Memo) -> ParzenRatio:
        """Split the trials and place the kernels; deterministic. Cost O(n log n)."""
        order = np.argsort(data.loss, kind="stable")
        good = np.sort(order[: min(self.most, math.ceil(self.quantile * len(order)))])
        rest = np.sort(evenly_spaced(order[len(good) :], self.largest))
        others = np.concatenate([data.x[rest], data.failed, data.pending])
        narrowing = _concentration(data)
        density = self._density(data, data.x[good], narrowing)
        share = (1.0 - narrowing) * float(density.weights[-1])
        return ParzenRatio(density, self._density(data, others, narrowing, share))

    def _density(self, data: Data, points: Floats, narrowing: float, least_share: float = 0.0) -> KernelDensity:
        n, d = len(points), len(data.columns)
        floor = 1.0 / min(self.narrowest, n + 1)
        scott, gap = self.bandwidth * max(n, 1) ** (-1.0 / (d + 4)), max(n, 1) ** (-1.0 / max(d, 1))
        std = max(min(scott, gap), floor) * narrowing
        return make_density(data.columns, points, _importance(n, self.forgetting), std, self.prior, least_share)


@dataclass(frozen=True, slots=True, eq=False)
class ParzenRatio:
    """Two densities on the encoding; it has the ability `Ratio`.

    Args:
        good: of the best configurations.
        rest: of all others.
    """

    good: KernelDensity
    rest: KernelDensity

    def log_ratio(self, x: Floats) -> Floats:
        """Give log(density among the good / density among the rest) at `x` (q, d); shape (q,). Cost O(q n d)."""
        return self.good.log_density(x) - self.rest.log_density(x)

    def draw(self, key: Key, count: int) -> Floats:
        """Draw `count` points from the density of the good; shape (count, d), every column active."""
        return self.good.draw(key, count)


def _concentration(data: Data) -> float:
    """Give the factor in (0, 1] by which kernels are narrower than where trials are spread over the space.

    It is the geometric mean of the standard deviations along numbers, relative to half that of a uniform distribution.
    Cost O(d): some of the trials tell.
    """
    numbers = [j for j, column in enumerate(data.columns) if column.kind == "number" and not column.conditional]
    if len(data) < _FEWEST or not numbers:
        return 1.0
    x = data.x[:: -(-len(data) // _MOST)][:, numbers]
    off = x - np.add.reduce(x, axis=0) / len(x)
    std = np.sqrt(np.add.reduce(off * off, axis=0) / len(x))  # as ``x.std(axis=0)``, in a quarter of its time
    spread = np.maximum(np.sqrt(12.0) * std, _LEAST_SPREAD)
    return min(1.0, float(np.exp(np.log(spread).sum() / len(spread))) / _CLOSE)


def _importance(n: int, forgetting: int) -> Floats:
    """Give weights: 1 for the latest `forgetting` points, and a ramp from 1/n for older ones (Bergstra et al. 2013)."""
    if not forgetting or n <= forgetting:
        return np.ones(n)
    return np.concatenate([np.linspace(1.0 / n, 1.0, n - forgetting), np.ones(forgetting)])
