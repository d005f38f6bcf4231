"""Which member of a portfolio makes a proposal, as a function of the log."""

from __future__ import annotations

import numpy as np
import pytest

from luthier.acquisition.analytic import EI, PI, UCB
from luthier.acquisition.hedge import Hedge
from luthier.event import Changed
from luthier.key import Key
from luthier.memo import Memo
from luthier.method import Bayes
from luthier.method.bayesian.acquisition_optimizer import AcquisitionOptimizer
from luthier.method.bayesian.portfolio import member_reward, select_member
from luthier.space import Float, Space
from luthier.surrogate.gp.model import GP
from luthier.testing.methods import Drive, replay, tuning_space
from luthier.trial import Reason

BRIEF = AcquisitionOptimizer(scattered=60, nearby=40, rounds=1, climbers=2, tries=5)
FAST = GP(steps=4, growth=1.5)
MEMBERS = (EI(), UCB(0.0), UCB(50.0))
SPACE = Space({"x": Float(0, 1), "y": Float(0, 1)})


def hedge(*members, eta=None) -> Bayes:
    return Bayes(FAST, Hedge(members or MEMBERS, eta), initial=3, search=BRIEF)


def bowl(config) -> float:
    return (config["x"] - 0.3) ** 2 + (config["y"] - 0.6) ** 2


def test_rewards() -> None:
    seen = np.array([4.0, 1.0, 2.0, 9.0, 3.0])
    np.testing.assert_allclose(member_reward(np.array([0.5, 1.0, 2.0, 3.0, 8.0]), seen), [1.0, 1.0, 0.5, 0.0, 0.0])
    assert not member_reward(np.array([1.0, 0.0]), np.ones(4)).any()


def test_the_note_says_who_proposed_and_what_all_nominated() -> None:
    drive = Drive(tuning_space(), hedge())
    drive.run(6)
    for trial in drive.history.trials[3:]:
        note = trial.note
        assert set(note["nominees"]) == set(map(repr, MEMBERS)) and note["arm"] in note["nominees"]
        assert 0.0 < note["chance"] <= 1.0
        point = [np.nan if u is None else u for u in note["nominees"][note["arm"]]]
        assert drive.history.space.decode(np.array([point]))[0].keys() == trial.config.keys()
    assert drive.history.trials[3].note["chance"] == pytest.approx(1 / 3)


def test_whoever_nominates_well_proposes_more_often() -> None:
    """On a bowl, the mean finds the bottom; a bound of 50 standard deviations looks for what is unknown."""
    counts = {repr(member): 0 for member in MEMBERS}
    chances = []
    for seed in range(3):
        drive = Drive(SPACE, hedge(), seed=seed, loss=bowl)
        drive.run(25)
        for trial in drive.history.trials[10:]:
            counts[trial.note["arm"]] += 1
        chances.append(drive.history.trials[-1].note)
    assert counts[repr(UCB(50.0))] < 0.25 * 45 < counts[repr(EI())] + counts[repr(UCB(0.0))]
    assert all(note["chance"] > 1 / 3 for note in chances if note["arm"] != repr(UCB(50.0)))


def test_what_does_not_count() -> None:
    """Trials that are running, imported, nominated by other members, or in another space."""
    drive = Drive(SPACE, hedge(), loss=bowl)
    drive.add({"x": 0.5, "y": 0.5})
    drive.add({"x": 0.1, "y": 0.2}, "enqueued")
    drive.run(4)
    running = drive.ask(2)
    assert drive.propose()[0].note["chance"] != pytest.approx(1 / 3)  # trial 3 counts
    before = drive.propose()[0].note
    drive.tell(running[0], Reason.FAILED)
    assert drive.propose()[0].note["chance"] != before["chance"]  # a crash has nominees, too
    others = drive.resumed(drive.history.length, hedge(PI(), EI()))
    assert others.propose()[0].note["chance"] == pytest.approx(0.5)
    drive.history = drive.history.apply(Changed(Space({"x": Float(0, 2), "y": Float(0, 1)}).to_plain()))
    assert drive.propose()[0].note["chance"] == pytest.approx(1 / 3)
    replay(drive)


class Recorder:
    """A portfolio that writes down the rewards it is given."""

    acquisitions = MEMBERS

    def chances(self, rewards):
        self.rewards = rewards
        return np.array([0.0, 1.0, 0.0])


def test_all_nominees_of_finished_trials_are_rewarded_by_the_present_model() -> None:
    drive = Drive(SPACE, hedge(), loss=bowl)
    drive.run(8)
    drive.ask(2)
    history, names, recorder = drive.history, list(map(repr, MEMBERS)), Recorder()
    data = history.data(history.problem())
    model = FAST.fit(data, Key.of(0), Memo())
    nominated = [data.x[place : place + 2] for place in range(3)]
    arm, note = select_member(recorder, names, nominated, history, SPACE, model, data, Key.of(1))
    assert recorder.rewards.shape == (5, 3)  # of trials 3 to 7: those before are of the design, those after run
    noted = np.array([[history.trial(number).note["nominees"][name] for name in names] for number in range(3, 8)])
    means = model.moments(noted.reshape(15, 2)).mean.reshape(5, 3)
    np.testing.assert_allclose(recorder.rewards, member_reward(means, model.moments(data.x).mean))
    assert (arm, note.arm, note.chance) == (1, repr(UCB(0.0)), 1.0)
    np.testing.assert_allclose(list(note.nominees.values()), data.x[:3], atol=1e-9)


def test_members_draw_on_the_seed() -> None:
    arms = {tuple(t.note.get("arm", "") for t in _ran(seed).history.trials) for seed in range(4)}
    assert len(arms) > 1


def _ran(seed) -> Drive:
    drive = Drive(SPACE, hedge(), seed=seed, loss=bowl)
    drive.run(8)
    return drive
