"""The end of a run by a rule: asked after every fifth trial, and written down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from luthier._runtime.single_thread import on_one_thread
from luthier.analysis import EndEvidence, EndFinding, EndRule, describe_end, parse_end_rule
from luthier.errors import InvalidSetting, NoResult
from luthier.event import Event, RunEnded
from luthier.history import History
from luthier.method import to_plain
from luthier.problem import Problem
from luthier.run.analyses import thinned
from luthier.study import AskTell

EVERY = 5
"""After as many finished trials the rule is asked again."""
_MOST = 500
"""The number of trials that its models see, at most."""


@dataclass(slots=True)
class RunEnding:
    """Ask a rule whether a run is over.

    What it says is an event of the log, so that other processes, the report and later readers know it. Another process
    with the same rule ends by that event, as long as no trial has ended since.

    Args:
        rule: decides.
        asking: the study.
        notice: shows a message to a person.
    """

    rule: EndRule
    asking: AskTell
    notice: Callable[[str], object]
    _asked: int = -1
    _over: bool = False

    def is_over(self, history: History) -> bool:
        """Tell whether the run is over. Cost O(1) but for every fifth trial that ended."""
        if self._over or history.finished // EVERY == self._asked:
            return self._over
        self._asked = history.finished // EVERY
        ended = self._known(self.asking.history, history)
        if ended is None and (found := self._decide(history)) is not None:
            ended = self._event(history, found)
            self._write(ended, history)
        if ended is not None:
            self._over = True
            self.notice(describe_end(ended))
        return self._over

    def _known(self, now: History, seen: History) -> RunEnded | None:
        """Give how another run was ended by the same rule at the same trial; `seen` is what this one decides from."""
        ended = now.ended
        same = ended is not None and ended.rule == to_plain(self.rule) and ended.figures["trials"] == seen.finished
        return ended if same else None

    def _decide(self, history: History) -> EndFinding | None:
        asking = self.asking
        models = (asking.method, asking.key.fold("insight"), asking.memo)
        evidence = EndEvidence(history, *models, thinned(history, _MOST))
        try:
            return on_one_thread(lambda: self.rule.decide(evidence), asking.memo.clear, "scipy.linalg")
        except NoResult:  # too little is known
            return None

    def _event(self, history: History, found: EndFinding) -> RunEnded:
        figures: dict[str, Any] = {"trials": float(history.finished), **found.figures}
        return RunEnded(history.length, to_plain(self.rule), found.by, figures)

    def _write(self, ended: RunEnded, seen: History) -> None:
        def decide(now: History) -> list[Event]:
            return [] if self._known(now, seen) else [ended]

        self.asking.note_end(decide)


def checked_end_rule(given: object, problem: Problem) -> EndRule | None:
    """Read how a run is to end; raises InvalidSetting where it is no rule, or the study has several objectives."""
    rule = parse_end_rule(given)
    if rule is not None and len(problem.objectives) > 1:
        raise InvalidSetting("stop=… needs one objective, and this study has several: use trials, time_s or cost")
    if rule is not None:
        to_plain(rule)  # refuses what could not be written down
    return rule
