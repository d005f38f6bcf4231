"""Events of every kind and values that text forms lose, to test stores with."""

from __future__ import annotations

import math
from typing import Any

from luthier.event import (
    Annotated,
    Asked,
    Attributed,
    Changed,
    Claimed,
    Configured,
    Created,
    Directed,
    Enqueued,
    Event,
    Forgotten,
    Freed,
    Preferred,
    Renewed,
    Reopened,
    Reported,
    Retried,
    Told,
)

STUDY = "digits"
EVENTS: tuple[Event, ...] = (
    Created(
        STUDY, {"x": ["float", 0.0, 1.0]}, (("loss", False), ("accuracy", True)), 2**64 - 1, True, 100, version="0.1"
    ),
    Configured({"name": "random"}, 50, {"numpy": "2.0"}),
    Changed({"x": ["float", 0.0, 2.0]}),
    Claimed(1, 3, 2, "host:1", 60.0),
    Asked(
        0,
        {"x": 0.25, "layers": (1, 2), "kind": None, "on": True},
        3,
        "method",
        (0, 2),
        "host:1",
        60.0,
        {"why": ["best"]},
        "ticket-0",
        1,
        2,
    ),
    Retried(0, "host:2", 30.0),
    Renewed(0, 4),
    Reported(0, 4, 10, 0.5),
    Freed(0, 4, "lost", "killed", 2.5),
    Told(0, 4, "done", {"loss": 0.125}, {"c": -1.0}, 1.5, "", {"note": "fine"}),
    Reopened(0),
    Forgotten(0),
    Attributed(0, 4, {"epoch": 3, "device": "cuda:1"}),
    Annotated("a note", ("paper", "gpu")),
    Directed("pause", "host/1/2/ab", 5),
    Preferred(3, 0),
    Enqueued({"x": 1.0}, "ticket-1"),
)
"""One event of every kind, with every field."""

HARD_VALUES: tuple[Any, ...] = (
    math.inf,
    -math.inf,
    -0.0,
    5e-324,
    1.7976931348623157e308,
    0.1 + 0.2,
    2**63,
    -(2**100),
    "Ünïcödé \u2028 \U0001f3bb",
    "a\0b",
    '{"$float":"nan"}',
    {"$float": "nan"},
    {"$tuple": [1]},
    {"$": {}},
    {"": ""},
    (),
    ((1,), [2, (3,)]),
    [],
    {},
)
"""Values that text forms tend to lose."""
