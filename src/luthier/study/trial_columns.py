"""Columns of a table of trials, each of which is made when it is first read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from luthier import codec
from luthier._runtime.collection_pause import COLLECTION_PAUSE
from luthier.history import History
from luthier.study.elapsed import utc
from luthier.study.summary import front
from luthier.trial import Outcome, Reason, State, Trial

_NO_OUTCOME = Outcome(Reason.INTERRUPTED)
"""In the place of the outcome of a trial that has not ended: it has no values."""
_LAST = ("duration_s", "begun", "ended", "attempts", "worker", "origin", "error", "reports", "note", "forgotten")


class TrialColumns(Mapping[str, list[Any]]):
    """The columns of a table of trials by name, each with a value for each trial: O(trials) when it is first read.

    These are number, state, reason, the objectives, on_front (of several of them: whether the front has the trial),
    what else was returned, attributes, violations, the variables as the present space reads them (objects by their
    names), duration_s, begun, ended, attempts, worker, origin, error, reports (a list of ``[step, value, …]``) and note
    (what the method recorded). What a trial lacks, such as an inactive variable, is None. Where trials are forgotten, a
    last column says which.

    Args:
        history: whose trials these are, all of them.
        stamps: when each of its events was appended, on the store's clock.
        dead: the numbers of running trials whose process is gone: they wait to be run again.
    """

    def __init__(self, history: History, stamps: Sequence[float], dead: Collection[int] = ()) -> None:
        with COLLECTION_PAUSE:
            self._trials: Sequence[Trial] = history.trials
        self._outcomes = [trial.outcome or _NO_OUTCOME for trial in self._trials]
        own = [trial.config for trial in self._trials]
        read = history.configs
        self._configs = own if read is None else [one or before for one, before in zip(read, own, strict=True)]
        if (structure := history.space.structure).shares:
            self._configs = [*map(structure.ordered, self._configs)]
        self._ends = history.ends
        self._stamps = stamps[: history.length]
        self._made: dict[str, list[Any]] = {}
        self._makers = self._named(history, frozenset(dead))

    def __getitem__(self, name: str) -> list[Any]:
        if name not in self._made:
            with COLLECTION_PAUSE:
                self._made[name] = self._makers[name]()
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)

    def rows(self) -> list[dict[str, Any]]:
        """Give one mapping per trial, all with the same columns."""
        return as_rows(self)

    def _named(self, history: History, dead: frozenset[int]) -> dict[str, Callable[[], list[Any]]]:
        """Give what makes each column, by its name."""
        trials, outcomes, configs, problem = self._trials, self._outcomes, self._configs, history.problem()
        goals = [objective.name for objective in problem.objectives]
        taken = {"number", "state", "reason", *goals, *_LAST}
        names = {name: _free(name, "params", taken) for name in problem.space.names}
        taken |= set(names.values())
        found: dict[str, Callable[[], list[Any]]] = {
            "number": lambda: [trial.number for trial in trials],
            "state": lambda: [(State.WAITING if trial.number in dead else trial.state).value for trial in trials],
            "reason": lambda: [trial.outcome.reason.value if trial.outcome else None for trial in trials],
        }
        found |= {goal: _picked([outcome.values for outcome in outcomes], goal) for goal in goals}
        if len(goals) > 1:
            found[_taking("on_front", "study", taken)] = lambda: self._on_front(history)
        for prefix, mappings in (
            ("extra", [outcome.extra for outcome in outcomes]),
            ("attributes", [trial.attributes for trial in trials]),
        ):
            found |= {_taking(key, prefix, taken): _picked(mappings, key) for key in _keys(mappings)}
        broken = [outcome.violations for outcome in outcomes]
        found |= {_free(f"violations.{key}", "outcome", taken): _picked(broken, key) for key in _keys(broken)}
        found |= {column: _picked(configs, name) for name, column in names.items()}
        found |= self._about()
        if any(trial.forgotten for trial in trials):
            found["forgotten"] = lambda: [trial.forgotten for trial in trials]
        return found

    def _about(self) -> dict[str, Callable[[], list[Any]]]:
        """Give what makes the columns that every table ends with."""
        trials, outcomes = self._trials, self._outcomes
        return {
            "duration_s": lambda: [outcome.duration_s for outcome in outcomes],
            "begun": self._begun,
            "ended": self._ended,
            "attempts": lambda: [lease.attempt if lease else 1 for lease in self._leases()],
            "worker": lambda: [(lease and lease.owner) or None for lease in self._leases()],
            "origin": lambda: [trial.origin for trial in trials],
            "error": lambda: [outcome.error for outcome in outcomes],
            "reports": lambda: [[report.to_list() for report in trial.curve] for trial in trials],
            "note": lambda: [codec.canonical(trial.note) if trial.note else {} for trial in trials],
        }

    def _leases(self) -> list[Any]:
        """Give the latest leases, but for those that began after the last stamp that is known."""
        known = len(self._stamps)
        leases = [trial.lease for trial in self._trials]
        return [lease if lease is not None and lease.token < known else None for lease in leases]

    def _begun(self) -> list[datetime | None]:
        stamps = self._stamps
        at, zone = datetime.fromtimestamp, UTC
        return [None if lease is None else at(stamps[lease.token], zone) for lease in self._leases()]

    def _ended(self) -> list[datetime | None]:
        stamps, known, ends = self._stamps, len(self._stamps), self._ends.tolist()
        pairs = zip(self._leases(), ends, strict=True)
        return [utc(stamps[end]) if lease is not None and 0 <= end < known else None for lease, end in pairs]

    def _on_front(self, history: History) -> list[bool | None]:
        leading = {trial.number for trial in front(history)}
        return [trial.number in leading if trial.is_done else None for trial in self._trials]


def _picked(mappings: Sequence[Mapping[str, Any]], key: str) -> Callable[[], list[Any]]:
    return lambda: [mapping.get(key) for mapping in mappings]


def as_rows(table: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Give one mapping per trial of columns."""
    names = list(table)
    with COLLECTION_PAUSE:
        return [dict(zip(names, values, strict=True)) for values in zip(*table.values(), strict=True)]


def joined(table: Mapping[str, list[Any]], more: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
    """Add columns; one whose name is taken gets another one, and trials that it is too short for, None."""
    total = max(map(len, table.values()), default=0)
    added = {
        _free(name, "model", table): [*values[:total], *[None] * (total - len(values))] for name, values in more.items()
    }
    return {**table, **added}


def _keys(mappings: Iterable[Mapping[str, Any]]) -> list[str]:
    """Give the keys of mappings, each once, in the order in which they come."""
    return list(dict.fromkeys(key for mapping in mappings if mapping for key in mapping))


def _free(name: str, prefix: str, taken: Collection[str]) -> str:
    """Rename what has the name of another column."""
    return f"{prefix}.{name}" if name in taken else name


def _taking(name: str, prefix: str, taken: set[str]) -> str:
    """Rename what has the name of another column, and note its name as taken."""
    column = _free(name, prefix, taken)
    taken.add(column)
    return column
