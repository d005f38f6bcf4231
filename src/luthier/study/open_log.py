"""The log of a study: found in its store, or begun there, and checked against what the caller expects."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from luthier import version
from luthier._runtime.collection_pause import COLLECTION_PAUSE
from luthier.errors import InvalidSetting, StudyMismatch, StudyNotFound
from luthier.event import Created, Event
from luthier.history import History, logged_fidelity
from luthier.instances import Instances
from luthier.key import checked_seed
from luthier.method import Method, check_method, from_plain, to_plain
from luthier.problem import (
    SECONDS,
    Fidelity,
    Objective,
    OutcomeConstraint,
    Problem,
    parse_cost,
    parse_outcome_constraints,
)
from luthier.scalar import short, to_dict
from luthier.space import Space, Variable, differences
from luthier.stop import ASHA, Intensify, Rule, scheduler_of, single_objective_part
from luthier.store import Store
from luthier.study.log import StudyLog, checked_name, folded_log, spaces_of, stored_log, study_not_found

DEFAULT_METHOD = "Auto"


@dataclass(frozen=True, slots=True)
class StudySpec:
    """The study that a caller wants to open; what is left out is as it stands in the store.

    Raises:
        InvalidSetting: the name is empty, or the seed is not a whole number from 0 to 2**64 - 1.
    """

    name: str
    space: Space | None
    objectives: tuple[Objective, ...]
    seed: int | None
    noisy: bool
    fidelity: Fidelity | None = None
    constraints: tuple[OutcomeConstraint, ...] | None = None
    cost: str | None = None
    instances: Instances | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", checked_name(self.name))
        if not isinstance(self.noisy, bool):
            raise InvalidSetting(f"noisy is True or False, not {short(self.noisy)}")
        self._check_instances()
        if self.seed is not None:
            object.__setattr__(self, "seed", checked_seed(self.seed))

    def _check_instances(self) -> None:
        given = self.instances
        if given is None:
            return
        if not isinstance(given, Instances):
            raise InvalidSetting(f"instances={short(given)}: give lt.Instances(['a', 'b', 'c'])")
        if self.fidelity is not None or self.constraints:
            other = "a fidelity" if self.fidelity is not None else "constraints on what the objective returns"
            raise InvalidSetting(f"instances=… and {other}: a study has one of both, as trials race over the instances")
        if self.cost not in (None, SECONDS):
            raise InvalidSetting(
                f"cost={self.cost!r}: an evaluation on one instance returns one number, so a study with instances has "
                "no other cost than 'seconds'"
            )
        if len(self.objectives) > 1:
            names = [objective.name for objective in self.objectives]
            raise InvalidSetting(f"a study with instances has one objective, the mean over them, not {names}")
        if given.cutoff_s is not None and any(objective.maximize for objective in self.objectives):
            raise InvalidSetting("Instances(cutoff_s=…) is for an objective that is run time, which is minimized")

    def check(self, first: Created) -> None:
        """Raise StudyMismatch where the stored study differs."""
        asked = tuple((objective.name, objective.maximize) for objective in self.objectives)
        if asked and asked != tuple(map(tuple, first.objectives)):
            was = ", ".join(
                f"{'maximize' if maximize else 'minimize'}={title!r}" for title, maximize in first.objectives
            )
            raise StudyMismatch(f"study {self.name!r} in the store has {was}; give a new study a name of its own")
        if self.seed is not None and self.seed != first.seed:
            raise StudyMismatch(
                f"study {self.name!r} in the store has seed {first.seed}, not {self.seed}; leave the seed out to go on"
            )
        had = parse_outcome_constraints(dict(first.constraints))
        if self.constraints is not None and set(self.constraints) != set(had):
            limits = ", ".join(map(str, had)) or "no constraints on what the objective returns"
            raise StudyMismatch(
                f"study {self.name!r} in the store has {limits}; leave `constraints` out to go on, or give a new study "
                "a name of its own"
            )
        if self.noisy and not first.noisy:
            raise StudyMismatch(
                f"study {self.name!r} in the store is not noisy and stays so; give a new study a name of its own"
            )
        stored = logged_fidelity(first)
        if self.fidelity is not None and self.fidelity != stored:
            spends = f"the fidelity {_shown(stored)}" if stored else "no fidelity"
            raise StudyMismatch(
                f"study {self.name!r} in the store has {spends}, not {_shown(self.fidelity)}; give a new study a "
                "name of its own"
            )
        if self.cost is not None and self.cost != first.cost:
            had_cost = f"cost={first.cost!r}" if first.cost else "no cost of its own"
            raise StudyMismatch(
                f"study {self.name!r} in the store has {had_cost}, not {self.cost!r}; give a new study a "
                "name of its own"
            )
        if self.instances is not None and self.instances.to_plain() != first.instances:
            raise StudyMismatch(
                f"study {self.name!r} in the store has {'other' if first.instances else 'no'} instances; leave them "
                "out to go on, or give a new study a name of its own"
            )


def _shown(fidelity: Fidelity) -> str:
    return repr(list(fidelity.parts) if fidelity.beside else fidelity)


def study_spec(
    name: str,
    space: Space | Mapping[str, Variable] | None,
    goals: tuple[str | Sequence[str], str | Sequence[str]],
    seed: int | None,
    noisy: bool,
    fidelity: Fidelity | Sequence[Fidelity] | None,
    constraints: Mapping[str, str] | None,
    cost: str | None = None,
    instances: Instances | None = None,
) -> StudySpec:
    """Read what a caller says of a study; `goals` are what is minimized and what is maximized."""
    given = space if isinstance(space, Space) or space is None else Space(space)
    limits = None if constraints is None else parse_outcome_constraints(constraints)
    measured = (Fidelity.together(fidelity), limits, parse_cost(cost), instances)
    return StudySpec(name, given, parse_objectives(*goals), seed, noisy, *measured)


def parse_objectives(minimize: str | Sequence[str], maximize: str | Sequence[str]) -> tuple[Objective, ...]:
    """Read the names of what is minimized, and of what is maximized."""
    small, large = _names("minimize", minimize), _names("maximize", maximize)
    return (*(Objective(name) for name in small), *(Objective(name, True) for name in large))


def _names(word: str, given: object) -> tuple[str, ...]:
    """Read what was given as `minimize` or `maximize`."""
    if isinstance(given, Mapping):
        given = to_dict(given, f"{word} names what is optimized", InvalidSetting)
        raise InvalidSetting(
            f"{word}={short(given)}: objectives have names and no weights. For the front of several, give their names, "
            f"{word}={[str(name) for name in given]!r}; for a weighted sum, let the objective return the sum"
        )
    if isinstance(given, str):
        return (str.__str__(given),) if given else ()
    if isinstance(given, set | frozenset) and len(given) > 1:  # each process would see another one
        raise InvalidSetting(f"{word}={short(given)}: a set has no order; give the names of objectives as a list")
    try:
        names = tuple(given) if isinstance(given, Iterable) else (given,)
    except Exception:  # noqa: BLE001 - an array without dimensions, or a foreign object
        names = (given,)
    for name in names:
        if not isinstance(name, str) or not name:
            raise InvalidSetting(
                f"{word}={short(given)}: name what is optimized, as in minimize='loss' or maximize='accuracy'"
            )
    return tuple(map(str.__str__, names))


def open_log(store: Store, spec: StudySpec) -> StudyLog:
    """Open the log of a study, all that is stored of it read; begin it where the store does not have it.

    Raises:
        StudyMismatch: the store has another study of this name.
        StudyNotFound: the store has no such study, and `spec` has no space to begin one.
        InvalidSetting: there is nothing to optimize.
    """
    with COLLECTION_PAUSE:
        log = _opened(store, spec)
    return _create(store, spec) if log is None else log


def _opened(store: Store, spec: StudySpec) -> StudyLog | None:
    """Read the log of a study; None where the store does not have it."""
    found, records = stored_log(store, spec.name)
    if not records and found is None:
        return None
    first, changes = spaces_of(spec.name, records) if found is None else (found[1].created, [])
    space = spec.space
    if space is not None:
        space = _as_stored(spec.name, space, changes[-1].space if changes else first.space)
    spec.check(first)
    # A space that was given may have what text cannot hold: predicates and objects.
    begin = space if space is not None and not changes else Space.from_plain(first.space)
    return folded_log(StudyLog(store, spec.name, begin, () if space is None else (space,)), found, records)


def _create(store: Store, spec: StudySpec) -> StudyLog:
    if spec.space is None:
        raise study_not_found(store, spec.name, "to begin one, give a space and an objective")
    limits, fidelity = spec.constraints or (), spec.fidelity
    names = {objective.name for objective in spec.objectives}
    for limit in limits:
        if limit.name in spec.space.variables and limit.name not in names:
            raise InvalidSetting(
                f"constraints={{{limit.name!r}: '{limit.relation}'}}: that is a variable, whose limits belong into the "
                f"space, so that no trial is spent on finding out: its range, or lt.Space({{…}}, require=['{limit}'])"
            )
    Problem(spec.space, spec.objectives, spec.noisy, outcome_constraints=limits)
    created = Created(
        spec.name,
        spec.space.to_plain(),
        tuple((objective.name, objective.maximize) for objective in spec.objectives),
        secrets.randbits(63) if spec.seed is None else spec.seed,
        spec.noisy,
        version=version.VERSION,
        constraints=tuple((limit.name, limit.relation) for limit in limits),
        fidelity=None if fidelity is None else (fidelity.name, fidelity.low, fidelity.high),
        cost=spec.cost,
        instances=None if spec.instances is None else spec.instances.to_plain(),
        beside=tuple((one.name, one.low, one.high) for one in fidelity.beside) if fidelity else (),
    )
    log = StudyLog(store, spec.name, spec.space)

    def decide(history: History) -> list[Event]:
        return [] if history.length else [created]

    with suppress(StudyNotFound):
        log.refresh()
    log.commit(decide)
    first = log.history.created
    if first is not None and first is not created:  # another process was faster: it must be the same study
        return open_log(store, spec)
    log.refresh()  # notes which study it is
    return log


def _as_stored(name: str, given: Space, stored: object) -> Space:
    """Return the space that was given, its variables in the order in which the store has them.

    Raises:
        StudyMismatch: it is another space; says what differs.
    """
    if given.to_plain() == stored:
        return given
    before = Space.from_plain(stored)
    aligned = given.ordered_like(before)
    if aligned.to_plain() == stored:
        return aligned
    raise StudyMismatch(
        f"study {name!r} in the store searches another space: {'; '.join(differences(before, given))}. "
        "Open it without a space and call study.change(space), or give the new study a name of its own"
    )


def logged_method(history: History) -> Method:
    """Give the method that the log names last; the default one where there is none."""
    logged = history.configured
    method: Method = from_plain(logged[1].method if logged else DEFAULT_METHOD)
    return method


def chosen(history: History, method: Method | None, stop: Rule | None) -> tuple[Method, Rule | None]:
    """Give the method and the rule of a study: those that are given, or else those that the log names."""
    check_rule(stop, history.problem())
    return (
        logged_method(history) if method is None else method,
        logged_rule(history) if stop is None else stop,
    )


def check_given(method: Method | None) -> None:
    """Refuse what is no method, and one that could not be read back."""
    if method is not None:
        check_method(method)
        to_plain(method)


def logged_rule(history: History) -> Rule | None:
    """Give the rule that the log names last, if there is one; before it names any, what suits a fidelity."""
    logged = history.configured
    if logged is None:
        problem = history.problem()
        if problem.instances is not None:
            return Intensify()
        return None if problem.fidelity is None else ASHA()
    rule: Rule | None = None if logged[1].stop is None else from_plain(logged[1].stop)
    return rule


def check_rule(rule: object, problem: Problem) -> None:
    """Refuse what is no rule, one that does not suit the problem, and one that could not be read back."""
    if rule is None:
        return
    if not isinstance(rule, Rule):
        raise InvalidSetting(
            f"stop={short(rule)}: give a rule, such as lt.Median() or lt.ASHA(), that stops trials; what ends a whole "
            "run, such as 'not worth it', belongs to the run, study.run(…, stop=…)"
        )
    to_plain(rule)
    one = single_objective_part(rule) if len(problem.objectives) > 1 else None
    if one is not None:
        raise InvalidSetting(
            f"stop={short(rule)}: {type(one).__name__} compares one number of each report, and this study has several "
            f"objectives, {[objective.name for objective in problem.objectives]}: use lt.ASHA(), lt.Hyperband() or "
            "lt.SuccessiveHalving(), which sort trials by dominance at the rungs of a fidelity"
        )
    scheduler = scheduler_of(rule)
    if isinstance(scheduler, Intensify) and problem.instances is None:
        raise InvalidSetting(
            f"stop={rule!r} races over instances, and this study has none: declare them with "
            "instances=lt.Instances(['a', 'b', 'c'])"
        )
    if scheduler is not None and problem.fidelity is None:
        raise InvalidSetting(
            f"stop={rule!r} gives trials a part of the fidelity first, and this study has none: "
            "declare it with fidelity=lt.Fidelity('epochs', 1, 81)"
        )
