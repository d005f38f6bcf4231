"""Hypothesis strategies that tests share: random spaces, with priors, conditions, nested spaces and constraints."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from luthier.errors import Infeasible
from luthier.key import Key
from luthier.space import (
    Beta,
    Bool,
    Choice,
    Constant,
    Float,
    Int,
    LogNormal,
    Normal,
    Option,
    Ordinal,
    Permutation,
    Simplex,
    Space,
    Subset,
    Variable,
)
from luthier.space.expression import write_name

NAMES = ("x", "learning rate", "lambda", "größe", "a`b", "n_estimators", "2nd", "kernel", "y.z", "C")
OPTIONS = ("rbf", "poly", None, True, 3, 0.25, ("adam", 0.9), "", "it's", 'say "no"')

finite = st.floats(-1e6, 1e6, allow_nan=False).map(lambda value: float(f"{value:.6g}"))
positive = st.floats(1e-8, 1e6).map(lambda value: float(f"{value:.6g}"))


@st.composite
def floats(draw: st.DrawFn) -> Float:
    """Draw a Float on a linear or log scale, in steps or not, with a prior or not."""
    log = draw(st.booleans())
    low, high = sorted(draw(st.lists(positive if log else finite, min_size=2, max_size=2, unique=True)))
    step = None
    if draw(st.integers(0, 3)) == 0:
        step = float(f"{(high - low) / draw(st.integers(1, 50)):.3g}")
        step = step if 0 < step <= high - low else None
    prior: Any = None
    if step is None and draw(st.integers(0, 3)) == 0:
        middle, width = (low + high) / 2, high - low
        prior = draw(st.sampled_from([Normal(middle, width), Beta(2.0, 0.5)] + [LogNormal(0.0, 9.0)] * (low > 0)))
    return Float(low, high, log=log, step=step, prior=prior)


@st.composite
def ints(draw: st.DrawFn) -> Int:
    """Draw an Int."""
    log = draw(st.booleans())
    low = draw(st.integers(1, 50) if log else st.integers(-1000, 1000))
    high = low + draw(st.integers(1, 1000))
    step = draw(st.one_of(st.none(), st.integers(1, high - low)))
    prior = draw(st.sampled_from([None, None, Normal((low + high) / 2, float(high - low)), Beta(1.5, 3.0)]))
    return Int(low, high, log=log, step=step, prior=prior)


def choices() -> st.SearchStrategy[Choice]:
    """Draw a Choice, with weights or not."""
    some = st.lists(st.sampled_from(OPTIONS), min_size=1, max_size=5, unique=True)
    weighted = some.flatmap(
        lambda options: st.lists(st.floats(0.1, 10.0), min_size=len(options), max_size=len(options)).map(
            lambda weights: Choice(*options, weights=weights)
        )
    )
    return st.one_of(some.map(lambda options: Choice(*options)), weighted)


@st.composite
def subsets(draw: st.DrawFn) -> Subset:
    """Draw a Subset."""
    items = tuple("abcdef"[: draw(st.integers(1, 6))])
    low = draw(st.integers(0, len(items)))
    return Subset(items, size=(low, draw(st.integers(low, len(items)))))


def variables() -> st.SearchStrategy[Variable]:
    """Draw a variable of any kind, without a condition."""
    return st.one_of(
        floats(),
        ints(),
        choices(),
        st.integers(1, 5).map(lambda count: Ordinal(*("tiny", "small", "medium", "large", "huge")[:count])),
        st.just(Bool()),
        st.sampled_from([Constant(3), Constant("fixed"), Constant((1, 2))]),
        subsets(),
        st.integers(1, 5).map(lambda count: Permutation(list("vwxyz")[:count])),
        st.one_of(st.integers(2, 4).map(Simplex), st.just(Simplex(["sand", "clay", "silt"]))),
    )


def _literal(variable: Variable, draw: st.DrawFn) -> str | None:
    """Write a comparison of `{}` with a value of the variable."""
    if isinstance(variable, Float | Int):
        return f"{{}} {draw(st.sampled_from(['<', '<=', '>', '>=']))} {variable.start!r}"
    if isinstance(variable, Choice | Bool):
        value = draw(st.sampled_from(variable.options))
        return f"{{}} {draw(st.sampled_from(['==', '!=']))} {value!r}"
    if isinstance(variable, Ordinal):
        value = draw(st.sampled_from(variable.options))
        return f"{{}} {draw(st.sampled_from(['<=', '>=', '==']))} {value!r}"
    return None


def _condition(known: dict[str, Variable], draw: st.DrawFn) -> str | None:
    """Write a condition over some of the variables."""
    texts = []
    for name in draw(st.lists(st.sampled_from(sorted(known)), min_size=1, max_size=2, unique=True)):
        pattern = _literal(known[name], draw)
        if pattern is not None:
            text = pattern.replace("{}", write_name(name), 1)
            texts.append(f"not {text}" if draw(st.integers(0, 4)) == 0 else text)
    return draw(st.sampled_from([" and ", " or "])).join(texts) or None


@st.composite
def spaces(draw: st.DrawFn, most: int = 6, constrained: bool = True, nested: bool = True) -> Space:
    """Draw a space of up to `most` variables; conditions to any depth, in any order of declaration.

    Args:
        most: the number of variables, nested ones left aside.
        constrained: whether there may be constraints (which may be infeasible).
        nested: whether a choice may bring a space of its own.
    """
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=most, unique=True))
    known: dict[str, Variable] = {}
    for name in names:
        variable = draw(variables())
        if nested and isinstance(variable, Choice) and draw(st.booleans()):
            inner = draw(spaces(most=2, constrained=constrained, nested=False))
            given = [Option(variable.options[0], inner), *variable.options[1:]]
            variable = Choice(*given, weights=variable.weights)
        when = _condition(known, draw) if known and draw(st.booleans()) else None
        if when is not None:
            object.__setattr__(variable, "when", when)  # as if it had been built with it
        known[name] = variable
    require = []
    if constrained:
        require = [text for _ in range(draw(st.integers(0, 2))) if (text := _condition(known, draw))]
    order = draw(st.permutations(list(known)))
    return Space({name: known[name] for name in order}, require=require)


def keys() -> st.SearchStrategy[Key]:
    """Draw a key."""
    return st.integers(0, 2**32).map(Key.of)


def sampled(space: Space, key: Key, count: int) -> Any:
    """Draw feasible points; None where the space has none."""
    try:
        return space.sample(key, count)
    except Infeasible:
        return None
