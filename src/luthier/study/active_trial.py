"""Running trials, as ``study.ask()`` returns them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from msgspec import Struct

from luthier._hints import translating_methods
from luthier.errors import InvalidSetting, LeaseLost, TrialNotFound
from luthier.history import History
from luthier.instances import Case, CaseProgress
from luthier.key import Key
from luthier.problem import Fidelity
from luthier.render import html_table
from luthier.scalar import short, to_whole
from luthier.trial import Config, Parametrized, Reportable, plain_attributes


@translating_methods
class ActiveTrial(Parametrized, Struct, frozen=True, eq=False):
    """The right to evaluate one configuration and to report its result; it reads like the mapping `params`.

    It may be pickled and sent to another process to be evaluated there; only `report` and `set` need the study, and so
    the original.

    Args:
        number: 0, 1, 2, … in the order of asking.
        params: the active variables and their values, as the user wrote them.
        config: the same in plain form.
        token: the fencing token of the lease.
        attempt: 1, or more where earlier workers of this trial were lost or interrupted.
        note: the method's own record of its choice.
        study: the name of its study.
        owner: of the lease; see `luthier.trial.Lease`.
        until: the units of the fidelity that it may spend before a scheduler decides; None where there is no fidelity.
        fidelity: the same by the name of the fidelity, with those that go up together with it.
        progress: the cases that it had before, in a study with instances; None elsewhere.
        maximize: whether the objective is maximized, of several the first one.
    """

    number: int
    params: dict[str, Any]
    config: Config
    token: int
    attempt: int
    note: Mapping[str, Any] = {}
    study: str = ""
    owner: str = ""
    _key: Key = Key((0, 0))
    _report: Callable[[int, int, Reportable, int | None], None] | None = None
    _note: Callable[[int, int, Mapping[str, Any]], None] | None = None
    _nested: Mapping[str, Any] | None = None
    until: int | None = None
    _stops: Callable[[int, int], bool] | None = None
    fidelity: Mapping[str, int] = {}
    progress: CaseProgress | None = None
    _cases: Callable[[int, int], Iterator[Case]] | None = None
    maximize: bool = False

    @property
    def nested_params(self) -> dict[str, Any]:
        """The values with the variables of chosen options inside them: ``{"model": {"svm": {"C": 1.0}}}``."""
        return dict(self._nested or self.params)

    @property
    def seed(self) -> int:
        """A seed for the objective's own randomness, from 0 to 2**31 - 1; the same at every attempt."""
        return self._key.fold("objective", self.number).seed()

    def is_of(self, study: str, key: Key, history: History) -> bool:
        """Tell whether this is a trial of a study, given by its name, the root of its randomness and its history."""
        if self._key is key:  # asked for here
            return True
        if (self.study, self._key) != (study, key):
            return False
        lease = history.trial(self.number).lease
        return lease is None or lease.token != self.token or lease.owner == self.owner

    def report(self, value: Reportable, step: int | None = None) -> None:
        """Record an intermediate value, of several objectives one for each; steps count up from 0 where none is given.

        Raises:
            InvalidResult: it is no number, or not one for each objective; or the step is not a whole number from 0 on.
            LeaseLost, TrialFinished: the trial no longer belongs to this worker.
            InvalidSetting: this is a copy of the trial that was sent to another process.
        """
        if self._report is None:
            raise InvalidSetting(
                f"this copy of trial {self.number} has no study to report to: call report where the study is, with "
                f"study.report(trial, value), or let study.run evaluate the trials"
            )
        self._report(self.number, self.token, value, step)

    def cases(self) -> Iterator[Case]:
        """Give the cases to evaluate the trial on now: ``for case in trial.cases(): trial.report(…)``.

        They are those of the incumbent, in the order of the study, until the trial has had what it may or the study's
        rule stops it. Then ``study.tell(trial)``: its value is their mean.

        Raises:
            InvalidResult: the next case is asked for before the value of the present one is reported.
            InvalidSetting: the study has no instances, or this is a copy that was sent to another process.
        """
        if self._cases is None:
            raise InvalidSetting(
                f"trial {self.number} has no cases here: they are there in a study with instances, and where the study "
                "is; let study.run evaluate the trials elsewhere"
            )
        return self._cases(self.number, self.token)

    def should_stop(self) -> bool:
        """Tell whether the study's rule has ended or paused the trial: then tell the value so far, and ask for another.

        Without a rule (``lt.Study(stop=…)``) it is False.

        Raises:
            InvalidSetting: this is a copy of the trial that was sent to another process.
        """
        return self._stops is not None and self._stops(self.number, self.token)

    def _repr_html_(self) -> str:
        return html_table(f"trial {self.number}: running", [(str(key), repr(value)) for key, value in self.items()])

    def set(self, values: Mapping[str, Any] | None = None, /, **more: Any) -> None:
        """Note something of the trial while it runs, by name: ``trial.set(epoch=3)``; see `RunningTrial.set`.

        Raises:
            InvalidResult: a name is no text, a value is no plain data, or a cost is negative.
            LeaseLost, TrialFinished: the trial no longer belongs to this worker.
            InvalidSetting: this is a copy of the trial that was sent to another process.
        """
        if self._note is None:
            raise InvalidSetting(
                f"this copy of trial {self.number} has no study to write to: call set where the study is, with "
                f"study.set(trial, name=value), or let study.run evaluate the trials"
            )
        self._note(self.number, self.token, plain_attributes(values, more))

    def _shown(self) -> dict[str, Any]:
        """Give the fields that make two of them equal, by name: not the ways in which it tells the study."""
        names = (name for name in self.__struct_fields__ if name[0] != "_" and name not in ("progress", "maximize"))
        return {name: getattr(self, name) for name in names}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ActiveTrial) and self._shown() == other._shown()

    def __repr__(self) -> str:
        return f"ActiveTrial({', '.join(f'{name}={value!r}' for name, value in self._shown().items())})"

    def __hash__(self) -> int:
        return hash((self.study, self.number, self.token))

    def __reduce__(self) -> tuple[Any, ...]:
        place = (self.study, self.owner)
        given = (self.number, self.params, self.config, self.token, self.attempt, dict(self.note), *place, self._key)
        stops = None if self._stops is None else _cannot_ask
        more = (self.until, stops, dict(self.fidelity), self.progress, None, self.maximize)
        return ActiveTrial, (*given, None, None, self._nested, *more)


