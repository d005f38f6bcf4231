"""Evolution and annealing keep the contract of methods."""

from __future__ import annotations

import pytest

from luthier.method import Anneal, Evolution
from luthier.testing.methods import MethodContract


@pytest.mark.slow
class TestCMA(MethodContract):
    trials = 14

    def method(self):
        return Evolution("cma", population=4)


class TestDE(MethodContract):
    trials = 14

    def method(self):
        return Evolution("de", population=5)


class TestNSGA2(MethodContract):
    trials = 14

    def method(self):
        return Evolution("nsga2", population=5)


@pytest.mark.slow
class TestNSGA3(MethodContract):
    trials = 14

    def method(self):
        return Evolution("nsga3", population=5)


@pytest.mark.slow
class TestAnneal(MethodContract):
    def method(self):
        return Anneal()
