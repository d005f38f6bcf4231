"""Surrogate models: posteriors of losses, from arrays."""

from __future__ import annotations

from luthier.surrogate.abilities import ABILITIES, check_surrogate, supports
from luthier.surrogate.gp.embedding import Embedding
from luthier.surrogate.gp.fine_detail import with_fine_detail
from luthier.surrogate.gp.kernel import KERNELS
from luthier.surrogate.gp.marginal_likelihood import Hyperpriors
from luthier.surrogate.gp.model import GP
from luthier.surrogate.gp.posterior import GPPosterior, gp_posterior
from luthier.surrogate.gp.source_models import SourceMean, source_models
from luthier.surrogate.mixture import MixturePosterior
from luthier.surrogate.parzen.estimator import Parzen
from luthier.surrogate.protocol import (
    Conditionable,
    Differentiable,
    Draws,
    HasDistance,
    HasOutputTransform,
    IsMixture,
    Joint,
    Moments,
    MomentsGrad,
    Pathwise,
    Posterior,
    Ratio,
    ScaledLosses,
    SupportsCovariance,
    SupportsLeaveOneOut,
    SupportsNoiselessDraws,
    SupportsScalarization,
    Surrogate,
)
from luthier.surrogate.sklearn.regressor import Regressor
from luthier.surrogate.stacked import Ensemble
from luthier.surrogate.subset_of_data import subset_of_data
from luthier.surrogate.trees.boosting import Boosted
from luthier.surrogate.trees.forest import Forest, ForestPosterior
from luthier.surrogate.trees.leaf_boxes import LeafBoxes

__all__ = [
    "ABILITIES",
    "GP",
    "KERNELS",
    "Boosted",
    "Conditionable",
    "Differentiable",
    "Draws",
    "Embedding",
    "Ensemble",
    "Forest",
    "ForestPosterior",
    "GPPosterior",
    "HasDistance",
    "HasOutputTransform",
    "Hyperpriors",
    "IsMixture",
    "Joint",
    "LeafBoxes",
    "MixturePosterior",
    "Moments",
    "MomentsGrad",
    "Parzen",
    "Pathwise",
    "Posterior",
    "Ratio",
    "Regressor",
    "ScaledLosses",
    "SourceMean",
    "SupportsCovariance",
    "SupportsLeaveOneOut",
    "SupportsNoiselessDraws",
    "SupportsScalarization",
    "Surrogate",
    "check_surrogate",
    "gp_posterior",
    "source_models",
    "subset_of_data",
    "supports",
    "with_fine_detail",
]


def __dir__() -> list[str]:
    return sorted(__all__)
