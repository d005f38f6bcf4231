"""Results of an analysis and their forms: predictions, explanations, expected bests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from luthier import codec
from luthier.analysis.note_text import describe_note
from luthier.errors import InvalidSetting
from luthier.render import ResultForm
from luthier.trial import Config

Purpose = Literal["design", "exploit", "explore", "feasible", "rest", "unmodelled", "given"]


class Interval(NamedTuple):
    """Median and central interval of the predictive distribution of an objective, in its own units."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.6g} [{self.low:.6g}, {self.high:.6g}]"


@dataclass(frozen=True, slots=True)
class Prediction(ResultForm):
    """The prediction of the objectives at one configuration.

    Args:
        params: the configuration, as the user writes it.
        config: the same in plain form.
        intervals: by objective.
        level: the probability that each interval holds what it is about, in (0, 1).
        chance: the probability that the trial does not crash and keeps the outcome constraints, in [0, 1]; 1 where no
            crash and no constraint is known.
        by: the model, in words.
    """

    params: dict[str, Any]
    config: Config
    intervals: dict[str, Interval]
    level: float
    chance: float
    by: str

    @property
    def interval(self) -> Interval:
        """The interval of the one objective.

        Raises:
            InvalidSetting: there are several.
        """
        if len(self.intervals) > 1:
            raise InvalidSetting(f"there are several objectives: read intervals[…] of {', '.join(self.intervals)}")
        return next(iter(self.intervals.values()))

    @property
    def value(self) -> float:
        """The median of the one objective."""
        return self.interval.median

    @property
    def low(self) -> float:
        """The lower end of the interval of the one objective."""
        return self.interval.low

    @property
    def high(self) -> float:
        """The upper end of the interval of the one objective."""
        return self.interval.high

    def heading(self) -> str:
        """See `ResultForm.heading`."""
        shown = ", ".join(f"{name} = {interval}" for name, interval in self.intervals.items())
        return f"{shown} ({self.level:.0%} intervals)"

    def rows(self) -> list[tuple[str, str]]:
        """See `ResultForm.rows`."""
        success = [] if self.chance == 1.0 else [("success", _success(self.chance))]
        return [*((name, repr(value)) for name, value in self.params.items()), *success, ("model", self.by)]

    def to_dict(self) -> dict[str, Any]:
        """See `ResultForm.to_dict`."""
        return _plain({"params": self.config, **_expected(self)})


class Neighbour(NamedTuple):
    """A trial with values, near the one that is explained.

    Args:
        number: of the trial.
        distance: from the configuration that is explained, in the `Explanation.unit`.
        values: the measured values.
    """

    number: int
    distance: float
    values: dict[str, float]


class Rated(NamedTuple):
    """The acquisition value of a proposal.

    Args:
        name: of the acquisition function.
        value: larger is better; on a scale that differs from model to model.
        above: the share of random points of the whole space with a lower value, in [0, 1]; points that were not to be
            proposed, as they were tried before or are all but equal to one that was, are left out.
    """

    name: str
    value: float
    above: float


@dataclass(frozen=True, slots=True)
class Explanation(ResultForm):
    """The reason for a trial, and what was expected of it before there was a result.

    Args:
        number: the trial's.
        params: its configuration, as the user writes it.
        config: the same in plain form.
        purpose: the trial's purpose:

            - ``design``: to have data to learn from, before the models begin;
            - ``exploit``: to improve on the best where the models expect it: the probability of an improvement (in the
              function, over the best known then) is 38 % or more. There the expected improvement grows more with a
              better mean than with a larger standard deviation: its partial derivatives are Φ(z) and φ(z), which are
              equal at z = -0.303 (Jones, Schonlau and Welch 1998, eq. 15). With several objectives: no trial dominates
              the predicted medians;
            - ``explore``: to learn where little is known: the probability of an improvement is smaller, and it is the
              uncertainty that made the point worth trying (or nothing better is left);
            - ``feasible``: to find where the outcome constraints hold, as no trial has kept them yet;
            - ``rest``: one of the last configurations of a small space;
            - ``unmodelled``: the method uses no model (grid, random, quasi-random, evolution);
            - ``given``: not a proposal: a person or a program chose these values.
        why: the same in a sentence, with numbers.
        origin: of the trial: ``method``, ``enqueued``, ``user`` or ``imported``.
        method: the name of the study's method then.
        note: the method's own record of its choice.
        known: the number of trials with values when it was made.
        prediction: of one measurement there, noise included; None where nothing could be predicted.
        improvement: the probability that the function is better there than at the best known point; None with several
            objectives.
        acquisition: its acquisition value; None where no acquisition function was used.
        neighbours: the nearest trials that had values then, the nearest first.
        unit: of their distances.
        values: the measured values; empty until there are any.
        surprises: by objective, how far the measured value is above the expected one, in standard deviations: standard
            normal where the models are right; negative where it is lower.
        remarks: everything else that matters for reading this.
    """

    number: int
    params: dict[str, Any]
    config: Config
    purpose: Purpose
    why: str
    origin: str
    method: str
    note: dict[str, Any]
    known: int
    prediction: Prediction | None
    improvement: float | None
    acquisition: Rated | None
    neighbours: tuple[Neighbour, ...]
    unit: str
    values: dict[str, float]
    surprises: dict[str, float]
    remarks: tuple[str, ...]

    def heading(self) -> str:
        """See `ResultForm.heading`."""
        return f"trial {self.number}: {self.purpose}; {self.why}"

    def rows(self) -> list[tuple[str, str]]:
        """See `ResultForm.rows`."""
        rows = [("params", ", ".join(f"{name} = {value!r}" for name, value in self.params.items()))]
        if self.prediction is not None:
            for name, interval in self.prediction.intervals.items():
                rows.append((f"expected {name}", f"{interval} ({self.prediction.level:.0%} interval)"))
            if self.prediction.chance < 1.0:
                rows.append(("success", _success(self.prediction.chance)))
            rows.append(("model", f"{self.prediction.by}, from {self.known} result{'' if self.known == 1 else 's'}"))
        for name, value in self.values.items():
            far = f"; {_far(self.surprises[name])}" if name in self.surprises else ""
            rows.append((f"measured {name}", f"{value:.6g}{far}"))
        if self.acquisition is not None:
            name, value, above = self.acquisition
            rows.append(("acquisition", f"{name} = {value:.6g}, above that of {above:.0%} of random points"))
        for near in self.neighbours:
            shown = ", ".join(f"{name} = {value:.6g}" for name, value in near.values.items())
            rows.append(("near", f"trial {near.number}, {near.distance:.3g} {self.unit} away: {shown}"))
        if self.note:
            rows.append(("note", describe_note(self.note)))
        return rows + [("remark", remark) for remark in self.remarks]

    def to_dict(self) -> dict[str, Any]:
        """See `ResultForm.to_dict`."""
        form = {
            "number": self.number,
            "params": self.config,
            "purpose": self.purpose,
            "why": self.why,
            "origin": self.origin,
            "method": self.method,
            "known": self.known,
            "expected": None,
            "improvement": self.improvement,
            "acquisition": self.acquisition._asdict() if self.acquisition else None,
            "neighbours": [near._asdict() for near in self.neighbours],
            "unit": self.unit,
            "values": self.values,
            "surprises": self.surprises,
            "note": self.note,
            "remarks": list(self.remarks),
        }
        return _plain(form if self.prediction is None else form | _expected(self.prediction))


