"""Contract suite of methods, and a study without a store that drives a method by hand.

A method of one's own is tested by

    class TestMyMethod(MethodContract):
        def method(self):
            return MyMethod(setting=3)

in a file that pytest collects. The class must be registered: see `luthier.method.register`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from luthier import codec
from luthier import event as events
from luthier.errors import Infeasible, SpaceExhausted
from luthier.event import Asked, Changed, Created, Event, Freed, Renewed, Retried, Told
from luthier.history import History
from luthier.key import Key
from luthier.memo import Memo
from luthier.method import Method, from_plain, to_plain
from luthier.proposal import Proposal
from luthier.space import Bool, Choice, Constant, Float, Int, Option, Ordinal, Permutation, Simplex, Space, Subset
from luthier.trial import Config, Reason

Loss = Callable[[Config], float]


def loss_of(config: Config) -> float:
    """Give a loss in [0, 1) that is a function of the configuration and has no structure."""
    digest = hashlib.blake2b(codec.dumps(config), digest_size=8).digest()  # the shares of a Simplex have no order
    return int.from_bytes(digest, "little") / 2**64


def seconds_of(config: Config) -> float:
    """Give a duration from 1 to 100 seconds that is a function of the configuration and has no structure."""
    return float(10.0 ** (2.0 * loss_of({"duration of": dict(config)})))


class Drive:
    """A study without a store, leases or processes: events, a method, and a key.

    Args:
        space: the space that is searched.
        method: makes the proposals.
        seed: of the study.
        noisy: whether configurations may be repeated.
        memo: the cache; by default one of the usual size.
        loss: the objective, to be minimised.
    """

    def __init__(
        self,
        space: Space,
        method: Method,
        *,
        seed: int = 0,
        noisy: bool = False,
        memo: Memo | None = None,
        loss: Loss = loss_of,
    ) -> None:
        self.method, self.key, self.memo, self.loss = method, Key.of(seed), memo or Memo(), loss
        created = Created("drive", space.to_plain(), (("loss", False),), seed, noisy)
        self.history = History(space).apply(created)

    @property
    def configs(self) -> list[Config]:
        """The configurations of all trials, in order."""
        return [trial.config for trial in self.history.trials]

    def propose(self, count: int = 1) -> tuple[Proposal, ...]:
        """Give what the method would propose now; no trial begins."""
        history = self.history
        key = self.key.fold("trial", len(history))
        return self.method.suggest(history.problem(), history, key, count, self.memo)

    def ask(self, count: int = 1) -> list[int]:
        """Begin up to `count` trials; give their numbers."""
        proposals, first, seen = self.propose(count), len(self.history), self.history.length
        for number, proposal in enumerate(proposals, first):
            batch = (first, count) if count > 1 else None
            asked = Asked(number, dict(proposal.config), seen, batch=batch, owner="drive", note=dict(proposal.note))
            self.history = self.history.apply(asked)
        return list(range(first, first + len(proposals)))

    def tell(self, number: int, reason: Reason = Reason.DONE) -> None:
        """End a trial, with its loss if it is done."""
        trial = self.history.trial(number)
        values = {"loss": self.loss(trial.config)} if reason is Reason.DONE else {}
        token = trial.lease.token if trial.lease else 0
        told = Told(number, token, str(reason), values, duration_s=seconds_of(trial.config))
        self.history = self.history.apply(told)

    def add(self, config: Config, origin: str = "imported") -> None:
        """Add a finished trial that the method did not propose."""
        number = len(self.history)
        self.history = self.history.apply(Asked(number, dict(config), self.history.length, origin))
        self.tell(number)

    def run(self, trials: int, count: int = 1) -> list[Config]:
        """Ask and tell until there are `trials` trials, or the space is exhausted; give all configurations."""
        while len(self.history) < trials:
            try:
                numbers = self.ask(min(count, trials - len(self.history)))
            except SpaceExhausted:
                break
            for number in numbers:
                self.tell(number)
        return self.configs

    def scatter(self, trials: int, key: Key) -> list[Config]:
        """Ask and tell as several workers of random speed do: batches of 1 to 3, up to 5 trials running, crashes."""
        running: list[int] = []
        for turn in itertools.count():
            draw = key.fold(turn).uniform(3)
            if running and (len(running) >= 5 or draw[0] < 0.5 or len(self.history) >= trials):
                number = running.pop(int(draw[1] * len(running)))
                self.tell(number, Reason.FAILED if draw[2] < 0.2 else Reason.DONE)
            elif len(self.history) < trials:
                try:
                    running += self.ask(1 + int(draw[1] * 3))
                except SpaceExhausted:
                    trials = len(self.history)
            elif not running:
                return self.configs
        raise AssertionError("the loop above ends")

    def resumed(self, length: int, method: Method | None = None) -> Drive:
        """Give the study as another process reads it: from its first `length` events, with an empty cache."""
        begin = self.history.upto(0).space
        again = Drive(begin, method or self.method, memo=Memo(0), loss=self.loss)
        again.key = self.key
        written = [events.decode(events.encode(event)) for event in self.history.events[:length]]
        again.history = History(begin).extend(written)
        return again


def replay(drive: Drive) -> None:
    """Check that every proposal is made again from what was visible when it was made (law 2)."""
    batches: dict[tuple[int, int, int], list[Asked]] = {}
    for event in drive.history.events:
        if isinstance(event, Asked) and event.origin == "method":
            first, count = event.batch or (event.number, 1)
            batches.setdefault((event.seen, first, count), []).append(event)
    for (seen, first, count), logged in batches.items():
        view = drive.resumed(seen).history
        made = drive.method.suggest(view.problem(), view, drive.key.fold("trial", first), count, Memo(0))
        for event in logged:
            assert dict(made[event.number - first].config) == event.config, f"trial {event.number} came out differently"


def assert_valid(drive: Drive) -> None:
    """Check that the space holds every trial's configuration, and that no two are the same (laws 4 and 5).

    Trials that are forgotten, such as the failures of a broken program, count for nothing, and may come again.
    """
    space = drive.history.space
    for config in drive.configs:
        space.check(config)
    identities = [space.identity(trial.config) for trial in drive.history.trials if not trial.forgotten]
    assert len(set(identities)) == len(identities), "a configuration was proposed twice"


def tuning_space() -> Space:
    """Give the space of a support vector machine: a choice, numbers on log scales, conditions and a constraint."""
    return Space(
        {
            "kernel": Choice("rbf", "poly", "linear"),
            "C": Float(1e-3, 1e3, log=True),
            "gamma": Float(1e-5, 1e1, log=True, when="kernel != 'linear'"),
            "degree": Int(2, 5, when="kernel == 'poly'"),
        },
        require=["kernel != 'poly' or C * gamma <= 10"],
    )


def rich_space() -> Space:
    """Give a space with every kind of variable, and a nested one."""
    return Space(
        {
            "model": Choice(
                Option("tree", Space({"depth": Int(1, 20)})), Option("net", Space({"rate": Float(1e-4, 1.0, log=True)}))
            ),
            "step": Float(0.0, 1.0, step=0.25),
            "units": Int(1, 1000, log=True),
            "level": Ordinal("low", "middle", "high"),
            "on": Bool(),
            "fixed": Constant(7),
            "features": Subset(["a", "b", "c", "d"], size=(1, 3), when="on"),
            "order": Permutation(["x", "y", "z"]),
            "mix": Simplex(["sand", "clay", "silt"]),
        }
    )


def finite_space() -> Space:
    """Give a space of 60 configurations, 48 of which keep its constraint."""
    return Space(
        {
            "a": Int(1, 6),
            "b": Choice("u", "v"),
            "c": Bool(when="b == 'u'"),
            "d": Ordinal("s", "m", "l"),
            "e": Int(1, 2, when="b == 'v' and d == 'l'"),
        },
        require=["a <= 4 or b == 'u' and d != 'l'"],
    )


def finite_configs() -> list[dict[str, Any]]:
    """List the configurations of `finite_space` by hand."""
    found = []
    for a, b, d in itertools.product(range(1, 7), "uv", "sml"):
        if not (a <= 4 or (b == "u" and d != "l")):
            continue
        base = {"a": a, "b": b, "d": d}
        if b == "u":
            found += [{**base, "c": c} for c in (False, True)]
        elif d == "l":
            found += [{**base, "e": e} for e in (1, 2)]
        else:
            found.append(base)
    return found


SPACES: Mapping[str, Callable[[], Space]] = {"tuning": tuning_space, "rich": rich_space, "finite": finite_space}


class MethodContract(ABC):
    """The tests of a method, which a subclass gives."""

    trials = 12
    """The number of trials in a test: raise it for a method that begins to learn late."""
    every_point = True
    """Whether the method ends up trying every configuration of a finite space."""

    @abstractmethod
    def method(self) -> Method:
        """Give the method under test."""

    @pytest.fixture(params=sorted(SPACES))
    def space(self, request: pytest.FixtureRequest) -> Space:
        """Give each of the spaces."""
        return SPACES[request.param]()

    def test_it_is_a_frozen_dataclass_and_has_a_text_form(self) -> None:
        method = self.method()
        assert dataclasses.is_dataclass(method)
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(method, dataclasses.fields(method)[0].name if dataclasses.fields(method) else "x", None)
        assert from_plain(to_plain(method)) == method

    def test_configurations_are_valid(self, space: Space) -> None:
        drive = Drive(space, self.method())
        assert len(drive.run(self.trials)) == self.trials
        assert_valid(drive)

    def test_batches_are_valid(self, space: Space) -> None:
        drive = Drive(space, self.method())
        assert 1 <= len(drive.propose(4)) <= 4
        drive.run(self.trials, count=4)
        assert_valid(drive)

    def test_pending_trials_are_not_proposed_again(self, space: Space) -> None:
        drive = Drive(space, self.method())
        for _ in range(self.trials):
            drive.ask()
        assert_valid(drive)

    def test_every_configuration_of_a_finite_space_is_tried_once(self) -> None:
        for count in (1, 5):
            drive = Drive(finite_space(), self.method())
            found = drive.run(1000, count)
            assert_valid(drive)
            if self.every_point:
                assert sorted(map(_items, found)) == sorted(map(_items, finite_configs()))
                with pytest.raises(SpaceExhausted, match="tried"):
                    drive.propose()

    def test_a_single_configuration(self) -> None:
        drive = Drive(Space({"x": Constant(1), "y": Choice("only")}), self.method())
        assert drive.run(5) == [{"x": 1, "y": "only"}]

    def test_nothing_but_constants(self) -> None:
        assert Drive(Space({"x": Constant(1)}), self.method()).run(5) == [{"x": 1}]

    def test_nothing_feasible(self) -> None:
        drive = Drive(Space({"x": Int(1, 5), "y": Int(1, 5)}, require=["x + y > 10"]), self.method())
        with pytest.raises(Infeasible, match=r"x \+ y > 10"):
            drive.propose()

    def test_resume(self, space: Space) -> None:
        """Law 1: killed after any event, reopened, the trials are those of the uninterrupted run."""
        drive = Drive(space, self.method())
        whole = drive.run(self.trials)
        again = from_plain(to_plain(self.method()))
        for length in range(1, drive.history.length, max(1, drive.history.length // 8)):
            resumed = drive.resumed(length, again)
            for number in resumed.history.running:
                resumed.tell(number)
            assert resumed.run(self.trials) == whole

    def test_replay(self, space: Space) -> None:
        """Law 2: each proposal is made again from what was visible, whatever the timing of the workers."""
        drive = Drive(space, self.method())
        drive.scatter(self.trials, Key.of(5))
        assert_valid(drive)
        replay(drive)

    def test_memo(self, space: Space) -> None:
        """Law 3: a cache, empty or used by another study, changes nothing."""
        kept = Memo()
        cached = Drive(space, self.method(), memo=kept).run(self.trials)
        assert Drive(space, self.method(), memo=Memo(0)).run(self.trials) == cached
        Drive(space, self.method(), memo=kept, seed=1).run(self.trials)
        assert Drive(space, self.method(), memo=kept).run(self.trials) == cached

    def test_leases_do_not_matter(self, space: Space) -> None:
        plain = Drive(space, self.method())
        plain.run(self.trials)
        leased = Drive(space, self.method())
        while len(leased.history) < self.trials:
            (number,) = leased.ask()
            lease = leased.history.trial(number).lease
            assert lease is not None
            more: list[Event] = [
                Renewed(number, lease.token), Freed(number, lease.token, "lost", "gone"), Retried(number, "other")
            ]  # fmt: skip
            leased.history = leased.history.extend(more)
            leased.tell(number)
        assert leased.configs == plain.configs

    def test_external_trials_may_come_between(self) -> None:
        space = finite_space()
        drive = Drive(space, self.method())
        for place, config in enumerate(finite_configs()[::5]):
            if not drive.history.has(space.identity(config)):
                drive.add(config, "enqueued" if place % 2 else "imported")
            drive.run(len(drive.history) + 2)
        drive.run(1000)
        assert_valid(drive)
        replay(drive)
        if self.every_point:
            assert len(drive.configs) == len(finite_configs())

    def test_failures_end_nothing(self, space: Space) -> None:
        drive = Drive(space, self.method())
        for _ in range(self.trials):
            for number in drive.ask():
                drive.tell(number, Reason.FAILED)
        assert_valid(drive)

    def test_the_space_may_change(self) -> None:
        drive = Drive(Space({"x": Int(1, 4)}), self.method())
        drive.run(3)
        wider = Space({"x": Int(1, 8), "y": Choice("p", "q", default="p")})
        drive.history = drive.history.apply(Changed(wider.to_plain()))
        drive.run(1000)
        for trial in drive.history.trials[3:]:
            wider.check(trial.config)
        replay(drive)
        if self.every_point:
            identities = {wider.identity({"y": "p", **config}) for config in drive.configs}
            assert len(identities) == len(drive.configs) == 16

    def test_notes_come_back_from_the_log(self, space: Space) -> None:
        drive = Drive(space, self.method())
        drive.run(self.trials, count=3)
        for trial in drive.history.trials:
            assert codec.loads(codec.dumps(dict(trial.note))) == trial.note

    def test_noisy_problems(self, space: Space) -> None:
        drive = Drive(space, self.method(), noisy=True)
        for config in drive.run(self.trials):
            space.check(config)
        replay(drive)

    def test_no_global_random_numbers(self) -> None:
        np.random.seed(1)
        before = np.random.get_state()[1].tobytes()  # type: ignore[index]
        first = Drive(tuning_space(), self.method()).run(self.trials)
        assert np.random.get_state()[1].tobytes() == before  # type: ignore[index]
        np.random.seed(2)
        assert Drive(tuning_space(), self.method()).run(self.trials) == first


def _items(config: Config) -> list[tuple[str, str]]:
    return sorted((name, repr(value)) for name, value in config.items())