def _cannot_ask(number: int, token: int) -> bool:
    raise InvalidSetting(
        f"this copy of trial {number} has no study to ask: call study.should_stop(trial) where the study is, or let "
        "study.run evaluate the trials"
    )


Ways: TypeAlias = tuple[
    Callable[[int, int, Reportable, int | None], None],
    Callable[[int, int, Mapping[str, Any]], None],
    Callable[[int, int], bool] | None,
    Fidelity | None,
    tuple[Callable[[History, int], CaseProgress], Callable[[int, int], Iterator[Case]]] | None,
]
"""How a trial reports, notes something and asks whether it is to stop, what a full evaluation spends, and cases."""


def begun_trial(history: History, number: int, token: int, study: str, key: Key, ways: Ways) -> ActiveTrial:
    """Give the right to evaluate a trial that has just begun.

    Args:
        history: everything that is known.
        number: of the trial.
        token: of its lease.
        study: the name of its study.
        key: the root of the study's randomness.
        ways: how it tells the study.
    """
    trial, space = history.trial(number), history.space
    lease = trial.lease
    owner, attempt = (lease.owner, lease.attempt) if lease else ("", 1)
    config = history.config(number) or trial.config
    params = space.realize(config)
    report, note, stops, fidelity, cases = ways
    nested = space.nest(params) if len(space.given) < len(space.names) else None
    which = (number, params, config, token, attempt, trial.note, study, owner, key)
    maximize = history.problem().objectives[0].maximize
    if fidelity is None:
        return ActiveTrial(*which, report, note, nested, None, stops, maximize=maximize)
    until = fidelity.high if trial.until is None else trial.until
    spends = (until, stops, fidelity.units(until))
    if cases is None:
        return ActiveTrial(*which, report, note, nested, *spends, maximize=maximize)
    progress, following = cases
    given = (*spends, progress(history, number), following)
    return ActiveTrial(*which, report, note, nested, *given, maximize=maximize)


def place_of(trial: ActiveTrial | int, study: str, key: Key, history: History) -> tuple[int, int | None]:
    """Give a trial's number and the token that the caller has; None where that is just a number.

    Raises:
        LeaseLost: it is a trial of another study than this one.
        TrialNotFound: it is no trial.
    """
    if isinstance(trial, ActiveTrial):
        if trial._key is not key and not trial.is_of(study, key, history):
            raise LeaseLost(
                f"trial {trial.number} was asked for in another study than this {study!r}: tell its result to the "
                "study that gave it"
            )
        return trial.number, trial.token
    number = to_whole(trial)
    if number is None:
        raise TrialNotFound(f"give what ask() returned, or the number of a trial, not {short(trial)}")
    return number, None


def lease_of(trial: ActiveTrial | int, study: str, key: Key, history: History) -> tuple[int, int]:
    """Give a trial's number and the token of the lease that the caller means; raises as `place_of`."""
    number, token = place_of(trial, study, key, history)
    if token is None:
        lease = history.trial(number).lease
        token = lease.token if lease else 0
    return number, token
