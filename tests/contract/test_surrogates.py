"""The contract of surrogates, kept by each of them."""

from __future__ import annotations

from luthier.surrogate.boosted import Boosted
from luthier.surrogate.ensemble import Ensemble
from luthier.surrogate.forest import Forest
from luthier.surrogate.gp import GP
from luthier.surrogate.parzen import Parzen
from luthier.surrogate.regressor import Regressor
from luthier.testing.surrogates import SurrogateContract

SMALL = Boosted(models=3, rounds=6)


class TestGP(SurrogateContract):
    def surrogate(self):
        return GP(steps=6)


class TestParzen(SurrogateContract):
    def surrogate(self):
        return Parzen()


class TestForest(SurrogateContract):
    def surrogate(self):
        return Forest(trees=12)


class TestExtraTrees(SurrogateContract):
    def surrogate(self):
        return Forest(trees=6, extra=True, leaf=2)


class TestForestOfSmallSamples(SurrogateContract):
    def surrogate(self):
        return Forest(trees=12, extra=True, largest=9, scaling="half rank")


class TestBoosted(SurrogateContract):
    def surrogate(self):
        return SMALL


class TestBoostedQuantiles(SurrogateContract):
    def surrogate(self):
        return Boosted(spread="quantile", rounds=6, scaling="rank")


class TestBayesianRidge(SurrogateContract):
    def surrogate(self):
        return Regressor("sklearn.linear_model:BayesianRidge")


class TestARD(SurrogateContract):
    def surrogate(self):
        return Regressor("sklearn.linear_model:ARDRegression", {"max_iter": 20})


class TestGaussianProcessRegressor(SurrogateContract):
    def surrogate(self):
        from sklearn.gaussian_process import GaussianProcessRegressor
        from sklearn.gaussian_process.kernels import Matern, WhiteKernel

        return Regressor(GaussianProcessRegressor(Matern(nu=2.5) + WhiteKernel(0.01)))


class TestEnsembleOfAlike(SurrogateContract):
    def surrogate(self):
        return Ensemble((GP(steps=6), GP(kernel="rbf", steps=6)))


class TestEnsembleOfUnlike(SurrogateContract):
    def surrogate(self):
        return Ensemble((Forest(trees=6), SMALL, Forest(trees=6, extra=True)), scaling="half rank")


class TestEnsembleOfAnything(SurrogateContract):
    def surrogate(self):
        return Ensemble(
            (GP(steps=6), Boosted(spread="quantile", rounds=6), Regressor("sklearn.linear_model:BayesianRidge"))
        )
