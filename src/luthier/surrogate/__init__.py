"""Surrogate models: posteriors of losses, from arrays."""

from __future__ import annotations

from luthier.surrogate.abilities import ABILITIES, check_surrogate, supports
from luthier.surrogate.gp.embedding import Embedding
from luthier.surrogate.gp.kernel import KERNELS
from luthier.surrogate.gp.marginal_likelihood import Hyperpriors
from luthier.surrogate.gp.model import GP
from luthier.surrogate.gp.posterior import gp_posterior
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
from luthier.surrogate.trees.boosting import Boosted
from luthier.surrogate.trees.forest import Forest

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
    "HasDistance",
    "HasOutputTransform",
    "Hyperpriors",
    "IsMixture",
    "Joint",
    "Moments",
    "MomentsGrad",
    "Parzen",
    "Pathwise",
    "Posterior",
    "Ratio",
    "Regressor",
    "ScaledLosses",
    "SupportsCovariance",
    "SupportsLeaveOneOut",
    "SupportsNoiselessDraws",
    "SupportsScalarization",
    "Surrogate",
    "check_surrogate",
    "gp_posterior",
    "supports",
]
