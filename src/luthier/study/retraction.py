"""Retractions: trials that ended and are to be run again, or to count for nothing. Pure decisions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

from luthier.errors import InvalidSetting
from luthier.event import Event, Forgotten, Reopened, Told
from luthier.history import History
from luthier.scalar import short, to_whole
from luthier.study.trial_result import TrialResult
from luthier.trial import Reason, State

OneTrial: TypeAlias = int | TrialResult
TrialSelection: TypeAlias = OneTrial | Iterable[OneTrial] | Callable[[TrialResult], object]
"""A number or a result, several of them, or a function that says of a result whether it is meant."""


def has_failed(result: TrialResult) -> bool:
    """Tell whether a trial failed: an error, a limit, a value that is no number, or workers that were lost."""
    return result.reason is not None and result.reason.is_crash


def reopen(history: History, which: TrialSelection) -> tuple[list[Event], tuple[int, ...]]:
    """Decide which trials are run again; those that wait for it already are left as they are.

    Returns:
        The events, and the numbers of the trials that are run again.

    Raises:
        TrialNotFound: there is no such trial.
        InvalidSetting: a trial runs, or the present space cannot hold it; or the selection makes no sense.
    """
    chosen = _chosen(history, which, "retry")
    if callable(which):
        chosen = [number for number in chosen if history.config(number) is not None]
    for number in chosen:
        if history.trial(number).state is State.RUNNING:
            raise InvalidSetting(f"trial {number} is running: its result can still be told, so there is no retry yet")
        if history.config(number) is None:
            raise InvalidSetting(
                f"trial {number} cannot be run again: the study was changed to a space that does not hold its "
                f"configuration {dict(history.trial(number).config)}"
            )
    ended = (number for number in chosen if history.trial(number).outcome is not None)
    return [Reopened(number) for number in ended], tuple(chosen)


def forget(history: History, which: TrialSelection) -> tuple[list[Event], tuple[int, ...]]:
    """Decide which trials count for nothing; one that waits to be run again is not run any more.

    Returns, Raises: as `reopen`.
    """
    chosen = _chosen(history, which, "forget")
    events: list[Event] = []
    for number in chosen:
        trial = history.trial(number)
        if trial.state is State.RUNNING:
            raise InvalidSetting(
                f"trial {number} is running: tell its result, or release it with study.release({number}), and then "
                "forget it"
            )
        if trial.state in (State.WAITING, State.PAUSED):
            token = trial.lease.token if trial.lease else 0
            events.append(Told(number, token, str(Reason.INTERRUPTED), error="forgotten while it waited to be run"))
        if not trial.forgotten:
            events.append(Forgotten(number))
    return events, tuple(chosen)


def _chosen(history: History, which: TrialSelection, verb: str) -> list[int]:
    """Give the numbers that are meant, each once; of a function those of trials that ended."""
    if callable(which):
        space, objectives = history.space, history.problem().objectives
        ended = (trial for trial in history.trials if trial.outcome is not None)
        return [trial.number for trial in ended if _is_meant(which, TrialResult(trial, space, objectives), verb)]
    given: Sequence[object]
    if isinstance(which, Iterable) and not isinstance(which, str | bytes | Mapping | TrialResult):
        try:
            given = list(which)
        except Exception:  # noqa: BLE001 - an array without dimensions, or a foreign object
            given = [which]
    else:
        given = [which]
    numbers = [_number(one, verb) for one in given]
    return [history.trial(number).number for number in dict.fromkeys(numbers)]


def _number(one: object, verb: str) -> int:
    if isinstance(one, TrialResult):
        return one.number
    number = to_whole(one)
    if number is None:
        raise InvalidSetting(
            f"{verb}({short(one)}): give a trial or its number, a list of them, or a function of a trial, such as "
            f"study.{verb}(lambda trial: trial.reason == 'failed')"
        )
    return number


def _is_meant(which: Callable[[TrialResult], object], trial: TrialResult, verb: str) -> bool:
    if isinstance(which, type):
        raise InvalidSetting(f"{verb}({which.__name__}): give a trial or its number, a list of them, or a function")
    return bool(which(trial))
