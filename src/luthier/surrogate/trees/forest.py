"""Random forest surrogate: decision trees on samples of the data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from luthier._hints import translating_settings
from luthier._runtime.single_thread import single_thread
from luthier._typing import Floats, Integers
from luthier.data import Data
from luthier.errors import InvalidSetting, MissingDependency
from luthier.key import Key
from luthier.memo import Memo
from luthier.numeric import SCALINGS, check_scaling
from luthier.setting_types import check_setting_types, settings_repr
from luthier.space import Column
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
from luthier.surrogate.trees.leaf_boxes import LeafBoxes, leaf_boxes
from luthier.surrogate.trees.partition_ensemble import (
    MemberMoments,
    PartitionEnsemble,
    mixture_moments,
    out_of_bag,
    stack_moments,
)
from luthier.surrogate.trees.reversion import Reversion, Singles, TrainingBoxes, lengths_of

_INACTIVE = -1.0  # outside the range of active values, so that one split separates the inactive ones
_JITTER = 1e-6  # in units of the losses' standard deviation: by so much equal losses differ when trees are grown


@translating_settings
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
        length: the distance from the data of a leaf at which the leaf is not believed any more, in one column of the
            encoding, above 0; with d columns times √d. Between the data the model so reverts to the mean and variance
            of all losses, without which a forest is certain in gaps whose ends are alike, and never looks there.
        largest: the largest number of data that a tree is fitted to, at least 1, drawn at random for each tree: an ask
            stays under a second with thousands of them.

    Raises:
        InvalidSetting: a setting outside its range.

    Source: Breiman (2001), Random forests; Geurts, Ernst and Wehenkel (2006), Extremely randomized trees; the variance
    after Hutter, Xu, Hoos and Leyton-Brown (2014), Algorithm runtime prediction, section 4.3.2; away from the data see
    `luthier.surrogate.trees.reversion.Reversion`.
    """

    abilities = (Posterior, Joint, Pathwise, SupportsCovariance, SupportsLeaveOneOut)

    trees: int = 30
    extra: bool = False
    leaf: int = 1
    share: float = 5.0 / 6.0
    scaling: str = "log gap"
    floor: float = 1e-6
    largest: int = 2000
    length: float = 0.1

    __repr__ = settings_repr

    def __post_init__(self) -> None:
        check_setting_types(self)
        if self.trees < 2 or self.leaf < 1 or self.largest < 1:
            raise InvalidSetting(
                f"Forest(trees={self.trees!r}, leaf={self.leaf!r}, largest={self.largest!r}): give at least 2 trees, "
                "leaves of 1, samples of 1"
            )
        if not 0.0 < self.share <= 1.0 or not 0.0 < self.floor < 1.0:
            raise InvalidSetting(f"Forest(share={self.share!r}, floor={self.floor!r}): give shares above 0, up to 1")
        if not 0.0 < self.length < math.inf:
            raise InvalidSetting(f"Forest(length={self.length!r}): give a finite distance above 0")
        check_scaling("Forest", self.scaling)

    def fit(self, data: Data, key: Key, memo: Memo) -> ForestPosterior:
        """Grow the trees. Cost O(trees · d · n log² n), n at most `largest`."""
        return self.grow(_filled(data.x), SCALINGS[self.scaling](data.loss), data.columns, key)

    def scale(self, data: Data, key: Key, memo: Memo) -> ScaledLosses:
        """See `luthier.surrogate.protocol.HasOutputTransform`."""
        return ScaledLosses(SCALINGS[self.scaling](data.loss), np.arange(len(data)))

    def grow(self, x: Singles, y: Floats, columns: Sequence[Column], key: Key) -> ForestPosterior:
        """Grow the trees on points `x` (n, d) without NaN, of the columns `columns`, and scaled losses `y` (n,)."""
        n = len(y)
        size = min(n, self.largest)
        rows = None if self.extra else key.fold("bootstrap").integers(n, (self.trees, size))
        floor = self.floor * (float(y.var()) or 1.0)
        spread = float(y.std()) or 1.0
        apart = y + _JITTER * spread * key.fold("jitter").normal(
            n
        )  # else a leaf of equal losses is not split, however wide
        lengths = lengths_of(columns, self.length)
        scaled = x / lengths
        grown, samples, importance = [], [], np.zeros(len(columns))
        for number in range(self.trees):
            stream = key.fold("tree", number)
            if rows is not None:
                sample = rows[number]
            else:
                sample = np.arange(n) if size == n else np.sort(stream.fold("rows").permutation(n)[:size])
            tree = self._tree(stream.seed())
            with single_thread():
                tree.fit(x[sample], apart[sample], check_input=False)
            grown.append(DecisionTree.of(tree.tree_, x[sample], scaled[sample], y[sample], floor))
            samples.append(sample)
            importance += tree.feature_importances_
        reversion = Reversion.of(y, importance)
        return ForestPosterior(tuple(grown), x, y, tuple(columns), tuple(samples), lengths, reversion, self, key)

    def _tree(self, seed: int) -> Any:
        try:
            from sklearn.tree import DecisionTreeRegressor, ExtraTreeRegressor
        except ImportError:
            raise MissingDependency("Forest() needs scikit-learn: pip install 'luthier[sklearn]'") from None
        kind = ExtraTreeRegressor if self.extra else DecisionTreeRegressor
        return kind(max_features=self.share, min_samples_leaf=self.leaf, random_state=seed)


