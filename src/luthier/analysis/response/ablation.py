"""Ablation: the path from one configuration to the best one, the most rewarding change first."""

from __future__ import annotations

from itertools import pairwise

from luthier.analysis.response.change_results import AblationPath, AblationStep
from luthier.analysis.response.start_configuration import Plain, changes_between, is_allowed, moved, start_of
from luthier.analysis.single_objective import SingleObjective
from luthier.trial import Config


def ablation_path(of: SingleObjective, given: Config | None, level: float) -> AblationPath:
    """Change one variable at a time from the start to the best trial, each time the one that is predicted to pay most.

    A change that breaks a constraint of the space waits until others have been made, unless none is left.

    Source: Fawcett and Hoos (2016), Analysing differences between algorithm configurations through ablation, section 3;
    Biedenkapp et al. (2017), Efficient parameter importance analysis via ablation with surrogates, for the predictions.
    """
    space = of.problem.space
    row = of.best_row
    start, end = start_of(of, given), {name: of.config(row)[name] for name in space.names if name in of.config(row)}
    configs: list[Plain] = [start.config]
    while len(configs) <= len(space) and (following := _best_change(of, configs[-1], end)) is not None:
        configs.append(following)
    intervals = of.intervals(space.encode(configs), level)
    sign = 1.0 if of.goal.maximize else -1.0
    gains = [sign * (after.median - before.median) for before, after in pairwise(intervals)]
    whole = sum(gains)
    steps = tuple(
        AblationStep(changes_between(space, before, after), interval, gain, gain / whole if whole > 0 else 0.0)
        for (before, after), interval, gain in zip(pairwise(configs), intervals[1:], gains, strict=True)
    )
    return AblationPath(
        of.goal.name,
        of.goal.maximize,
        start.origin,
        start.config,
        end,
        of.numbers[row],
        intervals[0],
        steps,
        level,
        of.by,
    )


def _best_change(of: SingleObjective, config: Plain, end: Plain) -> Plain | None:
    """Give the configuration after the most rewarding change; None where there is none left."""
    space = of.problem.space
    candidates = []
    for change in changes_between(space, config, end):
        if change.name in end:
            candidate = moved(space, config, [change.name], end)
            if candidate != config and candidate not in candidates:
                candidates.append(candidate)
    if not candidates:
        return None
    allowed = [candidate for candidate in candidates if is_allowed(space, candidate)] or candidates
    medians = of.medians(space.encode(allowed))
    return allowed[int(medians.argmin())]
