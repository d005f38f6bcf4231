"""Evolutionary search: CMA-ES, differential evolution and NSGA, for long studies of cheap objectives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from luthier._hints import translating_settings
from luthier.errors import InvalidSetting
from luthier.history import History
from luthier.key import Key
from luthier.memo import Memo
from luthier.method.batch import ProposalBatch, has_defaults
from luthier.method.evolution._cmaes import library
from luthier.method.evolution.cma import CovarianceAdaptation
from luthier.method.evolution.columns import ColumnTypes
from luthier.method.evolution.differential_evolution import DifferentialEvolution
from luthier.method.evolution.genetic import GeneticAlgorithm
from luthier.method.evolution.rung_evolution import propose_at_rungs
from luthier.method.evolution.state_fold import StateFold
from luthier.method.notes import ProposedBy, StatePlace, written
from luthier.method.random import Random
from luthier.method.repair import Repair
from luthier.method.rung_results import opening_rung, rung_results
from luthier.method.sequence import changed_outcomes, settings_text, study_key, tag
from luthier.problem import Problem
from luthier.proposal import Proposal
from luthier.scalar import short
from luthier.setting_types import check_setting_types, settings_repr
from luthier.space import Space

KINDS = ("cma", "de", "nsga2", "nsga3")
_FEWEST = 4


@translating_settings
@dataclass(frozen=True)
class Evolution:
    """Evolve a population: for hundreds to many thousands of trials, where a model of the objective costs too much.

    The search begins at the best trial so far, or else at the space's defaults. Results of parallel workers count
    whenever they arrive; a crash ranks behind all other results; of imported or enqueued trials the best one takes
    part. Outcome constraints come before the objective (Deb 2000); several objectives are compared by non-dominated
    sorting and crowding distance (NSGA-II, Deb et al. 2002).

    Args:
        kind: ``cma``: CMA-ES by the library `cmaes` (``pip install 'luthier[cma]'``), with margins if there are
            discrete numbers or categories; ``de``: differential evolution, our own; ``nsga2``, ``nsga3``: genetic
            algorithms for several objectives, our own. CMA-ES is better where numbers depend on each other;
            differential evolution where most variables are categories, and with many local optima. NSGA-III spreads a
            front of three or more objectives by reference directions, as many as the population has room for. In a
            study with a fidelity ``de`` evolves a population at each rung: with ``stop=lt.Hyperband()`` that is DEHB
            (Awad et al. 2021).
        population: the number of trials in a generation, at least 4. None: by the number of columns d, 4 + 3 ln d for
            CMA-ES (three times that for several objectives), 2 d (from 12 to 40) for differential evolution; 24 for
            NSGA-II and NSGA-III, 36 for three objectives, 48 for more.
        spread: the standard deviation of the first generation of CMA-ES, as a share of each range, in (0, 1].
        restart: whether a converged population begins again: CMA-ES from a random point, twice as large (IPOP, Auger
            and Hansen 2005), differential evolution with its best member and random others. The genetic algorithms
            mutate for ever, and never do.

    Raises:
        InvalidSetting: the kind is unknown, the population is below 4, or the spread is outside (0, 1].

    Cost: O(d²) per proposal and O(d³) per generation for CMA-ES, O(s d) for differential evolution with s slots,
    O(s d + m s²) for the genetic algorithms with s members and m objectives.

    Source: see `luthier.method.evolution.cma`, `luthier.method.evolution.differential_evolution` and
    `luthier.method.evolution.genetic`.

    Example:
        >>> Evolution("de", population=20)
        Evolution(kind='de', population=20, spread=0.25, restart=True)
    """

    is_sequential: ClassVar[bool] = True

    kind: str = "cma"
    population: int | None = None
    spread: float = 0.25
    restart: bool = True

    __repr__ = settings_repr

    def __post_init__(self) -> None:
        check_setting_types(self)
        if self.kind not in KINDS:
            raise InvalidSetting(f"Evolution(kind={short(self.kind)}): the kind is one of {', '.join(KINDS)}")
        if self.population is not None and (type(self.population) is not int or self.population < _FEWEST):
            raise InvalidSetting(
                f"Evolution(population={self.population!r}): give a whole number of at least {_FEWEST}"
            )
        if type(self.spread) not in (int, float) or not 0 < self.spread <= 1:
            raise InvalidSetting(f"Evolution(spread={self.spread!r}): give a share of the range, in (0, 1]")
        if type(self.restart) is not bool:
            raise InvalidSetting(f"Evolution(restart={self.restart!r}): give True or False")

    def suggest(self, problem: Problem, history: History, key: Key, count: int, memo: Memo) -> tuple[Proposal, ...]:
        """Propose up to `count` configurations. See `luthier.method.protocol.Method`.

        Raises:
            MissingDependency: the kind is ``cma``, and `cmaes` is not installed.
        """
        if self.kind == "cma":
            library()
        space = problem.space
        batch = ProposalBatch(history, count, repeat=problem.noisy)
        defaults = space.defaults() if not len(history) else None
        if defaults is not None:
            batch.offer(defaults, space.identity(defaults), written(ProposedBy(self.kind, defaults=True)))
        batch.offer_forgotten(space, has_defaults, ProposedBy(self.kind, defaults=True))
        if not batch.full and ColumnTypes.of(space).free:
            self._evolve(problem, history, batch, memo)
        if not batch.proposals:
            return Random().suggest(problem, history, key, count, memo)
        return tuple(batch.proposals)

    def _evolve(self, problem: Problem, history: History, batch: ProposalBatch, memo: Memo) -> None:
        space = problem.space
        if self.kind == "de" and problem.fidelity is not None and len(problem.objectives) == 1:
            self._evolve_at_rungs(problem, history, batch)
            return
        algorithm = self._algorithm(space, len(problem.objectives))
        name = tag(settings_text(self) + changed_outcomes(history), space)
        states: StateFold[Any] = StateFold(algorithm, name, problem, history, memo)
        turn = states.turn(len(history) + len(batch.proposals))
        place, snapshot = turn.place, turn.snapshot
        opening = [] if turn.opening is None else [turn.opening]
        while not batch.full:
            state_place = StatePlace(name, snapshot.generation, snapshot.opener, place)
            note = written(ProposedBy(self.kind), state_place, *opening)
            if not algorithm.propose(snapshot.state, place, Repair(space, batch, None), note):
                return
            place, opening = place + 1, []

    def _evolve_at_rungs(self, problem: Problem, history: History, batch: ProposalBatch) -> None:
        space, root = problem.space, study_key(history).fold("line", "rungs")
        rungs = rung_results(problem, history)
        rung = opening_rung(problem, rungs)
        size = DifferentialEvolution(space, self.population, self.restart).most_external
        while not batch.full:
            place = len(history) + len(batch.proposals)
            repair = Repair(space, batch, None)
            if not propose_at_rungs(space, rungs, rung, size, place, root, root.fold("child", place), repair):
                return

    def _algorithm(
        self, space: Space, objectives: int
    ) -> CovarianceAdaptation | DifferentialEvolution | GeneticAlgorithm:
        if self.kind == "cma":
            return CovarianceAdaptation(space, self.population, float(self.spread), self.restart)
        if self.kind != "de":
            return GeneticAlgorithm(space, self.population, self.kind == "nsga3", objectives)
        return DifferentialEvolution(space, self.population, self.restart)
