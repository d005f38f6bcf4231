"""Rules that end a run, as more trials are not worth it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from luthier.analysis.single_objective import SingleObjective
from luthier.errors import InvalidSetting
from luthier.event import RunEnded
from luthier.history import History
from luthier.key import Key
from luthier.memo import Memo
from luthier.method import Method, from_plain
from luthier.scalar import attribute, short

WORD = "not worth it"
"""What stands for the rule `NotWorthIt` with its defaults."""


@dataclass(frozen=True, slots=True)
class EndFinding:
    """That a run is over.

    Args:
        by: the name of the rule that says so.
        figures: what it compared, by name.
    """

    by: str
    figures: Mapping[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class EndEvidence:
    """What a rule that ends a run decides from.

    Args:
        history: everything that is known.
        method: of the study; its models are read where they can be.
        key: the randomness of the models.
        memo: skips work that was done before.
        seen: what the models see of it; None: all.
    """

    history: History
    method: Method
    key: Key
    memo: Memo
    seen: History | None = None

    def model(self) -> SingleObjective:
        """Fit the models of the objective; raises NoResult where too little is known."""
        return SingleObjective.of(self.seen or self.history, None, self.method, self.key, self.memo)


class EndRule(ABC):
    """Say when more trials are not worth it: a frozen dataclass of settings with one pure function. Abstract.

    It is asked after every fifth trial that ended, of a study of one objective.
    """

    __slots__ = ()

    @abstractmethod
    def decide(self, evidence: EndEvidence) -> EndFinding | None:
        """Give the reason why a run is to end, or None where it goes on; pure in (settings, evidence).

        Raises:
            NoResult: too little is known; the run goes on.
        """


def parse_end_rule(given: object) -> EndRule | None:
    """Read how a run is to end: the words "not worth it", a rule, its text form, or None.

    Raises:
        InvalidSetting: it is something else.
    """
    if given is None or isinstance(given, EndRule):
        return given
    rule: object = None
    if isinstance(given, str) and given == WORD:
        rule = from_plain("NotWorthIt")
    elif isinstance(given, Mapping):
        rule = from_plain(given)
    if isinstance(rule, EndRule):
        return rule
    hint = ": a rule that stops trials belongs to the study, lt.Study(…, stop=…)" if attribute(given, "decide") else ""
    raise InvalidSetting(
        f"stop={short(given)}: a run ends by the words {WORD!r}, or by a rule such as lt.NotWorthIt(price=0.01), "
        f"lt.RegretBound() or lt.NoProgress(){hint}"
    )


def describe_end(ended: RunEnded) -> str:
    """Say why a rule ended a run, with its figures, and without a user's text."""
    figures = {name: f"{value:.3g}" for name, value in ended.figures.items()}
    if ended.by == "Price" and {"gain", "cost", "price"} <= figures.keys():
        why = (
            f"more trials are expected to better the best value by {figures['gain']} at a cost of {figures['cost']}, "
            f"less than {figures['price']} for each unit of cost"
        )
    elif ended.by == "RegretBound" and {"regret", "error"} <= figures.keys():
        why = (
            f"by the models the best trial is at most {figures['regret']} from the optimum, less than the error of its "
            f"measurement, {figures['error']}"
        )
    elif ended.by == "NoProgress" and "since" in figures:
        why = f"{figures['since']} trials in a row bettered nothing"
    else:
        why = ", ".join(f"{name} = {value}" for name, value in figures.items() if name != "trials")
    return f"not worth it after {figures.get('trials', 'some')} trials: {why} ({ended.by})"
