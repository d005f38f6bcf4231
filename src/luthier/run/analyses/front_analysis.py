"""Front of a study of several objectives: its hypervolume, its knee, and choices of one of its trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from luthier._hints import translating_methods
from luthier.analysis import (
    FrontChoice,
    FrontCourse,
    PreferredTrial,
    choose_by_order,
    choose_by_prices,
    choose_by_weights,
    front_course,
    front_members,
    knee,
    preferred_trial,
    trial_table,
)
from luthier.errors import InvalidSetting
from luthier.history import History
from luthier.study import preferences


class HasHistory(Protocol):
    """What can be read: a study, or a reader of one."""

    @property
    def history(self) -> History:
        """Everything that is known now."""
        ...


@translating_methods
class FrontAnalysis:
    """Measure a front, and choose one of its trials; nothing is written.

    A front is what `study.front` gives: the trials that keep the outcome constraints and that no other one dominates.

    Args:
        study: of two objectives or more; each method raises InvalidSetting where it has one.
    """

    def __init__(self, study: HasHistory) -> None:
        self._study = study

    def hypervolume(self, reference: Sequence[float] | None = None) -> FrontCourse:
        """Measure the volume that the front dominates, after each trial: ``study.hypervolume().volume``.

        Args:
            reference: the point that the volume is measured from, in the objectives' units and order. By default it is
                a tenth of the range worse than the worst value of any trial, in each objective; so it moves as trials
                are added, and volumes of two studies can be compared only from one point that is given.

        Returns:
            The volume after each trial, the reference point, and what each trial of the front adds.

        Raises:
            InvalidSetting: there is one objective, or the reference has not one finite number for each.
            NoResult: no trial has values.

        Example:
            >>> import luthier as lt
            >>> study = lt.Study("doc", {"x": lt.Float(0, 1)}, minimize=["a", "b"], seed=0)
            >>> _ = study.add_many([{"x": 0.2}, {"x": 0.8}], [(1.0, 3.0), (2.0, 1.0)])
            >>> study.hypervolume([4.0, 4.0]).volume
            7.0
        """
        return front_course(trial_table(self._study.history), reference)

    def knee(self, *, limits: Mapping[str, str] | None = None) -> FrontChoice:
        """Choose the trial from which a little more of one objective costs most of the others.

        It is the one farthest below the line between the ends of the front, losses scaled to its range (Das 1999).

        Args:
            limits: only trials that keep them, as in ``{"seconds": "<= 5"}``: of numbers that the objective returned.

        Raises:
            InvalidSetting: there is one objective, or a limit cannot be read.
            NoResult: no trial counts or keeps the limits; or the front has no knee.

        Cost O(n log n + n f) for n trials, f of them on the front.

        Example:
            >>> import luthier as lt
            >>> study = lt.Study("doc", {"x": lt.Float(0, 1)}, minimize=["a", "b"], seed=0)
            >>> _ = study.add_many([{"x": 0.1}, {"x": 0.2}, {"x": 0.3}], [(0.0, 9.0), (1.0, 1.0), (9.0, 0.0)])
            >>> study.knee().number
            1
        """
        return knee(front_members(trial_table(self._study.history), limits))

    def choose(
        self,
        *,
        weights: Mapping[str, float] | None = None,
        prices: Mapping[str, float] | None = None,
        order: Sequence[str] | None = None,
        tolerances: Mapping[str, float] | None = None,
        limits: Mapping[str, str] | None = None,
    ) -> FrontChoice:
        """Choose a trial of the front by what the objectives mean to you; give one of weights, prices and order.

        Args:
            weights: how important objectives are, by name, whatever their units: of losses scaled to the range of the
                front, the largest weighted one is to be small (Steuer and Choo 1983).
            prices: what a unit of each objective is worth, by name: ``{"error": 1, "seconds": 0.01}``.
            order: names of objectives, the most important one first. The next one decides among the trials that are as
                good in it (Zhang et al. 2023).
            tolerances: of an order, by name: values that are worse by no more than this count as good.
            limits: only trials that keep them, as in ``{"seconds": "<= 5"}``: of numbers that the objective returned.

        Returns:
            The trial, and why it is the one.

        Raises:
            InvalidSetting: there is one objective; or a name, a number or a limit makes no sense.
            NoResult: no trial counts, or none keeps the limits.

        Cost O(n log n + n f) for n trials, f of them on the front.

        Example:
            >>> import luthier as lt
            >>> study = lt.Study("doc", {"x": lt.Float(0, 1)}, minimize=["error", "seconds"], seed=0)
            >>> _ = study.add_many([{"x": 0.1}, {"x": 0.2}], [(0.100, 9.0), (0.101, 2.0)])
            >>> study.choose(order=["error", "seconds"], tolerances={"error": 0.005}).number
            1
        """
        given = [name for name, one in (("weights", weights), ("prices", prices), ("order", order)) if one is not None]
        if len(given) != 1 or (tolerances is not None and order is None):
            raise InvalidSetting(
                "choose: give one of weights={'error': 0.7, …}, prices={'error': 1, …} and order=['error', …]; "
                "tolerances={'error': 0.01} go with an order"
            )
        members = front_members(trial_table(self._study.history), limits)
        if weights is not None:
            return choose_by_weights(members, weights)
        if prices is not None:
            return choose_by_prices(members, prices)
        assert order is not None
        return choose_by_order(members, order, tolerances)

    def preferred(self, *, limits: Mapping[str, str] | None = None) -> PreferredTrial:
        """Choose the trial of the front that a person likes best, by their answers (`prefer`).

        A Gaussian process of their utility is fitted to the answers (Chu and Ghahramani 2005). ``question`` of the
        result is the pair of trials whose comparison would tell most.

        Args:
            limits: only trials that keep them, as in ``{"seconds": "<= 5"}``: of numbers that the objective returned.

        Raises:
            InvalidSetting: there is one objective, or a limit cannot be read.
            NoResult: no trial counts, or none keeps the limits.

        Cost O(p³ + n f + f³) for p answers and n trials, f of them on the front.

        Example:
            >>> import luthier as lt
            >>> study = lt.Study("doc", {"x": lt.Float(0, 1)}, minimize=["a", "b"], seed=0)
            >>> _ = study.add_many([{"x": 0.1}, {"x": 0.2}, {"x": 0.3}], [(0.0, 9.0), (4.0, 4.0), (9.0, 0.0)])
            >>> study.prefer(2, 1)
            >>> study.prefer(1, 0)
            >>> study.preferred().number
            2
        """
        table = trial_table(self._study.history)
        return preferred_trial(front_members(table, limits), table, preferences(self._study.history))
