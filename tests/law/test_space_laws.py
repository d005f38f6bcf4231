"""Laws 4 and 6 over random spaces, and what else holds of every space."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from check_set import examples
from luthier import codec
from luthier.errors import InvalidConfig, InvalidSpace
from luthier.key import Key
from luthier.space import Choice, Float, Int, Space, compare, migrate
from strategies import keys, sampled, spaces

few = settings(max_examples=examples(40))


def uniform_points(space: Space, key: Key, count: int) -> np.ndarray:
    return key.uniform((count, space.dimensions))


@few
@given(spaces(constrained=False), keys())
def test_a_configuration_survives_encoding_and_decoding(space: Space, key: Key) -> None:
    configs = space.decode(space.warp(uniform_points(space, key, 20)))
    points = space.encode(configs)
    assert space.decode(points) == configs
    again = space.encode(space.decode(points))
    np.testing.assert_array_equal(again, points)


@few
@given(spaces(constrained=False), keys())
def test_every_decoded_configuration_keeps_its_domains(space: Space, key: Key) -> None:
    for config in space.decode(space.warp(uniform_points(space, key, 20))):
        space.check(config)
        assert space.plain(config) == config
        assert space.plain(space.realize(config)) == config
        assert space.complete(config) == config


@few
@given(spaces(constrained=False), keys())
def test_settling_is_idempotent_and_changes_no_meaning(space: Space, key: Key) -> None:
    points = space.warp(uniform_points(space, key, 20))
    fill = uniform_points(space, key.fold("fill"), 20)
    settled = space.settle(points, fill)
    np.testing.assert_array_equal(space.settle(settled, fill), settled)
    assert space.decode(settled) == space.decode(points)
    np.testing.assert_allclose(space.encode(space.decode(settled)), settled, rtol=0, atol=1e-9, equal_nan=True)
    active = {name for config in space.decode(settled) for name in config}
    filled = {column.name for place, column in enumerate(space.columns) if not np.isnan(settled[:, place]).all()}
    assert filled == {column.name for column in space.columns} & active


@few
@given(spaces(constrained=False), keys())
def test_settling_one_by_one_or_all_at_once_is_the_same_to_the_bit(space: Space, key: Key) -> None:
    points = space.warp(uniform_points(space, key, 12))
    fill = uniform_points(space, key.fold("fill"), 12)
    together = space.settle(points, fill)
    apart = np.concatenate([space.settle(points[row : row + 1], fill[row : row + 1]) for row in range(12)])
    np.testing.assert_array_equal(apart, together)
    assert tuple(space.decode(points[row : row + 1])[0] for row in range(12)) == space.decode(points)


@few
@given(spaces(constrained=False), keys())
def test_settling_fills_what_becomes_active_from_the_fill(space: Space, key: Key) -> None:
    fill = uniform_points(space, key, 10)
    empty = np.full((10, space.dimensions), np.nan)
    np.testing.assert_array_equal(space.settle(empty, fill), space.settle(fill, fill))


@few
@given(spaces(), keys())
def test_samples_are_settled_and_feasible_and_pass_the_check(space: Space, key: Key) -> None:
    points = sampled(space, key, 15)
    assume(points is not None)
    assert points.shape == (15, space.dimensions)
    assert space.feasible(points).all()
    np.testing.assert_array_equal(space.settle(points, points), points)
    for config in space.decode(points):
        space.check(config)


@few
@given(spaces(), keys())
def test_feasible_agrees_with_check(space: Space, key: Key) -> None:
    points = space.settle(uniform_points(space, key, 20))
    for point, kept in zip(points, space.feasible(points), strict=True):
        (config,) = space.decode(point[None, :])
        if kept:
            space.check(config)
        else:
            with pytest.raises(InvalidConfig, match="constraint"):
                space.check(config)


@few
@given(spaces(), keys())
def test_neighbours_are_feasible_settled_and_near(space: Space, key: Key) -> None:
    points = sampled(space, key, 1)
    assume(points is not None)
    found = space.neighbours(points[0], key.fold("near"), 10, 0.1)
    assert len(found) <= 10
    assert space.feasible(found).all()
    np.testing.assert_array_equal(space.settle(found, found), found)
    (start,) = space.decode(points)
    for config in space.decode(found):
        assert config != start


@few
@given(spaces(), keys())
def test_identities_are_equal_just_where_configurations_are(space: Space, key: Key) -> None:
    configs = space.decode(space.settle(uniform_points(space, key, 15)))
    for one in configs[:3]:
        for other in configs:
            assert (space.identity(one) == space.identity(other)) == (one == other)
        shuffled = dict(reversed(one.items()))
        assert space.identity(shuffled) == space.identity(one)


@few
@given(spaces())
def test_the_text_forms_give_the_space_back(space: Space) -> None:
    plain = space.to_plain()
    assert Space.from_plain(plain) == space
    assert codec.loads(codec.dumps(plain)) == plain
    assert Space.from_plain(codec.loads(codec.dumps(plain))).names == space.names
    assert Space.from_toml(space.to_toml()) == space
    assert Space.from_plain(plain).columns == space.columns
    assert hash(Space.from_plain(plain)) == hash(space)


@few
@given(spaces(constrained=False, most=3))
def test_size_counts_what_is_enumerated(space: Space) -> None:
    assume(space.size is not None and space.size < 3000)
    configs = list(space.configurations())
    assert len(configs) == space.size
    assert len({space.identity(config) for config in configs}) == space.size
    for config in configs[:20]:
        space.check(config)


@few
@given(spaces(), keys())
def test_nothing_changes_when_a_space_changes_into_itself(space: Space, key: Key) -> None:
    assert compare(space, Space.from_plain(space.to_plain())) == ()
    points = sampled(space, key, 5)
    assume(points is not None)
    for config in space.decode(points):
        assert migrate(config, space, space) == config


@st.composite
def changes(draw: st.DrawFn) -> tuple[Space, Space]:
    """Draw a space and one that a study of it may go on in."""
    old = draw(spaces(most=4, constrained=False))
    kept = {}
    for name, variable in old.given.items():
        change = draw(st.sampled_from(["keep", "remove", "other range", "free"]))
        if change == "other range" and isinstance(variable, Int):
            variable = Int(variable.low + draw(st.integers(-2, 0)), variable.high + draw(st.integers(0, 3)))
        elif change == "other range" and isinstance(variable, Choice) and variable.when is None:
            variable = Choice(*variable.options[-1:], "new")
        if change != "remove":
            kept[name] = variable
    kept["added"] = Float(0, 1, default=0.5)
    try:
        return old, Space(kept, draw(st.sampled_from([(), ("added > 0.2",), ("added > 0.7",)])))
    except InvalidSpace:  # what was removed is read by a condition
        return old, Space({**old.given, "added": Float(0, 1, default=0.5)})


@few
@given(changes(), keys())
def test_a_migrated_configuration_belongs_to_the_new_space(change: tuple[Space, Space], key: Key) -> None:
    old, new = change
    assume(compare(old, new) == ())
    for config in old.decode(old.settle(uniform_points(old, key, 10))):
        moved = migrate(config, old, new)
        if moved is not None:
            new.check(moved)
            assert moved["added"] == 0.5
            assert all(moved[name] == config[name] for name in moved if name in config)


@few
@given(spaces())
def test_defaults_pass_the_check_where_there_are_any(space: Space) -> None:
    config = space.defaults()
    if config is not None:
        space.check(config)
        assert space.decode(space.encode([config])) == (config,)


@few
@given(spaces(most=3))
def test_the_shown_forms_name_every_variable(space: Space) -> None:
    shown, page = repr(space), space._repr_html_()
    assert "<script" not in page
    for name in space.names:
        assert name in shown or repr(name) in shown


@few
@given(st.floats(-1e9, 1e9, allow_nan=False), st.floats(1e-6, 1e9), st.floats(0, 1))
def test_a_float_between_any_bounds_survives(low: float, width: float, place: float) -> None:
    assume(low + width > low)
    space = Space({"x": Float(low, low + width)})
    (config,) = space.decode(np.array([[place]]))
    assert space.decode(space.encode([config])) == (config,)
    space.check(config)


@few
@given(st.floats(1e-300, 1e300), st.floats(1.001, 1e300), st.floats(0, 1))
def test_a_float_on_a_log_scale_survives(low: float, ratio: float, place: float) -> None:
    high = min(low * ratio, 1e300)
    assume(high > low * 1.0001)
    space = Space({"x": Float(low, high, log=True)})
    (config,) = space.decode(np.array([[place]]))
    assert space.decode(space.encode([config])) == (config,)
    space.check(config)


@few
@given(st.integers(-999_999_999_999, 999_999_999_999), st.integers(-3, 6))
def test_values_that_people_write_survive_exactly(digits: int, exponent: int) -> None:
    value = float(f"{digits}e-{12 - exponent}")
    bound = 10.0**exponent
    assume(abs(value) <= bound)
    linear = Space({"x": Float(-bound, bound)})
    assert linear.plain({"x": value}) == {"x": value}
    assert linear.decode(linear.encode([{"x": value}])) == ({"x": value},)
    if value > 0:
        log = Space({"x": Float(min(1e-14, value), bound, log=True)})
        assert log.plain({"x": value}) == {"x": value}
        assert log.decode(log.encode([{"x": value}])) == ({"x": value},)
