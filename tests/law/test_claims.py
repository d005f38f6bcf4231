"""Claims: whatever others append while a method thinks, its proposals stand, are unique, and can be made again."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from dying import DyingStore, die_at, objective, open_study, outline
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

import luthier as lt
from check_set import examples
from luthier.errors import SpaceExhausted
from luthier.event import Asked, Claimed, Configured, Created, Event, Freed, Told
from luthier.history import History
from luthier.key import Key
from luthier.memo import Memo
from luthier.method import Sequential, to_plain
from luthier.problem import Problem
from luthier.proposal import Proposal
from luthier.store import Memory, Store
from luthier.study.decisions import RETHINKS, Claim, Decider
from luthier.study.leases import claims as claims_module
from luthier.study.leases.claims import Claims
from luthier.study.leases.lease_expiry import LeaseReader, reap
from luthier.study.log import StudyLog
from luthier.study.verify import verify


@lt.register
@dataclass(frozen=True)
class Interrupted:
    """Draw at random, while what is hooked in happens in the middle of every thought."""

    meanwhile: ClassVar[list[Callable[[], Any]]] = []
    calls: ClassVar[list[int]] = []

    def suggest(self, problem: Problem, history: History, key: Key, count: int, memo: Memo) -> tuple[Proposal, ...]:
        """See `luthier.method.protocol.Method`."""
        self.calls.append(history.length)
        before = outline_of(history)
        for act in [*self.meanwhile]:
            _elsewhere(act)
        assert outline_of(history) == before
        return lt.Random().suggest(problem, history, key, count, memo)


@lt.register
@dataclass(frozen=True)
class First:
    """Propose the first configurations that were not tried: whoever thinks of the same history wants the same ones."""

    def suggest(self, problem: Problem, history: History, key: Key, count: int, memo: Memo) -> tuple[Proposal, ...]:
        """See `luthier.method.protocol.Method`."""
        space = problem.space
        new = (config for config in space.configurations() if not history.has(space.identity(config)))
        found = tuple(Proposal(config) for config in itertools.islice(new, count))
        if not found:
            raise SpaceExhausted("every configuration was tried")
        return found


def _elsewhere(act: Callable[[], Any]) -> None:
    """Do something in another thread, as another process would, and wait for it."""
    failed: list[BaseException] = []

    def work() -> None:
        try:
            act()
        except BaseException as error:  # noqa: BLE001 - it is raised below
            failed.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]


def outline_of(history: History) -> tuple[Any, ...]:
    """Give what a method may see of a history."""
    data = history.data(history.problem())
    return len(history), history.finished, data.x.tolist(), data.pending.tolist(), history.digest, history.best


@pytest.fixture
def hooks(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], Any]]:
    """What happens during every thought; each of which takes long, by the clock of the claims."""
    clock = itertools.count()
    monkeypatch.setattr(claims_module, "_clock", lambda: float(next(clock)))
    monkeypatch.setattr(Interrupted, "meanwhile", [])
    monkeypatch.setattr(Interrupted, "calls", [])
    return Interrupted.meanwhile


def _studies(*methods: Any, space: Any = None, **settings: Any) -> list[lt.Study]:
    store = Memory()
    space = space or {"x": lt.Float(0, 1)}
    return [lt.Study("s", space, minimize="loss", store=store, seed=4, method=m, **settings) for m in methods]


def _proved(study: lt.Study) -> list[Event]:
    """Check what holds of every log; gives its events."""
    history = study.history
    assert [trial.number for trial in history.trials] == list(range(len(history)))
    asked = [event for event in history.events if isinstance(event, Asked)]
    drawn = [(e.first if e.claim is None else e.claim) + e.place for e in asked if e.origin == "method"]
    assert len(set(drawn)) == len(drawn), "two proposals have the same randomness"
    if not history.problem().noisy:
        identities = [history.space.identity(event.config) for event in asked if event.origin == "method"]
        assert len(set(identities)) == len(identities), "a configuration was proposed twice"
    verification = study.verify()
    assert verification.ok and verification.proved == len(drawn)
    return list(history.events)


# --- liveness ----------------------------------------------------------------------------------------


def test_a_method_is_never_asked_in_vain_however_often_others_tell_and_ask(hooks: list[Callable[[], Any]]) -> None:
    slow, fast = _studies(Interrupted(), lt.Random())

    def others() -> None:
        for _ in range(4):
            fast.tell(fast.ask(), 1.0)

    hooks.append(others)
    for _ in range(10):
        slow.tell(slow.ask(), 0.5)
    assert len(Interrupted.calls) == 11  # only the first thought was spoilt, before it was known that there are others
    assert len(slow) == 10 + 4 * 11
    hooks.clear()
    assert sum(isinstance(event, Claimed) for event in _proved(slow)) == 10


def test_no_claim_is_made_where_nobody_interferes_and_after_a_while_none_any_more(
    hooks: list[Callable[[], Any]],
) -> None:
    slow, fast = _studies(Interrupted(), lt.Random())
    for _ in range(5):
        slow.tell(slow.ask(), 0.5)
    assert not any(isinstance(event, Claimed) for event in slow.history.events)
    hooks.append(lambda: fast.tell(fast.ask(), 1.0))
    slow.ask()
    hooks.clear()
    for _ in range(30):
        slow.ask()
    claimed = [event for event in _proved(slow) if isinstance(event, Claimed)]
    assert len(claimed) == 1 + claims_module.QUIET


def test_a_method_that_is_quick_thinks_again_rather_than_claim(
    hooks: list[Callable[[], Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims_module, "_clock", lambda: 0.0)
    quick, other = _studies(Interrupted(), lt.Random())
    hooks.append(lambda: hooks.clear() or other.ask())
    quick.ask()
    assert len(Interrupted.calls) == 2
    assert not any(isinstance(event, Claimed) for event in _proved(quick))


@pytest.mark.parametrize("thought_s", [claims_module.DEAR_S / 8, claims_module.DEAR_S])
def test_what_is_spoilt_time_after_time_is_put_under_a_claim(
    hooks: list[Callable[[], Any]], monkeypatch: pytest.MonkeyPatch, thought_s: float
) -> None:
    clock = itertools.count()
    monkeypatch.setattr(claims_module, "_clock", lambda: next(clock) * thought_s)
    slow, fast = _studies(Interrupted(), lt.Random())
    hooks.append(lambda: fast.tell(fast.ask(), 1.0))
    slow.ask()
    spoilt = claims_module.SPOILT if thought_s < claims_module.DEAR_S else 1
    assert len(Interrupted.calls) == spoilt + 1
    slow.ask()
    assert len(Interrupted.calls) == spoilt + 2
    hooks.clear()
    _proved(slow)


def test_a_sequence_is_never_claimed(hooks: list[Callable[[], Any]]) -> None:
    for method in (lt.Grid(), lt.Quasi("sobol"), lt.Evolution("de", population=6)):
        assert isinstance(method, Sequential)
        mine, theirs = _studies(method, lt.Random(), space={"x": lt.Float(0, 1), "n": lt.Int(1, 9)})
        for _ in range(12):
            mine.tell(mine.ask(), 1.0)
            theirs.tell(theirs.ask(), 2.0)
        assert not any(isinstance(event, Claimed) for event in _proved(mine))
    assert not isinstance(lt.Random(), Sequential) and not isinstance(lt.Auto(), Sequential)


@pytest.mark.parametrize("askers", [2, 5])
def test_workers_that_want_the_same_points_overtake_each_other_only_a_few_times(askers: int) -> None:
    """Each in turn claims and thinks, and appends when all others have thought: the worst order for the last."""
    space = lt.Space({"n": lt.Int(1, 12), "kind": lt.Choice("a", "b", "c")})
    store = Memory()
    workers = [Process(store, First(), space, f"w{i}") for i in range(askers)]
    for round_ in range(24 // askers):
        for worker in workers:
            worker.claim()
        thoughts = 0
        while any(worker.claimed for worker in workers):
            for worker in workers:
                worker.think()
            thoughts += sum(worker.claimed is not None for worker in workers)
            for worker in workers:
                worker.settle()
        assert thoughts <= askers * (RETHINKS + 2)
        assert len(workers[0].log.refresh()) == askers * (round_ + 1)
    check(workers[0])


def test_a_draw_that_was_overtaken_too_often_is_uniform_and_proved() -> None:
    space = lt.Space({"n": lt.Int(1, 40)})
    store = Memory()
    slow, fast = Process(store, First(), space, "slow"), Process(store, First(), space, "fast")
    slow.claim()
    for again in range(RETHINKS + 1):
        assert slow.claimed is not None and slow.claimed.again == again
        slow.think()
        fast.ask()  # takes what `slow` wants
        slow.settle()
    slow.think()
    slow.settle()
    assert slow.claimed is None
    (drawn,) = [trial for trial in slow.log.history.trials if trial.note.get("by") == "rest"]
    assert drawn.number == RETHINKS + 1
    check(slow)


# --- what becomes of claims --------------------------------------------------------------------------


def test_a_claim_of_a_process_that_died_is_taken_over_with_the_same_proposal(
    hooks: list[Callable[[], Any]],
) -> None:
    store = Memory()
    space = lt.Space({"x": lt.Float(0, 1)})
    dead = Process(store, lt.Random(), space, "dead")
    dead.claim(2)
    alive = Process(store, lt.Random(), space, "alive")
    alive.reap(dead="dead")
    alive.claim()
    assert alive.claimed is not None and (alive.claimed.number, alive.claimed.count) == (0, 1)
    alive.think()
    alive.settle()
    alive.ask(2)
    dead.think()
    dead.settle()  # too late: it claims anew
    assert dead.claimed is not None and dead.claimed.number == 2 and len(dead.log.history) == 2
    dead.think()
    dead.settle()
    history = alive.log.refresh()
    assert len(history) == 4
    alone = Process(Memory(), lt.Random(), space, "alone")
    alone.ask(), alone.ask()
    assert history.trial(0).config == alone.log.history.trial(0).config
    assert history.trial(1).config == alone.log.history.trial(1).config
    check(alive)


def test_an_error_in_a_thought_gives_the_claim_back(hooks: list[Callable[[], Any]]) -> None:
    slow, fast = _studies(Interrupted(), lt.Random())
    hooks.append(lambda: fast.tell(fast.ask(), 1.0))
    slow.ask()

    def fail() -> None:
        raise ZeroDivisionError("in the method")

    hooks[:] = [fail]
    for error in (ZeroDivisionError, KeyboardInterrupt):
        with pytest.raises(ZeroDivisionError if error is ZeroDivisionError else KeyboardInterrupt):
            slow.ask()
        assert not slow.history.claims and isinstance(slow.history.events[-1], Freed)
        hooks[:] = [lambda: (_ for _ in ()).throw(KeyboardInterrupt())]
    hooks.clear()
    assert slow.ask().number == len(slow) - 1
    free, _ = slow.history.free_numbers(1)
    assert free == len(slow)
    _proved(slow)


def test_a_batch_is_cut_at_the_first_configuration_that_was_asked_for_meanwhile() -> None:
    space = lt.Space({"n": lt.Int(1, 9)})
    store = Memory()
    slow, fast = Process(store, First(), space, "slow"), Process(store, First(), space, "fast")
    slow.claim(4)
    slow.think()
    fast.given({"n": 3})
    slow.settle()
    assert slow.claimed is not None
    assert (slow.claimed.number, slow.claimed.count, slow.claimed.again) == (2, 2, 1)
    slow.think()
    slow.settle()
    assert [trial.config["n"] for trial in slow.log.history.trials] == [3, 1, 2, 4, 5]
    assert [e.batch for e in slow.log.history.events if isinstance(e, Asked)] == [None, (1, 4), (1, 4), (3, 2), (3, 2)]
    check(slow)


def test_a_claim_that_finds_fewer_than_it_wanted_gives_the_rest_back() -> None:
    space = lt.Space({"n": lt.Int(1, 3)})
    slow = Process(Memory(), First(), space, "slow")
    slow.claim(5)
    slow.think()
    slow.settle()
    history = slow.log.history
    assert len(history) == 3 and not history.claims and history.free_numbers(9) == (3, 2)
    slow.claim()
    with pytest.raises(SpaceExhausted):
        slow.think()
    check(slow)


def test_a_proposal_for_a_space_that_was_changed_meanwhile_is_drawn_anew(hooks: list[Callable[[], Any]]) -> None:
    slow, fast = _studies(Interrupted(), lt.Random(), space={"x": lt.Float(0, 1)})
    hooks.append(lambda: fast.tell(fast.ask(), 1.0))
    slow.ask()

    def change() -> None:
        hooks.clear()
        fast.change({"x": lt.Float(0, 1), "y": lt.Int(1, 3, default=1)})

    hooks[:] = [change]
    assert set(slow.ask().params) == {"x", "y"}
    _proved(slow)


def test_what_a_proposal_may_spend_is_of_the_scheduler_of_its_process(hooks: list[Callable[[], Any]]) -> None:
    rungs = {"fidelity": lt.Fidelity("epochs", 1, 9)}
    store, space = Memory(), {"x": lt.Float(0, 1)}
    slow, fast = (
        lt.Study("s", space, minimize="loss", store=store, seed=4, method=method, stop=rule, **rungs)
        for method, rule in ((Interrupted(), lt.Hyperband()), (lt.Random(), lt.ASHA()))
    )
    hooks.append(fast.ask)
    for _ in range(16):
        slow.ask()
    hooks.clear()
    asked = [event for event in slow.history.events if isinstance(event, Asked)]
    assert {event.until for event in asked if event.claim is not None} == {1, 3, 9}, "of the brackets of Hyperband"
    assert slow.verify().ok, slow.verify().mismatches


def test_the_same_may_be_tried_again_where_the_study_is_noisy() -> None:
    space = lt.Space({"n": lt.Int(1, 2)})
    store = Memory()
    slow, fast = Process(store, First(), space, "slow", noisy=True), Process(store, First(), space, "fast", noisy=True)
    slow.claim()
    slow.think()
    fast.ask()
    slow.settle()
    assert slow.claimed is None and [trial.config["n"] for trial in slow.log.history.trials] == [1, 1]


def test_a_limit_counts_what_others_think_of(hooks: list[Callable[[], Any]]) -> None:
    store = Memory()
    one, other = (Process(store, lt.Random(), SPACE, name, limit=3) for name in ("one", "other"))
    one.claim(2)
    assert other.decider.begin(other.log.refresh(), 5) is None
    other.claim(5)
    assert other.claimed is not None and other.claimed.count == 1
    assert one.decider.begin(one.log.refresh(), 1) == []
    other.reap(dead="one")
    other.claimed, _ = None, other.give_up()
    assert one.decider.begin(one.log.refresh(), 1) is None
    one.claimed = None
    other.claim(9)
    assert other.claimed is not None and (other.claimed.number, other.claimed.count) == (0, 3)
    other.think()
    other.settle()
    assert len(other.log.history) == 3
    check(other)


# --- law 1: one worker, killed anywhere ----------------------------------------------------------------


@pytest.mark.parametrize(
    "method",
    [
        pytest.param(lt.Random(), marks=pytest.mark.slow),
        pytest.param(lt.Bayes(lt.Parzen(), initial=6), marks=pytest.mark.slow),
        pytest.param(lt.Auto(), marks=pytest.mark.slow),
    ],
    ids=lambda method: type(method).__name__,
)
def test_a_run_that_claims_and_is_killed_at_any_event_ends_like_one_that_neither_claims_nor_dies(
    method: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = open_study(Memory(), method)
    expected.run(objective, trials=20)
    monkeypatch.setattr(Claims, "_are_wanted", lambda self, decider, tries: True)
    counted = DyingStore(Memory())
    open_study(counted, method).run(objective, trials=20)
    stride = 1 if isinstance(method, lt.Random) else 7 if isinstance(method, lt.Bayes) else 29
    for number in range(1, counted.appends + 1, stride):
        for after in (False, True):
            store = Memory()
            die_at(store, number, after, method, trials=20)
            study = open_study(store, method)
            study.run(objective, trials=20)
            assert outline(study) == outline(expected)
            assert any(isinstance(event, Claimed) for event in _proved(study))


# --- any order of anything ---------------------------------------------------------------------------

SPACE = lt.Space({"n": lt.Int(1, 8), "kind": lt.Choice("a", "b", "c")})
SEED = 4


class Process:
    """A process of a study, step by step: what it claims, what it thinks, what it appends then.

    Args:
        store: that of the study.
        method: proposes.
        space: of the study.
        name: under which it claims.
    """

    def __init__(
        self, store: Store, method: Any, space: lt.Space, name: str, *, noisy: bool = False, limit: int | None = None
    ) -> None:
        self.log = StudyLog(store, "s", space)
        self.name = name
        configured = Configured(to_plain(method), None, None)
        self.decider = Decider(method, configured, Key.of(SEED), Memo(), name, 10.0, limit, name, 10.0)
        self.claimed: Claim | None = None
        self.proposals: tuple[Proposal, ...] | None = None
        if store.names():
            self.log.refresh()
        else:
            self.log.commit(lambda history: [Created("s", space.to_plain(), (("loss", False),), SEED, noisy)])

    def claim(self, count: int = 1) -> None:
        """Claim numbers."""

        def decide(history: History) -> list[Event]:
            events, self.claimed = self.decider.claim(history, count)
            return events

        self.log.refresh()
        self.log.commit(decide)

    def think(self) -> None:
        """Think of the present claim, where there is one."""
        if self.claimed is not None and self.proposals is None:
            try:
                self.proposals = self.decider.think(self.claimed)
            except SpaceExhausted:
                self.give_up()
                raise

    def settle(self) -> None:
        """Append what was thought."""
        if self.claimed is None or self.proposals is None:
            return
        claim, proposals, next_claim = self.claimed, self.proposals, None

        def decide(history: History) -> list[Event]:
            nonlocal next_claim
            events, next_claim = self.decider.settle(history, claim, proposals)
            return events

        self.log.commit(decide)
        self.claimed, self.proposals = next_claim, None

    def give_up(self) -> None:
        """Give the claim back."""
        claim, self.claimed, self.proposals = self.claimed, None, None
        if claim is not None:
            self.log.commit(lambda history: self.decider.give_up(history, claim))

    def ask(self, count: int = 1) -> None:
        """Ask without a claim."""
        self.log.refresh()
        self.log.commit(lambda history: self.decider.propose(history, count))

    def given(self, *configs: Any) -> None:
        """Begin trials of these configurations."""
        self.log.refresh()
        self.log.commit(lambda history: self.decider.given(history, configs))

    def reap(self, dead: str) -> None:
        """Take back what a process holds that died."""
        self.log.refresh()

        def decide(history: History) -> list[Event]:
            leases = LeaseReader(self.log.stamps, 0.0, lambda owner: owner == dead, lambda number, token: None)
            return reap(history, leases)

        self.log.commit(decide)


def check(process: Process) -> None:
    """Check numbers, laws 2 and 5, and that no two proposals have the same randomness."""
    history = process.log.refresh()
    assert [trial.number for trial in history.trials] == list(range(len(history)))
    assert not history.claims or history.claimed
    proposed = [event for event in history.events if isinstance(event, Asked) and event.origin == "method"]
    drawn = [(event.first if event.claim is None else event.claim) + event.place for event in proposed]
    assert len(set(drawn)) == len(drawn)
    identities = [history.space.identity(event.config) for event in proposed]
    assert len(set(identities)) == len(identities)
    found = verify(history.begin(), history.events, Key.of(SEED), (process.decider.method,))
    assert found.ok and found.proved == len(proposed)


class ClaimMachine(RuleBasedStateMachine):
    """Four processes of one study, two of which always want the same points, in any order of their steps."""

    def __init__(self) -> None:
        super().__init__()
        self.store = Memory()
        self.deaths = 0
        self.processes = [self._process(who) for who in range(4)]

    def _process(self, who: int) -> Process:
        self.deaths += 1
        return Process(self.store, First() if who < 2 else lt.Random(), SPACE, f"{who}, life {self.deaths}")

    @rule(who=st.integers(0, 3), count=st.integers(1, 3))
    def claim(self, who: int, count: int) -> None:
        if self.processes[who].claimed is None:
            self.processes[who].claim(count)

    @rule(who=st.integers(0, 3))
    def think(self, who: int) -> None:
        try:
            self.processes[who].think()
        except SpaceExhausted:
            assert len(self.processes[who].log.refresh()) >= 24

    @rule(who=st.integers(0, 3))
    def settle(self, who: int) -> None:
        self.processes[who].settle()

    @rule(who=st.integers(0, 3), count=st.integers(1, 2))
    def ask(self, who: int, count: int) -> None:
        try:
            self.processes[who].ask(count)
        except SpaceExhausted:
            assert len(self.processes[who].log.refresh()) >= 24

    @rule(who=st.integers(0, 3), n=st.integers(1, 8), kind=st.sampled_from("abc"))
    def given(self, who: int, n: int, kind: str) -> None:
        history = self.processes[who].log.refresh()
        config = {"n": n, "kind": kind}
        if not history.has(SPACE.identity(config)):
            self.processes[who].given(config)

    @precondition(lambda self: any(process.log.history.running for process in self.processes))
    @rule(who=st.integers(0, 3), data=st.data())
    def tell(self, who: int, data: st.DataObject) -> None:
        log = self.processes[who].log
        running = log.refresh().running
        if running:
            number = data.draw(st.sampled_from(running))
            log.commit(lambda history: [Told(number, 0, "done", {"loss": float(number)})])

    @rule(who=st.integers(0, 3), by=st.integers(1, 3))
    def die(self, who: int, by: int) -> None:
        dead, self.processes[who] = self.processes[who], self._process(who)
        self.processes[(who + by) % 4].reap(dead.name)

    @invariant()
    def what_is_claimed_is_what_is_thought_of(self) -> None:
        history = self.processes[0].log.refresh()
        thought = [process.claimed for process in self.processes if process.claimed is not None]
        assert sorted(token for token, _ in history.claims) == sorted(claim.token for claim in thought)
        assert history.claimed == sum(claim.count for claim in thought)
        assert [trial.number for trial in history.trials] == list(range(len(history)))

    def teardown(self) -> None:
        """Laws 2 and 5; and whoever still thinks gets its proposals in."""
        for process in self.processes:
            for _ in range(RETHINKS + 2):
                try:
                    process.think()
                except SpaceExhausted:
                    break
                process.settle()
            assert process.claimed is None
        for process in self.processes[::2]:
            check_all(process, self.processes)


def check_all(process: Process, processes: list[Process]) -> None:
    """Check a log to which two methods have written."""
    history = process.log.refresh()
    known = [one.decider.method for one in processes]
    proposed = [event for event in history.events if isinstance(event, Asked) and event.origin == "method"]
    found = verify(history.begin(), history.events, Key.of(SEED), known)
    assert found.ok and found.proved == len(proposed)
    drawn = [(event.first if event.claim is None else event.claim) + event.place for event in proposed]
    assert len(set(drawn)) == len(drawn)
    identities = [history.space.identity(event.config) for event in history.events if isinstance(event, Asked)]
    assert len(set(identities)) == len(identities)


TestClaims = ClaimMachine.TestCase
TestClaims.settings = settings(max_examples=examples(60), stateful_step_count=40, deadline=None)
