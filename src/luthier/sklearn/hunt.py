"""Ask a study for candidates, have them evaluated, and tell it what came of them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sklearn.base import clone

from luthier.errors import SpaceExhausted
from luthier.run import Budget, End, Study
from luthier.sklearn.evaluation import Evaluator, Job, Scores, Setting
from luthier.sklearn.partial import folds_run
from luthier.sklearn.progress import score_of
from luthier.sklearn.record import result_of, scores_of, seconds_of
from luthier.sklearn.session import Session
from luthier.sklearn.spaces import Reading
from luthier.study import LiveTrial


@dataclass
class Hunt:
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
    reading: Reading
    metric: Any
    trials: int
    batch: int
    budget: Budget
    tell: Callable[[], bool]
    limit: int | None = None
    _live: list[LiveTrial] = field(default_factory=list)

    def here(self, context: Any) -> None:
        """Evaluate batches by joblib, until the study has all its trials."""
        self._take(self.study.trials)
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

    def _affordable(self) -> int:
        """Give how many more candidates can be evaluated on all folds."""
        folds = self.session.folds
        ended = [scores_of(trial) for trial in self.study.trials if trial.reason is not None]
        left = self.trials * folds - sum(folds_run(scores) if scores else folds for scores in ended)
        return min(left // folds, self.limit - len(ended)) if self.limit is not None else left // folds

    def elsewhere(self, workers: int, raises: bool) -> None:
        """Evaluate in supervised processes of Luthier's, each trial in one of them, until the study has all its trials.

        Args:
            workers: how many at once.
            raises: whether a trial that fails ends the search.
        """
        session = self.session
        setting, folds = (
            session.setting,
            list(session.cv.split(session.setting.X, session.setting.y, **session.split_params)),
        )
        objective = Objective(session.evaluator, session.estimator, setting, folds, self.reading, self.metric)

        def after(study: Study, result: Any) -> None:
            session.progress.done(scores_of(result))
            if self.tell():
                study.stop()

        end = self.study.run(
            objective,
            trials=self.trials,
            workers=workers,
            executor="processes",
            callbacks=[after],
            on_error="raise" if raises else "go on",
            time_s=self.budget.time_s,
            target=self.budget.target,
            plateau=self.budget.plateau,
        )
        if end is End.EXHAUSTED:
            self._warn()
        self._take(self.study.trials)

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

    def _take(self, trials: Sequence[Any]) -> None:
        """Take in the trials that have ended; those without scores failed in all folds."""
        ended = [trial for trial in trials if trial.reason is not None]
        if not ended:
            return
        known = [scores_of(trial) for trial in ended]
        like = next((scores[0] for scores in known if scores), None)
        out = [
            scores or [failed(trial.error, self.session.setting, like) for _ in range(self.session.folds)]
            for trial, scores in zip(ended, known, strict=True)
        ]
        self.session.progress.expect(len(ended), len(ended))
        self.session.schedule.recall(out)
        self.session.take([self.reading.params(t.params) for t in ended], [one for some in out for one in some])

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


@dataclass(frozen=True)
class Objective:
    """The cross-validation of one trial, for a process of its own.

    Args:
        evaluator: evaluates a candidate on a fold.
        estimator: is cloned.
        setting: what is the same for all.
        folds: the rows of each.
        reading: how a configuration is parameters.
        metric: which score is the value.
    """

    evaluator: Evaluator
    estimator: Any
    setting: Setting
    folds: Sequence[Any]
    reading: Reading
    metric: Any

    def __call__(self, trial: Any) -> Mapping[str, Any]:
        """Evaluate all folds, one after the other; report the mean so far after each."""
        params = self.reading.params(trial.params)
        scores: list[Scores] = []
        for fold, (train, test) in enumerate(self.folds):
            job = Job(trial.number, params, fold, train, test, trial.number + 1, len(self.folds))
            scores.append(self.evaluator(clone(self.estimator), self.setting, job, None, None))
            trial.report(score_of(scores, self.metric))
        return {**result_of(scores, self.metric)}


def failed(error: str, setting: Setting, like: Scores | None) -> Scores:
    """Make the scores of a fold of a candidate whose process failed: those of a fit that raised."""
    score = setting.error_score if setting.error_score != "raise" else float("nan")
    value: Any = score
    if like is not None and isinstance(like["test_scores"], dict):
        value = dict.fromkeys(like["test_scores"], score)
    found = {"test_scores": value, "fit_time": 0.0, "score_time": 0.0, "n_test_samples": 0}
    if setting.return_train_score:
        found["train_scores"] = value
    return {**found, "fit_error": error or "the process of the trial ended without a word"}
