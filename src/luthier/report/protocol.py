"""The part of a study that a report needs, and its analyses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from luthier.analysis import AblationPath, Dependence, ExpectedBest, Forecast, Importance, Prediction, SmallestChange
from luthier.study import StudyReader


class ReportAnalyses(Protocol):
    """The analyses of a report. Each raises NoResult where too little is known."""

    def thinned(self, most: int) -> ReportAnalyses:
        """Give the analyses of at most that many trials."""
        ...

    def expected_best(self, level: float = 0.9) -> ExpectedBest:
        """Give the configuration with the best predicted median."""
        ...

    def predict(self, params: Mapping[str, Any], level: float = 0.9) -> Prediction:
        """Predict the objectives at one configuration."""
        ...

    def importance(self, objective: str | None = None) -> Importance:
        """Measure how much each variable matters."""
        ...

    def forecast(self, trials: int = 20) -> Forecast:
        """Forecast the gain of further trials."""
        ...

    def ablation(self) -> AblationPath:
        """Go from the defaults to the best trial, a variable at a time."""
        ...

    def smallest_change(self) -> SmallestChange:
        """Find the configuration nearest to the defaults that is as good as the best."""
        ...

    def dependence(self, name: str, objective: str | None = None, *, points: int = 40, lines: int = 20) -> Dependence:
        """Predict an objective along one variable."""
        ...


class Reportable(Protocol):
    """A study that can be read and analysed."""

    @property
    def reader(self) -> StudyReader:
        """The study, to be read."""
        ...

    @property
    def analysis(self) -> ReportAnalyses:
        """Its analyses."""
        ...
