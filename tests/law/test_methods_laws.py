"""Laws 1 to 6 for grid, random and quasi-random search, over random spaces and random workers."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from check_set import examples
from luthier import event as events
from luthier.errors import Infeasible, SpaceExhausted
from luthier.key import Key
from luthier.memo import Memo
from luthier.method import Grid, Quasi, Random
from luthier.method.spec import from_plain, to_plain
from luthier.testing.methods import Drive, assert_valid, replay
from strategies import spaces

TRIALS = 8

methods = st.one_of(
    st.just(Random()),
    st.builds(Grid, points=st.integers(1, 12), order=st.sampled_from(["given", "shuffled", "nested"])),
    st.sampled_from([Quasi(), Quasi("halton"), Quasi("latin"), Quasi("latin", size=5), Quasi("lattice")]),
)

hypothesis_settings = settings(
    max_examples=examples(20),
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def ran(drive, key):
    """Run some trials as several workers would; None where the space has nothing feasible."""
    try:
        return drive.scatter(TRIALS, key)
    except Infeasible:
        return None


@hypothesis_settings
@given(spaces(), methods, st.integers(0, 3))
def test_constraints_and_no_duplicates(space, method, seed):
    """Laws 4, 5 and 6."""
    drive = Drive(space, method, seed=seed)
    if ran(drive, Key.of(seed)) is not None:
        assert_valid(drive)
        for config, (again,) in ((c, space.decode(space.encode([c]))) for c in drive.configs):
            assert again == config


@hypothesis_settings
@given(spaces(), methods, st.integers(0, 3), st.integers(1, 40))
def test_resume(space, method, seed, cut):
    """Law 1: killed after any event, read again from text in another process, the trials are the same."""
    drive = Drive(space, method, seed=seed)
    try:
        whole = list(drive.run(TRIALS))
    except Infeasible:
        return
    resumed = drive.resumed(1 + cut % drive.history.length, from_plain(to_plain(method)))
    for number in resumed.history.running:
        resumed.tell(number)
    assert resumed.run(TRIALS) == whole


@hypothesis_settings
@given(spaces(), methods, st.integers(0, 3))
def test_replay(space, method, seed):
    """Law 2."""
    drive = Drive(space, method, seed=seed)
    if ran(drive, Key.of(seed + 10)) is not None:
        replay(drive)


@hypothesis_settings
@given(spaces(), methods, st.integers(0, 3))
def test_memo(space, method, seed):
    """Law 3."""
    cached, bare = (Drive(space, method, seed=seed, memo=memo) for memo in (Memo(), Memo(0)))
    assert ran(cached, Key.of(seed)) == ran(bare, Key.of(seed))
    written = [[events.encode(event) for event in drive.history.events] for drive in (cached, bare)]
    assert written[0] == written[1]


@hypothesis_settings
@given(spaces(most=3).filter(lambda space: space.size is not None and space.size <= 60), methods)
def test_a_finite_space_is_used_up(space, method):
    """Law 5: every configuration exactly once, then SpaceExhausted."""
    expected = {space.identity(config) for config in space.configurations()}
    drive = Drive(space, method)
    try:
        drive.run(1000, count=3)
    except Infeasible:
        assert not drive.configs
        return
    assert_valid(drive)
    found = {space.identity(config) for config in drive.configs}
    whole = not isinstance(method, Grid) or method.points >= 60
    assert found == expected if whole else found <= expected
    try:
        drive.propose()
    except SpaceExhausted:
        return
    raise AssertionError("a space that was used up gave another proposal")


@hypothesis_settings
@given(spaces(), st.integers(1, 6), st.integers(0, 2))
def test_the_orders_of_a_grid_hold_the_same_points(space, points, seed):
    grids = [Grid(points, order=order) for order in ("given", "shuffled", "nested")]
    counts = {grid.count(space) for grid in grids}
    assert len(counts) == 1
    if counts.pop() <= 300:
        held = []
        for grid in grids:
            try:
                held.append({*map(space.identity, Drive(space, grid, seed=seed).run(1000))})
            except Infeasible:
                held.append(set())
        assert held[0] == held[1] == held[2]
