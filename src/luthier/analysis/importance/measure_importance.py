"""Importance of the variables of a problem by any of the methods."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np

from luthier._hints import did_you_mean
from luthier._typing import Floats
from luthier.analysis.importance.fitted_halves import FEWEST, FittedHalves, fit_halves
from luthier.analysis.importance.importance_results import (
    GroupImportance,
    Importance,
    ImportanceMethod,
    PairImportance,
    VariableImportance,
)
from luthier.analysis.importance.local_importance import local_scores
from luthier.analysis.importance.ped_anova import best_rows, ped_anova_score
from luthier.analysis.importance.permutation_importance import permutation_score
from luthier.analysis.importance.shapley_effects import ShapleyWalks
from luthier.analysis.importance.variance_shares import FunctionalAnova
from luthier.analysis.interval_estimate import IntervalEstimate
from luthier.analysis.latent_sampling import Block, blocks_of, draw_latents, is_active
from luthier.analysis.predict import check_level, check_span, place_of
from luthier.analysis.predictive_distribution import one_objective
from luthier.data import Data
from luthier.errors import InvalidSetting, NoResult
from luthier.key import Key
from luthier.memo import Memo
from luthier.problem import Problem

_MOST_PAIRED = 10
_GROUPED = ("fanova", "shapley", "permutation")
_FEW = 30
_NOTHING = IntervalEstimate(0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class ImportanceRequest:
    """Settings of a measurement of importance.

    Args:
        method: see `ImportanceMethod`; None for the default.
        groups: the variables of each group, by its name.
        interactions: whether pairs are scored.
        failures: what crashed trials count as.
        level: of the intervals, in (0, 1).

    Raises:
        InvalidSetting: a setting outside its range, or some that do not go together.
    """

    method: ImportanceMethod | None = None
    groups: Mapping[str, Sequence[str]] | None = None
    interactions: bool = False
    failures: Literal["ignore", "worst"] = "ignore"
    level: float = 0.95

    def __post_init__(self) -> None:
        known = get_args(ImportanceMethod)
        if self.method is not None and self.method not in known:
            names = ", ".join(map(repr, known))
            raise InvalidSetting(
                f"method={self.method!r}{did_you_mean(str(self.method), known)}: choose one of {names}"
            )
        if self.failures not in ("ignore", "worst"):
            raise InvalidSetting(f"failures={self.failures!r}: choose 'ignore' or 'worst'")
        if self.interactions and self.chosen != "fanova":
            raise InvalidSetting(f"interactions are scored by method='fanova', not by {self.chosen!r}")
        if self.groups and self.chosen not in _GROUPED:
            raise InvalidSetting(
                f"groups are scored by {', '.join(map(repr, _GROUPED))}; {self.chosen!r} scores single variables only"
            )
        check_level(self.level)

    @property
    def chosen(self) -> ImportanceMethod:
        """The method, the default where none was given."""
        return self.method or "fanova"


def measure_importance(
    problem: Problem, data: Data, objective: str | None, request: ImportanceRequest, key: Key, memo: Memo
) -> Importance:
    """Measure the importance of all variables; see `luthier.Study.importance`.

    Raises:
        InvalidSetting: there is no such objective or variable.
        NoResult: too little is known.
    """
    place = place_of(problem, objective)
    goal = problem.objectives[place]
    data = one_objective(data, place)
    if request.failures == "worst" and len(data.failed) and len(data):
        data = _with_failures(data)
    blocks = blocks_of(problem.space)
    _check_groups(request, [block.name for block in blocks], problem.space.names)
    _check_enough(problem, data, goal.name, len(blocks))
    measured = _Measurement(problem, data, request, key.fold("importance", place), memo)
    remarks = _remarks(problem, data, request)
    return measured.result(goal.name, remarks)


class _Measurement:
    """One measurement: its models are fitted once."""

    def __init__(self, problem: Problem, data: Data, request: ImportanceRequest, key: Key, memo: Memo) -> None:
        self.space, self.data, self.request, self.key = problem.space, data, request, key
        self.blocks = blocks_of(self.space)
        self.model: FittedHalves | None = None
        self.fit: float | None = None
        if request.chosen != "ped-anova":
            stream = key.fold("model")
            self.model, self.fit = memo.get(
                ("importance", stream, data.columns, _digest(data)), lambda: fit_halves(data, stream, memo)
            )
        settled = self.space.settle(draw_latents(self.space, key.fold("active"), 4096))
        self.active = {block.name: float(is_active(settled, block).mean()) for block in self.blocks}

    def result(self, objective: str, remarks: list[str]) -> Importance:
        groups: list[GroupImportance] = []
        pairs: list[PairImportance] = []
        match self.request.chosen:
            case "fanova":
                variables, groups, pairs = self._fanova()
            case "shapley":
                variables, groups = self._shapley()
            case "permutation":
                variables, groups = self._permutation()
            case "local":
                variables = self._local(remarks)
            case "ped-anova":
                variables = self._ped_anova(remarks)
        if self.fit is not None and self.fit <= 0.1:
            remarks.append(f"the model explains only {max(self.fit, 0):.0%} of values held out: more trials are needed")
        by = "densities of the values" if self.model is None else self.model.name
        variables.sort(key=lambda one: (-(one.total or one.score).value, -one.score.value))
        return Importance(
            objective,
            self.request.chosen,
            tuple(variables),
            tuple(groups),
            tuple(pairs),
            self.request.level,
            len(self.data),
            self.fit,
            by,
            tuple(remarks),
        )

    def _fanova(self) -> tuple[list[VariableImportance], list[GroupImportance], list[PairImportance]]:
        assert self.model is not None
        level = self.request.level
        anova = FunctionalAnova(self.model, self.space, self.key.fold("space"))
        variables = []
        for share in anova.shares():
            total = share.total.share_of(share.whole, level)
            variables.append(self._variable(share.block, share.main.share_of(share.whole, level), total))
        groups = [
            GroupImportance(name, tuple(members), anova.group(members).share_of(anova.variance, level))
            for name, members in (self.request.groups or {}).items()
        ]
        if not self.request.interactions:
            return variables, groups, []
        order = sorted(range(len(variables)), key=lambda i: -(variables[i].total or _NOTHING).value)[:_MOST_PAIRED]
        pairs = []
        for at, one in enumerate(sorted(order)):
            for two in sorted(order)[at + 1 :]:
                found, whole = anova.pair(one, two)
                names = (self.blocks[one].name, self.blocks[two].name)
                if whole > 0:
                    pairs.append(PairImportance(names, found.share_of(whole, level)))
        return variables, groups, sorted(pairs, key=lambda pair: -pair.score.value)

    def _shapley(self) -> tuple[list[VariableImportance], list[GroupImportance]]:
        assert self.model is not None
        walks = ShapleyWalks(self.space, self.key.fold("walks"))
        values = self.model.values(walks.points)
        scores = [walks.score_of(values, [place]) for place in range(len(self.blocks))]
        whole = sum(max(one.value, 0.0) for one in scores)
        variables = [
            self._variable(block, one.share_of(whole, self.request.level))
            for block, one in zip(self.blocks, scores, strict=True)
        ]
        places = {block.name: place for place, block in enumerate(self.blocks)}
        groups = [
            GroupImportance(
                name,
                tuple(members),
                walks.score_of(values, [places[one] for one in members]).share_of(whole, self.request.level),
            )
            for name, members in (self.request.groups or {}).items()
        ]
        return variables, groups

    def _permutation(self) -> tuple[list[VariableImportance], list[GroupImportance]]:
        variables = [self._variable(block, self._shuffle([block], block.name)) for block in self.blocks]
        known = {block.name: block for block in self.blocks}
        groups = [
            GroupImportance(name, tuple(members), self._shuffle([known[one] for one in members], name))
            for name, members in (self.request.groups or {}).items()
        ]
        return variables, groups

    def _shuffle(self, blocks: Sequence[Block], name: str) -> IntervalEstimate:
        assert self.model is not None
        found, whole = permutation_score(self.model, self.space, self.data, blocks, self.key.fold("shuffle", name))
        return found.share_of(whole, self.request.level)

    def _local(self, remarks: list[str]) -> list[VariableImportance]:
        assert self.model is not None
        row = int(self.data.best_first()[0])
        blocks, scores = local_scores(self.model, self.space, self.data.x[row])
        whole = sum(max(one.value, 0.0) for one in scores)
        scored = {block.name for block in blocks}
        left = [block.name for block in self.blocks if block.name not in scored]
        if left:
            remarks.append(f"not active in the best trial: {', '.join(left)}")
        return [
            self._variable(block, one.share_of(whole, self.request.level))
            for block, one in zip(blocks, scores, strict=True)
        ]

    def _ped_anova(self, remarks: list[str]) -> list[VariableImportance]:
        best = best_rows(self.data.loss)
        wide = [block.name for block in self.blocks if block.width > 1]
        if wide:
            remarks.append(f"not scored by ped-anova, as they are no single values: {', '.join(wide)}")
        return [
            self._variable(
                block,
                ped_anova_score(self.data, best, block, self.key.fold("ped-anova", block.name), self.request.level),
            )
            for block in self.blocks
            if block.width == 1
        ]

    def _variable(
        self, block: Block, found: IntervalEstimate, total: IntervalEstimate | None = None
    ) -> VariableImportance:
        trials = int((~np.isnan(self.data.x[:, block.begin])).sum())
        return VariableImportance(block.name, found, total, self.active[block.name], trials)


def _digest(data: Data) -> bytes:
    noise = b"" if data.noise is None else data.noise.tobytes()
    return hashlib.blake2b(data.x.tobytes() + data.loss.tobytes() + noise, digest_size=16).digest()


def _with_failures(data: Data) -> Data:
    """Count crashed trials as the worst value."""
    count = len(data.failed)
    unknown: Floats = np.full((count, data.violations.shape[1]), np.nan)
    return replace(
        data,
        x=np.concatenate([data.x, data.failed]),
        losses=np.append(data.loss, np.full(count, data.loss.max()))[:, None],
        violations=np.concatenate([data.violations, unknown]),
        noise=None if data.noise is None else np.append(data.noise, np.zeros(count)),
        costs=np.append(data.costs, np.full(count, np.nan)),
        failed=data.failed[:0],
    )


def _check_groups(request: ImportanceRequest, scored: Sequence[str], names: Sequence[str]) -> None:
    for group, members in (request.groups or {}).items():
        if isinstance(members, str) or not members:
            raise InvalidSetting(f"groups={{{group!r}: {members!r}}}: give a list of variables")
        for name in members:
            if name in scored:
                continue
            if name in names:
                raise InvalidSetting(f"group {group!r}: variable {name!r} has a single value, and cannot be scored")
            raise InvalidSetting(f"group {group!r}: there is no variable {name!r}{did_you_mean(name, names)}")


def _check_enough(problem: Problem, data: Data, objective: str, variables: int) -> None:
    if not variables:
        raise NoResult("the space has no variable with more than one value: there is nothing to score")
    if len(data) < FEWEST:
        failed = f", and {len(data.failed)} that crashed" if len(data.failed) else ""
        raise NoResult(
            f"importance needs at least {FEWEST} trials with values; there are {len(data)}{failed}"
            + (" (failures='worst' counts those that crashed)" if len(data) and len(data.failed) else "")
        )
    check_span(objective, data.loss)
    if not np.ptp(data.loss) > 0:
        raise NoResult(f"all {len(data)} values of {objective} are equal: no variable can matter for them")


def _remarks(problem: Problem, data: Data, request: ImportanceRequest) -> list[str]:
    remarks = []
    if problem.space.constraints and request.chosen in ("fanova", "shapley"):
        remarks.append("the constraints of the space are left aside: the scores are those over all values")
    if len(data.failed) and request.failures == "ignore":
        remarks.append(f"{len(data.failed)} trials that crashed are left out (failures='worst' counts them)")
    if len(data) < _FEW:
        remarks.append(f"{len(data)} trials are few: the intervals say how little is known")
    return remarks
