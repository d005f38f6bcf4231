"""Pictures of a study, by kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from luthier._hints import translating_methods
from luthier._runtime.collection_pause import COLLECTION_PAUSE
from luthier.analysis import (
    AblationPath,
    AcquisitionSurface,
    Calibration,
    Dependence,
    DependenceSurface,
    Forecast,
    Importance,
)
from luthier.errors import InvalidSetting, LuthierError, NoResult
from luthier.method import ModelBased, from_plain
from luthier.plot.backends import check_backend, draw
from luthier.plot.kinds import KINDS, check_kind, drawable, instead_of, unknown_kind
from luthier.plot.picture import Picture
from luthier.plot.pictures.estimate_picture import (
    ablation_picture,
    calibration_picture,
    forecast_picture,
    importance_picture,
)
from luthier.plot.pictures.failure_picture import failure_picture
from luthier.plot.pictures.front_picture import front_picture, hypervolume_picture
from luthier.plot.pictures.history_picture import history_picture
from luthier.plot.pictures.parallel_picture import parallel_picture
from luthier.plot.pictures.rank_picture import edf_picture, rank_picture
from luthier.plot.pictures.report_picture import report_picture
from luthier.plot.pictures.response_picture import acquisition_picture, contour_picture, dependence_picture
from luthier.plot.pictures.slice_picture import slice_picture
from luthier.plot.pictures.timeline_picture import cost_picture, timeline_picture
from luthier.plot.subject import Subject, subjects_of
from luthier.plot.theme import find_theme
from luthier.plot.variable_choice import variable_names, variable_pair
from luthier.study import StudyReader

_MOST_DEPENDENCES = 6


class Analyses(Protocol):
    """The analyses that take a model of the objective: those of `luthier.Study.analysis`."""

    @property
    def acquires(self) -> bool:
        """Whether the method makes proposals by an acquisition function."""
        ...

    def importance(self, objective: str | None = None, method: Any = None, *, interactions: bool = False) -> Importance:
        """Measure how much each variable matters."""

    def dependence(self, name: str, objective: str | None = None) -> Dependence:
        """Predict an objective along one variable."""

    def dependence_surface(self, first: str, second: str, objective: str | None = None) -> DependenceSurface:
        """Predict an objective over two variables."""

    def calibration(self, objective: str | None = None) -> Calibration:
        """Judge the models' intervals."""

    def forecast(self, trials: int = 20, objective: str | None = None) -> Forecast:
        """Forecast how much better the best becomes."""

    def ablation(self, objective: str | None = None) -> AblationPath:
        """Go from the defaults to the best, a variable at a time."""

    def acquisition_surface(self, names: str | Sequence[str], trial: int | None = None) -> AcquisitionSurface:
        """Evaluate the acquisition function of a moment."""


