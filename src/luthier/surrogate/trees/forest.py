"""Random forest surrogate: decision trees on samples of the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from luthier._runtime.single_thread import single_thread
from luthier._typing import Floats, Integers
from luthier.data import Data
from luthier.errors import InvalidSetting, MissingDependency
from luthier.key import Key
from luthier.memo import Memo
from luthier.numeric import SCALINGS, check_scaling
from luthier.surrogate.cross_validation import held_out
from luthier.surrogate.protocol import (
    Joint,
    Moments,
    Pathwise,
    Posterior,
    ScaledLosses,
    SupportsCovariance,
    SupportsLeaveOneOut,
)
from luthier.surrogate.trees.partition_ensemble import (
    MemberMoments,
    PartitionEnsemble,
    mixture_moments,
    out_of_bag,
    stack_moments,
)

Singles = NDArray[np.float32]

_INACTIVE = -1.0  # outside the range of active values, so that one split separates the inactive ones


@dataclass(frozen=True, slots=True)
class Forest:
    """Model the objective by scikit-learn's decision trees: for jumps, many categories and deep conditions.

    Args:
        trees: their number, at least 2.
        extra: whether thresholds are drawn at random and every tree is fitted to all data (extra-trees), instead of the
            best thresholds on a bootstrap sample for each (Breiman's forest).
        leaf: the smallest number of data in a leaf, at least 1.
        share: the share of the columns that are considered for a split, in (0, 1].
        scaling: of the losses, as of `GP`; the posterior is on that scale. Logarithms by default, because a tree's mean
            and variance are those of the losses in a leaf: the largest losses would dominate unscaled ones.
        floor: the least variance of a leaf, relative to that of the losses, as a leaf may have a single datum.
        largest: the largest number of data that a tree is fitted to, at least 1, drawn at random for each tree: an ask
            stays under a second with thousands of them.

    Raises:
        InvalidSetting: a setting outside its range.

    Source: Breiman (2001), Random forests; Geurts, Ernst and Wehenkel (2006), Extremely randomized trees; the variance
    after Hutter, Xu, Hoos and Leyton-Brown (2014), Algorithm runtime prediction, section 4.3.2.
    """

    abilities = (Posterior, Joint, Pathwise, SupportsCovariance, SupportsLeaveOneOut)

    trees: int = 30
    extra: bool = False
    leaf: int = 1
    share: float = 5.0 / 6.0
    scaling: str = "log gap"
    floor: float = 1e-3
    largest: int = 2000

    def __post_init__(self) -> None:
        if self.trees < 2 or self.leaf < 1 or self.largest < 1:
            raise InvalidSetting(
                f"Forest(trees={self.trees!r}, leaf={self.leaf!r}, largest={self.largest!r}): give at least 2 trees, "
                "leaves of 1, samples of 1"
            )
        if not 0.0 < self.share <= 1.0 or not 0.0 < self.floor < 1.0:
            raise InvalidSetting(f"Forest(share={self.share!r}, floor={self.floor!r}): give shares above 0, up to 1")
        check_scaling("Forest", self.scaling)

    def fit(self, data: Data, key: Key, memo: Memo) -> ForestPosterior:
        """Grow the trees. Cost O(trees · d · n log² n), n at most `largest`."""
        return self.grow(_filled(data.x), SCALINGS[self.scaling](data.loss), key)

    def scale(self, data: Data, key: Key, memo: Memo) -> ScaledLosses:
        """See `luthier.surrogate.protocol.HasOutputTransform`."""
        return ScaledLosses(SCALINGS[self.scaling](data.loss), np.arange(len(data)))

    def grow(self, x: Singles, y: Floats, key: Key) -> ForestPosterior:
        """Grow the trees on points `x` (n, d) without NaN and scaled losses `y` (n,)."""
        n = len(y)
        size = min(n, self.largest)
        rows = None if self.extra else key.fold("bootstrap").integers(n, (self.trees, size))
        floor = self.floor * (float(y.var()) or 1.0)
        grown, samples = [], []
        for number in range(self.trees):
            stream = key.fold("tree", number)
            if rows is not None:
                sample = rows[number]
            else:
                sample = np.arange(n) if size == n else np.sort(stream.fold("rows").permutation(n)[:size])
            tree = self._tree(stream.seed())
            with single_thread():
                tree.fit(x[sample], y[sample], check_input=False)
            grown.append(DecisionTree.of(tree.tree_, x[sample], y[sample], floor))
            samples.append(sample)
        return ForestPosterior(tuple(grown), x, y, tuple(samples), self, key)

    def _tree(self, seed: int) -> Any:
        try:
            from sklearn.tree import DecisionTreeRegressor, ExtraTreeRegressor
        except ImportError:
            raise MissingDependency("Forest() needs scikit-learn: pip install 'luthier[sklearn]'") from None
        kind = ExtraTreeRegressor if self.extra else DecisionTreeRegressor
        return kind(max_features=self.share, min_samples_leaf=self.leaf, random_state=seed)


@dataclass(frozen=True, slots=True, eq=False)
class DecisionTree:
    """One grown tree: scikit-learn's structure, with mean and variance of the data in each of its leaves.

    Args:
        structure: scikit-learn's.
        mean: (nodes,) mean of the data in each leaf.
        variance: (nodes,) variance of the data in each leaf, at least the floor.
        noise: the average of the leaves' variances over the data.
    """

    structure: Any
    mean: Floats
    variance: Floats
    noise: float

    @classmethod
    def of(cls, structure: Any, x: Singles, y: Floats, floor: float) -> DecisionTree:
        """Compute the leaves' moments from the data in them."""
        leaf = structure.apply(x)
        count = np.maximum(np.bincount(leaf, minlength=structure.node_count), 1)
        mean = np.bincount(leaf, y, structure.node_count) / count
        square = np.bincount(leaf, (y - mean[leaf]) ** 2, structure.node_count) / count
        variance = np.maximum(square, floor)
        return cls(structure, mean, variance, float(variance[leaf].mean()))

    def moments(self, filled: Singles) -> MemberMoments:
        """Give the moments at points (q, d) without NaN, and their leaves; (q,) each."""
        leaf = self.structure.apply(filled)
        return MemberMoments(self.mean[leaf], self.variance[leaf], leaf)


@dataclass(frozen=True, slots=True, eq=False)
class ForestPosterior(PartitionEnsemble):
    """The posterior of a forest: one tree is right, and the function in a leaf is normal with the moments of its data.

    Args:
        trees: the members.
        x: (n, d) the points, without NaN.
        y: (n,) the losses, on the posterior's scale.
        samples: the rows that each tree was fitted to.
        forest: the settings.
        key: the randomness.
    """

    trees: Sequence[DecisionTree]
    x: Singles
    y: Floats
    samples: Sequence[Integers]
    forest: Forest
    key: Key

    @property
    def losses(self) -> Floats:
        """See `PartitionEnsemble.losses`."""
        return self.y

    @property
    def leaves(self) -> tuple[int, ...]:
        """See `PartitionEnsemble.leaves`: here all nodes, of which only leaves have points."""
        return tuple(len(tree.mean) for tree in self.trees)

    @property
    def noise_variance(self) -> float:
        """See `SupportsCovariance.noise_variance`: the average variance within the leaves."""
        return float(np.mean([tree.noise for tree in self.trees]))

    def moments_of(self, number: int, x: Floats) -> MemberMoments:
        """See `PartitionEnsemble.moments_of`. Cost O(q log n)."""
        return self.trees[number].moments(_filled(x))

    def member_moments(self, x: Floats) -> MemberMoments:
        """See `PartitionEnsemble.member_moments`. Cost O(q trees log n)."""
        return self.tree_moments(_filled(x))

    def tree_moments(self, filled: Singles) -> MemberMoments:
        """Give the moments by all trees at points (q, d) without NaN; three arrays of shape (trees, q)."""
        return stack_moments([tree.moments(filled) for tree in self.trees])

    def leave_one_out(self) -> tuple[Floats, Floats]:
        """Give out-of-bag means and variances; of extra-trees, those of forests grown on four fifths of the data.

        Cost: the moments at n points; of extra-trees five more forests.
        """
        n = len(self.y)
        if self.forest.extra and n <= self.forest.largest:
            return held_out(self._predict, self.y, self.key.fold("folds"))
        out = np.ones((len(self.trees), n), dtype=bool)
        for number, sample in enumerate(self.samples):
            out[number, sample] = False
        return out_of_bag(self.tree_moments(self.x), out, self.y)

    def _predict(self, train: Integers, test: Integers, key: Key) -> Moments:
        grown = self.forest.grow(self.x[train], self.y[train], key)
        return mixture_moments(grown.tree_moments(self.x[test]))


def _filled(x: Floats) -> Singles:
    return np.ascontiguousarray(np.where(np.isnan(x), _INACTIVE, x), dtype=np.float32)
