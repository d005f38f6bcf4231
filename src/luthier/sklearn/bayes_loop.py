"""Ask a study for candidates, have them evaluated, and tell it what came of them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from luthier.errors import SpaceExhausted
from luthier.executor import Executor, Processes
from luthier.run import Budget, End, Study
from luthier.sklearn.evaluation import Scores
from luthier.sklearn.racing.missing_folds import folds_run
from luthier.sklearn.racing.race import Race
from luthier.sklearn.record import result_of, scores_of, seconds_of
from luthier.sklearn.session import Session
from luthier.sklearn.spaces.parse_space import ParsedSpace
from luthier.sklearn.worker_objective import FoldObjective, RaceMonitor, failed
from luthier.study import ActiveTrial


@dataclass
class BayesLoop:
    """The search of one space.

    Args:
        session: evaluates.
        study: says what; has what earlier runs found.
        reading: how its configurations are parameters.
        metric: which score is the value of a trial, where there are several.
        trials: how many the study has in the end: more where folds were saved, so long as there are enough of them.
        batch: how many are asked for at once.
        budget: when to stop before that.
        tell: is called after each batch; says whether to stop.
        limit: how many trials the study has at most, however many folds were saved; None for any number.
    """

    session: Session
    study: Study
    reading: ParsedSpace
    metric: Any
    trials: int
    batch: int
    budget: Budget
    tell: Callable[[], bool]
    limit: int | None = None
    _live: list[ActiveTrial] = field(default_factory=list)
    _spent: dict[int, int] = field(default_factory=dict)

    def here(self, context: Any) -> None:
        """Evaluate batches by joblib, until the study has all its trials."""
        self.session.schedule.recall(self._take())
        while (wanted := min(self.batch, self._affordable())) > 0:
            if self.budget.spent(self.study.history, self.study.elapsed_s()) is not None:
                return
            try:
                self._live = self.study.ask(wanted)
            except SpaceExhausted:
                self._warn()
                return
            self._batch(context)
            if self.tell():
                return

    def _affordable(self, running: int = 0) -> int:
        """Give how many more candidates can be evaluated on all folds, beside those that run."""
        folds = self.session.folds
        for trial in self.study.trials:
            if trial.reason is not None and trial.number not in self._spent:
                self._spent[trial.number] = folds_run(scores) if (scores := scores_of(trial)) else folds
        left = self.trials * folds - sum(self._spent.values()) - running * folds
        return left // folds if self.limit is None else min(left // folds, self.limit - len(self._spent) - running)

    def elsewhere(self, workers: int, raises: bool) -> None:
        """Evaluate in supervised processes of Luthier's, each trial in one of them, until the study has all its trials.

        Args:
            workers: how many at once.
            raises: whether a trial that fails ends the search.
        """
        session = self.session
        setting, schedule = session.setting, session.schedule
        raced = isinstance(schedule, Race) and schedule.settings.begin(session.folds) < session.folds
        evaluator = session.evaluator.part(workers)
        folds = list(session.cv.split(setting.X, setting.y, **session.split_params))
        objective = FoldObjective(evaluator, session.estimator, setting, folds, self.reading, self.metric)
        referee: RaceMonitor | None = None

        def make(objective: Any, workers: int) -> Executor:
            nonlocal referee
            made = Processes(objective, workers)
            if raced and isinstance(schedule, Race):
                referee = RaceMonitor(made, schedule, session.folds, self._affordable)
            return referee or made

        def after(study: Study, result: Any) -> None:
            session.progress.done(scores_of(result))
            if self.tell() or (referee is not None and referee.idle and self._affordable() <= 0):
                study.stop()

        schedule.recall([scores for scores in map(scores_of, self._ended()) if scores])
        end = None
        if self._affordable() > 0:
            end = self.study.run(
                objective,
                trials=self.limit if raced else self.trials,
                workers=workers,
                executor=make,
                callbacks=[after],
                on_error="raise" if raises else "go on",
                time_s=self.budget.time_s,
                target=self.budget.target,
                plateau=self.budget.plateau,
            )
        if end is End.EXHAUSTED:
            self._warn()
        self._take()

    def _batch(self, context: Any) -> None:
        live = self._live
        part = context.subcontext(
            task_name="batch", max_subtasks=len(live) * self.session.folds, sequential_subtasks=False
        ).call_on_fit_task_begin(estimator=self.session.search)
        told: set[int] = set()

        def done(place: int, scores: Sequence[Scores]) -> None:
            result = result_of(scores, self.metric)
            self.study.tell(live[place], result, duration_s=seconds_of(scores))
            told.add(place)

        try:
            self.session.evaluate(
                [self.reading.params(trial.params) for trial in live], callback_ctx=part, done=done, settle=False
            )
        except BaseException:
            for place, trial in enumerate(live):
                if place not in told:
                    self.study.release(trial, "the search was ended by an exception")
            raise
        part.call_on_fit_task_end(estimator=self.session.search)

    def _ended(self) -> list[Any]:
        return [trial for trial in self.study.trials if trial.reason is not None]

    def _take(self) -> list[list[Scores]]:
        """Take in the trials that have ended, and give their scores; those without any failed in all folds."""
        ended = self._ended()
        known = [scores_of(trial) for trial in ended]
        like = next((scores[0] for scores in known if scores), None)
        out = [
            scores or [failed(trial.error, self.session.setting, like) for _ in range(self.session.folds)]
            for trial, scores in zip(ended, known, strict=True)
        ]
        self.session.progress.expect(len(ended), len(ended))
        self.session.take([self.reading.params(t.params) for t in ended], [one for some in out for one in some])
        return out

    def _warn(self) -> None:
        """Say that the space is used up, unless what was wanted is there and more could have been afforded."""
        if self.study.history.finished >= self.trials:
            return
        warnings.warn(
            f"The search space has no more than {self.study.history.finished} candidates, fewer than the "
            f"{self.trials} that were wanted: all of them were evaluated.",
            UserWarning,
            stacklevel=2,
        )
