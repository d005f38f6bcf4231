"""What to try next: grid, random and quasi-random search, and the protocol that every method keeps."""

from __future__ import annotations

from luthier.method.grid import Grid
from luthier.method.protocol import Method
from luthier.method.quasi import Quasi
from luthier.method.random import Random

__all__ = ["Grid", "Method", "Quasi", "Random"]
