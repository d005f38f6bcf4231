"""What to try next: grid, random, quasi-random, Bayesian and evolutionary search, and the protocol of methods."""

from __future__ import annotations

from luthier.method.anneal import Anneal
from luthier.method.auto import Auto
from luthier.method.bayes import Bayes
from luthier.method.evolution import Evolution
from luthier.method.grid import Grid
from luthier.method.protocol import Method
from luthier.method.quasi import Quasi
from luthier.method.random import Random

__all__ = ["Anneal", "Auto", "Bayes", "Evolution", "Grid", "Method", "Quasi", "Random"]
