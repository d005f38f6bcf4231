"""Columns of a table of trials, each of which is made when it is first read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from luthier import codec
from luthier._runtime.collection_pause import COLLECTION_PAUSE
from luthier.history import History
from luthier.study.elapsed import utc
from luthier.study.summary import counts, front, own_name
from luthier.trial import Reason, State, latest_reports

_LAST = ("duration_s", "begun", "ended", "attempts", "worker", "origin", "error", "reports", "note", "forgotten")


class TrialColumns(Mapping[str, list[Any]]):
    """The columns of a table of trials by name, each with a value for each trial: O(trials) when it is first read.

    These are number, state, reason, the objectives, on_front (of several of them: whether the front has the trial),
    what else was returned, attributes, violations, the variables as the present space reads them (objects by their
    names), duration_s, begun, ended, attempts, worker, origin, error, reports (a list of ``[step, value, …]``) and note
    (what the method recorded). What a trial lacks, such as an inactive variable, is None. Where trials are forgotten, a
    last column says which. An objective keeps its name: beside one that is called error, the text of a failure is
    trial.error (see `own_name`).

    Args:
        history: whose trials these are, all of them.
        stamps: when each of its events was appended, on the store's clock.
        dead: the numbers of running trials whose process is gone: they wait to be run again.
    """

    def __init__(self, history: History, stamps: Sequence[float], dead: Collection[int] = ()) -> None:
        self._fields = history.fields
        self._ends = history.ends
        self._stamps = stamps[: history.length]
        self._made: dict[str, list[Any]] = {}
        self._space = history.space
        self._read: Sequence[Mapping[str, Any]] | None = None
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

    def counts(self) -> dict[str, int]:
        """Count the trials by the reason why they ended; by their state where they have not."""
        reasons, states = self[own_name(self, "reason")], self[own_name(self, "state")]
        kinds = (reason or state for reason, state in zip(reasons, states, strict=True))
        return dict(Counter(kinds))

    def summary(self) -> str:
        """Write the number of trials of each kind: ``60 trials: 58 done, 2 failed``."""
        return counts(self.counts(), sum(self._fields["forgotten"]))

    def _named(self, history: History, dead: frozenset[int]) -> dict[str, Callable[[], list[Any]]]:
        """Give what makes each column, by its name."""
        fields, problem = self._fields, history.problem()
        goals = [objective.name for objective in problem.objectives]
        own = {name: _free(name, "trial", goals) for name in ("number", "state", "reason", *_LAST)}
        taken = {*goals, *own.values()}
        names = {name: _free(name, "params", taken) for name in problem.space.names}
        taken |= set(names.values())
        found: dict[str, Callable[[], list[Any]]] = {
            own["number"]: lambda: fields["number"],
            own["state"]: lambda: self._states(dead),
            own["reason"]: lambda: fields["reason"],
        }
        found |= self._items("values", {goal: goal for goal in goals})
        if len(goals) > 1:
            found[_taking("on_front", "study", taken)] = lambda: self._on_front(history)
        for prefix in ("extra", "attributes"):
            found |= self._items(prefix, {key: _taking(key, prefix, taken) for key in fields.keys(prefix)})
        broken = {key: _free(f"violations.{key}", "outcome", taken) for key in fields.keys("violations")}
        found |= self._items("violations", broken)
        found |= {column: self._config_maker(name) for name, column in names.items()}
        found |= {own[name]: maker for name, maker in self._about().items()}
        if any(forgotten := fields["forgotten"]):
            found[own["forgotten"]] = lambda: forgotten
        return found

    def _about(self) -> dict[str, Callable[[], list[Any]]]:
        """Give what makes the columns that every table ends with."""
        fields = self._fields
        return {
            "duration_s": lambda: fields["duration_s"],
            "begun": self._begun,
            "ended": self._ended,
            "attempts": lambda: [1 if token is None else one for token, one in self._leased("attempt")],
            "worker": lambda: [None if token is None else one or None for token, one in self._leased("owner")],
            "origin": lambda: fields["origin"],
            "error": lambda: [error or "" for error in fields["error"]],
            "reports": lambda: [[one.to_list() for one in latest_reports(reports)] for reports in fields["reports"]],
            "note": lambda: [codec.canonical(note) if note else {} for note in fields["note"]],
        }

    def _states(self, dead: frozenset[int]) -> list[str]:
        states = self._fields["state"]
        for number in dead:
            states[number] = State.WAITING.value
        return states

    def _items(self, field: str, names: Mapping[str, str]) -> dict[str, Callable[[], list[Any]]]:
        """Give what makes columns of the items of a field of mappings, by their keys."""
        return {column: partial(self._fields.items, field, key) for key, column in names.items()}

    def _config_maker(self, name: str) -> Callable[[], list[Any]]:
        structure, fields = self._space.structure, self._fields
        if not structure.shares and not fields.is_mixed:
            return partial(fields.items, "config", name)
        return lambda: [config.get(name) for config in self._configs()]

    def _configs(self) -> Sequence[Mapping[str, Any]]:
        """Give the configurations as the present space reads them, or else as they were."""
        if self._read is None:
            found, structure = self._fields.configs(), self._space.structure
            self._read = [*map(structure.ordered, found)] if structure.shares else found
        return self._read

    def _leased(self, name: str) -> Iterator[tuple[int | None, Any]]:
        """Give the tokens of the latest leases, and a field of these; no token of one that is later than all stamps."""
        known = len(self._stamps)
        for token, one in zip(self._fields["token"], self._fields[name], strict=True):
            yield (None if token is None or token >= known else token), one

    def _begun(self) -> list[datetime | None]:
        stamps, at, zone = self._stamps, datetime.fromtimestamp, UTC
        return [None if token is None else at(stamps[token], zone) for token, _ in self._leased("token")]

    def _ended(self) -> list[datetime | None]:
        stamps, known, ends = self._stamps, len(self._stamps), self._ends.tolist()
        pairs = zip(self._leased("token"), ends, strict=True)
        return [utc(stamps[end]) if token is not None and 0 <= end < known else None for (token, _), end in pairs]

    def _on_front(self, history: History) -> list[bool | None]:
        leading = {trial.number for trial in front(history)}
        done = Reason.DONE.value
        return [number in leading if reason == done else None for number, reason in enumerate(self._fields["reason"])]


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


def _free(name: str, prefix: str, taken: Collection[str]) -> str:
    """Rename what has the name of another column."""
    return f"{prefix}.{name}" if name in taken else name


def _taking(name: str, prefix: str, taken: set[str]) -> str:
    """Rename what has the name of another column, and note its name as taken."""
    column = _free(name, prefix, taken)
    taken.add(column)
    return column
