"""Search spaces of the search classes, converted into Luthier spaces."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
import pytest
from scipy import stats
from sklearn.svm import SVC, LinearSVC

import luthier as lt
from luthier.errors import InvalidSpace
from luthier.key import Key
from luthier.sklearn.spaces.candidate_space import candidate_space
from luthier.sklearn.spaces.distributions import record_distribution
from luthier.sklearn.spaces.parsed_space import GRID, ListedValues, parse_space, parse_spaces
from luthier.space import Beta, Choice, Float, Int, LogNormal, Normal, Ordinal, Space


class Real:
    """Looks like skopt's."""

    def __init__(self, low: float, high: float, prior: str = "uniform") -> None:
        self.low, self.high, self.prior = low, high, prior

    def rvs(self, **_: Any) -> float:
        return self.low


class Integer(Real):
    """Looks like skopt's."""


class Categorical:
    """Looks like skopt's."""

    def __init__(self, categories: list[Any], prior: list[float] | None = None) -> None:
        self.categories, self.prior = categories, prior

    def rvs(self, **_: Any) -> Any:
        return self.categories[0]


def one(value: Any, default: Any = None, ranges: bool = False) -> Any:
    return parse_space({"p": value}, {"p": default}, ranges).space.variables["p"]


@pytest.mark.parametrize(
    ("given", "variable"),
    [
        (stats.uniform(2, 3), Float(2.0, 5.0)),
        (stats.uniform(loc=-1, scale=2), Float(-1.0, 1.0)),
        (stats.loguniform(1e-3, 1e2), Float(1e-3, 1e2, log=True)),
        (stats.reciprocal(1, 10, scale=2), Float(2.0, 20.0, log=True)),
        (stats.randint(2, 9), Int(2, 8)),
        (stats.truncnorm(-1, 2, loc=5, scale=2), Float(3.0, 9.0, prior=Normal(5, 2))),
        (stats.beta(2, 3, loc=1, scale=4), Float(1.0, 5.0, prior=Beta(2, 3))),
        (stats.bernoulli(0.25), Choice(0, 1, weights=[0.75, 0.25])),
        (Real(0.1, 10, "log-uniform"), Float(0.1, 10.0, log=True)),
        (Integer(1, 8), Int(1, 8)),
        (Integer(1, 64, "log-uniform"), Int(1, 64, log=True)),
        (Categorical(["a", "b"], [0.2, 0.8]), Choice("a", "b", weights=[0.2, 0.8])),
        (["a", "b"], Choice("a", "b")),
        ([1, 8], Choice(1, 8)),
        ([0.1, 1.0, 10.0], Ordinal(0.1, 1.0, 10.0)),
        ([3, 1, 2], Choice(3, 1, 2)),
        (np.array([1.5]), None),
    ],
)
def test_what_is_exact(given: Any, variable: Any) -> None:
    found = one(given)
    assert variable is None or found == variable


@pytest.mark.parametrize(
    ("given", "variable"),
    [
        ((1, 8), Int(1, 8)),
        ((0.5, 8), Float(0.5, 8.0)),
        ((1e-6, 1e3, "log-uniform"), Float(1e-6, 1e3, log=True)),
        ((1, 100, "log-uniform"), Int(1, 100, log=True)),
        ([1e-6, 1e3, "log-uniform"], Float(1e-6, 1e3, log=True)),
        ((1, 9, "uniform", 10), Int(1, 9)),
        ((0.1, 1.0, "scale"), Choice(0.1, 1.0, "scale")),
        (("a", "b"), Choice("a", "b")),
        ((True, False), Choice(True, False)),
        ((1, 2, 4), Ordinal(1, 2, 4)),
        ([1, 8], Choice(1, 8)),
    ],
)
def test_tuples_as_skopt_reads_them(given: Any, variable: Any) -> None:
    assert one(given, ranges=True) == variable


