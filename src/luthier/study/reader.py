"""What can be read of a study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from luthier.history import History
from luthier.problem import Problem
from luthier.space import Space
from luthier.study import summary
from luthier.study.elapsed import elapsed_s
from luthier.study.log import StudyLog
from luthier.study.trial_result import TrialResult
from luthier.trial import Trial

if TYPE_CHECKING:
    import pandas


class StudyReader:
    """A study, to be read: every property first takes in what other processes have done.

    Args:
        ledger: the study's log.
    """

    def __init__(self, ledger: StudyLog) -> None:
        self._ledger = ledger

    @property
    def name(self) -> str:
        """The study's name."""
        return self._ledger.name

    @property
    def history(self) -> History:
        """Everything that is known now, what other processes did included."""
        return self._ledger.refresh()

    @property
    def problem(self) -> Problem:
        """What is optimized."""
        return self._ledger.history.problem()

    @property
    def space(self) -> Space:
        """The space that is searched."""
        return self._ledger.history.space

    @property
    def seed(self) -> int:
        """The seed of all the study's randomness."""
        created = self._ledger.history.created
        return created.seed if created else 0

    @property
    def trials(self) -> tuple[TrialResult, ...]:
        """All trials in order of number. Cost O(trials)."""
        with self._ledger.lock:
            return self._results(self.history.trials)

    def trial(self, number: int) -> TrialResult:
        """Give one trial. Cost O(1). Raises TrialNotFound."""
        with self._ledger.lock:
            return self._results([self.history.trial(number)])[0]

    @property
    def best(self) -> TrialResult:
        """The best trial so far. Cost O(1).

        Raises:
            NoResult: there is none.
            InvalidSetting: there are several objectives; read `front`.
        """
        with self._ledger.lock:
            return self._results([summary.best(self.history)])[0]

    @property
    def best_params(self) -> Mapping[str, Any]:
        """The values of the best trial."""
        return MappingProxyType(dict(self.best.params))

    @property
    def best_value(self) -> float:
        """The best value so far."""
        return self.best.value

    @property
    def front(self) -> tuple[TrialResult, ...]:
        """The trials that no other is better than in every objective."""
        with self._ledger.lock:
            return self._results(summary.front(self.history))

    def to_frame(self) -> pandas.DataFrame:
        """Give the trials as a pandas DataFrame (needs pandas)."""
        return summary.to_frame(self.trials, self.problem)

    def elapsed_s(self) -> float:
        """Give the seconds during which the study ran, over all processes and restarts (see `study.elapsed`)."""
        with self._ledger.lock:
            return elapsed_s(self.history, self._ledger.stamps, self._ledger.store.now())

    def __len__(self) -> int:
        return len(self.history)

    def __bool__(self) -> bool:
        return True  # also without trials

    def __repr__(self) -> str:
        return summary.describe(self.name, *self._summary())

    def _repr_html_(self) -> str:
        return summary.describe_html(self.name, *self._summary())

    def _summary(self) -> tuple[tuple[TrialResult, ...], tuple[TrialResult, ...], Problem]:
        with self._ledger.lock:
            history = self.history
            return self._results(history.trials), self._results(summary.leaders(history)), history.problem()

    def _results(self, trials: Sequence[Trial]) -> tuple[TrialResult, ...]:
        history = self._ledger.history
        space, objectives = history.space, history.problem().objectives
        return tuple(TrialResult(trial, space, objectives) for trial in trials)
