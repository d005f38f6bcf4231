"""Shared by the laws of resuming: a process that dies at a chosen append, and what two runs must agree on."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from typing import Any

import luthier as lt
from luthier.event import Event, Record
from luthier.executor import RunningTrial
from luthier.store import Store
from luthier.testing.faults import Crash, FaultyStore

SPACE = lt.Space(
    {
        "x": lt.Float(-1, 1),
        "n": lt.Int(1, 9),
        "kind": lt.Choice("a", "b"),
        "depth": lt.Int(1, 4, when="kind == 'b'"),
    },
    require=["kind == 'a' or x < 0.9"],
)


def objective(trial: RunningTrial) -> float:
    """Fail where n is 9, report and note something where it is even, else a number."""
    if trial["n"] == 9:
        raise ValueError("nine")
    if trial["n"] % 2 == 0:
        trial.report(trial["x"], 0)
        trial.set(n=trial["n"])
    return float(trial["x"]) ** 2 + int(trial["n"])


class DyingStore(FaultyStore):
    """A store whose process is dead once a fault has happened: nothing is written or read any more."""

    dead = False

    def append(self, study: str, events: Sequence[Event], expect: int) -> int:
        """See `Store.append`."""
        if self.dead:
            raise Crash
        try:
            return super().append(study, events, expect)
        except Crash:
            self.dead = True
            raise

    def read(self, study: str, after: int = 0) -> tuple[Record, ...]:
        """See `Store.read`."""
        if self.dead:
            raise Crash
        return super().read(study, after)


def open_study(store: Store, method: Any = None, **settings: Any) -> lt.Study:
    """Open the study that all of these tests run."""
    method = lt.Random() if method is None else method  # quick: these tests begin very many studies
    return lt.Study("s", SPACE, minimize="loss", store=store, method=method, seed=3, **settings)


def die_at(
    store: Store, number: int, after: bool, method: Any = None, trials: int = 30, **settings: Any
) -> dict[int, float | None]:
    """Run until the append of that number; gives what was acknowledged by then: value (None: failed) by trial."""
    dying = DyingStore(store)
    dying.fail(number, after=after)
    acknowledged: dict[int, float | None] = {}
    try:
        study = open_study(dying, method)
        study.run(
            objective,
            trials=trials,
            callbacks=[lambda _, result: acknowledged.update({result.number: result.values.get("loss")})],
            **settings,
        )
    except Crash:
        pass
    study = None  # a process that died holds nothing
    gc.collect()
    return acknowledged


def outline(study: lt.Study) -> list[tuple[Any, ...]]:
    """Give what law 1 says must be equal: numbers, configurations and outcomes."""
    return [
        (
            trial.number,
            dict(trial.trial.config),
            trial.reason,
            dict(trial.values),
            [(report.step, *report.values) for report in trial.reports],
            trial.attributes,
        )
        for trial in study.trials
    ]