def test_priors_of_unbounded_distributions_are_cut_off_far_outside() -> None:
    normal = one(stats.norm(3, 2))
    assert normal.prior == Normal(3.0, 2.0)
    assert normal.low == pytest.approx(3 + 2 * stats.norm.ppf(1e-4)) and normal.high == pytest.approx(6 - normal.low)
    log = one(stats.lognorm(0.5, scale=math.e))
    assert log.log and log.prior == LogNormal(1.0, 0.5)


@pytest.mark.parametrize(
    "distribution",
    [stats.norm(3, 2), stats.lognorm(0.5, scale=2), stats.expon(scale=0.1), stats.gamma(2), stats.poisson(2000)],
)
def test_samples_follow_the_distribution(distribution: Any) -> None:
    reading = parse_space({"p": distribution}, {})
    drawn = reading.space.decode(reading.space.sample(Key.of(1), 2000))
    values = [reading.params(config)["p"] for config in drawn]
    assert stats.kstest(values, distribution.cdf).statistic < 0.045


def test_quantiles_are_values_and_back() -> None:
    reading = parse_space({"alpha": stats.expon(scale=0.1)}, {})
    params = reading.params({"alpha": 0.25})
    assert params["alpha"] == pytest.approx(0.1 * math.log(4 / 3))
    assert reading.config(params)["alpha"] == pytest.approx(0.25)


def test_the_defaults_of_the_estimator_are_tried_first_where_the_space_has_them() -> None:
    space = parse_space(
        {"C": (1e-3, 1e3, "log-uniform"), "degree": [1, 2, 3, 4], "gamma": (0.1, 1.0)}, SVC().get_params(), True
    )
    found = space.space.defaults()
    assert found is not None and found["C"] == 1.0 and found["degree"] == 3 and 0.1 < found["gamma"] < 1


def test_values_that_cannot_be_written_down_have_names() -> None:
    values = [
        SVC(),
        SVC(C=2),
        LinearSVC(),
        None,
        math.nan,
        1,
        True,
        1.0,
        np.float64(1.0),
        np.arange(3),
        len,
        [1],
        {"a": 1},
    ]
    listed = ListedValues.of(values)
    assert len(listed.values) == len(values)
    variable = listed.variable()
    for value in values:
        plain = listed.option(value)
        assert variable.fault(plain) is None
        realized = variable.realize(plain)
        assert realized is value or realized == value
    assert "SVC(C=2)" in variable.options and "builtins.len" in variable.options


def test_lists_without_repetitions() -> None:
    assert ListedValues.of([1, 1, 2]).values == (1, 2)
    assert ListedValues.of([SVC(), SVC()]).values.__len__() == 1
    with pytest.raises(InvalidSpace, match="not one of the values 1, 2"):
        ListedValues.of([1, 2]).option(3)


@pytest.mark.parametrize("wrong", ["rbf", 3, None, [], 2.5])
def test_what_is_no_search_space(wrong: Any) -> None:
    with pytest.raises(InvalidSpace, match="parameter 'p'"):
        one(wrong)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ((1e-2, 1.0, "log-unifrm"), "'uniform' or 'log-uniform', not 'log-unifrm'"),
        ([1e-2, 1.0, "unifom"], "'uniform' or 'log-uniform'"),
        ((1e-2, 1.0, "log"), "'log-uniform', not 'log'"),
        ((1e-2, 1.0, "lognormal"), "'log-uniform', not 'lognormal'"),
        ((1e-2, 1.0, "qloguniform"), "'log-uniform', not 'qloguniform'"),
        ((1e-2, 1.0, "LogUniform"), "'log-uniform', not 'LogUniform'"),
        ([1e-2, 1.0, "log_uniform"], "'log-uniform', not 'log_uniform'"),
        ((1, 9, "linear"), "'uniform' or 'log-uniform', not 'linear'"),
        ({"a": 1}, "is a mapping: write its values in a list"),
        ({"low": 1, "high": 3}, r"a range as a tuple \(low, high\)"),
        ({1, 2, 3}, "a set has no order"),
        (iter([1, 2, 3]), "can be read once only: write its values in a list"),
        (b"ab", "for a single value"),
    ],
)
def test_misspelt_dimensions(wrong: Any, says: str) -> None:
    with pytest.raises(InvalidSpace, match=says):
        one(wrong, ranges=True)


