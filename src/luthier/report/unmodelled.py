"""A study that can only be read: it is reported without analyses that take a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn, Self

from luthier.errors import NoResult
from luthier.study import StudyReader


@dataclass(frozen=True, slots=True)
class UnmodelledStudy:
    """A stored study whose method cannot be built again, such as one that is not registered any more.

    Args:
        reader: the study.
        why: the reason, in words.
    """

    reader: StudyReader
    why: str

    @property
    def analysis(self) -> Self:
        """Analyses, all of which say why there are none."""
        return self

    def thinned(self, most: int) -> Self:
        """See `ReportAnalyses.thinned`."""
        return self

    def expected_best(self, level: float = 0.9) -> NoReturn:
        """See `ReportAnalyses.expected_best`."""
        raise NoResult(self.why)

    def predict(self, params: Mapping[str, Any], level: float = 0.9) -> NoReturn:
        """See `ReportAnalyses.predict`."""
        raise NoResult(self.why)

    def importance(self, objective: str | None = None) -> NoReturn:
        """See `ReportAnalyses.importance`."""
        raise NoResult(self.why)

    def forecast(self, trials: int = 20) -> NoReturn:
        """See `ReportAnalyses.forecast`."""
        raise NoResult(self.why)

    def ablation(self) -> NoReturn:
        """See `ReportAnalyses.ablation`."""
        raise NoResult(self.why)

    def smallest_change(self) -> NoReturn:
        """See `ReportAnalyses.smallest_change`."""
        raise NoResult(self.why)

    def dependence(self, name: str, objective: str | None = None, *, points: int = 40, lines: int = 20) -> NoReturn:
        """See `ReportAnalyses.dependence`."""
        raise NoResult(self.why)
