"""Random forests: many decision trees, each of another sample of the data; their disagreement is the uncertainty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from luthier._runtime.single_thread import single_thread
from luthier._typing import Floats, Integers
from luthier.data import Data
from luthier.errors import InvalidSetting, MissingDependency
from luthier.key import Key
from luthier.memo import Memo
from luthier.numeric import SCALINGS
from luthier.surrogate.cross_validation import held_out
from luthier.surrogate.protocol import (
    Joint,
    Moments,
    Pathwise,
    Posterior,
    Scale,
    SupportsCovariance,
    SupportsLeaveOneOut,
)
from luthier.surrogate.trees.partition_ensemble import MemberMoments, PartitionEnsemble, mixture_moments, out_of_bag

Singles = NDArray[np.float32]

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
        scaling: of the losses, as of `GP`; the posterior is on that scale. Logarithms, because a tree's mean and
            variance are those of the losses in a leaf: as they are, the largest losses are all that it sees.
        floor: the least variance of a leaf, relative to that of the losses: a leaf of one datum knows no more.
        largest: a tree sees at most so many data, drawn at random, each tree others; so that an ask stays under a
            second when there are thousands.

    Raises:
        InvalidSetting: a setting outside its range.

    Source: Breiman (2001), Random forests; Geurts, Ernst and Wehenkel (2006), Extremely randomized trees; the variance
    after Hutter, Xu, Hoos and Leyton-Brown (2014), Algorithm runtime prediction, section 4.3.2.
    """

    abilities: ClassVar[tuple[type, ...]] = (Posterior, Joint, Pathwise, SupportsCovariance, SupportsLeaveOneOut)

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
        if self.scaling not in SCALINGS:
            raise InvalidSetting(f"Forest(scaling={self.scaling!r}): choose one of {', '.join(SCALINGS)}")

    def fit(self, data: Data, key: Key, memo: Memo) -> ForestPosterior:
        """Grow the trees. Cost O(trees · d · n log² n), n at most `largest`."""
        return self._grow(_filled(data.x), SCALINGS[self.scaling](data.loss), key)

    def scale(self, data: Data, key: Key, memo: Memo) -> Scale:
        """See `luthier.surrogate.protocol.HasOutputTransform`."""
        return Scale(SCALINGS[self.scaling](data.loss), np.arange(len(data)))

    def _grow(self, x: Singles, y: Floats, key: Key) -> ForestPosterior:
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
    """One grown tree: scikit-learn's structure, with mean and variance of the data in each of its nodes.

    Args:
        structure: scikit-learn's.
        mean: (nodes,) of the data in each leaf.
        variance: (nodes,) of the data in each leaf, above the floor.
        noise: the average of the leaves' variances over the data.
    """

    structure: Any
    mean: Floats
    variance: Floats
    noise: float

    @classmethod
    def of(cls, structure: Any, x: Singles, y: Floats, floor: float) -> DecisionTree:
        """Take the leaves' moments from the data that reached them."""
        leaf = structure.apply(x)
        count = np.maximum(np.bincount(leaf, minlength=structure.node_count), 1)
        mean = np.bincount(leaf, y, structure.node_count) / count
        square = np.bincount(leaf, (y - mean[leaf]) ** 2, structure.node_count) / count
        variance = np.maximum(square, floor)
        return cls(structure, mean, variance, float(variance[leaf].mean()))


@dataclass(frozen=True, slots=True, eq=False)
class ForestPosterior(PartitionEnsemble):
    """What a forest believes: one of its trees is right, and in a leaf the function is normal like the data in it.

    Args:
        trees: the models.
        x: (n, d) the points, as the trees see them.
        y: (n,) the losses, on the posterior's scale.
        samples: the rows that each tree saw.
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
    def cells(self) -> tuple[int, ...]:
        """See `PartitionEnsemble.cells`: nodes of the trees, of which only leaves are ever reached."""
        return tuple(len(tree.mean) for tree in self.trees)

    @property
    def noise_variance(self) -> float:
        """The average variance within the leaves: what trees of this size cannot explain."""
        return float(np.mean([tree.noise for tree in self.trees]))

    def opinion(self, number: int, x: Floats) -> MemberMoments:
        """See `PartitionEnsemble.opinion`. Cost O(q log n)."""
        return self._voice(number, _filled(x))

    def opinions(self, x: Floats) -> MemberMoments:
        """See `PartitionEnsemble.opinions`. Cost O(q trees log n)."""
        return self._voices(_filled(x))

    def residuals(self) -> tuple[Floats, Floats]:
        """Give out-of-bag means and variances; of trees that saw all data, those of trees grown on four fifths of it.

        Cost: one vote at n points; of extra-trees five more forests.
        """
        n = len(self.y)
        if self.forest.extra and n <= self.forest.largest:
            return held_out(self._predict, self.y, self.key.fold("folds"))
        out = np.ones((len(self.trees), n), dtype=bool)
        for number, sample in enumerate(self.samples):
            out[number, sample] = False
        return out_of_bag(self._voices(self.x), out, self.y)

    def _predict(self, train: Integers, test: Integers, key: Key) -> Moments:
        grown = self.forest._grow(self.x[train], self.y[train], key)
        return mixture_moments(grown._voices(self.x[test]))

    def _voices(self, filled: Singles) -> MemberMoments:
        heard = [self._voice(number, filled) for number in range(len(self.trees))]
        return MemberMoments(*(np.stack(part) for part in zip(*heard, strict=True)))

    def _voice(self, number: int, filled: Singles) -> MemberMoments:
        tree = self.trees[number]
        leaf = tree.structure.apply(filled)
        return MemberMoments(tree.mean[leaf], tree.variance[leaf], leaf)


def _filled(x: Floats) -> Singles:
    return np.ascontiguousarray(np.where(np.isnan(x), _INACTIVE, x), dtype=np.float32)
