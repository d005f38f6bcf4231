"""Choice of a report's pictures, and the sections they stand in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from luthier.analysis import (
    AblationPath,
    AcquisitionSurface,
    Calibration,
    Dependence,
    DependenceSurface,
    Forecast,
    Importance,
)
from luthier.errors import InvalidSetting, NoResult
from luthier.plot import Picture, StudyPlots
from luthier.report.document import Document, Figure, Paragraph, ReportSection
from luthier.report.drawings import can_draw
from luthier.report.findings import Findings, Lack

T = TypeVar("T")

_PICTURES: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "best": (
        ("front", "The Pareto front among all trials"),
        ("history", "The values of all trials, and the best so far"),
        ("reports", "Intermediate values of the trials"),
    ),
    "effects": (
        ("importance", "Importance of the variables, with intervals"),
        ("ablation", "From the defaults to the best values, change by change"),
        ("dependence", "The objective along each variable, on average over the others, as predicted"),
        ("slice", "The values over each variable by itself"),
        ("parallel", "Each trial as a line through its values"),
    ),
    "next": (("forecast", "What further trials may gain"),),
    "time": (("timeline", "When each trial ran"),),
    "failures": (("failures", "Failures by reason, and where they were"),),
}
"""The kinds of pictures in each section, with their captions; those that mean nothing for a study are left out."""


def add_figures(document: Document, findings: Findings) -> Document:
    """Add the pictures that have a meaning for a study; where none can be drawn, say what to install."""
    if not can_draw():
        note = Paragraph(("Pictures need plotly or matplotlib: pip install 'luthier[plot]' adds them.",), "note")
        first, *rest = document.sections
        return replace(document, sections=(replace(first, blocks=(*first.blocks, note)), *rest))
    plots = StudyPlots(findings.reader, KnownAnalyses(findings))
    return replace(document, sections=tuple(_with(section, plots) for section in document.sections))


def _with(section: ReportSection, plots: StudyPlots) -> ReportSection:
    figures = []
    for kind, caption in _PICTURES.get(section.key, ()):
        try:
            picture = plots.draw(kind, backend="picture")
        except (NoResult, InvalidSetting):  # it has no meaning for this study, or too little is known
            continue
        bare = replace(picture, title="", notes=())  # which the page has as text
        figures.append(Figure(kind, bare, caption, alternative(picture), picture.notes))
    return replace(section, blocks=(*section.blocks, *figures))


def alternative(picture: Picture) -> str:
    """Describe a picture in words, for those who do not see it."""
    panels = [
        f"{panel.y.full_title or panel.y.title} over {panel.x.full_title or panel.x.title}" for panel in picture.panels
    ]
    return f"{picture.title}: {', '.join(panels[:6])}"


@dataclass(frozen=True, slots=True)
class KnownAnalyses:
    """The analyses of a report, for its pictures: those that were made are not made again.

    Args:
        findings: has them.
    """

    findings: Findings

    @property
    def acquires(self) -> bool:
        """See `luthier.plot.Analyses.acquires`."""
        return False

    def importance(self, objective: str | None = None, method: Any = None, *, interactions: bool = False) -> Importance:
        """See `luthier.plot.Analyses.importance`."""
        return _known(self.findings.importances[objective] if objective is not None else self.findings.importance)

    def forecast(self, trials: int = 20, objective: str | None = None) -> Forecast:
        """See `luthier.plot.Analyses.forecast`."""
        return _known(self.findings.forecast)

    def ablation(self, objective: str | None = None) -> AblationPath:
        """See `luthier.plot.Analyses.ablation`."""
        return _known(self.findings.ablation)

    def dependence(self, name: str, objective: str | None = None) -> Dependence:
        """See `luthier.plot.Analyses.dependence`."""
        return self.findings.analyses.dependence(name, objective, points=25, lines=10)

    def dependence_surface(self, first: str, second: str, objective: str | None = None) -> DependenceSurface:
        """See `luthier.plot.Analyses.dependence_surface`."""
        raise NoResult("a report has no surfaces")

    def calibration(self, objective: str | None = None) -> Calibration:
        """See `luthier.plot.Analyses.calibration`."""
        raise NoResult("a report has no calibration")

    def acquisition_surface(self, names: str | Sequence[str], trial: int | None = None) -> AcquisitionSurface:
        """See `luthier.plot.Analyses.acquisition_surface`."""
        raise NoResult("a report has no surfaces")


def _known(found: T | Lack) -> T:
    if isinstance(found, Lack):
        raise NoResult(found.why)
    return found
