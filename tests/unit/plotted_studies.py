"""Small studies for the tests of pictures, made from given results."""

from __future__ import annotations

import math

import luthier as lt

HOSTILE = (
    "<b>bold</b>",
    "<script>alert(1)</script>",
    '<a href="javascript:alert(1)">x</a>',
    "<img src=x onerror=alert(1)>",
    "$x^2$",
    "$\\frac{1}{2}",
    "\\input{/etc/passwd}",
    "100 % {y} %{x}",
    "_hidden",
    "&lt;&amp;",
    "a\x1b[31mred\x07\u202egnirts",
    "[bold red]rich[/]",
    "n" * 300,
    "']; drop",
    "日本語 🎲",
    "two\nlines",
)
"""Texts that a library, a page or a terminal could take for something else than text."""


def conditional() -> lt.Study:
    """Maximized, on a log scale, with a condition, a failure and an infeasible trial."""
    space = lt.Space(
        {
            "kernel": lt.Choice("rbf", "linear"),
            "C": lt.Float(1e-3, 1e3, log=True),
            "gamma": lt.Float(1e-5, 1e1, log=True, when="kernel == 'rbf'"),
            "size": lt.Ordinal("s", "m", "l"),
        }
    )
    study = lt.Study("conditional", space, maximize="accuracy", seed=0)
    results = [
        ({"kernel": "rbf", "C": 1.0, "gamma": 0.1, "size": "s"}, 0.5),
        ({"kernel": "linear", "C": 0.01, "size": "m"}, 0.7),
        ({"kernel": "rbf", "C": 100.0, "gamma": 1e-4, "size": "l"}, {"accuracy": 0.99, "violations": {"ms": 2.0}}),
        ({"kernel": "rbf", "C": 1000.0, "gamma": 10.0, "size": "s"}, math.nan),
        ({"kernel": "linear", "C": 10.0, "size": "l"}, 0.6),
        ({"kernel": "rbf", "C": 3.0, "gamma": 0.01, "size": "m"}, 0.9),
    ]
    study.add_many([params for params, _ in results], [value for _, value in results], durations_s=[1.0] * 6)
    return study


def two_objectives() -> lt.Study:
    """One objective minimized, one maximized."""
    study = lt.Study("two", {"x": lt.Float(0, 1), "n": lt.Int(1, 9)}, minimize="cost", maximize="gain", seed=0)
    values = [(5.0, 1.0), (3.0, 2.0), (4.0, 4.0), (2.0, 0.5), (3.0, 3.0), (6.0, 4.0)]
    params = [{"x": 0.1 * place, "n": place + 1} for place in range(6)]
    study.add_many(params, [{"cost": cost, "gain": gain} for cost, gain in values])
    return study


def reporting() -> lt.Study:
    """Three trials with intermediate values: one done, one failed, one running."""
    study = lt.Study("reporting", {"x": lt.Float(0, 1)}, minimize="loss", seed=0)
    for x, steps in ((0.2, 3), (0.5, 2), (0.9, 1)):
        trial = study.ask(params={"x": x})
        for step in range(steps):
            study.report(trial, 1.0 / (step + 1) + x, step)
        if steps == 3:
            study.tell(trial, 0.4, duration_s=2.0)
        if steps == 2:
            study.tell(trial, failed="ValueError: <i>no</i>", duration_s=0.5)
    return study


def hostile() -> lt.Study:
    """Every name and text is one of the corpus."""
    options = HOSTILE[:8]
    space = {name: lt.Choice(*options) for name in HOSTILE[:5]} | {name: lt.Float(0, 1) for name in HOSTILE[5:]}
    study = lt.Study(HOSTILE[0] + HOSTILE[4], space, minimize=[HOSTILE[3], HOSTILE[6]], seed=0)
    for place, text in enumerate(HOSTILE):
        params = {name: options[(place + row) % 8] for row, name in enumerate(HOSTILE[:5])}
        trial = study.ask(params=params | dict.fromkeys(HOSTILE[5:], (place + 1) / 20))
        study.report(trial, 1.0 + place, 0)
        if place % 3 == 0:
            study.tell(trial, failed=f"{text}: {text}", duration_s=1.0)
        else:
            study.tell(trial, {HOSTILE[3]: float(place), HOSTILE[6]: float(-place % 5)}, duration_s=1.0)
    return study
