"""Findings of the analyses of a study, each made once; or the reason why there is none."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TypeVar

from luthier._typing import Floats
from luthier.analysis import (
    AblationPath,
    ExpectedBest,
    FailureSummary,
    Forecast,
    Importance,
    Lead,
    Prediction,
    SmallestChange,
    Timeline,
    TrialTable,
    failure_summary,
    lead_over,
    run_seconds,
    timeline,
    trial_table,
)
from luthier.errors import InvalidConfig, InvalidSetting, NoResult
from luthier.problem import Problem
from luthier.report.protocol import Reportable, ReportAnalyses
from luthier.study import StudyReader, TrialResult
from luthier.trial import Config

T = TypeVar("T")

MOST_ANALYSED = 1000
"""Trials that models are fitted to; of more, some are chosen."""


@dataclass(slots=True, frozen=True)
class Lack:
    """The reason why an analysis says nothing."""

    why: str


@dataclass(eq=False)
class Findings:
    """The analyses of a study as of one moment, made when a section first asks for them.

    Args:
        study: gives them.
    """

    study: Reportable

    @cached_property
    def reader(self) -> StudyReader:
        """The study, to be read."""
        return self.study.reader

    @cached_property
    def analyses(self) -> ReportAnalyses:
        """The analyses that take a model; of very many trials they see some."""
        return self.study.analysis.thinned(MOST_ANALYSED)

    @cached_property
    def thinning(self) -> str:
        """Which trials the models see, where these are not all; empty where they are."""
        total = len(self.trials)
        if total <= MOST_ANALYSED:
            return ""
        return (
            f"Models see {MOST_ANALYSED:,} of the {total:,} trials: the best tenth of these, and others spread evenly."
        )

    @cached_property
    def problem(self) -> Problem:
        """The space and the objectives."""
        return self.reader.problem

    @cached_property
    def trials(self) -> tuple[TrialResult, ...]:
        """All trials."""
        return self.reader.trials

    @cached_property
    def table(self) -> TrialTable:
        """The trials that count, as arrays."""
        return trial_table(self.reader.history)

    @cached_property
    def losses(self) -> Floats:
        """The losses of the one objective (n,), for the rows of `table`; NaN where there is no value."""
        (goal,) = self.problem.objectives
        values = self.table.values[:, 0]
        return 0.0 - values if goal.maximize else values

    @cached_property
    def leaders(self) -> tuple[TrialResult, ...]:
        """The best trial, or the front; empty where no trial has a value."""
        return self.reader.leaders

    @property
    def single(self) -> bool:
        """Whether there is one objective."""
        return len(self.problem.objectives) == 1

    @cached_property
    def defaults(self) -> TrialResult | None:
        """The first finished trial with the default values of all variables, if any."""
        wanted = self.problem.space.defaults()
        if wanted is None:
            return None
        trials = self.table.trials
        numbers = (one.number for one in trials if one.is_done and _is_same(one.config, wanted))
        number = next(numbers, None)
        return None if number is None else self.reader.trial(number)

    @cached_property
    def lead(self) -> Lead | None:
        """The lead of the best trial over that of the defaults; None where these were not tried, or are the best."""
        defaults = self.defaults
        if not self.single or not self.leaders or defaults is None or defaults.number == self.leaders[0].number:
            return None
        noise = self.forecast.noise if isinstance(self.forecast, Forecast) else 0.0
        return lead_over(self.problem, self.leaders[0].trial, defaults.trial, lambda: noise)

    @cached_property
    def expected_best(self) -> ExpectedBest | Lack:
        """The configuration with the best predicted median."""
        return _attempt(self.analyses.expected_best)

    @cached_property
    def at_best(self) -> Prediction | Lack:
        """The prediction at the best trial's configuration."""
        return (
            _attempt(lambda: self.analyses.predict(self.leaders[0].params)) if self.leaders else Lack("no best trial")
        )

    @cached_property
    def importances(self) -> dict[str, Importance | Lack]:
        """The importance of the variables for each objective, by its name."""
        names = [goal.name for goal in self.problem.objectives]
        return {name: _attempt(partial(self.analyses.importance, name)) for name in names}

    @property
    def importance(self) -> Importance | Lack:
        """The importance of the variables for the first objective."""
        return next(iter(self.importances.values()))

    @cached_property
    def forecast(self) -> Forecast | Lack:
        """The gain of 20 more trials."""
        return _attempt(self.analyses.forecast)

    @cached_property
    def ablation(self) -> AblationPath | Lack:
        """The way from the defaults to the best trial."""
        return _attempt(self.analyses.ablation)

    @cached_property
    def smallest_change(self) -> SmallestChange | Lack:
        """The configuration nearest to the defaults that is as good as the best."""
        return _attempt(self.analyses.smallest_change)

    @cached_property
    def failures(self) -> FailureSummary | Lack:
        """The failures, by kind and region."""
        return _attempt(lambda: failure_summary(self.table))

    @cached_property
    def run_seconds(self) -> dict[int, float]:
        """The seconds of all runs of each trial, by number, where they are known."""
        return run_seconds(self.reader.events)

    @cached_property
    def timeline(self) -> Timeline | Lack:
        """The attempts of the trials, by when they ran."""
        reader = self.reader
        return _attempt(lambda: timeline(reader.events, reader.stamps, reader.stamps[-1]))


def _is_same(config: Config, wanted: Config) -> bool:
    """Tell whether two configurations have the same values, floats to the precision at which they are searched."""
    if config.keys() != wanted.keys():
        return False
    for name, value in wanted.items():
        own = config[name]
        close = isinstance(value, float) and isinstance(own, float) and math.isclose(own, value, rel_tol=1e-9)
        if own != value and not close:
            return False
    return True


def _attempt(analysis: Callable[[], T]) -> T | Lack:
    """Make an analysis; where it has no meaning or too little is known, give the reason."""
    try:
        return analysis()
    except (NoResult, InvalidSetting, InvalidConfig) as error:
        return Lack(str(error))
