"""Protocol of a tool that is compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from benchmarks.honest.parameters import Config


class Tool(Protocol):
    """A tool on one task, made for it."""

    def ask(self, count: int) -> list[Config]:
        """Give the next batch; what was asked for before has been told."""

    def tell(self, losses: Sequence[float]) -> None:
        """Take the losses of the batch, in its order."""

    def recommend(self) -> dict[str, Config]:
        """Give what the tool recommends by a model of its own, by a word for how; empty where it has none.

        ``model``: among the configurations that were tried; ``anywhere``: in the whole space.
        """