def test_what_can_only_be_drawn_from() -> None:
    class Own:
        def rvs(self, random_state: Any = None) -> float:
            return 0.5

    with pytest.raises(InvalidSpace, match="can only be drawn from"):
        one(Own())
    with pytest.raises(InvalidSpace, match="can only be drawn from"):
        record_distribution(Own())


def test_nested_spaces_give_the_last_name() -> None:
    inner = lt.Option(lt.Named("svc", SVC()), {"clf__C": lt.Float(0.1, 10)})
    reading = parse_space({"clf": lt.Choice(inner, lt.Named("linear", LinearSVC()))}, {})
    config = {"clf": "svc", "clf.svc.clf__C": 2.0}
    params = reading.params(reading.space.realize(config))
    assert params["clf__C"] == 2.0 and isinstance(params["clf"], SVC)
    assert reading.config(params) == config


def test_several_spaces_side_by_side() -> None:
    reading = parse_spaces([{"C": [1, 2]}, lt.Space({"C": lt.Float(0, 1), "x": lt.Bool()})], {})
    assert reading.several == 2
    config = {GRID: 1, f"{GRID}.1.C": 0.5, f"{GRID}.1.x": True}
    assert reading.params(config) == {"C": 0.5, "x": True}
    assert reading.config({"C": 0.5, "x": True}) == config
    assert reading.config({"C": 2}) == {GRID: 0, f"{GRID}.0.C": 2}


class TestUnion:
    """One space of several grids."""

    GIVEN: ClassVar[list[dict[str, Any]]] = [
        {"kernel": ["rbf"], "C": [1, 10]},
        {"kernel": ["poly"], "degree": [2, 3], "C": stats.uniform(0, 1)},
    ]

    def test_columns(self) -> None:
        space = candidate_space(self.GIVEN, {}).space
        assert space.names == ("grid", "C", "kernel", "C 2", "degree")
        assert space.variables["kernel"] == Choice("rbf", "poly")

    def test_there_and_back(self) -> None:
        union = candidate_space(self.GIVEN, {})
        for params in ({"kernel": "rbf", "C": 10}, {"kernel": "poly", "degree": 3, "C": 0.123456789012345678}):
            config = union.config(params)
            union.space.check(config)
            assert union.params(union.space.realize(config)) == params
        with pytest.raises(InvalidSpace, match="is not in the search space"):
            union.config({"kernel": "rbf", "C": 11})

    def test_a_resource(self) -> None:
        union = candidate_space({"C": [1, 2]}, {"n_samples": Int(1, 100)})
        assert union.config({"C": 2, "n_samples": 50}) == {"C": 2, "n_samples": 50}

    def test_everything_that_is_drawn_can_be_kept(self) -> None:
        distributions = {"a": stats.norm(), "b": stats.expon(), "c": stats.poisson(3), "d": stats.loguniform(1, 2)}
        union = candidate_space(distributions, {})
        random = np.random.RandomState(0)
        for _ in range(200):
            params = {name: d.rvs(random_state=random) for name, d in distributions.items()}
            union.space.check(union.config(params))

    def test_a_parameter_called_grid(self) -> None:
        union = candidate_space([{"grid": [1, 2]}, {"b": [1]}], {})
        assert union.params(union.space.realize(union.config({"grid": 2}))) == {"grid": 2}


def test_a_space_is_itself() -> None:
    space = Space({"C": Float(0, 1)})
    assert parse_space(space, {}).space is space
    with pytest.raises(InvalidSpace, match="a mapping of parameters"):
        parse_space([1], {})
