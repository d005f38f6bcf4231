"""Failing trials: their outcomes, and the rule by which they end a run."""

from __future__ import annotations

from luthier.errors import InvalidResult, InvalidSetting, TrialFailed
from luthier.executor import TaskResult
from luthier.problem import Problem
from luthier.study import TrialResult, parse_result
from luthier.trial import Outcome, Reason

GO_ON, RAISE = "go on", "raise"


def parse_ended(problem: Problem, ended: TaskResult) -> Outcome:
    """Turn an executor's result of a trial into its outcome."""
    if ended.reason is not Reason.DONE:
        return Outcome(ended.reason, duration_s=ended.duration_s, error=ended.error)
    try:
        return parse_result(problem, ended.value, ended.duration_s)
    except InvalidResult as error:
        return Outcome(Reason.FAILED, duration_s=ended.duration_s, error=f"InvalidResult: {error}")


class Failures:
    """Decide when failing trials end a run.

    Args:
        on_error: "go on" after a trial that failed (the method learns from it), or "raise" TrialFailed.
        give_up_after: raise TrialFailed where that many trials from the start of the run have all failed in the same
            way, for then it is the objective that is broken and not the configurations. None: never.

    Raises:
        InvalidSetting: an argument is not allowed.
    """

    def __init__(self, on_error: str, give_up_after: int | None) -> None:
        if on_error not in (GO_ON, RAISE):
            raise InvalidSetting(f"on_error={on_error!r}: give {GO_ON!r} or {RAISE!r}")
        if give_up_after is not None and (not isinstance(give_up_after, int) or give_up_after < 1):
            raise InvalidSetting(f"give_up_after={give_up_after!r}: give a whole number from 1 on, or None for never")
        self._on_error = on_error
        self._limit = give_up_after
        self._way: tuple[str, str] | None = None
        self._count = 0

    def take(self, result: TrialResult) -> None:
        """Count a trial that ended; raises TrialFailed where the run is to end."""
        if result.reason is None or not result.reason.is_crash:
            self._limit = None  # the objective works
            return
        if self._on_error == RAISE:
            raise TrialFailed(
                f"trial {result.number} with {dict(result.params)} ended as {result.reason}, and on_error is "
                f"{RAISE!r}: {result.error}"
            )
        if self._limit is None:
            return
        way = _failure(result)
        if self._way not in (None, way):
            self._limit = None
            return
        self._way, self._count = way, self._count + 1
        if self._count >= self._limit:
            raise TrialFailed(
                f"the first {self._count} trials of this run all ended as {result.reason}, in the same way, so the "
                f"objective seems to be broken. Fix it and run again, or give give_up_after=None. The last error: "
                f"{result.error}"
            )


def _failure(result: TrialResult) -> tuple[str, str]:
    """Give the reason of a failure and, of an exception, its type."""
    kind = result.error.partition("\n")[0].partition(":")[0] if result.reason is Reason.FAILED else ""
    return str(result.reason), kind
