"""The contract of surrogates, kept by each of them."""

from __future__ import annotations

import pytest

from luthier.surrogate.gp.model import GP
from luthier.surrogate.parzen.estimator import Parzen
from luthier.surrogate.sklearn.regressor import Regressor
from luthier.surrogate.stacked import Ensemble
from luthier.surrogate.trees.boosting import Boosted
from luthier.surrogate.trees.forest import Forest
from luthier.testing.surrogates import SurrogateContract, digest, elsewhere, sampled

SMALL = Boosted(models=3, rounds=4)


class TestGP(SurrogateContract):
    def surrogate(self):
        return GP(steps=4)


@pytest.mark.slow
class TestDrawnHyperparameters(SurrogateContract):
    def surrogate(self):
        return GP(samples=2, growth=2.0)


@pytest.mark.slow
class TestWarpedGP(SurrogateContract):
    def surrogate(self):
        return GP(warp=True, steps=4, scaling="evidence")


class TestParzen(SurrogateContract):
    def surrogate(self):
        return Parzen()


class TestForest(SurrogateContract):
    def surrogate(self):
        return Forest(trees=12)


@pytest.mark.slow
class TestExtraTrees(SurrogateContract):
    def surrogate(self):
        return Forest(trees=6, extra=True, leaf=2)


@pytest.mark.slow
class TestForestOfSmallSamples(SurrogateContract):
    def surrogate(self):
        return Forest(trees=12, extra=True, largest=9, scaling="half rank")


class TestBoosted(SurrogateContract):
    def surrogate(self):
        return SMALL


@pytest.mark.slow
class TestBoostedQuantiles(SurrogateContract):
    def surrogate(self):
        return Boosted(spread="quantile", rounds=4, scaling="rank")


class TestBayesianRidge(SurrogateContract):
    def surrogate(self):
        return Regressor("sklearn.linear_model:BayesianRidge")


@pytest.mark.slow
class TestARD(SurrogateContract):
    def surrogate(self):
        return Regressor("sklearn.linear_model:ARDRegression", {"max_iter": 20})


@pytest.mark.slow
class TestGaussianProcessRegressor(SurrogateContract):
    def surrogate(self):
        from sklearn.gaussian_process import GaussianProcessRegressor
        from sklearn.gaussian_process.kernels import Matern, WhiteKernel

        return Regressor(GaussianProcessRegressor(Matern(nu=2.5) + WhiteKernel(0.01)))


class TestEnsembleOfAlike(SurrogateContract):
    def surrogate(self):
        return Ensemble((GP(steps=4), GP(kernel="rbf", steps=4)))


@pytest.mark.slow
class TestEnsembleOfUnlike(SurrogateContract):
    def surrogate(self):
        return Ensemble((Forest(trees=6), SMALL, Forest(trees=6, extra=True)), scaling="half rank")


@pytest.mark.slow
class TestEnsembleOfAnything(SurrogateContract):
    def surrogate(self):
        return Ensemble(
            (GP(steps=4), Boosted(spread="quantile", rounds=4), Regressor("sklearn.linear_model:BayesianRidge"))
        )


@pytest.mark.slow
def test_another_process_gives_the_same_bits():
    every = [contract().surrogate() for contract in SurrogateContract.__subclasses__()]
    assert len(every) >= 13
    assert elsewhere(every) == [digest(each, sampled(25), sampled(10, 1).x) for each in every]
