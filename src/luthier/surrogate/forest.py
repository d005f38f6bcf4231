"""Random forests: many decision trees, each of another sample of the data; their disagreement is the uncertainty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from luthier.data import Data
from luthier.errors import InvalidSetting, MissingDependency
from luthier.key import Key
from luthier.memo import Memo
from luthier.numeric.scaling import SCALINGS
from luthier.surrogate.protocol import Moments, Posterior

Floats = NDArray[np.float64]

_INACTIVE = -1.0  # where no active value lies, so that one split tells inactive from active


@dataclass(frozen=True, slots=True)
class Forest:
    """Model the objective by decision trees of scikit-learn's: for jumps, many categories and deep conditions.

    Args:
        trees: how many, at least 2.
        extra: whether thresholds are drawn at random and every tree sees all data (extra-trees), in place of the best
            thresholds on a bootstrap sample each (Breiman's forest).
        leaf: the fewest data in a leaf, at least 1.
        share: of the columns that are looked at for a split, in (0, 1].
        scaling: of the losses, as of `GP`; the posterior is on that scale.
        floor: the least variance of a leaf, relative to that of the losses: a leaf of one datum knows no more.

    Raises:
        InvalidSetting: a setting outside its range.

    Source: Breiman (2001), Random forests; Geurts, Ernst and Wehenkel (2006), Extremely randomized trees; the variance
    after Hutter, Xu, Hoos and Leyton-Brown (2014), Algorithm runtime prediction, section 4.3.2.
    """

    gives: ClassVar[tuple[type, ...]] = (Posterior,)

    trees: int = 30
    extra: bool = False
    leaf: int = 1
    share: float = 5.0 / 6.0
    scaling: str = "standard"
    floor: float = 1e-3

    def __post_init__(self) -> None:
        if self.trees < 2 or self.leaf < 1:
            raise InvalidSetting(
                f"Forest(trees={self.trees!r}, leaf={self.leaf!r}): give at least 2 trees, leaves of 1"
            )
        if not 0.0 < self.share <= 1.0 or not 0.0 < self.floor < 1.0:
            raise InvalidSetting(f"Forest(share={self.share!r}, floor={self.floor!r}): give shares above 0, up to 1")
        if self.scaling not in SCALINGS:
            raise InvalidSetting(f"Forest(scaling={self.scaling!r}): choose one of {', '.join(SCALINGS)}")

    def fit(self, data: Data, key: Key, memo: Memo) -> Trees:
        """Grow the trees. Cost O(trees · d · n log² n)."""
        y = SCALINGS[self.scaling](data.loss)
        x = _filled(data.x)
        rows = np.arange(len(y)) if self.extra else key.fold("bootstrap").integers(len(y), (self.trees, len(y)))
        grown = []
        for number in range(self.trees):
            sample = rows if self.extra else rows[number]
            tree = self._tree(key.fold("tree", number).seed()).fit(x[sample], y[sample], check_input=False)
            grown.append(Tree.of(tree.tree_, x[sample], y[sample], self.floor))
        return Trees(tuple(grown), y)

    def _tree(self, seed: int) -> Any:
        try:
            from sklearn.tree import DecisionTreeRegressor, ExtraTreeRegressor
        except ImportError:
            raise MissingDependency("Forest() needs scikit-learn: pip install 'luthier[sklearn]'") from None
        kind = ExtraTreeRegressor if self.extra else DecisionTreeRegressor
        return kind(max_features=self.share, min_samples_leaf=self.leaf, random_state=seed)


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """One grown tree: scikit-learn's structure, with mean and variance of the data in each of its nodes."""

    structure: Any
    mean: Floats
    variance: Floats

    @classmethod
    def of(cls, structure: Any, x: NDArray[np.float32], y: Floats, floor: float) -> Tree:
        """Take the leaves' moments from the data that reached them."""
        leaf = structure.apply(x)
        count = np.maximum(np.bincount(leaf, minlength=structure.node_count), 1)
        mean = np.bincount(leaf, y, structure.node_count) / count
        square = np.bincount(leaf, (y - mean[leaf]) ** 2, structure.node_count) / count
        return cls(structure, mean, np.maximum(square, floor))


@dataclass(frozen=True, slots=True, eq=False)
class Trees:
    """What a forest believes; has the ability `Posterior`."""

    trees: Sequence[Tree]
    y: Floats

    @property
    def best(self) -> float:
        """The lowest loss, on the posterior's scale."""
        return float(self.y.min())

    def moments(self, x: Floats) -> Moments:
        """Give mean and variance at `x` (q, d), by the law of total variance over the trees. Cost O(q trees log n).

        ``variance = mean over trees of (leaf variance + leaf mean²) - (mean of leaf means)²``.
        """
        filled = _filled(x)
        means, variances = np.empty((len(self.trees), len(x))), np.empty((len(self.trees), len(x)))
        for row, tree in enumerate(self.trees):
            leaf = tree.structure.apply(filled)
            means[row], variances[row] = tree.mean[leaf], tree.variance[leaf]
        return Moments(means.mean(axis=0), variances.mean(axis=0) + means.var(axis=0))


def _filled(x: Floats) -> NDArray[np.float32]:
    return np.ascontiguousarray(np.where(np.isnan(x), _INACTIVE, x), dtype=np.float32)
