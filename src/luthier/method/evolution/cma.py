"""CMA-ES on the encoding of a space, by the library `cmaes`, as an algorithm with an explicit state.

Sources: Hansen (2016), The CMA evolution strategy: a tutorial, for spaces of continuous columns; Hamano, Nomura, Saito,
Uchida and Shirakawa (2025), CatCMA with margin (arXiv 2504.07884), where there are discrete numbers or categories;
Auger and Hansen (2005), A restart CMA evolution strategy with increasing population size (IPOP), CEC; Hansen (2011),
Injecting external solutions into CMA-ES (arXiv 1110.4181), for results that were not drawn from the present state.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from luthier._typing import Floats
from luthier.errors import MissingDependency
from luthier.key import Key
from luthier.method.evolution.columns import ColumnTypes
from luthier.method.evolution.state_fold import AlgorithmResult, Scene
from luthier.method.repair import Repair
from luthier.numeric import sorted_rows
from luthier.space import Space

_TURNS = 20
"""How often a draw outside the box is drawn again; the library itself does so up to 100 times."""
_MOST_DOUBLINGS = 6
_FRONT = 3
"""So many times larger is a generation for several objectives, so that it spreads along the Pareto front.

Measured on ZDT1 in 3 variables after 250 trials: at the usual size the front was no better than that of random search.
"""
_FLAT = 1e-14
_CONVERGED = 1e-11


@dataclass(frozen=True, slots=True)
class Drawn:
    """A draw: (p,) of the normal distribution, before it is put on levels; (k,) the chosen values of categories."""

    normal: Floats
    kinds: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class CMAModel:
    """The library's optimizer as a value: it is copied before it is told anything, and the random numbers are ours.

    The library is asked for what is learnt from a generation; its distribution is read and drawn from here, because its
    own draws advance a random generator.

    Args:
        layout: of the space.
        optimizer: a `cmaes.CMA` or a `cmaes.CatCMAwM`.
    """

    layout: ColumnTypes
    optimizer: Any

    @classmethod
    def begin(cls, layout: ColumnTypes, center: Floats, spread: float, population: int) -> CMAModel:
        """Make a distribution around a point (d,) in [0, 1]; `spread` is its standard deviation in every column."""
        cmaes = library()
        mean = np.clip(center[layout.ordered], 0.0, 1.0)
        if not layout.steps and not layout.kinds:
            box = np.tile([0.0, 1.0], (len(mean), 1))
            made = cmaes.CMA(mean, spread, box, _TURNS, 0, population)
        else:
            made = cmaes.CatCMAwM(
                [[0.0, 1.0]] * len(layout.smooth) or None,
                [values for _, values in layout.steps] or None,
                [len(values) for _, values in layout.kinds] or None,
                population,
                mean if len(mean) else None,
                spread,
                np.eye(len(mean)) if len(mean) else None,
                seed=0,
            )
        return cls(layout, made)._primed()

    @property
    def population(self) -> int:
        """How many results make the next generation."""
        return int(self.optimizer.population_size)

    def draw(self, key: Key) -> Drawn:
        """Draw once, within the box if that succeeds in 21 turns; Hansen (2016), eqs. 38 to 40."""
        layout, optimizer = self.layout, self.optimizer
        normal, kinds = np.empty(0), np.empty(0, np.int64)
        if layout.kinds:
            below = optimizer._q.cumsum(axis=1) <= key.fold("kinds").uniform((len(layout.kinds), 1))
            kinds = np.minimum(below.sum(axis=1), [len(values) - 1 for _, values in layout.kinds])
        if layout.ordered:
            (normal,) = self._normal(key.fold("normal"), 1)
            if not self._is_inside(normal[None, :])[0]:
                more = self._normal(key.fold("again"), _TURNS)
                inside = np.flatnonzero(self._is_inside(more))
                normal = more[inside[0] if len(inside) else -1]
            if not self._is_mixed:  # with levels the library punishes what is outside
                normal = np.clip(normal, 0.0, 1.0)
        return Drawn(normal, kinds)

    def _normal(self, key: Key, count: int) -> Floats:
        """Draw (count, p) from the normal distribution."""
        optimizer = self.optimizer
        steps = (key.normal((count, len(self.layout.ordered))) * optimizer._D) @ optimizer._B.T
        drawn: Floats = optimizer._mean + self._scale * steps
        return drawn

    def _is_inside(self, normal: Floats) -> NDArray[np.bool_]:
        smooth = normal[:, : len(self.layout.smooth)]
        inside: NDArray[np.bool_] = np.all((smooth >= 0) & (smooth <= 1), axis=1)
        return inside

    @property
    def _scale(self) -> Any:
        """The step size, of each column where there are margins."""
        return self.optimizer._sigma * (self.optimizer._A if self._is_mixed else 1.0)

    def point(self, drawn: Drawn) -> Floats:
        """Give the point (d,) that a draw stands for."""
        layout = self.layout
        point = np.full(layout.dimensions, 0.5)
        smooth = len(layout.smooth)
        point[list(layout.smooth)] = np.clip(drawn.normal[:smooth], 0.0, 1.0)
        for (place, values), value in zip(layout.steps, drawn.normal[smooth:], strict=True):
            point[place] = values[np.searchsorted((values[1:] + values[:-1]) / 2, value)]
        for (place, values), chosen in zip(layout.kinds, drawn.kinds, strict=True):
            point[place] = values[chosen]
        return point

    def inject(self, point: Floats) -> Drawn:
        """Give the draw that a point tried elsewhere is told as: no further from the mean than a draw would be.

        Inactive columns have the mean's value. Source: Hansen (2011), eq. 4, with the length of its section 3.
        """
        layout, optimizer = self.layout, self.optimizer
        kinds = np.array([_nearest(values, point[place]) for place, values in layout.kinds], dtype=np.int64)
        columns = layout.ordered
        if not columns:
            return Drawn(np.empty(0), kinds)
        mean, scale = optimizer._mean, self._scale
        wish = point[columns]
        step = np.where(np.isnan(wish), 0.0, wish - mean) / scale
        length = float(np.linalg.norm((optimizer._B.T @ step) / optimizer._D))
        count = len(columns)
        most = math.sqrt(count) + 2.0 * count / (count + 2.0)
        return Drawn(mean + scale * step * min(1.0, most / max(length, 1e-300)), kinds)

    def told(self, draws: Sequence[Drawn]) -> CMAModel | None:
        """Give the distribution after a generation of draws, the best first; None where it is degenerate."""
        optimizer = copy.deepcopy(self.optimizer)
        solutions = [(self._solution(drawn), float(place)) for place, drawn in enumerate(draws)]
        with _quiet():
            optimizer.tell(solutions)
            if not _is_sound(optimizer):
                return None
            made = CMAModel(self.layout, optimizer)._primed()
            return made if _is_sound(made.optimizer) else None

    def is_over(self) -> bool:
        """Tell whether the distribution is so narrow, or so ill-conditioned, that nothing more comes of it."""
        if not self.layout.ordered:
            return False
        optimizer = self.optimizer
        with _quiet():
            if optimizer.should_stop():
                return True
            deviation = optimizer._sigma * np.sqrt(np.diag(optimizer._C))[: len(self.layout.smooth)]
        return bool(len(deviation)) and float(deviation.max()) < _CONVERGED and not self._is_mixed

    @property
    def _is_mixed(self) -> bool:
        return bool(self.layout.steps or self.layout.kinds)

    def _primed(self) -> CMAModel:
        """Have the eigenvectors made once, and kept in the value."""
        if self.layout.ordered:
            with _quiet():
                self.optimizer._eigen_decomposition()
        return self

    def _solution(self, drawn: Drawn) -> Any:
        if not self._is_mixed:
            return drawn.normal
        layout, smooth = self.layout, len(self.layout.smooth)
        chosen = None
        if layout.kinds:
            chosen = np.zeros((len(layout.kinds), max(len(values) for _, values in layout.kinds)), dtype=bool)
            chosen[np.arange(len(layout.kinds)), drawn.kinds] = True
        kind = type(self.optimizer).Solution
        return kind(drawn.normal[:smooth], None, chosen, drawn.normal if layout.ordered else None)


@dataclass(frozen=True, slots=True, eq=False)
class CMAState:
    """The state between generations.

    Args:
        model: the distribution.
        opener: the trial that opened the state.
        key: the randomness of its draws.
        run: how many restarts there were.
        since: the first trial of this run.
        best: the least (violation, loss) of this run, of one objective.
        stale: generations without a better one.
        tops: the best losses of the newest generations, the newest last.
        anchor: (d,) the best point so far that is known to be feasible.
    """

    model: CMAModel
    opener: int
    key: Key
    run: int
    since: int
    best: tuple[float, float]
    stale: int
    tops: tuple[float, ...]
    anchor: Floats | None


@dataclass(frozen=True)
class CovarianceAdaptation:
    """CMA-ES as an algorithm for `luthier.method.evolution.state_fold`.

    Args:
        space: what is searched.
        population: of the first run; None for the library's default, or three times that for several objectives.
        spread: the first standard deviation, as a share of each range.
        restart: whether to begin again, twice as large, from a random point, when nothing more comes.
    """

    space: Space
    population: int | None
    spread: float
    restart: bool

    guests = 1

    def begin(self, scene: Scene, results: Sequence[AlgorithmResult]) -> CMAState:
        """Begin around the best result of others, else around the defaults, else in the middle."""
        center = np.full(self.space.dimensions, 0.5)
        defaults = self.space.defaults()
        start = results[0].point if results else None if defaults is None else self.space.encode([defaults])[0]
        if start is not None:
            center = np.where(np.isnan(start), center, start)
        return self._run(scene, center, 0, start)

    def wanted(self, state: CMAState, pending: int) -> int:
        """A generation; more where more workers run, so that most of what is told is not older than one generation."""
        return max(state.model.population, pending)

    def since(self, state: CMAState) -> int:
        """See `Algorithm.since`."""
        return state.since

    def propose(self, state: CMAState, place: int, landing: Repair, note: Mapping[str, Any]) -> bool:
        """Draw the proposal of a place into the batch; tell whether anything was found."""

        def draw(turn: int) -> tuple[Floats, Mapping[str, Any]]:
            return state.model.point(_draw(state, place, turn)), {"turn": turn} if turn else {}

        return replace(landing, anchor=state.anchor).land(draw, state.key.fold("move", place), note)

    def step(self, scene: Scene, state: CMAState, results: Sequence[AlgorithmResult]) -> CMAState:
        """Fold a generation; see `Algorithm.step`."""
        losses = np.array([result.losses for result in results])
        order = sorted_rows(losses, np.array([result.violation for result in results])).tolist()
        ranked = [results[row] for row in order]
        if ranked[0].crashed:
            return replace(state, opener=scene.opener, key=scene.key)
        draws = [_as_draw(state, result) for result in _ends(ranked, state.model.population)]
        moved = sum(result.note.get("moved") == "known" for result in results)
        top = ranked[0]
        single = len(scene.problem.objectives) == 1
        now = (top.violation, float(top.losses[0])) if single else (0.0, 0.0)
        better = single and now < state.best
        model = state.model.told(draws)
        length = 10 + math.ceil(30 * state.model.layout.free / state.model.population)
        tops = (*state.tops, now[1])[-length:] if now[0] == 0 and single else ()
        stale = 0 if better or not single else state.stale + 1
        anchor = top.point if better or not single or state.anchor is None else state.anchor
        over = model is None or moved * 2 >= len(results) or stale > 110 + length or _is_flat(tops, length)
        if model is None or (self.restart and (over or model.is_over())):
            return self._again(scene, state, anchor)
        best = now if better else state.best
        return CMAState(model, scene.opener, scene.key, state.run, state.since, best, stale, tops, anchor)

    # --- runs -----------------------------------------------------------------------------------------

    def _run(self, scene: Scene, center: Floats, run: int, anchor: Floats | None) -> CMAState:
        layout = ColumnTypes.of(self.space)
        first = self.population or 4 + math.floor(3 * math.log(layout.free))
        if self.population is None and len(scene.problem.objectives) > 1:
            first *= _FRONT
        population = first * 2 ** min(run, _MOST_DOUBLINGS)
        model = CMAModel.begin(layout, center, self.spread, population)
        return CMAState(model, scene.opener, scene.key, run, scene.opener, (math.inf, math.inf), 0, (), anchor)

    def _again(self, scene: Scene, state: CMAState, anchor: Floats | None) -> CMAState:
        (drawn,) = self.space.sample(scene.key.fold("restart"), 1)
        fill = scene.key.fold("fill").uniform(len(drawn))
        return self._run(scene, np.where(np.isnan(drawn), fill, drawn), state.run + 1, anchor)


def _draw(state: CMAState, place: int, turn: int) -> Drawn:
    return state.model.draw(state.key.fold("draw", place, turn))


def _as_draw(state: CMAState, result: AlgorithmResult) -> Drawn:
    """Give the draw that made a result, where the present state made it; else what comes near."""
    note = result.note
    if note.get("opened") == state.opener and "moved" not in note:
        return _draw(state, int(note["place"]), int(note.get("turn", 0)))
    return state.model.inject(result.point)


def _ends(ranked: Sequence[AlgorithmResult], count: int) -> list[AlgorithmResult]:
    """Choose the better and the worse half of a generation from both ends of more results than that."""
    worse = count // 2
    return [*ranked[: count - worse], *ranked[len(ranked) - worse :]]


def _is_flat(tops: Sequence[float], length: int) -> bool:
    if len(tops) < length:
        return False
    return max(tops) / 4 - min(tops) / 4 <= _FLAT * max(map(abs, tops)) / 4


def _nearest(values: Floats, place: float) -> int:
    return 0 if math.isnan(place) else int(np.argmin(np.abs(values - place)))


def _is_sound(optimizer: Any) -> bool:
    """Tell whether all numbers of a distribution are finite, and none of them is out of all proportion."""
    gaussian = getattr(optimizer, "_mean", None)
    if gaussian is not None and len(gaussian):
        numbers = [optimizer._mean, optimizer._C, np.array([optimizer._sigma]), optimizer._p_sigma, optimizer._pc]
        if not all(np.isfinite(some).all() and np.abs(some).max() < 1e30 for some in numbers):
            return False
        if optimizer._sigma <= 0 or (np.diag(optimizer._C) <= 0).any():
            return False
    categories = getattr(optimizer, "_q", None)
    return categories is None or bool(np.isfinite(categories).all())


@contextmanager
def _quiet() -> Iterator[None]:
    with np.errstate(all="ignore"):
        yield


def library() -> Any:
    """Import `cmaes`.

    Raises:
        MissingDependency: it is not installed.
    """
    try:
        import cmaes
    except ImportError:
        raise MissingDependency("Evolution('cma') needs the library cmaes: pip install 'luthier[cma]'") from None
    return cmaes
