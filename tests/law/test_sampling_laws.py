"""Laws of feasible sampling: every draw keeps every constraint; listing and filtering agree; pavings lose nothing."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from check_set import examples
from luthier.errors import Infeasible
from luthier.key import Key
from luthier.space import Bool, Choice, Float, Int, Ordinal, Space, Subset
from luthier.space.expression import parse
from luthier.space.sampling.branch_and_prune import pave
from luthier.space.sampling.enumeration import Enumerator
from luthier.space.sampling.group import Group
from luthier.space.sampling.plans import EnumeratedPlan, make_plan
from luthier.space.sampling.rejection import CubeProposal, PavedProposal, RejectionPlan
from luthier.space.sampling.transforms import ConstantDensityTransform

NAMES = ("a", "b", "c", "k", "s", "flag")
terms = st.sampled_from(
    ["a", "b", "c", "2 * a", "b - a", "a * b", "a + b + c", "c / 2", "1", "3", "abs(a - b)", "min(b, c)"]
)
simple = st.one_of(
    st.builds(
        "{} {} {}".format,
        st.sampled_from(["a", "b", "c", "a + c"]),
        st.sampled_from(["<", "<=", "==", "!=", ">", ">="]),
        terms,
    ),
    st.sampled_from(
        ["k == 'x'", "k != 'y'", "k in ('x', 'z')", "flag", "not flag", "'i' in s", "len(s) == 1", "a < b < c"]
    ),
)
texts = st.recursive(
    simple,
    lambda inside: st.one_of(
        st.builds("({}) and ({})".format, inside, inside),
        st.builds("({}) or ({})".format, inside, inside),
        st.builds("not ({})".format, inside),
    ),
    max_leaves=3,
)


@st.composite
def finite_spaces(draw: st.DrawFn) -> Space:
    variables: dict[str, Any] = {}
    conditions = [None, None, "k == 'x'", "a > 1", "k != 'z' and a < 3"]
    variables["k"] = Choice("x", "y", "z", weights=draw(st.sampled_from([None, (1, 2, 3)])))
    variables["a"] = Int(0, 4)
    variables["b"] = draw(st.sampled_from([Int(0, 3), Int(1, 4, log=True), Float(0, 2, step=0.5)]))
    variables["c"] = Int(1, 3, when=draw(st.sampled_from(conditions)))
    variables["s"] = Subset(("i", "j"), size=(0, 2), when=draw(st.sampled_from(conditions)))
    variables["flag"] = Bool(when=draw(st.sampled_from(conditions)))
    require = draw(st.lists(texts, max_size=3))
    require = [text for text in require if parse(text).names <= set(NAMES)]
    return Space(variables, require=require)


def every(space: Space) -> list[dict[str, Any]]:
    """List by trying everything."""
    values: list[list[Any]] = []
    for name in space.names:
        variable = space.variables[name]
        options = [None] if name in ("c", "s", "flag") else []
        if isinstance(variable, Subset):
            found = list(variable.values())
        elif isinstance(variable, (Choice, Ordinal, Bool)):
            found = list(variable.options)
        else:
            found = [variable.pick(i) for i in range(variable.count)]
        values.append(options + [("value", item) for item in found])
    result = []
    for case in itertools.product(*values):
        config = {name: item[1] for name, item in zip(space.names, case, strict=True) if item is not None}
        active = {
            name for name in space.names if space.condition(name) is None or space.condition(name).evaluate_one(config)
        }
        if active == set(config) and not any(parse(t).evaluate_one(config) is False for t in space.constraints):
            result.append(config)
    return result


@settings(max_examples=examples(60))
@given(finite_spaces())
@pytest.mark.slow
def test_listing_gives_what_filtering_gives(space: Space) -> None:
    listed = list(space.configurations())
    expected = every(space)
    assert len(listed) == len(expected)
    assert {space.identity(config) for config in listed} == {space.identity(config) for config in expected}
    for config in listed[:20]:
        space.check(config)


@settings(max_examples=examples(60))
@given(finite_spaces())
def test_draws_are_feasible_or_there_is_nothing(space: Space) -> None:
    try:
        points = space.sample(Key.of(1), 40)
    except Infeasible:
        assert next(space.configurations(), None) is None
        return
    assert space.feasible(points).all()
    for config in space.decode(points)[:10]:
        space.check(config)


@st.composite
def continuous_spaces(draw: st.DrawFn) -> Space:
    log = draw(st.booleans())
    variables: dict[str, Any] = {
        "a": Float(0, 4),
        "b": Float(0.25, 4, log=log),
        "c": draw(st.sampled_from([Float(0, 4), Int(0, 4), Float(0, 4, when="k == 'x'")])),
        "k": Choice("x", "y", "z"),
        "s": Subset(("i", "j"), size=(0, 2)),
        "flag": Bool(),
    }
    return Space(variables, require=draw(st.lists(texts, min_size=1, max_size=3)))


@settings(max_examples=examples(40))
@given(continuous_spaces())
def test_draws_of_continuous_spaces_are_feasible(space: Space) -> None:
    try:
        points = space.sample(Key.of(1), 30)
    except Infeasible as error:
        # Where plain luck finds more than a handful, saying so would be wrong.
        free = Space(dict(space.given)).sample(Key.of(2), 2000)
        assert space.feasible(free).sum() < 5, str(error)
        return
    assert space.feasible(points).all()


@settings(max_examples=examples(60))
@given(continuous_spaces())
@pytest.mark.slow
def test_a_paving_loses_no_feasible_point(space: Space) -> None:
    group = Group(space.structure)
    uniforms = Key.of(3).uniform((400, group.width))
    good = uniforms[group.keeps(uniforms)]
    paving = pave(group, group.rules, frozenset(), 100)
    assert np.isclose(1 - paving.volumes.sum(), 1 - min(1.0, paving.volumes.sum()))
    held = ((good[:, None] >= paving.low) & (good[:, None] < paving.high)).all(axis=2)
    assert (held.sum(axis=1) == 1).all()
    for low, high in zip(paving.low[paving.inside][:20], paving.high[paving.inside][:20], strict=True):
        inside = low + (high - low) * Key.of(4).uniform((20, group.width))
        assert group.keeps(inside).all()


@pytest.mark.parametrize("require", [["a + b <= 2", "k == 'x' or c < 1"], ["a * b < 0.5", "c != 2"]])
def test_every_exact_plan_draws_from_the_same_distribution(require: list[str]) -> None:
    from scipy import stats

    variables = {"a": Int(0, 3), "b": Ordinal(0, 1, 2), "c": Int(0, 2), "k": Choice("x", "y", weights=(1, 3))}
    space = Space(variables, require=require)
    group = Group(space.structure)
    enumerator = Enumerator(group.encoder)
    listed = EnumeratedPlan(group, enumerator, np.concatenate(list(enumerator.batches())))
    paving = pave(group, group.rules, frozenset(), 200)
    paved = RejectionPlan(group, PavedProposal(paving, ConstantDensityTransform(group).solver))
    tables = []
    for plan in (RejectionPlan(group, CubeProposal(), 0.2), listed, paved, make_plan(group)):
        values = space.read(group.points(plan.draw(Key.of(7), 4000)), frozenset(variables))
        cells = values["a"] * 100 + values["b"].codes * 20 + values["c"] * 4 + values["k"].codes
        tables.append(cells)
        assert group.keeps(plan.draw(Key.of(8), 100)).all()
    kinds = np.unique(np.concatenate(tables))
    counts = np.array([[(cells == kind).sum() for kind in kinds] for cells in tables])
    assert stats.chi2_contingency(counts).pvalue > 1e-3
