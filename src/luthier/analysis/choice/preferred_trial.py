"""Choice of one trial of a front by a person's pairwise answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from luthier._typing import Floats, Integers
from luthier.analysis.choice.front_members import FrontMembers, plain_without_params
from luthier.analysis.choice.preference_model import fit_preferences, information
from luthier.analysis.descriptive.trial_table import TrialTable, counted
from luthier.key import Key
from luthier.numeric import quasi_normal
from luthier.render import ResultForm, number

_DRAWS = 512
_ASKED_ABOUT = 12
"""The next question is about two of so many trials, those that are the likeliest to be the best."""
_LEAST = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class PreferredTrial(ResultForm):
    """The trial of a front that a person is expected to like best, by what they answered (n trials on the front).

    Args:
        number: of the trial.
        params: its configuration, as the user writes it.
        config: the same in plain form.
        values: its values by name, in the user's units.
        numbers: (n,) of the trials of the front, the one with the highest expected utility first.
        utilities: (n,) their expected utilities; a difference of 1.4 is told right in five answers of six.
        chances: (n,) how likely each of them is the best.
        answers: how many answers counted.
        agreeing: how many of them the expected utilities agree with.
        question: the numbers of two trials whose comparison would tell most; None where the front has one trial.
    """

    number: int
    params: dict[str, Any]
    config: dict[str, Any]
    values: dict[str, float]
    numbers: Integers
    utilities: Floats
    chances: Floats
    answers: int
    agreeing: int
    question: tuple[int, int] | None

    def heading(self) -> str:
        """See `ResultForm.heading`."""
        shown = ", ".join(f"{name} = {number(value)}" for name, value in self.values.items())
        told = counted(self.answers, "answer")
        return f"trial {self.number} of a front of {counted(len(self.numbers), 'trial')}, by {told}: {shown}"

    def rows(self) -> list[tuple[str, str]]:
        """See `ResultForm.rows`."""
        found = [(name, repr(value)) for name, value in self.config.items()]
        found.append(("chance to be the best", f"{float(self.chances[0]):.0%}"))
        found.append(("answers it agrees with", f"{self.agreeing} of {self.answers}"))
        if self.question is not None:
            found.append(("to be asked next", f"trial {self.question[0]} or trial {self.question[1]}"))
        return found

    def to_dict(self) -> dict[str, Any]:
        """See `ResultForm.to_dict`."""
        return plain_without_params(self)


def preferred_trial(members: FrontMembers, table: TrialTable, answers: Sequence[tuple[int, int]]) -> PreferredTrial:
    """Choose by a model of the person's utility, which is fitted to the answers.

    Without an answer all objectives are worth the same over their range on the front, as for the knee, and little is
    certain.

    Args:
        members: the front.
        table: all trials, on the front or not.
        answers: the numbers of two trials each, the preferred one first. Those about trials without values are left
            out.

    Cost O(p³ + n³) for p answers. See `luthier.analysis.choice.preference_model` for the source.
    """
    rows = {int(one): row for row, one in enumerate(table.numbers)}
    done = table.done
    known = [pair for pair in answers if all(one in rows and done[rows[one]] for one in pair)]
    best = members.losses.min(axis=0)
    width = members.losses.max(axis=0) - best
    width = np.where(width > 0, width, 1.0)
    signs = np.array([-1.0 if goal.maximize else 1.0 for goal in members.objectives])
    better, worse = (
        ((table.values[[rows[pair[side]] for pair in known]] * signs).reshape(-1, len(signs)) - best) / width
        for side in (0, 1)
    )
    model = fit_preferences(better, worse)
    points = members.scaled
    means, covariance = model.mean(points), model.covariance(points)
    chances = _chances(means, covariance)
    ranked = np.lexsort((members.numbers, -means))
    agreeing = int((model.mean(better) > model.mean(worse)).sum()) if known else 0
    top = int(ranked[0])
    return PreferredTrial(
        int(members.numbers[top]),
        members.params(top),
        dict(members.configs[top]),
        members.values(top),
        members.numbers[ranked],
        means[ranked],
        chances[ranked],
        len(known),
        agreeing,
        _question(members.numbers, means, covariance, chances, known),
    )


def _chances(means: Floats, covariance: Floats) -> Floats:
    """Give how often each of n utilities is the largest among common draws of all; (n,)."""
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    drawn = means + quasi_normal(Key.of(0).fold("preferred"), _DRAWS, len(means)) @ root.T
    found: Floats = np.bincount(drawn.argmax(axis=1), minlength=len(means)) / _DRAWS
    return found


def _question(
    numbers: Integers, means: Floats, covariance: Floats, chances: Floats, known: Sequence[tuple[int, int]]
) -> tuple[int, int] | None:
    """Give the pair whose answer tells most; one that was asked about counts the less the more often it was."""
    if len(numbers) < 2:
        return None
    likely = np.sort(np.lexsort((-means, -chances))[:_ASKED_ABOUT])
    first, second = (likely[side] for side in np.triu_indices(len(likely), 1))
    told = information(means, covariance, first, second)
    asked = [{*pair} for pair in known]
    times = [asked.count({int(numbers[a]), int(numbers[b])}) for a, b in zip(first, second, strict=True)]
    best = int(np.argmax((told + _LEAST) / (1.0 + np.array(times))))
    return int(numbers[first[best]]), int(numbers[second[best]])