@translating_methods
class StudyPlots:
    """Draw a study: ``study.plot.history()``, ``study.plot.slice()``, and so on; ``study.plot.kinds()`` says which.

    Every method gives the library's own figure: of plotly, or of matplotlib where plotly is not installed. All take

    - ``backend``: ``"plotly"``, ``"matplotlib"``; ``"terminal"`` for a text of rich, ``"picture"`` for the description
      that the libraries draw (see `luthier.plot.Picture`);
    - ``theme``: ``"light"`` or ``"dark"``;

    and raise InvalidSetting for an argument that makes no sense or a kind that means nothing for the study, NoResult
    where there is nothing to draw yet (both say what can be drawn instead), and MissingDependency where neither library
    is installed. Axes are in the units in which values were given, logarithmic where a variable is; of very many trials
    some are drawn, and of very many variables those that matter most, and the picture says so.

    Args:
        reader: the study.
        analyses: those that take a model, of an open study; None where it is only read.
    """

    def __init__(self, reader: StudyReader, analyses: Analyses | None = None) -> None:
        self._reader = reader
        self._analyses = analyses
        self._read: tuple[int, Subject] | None = None

    def kinds(self) -> tuple[str, ...]:
        """Give the kinds of pictures that this study has, in the order of `luthier.plot.KINDS`. Cost O(trials)."""
        return drawable(self._subject())

    def draw(self, kind: str, *, backend: str | None = None, theme: str = "light", **settings: Any) -> Any:
        """Draw a picture by the name of its kind, with the arguments of the method of that name."""
        if kind not in KINDS:
            check_kind(kind, self._subject())
        method: Callable[..., Any] = getattr(self, kind)
        return method(backend=backend, theme=theme, **settings)

    # --- what happened ----------------------------------------------------------------------------------

    def history(
        self,
        *others: Any,
        objective: str | None = None,
        optimum: float | None = None,
        log: bool = False,
        backend: str | None = None,
        theme: str = "light",
    ) -> Any:
        """Draw the value of each trial and the best so far; of several studies, their best values.

        Args:
            others: studies of the same objective to compare with.
            objective: its name; by default all of the study.
            optimum: the best possible value, where it is known: the regret is drawn.
            log: whether the axis of the values is logarithmic.
            backend, theme: see `StudyPlots`.
        """
        return self._made(
            "history", backend, theme, lambda one: history_picture(one, subjects_of(others), objective, optimum, log)
        )

    def slice(
        self,
        variables: Sequence[str] | None = None,
        *,
        objective: str | None = None,
        log: bool = False,
        backend: str | None = None,
        theme: str = "light",
    ) -> Any:
        """Draw the values over each variable by itself, coloured by trial.

        Args:
            variables: names; by default those that tell most about the objective, at most 12.
            objective: its name; by default the first.
            log: whether the axis of the values is logarithmic.
            backend, theme: see `StudyPlots`.
        """
        return self._made("slice", backend, theme, lambda one: slice_picture(one, variables, objective, log))

    def parallel(
        self,
        variables: Sequence[str] | None = None,
        *,
        objective: str | None = None,
        backend: str | None = None,
        theme: str = "light",
    ) -> Any:
        """Draw each trial as a line through its values; a variable that is inactive is marked absent.

        Args:
            variables: names, in order; by default those that tell most about the objective, at most 12.
            objective: its name; by default the first.
            backend, theme: see `StudyPlots`.
        """
        return self._made("parallel", backend, theme, lambda one: parallel_picture(one, variables, objective))

    def rank(
        self,
        variables: Sequence[str] | None = None,
        *,
        objective: str | None = None,
        backend: str | None = None,
        theme: str = "light",
    ) -> Any:
        """Draw the trials over pairs of variables, coloured by the rank of their values.

        Args:
            variables: two names or more; by default the four that tell most about the objective.
            objective: its name; by default the first.
            backend, theme: see `StudyPlots`.
        """
        return self._made("rank", backend, theme, lambda one: rank_picture(one, variables, objective))

    def edf(self, *others: Any, objective: str | None = None, backend: str | None = None, theme: str = "light") -> Any:
        """Draw the share of the trials that are at least as good as each value, of one study or several.

        Args:
            others: studies of the same objective to compare with.
            objective: its name; by default the first.
            backend, theme: see `StudyPlots`.
        """
        return self._made("edf", backend, theme, lambda one: edf_picture(one, subjects_of(others), objective))

    def front(self, *others: Any, backend: str | None = None, theme: str = "light") -> Any:
        """Draw the Pareto front among all trials; of several studies, what half of them and all of them attain.

        Args:
            others: studies of the same two objectives.
            backend, theme: see `StudyPlots`.
        """
        return self._made("front", backend, theme, lambda one: front_picture(one, subjects_of(others)))

    def hypervolume(
        self,
        *others: Any,
        reference: Sequence[float] | None = None,
        backend: str | None = None,
        theme: str = "light",
    ) -> Any:
        """Draw the volume that the front dominates after each trial, of one study or several.

        Args:
            others: studies of the same objectives.
            reference: the point that it is measured from, one number an objective, in their order; by default a
                tenth of the range worse than the worst value of each.
            backend, theme: see `StudyPlots`.
        """
        return self._made(
            "hypervolume", backend, theme, lambda one: hypervolume_picture(one, subjects_of(others), reference)
        )

    def reports(
        self, *, objective: str | None = None, log: bool = False, backend: str | None = None, theme: str = "light"
    ) -> Any:
        """Draw the intermediate values of the trials over their steps.

        Args:
            objective: its name; by default the first.
            log: whether the axis of the values is logarithmic.
            backend, theme: see `StudyPlots`.
        """
        return self._made("reports", backend, theme, lambda one: report_picture(one, log, objective))

    def timeline(self, *, backend: str | None = None, theme: str = "light") -> Any:
        """Draw when each trial ran, a lane for each worker, and how many ran at once."""
        return self._made("timeline", backend, theme, timeline_picture)

    def cost(self, *, objective: str | None = None, backend: str | None = None, theme: str = "light") -> Any:
        """Draw the best value over the seconds of evaluation, and the seconds of each trial.

        Args:
            objective: its name; by default the first.
            backend, theme: see `StudyPlots`.
        """
        return self._made("cost", backend, theme, lambda one: cost_picture(one, objective))

    def failures(
        self, variables: Sequence[str] | None = None, *, backend: str | None = None, theme: str = "light"
    ) -> Any:
        """Draw how many trials failed for which reason, and the share that failed along each variable.

        Args:
            variables: names; by default the five along which failures differ most.
            backend, theme: see `StudyPlots`.
        """
        return self._made("failures", backend, theme, lambda one: failure_picture(one, variables))

    # --- what the models say ----------------------------------------------------------------------------

    def importance(
        self,
        *,
        objective: str | None = None,
        method: str | None = None,
        interactions: bool = False,
        backend: str | None = None,
        theme: str = "light",
    ) -> Any:
        """Draw how much each variable matters, with intervals; see `luthier.Study.importance`.

        Args:
            objective: its name; by default the first.
            method: how importance is measured: ``fanova``, ``ped-anova``, ``permutation``, ``shapley`` or ``local``.
            interactions: whether pairs are scored.
            backend, theme: see `StudyPlots`.
        """

        def made(subject: Subject) -> Picture:
            found = self._models("importance").importance(subject.goal(objective), method, interactions=interactions)
            return importance_picture(subject, found)

        return self._made("importance", backend, theme, made)

    def dependence(
        self,
        variables: Sequence[str] | None = None,
        *,
        objective: str | None = None,
        backend: str | None = None,
        theme: str = "light",
    ) -> Any:
        """Draw the predicted objective along each variable, on average over the others; see `luthier.Study.dependence`.

        Args:
            variables: names; by default those that tell most about the objective, at most 6.
            objective: its name; by default the first.
            backend, theme: see `StudyPlots`.
        """

        def made(subject: Subject) -> Picture:
            names, few = variable_names(subject, variables, objective, _MOST_DEPENDENCES)
            goal = subject.goal(objective)
            models = self._models("dependence")
            return dependence_picture(subject, [models.dependence(name, goal) for name in names], few)

        return self._made("dependence", backend, theme, made)

    def contour(
        self,
        first: str | None = None,
        second: str | None = None,
        *,
        objective: str | None = None,
        backend: str | None = None,
        theme: str = "light",
    ) -> Any:
        """Draw the predicted objective over two variables, on average over the others.

        Args:
            first: a variable; by default the one that tells most about the objective.
            second: another.
            objective: its name; by default the first.
            backend, theme: see `StudyPlots`.
        """

        def made(subject: Subject) -> Picture:
            pair = variable_pair(subject, first, second, objective)
            goal = subject.goal(objective)
            return contour_picture(subject, self._models("contour").dependence_surface(*pair, goal))

        return self._made("contour", backend, theme, made)

    def calibration(self, *, objective: str | None = None, backend: str | None = None, theme: str = "light") -> Any:
        """Draw predictions against what was measured, and how often intervals held; see `luthier.Study.calibration`.

        Args:
            objective: its name; by default the first.
            backend, theme: see `StudyPlots`.
        """

        def made(subject: Subject) -> Picture:
            return calibration_picture(subject, self._models("calibration").calibration(subject.goal(objective)))

        return self._made("calibration", backend, theme, made)

    def forecast(
        self, trials: int = 20, *, objective: str | None = None, backend: str | None = None, theme: str = "light"
    ) -> Any:
        """Draw what further trials may gain, beside the noise of one measurement; see `luthier.Study.forecast`.

        Args:
            trials: how many further ones, from 1 to 200.
            objective: its name; by default the first.
            backend, theme: see `StudyPlots`.
        """

        def made(subject: Subject) -> Picture:
            return forecast_picture(subject, self._models("forecast").forecast(trials, subject.goal(objective)))

        return self._made("forecast", backend, theme, made)

    def ablation(self, *, objective: str | None = None, backend: str | None = None, theme: str = "light") -> Any:
        """Draw the way from the defaults to the best trial, change by change; see `luthier.Study.ablation`.

        Args:
            objective: its name; by default the first.
            backend, theme: see `StudyPlots`.
        """

        def made(subject: Subject) -> Picture:
            return ablation_picture(subject, self._models("ablation").ablation(subject.goal(objective)))

        return self._made("ablation", backend, theme, made)

    def acquisition(
        self,
        variables: Sequence[str] | None = None,
        *,
        trial: int | None = None,
        backend: str | None = None,
        theme: str = "light",
    ) -> Any:
        """Draw the acquisition function of a moment over one variable or two, the others fixed.

        Args:
            variables: one name or two; by default the two that tell most about the objective.
            trial: the number of a trial, for the moment when it was proposed; by default the next proposal.
            backend, theme: see `StudyPlots`.
        """

        def made(subject: Subject) -> Picture:
            names = variable_names(subject, variables, None, 2)[0]
            return acquisition_picture(subject, self._models("acquisition").acquisition_surface(names, trial))

        return self._made("acquisition", backend, theme, made, past=trial is not None)

    # --- inside -----------------------------------------------------------------------------------------

    def _made(
        self, kind: str, backend: str | None, theme: str, describe: Callable[[Subject], Picture], past: bool = False
    ) -> Any:
        """Check everything, describe the picture and draw it; of the past, what the method does now is no matter."""
        chosen, colors = check_backend(backend), find_theme(theme)
        with COLLECTION_PAUSE:
            picture = self._described(kind, describe, past)
        return draw(picture, chosen, colors)

    def _described(self, kind: str, describe: Callable[[Subject], Picture], past: bool) -> Picture:
        subject = replace(self._subject(), acquires=True) if past else self._subject()
        check_kind(kind, subject)
        try:
            return describe(subject)
        except NoResult as error:  # a model that cannot be made of these trials
            raise NoResult(f"no {kind} of study {subject.name!r}: {error}{instead_of(kind, subject)}") from None

    def _subject(self) -> Subject:
        """Read the study, unless nothing was appended since it was last read."""
        length = self._reader.history.length
        if self._read is None or self._read[0] != length:
            self._read = length, Subject.of(self._reader, self._acquires())
        return self._read[1]

    def _acquires(self) -> bool:
        """Tell whether the method has an acquisition function: that of the open study, or the one in the log."""
        if self._analyses is not None:
            return self._analyses.acquires
        logged = self._reader.method_spec
        try:
            return logged is None or isinstance(from_plain(logged), ModelBased)
        except LuthierError:  # a method that cannot be built here
            return True

    def _models(self, kind: str) -> Analyses:
        if self._analyses is None:
            raise InvalidSetting(f"{kind} takes a model: open the study with lt.Study(name, store=…), and study.plot")
        return self._analyses

    if not TYPE_CHECKING:  # else a checker would take every name

        def __getattr__(self, name):
            raise AttributeError(unknown_kind(name) if name[:1] != "_" else name)
