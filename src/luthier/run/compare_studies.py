"""Comparison of studies: the public function."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from luthier._hints import translating
from luthier.analysis import StudyComparison, compare_histories
from luthier.errors import InvalidSetting
from luthier.render import short
from luthier.run.study import Study
from luthier.study import StudyReader

Side: TypeAlias = Study | StudyReader | Sequence[Study | StudyReader]
"""A study, or repetitions of it."""


@translating({})
def compare(first: Side, second: Side, objective: str | None = None, level: float = 0.95) -> StudyComparison:
    """Compare two studies of one objective, or two lists of repetitions, at equal numbers of trials.

    Args:
        first: a study or a reader; or several, such as the same study with several seeds.
        second: what it is compared with; as many, the i-th of each are a pair.
        objective: its name, where there are several.
        level: the probability of each interval, in (0, 1).

    Returns:
        Best values after each number of trials and their paired differences; and where both tried the same
        configurations, the differences of their values. Intervals are those of Student's t over the pairs.

    Raises:
        InvalidSetting: the studies have no objective in common, or one minimizes what the other maximizes; or the two
            lists are of different lengths or empty.
        NoResult: a study has no finished trial.

    Cost O(trials).

    Example:
        >>> import luthier as lt
        >>> space = {"x": lt.Float(-5, 5)}
        >>> pairs = []
        >>> for seed in range(3):
        ...     pair = [lt.Study(n, space, minimize="y", method=m, seed=seed) for n, m in
        ...             [("random", lt.Random()), ("sobol", lt.Quasi("sobol"))]]
        ...     for study in pair:
        ...         _ = study.run(lambda trial: trial["x"] ** 2, trials=8)
        ...     pairs.append(pair)
        >>> compared = lt.compare(*zip(*pairs, strict=True))
        >>> compared.names, compared.pairs, len(compared.trials)
        (('random', 'sobol'), 3, 8)
    """
    single = (Study, StudyReader, str)
    sides = [[side] if isinstance(side, single) else list(side) for side in (first, second)]
    for given in [*sides[0], *sides[1]]:
        if not isinstance(given, Study | StudyReader):
            raise InvalidSetting(f"compare: {short(given)} is not a study: give studies, or lists of them")
    names = [side[0].name if side else "" for side in sides]
    if names[0] == names[1]:
        names = [f"{name} ({which})" for name, which in zip(names, ("first", "second"), strict=True)]
    one, two = ([each.history for each in side] for side in sides)
    return compare_histories(one, two, (names[0], names[1]), objective, level)
