"""Luthier as an optimizer of the public benchmark (shared/bench): ask() -> dict and tell(config, loss)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import luthier as lt


def space_of(parameters: Sequence[Mapping[str, Any]]) -> lt.Space:
    """Build a space from the benchmark's neutral description (see shared/bench/peers.py)."""
    variables = {}
    for parameter in parameters:
        when = None
        if parameter.get("if"):
            parent, values = parameter["if"]
            when = f"`{parent}` in {tuple(values)!r}" if len(values) > 1 else f"`{parent}` == {values[0]!r}"
        name, kind = parameter["name"], parameter["type"]
        if kind == "cat":
            variables[name] = lt.Choice(*parameter["choices"], when=when)
        elif kind == "int":
            variables[name] = lt.Int(parameter["lo"], parameter["hi"], log=bool(parameter.get("log")), when=when)
        else:
            variables[name] = lt.Float(parameter["lo"], parameter["hi"], log=bool(parameter.get("log")), when=when)
    return lt.Space(variables)


class Luthier:
    """Ask and tell one study, in batches where `batch` is more than 1.

    Args:
        parameters: the neutral description of a space.
        seed: of the study.
        method: what is measured.
        batch: how many are asked for at once.
    """

    def __init__(self, parameters: Sequence[Mapping[str, Any]], seed: int, method: Any, batch: int = 1) -> None:
        self.study = lt.Study("bench", space_of(parameters), minimize="loss", method=method, seed=seed)
        self.batch = batch
        self._asked: list[Any] = []
        self._running: list[Any] = []
        self._results: list[tuple[Any, float]] = []

    def ask(self) -> dict[str, Any]:
        """Give the next configuration."""
        if not self._asked:
            for trial, loss in self._results:
                self.study.tell(trial, loss)
            self._results = []
            self._asked = self.study.ask(self.batch)
        self._running.append(self._asked.pop(0))
        return dict(self._running[-1].params)

    def tell(self, config: Mapping[str, Any], loss: float) -> None:
        """Take the loss of the configuration that was asked for last; a batch is told when all of it is known."""
        self._results.append((self._running.pop(), loss))
        if not self._asked:
            for trial, value in self._results:
                self.study.tell(trial, value)
            self._results = []


def peer(method: Callable[[], Any], batch: int = 1) -> Callable[[Sequence[Mapping[str, Any]], int, int], Luthier]:
    """Make an entry for the benchmark's table of peers."""
    return lambda parameters, seed, trials=None: Luthier(parameters, seed, method(), batch)
