"""Failing trials: their outcomes, and the rule by which they end a run."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from luthier import codec
from luthier.errors import InvalidResult, InvalidSetting, LuthierError, RemoteError, TrialFailed
from luthier.executor import TaskResult
from luthier.problem import Problem
from luthier.scalar import plain_number, short, to_dict, to_whole
from luthier.study import TrialResult, parse_result
from luthier.trial import Outcome, Reason

GO_ON, RAISE, PAUSE = "go on", "raise", "pause"


def parse_ended(problem: Problem, ended: TaskResult) -> Outcome:
    """Turn an executor's result of a trial into its outcome."""
    if ended.stopped and ended.reason is Reason.DONE and ended.value is None:
        return Outcome(Reason.PRUNED, duration_s=ended.duration_s)
    if ended.reason is not Reason.DONE:
        return Outcome(ended.reason, duration_s=ended.duration_s, error=ended.error)
    try:
        return parse_result(problem, ended.value, ended.duration_s)
    except InvalidResult as error:
        error_text = f"InvalidResult: {error}"
        return Outcome(Reason.FAILED, duration_s=ended.duration_s, error=error_text, extra=_kept(ended.value))


def _kept(value: object) -> dict[str, Any]:
    """Give what an objective returned by name, as far as it can be stored: it was paid for, though it is no result."""
    found: dict[str, Any] = {}
    for name, item in to_dict(value, "a result", InvalidResult).items() if isinstance(value, Mapping) else ():
        with suppress(LuthierError, RecursionError):
            if isinstance(name, str):
                found[str.__str__(name)] = codec.from_plain(codec.to_plain(plain_number(item)))
    return found


class Failures:
    """Decide when failing trials end a run.

    Args:
        on_error: "go on" after a trial that failed (the method learns from it), or "raise" TrialFailed; "pause" where
            `give_up_after` would raise.
        give_up_after: raise TrialFailed where that many trials of the run in a row have failed in the same way, for
            then it is the objective that is broken and not the configurations. None: never.

    Raises:
        InvalidSetting: an argument is not allowed.
    """

    def __init__(self, on_error: str, give_up_after: int | None) -> None:
        if not isinstance(on_error, str) or on_error not in (GO_ON, RAISE, PAUSE):
            raise InvalidSetting(f"on_error={short(on_error)}: give {GO_ON!r}, {RAISE!r} or {PAUSE!r}")
        limit = to_whole(give_up_after)
        if give_up_after is not None and (limit is None or limit < 1):
            raise InvalidSetting(
                f"give_up_after={short(give_up_after)}: give a whole number from 1 on, or None for never"
            )
        self._on_error = on_error
        self._limit = limit
        self._way: tuple[str, str] | None = None
        self._count = 0

    def take(self, result: TrialResult, cause: BaseException | None = None) -> int:
        """Count a trial that ended; raises TrialFailed where the run is to end, from its `cause` or the text of it.

        Returns:
            After how many failures in a row the run is to pause; 0 where it is not.
        """
        outcome = result.trial.outcome
        if cause is None and result.reason is Reason.FAILED and "\n" in result.error:
            cause = RemoteError(result.error)
        if outcome is None or not outcome.reason.is_crash:
            self._way, self._count = None, 0
            return 0
        if self._on_error == RAISE:
            raise TrialFailed(
                f"trial {result.number} with {dict(result.params)} ended as {result.reason}, and on_error is "
                f"{RAISE!r}: {result.error}"
            ) from cause
        if self._limit is None:
            return 0
        self._count = self._count + 1 if outcome.failure == self._way else 1
        self._way = outcome.failure
        if self._count < self._limit:
            return 0
        if self._on_error == PAUSE:
            count, self._count = self._count, 0
            return count
        raise TrialFailed(
            f"{self._count} trials of this run in a row ended as {result.reason}, in the same way, so the "
            f"objective seems to be broken. Fix it and run again (study.retry() has the failed trials run again, "
            f"too), or give give_up_after=None. The last error: {result.error}"
        ) from cause
