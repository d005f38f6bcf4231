"""Failures of a study: by reason, and by region of each variable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from luthier._typing import Bools, Floats
from luthier.analysis.descriptive.coordinates import Coordinate, coordinates
from luthier.analysis.descriptive.trial_table import TrialTable, counted, plain_form
from luthier.errors import NoResult
from luthier.render import ResultForm
from luthier.trial import Reason

_BINS = 8
_Z = 1.6448536269514722  # the 95 % point of the standard normal distribution: two-sided intervals of 90 %


@dataclass(frozen=True, slots=True)
class FailureKind:
    """Failures that are alike.

    Args:
        reason: why the trials ended: failed, timeout, memory, nonfinite, lost.
        error: the type of the exception, of failed ones; empty where there is none.
        numbers: of the trials.
        example: the first line of the message of the first of them.
    """

    reason: str
    error: str
    numbers: tuple[int, ...]
    example: str


@dataclass(frozen=True, slots=True)
class RegionRate:
    """The share of trials that failed in one region of a variable.

    Args:
        label: the option, or ``absent`` where the variable is inactive; empty for a range of numbers.
        low: the smallest number of the range, or the place of the option; NaN where it is absent.
        high: the largest.
        failed: how many trials failed there.
        total: how many ended there with a value or a failure.
        lower: the lower end of the 90 % interval of the probability of a failure (Wilson 1927, eq. 4).
        upper: the upper end.
    """

    label: str
    low: float
    high: float
    failed: int
    total: int
    lower: float
    upper: float

    @property
    def share(self) -> float:
        """The share that failed; NaN of none."""
        return self.failed / self.total if self.total else float("nan")


@dataclass(frozen=True, slots=True)
class VariableFailures:
    """The failures along one axis of the space.

    Args:
        title: of the axis: the variable, or an item of it.
        regions: in order of the axis.
        excess: by how much the shares of regions differ beyond chance: the chi-squared statistic of failed and not
            failed over the regions, less its expectation, per degree of freedom; the axis that tells most about
            failures comes first.
    """

    title: str
    regions: tuple[RegionRate, ...]
    excess: float


@dataclass(frozen=True, slots=True)
class FailureSummary(ResultForm):
    """The failures of a study.

    Args:
        total: how many trials ended with a value or a failure.
        kinds: failures that are alike, the most frequent first.
        variables: where they were, the most telling axis first.
    """

    total: int
    kinds: tuple[FailureKind, ...]
    variables: tuple[VariableFailures, ...]

    @property
    def failed(self) -> int:
        """How many trials failed."""
        return sum(len(kind.numbers) for kind in self.kinds)

    def heading(self) -> str:
        """See `ResultForm.heading`."""
        return f"{self.failed} of {counted(self.total, 'trial')} failed"

    def rows(self) -> list[tuple[str, str]]:
        """See `ResultForm.rows`."""
        return [
            (f"{kind.reason} {kind.error}".strip(), f"{counted(len(kind.numbers), 'trial')}: {kind.example}")
            for kind in self.kinds
        ]

    def to_dict(self) -> dict[str, Any]:
        """See `ResultForm.to_dict`."""
        form: dict[str, Any] = plain_form(self)
        return form


def failure_summary(table: TrialTable) -> FailureSummary:
    """Group the failures of a study, and count them by region of each variable.

    Raises:
        NoResult: no trial failed.

    Cost O(n d).
    """
    crashed = np.array([trial.outcome is not None and trial.outcome.reason.is_crash for trial in table.trials], bool)
    if not crashed.any():
        raise NoResult(f"no trial failed: {counted(int(table.done.sum()), 'trial has a value', 'trials have values')}")
    groups: dict[tuple[str, str], list[int]] = {}
    for row in np.flatnonzero(crashed).tolist():
        outcome = table.trials[row].outcome
        groups.setdefault(outcome.failure if outcome else ("", ""), []).append(row)
    kinds = tuple(
        FailureKind(reason, error, tuple(table.trials[row].number for row in rows), _first_line(table, rows[0]))
        for (reason, error), rows in sorted(groups.items(), key=lambda item: -len(item[1]))
    )
    judged = np.flatnonzero(crashed | table.done)
    configs = [table.configs[row] for row in judged]
    found = [_along(axis, axis.places(configs), crashed[judged]) for axis in coordinates(table.problem.space)]
    return FailureSummary(len(judged), kinds, tuple(sorted(found, key=lambda one: -one.excess)))


def _first_line(table: TrialTable, row: int) -> str:
    outcome = table.trials[row].outcome
    text = outcome.error.strip() if outcome else ""
    return text.partition("\n")[0] or (str(outcome.reason) if outcome else Reason.FAILED)


def _along(axis: Coordinate, places: Floats, crashed: Bools) -> VariableFailures:
    regions = []
    for label, low, high, inside in _regions(axis, places):
        failed, total = int(crashed[inside].sum()), int(inside.sum())
        regions.append(RegionRate(label, low, high, failed, total, *_wilson(failed, total)))
    return VariableFailures(axis.title, tuple(regions), _excess(regions))


def _regions(axis: Coordinate, places: Floats) -> list[tuple[str, float, float, Bools]]:
    """Give label, ends and members of each region: the options, or bins of equal width on the variable's scale."""
    found: list[tuple[str, float, float, Bools]] = []
    if axis.categories:
        found += [(word, float(place), float(place), places == place) for place, word in enumerate(axis.categories)]
    else:
        count = min(_BINS, int(axis.high - axis.low) + 1) if axis.whole else _BINS
        edges = (
            np.geomspace(axis.low, axis.high, count + 1) if axis.log else np.linspace(axis.low, axis.high, count + 1)
        )
        bins = np.clip(np.searchsorted(edges, places, side="right") - 1, 0, count - 1)
        known = ~np.isnan(places)
        found += [("", float(edges[one]), float(edges[one + 1]), known & (bins == one)) for one in range(count)]
    absent = np.isnan(places)
    return [*found, ("absent", np.nan, np.nan, absent)] if absent.any() else found


def _wilson(failed: int, total: int) -> tuple[float, float]:
    if not total:
        return 0.0, 1.0
    share, squared = failed / total, _Z**2 / total
    middle = share + squared / 2
    half = _Z * (share * (1 - share) / total + squared / (4 * total)) ** 0.5
    return max(0.0, (middle - half) / (1 + squared)), min(1.0, (middle + half) / (1 + squared))


def _excess(regions: Sequence[RegionRate]) -> float:
    held = [region for region in regions if region.total]
    total, failed = sum(region.total for region in held), sum(region.failed for region in held)
    if len(held) < 2 or failed in (0, total):
        return 0.0
    rate = failed / total
    statistic = sum((one.failed - one.total * rate) ** 2 / (one.total * rate * (1 - rate)) for one in held)
    freedom = len(held) - 1
    return float((statistic - freedom) / freedom)
