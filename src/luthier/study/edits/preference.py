"""Preferences: a person's answers which of two trials is better."""

from __future__ import annotations

from luthier.errors import InvalidSetting, TrialNotFound
from luthier.event import Event, Preferred
from luthier.history import History
from luthier.scalar import short, to_whole
from luthier.study.retraction import OneTrial
from luthier.study.trial_result import TrialResult


def preferred(history: History, better: OneTrial, worse: OneTrial) -> list[Event]:
    """Decide how an answer is noted.

    Raises:
        InvalidSetting: the study has one objective; or it is the same trial, or one without values.
        TrialNotFound: there is no such trial.
    """
    goals = history.problem().objectives
    if len(goals) < 2:
        raise InvalidSetting(f"there is nothing to prefer: {goals[0].name!r}, the one objective, says which is better")
    first, second = (_number(history, one) for one in (better, worse))
    if first == second:
        raise InvalidSetting(f"trial {first} cannot be preferred to itself: name two trials")
    return [Preferred(first, second)]


def preferences(history: History) -> tuple[tuple[int, int], ...]:
    """Give the answers in order: the numbers of two trials each, the preferred one first. Cost O(events)."""
    return tuple((event.better, event.worse) for event in history.events if isinstance(event, Preferred))


def _number(history: History, trial: object) -> int:
    number = trial.number if isinstance(trial, TrialResult) else to_whole(trial)
    if number is None:
        raise TrialNotFound(f"give a trial or its number, not {short(trial)}")
    found = history.trial(number)
    if not found.is_done:
        raise InvalidSetting(f"trial {number} has no values that could be preferred: it is {found.state.value}")
    return number
