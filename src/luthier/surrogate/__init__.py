"""Surrogate models: posteriors over losses, from arrays."""

from __future__ import annotations

from luthier.surrogate.gp.kernel import KERNELS, Embedding
from luthier.surrogate.gp.marginal_likelihood import Hyperpriors
from luthier.surrogate.gp.model import GP
from luthier.surrogate.gp.posterior import condition
from luthier.surrogate.parzen.estimator import Parzen
from luthier.surrogate.protocol import (
    ABILITIES,
    Conditionable,
    Differentiable,
    Draws,
    HasDistance,
    HasOutputTransform,
    IsMixture,
    Joint,
    Pathwise,
    Posterior,
    Ratio,
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
    "Parzen",
    "Pathwise",
    "Posterior",
    "Ratio",
    "Regressor",
    "SupportsCovariance",
    "SupportsLeaveOneOut",
    "SupportsNoiselessDraws",
    "SupportsScalarization",
    "Surrogate",
    "condition",
]