@dataclass(frozen=True, slots=True)
class ExpectedBest(ResultForm):
    """The configuration with the best predicted median, which need not be the one with the best measured value.

    Args:
        prediction: of the objective there, noise not included.
        number: the first trial of that configuration; None where it was not tried.
        measured: all values that were measured there.
        luckiest: the number of the trial with the best measured value.
        luckiest_value: that value.
        luckiest_expected: the predicted median at that trial's configuration.
        objective: the objective's name.
    """

    prediction: Prediction
    number: int | None
    measured: tuple[float, ...]
    luckiest: int
    luckiest_value: float
    luckiest_expected: float
    objective: str

    @property
    def params(self) -> dict[str, Any]:
        """The configuration, as the user writes it."""
        return self.prediction.params

    @property
    def value(self) -> float:
        """The predicted median."""
        return self.prediction.value

    @property
    def low(self) -> float:
        """The lower end of the interval."""
        return self.prediction.low

    @property
    def high(self) -> float:
        """The upper end of the interval."""
        return self.prediction.high

    def heading(self) -> str:
        """See `ResultForm.heading`."""
        where = "not tried yet" if self.number is None else f"trial {self.number}"
        return f"{self.objective} = {self.prediction.interval} expected ({self.prediction.level:.0%} interval), {where}"

    def rows(self) -> list[tuple[str, str]]:
        """See `ResultForm.rows`."""
        rows = [(name, repr(value)) for name, value in self.params.items()]
        if self.measured:
            rows.append(("measured", ", ".join(f"{value:.6g}" for value in self.measured)))
        if self.luckiest != self.number:
            lucky = f"{self.luckiest_value:.6g}, trial {self.luckiest}: {self.luckiest_expected:.6g} is expected of it"
            rows.append(("best measured", lucky))
        return [*rows, ("model", self.prediction.by)]

    def to_dict(self) -> dict[str, Any]:
        """See `ResultForm.to_dict`."""
        expected = _expected(self.prediction)
        model = expected.pop("model")
        lucky = {"number": self.luckiest, "value": self.luckiest_value, "expected": self.luckiest_expected}
        measured = {"measured": list(self.measured), "params": self.prediction.config, "model": model}
        return _plain({"number": self.number, **expected, **measured, "best_measured": lucky})


def _plain(form: Mapping[str, object]) -> dict[str, Any]:
    plain: dict[str, Any] = codec.to_plain(form)
    return plain


def _expected(prediction: Prediction) -> dict[str, object]:
    return {
        "expected": {name: interval._asdict() for name, interval in prediction.intervals.items()},
        "level": prediction.level,
        "chance": prediction.chance,
        "model": prediction.by,
    }


def percent(chance: float) -> str:
    """Write a probability in percent; one that is not quite 0 or 1 is not rounded to it."""
    if 0.0 < chance < 0.005:
        return "less than 1%"
    return "more than 99%" if 0.995 <= chance < 1.0 else f"{chance:.0%}"


def _success(chance: float) -> str:
    return f"{percent(chance)} that it does not crash and the constraints hold"


def _far(surprise: float) -> str:
    if abs(surprise) < 0.05:
        return "as expected"
    side = "above" if surprise > 0 else "below"
    return f"{abs(surprise):.1f} standard deviations {side} the expected"
