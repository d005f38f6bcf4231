"""Every method keeps the contract of methods."""

from __future__ import annotations

from luthier.method import Grid, Quasi, Random
from luthier.testing.methods import MethodContract


class TestRandom(MethodContract):
    def method(self):
        return Random()


class TestGrid(MethodContract):
    def method(self):
        return Grid()


class TestShuffledGrid(MethodContract):
    def method(self):
        return Grid(points=11, order="shuffled")


class TestNestedGrid(MethodContract):
    def method(self):
        return Grid(points=8, order="nested")


class TestSobol(MethodContract):
    def method(self):
        return Quasi()


class TestHalton(MethodContract):
    def method(self):
        return Quasi("halton")


class TestLatin(MethodContract):
    def method(self):
        return Quasi("latin")


class TestSizedLatin(MethodContract):
    def method(self):
        return Quasi("latin", size=10)


class TestLattice(MethodContract):
    def method(self):
        return Quasi("lattice")