@dataclass(frozen=True, slots=True, eq=False)
class DecisionTree:
    """One grown tree: scikit-learn's structure, with mean, variance and box of the data in each of its leaves.

    Args:
        structure: scikit-learn's.
        mean: (nodes,) mean of the data in each leaf.
        variance: (nodes,) variance of the data in each leaf, at least the floor.
        boxes: around the data in each leaf, in units of the lengths.
        noise: the average of the leaves' variances over the data.
    """

    structure: Any
    mean: Floats
    variance: Floats
    boxes: TrainingBoxes
    noise: float

    @classmethod
    def of(cls, structure: Any, x: Singles, scaled: Singles, y: Floats, floor: float) -> DecisionTree:
        """Compute the leaves' moments and boxes from the data in them; `scaled` are the points `x` over the lengths."""
        leaf = structure.apply(x)
        count = np.maximum(np.bincount(leaf, minlength=structure.node_count), 1)
        mean = np.bincount(leaf, y, structure.node_count) / count
        square = np.bincount(leaf, (y - mean[leaf]) ** 2, structure.node_count) / count
        variance = np.maximum(square, floor)
        boxes = TrainingBoxes.around(scaled, leaf, structure.node_count)
        return cls(structure, mean, variance, boxes, float(variance[leaf].mean()))

    def moments(self, filled: Singles, scaled: Singles, reversion: Reversion) -> MemberMoments:
        """Give the moments at points (q, d) without NaN, also given over the lengths, and their leaves; (q,) each."""
        leaf = self.structure.apply(filled)
        here = MemberMoments(self.mean[leaf], self.variance[leaf], leaf)
        return reversion.mix(here, self.boxes.distance(scaled, leaf))


@dataclass(frozen=True, slots=True, eq=False)
class ForestPosterior(PartitionEnsemble):
    """The posterior of a forest: one tree is right, and in a leaf the function is normal with the moments of its data;
    away from them, less and less so.

    Args:
        trees: the members.
        x: (n, d) the points, without NaN.
        y: (n,) the losses, on the posterior's scale.
        columns: of the space.
        samples: the rows that each tree was fitted to.
        lengths: (d,) distances at which a leaf is not believed any more.
        reversion: of the leaves, away from their data.
        forest: the settings.
        key: the randomness.
    """

    trees: Sequence[DecisionTree]
    x: Singles
    y: Floats
    columns: tuple[Column, ...]
    samples: Sequence[Integers]
    lengths: Singles
    reversion: Reversion
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
        filled = _filled(x)
        return self.trees[number].moments(filled, filled / self.lengths, self.reversion)

    def member_moments(self, x: Floats) -> MemberMoments:
        """See `PartitionEnsemble.member_moments`. Cost O(q trees log n)."""
        return self.tree_moments(_filled(x))

    def tree_moments(self, filled: Singles) -> MemberMoments:
        """Give the moments by all trees at points (q, d) without NaN; three arrays of shape (trees, q)."""
        scaled = filled / self.lengths
        return stack_moments([tree.moments(filled, scaled, self.reversion) for tree in self.trees])

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

    def means(self, x: Floats) -> Floats:
        """Give the mean at `x` (q, d), without the variance; shape (q,). Cost O(q trees log n)."""
        filled = _filled(x)
        total = np.zeros(len(x))
        for tree in self.trees:
            total += tree.mean[tree.structure.apply(filled)]
        return total / len(self.trees)

    def boxes(self) -> tuple[LeafBoxes, ...]:
        """Give the boxes of the leaves of each tree; an inactive column is at -1 in them."""
        return tuple(leaf_boxes(tree.structure, tree.mean, self.x.shape[1]) for tree in self.trees)

    def _predict(self, train: Integers, test: Integers, key: Key) -> Moments:
        grown = self.forest.grow(self.x[train], self.y[train], self.columns, key)
        return mixture_moments(grown.tree_moments(self.x[test]))


def _filled(x: Floats) -> Singles:
    return np.ascontiguousarray(np.where(np.isnan(x), _INACTIVE, x), dtype=np.float32)
