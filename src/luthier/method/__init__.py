"""What to try next: grid, random, quasi-random and Bayesian search, and the protocol that every method keeps."""

from __future__ import annotations

from luthier.method.auto import Auto
from luthier.method.bayes import Bayes
from luthier.method.grid import Grid
from luthier.method.protocol import Method
from luthier.method.quasi import Quasi
from luthier.method.random import Random

__all__ = ["Auto", "Bayes", "Grid", "Method", "Quasi", "Random"]
